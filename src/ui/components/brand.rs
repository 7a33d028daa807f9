//! The product's name in the header of a page.

use leptos::prelude::*;

use crate::protocol::addresses;

/// A link to the start page with the product's name.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <a href=addresses::HOME class="brand">"AnonChat"</a>
    }
}
