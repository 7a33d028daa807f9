//! Shown in place of a page whose content did not come.

use leptos::prelude::*;

use crate::ui::{
    components::{Brand, Outcome, Shape},
    navigation::Navigation,
    texts::use_texts,
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
            <Outcome shape=Shape::Offline heading=texts.document.unreachable() text=texts.document.unreachable_text()>
                <button type="button" class="button button--primary button--wide" on:click=move |_| navigation.retry()>
                    {texts.door.try_again()}
                </button>
            </Outcome>
        </main>
    }
}
