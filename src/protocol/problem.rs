//! Refusals and failures, as clients see them: [`Problem`].
//!
//! Each has a stable [`Code`], whose HTTP status and title are in one table, and a sentence that tells a person what
//! happened and what to do. Where the code leaves the cause open, a [`Reason`] names it for clients that write their
//! own texts.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::{InvalidCode, InvalidEmail, InvalidText, RoomCode, TextKind, open::OpenOrBare};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $status:literal, $title:literal;)*) => {
        /// A stable name of a refusal or failure, for programs to act on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Code {
            $($(#[$doc])* $name,)*
            /// A code that this version does not know. The server never sends it.
            #[serde(other)]
            Other,
        }

        impl Code {
            /// Every code that the server sends, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* Self::Other => 400 }
            }

            /// A short title, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* Self::Other => "Refused" }
            }
        }
    };
}

codes! {
    /// A field is missing, too long or malformed.
    InvalidInput => 400, "Invalid input";
    /// The frame or body could not be parsed.
    Malformed => 400, "Malformed request";
    /// The password is too easily guessed. `detail` has advice on a better one.
    WeakPassword => 400, "Weak password";
    /// The token of a mailed link is unknown, used or expired.
    TokenInvalid => 400, "Link not valid";
    /// The request has no session. Create or join a room first.
    NoSession => 401, "No session";
    /// The request needs an account that is logged in.
    NotLoggedIn => 401, "Not logged in";
    /// The email address and the password or code do not match.
    WrongCredentials => 401, "Wrong credentials";
    /// The request needs the account's password or a mailed code, and had neither or a wrong one.
    NotConfirmed => 403, "Not confirmed";
    /// Only the room's owner may do this.
    NotOwner => 403, "Only the owner may do this";
    /// Only the author of the message may do this.
    NotAuthor => 403, "Only the author may do this";
    /// The message can no longer be edited: its time is over, or it was edited as often as allowed.
    TooLate => 403, "Too late to edit";
    /// The asker is not a member of this room.
    NotAMember => 403, "Not a member";
    /// The owner has removed the asker from this room.
    Removed => 403, "Removed from this room";
    /// The request came from a page of another site.
    ForeignOrigin => 403, "Foreign origin";
    /// The asker can enter no room with this code. Unknown, expired and full rooms get the same answer.
    RoomUnavailable => 404, "No such room";
    /// No page or operation has this URL.
    NotFound => 404, "Not found";
    /// The URL does not accept this method.
    MethodNotAllowed => 405, "Method not allowed";
    /// A guest can be in one room at a time. `room` has the code of the one that the guest is in.
    AlreadyInRoom => 409, "Already in another room";
    /// Another message with this id but another text exists.
    IdReused => 409, "Message id used before";
    /// The text of the message was changed since the version that the asker has seen.
    EditedMeanwhile => 409, "Edited in the meantime";
    /// The message was said while the room kept its messages, which it no longer does. It can be deleted, not changed.
    KeptElsewhere => 409, "The message is from another time";
    /// The message has as many reactions as it can have, or as many of one person.
    TooManyReactions => 409, "Too many reactions";
    /// There is no such message, or it was deleted.
    MessageGone => 410, "Message gone";
    /// The body or frame is too large.
    TooLarge => 413, "Too large";
    /// The body is not declared as JSON.
    UnsupportedMediaType => 415, "Unsupported media type";
    /// The client is over a rate limit. Wait `retry_after_ms`.
    TooManyRequests => 429, "Too many requests";
    /// The server has a fault, and has logged it.
    Internal => 500, "Internal error";
    /// The server cannot reach its store. Nothing was stored or acknowledged.
    StoreUnavailable => 503, "Store unavailable";
    /// The server cannot reach its bus. Rooms that keep no messages cannot continue until it is back.
    BusUnavailable => 503, "Bus unavailable";
    /// The server is stopping or has too much to do. Try again.
    Overloaded => 503, "Try again shortly";
}

/// The exact cause of a refusal, for clients that write their own texts, in another language for example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(remote = "Self", rename_all = "snake_case")]
pub enum Reason {
    /// The field has no visible character.
    Empty {
        /// The kind of text that the field holds.
        what: TextKind,
    },
    /// The field has too many characters.
    TooLong {
        /// The kind of text that the field holds.
        what: TextKind,
        /// The most characters that the field may have.
        limit: usize,
        /// The number of characters that were sent.
        found: usize,
    },
    /// The room code does not have six characters.
    CodeLength {
        /// The number of characters that were sent.
        found: usize,
    },
    /// The room code has a character that no room code contains.
    CodeCharacter {
        /// The character, as it was typed.
        character: char,
    },
    /// The person is not a member of the room any more.
    MemberGone,
    /// The account is in as many rooms as it may be.
    TooManyRooms {
        /// The most rooms that an account may be in.
        limit: usize,
    },
    /// The room has too many members for a mention of everyone by somebody who does not own it.
    TooManyForEveryone {
        /// The most members that such a room may have.
        limit: usize,
    },
    /// The client, the room or the person has stored as much as fits into a day.
    KeptTooMuch,
    /// The server's disk is almost full.
    DiskLow,
    /// The field is not an email address.
    NoEmail,
    /// The token of the mailed link was sent to another email address.
    OtherAddress,
    /// The same browser has just registered with this address and another password.
    OtherPassword,
    /// The server did not answer. Clients make this reason themselves. The server never sends it.
    Unreachable,
    /// A reason that this version does not know. The server never sends it.
    Other,
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(OpenOrBare(deserializer))
    }
}

