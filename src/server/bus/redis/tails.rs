//! Tails: six keys for each room. They share the room's hash tag with its digest (`digests.rs`), and they expire
//! together. Most functions here only build the arguments: the rules of appending and sealing are in the `tail_*.lua`
//! scripts.
//!
//! - `tail`: a stream. Its entry ids are `<seq>-0`, and each entry has one field, the event as JSON.
//! - `meta`: a hash of `epoch`, `head`, `n` and `bytes` (an upper bound of the events' bytes); also `sealed_by` once
//!   the tail is sealed.
//! - `ids`: a hash from `<author>:<client id>` to the [`Remembered`] of the message.
//! - `idq`: a list of the keys of `ids`, oldest first, so that the oldest id can be dropped first.
//! - `reacted`: a stream like `tail`, of the `reacted` events. They have a limit of their own.
//! - `state`: a hash from entry ids of `tail` to messages as JSON, with their reactions. An entry of a stream cannot be
//!   changed, and reactions are too frequent to write the stream anew. Where a message is here, this is the message.

use std::sync::LazyLock;

use anyhow::{Context, anyhow};
use redis::{Pipeline, Script, cmd};

use super::{
    super::{
        Result, TAIL_BYTES, TAIL_EVENTS, TAIL_IDS, TAIL_LIFE, TAIL_REACTED, Tail, TailAppended,
        batch::{Batch, Remembered, key_of},
        is_reacted,
    },
    RedisBus, packets,
};
use crate::{
    protocol::{Epoch, Event, Message, Person, Seq},
    server::store::{Earlier, RoomId, event_of_tail},
};

static APPEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("tail_append.lua")));
static BEFORE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("tail_before.lua")));
static REMOVE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("tail_remove.lua")));
static READ: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("tail_read.lua")));
static REWRITE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("tail_rewrite.lua")));
static SEAL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("tail_seal.lua")));

/// The answer of `tail_read.lua`: epoch, head, n, who sealed it (as JSON, or empty), events (as JSON).
type Read = (u64, Seq, u64, String, Vec<String>);

pub(super) async fn open(bus: &RedisBus, room: RoomId, epoch: Epoch, head: Seq, n: u64, after: Seq) -> Result<Tail> {
    let mut script = READ.key(&keys(bus, room));
    script.arg(after).arg(epoch.get()).arg(head).arg(n).arg(life_in_millis());
    to_tail(bus.link.run(&script).await?)
}

pub(super) async fn read(bus: &RedisBus, room: RoomId, after: Seq) -> Result<Option<Tail>> {
    let read: Option<Read> = bus.link.run(READ.key(&keys(bus, room)).arg(after)).await?;
    read.map(to_tail).transpose()
}

pub(super) async fn read_before(
    bus: &RedisBus,
    room: RoomId,
    from: Seq,
    before: Option<Seq>,
    limit: usize,
) -> Result<Vec<Event>> {
    if limit == 0 || before.is_some_and(|before| before <= from) {
        return Ok(Vec::new());
    }
    let end = before.map_or_else(|| "+".to_owned(), |before| format!("({before}-0"));
    let mut script = BEFORE.key(&keys(bus, room));
    script.arg(end).arg(format!("{from}-0")).arg(limit);
    let events: Vec<String> = bus.link.run(&script).await?;
    events.iter().map(|json| event_of(json)).collect()
}

pub(super) async fn heads(bus: &RedisBus, rooms: &[RoomId]) -> Result<Vec<(RoomId, Epoch, Seq)>> {
    if rooms.is_empty() {
        return Ok(Vec::new());
    }
    let mut ask = Pipeline::with_capacity(rooms.len());
    for room in rooms {
        let [_, meta, ..] = keys(bus, *room);
        ask.cmd("HMGET").arg(meta).arg("epoch").arg("head");
    }
    let heads: Vec<(Option<u64>, Option<Seq>)> = bus.link.query_all(&ask).await?;
    let known = rooms.iter().zip(heads).filter_map(|(room, head)| Some((*room, Epoch::from_bits(head.0?), head.1?)));
    Ok(known.collect())
}

pub(super) async fn append(
    bus: &RedisBus,
    room: RoomId,
    epoch: Epoch,
    batch: Batch<'_>,
    changed: &[Event],
    packet: &[u8],
) -> Result<TailAppended> {
    let mut script = APPEND.key(&keys(bus, room));
    script.arg(epoch.get()).arg(batch.follows).arg(batch.head);
    script.arg(batch.n.map(|n| n.to_string()).unwrap_or_default());
    script.arg(life_in_millis()).arg(TAIL_EVENTS).arg(TAIL_IDS);
    script.arg(packets::channel(&bus.prefix, room)).arg(packet).arg(TAIL_BYTES).arg(TAIL_REACTED);
    for event in batch.events {
        script.arg(event.seq).arg(to_json(event)?);
        match event.message() {
            Some(message) => {
                script.arg(message_key(message)).arg(Remembered::of(event, message).to_text());
            }
            None => {
                script.arg("").arg(if is_reacted(event) { "reacted" } else { "" });
            }
        }
    }
    let how = if batch.events.iter().all(is_reacted) { "state" } else { "instead" };
    for event in changed {
        script.arg(event.seq).arg(to_json(event)?).arg("").arg(how);
    }
    let answer: Vec<String> = bus.link.run(&script).await?;
    to_appended(&answer, batch.events)
}

