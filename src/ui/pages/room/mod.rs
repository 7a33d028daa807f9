//! The page behind a room's link, `/rooms/:code`. Members see the room. Everybody else sees the form to join it, or why
//! they cannot. The parts of an open room are in the modules below.

mod composer;
mod dialogs;
mod ended;
mod exit;
mod header;
mod info;
mod invite;
mod kept_place;
mod members;
mod mention_list;
mod message_menu;
mod peek;
mod search;
mod settings;
mod timeline;
mod view;

use leptos::{html, prelude::*, server_fn::ServerFn};

use crate::{
    api::JoinRoom,
    protocol::{Code, JoinOffer, Problem, RoomAccess, RoomCode, addresses},
    ui::{
        account::AccountLine,
        browser,
        components::{Brand, Outcome},
        dynamic::dynamic,
        effect::effect,
        live::{LiveRoom, PageSocket, provide_room},
        navigation::{Navigation, use_navigation},
        refused_form::use_refused_form,
        texts::use_texts,
    },
};

use super::join_form::{JoinForm, Refusal, RoomChoice};
use peek::PeekBox;
use view::RoomView;

/// The page behind `/rooms/:code`.
#[component]
pub fn RoomPage(
    code: RoomCode,
    /// What the visitor finds behind the link, or why the server could not find out.
    access: Result<RoomAccess, Problem>,
    /// The connection that keeps the room up to date.
    socket: PageSocket,
) -> impl IntoView {
    match access {
        Ok(RoomAccess::Inside(snapshot)) => {
            let is_step = use_navigation().is_some_and(Navigation::is_after_step);
            let room = if is_step { LiveRoom::arrived(socket, *snapshot) } else { LiveRoom::new(socket, *snapshot) };
            view! { <OpenRoom room socket/> }.into_any()
        }
        Ok(RoomAccess::Outside(offer)) => view! { <JoinPage code offer/> }.into_any(),
        Ok(RoomAccess::Removed) => {
            let refusal = Refusal { problem: Problem::new(Code::Removed, ""), tried: false };
            view! { <Door code><Refused code refusal current=None/></Door> }.into_any()
        }
        Ok(RoomAccess::Full) => view! { <Door code><Full code/></Door> }.into_any(),
        Err(problem) => view! { <Door code><MembershipUnknown code problem/></Door> }.into_any(),
    }
}

/// A room that is in memory. `None` if it has been dropped.
pub fn room_in_memory(socket: PageSocket, code: RoomCode) -> Option<AnyView> {
    let room = LiveRoom::in_memory(socket, code)?;
    Some(view! { <OpenRoom room socket/> }.into_any())
}

#[component]
fn OpenRoom(room: LiveRoom, socket: PageSocket) -> impl IntoView {
    provide_room(&room);
    effect(move || {
        room.restore();
        socket.start();
    });
    view! { <RoomView socket/> }
}

/// The form to join this room, and what the room shows before that. The page itself is the same for every code. Once it
/// turns out that the visitor cannot join, a notice takes the place of the form.
#[component]
fn JoinPage(code: RoomCode, offer: JoinOffer) -> impl IntoView {
    let refused = use_refused_form().refused.filter(|(path, _)| path == JoinRoom::PATH);
    let refusal = RwSignal::new(refused.and_then(|(_, problem)| Refusal::of(&problem, false)));
    let content = move || {
        if let Some(refusal) = refusal.get() {
            return view! { <Refused code refusal current=offer.current/> }.into_any();
        }
        let offer = offer.clone();
        view! { <JoinCard code offer refusal/> }.into_any()
    };
    view! { <Door code>{dynamic(content)}</Door> }
}

#[component]
fn JoinCard(code: RoomCode, offer: JoinOffer, refusal: RwSignal<Option<Refusal>>) -> impl IntoView {
    let texts = &use_texts().door;
    let (before, after) = texts.heading();
    view! {
        <section class="card door" aria-labelledby="door-heading">
            <div class="door__room">
                <h1 id="door-heading" class="card__heading">{before} <span class="code">{code.spaced()}</span> {after}</h1>
                <PeekBox code refusal/>
            </div>
            <JoinForm choice=RoomChoice::Known(code) offer=Some(offer) refusal/>
        </section>
        <p class="page__aside"><a href=addresses::HOME>{texts.aside()}</a></p>
    }
}

