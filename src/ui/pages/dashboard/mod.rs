//! An account's rooms: the list alone, and the list beside an open room. Each is a document of its own, and the list the same
//! on both; where there is no space for two, the list or the room is there, and a link leads from one to the other.

mod row;
mod sidebar;
mod toasts;
mod unproved;

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::JoinRoom,
    protocol::{Entrance, Identity, RoomCode, RoomSummary},
    ui::{
        browser,
        components::{Announcer, ConnectionBanner, Icon, Shape},
        effect::effect,
        form::use_sent_back,
        live::{Line, LiveList, provide_list},
        texts::use_texts,
        title,
    },
};

use super::join_form::{JoinForm, Wanted};

pub use sidebar::Sidebar;
pub use toasts::Toasts;
use unproved::Unproved;

/// The id of what is beside the list when no room is open.
const BESIDE: &str = "join";

/// What the server rendered the list of: an account's rooms.
#[derive(Clone)]
pub struct Rooms {
    /// The rooms, newest first.
    pub summaries: Vec<RoomSummary>,
    /// Whose they are.
    pub account: Identity,
    /// Whether all of them are on the page from the start: else a few, and the others as they are wanted.
    pub all: bool,
}

impl Rooms {
    /// Keeps them up over a line, beside a room.
    pub fn follow(self, line: Line, current: Option<RoomCode>) -> LiveList {
        let list = LiveList::new(line, self.summaries, current, &self.account);
        provide_list(list);
        effect(move || {
            // Nobody is logged in any more: the page then shows the way in. Beside a room that is the room's to do.
            if list.over.get() && current.is_none() {
                browser::reload();
            }
        });
        list
    }
}

/// The list, with no room open.
#[component]
pub fn Dashboard(
    /// What to offer to who joins a room; nothing if the server could not say.
    entrance: Option<Entrance>,
    /// The rooms.
    rooms: Rooms,
) -> impl IntoView {
    let texts = use_texts();
    let own = &texts.rooms;
    let line = Line::new();
    let all = rooms.all;
    let list = rooms.follow(line, None);
    effect(move || line.start());
    effect(move || browser::set_title(&title::of_list(texts, list.unread.get())));
    // A form that was sent back has something to say.
    let beside = if use_sent_back().refused.is_some_and(|(path, _)| path == JoinRoom::PATH) {
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
                        <JoinForm wanted=Wanted::Typed(use_sent_back().code) entrance/>
                    </section>
                    <section class="card card--quiet" aria-labelledby="make-heading">
                        <h3 id="make-heading" class="card__heading">{texts.home.make()}</h3>
                        <p class="card__text">{texts.home.make_text()}</p>
                        <a href="/rooms/new" class="button button--wide">{texts.home.make()}</a>
                    </section>
                    <p class="page__aside dashboard__back"><a href="/dashboard">{own.close()}</a></p>
                </div>
            </section>
            <div class="dashboard__banner"><ConnectionBanner line/></div>
        </div>
        <Announcer of=list.announcement/>
    }
}

/// The way from an open room back to the list, where the two have no space side by side. It says how much waits there.
#[component]
pub fn BackToList(list: LiveList) -> impl IntoView {
    let texts = &use_texts().rooms;
    let label = move || match list.unread.get() {
        0 => texts.back().to_owned(),
        unread => texts.back_unread(usize::try_from(unread).unwrap_or(usize::MAX)),
    };
    view! {
        <a href="/dashboard" class="room-header__back" aria-label=label>
            <Icon shape=Shape::Back/>
            {move || crate::ui::rooms::badge(list.unread.get()).map(|count| view! { <span class="badge" aria-hidden="true">{count}</span> })}
        </a>
    }
}
