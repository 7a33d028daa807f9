//! The rows that several nouns read or write: an account, a room, an event, a seq, and the number of changed rows. A
//! row that only one noun reads stays in the file of that noun.

use rusqlite::{Connection, Row, params, types::ValueRef};
use serde::{Deserialize, Serialize};

use super::{
    super::{AccountId, AccountRecord, ActorId, Gone, Result, RoomId, RoomRecord, StoreError},
    columns,
};
use crate::protocol::{Edit, Event, EventKind, Message, Millis, Person, Reaction, Seq, Target};

/// What a message has besides its columns, as JSON in the column `extra`.
#[derive(Serialize, Deserialize)]
struct Extra {
    #[serde(default)]
    rev: Seq,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edited: Option<Edit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted: Option<Person>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<Target>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<Reaction>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mentions: Vec<Person>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    everyone: bool,
}

/// Returns [`NotFound`](StoreError::NotFound) if no row was changed.
pub(super) fn found(changed: usize) -> Result<()> {
    if changed == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}

/// Reads a seq or an ordinal.
pub(super) fn seq(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::cast_unsigned)
}

/// Returns the account with this id.
pub(super) fn find_account(db: &Connection, id: AccountId) -> Result<AccountRecord> {
    Ok(db.prepare_cached("SELECT * FROM accounts WHERE id = ?")?.query_row([id], account)?)
}

/// Returns [`NotFound`](StoreError::NotFound) for an account that does not exist, so that a deleted account cannot join
/// a room or begin a session.
pub(super) fn expect_actor(db: &Connection, actor: ActorId) -> Result<()> {
    match actor {
        ActorId::Guest(_) => Ok(()),
        ActorId::Account(account) => find_account(db, account).map(drop),
    }
}

pub(super) fn account(row: &Row<'_>) -> rusqlite::Result<AccountRecord> {
    Ok(AccountRecord {
        id: row.get("id")?,
        email: row.get("email")?,
        claimed: row.get("claimed")?,
        claimed_at: row.get("claimed_at")?,
        name: row.get("name")?,
        password: row.get("password")?,
        preferences: row.get("preferences")?,
        created_at: row.get("created_at")?,
    })
}

/// Returns the room with this id.
pub(super) fn find_room(db: &Connection, id: RoomId) -> Result<RoomRecord> {
    Ok(db.prepare_cached("SELECT * FROM rooms WHERE id = ?")?.query_row([id], |row| room(row, "name"))?)
}

/// Stores that somebody joined or left. [`NotFound`](StoreError::NotFound) if there is no such room.
pub(super) fn touch_room(db: &Connection, id: RoomId, at: Millis) -> Result<()> {
    let mut touch = db.prepare_cached("UPDATE rooms SET touched_at = max(touched_at, ?2) WHERE id = ?1")?;
    found(touch.execute(params![id, at])?)
}

/// Reads a room. `name` is the column of its name, which differs in queries that also select a member's name.
pub(super) fn room(row: &Row<'_>, name: &str) -> rusqlite::Result<RoomRecord> {
    Ok(RoomRecord {
        id: row.get("id")?,
        code: row.get("code")?,
        room_type: row.get("type")?,
        name: row.get(name)?,
        retention: row.get("preserve")?,
        peek: row.get("peek")?,
        epoch: row.get("epoch")?,
        owner: row.get("owner")?,
        created_at: row.get("created_at")?,
        touched_at: row.get("touched_at")?,
        visited_at: row.get("visited_at")?,
        gone: row.get::<_, Option<Gone>>("gone")?.unwrap_or_default(),
    })
}

/// The value of the column `extra` for a message. `None` for a plain one that no later event has changed.
pub(super) fn extra(message: &Message) -> rusqlite::Result<Option<String>> {
    let Message { rev, edited, deleted, reply_to, reactions, mentions, everyone, .. } = message;
    if *rev == 0 && reply_to.is_none() && mentions.is_empty() && !everyone {
        return Ok(None);
    }
    let extra = Extra {
        rev: *rev,
        edited: *edited,
        deleted: deleted.clone(),
        reply_to: *reply_to,
        reactions: reactions.clone(),
        mentions: mentions.clone(),
        everyone: *everyone,
    };
    columns::json(&extra).map(Some)
}

/// Reads an event from the columns `seq, at, n, author, name, client_id, body, kind, extra`, of which `first` is the
/// first.
pub(super) fn event(row: &Row<'_>, first: usize) -> rusqlite::Result<Event> {
    let message = || {
        let author = Person { id: row.get(first + 3)?, name: row.get(first + 4)? };
        let message = Message::new(seq(row, first + 2)?, row.get(first + 5)?, author, row.get(first + 6)?);
        Ok::<_, rusqlite::Error>(match row.get_ref(first + 8)? {
            ValueRef::Null => message,
            extra => {
                let Extra { rev, edited, deleted, reply_to, reactions, mentions, everyone } =
                    columns::from_json(extra)?;
                Message { rev, edited, deleted, reply_to, reactions, mentions, everyone, ..message }
            }
        })
    };
    let kind = row.get::<_, Option<EventKind>>(first + 7)?.map_or_else(|| message().map(EventKind::Message), Ok)?;
    Ok(Event { seq: seq(row, first)?, at: row.get(first + 1)?, kind })
}
