//! A button that copies something and says so.

use leptos::{prelude::*, task::spawn_local};

use crate::ui::{
    browser::{self, Timer},
    effect::effect,
    texts::use_texts,
};

use super::{Icon, Shape, When};

/// How long it says so.
const SAID_MS: u64 = 2_000;

/// A button that puts a text into the clipboard.
#[component]
pub fn CopyButton(
    /// What is copied, asked for at the click.
    #[prop(into)]
    text: Callback<(), String>,
    /// What the button is called.
    label: &'static str,
    /// Its picture.
    shape: Shape,
    /// Its look.
    #[prop(default = "button")]
    class: &'static str,
    /// What it shows; its label, if nothing else.
    #[prop(optional, into)]
    shown: Option<String>,
    /// When this holds, it says nothing any more: something else has the reader's attention.
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
    // What is seen is part of what is said.
    let said = shown.as_ref().map(|shown| format!("{label} {shown}"));

    view! {
        <button type="button" class=class aria-label=said on:click=copy>
            <When holds=move || outcome.get() == Some(true) otherwise=move || view! { <Icon shape/> }>
                <Icon shape=Shape::Done/>
            </When>
            <span>{shown.unwrap_or_else(|| label.to_owned())}</span>
        </button>
        <span class="copy-says" class:copy-says--shown=move || outcome.get().is_some() role="status">{says}</span>
    }
}
