//! The product's name in the header of a page.

use leptos::prelude::*;

/// A link to the start page with the product's name.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <a href="/" class="brand">"AnonChat"</a>
    }
}
