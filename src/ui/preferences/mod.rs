//! The preferences of an account: `/preferences` and the pages below it.
//!
//! Like the pages of `auth` they are rendered by the server alone, load no wasm, and their forms are sent by the
//! browser itself. Each page is a module.

mod account;
mod appearance;
mod chatting;
mod confirming;
mod data;
mod devices;
mod parts;

use leptos::{nonce::use_nonce, prelude::*};

use crate::{
    protocol::addresses,
    visit::{PreferencesPage, PreferencesVisit},
};

use super::{
    auth::{FIELDS, METER},
    components::Brand,
    shell::document,
    texts::use_preferences_texts,
    title,
};

/// Renders the whole document of a preferences page from the `PreferencesVisit` in the context.
pub fn preferences_shell(options: &LeptosOptions) -> impl IntoView + use<> {
    let visit = expect_context::<PreferencesVisit>();
    let page = visit.page;
    let texts = use_preferences_texts();
    let title = title::element(&title::of_heading(name(page))).into_any();
    let script = match page {
        PreferencesPage::Appearance | PreferencesPage::Chatting => Some(include_str!("choose.js")),
        PreferencesPage::Account => Some(METER),
        PreferencesPage::Devices => Some(include_str!("keep.js")),
        PreferencesPage::Data => None,
    };
    let head = view! { <meta name="robots" content="noindex"/> };
    let body = view! {
        <div class="preferences">
            <header class="preferences__bar">
                <Brand/>
                <a href=addresses::DASHBOARD class="button">{texts.rooms()}</a>
            </header>
            <nav class="preferences__pages" aria-label=texts.heading()>
                <ul>{PreferencesPage::ALL.iter().map(|other| link(*other, page)).collect_view()}</ul>
            </nav>
            <main class="preferences__main">
                <p class="preferences__about">{texts.heading()}</p>
                <h1 class="preferences__heading">{name(page)}</h1>
                {content(&visit)}
            </main>
        </div>
        <script nonce=use_nonce()>{FIELDS}</script>
        {script.map(|script| view! { <script nonce=use_nonce()>{script}</script> })}
    };
    document(options, title, head.into_any(), body.into_any())
}

/// The name of a page, for its heading and for links to it.
fn name(page: PreferencesPage) -> &'static str {
    let at = PreferencesPage::ALL.iter().position(|other| *other == page);
    use_preferences_texts().pages(at.unwrap_or_default())
}

fn link(to: PreferencesPage, current: PreferencesPage) -> impl IntoView {
    view! {
        <li><a href=to.path() aria-current=(to == current).then_some("page")>{name(to)}</a></li>
    }
}

fn content(visit: &PreferencesVisit) -> AnyView {
    match visit.page {
        PreferencesPage::Appearance => appearance::form(visit).into_any(),
        PreferencesPage::Chatting => chatting::form(visit).into_any(),
        PreferencesPage::Account => account::forms(visit).into_any(),
        PreferencesPage::Devices => devices::list(visit).into_any(),
        PreferencesPage::Data => data::forms(visit).into_any(),
    }
}
