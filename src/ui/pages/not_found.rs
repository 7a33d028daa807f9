//! An address that leads nowhere.

use leptos::prelude::*;

use crate::ui::components::Brand;

/// The page for an unknown address.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class="card">
                <h1 class="card__heading">"Nothing is at this address"</h1>
                <p class="card__text">"A room’s link ends in its six characters. If you have the code, type it on the start page."</p>
                <a href="/" class="button button--primary button--wide">"Go to the start page"</a>
            </section>
        </main>
    }
}
