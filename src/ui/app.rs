//! The application: its routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title text="AnonChat"/>
        <h1>"AnonChat"</h1>
    }
}
