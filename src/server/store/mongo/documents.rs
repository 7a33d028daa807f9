//! The documents of collections that several nouns read or write, and how records become documents and back. A document
//! that only one noun uses stays in the file of that noun.

use anyhow::{Context, anyhow};
use mongodb::bson::{self, Binary, Bson, Document, doc, spec::BinarySubtype};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        AccountId, AccountRecord, ActorId, Gone, GuestId, GuestRecord, MemberRecord, Owed, PasswordHash, Presence,
        Result, RoomId, RoomRecord, StoreError, TokenHash, kinds,
    },
    binary, uuid,
};
use crate::protocol::{
    Email, Epoch, Event, EventKind, MemberId, Millis, Nickname, Notify, Preferences, Retention, RoomCode, RoomName,
    RoomType, Seq,
};

#[derive(Serialize, Deserialize)]
pub(super) struct AccountDocument {
    #[serde(rename = "_id")]
    pub(super) id: bson::Uuid,
    // Left out if `None`, since partial indexes ask whether the field exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) claimed: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) claimed_at: Option<Millis>,
    /// Numbers the claims of one address, so that the first and the last claim are known.
    pub(super) claim: i64,
    name: Nickname,
    password: Option<String>,
    preferences: Preferences,
    pub(super) created_at: Millis,
    /// Write counter, incremented in every transaction that must conflict with deleting this account: see
    /// [`Mongo::hold_actor`].
    holds: i64,
}

impl AccountDocument {
    /// The document of an account. `claim` numbers its claim.
    pub(super) fn new(account: AccountRecord, claim: i64) -> Self {
        Self {
            id: binary(account.id.0),
            email: account.email,
            claimed: account.claimed,
            claimed_at: account.claimed_at,
            claim,
            name: account.name,
            password: account.password.map(|password| password.0),
            preferences: account.preferences,
            created_at: account.created_at,
            holds: 0,
        }
    }
}

impl From<AccountDocument> for AccountRecord {
    fn from(document: AccountDocument) -> Self {
        Self {
            id: AccountId(uuid(document.id)),
            email: document.email,
            claimed: document.claimed,
            claimed_at: document.claimed_at,
            name: document.name,
            password: document.password.map(PasswordHash),
            preferences: document.preferences,
            created_at: document.created_at,
        }
    }
}

/// The filter for an account.
pub(super) fn by_account(id: AccountId) -> Document {
    doc! { "_id": binary(id.0) }
}

#[derive(Serialize, Deserialize)]
pub(super) struct EventDocument {
    room: bson::Uuid,
    pub(super) seq: Seq,
    at: Millis,
    /// The event's kind in its stored form ([`kinds`]), as JSON. So its UUIDs are texts, as they are on the wire, and
    /// not BSON's own form.
    kind: serde_json::Value,
    // Fields that indexes need. Left out if `None`, since partial indexes ask whether the field exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<MemberId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<bson::Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
}

/// The stored form of an event's kind, to replace the kind alone.
pub(super) fn kind_document(kind: &EventKind) -> Result<Bson> {
    let value = kinds::to_value(kind).context("writing an event")?;
    Ok(bson::serialize_to_bson(&value).context("writing an event")?)
}

/// Returns the documents of events of one room.
pub(super) fn event_documents(room: RoomId, events: &[Event]) -> Result<Vec<EventDocument>> {
    let document = |event: &Event| {
        let message = event.message();
        Ok(EventDocument {
            room: binary(room.0),
            seq: event.seq,
            at: event.at,
            kind: kinds::to_value(&event.kind).context("writing an event")?,
            author: message.map(|message| message.author.id),
            client_id: message.map(|message| binary(message.id.uuid())),
            n: event.ordinal(),
        })
    };
    events.iter().map(document).collect()
}

impl TryFrom<EventDocument> for Event {
    type Error = StoreError;

    fn try_from(document: EventDocument) -> Result<Self> {
        let kind = kinds::from_value(document.kind).context("reading an event")?;
        Ok(Self { seq: document.seq, at: document.at, kind })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct GuestDocument {
    #[serde(rename = "_id")]
    pub(super) id: bson::Uuid,
    token: Binary,
    pub(super) nickname: Option<Nickname>,
    /// A BSON date, which the TTL index needs.
    pub(super) seen_at: bson::DateTime,
}

impl From<&GuestRecord> for GuestDocument {
    fn from(guest: &GuestRecord) -> Self {
        Self {
            id: binary(guest.id.0),
            token: token_binary(guest.token),
            nickname: guest.nickname.clone(),
            seen_at: bson::DateTime::from_millis(guest.seen_at),
        }
    }
}

/// Converts a hash to MongoDB's form.
pub(super) fn token_binary(token: TokenHash) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: token.0.to_vec() }
}

/// The reverse of [`token_binary`].
pub(super) fn token_hash(binary: Binary) -> Result<TokenHash> {
    let hash: [u8; 32] = binary.bytes.try_into().map_err(|_| anyhow!("a hash has not 32 bytes"))?;
    Ok(TokenHash(hash))
}

