//! Messages: sending, editing and deleting one (by REST or from a socket), marking messages as read, and reading pages
//! of history.

use std::net::IpAddr;

use super::{errors::store_failed, rooms::membership};
use crate::{
    protocol::{
        Ack, ClientId, Code, Emoji, Event, HistoryPage, HistoryQuery, MemberId, MessageBody, Problem, Quotes,
        QuotesQuery, Retention, RoomCode, RoomType, SendMessage, Seq, Target, Touched, limits,
    },
    server::{
        app::{App, Visitor},
        bus::TAIL_EVENTS,
        metrics::Stopwatch,
        room::{Calls, Change, Command, Done, Reply, Sight, Touch},
        socket::Connection,
        store::{ActorId, MemberRecord, RoomId, RoomRecord},
        text,
    },
};

/// The most events of one read for a page of history.
const MOST_AT_ONCE: usize = 500;

/// Sends a message and waits until it is in the log. Repeating a message id returns the first answer and adds no
/// message.
pub async fn send(app: &App, visitor: &Visitor, message: SendMessage) -> Result<Ack, Problem> {
    let code: RoomCode = message.code.parse()?;
    let body = read_body(&message.body)?;
    let calls = read_calls(message.mentions, message.everyone)?;
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
    let command = Command::Say { member: member.member, id: message.id, body, reply_to: message.reply_to, calls };
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

/// A message from a socket, unchecked.
pub struct Said {
    pub id: ClientId,
    pub body: String,
    pub reply_to: Option<Target>,
    pub mentions: Vec<MemberId>,
    pub everyone: bool,
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
    Said { id, body, reply_to, mentions, everyone }: Said,
) -> Result<(), Problem> {
    let body = read_body(&body)?;
    let calls = read_calls(mentions, everyone)?;
    app.limits.send_in_turn(speaker.actor).await?;
    if app.engine.is_kept(speaker.room) {
        // A message that a storage budget refuses is not lost: the page still has it and can send it again.
        app.storage_budgets.keep(speaker.client, speaker.actor, speaker.room, body.as_str().len()).await?;
    }
    let reply = Reply::Socket { connection: connection.clone(), code, id, accepted: Stopwatch::start() };
    app.engine.submit(speaker.room, Command::Say { member: speaker.member, id, body, reply_to, calls }, reply).await;
    Ok(())
}

/// A change of a message that a client asks for, unchecked.
pub enum Wish {
    /// Another text.
    Edit {
        body: String,
        /// The seq of the last edit that the client has seen, if it names one.
        after: Option<Seq>,
        mentions: Vec<MemberId>,
        everyone: bool,
    },
    /// The message is to be deleted.
    Delete,
    /// The emoji is to be at the message, or not.
    React(String, bool),
}

/// Changes an earlier message, and waits until the change is in the log. A change that is there already is a success.
pub async fn touch(
    app: &App,
    visitor: &Visitor,
    code: RoomCode,
    target: Target,
    wish: Wish,
) -> Result<Touched, Problem> {
    let (room, command) = read_touch(app, visitor.actor()?.id(), visitor.client, code, target, wish).await?;
    let Done { seq, at } = app.engine.command(room, command).await?;
    Ok(Touched { seq, at })
}

/// The same from a socket. The ack or the refusal, with this id, is queued on the socket.
pub async fn touch_from_socket(
    app: &App,
    speaker: Speaker,
    connection: &Connection,
    code: RoomCode,
    id: ClientId,
    target: Target,
    wish: Wish,
) -> Result<(), Problem> {
    let (room, command) = read_touch(app, speaker.actor, speaker.client, code, target, wish).await?;
    let reply = Reply::Socket { connection: connection.clone(), code, id, accepted: Stopwatch::start() };
    app.engine.submit(room, command, reply).await;
    Ok(())
}

/// Checks a wish, and everything about it but what the log says of the message.
async fn read_touch(
    app: &App,
    actor: ActorId,
    client: IpAddr,
    code: RoomCode,
    target: Target,
    wish: Wish,
) -> Result<(RoomId, Command), Problem> {
    let change = match wish {
        Wish::Edit { body, after, mentions, everyone } => {
            Change::Edit { body: read_body(&body)?, after, calls: read_calls(mentions, everyone)? }
        }
        Wish::Delete => Change::Delete,
        Wish::React(emoji, on) => Change::React { e: read_emoji(&emoji)?, on },
    };
    let (room, member) = membership(app, actor, code).await?;
    app.engine.renew_lease(&member);
    let bytes = match &change {
        Change::React { e, .. } => {
            app.limits.react(actor).await?;
            Some(e.as_str().len())
        }
        Change::Edit { body, .. } => {
            app.limits.touch(actor).await?;
            Some(body.as_str().len())
        }
        Change::Delete => {
            app.limits.touch(actor).await?;
            None
        }
    };
    if let (Retention::Preserved, Some(bytes)) = (room.retention, bytes) {
        app.storage_budgets.keep(client, actor, room.id, bytes).await?;
    }
    // Stores use signed integers. No log is that long.
    let target = Target { seq: target.seq.min(i64::MAX.cast_unsigned() - 1), ..target };
    let touch = Touch { member: member.member, also: member.also, target, change, found: None };
    Ok((room.id, Command::Touch(touch)))
}

/// Marks everything up to `seq` as read.
pub async fn read_from_socket(app: &App, speaker: Speaker, connection: &Connection, seq: Seq) {
    app.engine.read(speaker.room, connection.id(), seq).await;
}

/// A page of history, newest first: what the timeline shows, as it is now. It has all preserved events (in a room for
/// two: since the asker's stay began). Of the events that are not preserved it has those from the asker's time in the
/// room, as far as the room's tail on the bus still has them.
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
    let mut stored = Rows::new(before, limit + 1);
    while stored.add(app.store.events_before(room.id, stored.before, stored.most).await.map_err(store_failed)?) {}
    let mut archived = stored.found;
    archived.retain(|event| may_see_kept(room.room_type, &member, event.seq));
    let mut events = unkept(app, &member, before, limit + 1).await;
    events.extend(archived);
    events.sort_by_key(|event| std::cmp::Reverse(event.seq));
    events.dedup_by_key(|event| event.seq);
    let has_more = events.len() > limit;
    events.truncate(limit);
    let ids: Vec<MemberId> = member.ids().collect();
    for event in &mut events {
        event.cut_for(&ids);
    }
    let quotes = quotes(app, &room, &member, &replied_to(&events)).await?;
    Ok(HistoryPage { events, has_more, quotes })
}

