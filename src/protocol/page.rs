//! The content of each page: what the server has decided to show, before it is rendered.
//!
//! The server makes a [`Visit`], [`AuthVisit`] or [`PreferencesVisit`] from the URL and the session, and renders it. A
//! [`Visit`] is also sent to the browser inside the document, so that the wasm renders the same page. How pages look is
//! in [`Appearance`](super::Appearance).

use serde::{Deserialize, Serialize};

use super::{
    ClientId, LocalTime, Millis, Nickname, Notify, OwnMessages, Preferences, Problem, Profile, RoomCode, RoomSummary,
    SessionView, Snapshot, addresses,
};

/// All data of a page about rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// The page to show.
    pub page: Page,
    /// The fields and the refusal of a form that was sent without scripts and refused.
    pub refused_form: RefusedForm,
    /// The account that is logged in, if any.
    pub account: Option<Identity>,
    /// The account's rooms, newest first, on pages that list them.
    pub rooms: Option<Vec<RoomSummary>>,
    /// The reader's local time, if the browser has named its time zone.
    pub local: Option<LocalTime>,
}

impl Visit {
    /// Whether the page contains messages.
    pub fn shows_messages(&self) -> bool {
        let is_inside = matches!(&self.page, Page::Room { access: Ok(RoomAccess::Inside(_)), .. });
        is_inside || self.rooms.is_some()
    }

    /// The oldest time that the page shows.
    pub fn oldest(&self) -> Option<Millis> {
        let events = match &self.page {
            Page::Room { access: Ok(RoomAccess::Inside(snapshot)), .. } => {
                snapshot.events.first().map(|event| event.at)
            }
            _ => None,
        };
        events.into_iter().chain(self.rooms.iter().flatten().map(|room| room.at)).min()
    }
}

/// What a page knows of the logged-in account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The account's display name.
    pub name: Nickname,
    /// Which messages cause a notification.
    pub notify: Notify,
    /// Whether a notification makes a sound.
    pub sound: bool,
    /// Whether the account shows its read position, and therefore sees those of others.
    pub shows_read: bool,
    /// Whether mail is sure to reach the account.
    pub reach: MailReach,
}

/// Whether mail is sure to reach an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailReach {
    /// The account's address is proved.
    Proved,
    /// The account claims this address, and has not proved it by a mailed link yet. A `String`, because `Email` would
    /// bring its parser into the wasm.
    Claimed(String),
    /// The account has no address, because another account has proved the one it claimed.
    Nowhere,
}

/// A page about rooms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Page {
    /// The start page.
    Home(Option<JoinOffer>),
    /// The page with the form for a new room.
    NewRoom(Option<JoinOffer>),
    /// The page with an account's rooms, none of them open.
    Dashboard {
        /// What the form for joining a room offers. None if the server could not read it.
        offer: Option<JoinOffer>,
        /// Whether a long list is complete on the page from the start.
        all: bool,
    },
    /// The page of a room's link.
    Room {
        /// The code of the room.
        code: RoomCode,
        /// What the asker may see of the room, or the problem that prevented finding out.
        access: Result<RoomAccess, Problem>,
    },
    /// The page of a room's link that ends in no valid code.
    NoCode {
        /// The end of the link.
        text: String,
        /// What the form for joining a room offers.
        offer: Option<JoinOffer>,
    },
    /// There is no page at this URL.
    #[default]
    NotFound,
}

/// What the forms for joining and making a room offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinOffer {
    /// An id for the room that the form makes, so that pressing the button twice makes one room.
    pub request: Option<ClientId>,
    /// The nickname to suggest: the one used last, otherwise a generated pair.
    pub nickname: Nickname,
    /// The room that this guest is in at the moment.
    pub current: Option<RoomCode>,
}

/// What the asker may see of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomAccess {
    /// The asker is a member: the whole room.
    Inside(Box<Snapshot>),
    /// The asker is not a member. Whether the room exists is only answered to a request to join.
    Outside(JoinOffer),
    /// The owner has removed the asker, who knows that the room exists and cannot come back.
    Removed,
    /// The asker was a member, and the room has no place left now.
    Full,
}

/// The fields of a form that was sent without scripts and refused, and the refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RefusedForm {
    /// The typed code of a room to join.
    pub code: String,
    /// The typed nickname.
    pub nickname: String,
    /// The typed name of a room to make.
    pub name: String,
    /// The chosen type of a room to make.
    pub room_type: String,
    /// Whether a room to make keeps its messages.
    pub preserve: String,
    /// The URL that the form was sent to, and why it was refused.
    pub refused: Option<(String, Problem)>,
}

/// All data of a page about logging in and registering.
///
/// These pages contain a few lines of script and no wasm, so this is rendered on the server only and never sent to the
/// browser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthVisit {
    /// The page to show.
    pub page: AuthPage,
    /// Where to go after logging in: a path of this site.
    pub next: String,
    /// The name of the account that is logged in, if any.
    pub account: Option<Nickname>,
    /// Whether the asker is a guest.
    pub guest: bool,
    /// The typed name.
    pub name: String,
    /// The typed email address.
    pub email: String,
    /// The token of the mailed link.
    pub token: String,
    /// The random number of the form. The server recognises a form that is sent twice by it.
    pub form: String,
    /// The URL that a form was sent to, and why it was refused.
    pub refused: Option<(String, Problem)>,
}

