//! Members: who is in which room. The record is the truth and its event the news, so a record also says which notice it
//! still owes the log; whoever finds it owing after a crash appends it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AccountId, ActorId, GuestId, GuestRecord, Result, RoomId, RoomRecord};
use crate::protocol::{
    Event, EventKind, MemberId, Millis, Nickname, Person, RoomCode, RoomType, Seq, limits::P2P_MEMBERS,
};

/// Whether somebody is in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// In it.
    Active,
    /// Was in it, and may come back as the same member.
    Gone,
    /// Was removed by the owner, and may not.
    Removed,
}

/// A notice that the log does not have yet. Drivers keep it in its serde form, and look for its `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Notice", into = "Notice")]
pub enum Owed {
    /// "x joined".
    Joined,
    /// "x left".
    Left,
    /// "x left": the person goes on as this member, who owns the room from here on if x did.
    Became(Person),
    /// "x was removed", with who did it.
    Removed(Person),
}

/// A notice as it is kept. An earlier build reads a `left` with an heir as one without.
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

/// One person in one room. Kept after leaving, so that who comes back is the same member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRecord {
    /// Which room.
    pub room: RoomId,
    /// Their id in it.
    pub member: MemberId,
    /// Who they are across rooms.
    pub actor: ActorId,
    /// What they are called in it.
    pub name: Nickname,
    /// Whether they are in it.
    pub presence: Presence,
    /// Their place in a `p2p` room: 0 or 1. A guest who is gone by absence still has it.
    pub slot: Option<u8>,
    /// The seq of their last `Joined`. 0 until it is in the log.
    pub since: Seq,
    /// The seq of the `Joined` that began their stay, if they were gone by absence in between; 0 if they were not.
    pub stay: Seq,
    /// What the log still has to be told.
    pub owed: Option<Owed>,
    /// When the record last changed. Reading and muting are no such change.
    pub changed_at: Millis,
    /// The last seq that they have read; before `since` it says nothing, and everything counts as read.
    pub read: Seq,
    /// The ordinal of the last message up to it, so that what is unread is a difference.
    pub read_n: u64,
    /// How far the others may see that they read: follows `read` while they show it, and stands still while they do not.
    pub shown: Seq,
    /// Whether they want no notices of the room.
    pub muted: bool,
    /// The member ids that the same person had in the room besides: as a guest before an account, or as the account before.
    pub also: Vec<MemberId>,
}

/// How far a member has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadCursor {
    /// Who.
    pub member: MemberId,
    /// The last seq that they have read.
    pub seq: Seq,
    /// The ordinal of the last message up to it.
    pub n: u64,
    /// How far the others may see that.
    pub shown: Seq,
}

impl MemberRecord {
    /// Their id and name, as events carry them.
    pub fn person(&self) -> Person {
        Person { id: self.member, name: self.name.clone() }
    }

    /// Whether this member id is, or was, the person's.
    pub fn is(&self, member: MemberId) -> bool {
        self.member == member || self.also.contains(&member)
    }

    /// All member ids that the person has, or had, in the room.
    pub fn ids(&self) -> impl Iterator<Item = MemberId> {
        [self.member].into_iter().chain(self.also.iter().copied())
    }

    /// The first seq of their stay. An absence does not end a stay; leaving does.
    pub fn stays_since(&self) -> Seq {
        if self.stay > 0 { self.stay } else { self.since }
    }

    /// Whether a guest is gone by absence, and their place in a `p2p` room is kept for them.
    pub fn is_expected(&self) -> bool {
        self.presence == Presence::Gone && self.slot.is_some()
    }

    /// The record of a member who left or was removed, as the notice says: without a place, and the stay is over.
    pub(super) fn leave(self, notice: Owed, at: Millis) -> Self {
        let presence = if let Owed::Removed(_) = notice { Presence::Removed } else { Presence::Gone };
        Self { presence, slot: None, stay: 0, owed: Some(notice), changed_at: at, ..self }
    }

    /// The record of a guest who is absent: gone, with the place and the stay.
    pub(super) fn be_absent(self, at: Millis) -> Self {
        Self { presence: Presence::Gone, stay: self.stays_since(), owed: Some(Owed::Left), changed_at: at, ..self }
    }
}

