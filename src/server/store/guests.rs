//! Guests: sessions of persons without an account. A cookie holds the session's token, and the store holds only the
//! token's hash. A guest is stored together with its first room or membership, and deleted when it has not been seen
//! for a while.

use async_trait::async_trait;

use super::{GuestId, Result};
use crate::protocol::{Millis, Nickname};

/// The hash of a secret token, which the store has instead of the token: SHA-256, or a keyed hash for the codes in
/// mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

/// One guest session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestRecord {
    /// The id of the guest.
    pub id: GuestId,
    /// The hash of the token in the guest's cookie.
    pub token: TokenHash,
    /// The name that the guest used last. It is offered again in the next room.
    pub nickname: Option<Nickname>,
    /// When the guest was last seen; exact to some minutes, since not every request writes it.
    pub seen_at: Millis,
}

/// Storage of guests. `create_room`, `join_room` and `append_entering` create them, with their first room or
/// membership.
#[async_trait]
pub trait Guests {
    /// Returns the guest with this token, if seen at `alive_since` or later.
    async fn guest_by_token(&self, token: TokenHash, alive_since: Millis) -> Result<GuestRecord>;

    /// Stores that a guest was seen, and the guest's name (`None` leaves it unchanged). Does nothing if the guest is
    /// unknown.
    async fn touch_guest(&self, guest: GuestId, nickname: Option<&Nickname>, at: Millis) -> Result<()>;

    /// Deletes a guest who has left every room, with the guest's tokens and unsent mails, and frees the places in `p2p`
    /// rooms that are kept for the guest, in one transaction. Does nothing if the guest is unknown.
    async fn forget_guest(&self, guest: GuestId) -> Result<()>;

    /// Deletes guests that were not seen since `before`, and returns their number. Also frees the places in `p2p` rooms
    /// that are kept for deleted guests, whenever they were deleted. (MongoDB also deletes guests by a TTL index.)
    async fn forget_guests(&self, before: Millis) -> Result<u64>;
}
