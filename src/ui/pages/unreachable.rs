//! Shown in place of a page whose content did not come.

use leptos::prelude::*;

use crate::{
    protocol::Problem,
    ui::{components::Brand, navigation::Navigation, texts::use_texts},
};

/// Says that the server cannot be reached, with a button to try again.
#[component]
pub fn Unreachable(
    /// Asks for the page again.
    navigation: Navigation,
) -> impl IntoView {
    let texts = use_texts();
    view! {
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class="card">
                <h1 class="card__heading">{texts.document.unreachable()}</h1>
                <p class="form-problem" role="alert">{texts.problem(&Problem::unreachable())}</p>
                <button type="button" class="button button--wide" on:click=move |_| navigation.retry()>{texts.door.try_again()}</button>
            </section>
        </main>
    }
}
