//! The start page: the code box first, then making a room.

use leptos::prelude::*;

use crate::{
    api::LeaveRoom,
    protocol::{Entrance, RoomCode},
    ui::form::{Form, Sending, use_sent_back},
};

use super::join_form::{JoinForm, Wanted};

/// The start page.
#[component]
pub fn Home(
    /// What to offer; nothing if the server could not say.
    entrance: Option<Entrance>,
) -> impl IntoView {
    let current = entrance.as_ref().and_then(|entrance| entrance.current);

    view! {
        <main class="page">
            <header class="page__hero">
                <h1 class="page__title">"AnonChat"</h1>
                <p class="page__lead">"Type six characters and talk. No account needed."</p>
            </header>
            {current.map(|code| view! { <Current code/> })}
            <section class="card" aria-labelledby="join-heading">
                <h2 id="join-heading" class="card__heading">"Join a room"</h2>
                <JoinForm wanted=Wanted::Typed(use_sent_back().code) entrance/>
            </section>
            <section class="card card--quiet" aria-labelledby="make-heading">
                <h2 id="make-heading" class="card__heading">"Make a room"</h2>
                <p class="card__text">"You get six characters to share. Whoever types them is in."</p>
                <a href="/rooms/new" class="button button--wide">"Make a room"</a>
            </section>
        </main>
    }
}

/// The room that this guest is in already.
#[component]
fn Current(code: RoomCode) -> impl IntoView {
    let leave = Sending::to::<LeaveRoom>();
    view! {
        <section class="card card--accent" aria-label="The room you are in">
            <p class="card__text">"You are in room " <b class="code">{code.spaced()}</b> "."</p>
            <div class="button-row">
                <a href=format!("/rooms/{code}") class="button button--primary">"Back to it"</a>
                <Form sending=leave>
                    <input type="hidden" name="code" value=code.to_string()/>
                    <button type="submit" class="button">"Leave it"</button>
                </Form>
            </div>
        </section>
    }
}
