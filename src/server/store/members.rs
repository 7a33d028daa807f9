//! Members: which person is in which room, and how far each member has read.
//!
//! A change of membership has two parts: the record here, and an event in the room's log that reports the change (a
//! *notice*: `Joined`, `Left` or `Removed`). The record is written first and is the truth. Its field `owed` names the
//! notice that the log does not have yet, and appending the event clears the field
//! ([`Events::project`](super::Events::project)). If a node crashes in between, another node finds the owing record
//! ([`Members::rooms_owing_notices`]) and appends the event. The reasons are in
//! `docs/decisions/0005-leases-and-owed-notices.md`.
//!
//! Records stay after their member has left, so that a person who comes back is the same member. This file also has the
//! rules by which both drivers change a record: joining, leaving, and merging a guest's record with an account's
//! (`join_records`).

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AccountId, ActorId, GuestId, GuestRecord, Result, RoomId, RoomRecord};
use crate::protocol::{
    Event, EventKind, MemberId, Millis, Nickname, Notify, Person, RoomCode, RoomType, Seq, limits::P2P_MEMBERS,
};

/// Whether a person is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// In the room.
    Active,
    /// Was in the room, and may come back as the same member.
    Gone,
    /// Was removed by the owner, and may not come back.
    Removed,
}

/// A notice that the log does not have yet. Drivers store it in its serde form, and query its `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Notice", into = "Notice")]
pub enum Owed {
    /// The log lacks `Joined`: "x joined".
    Joined,
    /// The log lacks `Left`: "x left".
    Left,
    /// The log lacks `Left`: "x left", and the same person continues as the member given here. If x owned the room,
    /// that member owns it from then on.
    Became(Person),
    /// The log lacks `Removed`: "x was removed", by the person given here.
    Removed(Person),
}

/// The stored form of [`Owed`]. An earlier build reads a `left` with an heir as one without.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Notice {
    Joined,
    Left {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heir: Option<Person>,
    },
    Removed(Person),
}

impl From<Notice> for Owed {
    fn from(notice: Notice) -> Self {
        match notice {
            Notice::Joined => Self::Joined,
            Notice::Left { heir: None } => Self::Left,
            Notice::Left { heir: Some(heir) } => Self::Became(heir),
            Notice::Removed(by) => Self::Removed(by),
        }
    }
}

impl From<Owed> for Notice {
    fn from(owed: Owed) -> Self {
        match owed {
            Owed::Joined => Self::Joined,
            Owed::Left => Self::Left { heir: None },
            Owed::Became(heir) => Self::Left { heir: Some(heir) },
            Owed::Removed(by) => Self::Removed(by),
        }
    }
}

/// One person in one room. The record stays after leaving, so that a person who comes back is the same member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// The room.
    pub room: RoomId,
    /// The person's id in the room.
    pub member: MemberId,
    /// The person, the same in all rooms.
    pub actor: ActorId,
    /// The person's name in the room.
    pub name: Nickname,
    /// Whether the person is in the room.
    pub presence: Presence,
    /// The person's place in a `p2p` room: 0 or 1. A guest who is gone by absence keeps the place
    /// (`docs/decisions/0023-absence-and-places.md`).
    pub slot: Option<u8>,
    /// The seq of the person's last `Joined`; 0 until the log has it.
    pub since: Seq,
    /// The seq of the `Joined` that began the current stay, if the person was gone by absence since then; otherwise 0.
    pub stay: Seq,
    /// The notice that the log does not have yet.
    pub owed: Option<Owed>,
    /// When the record last changed. Reading and muting do not count as changes.
    pub changed_at: Millis,
    /// The last seq that the person has read. If this is less than `since`, it has no meaning, and everything counts as
    /// read.
    pub read: Seq,
    /// The ordinal of the last message up to `read`. The room's last ordinal minus this is the number of unread
    /// messages.
    pub read_n: u64,
    /// The read position that other members may see. It follows `read` while the person shows it, and stays unchanged
    /// while the person hides it.
    pub shown: Seq,
    /// Which messages of the room cause a notification for the person. `None`: those of the person's preferences.
    pub notify: Option<Notify>,
    /// Other member ids of the same person in the room: as a guest before the account, or as the account before.
    pub also: Vec<MemberId>,
}

/// How far a member has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadCursor {
    /// The member.
    pub member: MemberId,
    /// The last seq that the member has read.
    pub seq: Seq,
    /// The ordinal of the last message up to `seq`.
    pub n: u64,
    /// The read position that other members may see.
    pub shown: Seq,
}