/// A page about logging in and registering.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuthPage {
    /// The form for registering.
    Register,
    /// The form for logging in.
    #[default]
    LogIn,
    /// The form for logging in, after a new password was set.
    LogInAfterReset,
    /// The form for logging in, after the browser's session has ended.
    LogInAgain,
    /// The form for the mailed code.
    Code,
    /// The form that asks for a new password.
    ForgotPassword,
    /// Says that a mail with a link for a new password is on its way.
    ForgotPasswordSent,
    /// The form for a new password.
    ResetPassword,
    /// The form for a password, after the address was proved by the same link.
    SetPassword,
    /// Says that this link, or another, has already set a new password.
    UsedLink,
    /// The form with a button that proves an address. Opening the page proves nothing, because programs that scan mail
    /// open links.
    Verify {
        /// The email address as shown to people.
        email: String,
        /// The name of the account that claims the address.
        name: Nickname,
        /// Whether the browser is logged in as that account. From any other browser, proving the address ends the
        /// account's password and sessions.
        is_here: bool,
        /// The name of another account that the browser is logged in as.
        other: Option<Nickname>,
    },
    /// Says that the address is proved.
    Verified,
    /// Says that the link is not valid any more.
    Stale(Problem),
    /// Shows what the server knows of a guest, with a button to be forgotten.
    Guest {
        /// The guest's nickname, or `None` for a person of whom the server knows nothing.
        nickname: Option<Nickname>,
        /// The room that the guest is in.
        room: Option<RoomCode>,
    },
    /// Says that the guest is forgotten.
    Forgotten,
    /// Says that the account is deleted.
    Deleted,
    /// Says that the page cannot be shown at the moment. `next` is the URL of the page itself, to try again.
    Unavailable(Problem),
}

/// All data of a page of preferences.
///
/// Like the pages about logging in, it is rendered on the server only and never sent to the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreferencesVisit {
    /// The page to show.
    pub page: PreferencesPage,
    /// The account, as it is stored.
    pub profile: Profile,
    /// The values of the forms: the stored ones, or those of a form that was sent and refused.
    pub preferences: Preferences,
    /// The account's sessions, on the page that lists them.
    pub sessions: Vec<SessionView>,
    /// When the page was requested.
    pub now: Millis,
    /// The reader's local time, if the browser has named its time zone.
    pub local: Option<LocalTime>,
    /// The form that was sent just before and succeeded.
    pub done: Option<PreferencesForm>,
    /// The form that a confirmation code was mailed for. The page shows a field for the code in it.
    pub asked: Option<PreferencesForm>,
    /// The fields of a form that was sent and did not succeed. Never contains a password.
    pub typed: Typed,
    /// The URL that a form was sent to, and why it was refused.
    pub refused: Option<(String, Problem)>,
}

/// What was typed into the forms on a page of preferences.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The form that was sent, where the URL it was sent to does not tell.
    pub form: Option<PreferencesForm>,
    /// The typed display name.
    pub name: String,
    /// The typed new email address.
    pub email: String,
    /// The typed nickname for new rooms. `Some("")` is a field that was left empty.
    pub nickname: Option<String>,
    /// The choice of what happens to the account's messages.
    pub messages: OwnMessages,
}

macro_rules! preferences {
    (
        pages { $($(#[$page_doc:meta])* $page:ident = $path:path,)* }
        forms { $($(#[$form_doc:meta])* $form:ident = $name:literal on $on:ident,)* }
    ) => {
        /// A page of preferences.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum PreferencesPage { $($(#[$page_doc])* $page,)* }

        impl PreferencesPage {
            /// Every page, in the order of the navigation.
            pub const ALL: &[Self] = &[$(Self::$page,)*];

            /// The URL path of the page.
            pub const fn path(self) -> &'static str {
                match self { $(Self::$page => $path,)* }
            }
        }

        /// A form on a page of preferences.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum PreferencesForm { $($(#[$form_doc])* #[serde(rename = $name)] $form,)* }

        impl PreferencesForm {
            /// The name of the form. Unique on its page.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$form => $name,)* }
            }

            /// The page that has the form.
            pub const fn page(self) -> PreferencesPage {
                match self { $(Self::$form => PreferencesPage::$on,)* }
            }
        }
    };
}

preferences! {
    pages {
        /// Appearance and language.
        Appearance = addresses::PREFERENCES,
        /// Notifications, and what others see.
        Chatting = addresses::PREFERENCES_CHATTING,
        /// Name, email address and password.
        Account = addresses::PREFERENCES_ACCOUNT,
        /// The browsers that are logged in.
        Devices = addresses::PREFERENCES_DEVICES,
        /// Downloading one's data, and deleting the account.
        Data = addresses::PREFERENCES_DATA,
    }
    forms {
        /// Appearance and language.
        Appearance = "appearance" on Appearance,
        /// Notifications, and what others see.
        Chatting = "chatting" on Chatting,
        /// The display name.
        Name = "name" on Account,
        /// The email address.
        Email = "email" on Account,
        /// The password.
        Password = "password" on Account,
        /// The browsers that are logged in.
        Devices = "devices" on Devices,
        /// Deleting the account.
        Delete = "delete" on Data,
    }
}
