//! Parts of the forms of preferences.

use leptos::prelude::*;

use crate::protocol::{PreferencesForm, PreferencesVisit};

/// One of several, as cards.
#[component]
pub fn Choices(
    /// Its name in the form.
    name: &'static str,
    /// What it is about.
    legend: &'static str,
    /// The value, the name and perhaps a picture of each.
    options: Vec<(&'static str, &'static str, Option<AnyView>)>,
    /// The value of the one that is chosen.
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
    let class = match (options.len(), options.iter().any(|(_, _, picture)| picture.is_some())) {
        (_, false) => "choices choices--names",
        (..=3, true) => "choices choices--pictures",
        (_, true) => "choices choices--pictures choices--many",
    };
    view! {
        <fieldset class=class>
            <legend class="field__label">{legend}</legend>
            {options.into_iter().map(option).collect_view()}
        </fieldset>
    }
}

/// On or off.
#[component]
pub fn Switch(
    /// Its name in the form, and its id.
    name: &'static str,
    /// What it is called.
    label: &'static str,
    /// What on and off mean.
    text: &'static str,
    /// Whether it is on.
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

/// A form with its heading. Somebody who has just sent it is led here.
#[component]
pub fn FormCard(
    /// Which.
    form: PreferencesForm,
    /// What it is about.
    heading: &'static str,
    /// What is in it.
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

/// Says that a form is done, if it was sent just now. It has the focus, so that the keyboard goes on from there.
pub fn done(visit: &PreferencesVisit, form: PreferencesForm, text: &'static str) -> impl IntoView + use<> {
    (visit.done == Some(form)).then(|| view! { <p class="form-done" role="status" tabindex="-1" autofocus>{text}</p> })
}