impl MemberRecord {
    /// Returns the record of a person who enters a room for the first time at `at`: without a place in a `p2p` room,
    /// and with a `Joined` that the log does not have yet.
    pub fn new(room: RoomId, person: Person, actor: ActorId, at: Millis) -> Self {
        Self {
            room,
            member: person.id,
            actor,
            name: person.name,
            presence: Presence::Active,
            slot: None,
            since: 0,
            stay: 0,
            owed: Some(Owed::Joined),
            changed_at: at,
            read: 0,
            read_n: 0,
            shown: 0,
            notify: None,
            also: Vec::new(),
        }
    }

    /// Returns the member's id and name, as events carry them.
    pub fn person(&self) -> Person {
        Person { id: self.member, name: self.name.clone() }
    }

    /// Returns whether this member id is, or was, the same person's.
    pub fn is(&self, member: MemberId) -> bool {
        self.member == member || self.also.contains(&member)
    }

    /// Returns all member ids that the person has, or had, in the room.
    pub fn ids(&self) -> impl Iterator<Item = MemberId> {
        [self.member].into_iter().chain(self.also.iter().copied())
    }

    /// Returns the first seq of the stay. An absence does not end a stay; leaving does.
    pub fn stays_since(&self) -> Seq {
        if self.stay > 0 { self.stay } else { self.since }
    }

    /// Returns whether this is a guest who is gone by absence, and whose place in a `p2p` room is kept.
    pub fn is_expected(&self) -> bool {
        self.presence == Presence::Gone && self.slot.is_some()
    }

    /// Returns the record of a member who left or was removed, as `notice` says: without a place, and with the stay
    /// ended.
    pub(super) fn leave(self, notice: Owed, at: Millis) -> Self {
        let presence = if let Owed::Removed(_) = notice { Presence::Removed } else { Presence::Gone };
        Self { presence, slot: None, stay: 0, owed: Some(notice), changed_at: at, ..self }
    }

    /// Returns the record of a guest who becomes absent: gone, but with the place and the stay.
    pub(super) fn be_absent(self, at: Millis) -> Self {
        Self { presence: Presence::Gone, stay: self.stays_since(), owed: Some(Owed::Left), changed_at: at, ..self }
    }
}

/// The outcome of [`join_records`]: what becomes of a guest's record and of the account's record in the same room.
pub(super) enum Joined {
    /// The account continues in the guest's membership, since it was not in the room itself. The guest's record becomes
    /// the account's. The account's former record gets the id of the guest, who no longer exists, so it belongs to
    /// nobody.
    AsGuest {
        /// The account's record from then on.
        own: MemberRecord,
        /// The account's former record, which belongs to nobody.
        before: MemberRecord,
    },
    /// The account continues in its own membership, and the guest's record belongs to nobody.
    AsAccount {
        /// The account's record, with what it takes over from the guest's.
        own: MemberRecord,
        /// The guest's record. It owes a notice if the guest was in the room, or owned it.
        guest: MemberRecord,
    },
}

/// Merges a guest's record with the record of the account that the guest becomes. `owner` is the member who owns the
/// room. The rules depend on the presence of both:
///
/// - The account is active: it stays, and the guest leaves.
/// - The account has left, and the guest is active: the account continues as the guest. The others in the room see no
///   change, the place in a room for two is never free in between, and unread messages stay unread.
/// - The account has left, and the guest was removed: the account continues as the guest, so that it stays removed.
/// - Both have left: the account continues as the guest if the guest owns the room.
/// - The account was removed: it does not come back through its guest, unless that guest owns the room. Then the person
///   had removed themselves.
pub(super) fn join_records(mut guest: MemberRecord, mut own: MemberRecord, owner: MemberId, at: Millis) -> Joined {
    let owns = guest.member == owner;
    let goes_on_as_guest = match (own.presence, guest.presence) {
        (Presence::Active, _) => false,
        (Presence::Gone, Presence::Active | Presence::Removed) => true,
        (Presence::Gone, Presence::Gone) | (Presence::Removed, _) => owns,
    };
    if goes_on_as_guest {
        guest.also.extend(own.ids());
        std::mem::swap(&mut guest.actor, &mut own.actor);
        (own.slot, own.stay) = (None, 0);
        return Joined::AsGuest { own: guest, before: own };
    }
    own.also.extend(guest.ids());
    (own.read, own.read_n) = (own.read.max(guest.read), own.read_n.max(guest.read_n));
    own.shown = own.shown.max(guest.shown);
    let is_here = own.presence == Presence::Active;
    // The person keeps seeing what the guest saw: in a room for two the stay decides what a member may see.
    let (stay, of_guest) = (own.stays_since(), guest.stays_since());
    if guest.presence == Presence::Active && of_guest > 0 && (stay == 0 || of_guest < stay) {
        own.stay = of_guest;
    }
    let guest = match guest.presence {
        Presence::Active if is_here => guest.leave(Owed::Became(own.person()), at),
        Presence::Active => guest.leave(Owed::Left, at),
        Presence::Gone if is_here && owns => {
            // The log already has the guest's `Left`, unless the record still owes it. `since` 0 tells a node that
            // opens the room that the log has it.
            let since = if guest.owed.is_some() { guest.since } else { 0 };
            MemberRecord { owed: Some(Owed::Became(own.person())), since, changed_at: at, slot: None, stay: 0, ..guest }
        }
        // A person has at most one place, and the account's record decides about it.
        Presence::Gone | Presence::Removed => MemberRecord { slot: None, stay: 0, ..guest },
    };
    Joined::AsAccount { own, guest }
}

