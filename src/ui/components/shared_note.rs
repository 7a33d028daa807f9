//! The notice that a text from another app waits for a room.

use leptos::prelude::*;

use crate::ui::texts::use_texts;

/// Says what to do with the text, and discards it on request. The style shows it while there is such a text.
/// `public/window.js` keeps the text in the tab and handles the button, and the composer of the next room takes it.
#[component]
pub fn SharedNote(
    /// What to do.
    text: &'static str,
) -> impl IntoView {
    view! {
        <section class="card card--accent shared-note" role="status">
            <p class="card__text">{text}</p>
            <button type="button" class="button" data-discard="">{use_texts().shared.discard()}</button>
        </section>
    }
}
