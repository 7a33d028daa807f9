//! The name of the product, as the way home.

use leptos::prelude::*;

/// A link to the start page.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <a href="/" class="brand">"AnonChat"</a>
    }
}
