//! Which dialogs of a room are open. The dialogs themselves are in files of their own, and `view` renders them when the
//! first of them opens.

use leptos::prelude::*;

/// The dialogs of a room. A signal that is true opens the dialog.
#[derive(Clone, Copy)]
pub struct Dialogs {
    /// What the room is, and what can be done with it.
    pub info: RwSignal<bool>,
    /// Code and link, to invite others.
    pub invite: RwSignal<bool>,
    pub members: RwSignal<bool>,
    /// The settings of the room.
    pub settings: RwSignal<bool>,
    pub exit: RwSignal<bool>,
    /// Who has read a message.
    pub readers: RwSignal<bool>,
    /// Searching the messages.
    pub search: RwSignal<bool>,
}

impl Dialogs {
    /// All dialogs are closed.
    pub fn closed() -> Self {
        Self {
            info: RwSignal::new(false),
            invite: RwSignal::new(false),
            members: RwSignal::new(false),
            settings: RwSignal::new(false),
            exit: RwSignal::new(false),
            readers: RwSignal::new(false),
            search: RwSignal::new(false),
        }
    }
}