/// What becomes of the two records of one person in one room, a guest's and that of the account which the guest becomes.
pub(super) enum Joined {
    /// The account goes on as the guest: it was not in the room. The guest's record is the account's from here on, and the
    /// account's is of nobody.
    AsGuest {
        /// The record of both.
        own: MemberRecord,
        /// The account's, as it was.
        before: MemberRecord,
    },
    /// The account goes on as itself, and the guest's record is of nobody.
    AsAccount {
        /// The record of both.
        own: MemberRecord,
        /// The guest's. It owes a notice if the guest was in the room, or owned it.
        guest: MemberRecord,
    },
}

/// Joins a guest's record to that of the account which the guest becomes. `owner` owns the room.
///
/// Where the account is in the room, the guest leaves it. Where only the guest is, the account goes on in the guest's place:
/// nobody sees anything of that, the place in a room for two is not open for a moment, and what was not read stays unread. An
/// account that was removed does not come back by its guest, unless that guest owns the room: then the person removed
/// themselves. Nor does an account that had left come back where its guest was removed.
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
    // In a room for two the person sees what the guest saw.
    let (stay, of_guest) = (own.stays_since(), guest.stays_since());
    if guest.presence == Presence::Active && of_guest > 0 && (stay == 0 || of_guest < stay) {
        own.stay = of_guest;
    }
    let guest = match guest.presence {
        Presence::Active if is_here => guest.leave(Owed::Became(own.person()), at),
        Presence::Active => guest.leave(Owed::Left, at),
        Presence::Gone if is_here && owns => {
            // That they are gone, the log says already, unless it is owed that.
            let since = if guest.owed.is_some() { guest.since } else { 0 };
            MemberRecord { owed: Some(Owed::Became(own.person())), since, changed_at: at, slot: None, stay: 0, ..guest }
        }
        // One person has one place.
        Presence::Gone | Presence::Removed => MemberRecord { slot: None, stay: 0, ..guest },
    };
    Joined::AsAccount { own, guest }
}

/// Somebody who wants in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// Where to.
    pub room: RoomId,
    /// The room's type, which never changes.
    pub room_type: RoomType,
    /// Who.
    pub actor: ActorId,
    /// The id to have in the room, unless they have one from before.
    pub member: MemberId,
    /// What to be called. `None` keeps the name from before, if there is one, else takes `fallback_name`.
    pub name: Option<Nickname>,
    /// The made-up name for somebody new who gave none.
    pub fallback_name: Nickname,
    /// Their session, if it begins with this: it is kept if they come in.
    pub newcomer: Option<GuestRecord>,
    /// Now.
    pub at: Millis,
}

impl Joining {
    /// The record of who comes in: new, or again with the id, and unless they gave another the name, of `earlier`. What they
    /// had read then is worth nothing now: an ephemeral room may have lost its log meanwhile.
    pub(super) fn enter(self, earlier: Option<MemberRecord>, slot: Option<u8>) -> MemberRecord {
        let muted = earlier.as_ref().is_some_and(|record| record.muted);
        let also = earlier.as_ref().map(|record| record.also.clone()).unwrap_or_default();
        let stay = earlier.as_ref().map_or(0, |record| record.stay);
        let (member, earlier_name) = earlier.map(|record| (record.member, record.name)).unzip();
        MemberRecord {
            room: self.room,
            member: member.unwrap_or(self.member),
            actor: self.actor,
            name: self.name.or(earlier_name).unwrap_or(self.fallback_name),
            presence: Presence::Active,
            slot,
            since: 0,
            stay,
            owed: Some(Owed::Joined),
            changed_at: self.at,
            read: 0,
            read_n: 0,
            shown: 0,
            muted,
            also,
        }
    }

    /// The record of somebody new in a group, who comes in with the event at `since`.
    pub fn announced(self, since: Seq) -> MemberRecord {
        MemberRecord { since, owed: None, ..self.enter(None, None) }
    }

    /// Their id and name, if they are new.
    pub fn person(&self) -> Person {
        let name = self.name.as_ref().unwrap_or(&self.fallback_name);
        Person { id: self.member, name: name.clone() }
    }
}

/// Who comes in with this event.
pub(super) fn coming_with<'a>(entering: &'a [Joining], event: &Event) -> Option<&'a Joining> {
    let EventKind::Joined { member } = &event.kind else { return None };
    entering.iter().find(|joining| joining.member == member.id)
}

/// The place in a `p2p` room that is kept for who comes back, else the first that is not taken; the last one if all are, for
/// the index to refuse.
pub(super) fn free_slot(earlier: Option<&MemberRecord>, taken: &[u8]) -> u8 {
    if let Some(kept) = earlier.and_then(|record| record.slot) {
        return kept;
    }
    (0..P2P_MEMBERS).find(|slot| !taken.contains(slot)).unwrap_or(P2P_MEMBERS - 1)
}

