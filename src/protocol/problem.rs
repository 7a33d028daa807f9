//! What can go wrong, as clients see it: a stable code, one table to HTTP, and a sentence that says what to do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{InvalidCode, InvalidEmail, InvalidText, RoomCode, Subject};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident => $status:literal, $title:literal;)*) => {
        /// A stable name for what went wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// A short title, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// A field is missing, too long or malformed.
    InvalidInput => 400, "Invalid input";
    /// A frame or a body could not be read at all.
    Malformed => 400, "Malformed request";
    /// The password is too easily guessed; `detail` says what would make it better.
    WeakPassword => 400, "Weak password";
    /// The token of a link, or what it stands for, is not valid any more.
    TokenInvalid => 400, "Link not valid";
    /// There is no session; create or join a room first.
    NoSession => 401, "No session";
    /// This is for people who are logged in.
    NotLoggedIn => 401, "Not logged in";
    /// The address and what should prove it (a password, a code) do not belong together.
    WrongCredentials => 401, "Wrong credentials";
    /// This needs the account's password, or a code by mail, and had neither or a wrong one.
    NotConfirmed => 403, "Not confirmed";
    /// Only the room's owner may do this.
    NotOwner => 403, "Only the owner may do this";
    /// The asker is not in this room.
    NotAMember => 403, "Not a member";
    /// The owner removed the asker from this room.
    Removed => 403, "Removed from this room";
    /// The request came from a page of another site.
    ForeignOrigin => 403, "Foreign origin";
    /// No room that the asker can enter has this code: unknown, expired and full look the same.
    RoomUnavailable => 404, "No such room";
    /// Nothing is at this address.
    NotFound => 404, "Not found";
    /// The address does not take this method.
    MethodNotAllowed => 405, "Method not allowed";
    /// A guest is in one room at a time; `room` has its code.
    AlreadyInRoom => 409, "Already in another room";
    /// This id was used for a message with another text.
    IdReused => 409, "Message id used before";
    /// The body or frame is too large.
    TooLarge => 413, "Too large";
    /// The body is not JSON.
    UnsupportedMediaType => 415, "Unsupported media type";
    /// Too fast; wait `retry_after_ms`.
    TooManyRequests => 429, "Too many requests";
    /// A fault of the server; it is logged there.
    Internal => 500, "Internal error";
    /// The store cannot be reached; nothing was acknowledged.
    StoreUnavailable => 503, "Store unavailable";
    /// The bus cannot be reached; rooms that keep nothing cannot go on for now.
    BusUnavailable => 503, "Bus unavailable";
    /// The server is stopping or has too much to do; try again.
    Overloaded => 503, "Try again shortly";
}

/// What exactly is wrong, for who says it in words of their own: a page in another language, or another program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing that can be seen is in the field.
    Empty {
        /// What the field is for.
        what: Subject,
    },
    /// The field has too many characters.
    TooLong {
        /// What the field is for.
        what: Subject,
        /// How many it may have.
        limit: usize,
        /// How many it has.
        found: usize,
    },
    /// A room code has six characters.
    CodeLength {
        /// How many this has.
        found: usize,
    },
    /// No room code has this character.
    CodeCharacter {
        /// The character, as it was typed.
        character: char,
    },
    /// That person is not in the room any more.
    MemberGone,
    /// The account is in as many rooms as it may be.
    TooManyRooms {
        /// How many that is.
        limit: usize,
    },
    /// More was kept than fits into a day: of the client, the room or the person.
    KeptTooMuch,
    /// The server's disk is almost full.
    DiskLow,
    /// The field is no email address.
    NoEmail,
    /// The link that came along was mailed to another address.
    OtherAddress,
    /// This browser has just registered by this address, with another password.
    OtherPassword,
    /// No answer came; never said by the server.
    Unreachable,
}

/// A refusal, as `application/problem+json` (RFC 9457) by REST, as an `error` frame by socket, and as the error of server
/// functions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// What went wrong.
    pub code: Code,
    /// For a person to read: what happened and what they can do.
    pub detail: String,
    /// The request's field that is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What exactly is wrong, where the code leaves that open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The room it is about (with `already_in_room`: where the asker is).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomCode>,
    /// When trying again makes sense, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Problem {
    /// A refusal with its sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), field: None, reason: None, room: None, retry_after_ms: None }
    }

    /// A field of the request is wrong.
    pub fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(Code::InvalidInput, reason) }
    }

    /// The same, with what exactly is wrong.
    #[must_use]
    pub fn because(self, reason: Reason) -> Self {
        Self { reason: Some(reason), ..self }
    }

    /// No room that the asker can enter has this code.
    pub fn room_unavailable() -> Self {
        Self::new(
            Code::RoomUnavailable,
            "No room you can enter has this code. Check it with whoever gave it to you: the room may be full or gone.",
        )
    }

    /// The asker is in another room, and a guest is in one at a time.
    pub fn already_in_room(room: RoomCode) -> Self {
        let detail = format!("You are in room {} and can be in one at a time. Leave it to go on.", room.spaced());
        Self { room: Some(room), ..Self::new(Code::AlreadyInRoom, detail) }
    }

    /// Too fast: wait this long.
    pub fn too_many_requests(retry_after_ms: u64) -> Self {
        let seconds = retry_after_ms.div_ceil(1000).max(1);
        let unit = if seconds == 1 { "second" } else { "seconds" };
        let detail = format!("That was a little fast. Try again in {seconds} {unit}.");
        Self { retry_after_ms: Some(retry_after_ms), ..Self::new(Code::TooManyRequests, detail) }
    }

    /// More was said in rooms that keep it than fits into a day: wait this long.
    pub fn kept_too_much(retry_after_ms: u64) -> Self {
        let minutes = retry_after_ms.div_ceil(60_000).max(1);
        let unit = if minutes == 1 { "minute" } else { "minutes" };
        let detail = format!(
            "More was said in rooms that keep it than the server keeps in a day. Try again in {minutes} {unit}."
        );
        Self { retry_after_ms: Some(retry_after_ms), ..Self::new(Code::TooManyRequests, detail) }
            .because(Reason::KeptTooMuch)
    }

    /// This is for people with an account.
    pub fn not_logged_in() -> Self {
        Self::new(Code::NotLoggedIn, "You are not logged in. Log in to go on.")
    }

    /// The token of a link is used, too old, or none of ours.
    pub fn token_invalid() -> Self {
        Self::new(Code::TokenInvalid, "This link is not valid any more. Ask for a new one.")
    }

    /// No answer came at all.
    pub fn unreachable() -> Self {
        Self::new(Code::Overloaded, "The server can’t be reached. Check your connection and try again.")
            .because(Reason::Unreachable)
    }

    /// Whether the same request may succeed later, so that a client keeps it and tries again.
    pub fn is_passing(&self) -> bool {
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
        Self::invalid("code", invalid.to_string()).because(reason)
    }
}

impl From<InvalidEmail> for Problem {
    fn from(invalid: InvalidEmail) -> Self {
        Self::invalid("email", invalid.to_string()).because(Reason::NoEmail)
    }
}

/// For a nickname, a room's name or a message: `field` names the request's field.
impl From<(&str, InvalidText)> for Problem {
    fn from((field, invalid): (&str, InvalidText)) -> Self {
        let reason = match invalid {
            InvalidText::Empty(what) => Reason::Empty { what },
            InvalidText::TooLong { what, limit, found } => Reason::TooLong { what, limit, found },
        };
        Self::invalid(field, invalid.to_string()).because(reason)
    }
}
