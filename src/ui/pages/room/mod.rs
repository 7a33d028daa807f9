//! A room's link: the room for who is in it, and the way in for everybody else.

mod composer;
mod ended;
mod exit;
mod header;
mod invite;
mod kept_place;
mod members;
mod settings;
mod timeline;
mod view;

use leptos::prelude::*;

use crate::{
    protocol::{Door, Entrance, Problem, RoomCode, Snapshot},
    ui::{
        account::AccountLine,
        browser,
        components::Brand,
        effect::effect,
        form::use_sent_back,
        live::{Line, LiveRoom, provide_room},
        texts::use_texts,
    },
};

use super::{
    dashboard::{Rooms, Sidebar},
    join_form::{JoinForm, Wanted},
};
use view::RoomView;

/// The page behind `/rooms/:code`.
#[component]
pub fn RoomPage(
    /// Which room.
    code: RoomCode,
    /// What is behind its link.
    door: Result<Door, Problem>,
    /// The rooms of who is logged in.
    rooms: Option<Rooms>,
) -> impl IntoView {
    match door {
        Ok(Door::Inside(snapshot)) => view! { <Inside snapshot=*snapshot rooms/> }.into_any(),
        Ok(Door::Outside(entrance)) => view! { <Outside code entrance/> }.into_any(),
        Ok(Door::Removed) => view! { <Closed code text=use_texts().problems.removed()/> }.into_any(),
        Ok(Door::Full) => view! { <Closed code text=use_texts().door.full()/> }.into_any(),
        Err(problem) => view! { <Unknown code problem/> }.into_any(),
    }
}

/// The room, and beside it the list of who has several.
#[component]
fn Inside(snapshot: Snapshot, rooms: Option<Rooms>) -> impl IntoView {
    let line = Line::new();
    let room = LiveRoom::new(line, snapshot);
    provide_room(&room);
    let list = rooms.map(|rooms| rooms.follow(line, Some(room.code)));
    effect(move || line.start());
    match list {
        None => view! { <RoomView line/> }.into_any(),
        Some(_) => view! {
            <div class="dashboard dashboard--open">
                <div class="dashboard__list"><Sidebar/></div>
                <RoomView line/>
            </div>
        }
        .into_any(),
    }
}

/// The way in.
#[component]
fn Outside(code: RoomCode, entrance: Entrance) -> impl IntoView {
    view! {
        <DoorCard code>
            <JoinForm wanted=Wanted::Known(code) entrance=Some(entrance)/>
        </DoorCard>
    }
}

/// There is no way in for somebody who was in it.
#[component]
fn Closed(code: RoomCode, text: &'static str) -> impl IntoView {
    view! {
        <DoorCard code>
            <p class="form-problem" role="alert">{text}</p>
        </DoorCard>
    }
}

/// The server cannot say now whether this person is in the room.
#[component]
fn Unknown(code: RoomCode, problem: Problem) -> impl IntoView {
    let texts = use_texts();
    view! {
        <DoorCard code>
            <p class="form-problem" role="alert">{texts.problem(&problem)}</p>
            <button type="button" class="button button--wide" on:click=|_| browser::reload()>{texts.door.try_again()}</button>
        </DoorCard>
    }
}

#[component]
fn DoorCard(code: RoomCode, children: Children) -> impl IntoView {
    let texts = &use_texts().door;
    let (before, after) = texts.heading();
    view! {
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class="card" aria-labelledby="door-heading">
                <h1 id="door-heading" class="card__heading">{before} <span class="code">{code.spaced()}</span> {after}</h1>
                {children()}
            </section>
            <p class="page__aside"><a href="/">{texts.aside()}</a></p>
            <AccountLine here=format!("/rooms/{code}")/>
        </main>
    }
}

/// A link whose end is no code.
#[component]
pub fn NoCode(
    /// The end of the link.
    text: String,
    /// What to offer; nothing if the server could not say.
    entrance: Option<Entrance>,
) -> impl IntoView {
    let texts = use_texts();
    let reason = text.parse::<RoomCode>().err().map(|reason| texts.problem(&reason.into()));
    let retyped = use_sent_back().code;
    let text = if retyped.is_empty() { text } else { retyped };

    view! {
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class="card" aria-labelledby="code-heading">
                <h1 id="code-heading" class="card__heading">{texts.door.wrong_code()}</h1>
                <p class="card__text">{reason} " " {texts.door.wrong_code_text()}</p>
                <JoinForm wanted=Wanted::Typed(text) entrance/>
            </section>
        </main>
    }
}
