//! Announcements for screen readers.

use leptos::prelude::*;

use crate::ui::{dynamic::dynamic, live::Announcement};

/// A live region that is not visible. A screen reader reads the newest announcement in it. The two spans are used in
/// turn, so that the same text twice in a row is read twice.
#[component]
pub fn Announcer(of: Announcement) -> impl IntoView {
    view! {
        <p class="visually-hidden" aria-live="polite">
            <span>{dynamic(move || of.in_place(false))}</span>
            <span>{dynamic(move || of.in_place(true))}</span>
        </p>
    }
}
