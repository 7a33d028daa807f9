//! A field of a form: label, input, hint, and what is wrong with it.

use leptos::{html, prelude::*};

use crate::ui::{effect::effect, texts::use_texts};

/// From how many characters before its limit on a field says how many are left.
const COUNT_FROM: usize = 8;

/// One line of text.
#[component]
pub fn TextField(
    /// Its id, and its name in the form.
    name: &'static str,
    /// What it is called.
    label: &'static str,
    /// What it starts with.
    #[prop(into)]
    value: String,
    /// What is wrong with it.
    #[prop(into)]
    error: Signal<Option<String>>,
    /// A sentence below it.
    #[prop(optional)]
    hint: Option<&'static str>,
    /// How many characters it may have; the field says so before it is sent. Whoever pastes more loses none of them.
    #[prop(optional)]
    limit: Option<usize>,
    /// What browsers may fill in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// How a phone's keyboard capitalises.
    #[prop(default = "words")]
    autocapitalize: &'static str,
    /// Which of its keyboards a phone shows.
    #[prop(default = "text")]
    inputmode: &'static str,
    /// Its look.
    #[prop(default = "field__input")]
    class: &'static str,
    /// The input itself.
    #[prop(optional)]
    node_ref: Option<NodeRef<html::Input>>,
) -> impl IntoView {
    let error_id = format!("{name}-error");
    let hint_id = format!("{name}-hint");
    let texts = &use_texts().composer;
    let starts_wrong = error.with_untracked(Option::is_some);
    let count = RwSignal::new(value.trim().chars().count());
    let count_in = move |text: &str| count.set(text.trim().chars().count());
    let input = node_ref.unwrap_or_default();
    // What was typed before the scripts came.
    effect(move || {
        if let Some(input) = input.get() {
            count_in(&input.value());
        }
    });
    let excess = move || limit.map_or(0, |limit| count.get().saturating_sub(limit));
    let counter = move || match (limit?, count.get()) {
        (limit, count) if count > limit => Some(texts.too_many(&(count - limit).to_string())),
        (limit, count) if count + COUNT_FROM >= limit => Some(texts.left(&(limit - count).to_string())),
        _ => None,
    };
    let said = move || error.get().or_else(|| counter().filter(|_| excess() > 0));
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
                <span class="field__count" aria-hidden="true">{move || counter().filter(|_| excess() == 0)}</span>
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
            {hint.map(|hint| view! { <p class="field__hint" id=hint_id>{hint}</p> })}
            <p class="field__error" id=error_id role="alert">{said}</p>
        </div>
    }
}
