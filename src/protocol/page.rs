//! What a page shows. The server decides it by the address and by who asks, renders it, and hands it to the browser
//! with the document.

use serde::{Deserialize, Serialize};

use super::{
    ClientId, LocalTime, Millis, Nickname, Notify, OwnMessages, Preferences, Problem, Profile, RoomCode, RoomSummary,
    SessionView, Snapshot,
};

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
    /// The time where the reader is, if their browser has said where that is.
    pub local: Option<LocalTime>,
}

impl Visit {
    /// Whether the page shows what people said.
    pub fn shows_messages(&self) -> bool {
        let is_inside = matches!(&self.page, Page::Room { door: Ok(Door::Inside(_)), .. });
        is_inside || self.rooms.is_some()
    }

    /// The oldest time on the page.
    pub fn oldest(&self) -> Option<Millis> {
        let events = match &self.page {
            Page::Room { door: Ok(Door::Inside(snapshot)), .. } => snapshot.events.first().map(|event| event.at),
            _ => None,
        };
        events.into_iter().chain(self.rooms.iter().flatten().map(|room| room.at)).min()
    }
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
    /// Whether mails surely reach it.
    pub reach: Reach,
}

/// Whether mails surely reach an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// Its address is proved.
    Proved,
    /// It claims this address, which a mail has to prove. A text, as the rules of addresses would come with the wasm.
    Claimed(String),
    /// It has no address any more: somebody else has proved the one that it claimed.
    Nowhere,
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
    /// An id for the room that the form makes, so that pressing twice makes one.
    pub request: Option<ClientId>,
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
    /// The owner removed the asker, who knows the room and cannot come back to it.
    Removed,
    /// The asker was in it, and others have their places now.
    Full,
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
    /// Whether a guest asks.
    pub guest: bool,
    /// What was typed for a name.
    pub name: String,
    /// What was typed for an address.
    pub email: String,
    /// The token of a mail's link.
    pub token: String,
    /// The random number of the form, by which the server knows one that is sent twice.
    pub form: String,
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
    /// The same, for a browser whose session has ended.
    LogInAgain,
    /// Typing the code of a mail.
    Code,
    /// Asking for a new password.
    ForgotPassword,
    /// The mail is on its way.
    ForgotPasswordSent,
    /// Setting a new password.
    ResetPassword,
    /// Setting a password, right after the address was proved by the same link.
    SetPassword,
    /// A new password was set by this link, or by another.
    UsedLink,
    /// Proving an address, which opening the page does not do: programs that look through mails open links.
    Verify {
        /// The address, as people read it.
        email: String,
        /// What the account is called that claims it.
        name: Nickname,
        /// Whether the browser is logged in as that account. In any other its password and sessions end.
        is_here: bool,
        /// What the account is called that the browser is logged in as, if it is another.
        other: Option<Nickname>,
    },
    /// The address is proved.
    Verified,
    /// The link leads nowhere any more.
    Stale(Problem),
    /// What a guest's browser is known by, and the way to be forgotten.
    Guest {
        /// What the guest is called; `None` for somebody of whom nothing is known.
        nickname: Option<Nickname>,
        /// The room that they are in.
        room: Option<RoomCode>,
    },
    /// The guest is forgotten.
    Forgotten,
    /// The account is deleted.
    Deleted,
    /// What should be here cannot be said now; `next` is the page itself.
    Unavailable(Problem),
}

/// All that a page of preferences is made of. Like the pages about accounts these are taken over by no browser, and this never
/// crosses the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreferencesVisit {
    /// The page.
    pub page: PreferencesPage,
    /// The account, as it is kept.
    pub profile: Profile,
    /// What is chosen in the forms: as it is kept, or as it was sent, if that was refused.
    pub preferences: Preferences,
    /// The browsers that are logged in, on the page that lists them.
    pub sessions: Vec<SessionView>,
    /// When the page was asked for.
    pub now: Millis,
    /// The time where the reader is, if their browser has said where that is.
    pub local: Option<LocalTime>,
    /// The form that was sent just now, and done.
    pub done: Option<PreferencesForm>,
    /// The form that a code was mailed for, to be typed there.
    pub asked: Option<PreferencesForm>,
    /// What was typed into a form that was sent and not done. Never a password.
    pub typed: Typed,
    /// The address that a form was sent to, and why it was refused.
    pub refused: Option<(String, Problem)>,
}

/// What was typed into the forms of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// Which form it was, where that does not show from the address that it was sent to.
    pub form: Option<PreferencesForm>,
    /// The account's name.
    pub name: String,
    /// The new address.
    pub email: String,
    /// The name in new rooms, which may be none.
    pub nickname: Option<String>,
    /// What is to become of messages.
    pub messages: OwnMessages,
}

macro_rules! preferences {
    (
        pages { $($(#[$page_doc:meta])* $page:ident = $path:literal,)* }
        forms { $($(#[$form_doc:meta])* $form:ident = $name:literal on $on:ident,)* }
    ) => {
        /// A page of preferences.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum PreferencesPage { $($(#[$page_doc])* $page,)* }

        impl PreferencesPage {
            /// Every page, in the order to offer them.
            pub const ALL: &[Self] = &[$(Self::$page,)*];

            /// Its address.
            pub const fn path(self) -> &'static str {
                match self { $(Self::$page => $path,)* }
            }
        }

        /// A form on one of these pages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum PreferencesForm { $($(#[$form_doc])* #[serde(rename = $name)] $form,)* }

        impl PreferencesForm {
            /// Its name, which is unique on its page.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$form => $name,)* }
            }

            /// The page that it is on.
            pub const fn page(self) -> PreferencesPage {
                match self { $(Self::$form => PreferencesPage::$on,)* }
            }
        }
    };
}

preferences! {
    pages {
        /// How pages look and speak.
        Appearance = "/preferences",
        /// What others see, and what one is told.
        Chatting = "/preferences/chatting",
        /// Name, address and password.
        Account = "/preferences/account",
        /// Where one is logged in.
        Devices = "/preferences/devices",
        /// Taking one's data out, and leaving.
        Data = "/preferences/data",
    }
    forms {
        /// How pages look and speak.
        Appearance = "appearance" on Appearance,
        /// What others see, and what one is told.
        Chatting = "chatting" on Chatting,
        /// What one is called.
        Name = "name" on Account,
        /// Where mails go.
        Email = "email" on Account,
        /// What one logs in with.
        Password = "password" on Account,
        /// Where one is logged in.
        Devices = "devices" on Devices,
        /// Leaving for good.
        Delete = "delete" on Data,
    }
}
