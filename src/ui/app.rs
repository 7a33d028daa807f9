//! The application: its routes, and what all pages share.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{FlatRoutes, Route, Router},
    path,
};

use super::{
    browser,
    clock::provide_clock,
    freshness::provide_freshness,
    pages::{Home, NewRoom, NotFound, RoomPage},
};

/// The whole page.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_clock();
    Effect::new(|_| browser::register_service_worker());

    view! {
        <Title text="AnonChat"/>
        <Router>
            <Pages/>
        </Router>
    }
}

/// The routes. Every page is rendered whole before it is sent, so that it also works without scripts.
#[component]
fn Pages() -> impl IntoView {
    provide_freshness();

    view! {
        <FlatRoutes fallback=NotFound>
            <Route path=path!("/") view=Home ssr=SsrMode::Async/>
            <Route path=path!("/rooms/new") view=NewRoom ssr=SsrMode::Async/>
            <Route path=path!("/rooms/:code") view=RoomPage ssr=SsrMode::Async/>
        </FlatRoutes>
    }
}
