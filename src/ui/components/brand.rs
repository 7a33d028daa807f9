//! The name of the product, as the way home.

use leptos::prelude::*;
use leptos_router::components::A;

/// A link to the start page.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <A href="/" attr:class="brand">"AnonChat"</A>
    }
}
