//! The start page: the code box first, then making a room.

use leptos::{form::ActionForm, prelude::*};
use leptos_meta::Title;
use leptos_router::components::A;

use crate::{
    api::{JoinRoom, LeaveRoom, get_entrance},
    protocol::RoomCode,
};

use super::{
    join_form::{JoinForm, Wanted, go_when_entered},
    typed,
};

/// The start page.
#[component]
pub fn Home() -> impl IntoView {
    let entrance = Resource::new_blocking(|| (), |()| get_entrance());
    let join = ServerAction::<JoinRoom>::new();
    let leave = ServerAction::<LeaveRoom>::new();
    go_when_entered(join);
    Effect::new(move |_| {
        if leave.version().get() > 0 {
            entrance.refetch();
        }
    });

    view! {
        <Title text="AnonChat"/>
        <main class="page">
            <header class="page__hero">
                <h1 class="page__title">"AnonChat"</h1>
                <p class="page__lead">"Type six characters and talk. No account needed."</p>
            </header>
            <Transition>
                {move || Suspend::new(async move {
                    let entrance = entrance.await.ok();
                    let current = entrance.as_ref().and_then(|entrance| entrance.current);
                    view! {
                        {current.map(|code| view! { <Current code leave/> })}
                        <section class="card" aria-labelledby="join-heading">
                            <h2 id="join-heading" class="card__heading">"Join a room"</h2>
                            <JoinForm action=join wanted=Wanted::Typed(typed("code")) entrance/>
                        </section>
                    }
                })}
            </Transition>
            <section class="card card--quiet" aria-labelledby="make-heading">
                <h2 id="make-heading" class="card__heading">"Make a room"</h2>
                <p class="card__text">"You get six characters to share. Whoever types them is in."</p>
                <A href="/rooms/new" attr:class="button button--wide">"Make a room"</A>
            </section>
        </main>
    }
}

/// The room that this guest is in already.
#[component]
fn Current(code: RoomCode, leave: ServerAction<LeaveRoom>) -> impl IntoView {
    view! {
        <section class="card card--accent" aria-label="The room you are in">
            <p class="card__text">"You are in room " <b class="code">{code.spaced()}</b> "."</p>
            <div class="button-row">
                <A href=format!("/rooms/{code}") attr:class="button button--primary">"Back to it"</A>
                <ActionForm action=leave>
                    <input type="hidden" name="code" value=code.to_string()/>
                    <button type="submit" class="button">"Leave it"</button>
                </ActionForm>
            </div>
        </section>
    }
}
