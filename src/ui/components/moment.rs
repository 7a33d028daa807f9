//! A time of day.

use leptos::prelude::*;

use crate::{
    protocol::Millis,
    ui::{clock::use_clock, timeline::rfc3339},
};

/// `09:05`, for machines with the date.
#[component]
pub fn MomentText(
    /// When.
    at: Millis,
) -> impl IntoView {
    let clock = use_clock();
    view! {
        <time datetime=rfc3339(at)>{move || clock.hour_and_minute(at)}</time>
    }
}