/// A person who asks to join a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// The room.
    pub room: RoomId,
    /// The room's type, which never changes.
    pub room_type: RoomType,
    /// The person who joins.
    pub actor: ActorId,
    /// The member id for a person who has no record in the room yet. Another person keeps the earlier id.
    pub member: MemberId,
    /// The requested name. `None` keeps the name of the earlier record, or takes `fallback_name` if there is none.
    pub name: Option<Nickname>,
    /// The generated name for a new member who gave none.
    pub fallback_name: Nickname,
    /// The guest session, if it begins with this call. It is stored only if the join succeeds.
    pub newcomer: Option<GuestRecord>,
    /// The time now.
    pub at: Millis,
}

impl Joining {
    /// Returns the record of the person after joining. Without an `earlier` record it is new. Otherwise the member id,
    /// the other ids, the stay and the muting are kept, and the name, unless another was requested. The read position
    /// starts anew, since an ephemeral room may have lost its log in the meantime.
    pub(super) fn enter(self, earlier: Option<MemberRecord>, slot: Option<u8>) -> MemberRecord {
        let notify = earlier.as_ref().and_then(|record| record.notify);
        let also = earlier.as_ref().map(|record| record.also.clone()).unwrap_or_default();
        let stay = earlier.as_ref().map_or(0, |record| record.stay);
        let (member, earlier_name) = earlier.map(|record| (record.member, record.name)).unzip();
        let person = Person {
            id: member.unwrap_or(self.member),
            name: self.name.or(earlier_name).unwrap_or(self.fallback_name),
        };
        MemberRecord { slot, stay, notify, also, ..MemberRecord::new(self.room, person, self.actor, self.at) }
    }

    /// Returns the record of a person who is new in a group and joins with the event at `since`, so that no notice is
    /// owed. `name` is the one of the event, which tells them apart from the others.
    pub fn announced(self, name: Nickname, since: Seq) -> MemberRecord {
        MemberRecord { name, since, owed: None, ..self.enter(None, None) }
    }

    /// Returns the id and name that the person gets if new in the room.
    pub fn person(&self) -> Person {
        let name = self.name.as_ref().unwrap_or(&self.fallback_name);
        Person { id: self.member, name: name.clone() }
    }
}

/// Returns the person of `entering` whose `Joined` this event is, if any, and their record.
pub(super) fn coming_with<'a>(entering: &'a [Joining], event: &Event) -> Option<(&'a Joining, MemberRecord)> {
    let EventKind::Joined { member } = &event.kind else { return None };
    let joining = entering.iter().find(|joining| joining.member == member.id)?;
    Some((joining, joining.clone().announced(member.name.clone(), event.seq)))
}

/// Returns the place in a `p2p` room for a person who joins: the one that the earlier record has kept, else the first
/// free one. If all are taken it returns the last one, so that the unique index refuses the write.
pub(super) fn free_slot(earlier: Option<&MemberRecord>, taken: &[u8]) -> u8 {
    if let Some(kept) = earlier.and_then(|record| record.slot) {
        return kept;
    }
    (0..P2P_MEMBERS).find(|slot| !taken.contains(slot)).unwrap_or(P2P_MEMBERS - 1)
}

