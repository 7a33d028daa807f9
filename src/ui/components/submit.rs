//! The button that sends a form.

use leptos::prelude::*;

/// Sends the form around it. While it is busy it is `aria-disabled` and a click does nothing. It does not use
/// `disabled`, because a browser takes the focus away from a disabled button, and keyboard users would start at the top
/// of the page.
#[component]
pub fn Submit(
    /// Whether the form cannot be sent now.
    #[prop(into)]
    busy: Signal<bool>,
    class: &'static str,
    /// The name of the button in the form, if it sends a value.
    #[prop(optional)]
    name: Option<&'static str>,
    /// The value that the button sends.
    #[prop(optional, into)]
    value: Option<String>,
    /// The text of the button.
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
