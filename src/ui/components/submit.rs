//! The button that sends a form.

use leptos::prelude::*;

/// Sends the form that it is in. While it may not it says so and does nothing, but it keeps the focus: a browser takes that
/// from a button that is disabled, and whoever goes by keyboard would begin at the top of the page again.
#[component]
pub fn Submit(
    /// Whether the form cannot be sent now.
    #[prop(into)]
    busy: Signal<bool>,
    /// Its look.
    class: &'static str,
    /// Its name in the form, if it has a value of its own.
    #[prop(optional)]
    name: Option<&'static str>,
    /// Its value in the form.
    #[prop(optional, into)]
    value: Option<String>,
    /// What it says.
    children: Children,
) -> impl IntoView {
    view! {
        <button
            type="submit"
            class=class
            name=name
            value=value
            aria-disabled=move || busy.get().then_some("true")
            on:click=move |event| {
                if busy.get_untracked() {
                    event.prevent_default();
                }
            }
        >
            {children()}
        </button>
    }
}
