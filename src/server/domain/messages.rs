//! Messages: sending one (by REST or from a socket), marking messages as read, and reading pages of history.

use std::net::IpAddr;

use super::{errors::store_failed, rooms::membership};
use crate::{
    protocol::{
        Ack, ClientId, Code, Event, HistoryPage, HistoryQuery, MemberId, MessageBody, Problem, Retention, RoomCode,
        RoomType, SendMessage, Seq, limits,
    },
    server::{
        app::{App, Visitor},
        metrics::Stopwatch,
        room::{Command, Reply, Sight},
        socket::Connection,
        store::{ActorId, MemberRecord, RoomId},
        text,
    },
};

/// Sends a message and waits until it is in the log. Repeating a message id returns the first answer and adds no
/// message.
pub async fn send(app: &App, visitor: &Visitor, message: SendMessage) -> Result<Ack, Problem> {
    let code: RoomCode = message.code.parse()?;
    let body = read_body(&message.body)?;
    let actor = visitor.actor()?.id();
    let (room, member) = membership(app, actor, code).await?;
    if message.member_id.is_some_and(|meant| meant != member.member) {
        return Err(Problem::new(Code::NotAMember, "You’re someone else in this room now. Nothing was sent."));
    }
    app.engine.renew_lease(&member);
    app.limits.send(actor)?;
    if room.retention == Retention::Preserved {
        app.storage_budgets.keep(visitor.client, actor, room.id, body.as_str().len()).await?;
    }
    let command = Command::Say { member: member.member, id: message.id, body };
    Ok(app.engine.command(room.id, command).await?.ack(message.id))
}

/// A member of a room, as known to a socket that follows the room.
#[derive(Clone, Copy, Debug)]
pub struct Speaker {
    /// The person's id across rooms.
    pub actor: ActorId,
    pub room: RoomId,
    /// The member's id in the room. The log decides whether the member is still in it.
    pub member: MemberId,
    /// The network address of the socket's client, for quotas.
    pub client: IpAddr,
}

/// Sends a message from a socket. The ack or the refusal is queued on the socket.
///
/// Messages of one socket keep their order. If the sender is over the rate limit, this waits, which delays reading the
/// socket's next frame. A refusal instead would let a later message overtake the refused one.
pub async fn send_from_socket(
    app: &App,
    speaker: Speaker,
    connection: &Connection,
    code: RoomCode,
    id: ClientId,
    body: String,
) -> Result<(), Problem> {
    let body = read_body(&body)?;
    app.limits.send_in_turn(speaker.actor).await?;
    if app.engine.is_kept(speaker.room) {
        // A message that a storage budget refuses is not lost: the page still has it and can send it again.
        app.storage_budgets.keep(speaker.client, speaker.actor, speaker.room, body.as_str().len()).await?;
    }
    let reply = Reply::Socket { connection: connection.clone(), code, id, accepted: Stopwatch::start() };
    app.engine.submit(speaker.room, Command::Say { member: speaker.member, id, body }, reply).await;
    Ok(())
}

/// Marks everything up to `seq` as read.
pub async fn read_from_socket(app: &App, speaker: Speaker, connection: &Connection, seq: Seq) {
    app.engine.read(speaker.room, connection.id(), seq).await;
}

/// A page of history, newest first. It has all preserved events (in a room for two: since the asker's stay began). Of
/// the events that are not preserved it has those from the asker's time in the room, as far as the room's tail on the
/// bus still has them.
pub async fn history(app: &App, visitor: &Visitor, query: HistoryQuery) -> Result<HistoryPage, Problem> {
    let code: RoomCode = query.code.parse()?;
    let limit = query.limit.unwrap_or(limits::HISTORY_PAGE);
    if !(1..=limits::HISTORY_PAGE).contains(&limit) {
        let reason = format!("A page has 1 to {} events.", limits::HISTORY_PAGE);
        return Err(Problem::invalid("limit", reason));
    }
    // Stores use signed integers. No log is that long.
    let before = query.before.map(|seq| seq.min(i64::MAX.cast_unsigned()));
    let (room, member) = membership(app, visitor.actor()?.id(), code).await?;
    app.engine.renew_lease(&member);
    let mut archived = app.store.events_before(room.id, before, limit + 1).await.map_err(store_failed)?;
    archived.retain(|event| may_see_kept(room.room_type, &member, event.seq));
    let mut events = unkept(app, &member, before, limit + 1).await;
    events.extend(archived);
    events.sort_by_key(|event| std::cmp::Reverse(event.seq));
    events.dedup_by_key(|event| event.seq);
    let has_more = events.len() > limit;
    events.truncate(limit);
    Ok(HistoryPage { events, has_more })
}

/// The events of the room's tail that a member may see, newest first. Empty if the bus is unreachable, since the
/// archive can still answer.
async fn unkept(app: &App, member: &MemberRecord, before: Option<Seq>, limit: usize) -> Vec<Event> {
    if member.since == 0 {
        return Vec::new();
    }
    let events = app.bus.tail_before(member.room, member.since, before, limit).await.unwrap_or_default();
    if events.len() >= limit || member.stay == 0 {
        return events;
    }
    // The member was absent for a time since their stay began. To know when, the whole tail of the stay has to be read.
    let Ok(Some(tail)) = app.bus.tail(member.room, member.stay - 1).await else { return events };
    let sight = Sight { member: member.member, stay: member.stay, all_from: member.since };
    let seen = sight.newest_first(tail.events.into_iter().rev(), |event| event);
    seen.filter(|event| before.is_none_or(|before| event.seq < before)).take(limit).collect()
}

/// Whether a member may see a preserved event: in a group always, in a room for two only since their stay began.
pub(super) fn may_see_kept(room_type: RoomType, member: &MemberRecord, seq: Seq) -> bool {
    let since = member.stays_since();
    room_type == RoomType::Group || (since > 0 && seq >= since)
}

fn read_body(body: &str) -> Result<MessageBody, Problem> {
    text::message(body).map_err(|reason| ("body", reason).into())
}
