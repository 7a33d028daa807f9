//! The content of the pages about rooms: what the server has decided to show, before it is rendered.
//!
//! The server makes a [`Visit`] from the URL and the session, and renders it. It also sends the [`Visit`] to the
//! browser inside the document, so that the wasm renders the same page. The content of the other pages never leaves
//! the server (`crate::visit`).

use serde::{Deserialize, Serialize};

use super::{ClientId, LocalTime, Millis, Nickname, Notify, Problem, RoomCode, RoomSummary, Snapshot};

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
    /// When the device had this from the server, if the page is made from what the device keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_at: Option<Millis>,
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
    /// A page without data, which the service worker keeps. The browser fills it with what the device has for the
    /// address.
    Shell,
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