/// What came of a join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// They came in (new or again): the record is active, `since` is 0, and it owes its `Joined`.
    Entered(MemberRecord),
    /// They were in already; nothing changed, the name included.
    Already(MemberRecord),
}

/// The members of a store.
#[async_trait]
pub trait Members {
    /// Makes somebody an active member and touches the room, in one transaction.
    ///
    /// [`NotFound`](super::StoreError::NotFound) if the room is not active, or the account is not there. Conflicts: `Full`, `Elsewhere`, `Removed`,
    /// `MemberIdTaken`. When both `Full` and `Elsewhere` hold, either may be answered.
    async fn join_room(&self, joining: &Joining) -> Result<Membership>;

    /// Makes an active member gone ([`Owed::Left`]) or removed ([`Owed::Removed`]), owing that notice, and touches the room.
    /// Gives the record as it is now. [`NotFound`](super::StoreError::NotFound) if they are not active. Conflict: `NotOwner`, if
    /// who removes them does not own the room.
    async fn leave_room(&self, room: RoomId, member: MemberId, notice: &Owed, at: Millis) -> Result<MemberRecord>;

    /// Makes a guest gone who is absent, as [`leave_room`](Self::leave_room) does with [`Owed::Left`], but keeps their place
    /// and their stay. An account is never absent: [`NotFound`](super::StoreError::NotFound) also if the record is an
    /// account's, or has become one's.
    async fn leave_absent(&self, room: RoomId, member: MemberId, at: Millis) -> Result<MemberRecord>;

    /// Frees the place in a `p2p` room that is kept for a member who is gone by absence, and ends their stay. Gives the record
    /// as it is now. [`NotFound`](super::StoreError::NotFound) if no place is kept for them.
    async fn free_place(&self, room: RoomId, member: MemberId) -> Result<MemberRecord>;

    /// All records of a `p2p` room that have a place, whatever their presence.
    async fn holders_of_places(&self, room: RoomId) -> Result<Vec<MemberRecord>>;

    /// Notes how far members have read, in one transaction or statement. Nothing goes back: each number becomes the larger of
    /// what it was and what is given. Whom the room does not know is passed over.
    async fn mark_read(&self, room: RoomId, cursors: &[ReadCursor]) -> Result<()>;

    /// The log of an ephemeral room was lost, and goes on after `seq` and the message `n`: whoever had read further has read
    /// that far, or what comes now would count as read before it is said. In one statement.
    async fn take_back_reads(&self, room: RoomId, seq: Seq, n: u64) -> Result<()>;

    /// Notes whether a member wants no notices of the room, whatever their presence.
    /// [`NotFound`](super::StoreError::NotFound) if there is no such record.
    async fn mute(&self, room: RoomId, member: MemberId, muted: bool) -> Result<()>;

    /// The active room with this code and somebody's record in it, whatever their presence. One question to the store: it
    /// is asked at every door. [`NotFound`](super::StoreError::NotFound) if either is missing.
    async fn membership(&self, code: RoomCode, actor: ActorId) -> Result<(RoomRecord, MemberRecord)>;

    /// The record of a member id, whatever their presence.
    async fn member(&self, room: RoomId, member: MemberId) -> Result<MemberRecord>;

    /// All records of a room that are active or owe a notice.
    async fn members(&self, room: RoomId) -> Result<Vec<MemberRecord>>;

    /// All rooms that an account is active in, with its records in them. One query, however many they are.
    async fn rooms_of_account(&self, account: AccountId) -> Result<Vec<(RoomRecord, MemberRecord)>>;

    /// All rooms there are that an account has a record in, whatever its presence. One query.
    async fn places_of_account(&self, account: AccountId) -> Result<Vec<(RoomRecord, MemberRecord)>>;

    /// Where a guest is active. At most one room, by the index.
    async fn room_of_guest(&self, guest: GuestId) -> Result<(RoomRecord, MemberRecord)>;

    /// Up to `limit` rooms that have a record which owes a notice since before `before`.
    async fn rooms_owing_notices(&self, before: Millis, limit: usize) -> Result<Vec<RoomId>>;

    /// Active memberships of guests, in a stable order, up to `limit` after `after` (exclusive).
    async fn active_guests(&self, after: Option<(RoomId, MemberId)>, limit: usize) -> Result<Vec<(RoomId, MemberId)>>;
}
