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
mod peek;
mod settings;
mod timeline;
mod view;

use leptos::prelude::*;

use crate::{
    protocol::{JoinOffer, Problem, RoomAccess, RoomCode, addresses},
    ui::{
        account::AccountLine,
        browser,
        components::Brand,
        effect::effect,
        live::{LiveRoom, PageSocket, provide_room},
        navigation::{Navigation, use_navigation},
        refused_form::use_refused_form,
        texts::use_texts,
    },
};

use super::join_form::{JoinForm, RoomChoice};
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
        Ok(RoomAccess::Removed) => view! { <CannotReturn code text=use_texts().problems.removed()/> }.into_any(),
        Ok(RoomAccess::Full) => view! { <CannotReturn code text=use_texts().door.full()/> }.into_any(),
        Err(problem) => view! { <MembershipUnknown code problem/> }.into_any(),
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

/// The form to join this room, and what the room shows before that. The page itself is the same for every code.
#[component]
fn JoinPage(code: RoomCode, offer: JoinOffer) -> impl IntoView {
    view! {
        <RoomCard code>
            <PeekBox code/>
            <JoinForm choice=RoomChoice::Known(code) offer=Some(offer)/>
        </RoomCard>
    }
}

/// For a former member who cannot come back: the owner removed them, or the room is full.
#[component]
fn CannotReturn(code: RoomCode, text: &'static str) -> impl IntoView {
    view! {
        <RoomCard code>
            <p class="form-problem" role="alert">{text}</p>
        </RoomCard>
    }
}

/// The server could not find out whether the visitor is in the room. Offers to reload.
#[component]
fn MembershipUnknown(code: RoomCode, problem: Problem) -> impl IntoView {
    let texts = use_texts();
    view! {
        <RoomCard code>
            <p class="form-problem" role="alert">{texts.problem(&problem)}</p>
            <button type="button" class="button button--wide" on:click=|_| browser::reload()>{texts.door.try_again()}</button>
        </RoomCard>
    }
}

#[component]
fn RoomCard(code: RoomCode, children: Children) -> impl IntoView {
    let texts = &use_texts().door;
    let (before, after) = texts.heading();
    view! {
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class="card" aria-labelledby="door-heading">
                <h1 id="door-heading" class="card__heading">{before} <span class="code">{code.spaced()}</span> {after}</h1>
                {children()}
            </section>
            <p class="page__aside"><a href=addresses::HOME>{texts.aside()}</a></p>
            <AccountLine here=addresses::room(code)/>
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
