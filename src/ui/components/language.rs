//! The choice of a language on the start page, for visitors without an account. Accounts choose it in their
//! preferences.

use leptos::prelude::*;

use crate::{
    api::ChooseLanguage,
    protocol::Language,
    ui::{
        dynamic::dynamic,
        form::{Form, FormRequest},
        texts::use_locale,
    },
};

/// A language's name in that language. It is the same on every page, so it is not in the table of texts.
pub const fn own_name(language: Language) -> &'static str {
    match language {
        Language::English => "English",
        Language::German => "Deutsch",
    }
}

/// One button for each language. Each posts the form, and the server answers with the page in that language.
#[component]
pub fn LanguageChoice() -> impl IntoView {
    let locale = use_locale();
    let request = FormRequest::to::<ChooseLanguage>();
    let button = move |language: &Language| {
        let current = *language == locale.language;
        view! {
            <button
                type="submit"
                class="text-button languages__one"
                name="language"
                value=language.as_str()
                lang=language.as_str()
                aria-current=current.then_some("true")
            >
                {own_name(*language)}
            </button>
        }
        .into_any()
    };
    view! {
        <footer>
            <Form request>
                <div class="languages" role="group" aria-label=locale.texts.home.language()>
                    {Language::ALL.iter().map(button).collect_view()}
                </div>
                <p class="form-problem" role="status">{dynamic(move || request.detail())}</p>
            </Form>
        </footer>
    }
}
