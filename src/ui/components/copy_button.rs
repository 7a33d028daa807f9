//! A button that copies a text and then shows whether that worked.

use leptos::{prelude::*, task::spawn_local};

use crate::ui::{
    browser::{self, Timer},
    dynamic::dynamic,
    effect::effect,
    texts::use_texts,
};

use super::{Icon, Shape, When};

/// How long the outcome is shown.
const SAID_MS: u64 = 2_000;

/// Copies a text to the clipboard.
#[component]
pub fn CopyButton(
    /// Returns the text to copy. Called at the click.
    #[prop(into)]
    text: Callback<(), String>,
    /// The name of the button.
    label: &'static str,
    /// The icon, replaced by a tick after copying.
    shape: Shape,
    #[prop(default = "button")] class: &'static str,
    /// The visible text, if it differs from the label. Then the accessible name is label and visible text together.
    #[prop(optional, into)]
    shown: Option<String>,
    /// While true, the outcome is hidden, for example because a dialog is open.
    #[prop(optional, into)]
    quiet: Signal<bool>,
) -> impl IntoView {
    let texts = use_texts();
    let outcome = RwSignal::new(None::<bool>);
    let timer = StoredValue::new(None::<Timer>);
    let copy = move |_| {
        spawn_local(async move {
            let copied = browser::copy(text.run(())).await;
            let _ = outcome.try_set(Some(copied));
            let later = browser::after(SAID_MS, move || _ = outcome.try_set(None));
            timer.try_update_value(|timer| *timer = Some(later));
        });
    };
    effect(move || {
        if quiet.get() {
            outcome.set(None);
        }
    });
    let says = move || match outcome.get() {
        None => "",
        Some(true) => texts.common.copied(),
        Some(false) => texts.common.cannot_copy(),
    };
    // The accessible name must contain the visible text, so that voice control finds the button by it.
    let said = shown.as_ref().map(|shown| format!("{label} {shown}"));

    view! {
        <button type="button" class=class aria-label=said on:click=copy>
            <When holds=move || outcome.get() == Some(true) otherwise=move || view! { <Icon shape/> }>
                <Icon shape=Shape::Done/>
            </When>
            <span>{shown.unwrap_or_else(|| label.to_owned())}</span>
        </button>
        <span class="copy-says" class:copy-says--shown=move || outcome.get().is_some() role="status">{dynamic(says)}</span>
    }
}
