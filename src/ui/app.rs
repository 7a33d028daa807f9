//! The root component. It reads what the server decided for this address (`Visit`), provides the shared contexts, and
//! renders the page.
//!
//! There is no routing in the browser: one page is one document. The server decides what an address shows and
//! serialises that decision (`Visit`) into the document. The browser parses it and hydrates the same page. A link loads
//! the next document. docs/decisions/0009 has the reasons.

use leptos::prelude::*;

use crate::protocol::{Page, Visit};

use super::{
    account::provide_account,
    browser,
    clock::provide_clock,
    effect::effect,
    form::provide_refused_form,
    freshness::provide_freshness,
    pages::{Dashboard, Home, NewRoom, NoCode, NotFound, RoomPage, Rooms},
    texts::provide_locale,
};

/// The root of every page that is hydrated. The pages of `auth` and `preferences` do not use it.
#[component]
pub fn App() -> impl IntoView {
    provide_locale();
    provide_freshness();
    effect(|| {
        browser::register_service_worker();
        browser::reload_when_brought_back();
    });
    // On the server the `Visit` is a context, and `SharedValue` writes it into the document as JSON. In the browser
    // there is no context, and `SharedValue` returns that JSON.
    let given = use_context::<Visit>();
    let handed = SharedValue::new_str(|| given.as_ref().map(browser::serialise_visit).unwrap_or_default()).into_inner();
    let Visit { page, refused_form, account, rooms, local } =
        given.unwrap_or_else(|| serde_json::from_str(&handed).unwrap_or_default());
    provide_clock(local);
    provide_refused_form(refused_form);
    let all = matches!(page, Page::Dashboard { all: true, .. });
    let rooms = account.clone().zip(rooms).map(|(account, summaries)| Rooms { summaries, account, all });
    provide_account(account);

    match page {
        Page::Home(offer) => view! { <Home offer/> }.into_any(),
        Page::Dashboard { offer, .. } => match rooms {
            Some(rooms) => view! { <Dashboard offer rooms/> }.into_any(),
            None => view! { <Home offer/> }.into_any(),
        },
        Page::NewRoom(offer) => view! { <NewRoom offer/> }.into_any(),
        Page::Room { code, access } => view! { <RoomPage code access rooms/> }.into_any(),
        Page::NoCode { text, offer } => view! { <NoCode text offer/> }.into_any(),
        Page::NotFound => view! { <NotFound/> }.into_any(),
    }
}
