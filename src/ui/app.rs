//! The application: one page a document, and what all pages share.
//!
//! There is no routing in the browser. The server decides what an address shows and hands it over with the document; a
//! link leads to the next document. docs/decisions/0009 has the reasons.

use leptos::prelude::*;

use crate::protocol::{Page, Visit};

use super::{
    account::provide_account,
    browser,
    clock::provide_clock,
    form::provide_sent_back,
    freshness::provide_freshness,
    pages::{Home, NewRoom, NoCode, NotFound, RoomPage},
    texts::provide_speech,
};

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    provide_speech();
    provide_clock();
    provide_freshness();
    Effect::new(|_| {
        browser::register_service_worker();
        browser::reload_when_brought_back();
    });
    // Given by the server when it renders, and read from the document when the browser takes over.
    let Visit { page, sent_back, account, rooms: _ } =
        SharedValue::new(|| use_context::<Visit>().unwrap_or_default()).into_inner();
    provide_sent_back(sent_back);
    provide_account(account);

    match page {
        Page::Home(entrance) => view! { <Home entrance/> }.into_any(),
        Page::Dashboard => view! { <NotFound/> }.into_any(),
        Page::NewRoom(entrance) => view! { <NewRoom entrance/> }.into_any(),
        Page::Room { code, door } => view! { <RoomPage code door/> }.into_any(),
        Page::NoCode { text, entrance } => view! { <NoCode text entrance/> }.into_any(),
        Page::NotFound => view! { <NotFound/> }.into_any(),
    }
}
