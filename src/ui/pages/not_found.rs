//! The page for an unknown address.

use leptos::prelude::*;

use crate::{
    protocol::addresses,
    ui::{
        components::{Brand, Outcome},
        texts::use_texts,
    },
};

/// The page for an unknown address, with a link to the start page.
#[component]
pub fn NotFound() -> impl IntoView {
    let texts = use_texts();
    view! {
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <Outcome heading=texts.not_found.heading() text=texts.not_found.text()>
                <a href=addresses::HOME class="button button--primary button--wide">{texts.common.start_page()}</a>
            </Outcome>
        </main>
    }
}
