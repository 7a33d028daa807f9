//! A time of day in the page.

use leptos::prelude::*;

use crate::{
    protocol::Millis,
    ui::{clock::use_clock, dynamic::dynamic, timeline::rfc3339},
};

/// Shows `09:05`. The `datetime` attribute has date and time in UTC for programs.
#[component]
pub fn MomentText(at: Millis) -> impl IntoView {
    let clock = use_clock();
    view! {
        <time datetime=rfc3339(at)>{dynamic(move || clock.hour_and_minute(at))}</time>
    }
}
