//! A labelled text input with a hint, an error and a counter of characters. The pages of `auth` use `AuthField`, which
//! needs no wasm.

use leptos::{html, prelude::*};

use crate::{
    protocol::TextKind,
    ui::{dynamic::dynamic, effect::effect, texts::use_texts},
};

/// The counter appears when this many characters or fewer are left.
const COUNT_FROM: usize = 8;

/// A single-line text input.
#[component]
pub fn TextField(
    /// The name of the input in the form, and its id.
    name: &'static str,
    label: &'static str,
    /// The initial value.
    #[prop(into)]
    value: String,
    /// The error to show below the input, if there is one.
    #[prop(into)]
    error: Signal<Option<String>>,
    /// A sentence below the input.
    #[prop(optional)]
    hint: Option<&'static str>,
    /// What the text is, and the most characters of it that the server accepts. A longer text is not cut off: while it
    /// is typed, the field shows the error that the server would give.
    #[prop(optional)]
    limit: Option<(TextKind, usize)>,
    #[prop(default = "off")] autocomplete: &'static str,
    /// The `autocapitalize` attribute, which a phone's keyboard follows.
    #[prop(default = "words")]
    autocapitalize: &'static str,
    /// The `inputmode` attribute, by which a phone chooses its keyboard.
    #[prop(default = "text")]
    inputmode: &'static str,
    /// The CSS class of the input.
    #[prop(default = "field__input")]
    class: &'static str,
    /// A reference to the input, for callers that need the element.
    #[prop(optional)]
    node_ref: Option<NodeRef<html::Input>>,
) -> impl IntoView {
    let error_id = format!("{name}-error");
    let hint_id = format!("{name}-hint");
    let texts = use_texts();
    let starts_wrong = error.with_untracked(Option::is_some);
    let count = RwSignal::new(value.trim().chars().count());
    let count_in = move |text: &str| count.set(text.trim().chars().count());
    let input = node_ref.unwrap_or_default();
    // Counts what was typed before hydration.
    effect(move || {
        if let Some(input) = input.get() {
            count_in(&input.value());
        }
    });
    let too_long = move || limit.and_then(|(what, most)| texts.problems.too_long(what, most, count.get()));
    let left = move || {
        let left = limit?.1.checked_sub(count.get()).filter(|left| *left <= COUNT_FROM)?;
        Some(texts.composer.left(&left.to_string()))
    };
    let said = move || error.get().or_else(too_long);
    let described_by = {
        let (error_id, hint_id) = (error_id.clone(), hint_id.clone());
        move || match (said().is_some(), hint) {
            (true, _) => Some(error_id.clone()),
            (false, Some(_)) => Some(hint_id.clone()),
            (false, None) => None,
        }
    };

    view! {
        <div class="field">
            <div class="field__top">
                <label class="field__label" for=name>{label}</label>
                <span class="field__count" aria-hidden="true">{dynamic(left)}</span>
            </div>
            <input
                id=name
                name=name
                class=class
                type="text"
                value=value
                autocomplete=autocomplete
                autocapitalize=autocapitalize
                spellcheck="false"
                inputmode=inputmode
                autofocus=starts_wrong
                aria-invalid=move || said().map(|_| "true")
                aria-describedby=described_by
                node_ref=input
                on:input=move |event| count_in(&event_target_value(&event))
            />
            {hint.map(|hint| view! { <p class="field__hint" id=hint_id>{hint}</p> }.into_any())}
            <p class="field__error" id=error_id role="alert">{dynamic(said)}</p>
        </div>
    }
}
