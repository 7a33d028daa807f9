//! A button that copies a text and then shows whether that worked.

use leptos::{prelude::*, task::spawn_local};

use crate::ui::{
    browser::{self, Timer},
    dynamic::dynamic,
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
    let says = move || match outcome.get() {
        None => "",
        Some(true) => texts.common.copied(),
        Some(false) => texts.common.cannot_copy(),
    };

    view! {
        <button type="button" class="button" on:click=copy>
            <When holds=move || outcome.get() == Some(true) otherwise=move || view! { <Icon shape/> }>
                <Icon shape=Shape::Done/>
            </When>
            <span>{label}</span>
        </button>
        <span class="copy-says" class:copy-says--shown=move || outcome.get().is_some() role="status">{dynamic(says)}</span>
    }
}
