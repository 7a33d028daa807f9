//! Which dialogs of a room are open. The dialogs themselves are in files of their own.

use leptos::prelude::*;

/// The dialogs of a room. A signal that is true opens the dialog.
#[derive(Clone, Copy)]
pub struct Dialogs {
    /// Code and link, to invite others.
    pub invite: RwSignal<bool>,
    pub members: RwSignal<bool>,
    /// The settings of the room.
    pub settings: RwSignal<bool>,
    pub exit: RwSignal<bool>,
}

impl Dialogs {
    /// All dialogs are closed.
    pub fn closed() -> Self {
        Self {
            invite: RwSignal::new(false),
            members: RwSignal::new(false),
            settings: RwSignal::new(false),
            exit: RwSignal::new(false),
        }
    }

    /// Whether any dialog is open.
    pub fn any_open(self) -> bool {
        [self.invite, self.members, self.settings, self.exit].into_iter().any(|open| open.get())
    }
}
