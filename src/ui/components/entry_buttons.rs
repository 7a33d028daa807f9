//! The buttons below a form that enters a room. A guest can be in one room at a time, so a guest who is in another room
//! gets a button that leaves it and a link back to it.

use leptos::prelude::*;

use crate::ui::dynamic::dynamic;

use crate::{
    protocol::{RoomCode, addresses},
    ui::texts::{Texts, use_texts},
};

use super::{Submit, When};

/// One button to enter, or the choice to leave the other room.
#[component]
pub fn EntryButtons(
    /// The text of the button: "Join".
    go: &'static str,
    /// The text of the button that also leaves the other room: "Leave K7M 2QX and join".
    switch: fn(&Texts, &str) -> String,
    /// The other room, if the visitor is in one.
    #[prop(into)]
    elsewhere: Signal<Option<RoomCode>>,
    /// Whether the buttons do nothing now, because a request is under way or the visitor has to wait.
    #[prop(into)]
    busy: Signal<bool>,
) -> impl IntoView {
    let texts = use_texts();
    let choice = move |room: RoomCode| {
        let (before, after) = texts.join.elsewhere();
        view! {
            <p class="form-note">{before} <b class="code">{room.spaced()}</b> {after}</p>
            <div class="button-row">
                <Submit busy class="button button--primary" name="leave" value=room.to_string()>{switch(texts, &room.spaced())}</Submit>
                <a href=addresses::room(room) class="button">{texts.common.back_to(&room.spaced())}</a>
            </div>
        }
        .into_any()
    };
    view! {
        <When
            holds=move || elsewhere.get().is_some()
            otherwise=move || {
                view! { <Submit busy class="button button--primary button--wide">{go}</Submit> }
            }
        >
            {dynamic(move || elsewhere.get().map(choice))}
        </When>
    }
}
