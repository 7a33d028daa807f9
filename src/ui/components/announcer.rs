//! Reads aloud what happens on the page.

use leptos::prelude::*;

use crate::ui::live::Announcement;

/// What was announced last, for people who listen to the page.
#[component]
pub fn Announcer(of: Announcement) -> impl IntoView {
    view! {
        <p class="visually-hidden" aria-live="polite">
            <span>{move || of.in_place(false)}</span>
            <span>{move || of.in_place(true)}</span>
        </p>
    }
}