/// The outcome of a join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// The person joined, for the first time or again. The record is active, its `since` is 0, and it owes `Joined`.
    Entered(MemberRecord),
    /// The person was in the room already. Nothing changed, not even the name.
    Already(MemberRecord),
}

/// Storage of members.
#[async_trait]
pub trait Members {
    /// Makes a person an active member and sets the room's `touched_at`, in one transaction.
    ///
    /// [`NotFound`](super::StoreError::NotFound) if the room or the account does not exist. Conflicts: `Full`,
    /// `Elsewhere`, `Removed`, `MemberIdTaken`. If both `Full` and `Elsewhere` apply, either may be returned.
    async fn join_room(&self, joining: &Joining) -> Result<Membership>;

    /// Makes an active member gone ([`Owed::Left`]) or removed ([`Owed::Removed`]), owing that notice, and sets the
    /// room's `touched_at`. Returns the record after the change. [`NotFound`](super::StoreError::NotFound) if the
    /// member is not active. Conflict: `NotOwner`, if the remover does not own the room.
    async fn leave_room(&self, room: RoomId, member: MemberId, notice: &Owed, at: Millis) -> Result<MemberRecord>;

    /// Makes a guest gone by absence, as [`leave_room`](Self::leave_room) does with [`Owed::Left`], but keeps the
    /// guest's place and stay. An account is never absent: [`NotFound`](super::StoreError::NotFound) also if the record
    /// is an account's, or has become an account's in the meantime.
    async fn leave_absent(&self, room: RoomId, member: MemberId, at: Millis) -> Result<MemberRecord>;

    /// Frees the place in a `p2p` room that is kept for a member who is gone by absence, and ends the member's stay.
    /// Returns the record after the change. [`NotFound`](super::StoreError::NotFound) if no place is kept for the
    /// member.
    async fn free_place(&self, room: RoomId, member: MemberId) -> Result<MemberRecord>;

    /// Returns all records of a `p2p` room that have a place, whatever their presence.
    async fn holders_of_places(&self, room: RoomId) -> Result<Vec<MemberRecord>>;

    /// Stores how far members have read, in one transaction or statement. Values never decrease: each becomes the
    /// maximum of the stored and the given one. Members that the room does not have are skipped.
    async fn mark_read(&self, room: RoomId, cursors: &[ReadCursor]) -> Result<()>;

    /// Takes back read positions after an ephemeral room lost its log. The log continues after `seq` and the message
    /// `n`, so larger positions are lowered to these. Otherwise new events would count as read before they exist. One
    /// statement.
    async fn take_back_reads(&self, room: RoomId, seq: Seq, n: u64) -> Result<()>;

    /// Stores which messages of the room cause a notification for a member, whatever the member's presence.
    /// [`NotFound`](super::StoreError::NotFound) if there is no such record.
    async fn set_notify(&self, room: RoomId, member: MemberId, notify: Option<Notify>) -> Result<()>;

    /// Returns the room with this code and the person's record in it, whatever its presence.
    /// [`NotFound`](super::StoreError::NotFound) if either is missing. One query, since almost every request for a room
    /// makes this call.
    async fn membership(&self, code: RoomCode, actor: ActorId) -> Result<(RoomRecord, MemberRecord)>;

    /// Returns the record of a member id, whatever its presence.
    async fn member(&self, room: RoomId, member: MemberId) -> Result<MemberRecord>;

    /// Returns all records of a room that are active or owe a notice.
    async fn members(&self, room: RoomId) -> Result<Vec<MemberRecord>>;

    /// Returns all rooms that an account is active in, with its records in them. One query, however many rooms there
    /// are.
    async fn rooms_of_account(&self, account: AccountId) -> Result<Vec<(RoomRecord, MemberRecord)>>;

    /// Returns all existing rooms that an account has a record in, whatever its presence, with the records. One query.
    async fn places_of_account(&self, account: AccountId) -> Result<Vec<(RoomRecord, MemberRecord)>>;

    /// Returns the room that a guest is active in, with the record. By a unique index there is at most one.
    async fn room_of_guest(&self, guest: GuestId) -> Result<(RoomRecord, MemberRecord)>;

    /// Returns up to `limit` rooms with a record that owes a notice and has not changed since `before`, oldest first.
    async fn rooms_owing_notices(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>>;

    /// Returns up to `limit` active memberships of guests after `after` (exclusive), in order of room and member.
    async fn active_guests(&self, after: Option<(RoomId, MemberId)>, limit: usize) -> Result<Vec<(RoomId, MemberId)>>;
}