#[derive(Serialize, Deserialize)]
pub(super) struct MemberDocument {
    pub(super) room: bson::Uuid,
    pub(super) member: MemberId,
    actor_kind: ActorKind,
    actor: bson::Uuid,
    name: Nickname,
    presence: Presence,
    // Left out if `None`, since partial indexes ask whether the field exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) slot: Option<u8>,
    since: Seq,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owed: Option<Owed>,
    changed_at: Millis,
    // Records of earlier versions lack these fields.
    #[serde(default)]
    read: Seq,
    #[serde(default)]
    read_n: u64,
    #[serde(default)]
    shown: Seq,
    #[serde(default)]
    notify: Option<Notify>,
    /// Whether `notify` is none. Records of an earlier version have only this.
    #[serde(default)]
    muted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    also: Vec<MemberId>,
    #[serde(default)]
    stay: Seq,
}

/// Whether an actor's id is that of a guest or of an account.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ActorKind {
    Guest,
    Account,
}

/// Returns an actor as two fields: kind and id.
pub(super) fn actor_fields(actor: ActorId) -> (ActorKind, bson::Uuid) {
    match actor {
        ActorId::Guest(guest) => (ActorKind::Guest, binary(guest.0)),
        ActorId::Account(account) => (ActorKind::Account, binary(account.0)),
    }
}

/// The reverse of [`actor_fields`].
pub(super) fn actor(kind: ActorKind, id: bson::Uuid) -> ActorId {
    match kind {
        ActorKind::Guest => ActorId::Guest(GuestId(uuid(id))),
        ActorKind::Account => ActorId::Account(AccountId(uuid(id))),
    }
}

impl From<ActorKind> for Bson {
    fn from(kind: ActorKind) -> Self {
        match kind {
            ActorKind::Guest => "guest".into(),
            ActorKind::Account => "account".into(),
        }
    }
}

impl From<MemberRecord> for MemberDocument {
    fn from(record: MemberRecord) -> Self {
        let (actor_kind, actor) = actor_fields(record.actor);
        Self {
            room: binary(record.room.0),
            member: record.member,
            actor_kind,
            actor,
            name: record.name,
            presence: record.presence,
            slot: record.slot,
            since: record.since,
            owed: record.owed,
            changed_at: record.changed_at,
            read: record.read,
            read_n: record.read_n,
            shown: record.shown,
            notify: record.notify,
            muted: record.notify == Some(Notify::None),
            also: record.also,
            stay: record.stay,
        }
    }
}

impl From<MemberDocument> for MemberRecord {
    fn from(document: MemberDocument) -> Self {
        Self {
            room: RoomId(uuid(document.room)),
            member: document.member,
            actor: actor(document.actor_kind, document.actor),
            name: document.name,
            presence: document.presence,
            slot: document.slot,
            since: document.since,
            owed: document.owed,
            changed_at: document.changed_at,
            read: document.read,
            read_n: document.read_n,
            shown: document.shown,
            notify: document.notify.or_else(|| document.muted.then_some(Notify::None)),
            also: document.also,
            stay: document.stay,
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct RoomDocument {
    #[serde(rename = "_id")]
    id: bson::Uuid,
    code: RoomCode,
    #[serde(rename = "type")]
    room_type: RoomType,
    name: Option<RoomName>,
    #[serde(rename = "preserve")]
    pub(super) retention: Retention,
    /// True in rooms of an older version.
    #[serde(default = "yes")]
    peek: bool,
    epoch: Epoch,
    owner: MemberId,
    created_at: Millis,
    touched_at: Millis,
    /// `None` in rooms of an older version. The next call of `unvisited_rooms` sets it to the time of that call.
    #[serde(default)]
    pub(super) visited_at: Option<Millis>,
    // Rooms of an earlier version lack this field.
    #[serde(default, skip_serializing_if = "Gone::is_empty")]
    gone: Gone,
    /// Write counter, incremented by [`Mongo::touch_room`]. Without it, a touch in the same millisecond would write
    /// nothing, and so conflict with no other transaction.
    touches: i64,
}

fn yes() -> bool {
    true
}

impl From<RoomRecord> for RoomDocument {
    fn from(room: RoomRecord) -> Self {
        Self {
            id: binary(room.id.0),
            code: room.code,
            room_type: room.room_type,
            name: room.name,
            retention: room.retention,
            peek: room.peek,
            epoch: room.epoch,
            owner: room.owner,
            created_at: room.created_at,
            touched_at: room.touched_at,
            visited_at: Some(room.visited_at),
            gone: room.gone,
            touches: 0,
        }
    }
}

impl From<RoomDocument> for RoomRecord {
    fn from(room: RoomDocument) -> Self {
        Self {
            id: RoomId(uuid(room.id)),
            code: room.code,
            room_type: room.room_type,
            name: room.name,
            retention: room.retention,
            peek: room.peek,
            epoch: room.epoch,
            owner: room.owner,
            created_at: room.created_at,
            touched_at: room.touched_at,
            visited_at: room.visited_at.unwrap_or(0),
            gone: room.gone,
        }
    }
}
