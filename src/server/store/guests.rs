//! Guests: sessions of people without an account. The cookie's token is kept as a hash only.

use async_trait::async_trait;

use super::{GuestId, Result};
use crate::protocol::{Millis, Nickname};

/// SHA-256 of a session token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

/// One guest session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestRecord {
    /// Who.
    pub id: GuestId,
    /// What proves it.
    pub token: TokenHash,
    /// The name they last used, offered again in the next room.
    pub nickname: Option<Nickname>,
    /// When they were last heard of; to within some minutes, since not every request writes it.
    pub seen_at: Millis,
}

/// The guests of a store. They are made with their first room or membership (`create_room`, `join_room`).
#[async_trait]
pub trait Guests {
    /// The guest whom this token proves, if seen since `alive_since`.
    async fn guest_by_token(&self, token: TokenHash, alive_since: Millis) -> Result<GuestRecord>;

    /// Notes that a guest was heard of, and the name they use now (`None` keeps it). Nothing happens if they are unknown.
    async fn touch_guest(&self, guest: GuestId, nickname: Option<&Nickname>, at: Millis) -> Result<()>;

    /// Forgets one guest, who has left every room, with their tokens and the mails that were not sent yet, and frees the places
    /// that are kept for them, in one transaction. Nothing happens if they are unknown.
    async fn forget_guest(&self, guest: GuestId) -> Result<()>;

    /// Forgets guests not seen since `before`; says how many. Frees the places that are kept for guests who are forgotten,
    /// now or earlier. (MongoDB also has a TTL index.)
    async fn forget_guests(&self, before: Millis) -> Result<u64>;
}
