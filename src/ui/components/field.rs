//! A field of a form: label, input, hint, and what is wrong with it.

use leptos::{html, prelude::*};

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
    /// How many characters fit, roughly; the server has the exact rule.
    #[prop(default = 64)]
    maxlength: u32,
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
    node_ref: NodeRef<html::Input>,
) -> impl IntoView {
    let error_id = format!("{name}-error");
    let hint_id = format!("{name}-hint");
    let described_by = {
        let (error_id, hint_id) = (error_id.clone(), hint_id.clone());
        move || match (error.with(Option::is_some), hint) {
            (true, _) => Some(error_id.clone()),
            (false, Some(_)) => Some(hint_id.clone()),
            (false, None) => None,
        }
    };

    view! {
        <div class="field">
            <label class="field__label" for=name>{label}</label>
            <input
                id=name
                name=name
                class=class
                type="text"
                value=value
                maxlength=maxlength.to_string()
                autocomplete=autocomplete
                autocapitalize=autocapitalize
                spellcheck="false"
                inputmode=inputmode
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described_by
                node_ref=node_ref
            />
            {hint.map(|hint| view! { <p class="field__hint" id=hint_id>{hint}</p> })}
            <p class="field__error" id=error_id role="alert">{move || error.get()}</p>
        </div>
    }
}