/// The messages with these seqs, with the beginning of their text, as far as the asker may see them.
pub async fn quoted(app: &App, visitor: &Visitor, query: QuotesQuery) -> Result<Quotes, Problem> {
    let code: RoomCode = query.code.parse()?;
    let actor = visitor.actor()?.id();
    let seqs: Result<Vec<Seq>, _> = query.seqs.split(',').take(limits::QUOTES + 1).map(str::parse).collect();
    let seqs = seqs
        .ok()
        .filter(|seqs| seqs.len() <= limits::QUOTES)
        .ok_or_else(|| Problem::invalid("seqs", format!("Name up to {} seqs, separated by commas.", limits::QUOTES)))?;
    let (room, member) = membership(app, actor, code).await?;
    app.engine.renew_lease(&member);
    Ok(Quotes { quotes: quotes(app, &room, &member, &seqs).await? })
}

/// The seqs of the messages that these events reply to and that are not among them.
fn replied_to(events: &[Event]) -> Vec<Seq> {
    let targets = events.iter().filter_map(|event| Some(event.message()?.reply_to?.seq));
    let mut seqs: Vec<Seq> = targets.filter(|seq| events.iter().all(|event| event.seq != *seq)).collect();
    seqs.sort_unstable();
    seqs.dedup();
    seqs
}