pub(super) async fn earlier(bus: &RedisBus, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<Option<Earlier>> {
    let messages: Vec<_> =
        events.iter().enumerate().filter_map(|(index, event)| Some((index, event.message()?))).collect();
    if messages.is_empty() {
        return Ok(None);
    }
    let [_, meta, ids, ..] = keys(bus, room);
    let mut ask = Pipeline::with_capacity(2);
    ask.cmd("HGET").arg(meta).arg("epoch");
    ask.cmd("HMGET").arg(ids);
    for (_, message) in &messages {
        ask.arg(message_key(message));
    }
    let (of, remembered): (Option<u64>, Vec<Option<String>>) = bus.link.query_all(&ask).await?;
    if of != Some(epoch.get()) {
        return Ok(None);
    }
    let found = messages.iter().zip(remembered).find_map(|((index, message), text)| Some((*index, message, text?)));
    let Some((index, message, text)) = found else { return Ok(None) };
    let remembered = Remembered::from_text(&text).ok_or_else(|| anyhow!("an id is remembered wrongly"))?;
    Ok(Some(remembered.earlier(index, &message.body)))
}

pub(super) async fn seal(bus: &RedisBus, room: RoomId, epoch: Epoch, head: Seq, by: &Person) -> Result<TailAppended> {
    let mut script = SEAL.key(&keys(bus, room));
    script.arg(epoch.get()).arg(head).arg(to_json(by)?).arg(life_in_millis());
    let answer: Vec<String> = bus.link.run(&script).await?;
    to_appended(&answer, &[])
}

pub(super) async fn rewrite(bus: &RedisBus, room: RoomId, epoch: Epoch, events: &[Event]) -> Result<()> {
    let mut script = REWRITE.key(&keys(bus, room));
    script.arg(epoch.get());
    for event in events {
        script.arg(event.seq).arg(to_json(event)?);
    }
    bus.link.run(&script).await
}

pub(super) async fn remove(bus: &RedisBus, room: RoomId, epoch: Epoch, head: Seq) -> Result<()> {
    let mut script = REMOVE.key(&keys(bus, room));
    script.key(key(bus, room, "digest")).arg(epoch.get()).arg(head);
    bus.link.run(&script).await
}

pub(super) async fn forget(bus: &RedisBus, room: RoomId) -> Result<()> {
    let mut delete = cmd("DEL");
    delete.arg(&keys(bus, room)).arg(key(bus, room, "digest"));
    bus.link.query(&delete).await
}

/// The key of a message in `ids`.
fn message_key(message: &Message) -> String {
    let (author, id) = key_of(message);
    format!("{author}:{id}")
}

fn keys(bus: &RedisBus, room: RoomId) -> [String; 6] {
    ["tail", "meta", "ids", "idq", "reacted", "state"].map(|part| key(bus, room, part))
}

/// The name of a key of a room. The hash tag puts all keys of a room into one slot.
pub(super) fn key(bus: &RedisBus, room: RoomId, part: &str) -> String {
    format!("{}:{{{room}}}:{part}", bus.prefix)
}

pub(super) fn life_in_millis() -> u64 {
    u64::try_from(TAIL_LIFE.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn to_json(value: &impl serde::Serialize) -> Result<String> {
    Ok(serde_json::to_string(value).context("cannot be written as JSON")?)
}

fn from_json<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    Ok(serde_json::from_str(json).context("a tail has what is no JSON of ours")?)
}

fn event_of(json: &str) -> Result<Event> {
    Ok(event_of_tail(json).context("a tail has an event that is none of ours")?)
}

fn to_tail((epoch, head, n, sealed_by, events): Read) -> Result<Tail> {
    let mut events = events.iter().map(|json| event_of(json)).collect::<Result<Vec<Event>>>()?;
    events.sort_by_key(|event| event.seq);
    Ok(Tail {
        epoch: Epoch::from_bits(epoch),
        head,
        n,
        sealed_by: (!sealed_by.is_empty()).then(|| from_json(&sealed_by)).transpose()?,
        events,
    })
}

fn to_appended(answer: &[String], events: &[Event]) -> Result<TailAppended> {
    let answer: Vec<_> = answer.iter().map(String::as_str).collect();
    let taken = |index: &str, earlier: &str| {
        let index = index.parse().ok()?;
        let message = events.get(index).and_then(Event::message)?;
        Some(TailAppended::IdTaken(Remembered::from_text(earlier)?.earlier(index, &message.body)))
    };
    match answer[..] {
        ["done"] => Ok(TailAppended::Done),
        ["stale"] => Ok(TailAppended::Stale),
        ["sealed"] => Ok(TailAppended::Sealed),
        ["lost"] => Ok(TailAppended::Lost),
        ["taken", index, earlier] => Ok(taken(index, earlier).ok_or_else(|| anyhow!("an id is remembered wrongly"))?),
        _ => Err(anyhow!("a tail gave an answer of another version").into()),
    }
}