/// Says that the visitor cannot join, and leads to other rooms.
#[component]
fn Refused(
    code: RoomCode,
    refusal: Refusal,
    /// The room that this guest is in.
    current: Option<RoomCode>,
) -> impl IntoView {
    let texts = use_texts();
    let own = &texts.door;
    let Refusal { problem, tried } = refusal;
    let (heading, text) = match problem.code {
        Code::Removed => (own.removed(), texts.problem(&problem)),
        Code::RoomUnavailable => (own.refused(), own.refused_text().to_owned()),
        _ => (own.refused(), texts.problem(&problem)),
    };
    let another_code = (addresses::HOME.to_owned(), own.another_code().to_owned());
    let (first, second) = match current {
        Some(room) => ((addresses::room(room), texts.common.back_to(&room.spaced())), another_code),
        // An account in too many rooms.
        None if problem.code == Code::InvalidInput => {
            ((addresses::DASHBOARD.to_owned(), texts.home.your_rooms().to_owned()), another_code)
        }
        None => (another_code, (addresses::NEW_ROOM.to_owned(), texts.home.make().to_owned())),
    };
    let links = NodeRef::<html::Div>::new();
    effect(move || {
        if let Some(links) = links.get().filter(|_| tried) {
            browser::focus_into(&links);
        }
    });
    view! {
        <Outcome about=texts.common.room(&code.spaced()) heading text>
            <div class="button-row" node_ref=links>
                <a href=first.0 class="button button--primary">{first.1}</a>
                <a href=second.0 class="button">{second.1}</a>
            </div>
        </Outcome>
    }
}

/// For a former member whose place somebody else has. It may become free again.
#[component]
fn Full(code: RoomCode) -> impl IntoView {
    let texts = use_texts();
    let own = &texts.door;
    view! {
        <Outcome about=texts.common.room(&code.spaced()) heading=own.full() text=own.full_text()>
            <div class="button-row">
                <a href=addresses::room(code) rel="external" class="button button--primary">{own.try_again()}</a>
                <a href=addresses::NEW_ROOM class="button">{texts.home.make()}</a>
            </div>
        </Outcome>
    }
}

/// The server could not find out whether the visitor is in the room. Offers to reload.
#[component]
fn MembershipUnknown(code: RoomCode, problem: Problem) -> impl IntoView {
    let texts = use_texts();
    view! {
        <Outcome about=texts.common.room(&code.spaced()) heading=texts.door.unavailable() text=texts.problem(&problem)>
            <button type="button" class="button button--primary button--wide" on:click=|_| browser::reload()>
                {texts.door.try_again()}
            </button>
        </Outcome>
    }
}

/// The page of a room's link, for somebody who is not in the room.
#[component]
fn Door(code: RoomCode, children: Children) -> impl IntoView {
    view! {
        <main class="page">
            <header class="page__bar">
                <Brand/>
                <AccountLine here=addresses::room(code)/>
            </header>
            {children()}
        </main>
    }
}

/// The page for a link to a room that does not end in a valid code.
#[component]
pub fn NoCode(
    /// The end of the link, which the input starts with.
    text: String,
    /// What to offer the visitor. `None` if the server could not read it.
    offer: Option<JoinOffer>,
) -> impl IntoView {
    let texts = use_texts();
    let reason = text.parse::<RoomCode>().err().map(|reason| texts.problem(&reason.into()));
    let retyped = use_refused_form().code;
    let text = if retyped.is_empty() { text } else { retyped };

    view! {
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class="card" aria-labelledby="code-heading">
                <h1 id="code-heading" class="card__heading">{texts.door.wrong_code()}</h1>
                <p class="card__text">{reason} " " {texts.door.wrong_code_text()}</p>
                <JoinForm choice=RoomChoice::Typed(text) offer/>
            </section>
        </main>
    }
}
