//! The list of an account's rooms: alone (`/dashboard`), or beside an open room.
//!
//! On a wide screen the list stands beside the room, and stays in place while rooms change. On a narrow screen only one
//! of them is visible, and links lead from one to the other. The live updates of the list are in `live`, and the room
//! itself is in `pages/room`.

mod row;
mod sidebar;
mod toasts;
mod unproved;

use leptos::{children::ViewFn, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_location;

use crate::{
    api::JoinRoom,
    protocol::{JoinOffer, addresses},
    ui::{
        browser,
        components::{Announcer, Icon, Shape, When},
        dynamic::dynamic,
        effect::effect,
        live::{LiveList, PageSocket},
        refused_form::use_refused_form,
        texts::use_texts,
        title,
    },
};

use super::join_form::{JoinForm, RoomChoice};

pub use sidebar::Sidebar;
pub use toasts::Toasts;
use unproved::Unproved;

/// The id of the section beside the list while no room is open. It contains the form to join a room.
const BESIDE: &str = "join";

/// The list of rooms, and beside it the open room or the form to join one. The list stays in place from page to page.
#[component]
pub fn Dashboard(
    list: LiveList,
    /// The connection that keeps it up to date.
    socket: PageSocket,
    /// Whether all rooms are on the page from the start. Otherwise a few are, and more are added while scrolling.
    all: bool,
    /// Whether a room is open.
    #[prop(into)]
    is_open: Signal<bool>,
    /// What stands beside the list.
    #[prop(into)]
    beside: ViewFn,
) -> impl IntoView {
    view! {
        <div class="dashboard" class:dashboard--open=move || is_open.get()>
            <div class="dashboard__list" role=move || (!is_open.get()).then_some("main")>
                <Sidebar socket heading=Signal::derive(move || !is_open.get()) all/>
            </div>
            {dynamic(move || beside.run())}
        </div>
        <When holds=move || !is_open.get()><Announcer of=list.announcement/></When>
    }
}

/// What stands beside the list while no room is open.
#[component]
pub fn NoRoom(
    list: LiveList,
    /// What to offer on the form that joins a room. `None` if the server could not read it.
    offer: Option<JoinOffer>,
) -> impl IntoView {
    let texts = use_texts();
    let own = &texts.rooms;
    effect(move || browser::set_title(&title::of_list(texts, list.unread.get())));
    // After a refusal the form is shown on narrow screens as well, so that its error is seen. So it is by its address.
    let was_refused = use_refused_form().refused.is_some_and(|(path, _)| path == JoinRoom::PATH);
    // Until hydration the browser itself shows the section of its address (`:target`). Steps in the app do not change
    // that. The server never learns the fragment of an address.
    let location = use_location();
    let follows = RwSignal::new(false);
    let is_target = RwSignal::new(false);
    effect(move || {
        follows.set(true);
        is_target.set(location.hash.with(|hash| hash.strip_prefix('#') == Some(BESIDE)));
    });
    let has_rooms = move || list.entries.with(|entries| !entries.is_empty());
    let is_shown = move || was_refused || is_target.get();

    view! {
        <section id=BESIDE class="dashboard__beside" class:dashboard__beside--shown=is_shown data-follows=move || follows.get().then_some("") aria-label=own.start()>
            // Instead of the heading on a narrow screen, where no list is beside it.
            <header class="beside__bar">
                <a href=addresses::DASHBOARD class="icon-button" aria-label=own.close()><Icon shape=Shape::Back/></a>
                <h2>{texts.home.join()}</h2>
            </header>
            <div class="page page--beside">
                <header class="page__hero">
                    <h2 class="page__title">
                        {dynamic(move || if has_rooms() { own.choose() } else { own.start() })}
                    </h2>
                    <p class="page__lead">{dynamic(move || has_rooms().then(|| own.choose_text()))}</p>
                </header>
                <Unproved place="dashboard__unproved"/>
                <p class="form-problem form-problem--wait beside__offline" role="status">
                    {dynamic(move || list.is_unreachable().then(|| own.join_later()))}
                </p>
                <section class="card" aria-labelledby="join-heading">
                    <h3 id="join-heading" class="card__heading">{texts.home.join()}</h3>
                    <JoinForm choice=RoomChoice::Typed(use_refused_form().code) offer/>
                </section>
                <section class="card card--quiet" aria-labelledby="make-heading">
                    <h3 id="make-heading" class="card__heading">{texts.home.make()}</h3>
                    <p class="card__text">{texts.home.make_text()}</p>
                    <a href=addresses::NEW_ROOM class="button button--wide">{texts.home.make()}</a>
                </section>
            </div>
        </section>
    }
}

/// The link from an open room back to the list, visible on narrow screens. It shows the number of unread messages in
/// the other rooms.
#[component]
pub fn BackToList(list: LiveList) -> impl IntoView {
    let texts = &use_texts().rooms;
    let label = move || match list.unread.get() {
        0 => texts.back().to_owned(),
        unread => texts.back_unread(usize::try_from(unread).unwrap_or(usize::MAX)),
    };
    view! {
        <a href=addresses::DASHBOARD class="room-header__back" aria-label=label>
            <Icon shape=Shape::Back/>
            {dynamic(move || {
                crate::ui::rooms::badge(list.unread.get())
                    .map(|count| view! { <span class="badge" aria-hidden="true">{count}</span> }.into_any())
            })}
        </a>
    }
}