/// A refusal or failure. REST sends it as `application/problem+json` (RFC 9457), the socket as an `error` frame, and
/// server functions as their error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// The stable name of the refusal.
    pub code: Code,
    /// A sentence for a person: what happened, and what to do.
    pub detail: String,
    /// The name of the wrong field of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The exact cause, where the code leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The code of the room that the problem is about. With `already_in_room`, the room that the asker is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomCode>,
    /// How many milliseconds to wait before trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Problem {
    /// Makes a problem from a code and a sentence for a person.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), field: None, reason: None, room: None, retry_after_ms: None }
    }

    /// Makes an `invalid_input` problem. `field` is the name of the request's field, `reason` the sentence for a
    /// person.
    pub fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(Code::InvalidInput, reason) }
    }

    /// The same problem with the exact cause.
    #[must_use]
    pub fn with_reason(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// The asker can enter no room with this code.
    pub fn room_unavailable() -> Self {
        Self::new(Code::RoomUnavailable, "Can’t join. The code may be wrong, or the room is full or closed.")
    }

    /// The asker is a guest and in another room already.
    pub fn already_in_room(room: RoomCode) -> Self {
        let detail =
            format!("You’re in room {}, and guests can be in one room at a time. Leave it first.", room.spaced());
        Self { room: Some(room), ..Self::new(Code::AlreadyInRoom, detail) }
    }

    /// The client is over a rate limit and has to wait this long.
    pub fn too_many_requests(retry_after_ms: u64) -> Self {
        let seconds = retry_after_ms.div_ceil(1000).max(1);
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let detail = format!("That was a little fast. Try again in {seconds} {unit}.");
        Self { retry_after_ms: Some(retry_after_ms), ..Self::new(Code::TooManyRequests, detail) }
    }

    /// More was stored in preserved rooms than fits into a day. The client has to wait this long.
    pub fn kept_too_much(retry_after_ms: u64) -> Self {
        let minutes = retry_after_ms.div_ceil(60_000).max(1);
        let unit = if minutes == 1 { "minute" } else { "minutes" };
        let detail = format!("The daily limit for saved messages is reached. Try again in {minutes} {unit}.");
        Self { retry_after_ms: Some(retry_after_ms), ..Self::new(Code::TooManyRequests, detail) }
            .with_reason(Reason::KeptTooMuch)
    }

    /// The request needs an account that is logged in.
    pub fn not_logged_in() -> Self {
        Self::new(Code::NotLoggedIn, "You’re not logged in. Log in to continue.")
    }

    /// The token of a mailed link is used, expired or unknown.
    pub fn token_invalid() -> Self {
        Self::new(Code::TokenInvalid, "This link has expired, was already used or is incomplete. Ask for a new one.")
    }

    /// The server did not answer. Made by the client.
    pub fn unreachable() -> Self {
        Self::new(Code::Overloaded, "Can’t reach the server. Check your connection and try again.")
            .with_reason(Reason::Unreachable)
    }

    /// Whether the same request may succeed later, so that a client should store it and try again.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.code,
            Code::TooManyRequests | Code::StoreUnavailable | Code::BusUnavailable | Code::Overloaded | Code::Internal
        )
    }
}

impl From<InvalidCode> for Problem {
    fn from(invalid: InvalidCode) -> Self {
        let reason = match invalid {
            InvalidCode::Length(found) => Reason::CodeLength { found },
            InvalidCode::Character(character) => Reason::CodeCharacter { character },
        };
        Self::invalid("code", invalid.to_string()).with_reason(reason)
    }
}

impl From<InvalidEmail> for Problem {
    fn from(invalid: InvalidEmail) -> Self {
        Self::invalid("email", invalid.to_string()).with_reason(Reason::NoEmail)
    }
}

/// Converts the refusal of a nickname, a room's name or a message. `field` is the name of the request's field.
impl From<(&str, InvalidText)> for Problem {
    fn from((field, invalid): (&str, InvalidText)) -> Self {
        let reason = match invalid {
            InvalidText::Empty(what) => Reason::Empty { what },
            InvalidText::TooLong { what, limit, found } => Reason::TooLong { what, limit, found },
        };
        Self::invalid(field, invalid.to_string()).with_reason(reason)
    }
}
