//! Messages: say something, and read what was said.

use std::net::IpAddr;

use super::{rooms::membership, store_failed};
use crate::{
    protocol::{
        Ack, ClientId, Code, Event, HistoryPage, HistoryQuery, MemberId, MessageBody, Problem, Retention, RoomCode,
        RoomType, SendMessage, Seq, limits,
    },
    server::{
        app::{App, Visitor},
        room::{Command, Reply, Sight},
        socket::Connection,
        store::{ActorId, MemberRecord, RoomId},
        text,
    },
};

/// Says something and waits until it is in the log. The same id again gives the same answer and no second message.
pub async fn send(app: &App, visitor: &Visitor, message: SendMessage) -> Result<Ack, Problem> {
    let code: RoomCode = message.code.parse()?;
    let body = read_body(&message.body)?;
    let actor = visitor.actor()?.id();
    let (room, member) = membership(app, actor, code).await?;
    if message.member_id.is_some_and(|meant| meant != member.member) {
        return Err(Problem::new(Code::NotAMember, "You are somebody else in this room by now. Nothing was sent."));
    }
    app.engine.attend(&member);
    app.limits.send(actor)?;
    if room.retention == Retention::Preserved {
        app.storing.keep(visitor.client, actor, room.id, body.as_str().len()).await?;
    }
    let command = Command::Say { member: member.member, id: message.id, body };
    Ok(app.engine.command(room.id, command).await?.ack(message.id))
}

/// A member of a room, as a socket that follows it knows them.
#[derive(Clone, Copy, Debug)]
pub struct Speaker {
    /// Who, across rooms.
    pub actor: ActorId,
    /// Where.
    pub room: RoomId,
    /// Who, in the room. Whether they still are in it, the log decides.
    pub member: MemberId,
    /// Where their socket comes from.
    pub client: IpAddr,
}

/// Says something from a socket; the ack or the refusal goes to its queue. Messages of one socket keep their order: who says
/// more than they may is read from more slowly, since a refusal would let what they said after that go first.
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
        // What a budget refuses is not lost: the page has it, and can send it again.
        app.storing.keep(speaker.client, speaker.actor, speaker.room, body.as_str().len()).await?;
    }
    let reply = Reply::Socket { connection: connection.clone(), code, id };
    app.engine.submit(speaker.room, Command::Say { member: speaker.member, id, body }, reply).await;
    Ok(())
}

/// Notes on a socket that everything up to there has been read.
pub async fn read_from_socket(app: &App, speaker: Speaker, connection: &Connection, seq: Seq) {
    app.engine.read(speaker.room, connection.id(), seq).await;
}

/// A page of history, newest first: all that was preserved (in a room for two, since the asker's stay began), and of the rest
/// what happened while the asker was in the room, as long as the tail has it.
pub async fn history(app: &App, visitor: &Visitor, query: HistoryQuery) -> Result<HistoryPage, Problem> {
    let code: RoomCode = query.code.parse()?;
    let limit = query.limit.unwrap_or(limits::HISTORY_PAGE);
    if !(1..=limits::HISTORY_PAGE).contains(&limit) {
        let reason = format!("A page has 1 to {} events.", limits::HISTORY_PAGE);
        return Err(Problem::invalid("limit", reason));
    }
    // Stores count in signed numbers; no log is as long as that.
    let before = query.before.map(|seq| seq.min(i64::MAX.cast_unsigned()));
    let (room, member) = membership(app, visitor.actor()?.id(), code).await?;
    app.engine.attend(&member);
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

/// What of a tail a member may see. If the bus is away the archive still answers.
async fn unkept(app: &App, member: &MemberRecord, before: Option<Seq>, limit: usize) -> Vec<Event> {
    if member.since == 0 {
        return Vec::new();
    }
    let events = app.bus.tail_before(member.room, member.since, before, limit).await.unwrap_or_default();
    if events.len() >= limit || member.stay == 0 {
        return events;
    }
    // They were absent since their stay began: when that was, the whole tail says.
    let Ok(Some(tail)) = app.bus.tail(member.room, member.stay - 1).await else { return events };
    let sight = Sight { member: member.member, stay: member.stay, all_from: member.since };
    let seen = sight.newest_first(tail.events.into_iter().rev(), |event| event);
    seen.filter(|event| before.is_none_or(|before| event.seq < before)).take(limit).collect()
}

/// Whether a member may see what was kept: in a room for two, only since their stay began.
pub(super) fn may_see_kept(room_type: RoomType, member: &MemberRecord, seq: Seq) -> bool {
    let since = member.stays_since();
    room_type == RoomType::Group || (since > 0 && seq >= since)
}

fn read_body(body: &str) -> Result<MessageBody, Problem> {
    text::message(body).map_err(|reason| ("body", reason).into())
}
