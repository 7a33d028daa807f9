//! Parts that the preferences forms share.

use leptos::prelude::*;

use crate::{protocol::PreferencesForm, ui::texts::use_preferences_texts, visit::PreferencesVisit};

/// Names up to this length stand side by side on a phone, too.
const SHORT: usize = 12;

/// A form of choices, with the button that stores them. `choose.js` stores each one at once instead.
#[component]
pub fn ChoiceForm(action: &'static str, children: Children) -> impl IntoView {
    let texts = use_preferences_texts();
    view! {
        <form method="post" action=action data-saved=texts.saved()>
            {children()}
            <button type="submit" class="button button--primary button--wide">{texts.save()}</button>
        </form>
    }
}

/// Radio buttons, shown as cards.
#[component]
pub fn Choices(
    /// The name of the input in the form.
    name: &'static str,
    legend: &'static str,
    /// Value, label and optional picture of each option.
    options: Vec<(&'static str, &'static str, Option<AnyView>)>,
    /// The value of the selected option.
    chosen: &'static str,
) -> impl IntoView {
    let option = |(value, label, picture): (&'static str, &'static str, Option<AnyView>)| {
        view! {
            <label class="choice">
                <input type="radio" name=name value=value checked={value == chosen}/>
                {picture}
                <span class="choice__name">{label}</span>
            </label>
        }
    };
    let are_short = options.iter().all(|(_, label, _)| label.chars().count() <= SHORT);
    let class = match (options.len(), are_short) {
        (_, false) => "choices choices--long",
        (..=3, true) => "choices choices--short",
        (_, true) => "choices choices--short choices--many",
    };
    view! {
        <fieldset class=class>
            <legend class="field__label">{legend}</legend>
            {options.into_iter().map(option).collect_view()}
        </fieldset>
    }
}

/// A checkbox, shown as a switch.
#[component]
pub fn Switch(
    /// The name of the input in the form. The id of its text is derived from it.
    name: &'static str,
    label: &'static str,
    /// A sentence that says what the switch does.
    text: &'static str,
    on: bool,
) -> impl IntoView {
    let text_id = format!("{name}-text");
    view! {
        <label class="switch">
            <input type="checkbox" name=name value="true" role="switch" checked=on aria-describedby=text_id.clone()/>
            <span class="switch__name">{label}</span>
            <span class="switch__text" id=text_id>{text}</span>
        </label>
    }
}

/// A form with a heading. The section has the form's name as id, and the address after sending the form ends in it
/// (`#email`).
#[component]
pub fn FormCard(
    form: PreferencesForm,
    heading: &'static str,
    /// The content below the heading.
    children: Children,
) -> impl IntoView {
    let heading_id = format!("{}-heading", form.as_str());
    let labelled_by = heading_id.clone();
    view! {
        <section id=form.as_str() class="card" aria-labelledby=labelled_by>
            <h2 id=heading_id class="card__heading">{heading}</h2>
            {children()}
        </section>
    }
}

/// A confirmation that this form was sent, or nothing if it was not sent just now. It gets the focus, so that keyboard
/// users continue from there.
pub fn done(visit: &PreferencesVisit, form: PreferencesForm, text: &'static str) -> impl IntoView + use<> {
    (visit.done == Some(form)).then(|| view! { <p class="form-done" role="status" tabindex="-1" autofocus>{text}</p> })
}
