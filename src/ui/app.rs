//! The root component. It reads what the server decided for this address (`Visit`), provides the shared contexts, and
//! shows the page.
//!
//! The first page comes with the document: the server decides what an address shows and serialises that decision into
//! the document. The browser parses it and hydrates the same page. From then on `navigation` changes pages without
//! loading documents, and this component shows what it says. docs/decisions/0031 has the reasons.

use leptos::prelude::*;
use leptos_router::components::Router;

use crate::protocol::{Page, RoomAccess, Visit};

use super::{
    account::provide_account,
    browser,
    clock::provide_clock,
    components::{Announcer, Frame},
    device::KeptAt,
    dynamic::dynamic,
    effect::effect,
    navigation::{FollowAddress, Navigation, Shown, provide_navigation},
    pages::{self, Dashboard, Home, NewRoom, NoCode, NoRoom, NotFound, RoomPage, Unreachable},
    refused_form::provide_refused_form,
    texts::provide_locale,
};

/// The root of every page that is hydrated. The pages of `auth` and `preferences` do not use it.
#[component]
pub fn App() -> impl IntoView {
    provide_locale();
    effect(|| {
        browser::register_service_worker();
        browser::reload_when_brought_back();
    });
    // On the server the `Visit` is a context, and `SharedValue` writes it into the document as JSON. In the browser
    // there is no context, and `SharedValue` returns that JSON.
    let given = use_context::<Visit>();
    let handed = SharedValue::new_str(|| given.as_ref().map(browser::serialise_visit).unwrap_or_default()).into_inner();
    let visit = given.unwrap_or_else(|| serde_json::from_str(&handed).unwrap_or_default());
    view! { <Router>{show(visit)}</Router> }
}

/// Shows the page of a visit, and from then on the pages that the reader goes to. The frame of [`Page::Shell`] calls it
/// with the visit that the device keeps.
fn show(visit: Visit) -> AnyView {
    if visit.page == Page::Shell {
        provide_clock(visit.local);
        return view! { <Frame show/> }.into_any();
    }
    let Visit { page, refused_form, account, rooms, local, kept_at } = visit;
    let kept_at = KeptAt::provide(kept_at);
    provide_clock(local);
    provide_refused_form(refused_form);
    let all = matches!(page, Page::Dashboard { all: true, .. });
    provide_account(account);
    let navigation = provide_navigation(page, rooms, kept_at);

    view! {
        <FollowAddress/>
        {shown(navigation, all)}
        <Announcer of=navigation.announcement/>
        <div class="loading" class:loading--shown=move || navigation.is_loading.get() aria-hidden="true"></div>
    }
    .into_any()
}

/// What the app shows: with a list of rooms, the list and beside it a room or the form to join one. Everything else
/// fills the page.
fn shown(navigation: Navigation, all: bool) -> impl IntoView {
    // A changed room does not render the list again.
    let has_list = Memo::new(move |_| navigation.shown.with(stands_beside_list) && navigation.list().is_some());
    let is_open = Memo::new(move |_| !navigation.shown.with(is_dashboard));
    dynamic(move || match navigation.list().filter(|_| has_list.get()) {
        Some(list) => {
            // On the way to a page without the list, the effect of this closure may run once more before it is
            // disposed.
            let beside = move || if has_list.get() { page(navigation) } else { ().into_any() };
            view! { <Dashboard list socket=navigation.socket all is_open beside/> }.into_any()
        }
        // Not in a closure of its own: it would change together with the one around it, and Leptos (tachys 0.2) then
        // loses the place of the new page.
        None => page(navigation),
    })
}

fn is_dashboard(shown: &Shown) -> bool {
    matches!(shown, Shown::Page(page) if matches!(**page, Page::Dashboard { .. }))
}

fn stands_beside_list(shown: &Shown) -> bool {
    let is_room = |page: &Page| matches!(page, Page::Room { access: Ok(RoomAccess::Inside(_)), .. });
    matches!(shown, Shown::Room(_)) || is_dashboard(shown) || matches!(shown, Shown::Page(page) if is_room(page))
}

/// The page itself, without the list.
fn page(navigation: Navigation) -> AnyView {
    let page = content(navigation);
    // Leptos turns a view into the next one of the same type node by node, and takes away each row of the room before.
    // A view of another type replaces it as a whole.
    if navigation.is_odd_step() { (page,).into_any() } else { page }
}

fn content(navigation: Navigation) -> AnyView {
    let socket = navigation.socket;
    let page = match navigation.shown.get() {
        Shown::Page(page) => *page,
        Shown::Room(code) => {
            return pages::room_in_memory(socket, code).unwrap_or_else(|| {
                navigation.retry();
                ().into_any()
            });
        }
        Shown::Unreachable => return view! { <Unreachable navigation/> }.into_any(),
    };
    match page {
        Page::Home(offer) => view! { <Home offer/> }.into_any(),
        Page::Dashboard { offer, .. } => match navigation.list() {
            Some(list) => view! { <NoRoom list offer/> }.into_any(),
            None => view! { <Home offer/> }.into_any(),
        },
        Page::NewRoom(offer) => view! { <NewRoom offer/> }.into_any(),
        Page::Room { code, access } => view! { <RoomPage code access socket/> }.into_any(),
        Page::NoCode { text, offer } => view! { <NoCode text offer/> }.into_any(),
        Page::NotFound => view! { <NotFound/> }.into_any(),
        // `show` handles it.
        Page::Shell => ().into_any(),
    }
}
