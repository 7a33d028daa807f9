//! Limits that both sides know, so that the form refuses what the server would.

/// Characters (Unicode scalar values) in one message.
pub const MESSAGE_CHARS: usize = 4_000;
/// Characters in a nickname.
pub const NICKNAME_CHARS: usize = 32;
/// Characters in a room's name.
pub const ROOM_NAME_CHARS: usize = 64;
/// Characters in a password, at least and at most.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=256;
/// Events in one page of history, and in the window that a snapshot carries.
pub const HISTORY_PAGE: usize = 50;
/// Events that a resume hands over at most; who missed more gets a `reset` and pages backwards.
pub const RESUME_EVENTS: usize = 1_000;
/// Bytes of one frame from a client: a message of [`MESSAGE_CHARS`] four-byte characters, escaped as JSON, fits.
pub const FRAME_BYTES: usize = 64 * 1024;
/// Members of a `p2p` room.
pub const P2P_MEMBERS: u8 = 2;
/// Members up to which a room tells who has read what: in a larger one every message would be followed by as many marks as
/// there are readers, and each of them would go to all.
pub const READ_MARK_MEMBERS: usize = 64;
/// Characters of a message that a list of rooms shows.
pub const PREVIEW_CHARS: usize = 140;
/// Rooms that an account is in.
pub const ROOMS_OF_ACCOUNT: usize = 1_000;
/// Characters of the random number that a page gives a form which may be sent twice: a UUID's.
pub const FORM_CHARS: usize = 36;
