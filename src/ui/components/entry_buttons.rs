//! How a form of entry is sent: one button, or for somebody who is in another room the choice to leave it.

use leptos::prelude::*;

use crate::{protocol::RoomCode, ui::texts::use_texts};

use super::{Submit, When};

/// The buttons below a form of entry.
#[component]
pub fn EntryButtons(
    /// What sends the form: "Join".
    go: &'static str,
    /// What sends it and leaves the other room: "Leave it and join this one".
    switch: &'static str,
    /// The other room, if the person is in one.
    #[prop(into)]
    elsewhere: Signal<Option<RoomCode>>,
    /// Whether the form cannot be sent now.
    #[prop(into)]
    busy: Signal<bool>,
) -> impl IntoView {
    let texts = use_texts();
    let choice = move |room: RoomCode| {
        let (before, after) = texts.join.elsewhere();
        view! {
            <p class="form-note">{before} <b class="code">{room.spaced()}</b> {after}</p>
            <div class="button-row">
                <Submit busy class="button button--primary" name="leave" value=room.to_string()>{switch}</Submit>
                <a href=format!("/rooms/{room}") class="button">{texts.common.back_to(&room.spaced())}</a>
            </div>
        }
    };
    view! {
        <When
            holds=move || elsewhere.get().is_some()
            otherwise=move || {
                view! { <Submit busy class="button button--primary button--wide">{go}</Submit> }
            }
        >
            {move || elsewhere.get().map(choice)}
        </When>
    }
}
