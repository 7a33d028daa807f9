//! Limits that server and client share, so that a form can refuse what the server would refuse.

/// The most characters (Unicode scalar values) of a message.
pub const MESSAGE_CHARS: usize = 4_000;
/// The most characters of a nickname.
pub const NICKNAME_CHARS: usize = 32;
/// The most characters of a room's name.
pub const ROOM_NAME_CHARS: usize = 64;
/// The fewest and the most characters of a password.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=256;
/// The most events in one page of history, and in the window of events of a snapshot.
pub const HISTORY_PAGE: usize = 50;
/// The most events that a `resumed` frame carries. A client that missed more gets a `reset` and pages backwards.
pub const RESUME_EVENTS: usize = 1_000;
/// The largest frame from a client, in bytes. A message of [`MESSAGE_CHARS`] four-byte characters fits, escaped as
/// JSON.
pub const FRAME_BYTES: usize = 64 * 1024;
/// The members of a `p2p` room.
pub const P2P_MEMBERS: u8 = 2;
/// The largest room, in members, that sends read marks. In a larger one each message would cause one mark per reader,
/// and each of these marks would go to every member.
pub const READ_MARK_MEMBERS: usize = 64;
/// The most characters of a message in a room summary.
pub const PREVIEW_CHARS: usize = 140;
/// The most members that one message can mention.
pub const MENTIONS: usize = 20;
/// In a room with more members only the owner can mention everyone.
pub const EVERYONE_MEMBERS: usize = 15;
/// The most messages in one request for the beginnings of messages.
pub const QUOTES: usize = 20;
/// The most rooms that one account may be in.
pub const ROOMS_OF_ACCOUNT: usize = 1_000;
/// The characters of the random number in a form that may be sent twice: the length of a UUID.
pub const FORM_CHARS: usize = 36;
/// The most characters of a search.
pub const SEARCH_CHARS: usize = 100;
/// The most words and phrases of a search.
pub const SEARCH_WORDS: usize = 8;
/// The most messages that a search returns at once.
pub const SEARCH_PAGE: usize = 20;
/// The most rooms of an account that are searched at once: those with the newest messages.
pub const SEARCH_ROOMS: usize = 20;
/// The most different emoji of one message.
pub const REACTIONS: usize = 20;
/// The most emoji of one person at one message.
pub const REACTIONS_OF_ONE: usize = 5;
/// The most reactions of one message in all.
pub const REACTIONS_IN_ALL: usize = 2_000;
/// The most members whom a client is sent for one emoji of a message.
pub const NAMED_REACTIONS: usize = 50;
/// The most changes in one `reacted` event, each of one message, one emoji and one direction.
pub const REACTION_CHANGES: usize = 64;
/// The most members in one `reacted` event.
pub const REACTION_MEMBERS: usize = 1_024;
