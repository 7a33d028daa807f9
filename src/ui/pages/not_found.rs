//! The page for an unknown address.

use leptos::prelude::*;

use crate::{
    protocol::addresses,
    ui::{components::Brand, texts::use_texts},
};

/// The page for an unknown address, with a link to the start page.
#[component]
pub fn NotFound() -> impl IntoView {
    let texts = use_texts();
    view! {
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class="card">
                <h1 class="card__heading">{texts.not_found.heading()}</h1>
                <p class="card__text">{texts.not_found.text()}</p>
                <a href=addresses::HOME class="button button--primary button--wide">{texts.common.start_page()}</a>
            </section>
        </main>
    }
}
