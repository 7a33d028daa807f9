//! What a page shows. The server decides it by the address and by who asks, renders it, and hands it to the browser
//! with the document.

use serde::{Deserialize, Serialize};

use super::{Email, Nickname, Notify, Problem, RoomCode, RoomSummary, Snapshot};

/// All that a page is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The page.
    pub page: Page,
    /// What a form had, if the page is there because a form was sent back.
    pub sent_back: SentBack,
    /// The account that is logged in here, if one is.
    pub account: Option<Identity>,
    /// Its rooms, newest first, on pages that list them.
    pub rooms: Option<Vec<RoomSummary>>,
}

/// What a page knows of the account that is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// What it is called.
    pub name: Nickname,
    /// What is worth a notification.
    pub notify: Notify,
    /// Whether a notification makes a sound.
    pub sound: bool,
    /// Whether others see what it has read, and it sees that of them.
    pub shows_read: bool,
    /// Whether its address is proved: until then nothing that needs a mail works.
    pub verified: bool,
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Page {
    /// The start page.
    Home(Option<Entrance>),
    /// Making a room.
    NewRoom(Option<Entrance>),
    /// An account's rooms, with none of them open.
    Dashboard {
        /// What to offer to who joins another; nothing if the server could not say.
        entrance: Option<Entrance>,
        /// Whether all of a long list are on the page from the start.
        all: bool,
    },
    /// A room’s link.
    Room {
        /// Which room.
        code: RoomCode,
        /// What is behind it, or why that cannot be said now.
        door: Result<Door, Problem>,
    },
    /// A room’s link whose end is no code.
    NoCode {
        /// The end of the link.
        text: String,
        /// What to offer instead.
        entrance: Option<Entrance>,
    },
    /// An address that leads nowhere.
    #[default]
    NotFound,
}

/// What a page of entry offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entrance {
    /// The name to offer: the one used last, else a friendly pair.
    pub nickname: Nickname,
    /// The room this guest is in now, if any.
    pub current: Option<RoomCode>,
}

/// What is behind a room's link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Door {
    /// The asker is in the room.
    Inside(Box<Snapshot>),
    /// The asker is not in it. Whether there is such a room is told only to who joins.
    Outside(Entrance),
}

/// What was typed into a form that was sent without scripts and refused: its fields by their names, and the refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SentBack {
    /// The code of a room to join.
    pub code: String,
    /// The name to be called by.
    pub nickname: String,
    /// The name of a room to make.
    pub name: String,
    /// How many a room to make holds.
    pub room_type: String,
    /// Whether a room to make keeps what is said.
    pub preserve: String,
    /// The address that the form was sent to, and why it was refused.
    pub refused: Option<(String, Problem)>,
}

/// All that a page about accounts is made of. These pages run no scripts of ours but a few lines, so no browser takes them
/// over, and this never crosses the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthVisit {
    /// The page.
    pub page: AuthPage,
    /// Where to go on afterwards: a path of this site.
    pub next: String,
    /// What the account is called that is logged in here, if one is.
    pub account: Option<Nickname>,
    /// What was typed for a name.
    pub name: String,
    /// What was typed for an address.
    pub email: String,
    /// The token of a mail's link.
    pub token: String,
    /// The address that a form was sent to, and why it was refused.
    pub refused: Option<(String, Problem)>,
}

/// A page about accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuthPage {
    /// Making an account.
    Register,
    /// Logging in, perhaps right after a new password was set.
    #[default]
    LogIn,
    /// The same, right after a new password was set.
    LogInAfterReset,
    /// Typing the code of a mail.
    Code,
    /// Asking for a new password.
    ForgotPassword,
    /// The mail is on its way.
    ForgotPasswordSent,
    /// Setting a new password.
    ResetPassword,
    /// Proving an address, which opening the page does not do: programs that look through mails open links.
    Verify {
        /// The address.
        email: Email,
        /// What the account is called that claims it.
        name: Nickname,
    },
    /// The address is proved.
    Verified,
    /// The link leads nowhere any more.
    Stale(Problem),
}
