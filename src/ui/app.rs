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
    effect::effect,
    form::provide_sent_back,
    freshness::provide_freshness,
    pages::{Dashboard, Home, NewRoom, NoCode, NotFound, RoomPage, Rooms},
    texts::provide_speech,
};

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    provide_speech();
    provide_freshness();
    effect(|| {
        browser::register_service_worker();
        browser::reload_when_brought_back();
    });
    // Given by the server when it renders, and read from the document when the browser takes over.
    let given = use_context::<Visit>();
    let handed = SharedValue::new_str(|| given.as_ref().map(browser::handed_over).unwrap_or_default()).into_inner();
    let Visit { page, sent_back, account, rooms, local } =
        given.unwrap_or_else(|| serde_json::from_str(&handed).unwrap_or_default());
    provide_clock(local);
    provide_sent_back(sent_back);
    let all = matches!(page, Page::Dashboard { all: true, .. });
    let rooms = account.clone().zip(rooms).map(|(account, summaries)| Rooms { summaries, account, all });
    provide_account(account);

    match page {
        Page::Home(entrance) => view! { <Home entrance/> }.into_any(),
        Page::Dashboard { entrance, .. } => match rooms {
            Some(rooms) => view! { <Dashboard entrance rooms/> }.into_any(),
            None => view! { <Home entrance/> }.into_any(),
        },
        Page::NewRoom(entrance) => view! { <NewRoom entrance/> }.into_any(),
        Page::Room { code, door } => view! { <RoomPage code door rooms/> }.into_any(),
        Page::NoCode { text, entrance } => view! { <NoCode text entrance/> }.into_any(),
        Page::NotFound => view! { <NotFound/> }.into_any(),
    }
}