/// The messages with these seqs, with the beginning of their text, as far as a member may see them. One read of the
/// store, and one of the bus if the store does not have all.
async fn quotes(app: &App, room: &RoomRecord, member: &MemberRecord, seqs: &[Seq]) -> Result<Vec<Event>, Problem> {
    let (Some(first), Some(last)) = (seqs.iter().min(), seqs.iter().max()) else { return Ok(Vec::new()) };
    let mut found = app.store.events_at(room.id, seqs).await.map_err(store_failed)?;
    found.retain(|event| may_see_kept(room.room_type, member, event.seq));
    if found.len() < seqs.len() && member.since > 0 && *last >= member.since {
        let (from, before) = (member.since.max(*first), last.saturating_add(1));
        let on_bus = app.bus.tail_before(room.id, from, Some(before), TAIL_EVENTS).await.unwrap_or_default();
        found.extend(on_bus.into_iter().filter(|event| seqs.contains(&event.seq)));
    }
    Ok(found.iter().filter_map(text::quote).collect())
}

/// The events of the room's tail that a member may see, newest first. Empty if the bus is unreachable, since the
/// archive can still answer.
async fn unkept(app: &App, member: &MemberRecord, before: Option<Seq>, limit: usize) -> Vec<Event> {
    if member.since == 0 {
        return Vec::new();
    }
    let mut on_bus = Rows::new(before, limit);
    while on_bus
        .add(app.bus.tail_before(member.room, member.since, on_bus.before, on_bus.most).await.unwrap_or_default())
    {}
    let events = on_bus.found;
    if events.len() >= limit || member.stay == 0 {
        return events;
    }
    // The member was absent for a time since their stay began. To know when, the whole tail of the stay has to be read.
    let Ok(Some(tail)) = app.bus.tail(member.room, member.stay - 1).await else { return events };
    let sight = Sight { member: member.member, stay: member.stay, all_from: member.since };
    let seen = sight.newest_first(tail.events.into_iter().rev(), |event| event);
    seen.filter(|event| !event.kind.is_touch() && before.is_none_or(|before| event.seq < before)).take(limit).collect()
}

/// The events before a seq, newest first, that the timeline shows: those of one or several reads, without touches.
struct Rows {
    found: Vec<Event>,
    limit: usize,
    /// Where the next read begins.
    before: Option<Seq>,
    /// The most events of the next read.
    most: usize,
}

impl Rows {
    fn new(before: Option<Seq>, limit: usize) -> Self {
        Self { found: Vec::new(), limit, before, most: limit }
    }

    /// Adds the events of a read. Returns whether another read is needed, because touches were among them.
    fn add(&mut self, events: Vec<Event>) -> bool {
        let is_last = events.len() < self.most;
        self.before = events.last().map(|event| event.seq).or(self.before);
        self.found.extend(events.into_iter().filter(|event| !event.kind.is_touch()));
        self.found.truncate(self.limit);
        self.most = (2 * self.most).min(MOST_AT_ONCE);
        !is_last && self.found.len() < self.limit
    }
}

/// Whether a member may see a preserved event: in a group always, in a room for two only since their stay began.
pub(super) fn may_see_kept(room_type: RoomType, member: &MemberRecord, seq: Seq) -> bool {
    let since = member.stays_since();
    room_type == RoomType::Group || (since > 0 && seq >= since)
}

fn read_calls(members: Vec<MemberId>, everyone: bool) -> Result<Calls, Problem> {
    if members.len() > limits::MENTIONS {
        let reason = format!("A message can mention up to {} people.", limits::MENTIONS);
        return Err(Problem::invalid("mentions", reason));
    }
    Ok(Calls { members, everyone })
}

fn read_emoji(emoji: &str) -> Result<Emoji, Problem> {
    text::emoji(emoji).ok_or_else(|| Problem::invalid("e", "React with one emoji."))
}

fn read_body(body: &str) -> Result<MessageBody, Problem> {
    text::message(body).map_err(|reason| ("body", reason).into())
}
