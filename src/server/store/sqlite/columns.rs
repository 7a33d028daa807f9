//! The form of values in columns: UUIDs as 16 bytes, 53-bit ids as integers, texts as they are, structures as JSON. The
//! macro `column!` implements `ToSql` and `FromSql` for a type.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::super::{
    AccountId, ActorId, Gone, GuestId, Letter, MailId, Owed, PasswordHash, Presence, RoomId, SessionId, TokenHash,
    kinds,
};
use crate::protocol::{
    ClientId, Email, Epoch, EventKind, Language, MemberId, MessageBody, Nickname, Notify, Preferences, Retention,
    RoomCode, RoomName, RoomType,
};

macro_rules! column {
    ($type:ty, $value:ident => $out:expr, $column:ident => $back:expr) => {
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let $value = self;
                Ok(ToSqlOutput::from($out))
            }
        }

        impl FromSql for $type {
            fn column_result($column: ValueRef<'_>) -> FromSqlResult<Self> {
                $back
            }
        }
    };
}

column!(RoomId, id => &id.0.as_bytes()[..], column => uuid(column).map(Self));
column!(GuestId, id => &id.0.as_bytes()[..], column => uuid(column).map(Self));
column!(AccountId, id => &id.0.as_bytes()[..], column => uuid(column).map(Self));
column!(SessionId, id => &id.0.as_bytes()[..], column => uuid(column).map(Self));
column!(MailId, id => &id.0.as_bytes()[..], column => uuid(column).map(Self));
column!(TokenHash, hash => &hash.0[..], column => <[u8; 32]>::column_result(column).map(Self));
column!(MemberId, id => id.get().cast_signed(), column => bits(column).map(Self::from_bits));
column!(Epoch, epoch => epoch.get().cast_signed(), column => bits(column).map(Self::from_bits));
column!(RoomCode, code => code.as_str(), column => column.as_str()?.parse().map_err(FromSqlError::other));
column!(RoomName, name => name.as_str(), column => column.as_str().map(Self::stored));
column!(Nickname, name => name.as_str(), column => column.as_str().map(Self::stored));
column!(Email, email => email.as_str(), column => Self::try_from(column.as_str()?).map_err(FromSqlError::other));
column!(PasswordHash, hash => hash.0.as_str(), column => String::column_result(column).map(Self));
column!(Preferences, preferences => json(preferences)?, column => from_json(column));
column!(Language, language => json(language)?, column => from_json(column));
column!(Letter, letter => json(letter)?, column => from_json(column));
column!(MessageBody, body => body.as_str(), column => column.as_str().map(Self::stored));
column!(Retention, retention => bool::from(*retention), column => bool::column_result(column).map(Self::from));
column!(Gone, gone => json(gone)?, column => from_json(column));
column!(Owed, owed => json(owed)?, column => from_json(column));
column!(
    EventKind,
    kind => kinds::to_text(kind).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?,
    column => kinds::from_text(column.as_str()?).map_err(FromSqlError::other)
);
column!(
    RoomType,
    room_type => match room_type {
        Self::P2p => "p2p",
        Self::Group => "group",
    },
    column => match column.as_str()? {
        "p2p" => Ok(Self::P2p),
        "group" => Ok(Self::Group),
        _ => Err(FromSqlError::InvalidType),
    }
);
column!(
    Notify,
    notify => notify.as_str(),
    column => Self::named(column.as_str()?).ok_or(FromSqlError::InvalidType)
);
column!(
    Presence,
    presence => match presence {
        Self::Active => "active",
        Self::Gone => "gone",
        Self::Removed => "removed",
    },
    column => match column.as_str()? {
        "active" => Ok(Self::Active),
        "gone" => Ok(Self::Gone),
        "removed" => Ok(Self::Removed),
        _ => Err(FromSqlError::InvalidType),
    }
);

impl FromSql for ClientId {
    fn column_result(column: ValueRef<'_>) -> FromSqlResult<Self> {
        uuid(column).map(Self::new)
    }
}

/// Returns an actor as two columns: kind and id.
pub(super) fn actor_columns(actor: ActorId) -> (&'static str, [u8; 16]) {
    match actor {
        ActorId::Guest(guest) => ("guest", guest.0.into_bytes()),
        ActorId::Account(account) => ("account", account.0.into_bytes()),
    }
}

/// The reverse of [`actor_columns`].
pub(super) fn actor(kind: &str, id: [u8; 16]) -> rusqlite::Result<ActorId> {
    match kind {
        "guest" => Ok(ActorId::Guest(GuestId(Uuid::from_bytes(id)))),
        "account" => Ok(ActorId::Account(AccountId(Uuid::from_bytes(id)))),
        _ => Err(FromSqlError::InvalidType.into()),
    }
}

fn uuid(column: ValueRef<'_>) -> FromSqlResult<Uuid> {
    <[u8; 16]>::column_result(column).map(Uuid::from_bytes)
}

fn bits(column: ValueRef<'_>) -> FromSqlResult<u64> {
    column.as_i64().map(i64::cast_unsigned)
}

pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

pub(super) fn from_json<T: DeserializeOwned>(column: ValueRef<'_>) -> FromSqlResult<T> {
    serde_json::from_str(column.as_str()?).map_err(FromSqlError::other)
}

/// Writes the ids of many rooms as one value, as [`ids`] does.
pub(super) fn rooms(rooms: &[RoomId]) -> String {
    ids(rooms.iter().map(|room| room.0))
}

/// Writes many ids as one value, a JSON array. SQL reads it with `SELECT unhex(value) FROM json_each(?)`, so that one
/// statement serves any number of ids.
pub(super) fn ids(ids: impl Iterator<Item = Uuid>) -> String {
    let mut list = String::from("[");
    for id in ids {
        let separator = if list.len() > 1 { "," } else { "" };
        list.push_str(separator);
        list.push('"');
        list.push_str(id.simple().encode_lower(&mut Uuid::encode_buffer()));
        list.push('"');
    }
    list.push(']');
    list
}
