//! The list of an account's rooms: alone (`/dashboard`), or beside an open room.
//!
//! The two are separate documents with the same list. On a wide screen the list stands beside the room. On a narrow
//! screen only one of them is visible, and links lead from one to the other. The live updates of the list are in
//! `live`, and the room itself is in `pages/room`.

mod row;
mod sidebar;
mod toasts;
mod unproved;

use crate::ui::dynamic::dynamic;
use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::JoinRoom,
    protocol::{Identity, JoinOffer, RoomCode, RoomSummary, addresses},
    ui::{
        browser,
        components::{Announcer, ConnectionBanner, Icon, Shape},
        effect::effect,
        form::use_refused_form,
        live::{LiveList, PageSocket, provide_list},
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

/// The account's rooms as the server rendered them.
#[derive(Clone)]
pub struct Rooms {
    /// The rooms, newest first.
    pub summaries: Vec<RoomSummary>,
    pub account: Identity,
    /// Whether all rooms are on the page from the start. Otherwise a few are, and more are added while scrolling.
    pub all: bool,
}

impl Rooms {
    /// Creates the live list, which the connection `socket` keeps up to date. `current` is the open room beside it.
    pub fn follow(self, socket: PageSocket, current: Option<RoomCode>) -> LiveList {
        let list = LiveList::new(socket, self.summaries, current, &self.account);
        provide_list(list);
        effect(move || {
            // Nobody is logged in any more, so the reloaded page offers to log in. Beside an open room, `RoomView`
            // handles this (`Ending::Outside`).
            if list.logged_out.get() && current.is_none() {
                browser::reload();
            }
        });
        list
    }
}

/// The page with the list of rooms and no open room.
#[component]
pub fn Dashboard(
    /// What to offer on the form that joins a room. `None` if the server could not read it.
    offer: Option<JoinOffer>,
    rooms: Rooms,
) -> impl IntoView {
    let texts = use_texts();
    let own = &texts.rooms;
    let socket = PageSocket::new();
    let all = rooms.all;
    let list = rooms.follow(socket, None);
    effect(move || socket.start());
    effect(move || browser::set_title(&title::of_list(texts, list.unread.get())));
    // After a refusal the form is shown on narrow screens as well, so that its error is seen.
    let beside = if use_refused_form().refused.is_some_and(|(path, _)| path == JoinRoom::PATH) {
        "dashboard__beside dashboard__beside--shown"
    } else {
        "dashboard__beside"
    };

    view! {
        <div class="dashboard">
            <main class="dashboard__list">
                <Sidebar heading=true all/>
            </main>
            <section id=BESIDE class=beside aria-labelledby="beside-heading">
                <div class="page page--beside">
                    <header class="page__hero">
                        <h2 id="beside-heading" class="page__title">{own.choose()}</h2>
                        <p class="page__lead">{own.choose_text()}</p>
                    </header>
                    <Unproved place="dashboard__unproved"/>
                    <section class="card" aria-labelledby="join-heading">
                        <h3 id="join-heading" class="card__heading">{texts.home.join()}</h3>
                        <JoinForm choice=RoomChoice::Typed(use_refused_form().code) offer/>
                    </section>
                    <section class="card card--quiet" aria-labelledby="make-heading">
                        <h3 id="make-heading" class="card__heading">{texts.home.make()}</h3>
                        <p class="card__text">{texts.home.make_text()}</p>
                        <a href=addresses::NEW_ROOM class="button button--wide">{texts.home.make()}</a>
                    </section>
                    <p class="page__aside dashboard__back"><a href=addresses::DASHBOARD>{own.close()}</a></p>
                </div>
            </section>
            <div class="dashboard__banner"><ConnectionBanner socket/></div>
        </div>
        <Announcer of=list.announcement/>
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
            {dynamic(move || crate::ui::rooms::badge(list.unread.get()).map(|count| view! { <span class="badge" aria-hidden="true">{count}</span> }))}
        </a>
    }
}
