//! A room's link: the room for who is in it, and the way in for everybody else.

mod composer;
mod connection;
mod ended;
mod exit;
mod header;
mod invite;
mod members;
mod settings;
mod timeline;
mod view;

use leptos::{either::EitherOf3, prelude::*};
use leptos_meta::Title;
use leptos_router::{components::A, hooks::use_params_map};

use crate::{
    api::{Door, Entrance, JoinRoom, get_entrance, open_door},
    protocol::{InvalidCode, Problem, RoomCode},
    ui::components::Brand,
};

use super::{
    join_form::{JoinForm, Wanted, go_when_entered},
    typed,
};
use view::RoomView;

/// The page behind `/rooms/:code`.
#[component]
pub fn RoomPage() -> impl IntoView {
    let params = use_params_map();
    let typed_code = Memo::new(move |_| params.with(|params| params.get("code")).unwrap_or_default());
    let code = Memo::new(move |_| typed_code.with(|typed| typed.parse::<RoomCode>()));
    let door = Resource::new_blocking(
        move || code.get().ok(),
        |code| async move {
            match code {
                Some(code) => open_door(code).await,
                None => get_entrance().await.map(Door::Outside),
            }
        },
    );
    let join = ServerAction::<JoinRoom>::new();
    go_when_entered(join);
    Effect::new(move |_| {
        if join.value().with(|value| matches!(value, Some(Ok(_)))) {
            door.refetch();
        }
    });
    let look_again = Callback::new(move |()| door.refetch());

    view! {
        <Transition fallback=Opening>
            {move || Suspend::new(async move {
                match (code.get_untracked(), door.await) {
                    (Err(reason), entrance) => {
                        let entrance = match entrance {
                            Ok(Door::Outside(entrance)) => Some(entrance),
                            _ => None,
                        };
                        EitherOf3::A(view! { <Malformed reason text=typed_code.get_untracked() entrance join/> })
                    }
                    (Ok(_), Ok(Door::Inside(snapshot))) => {
                        EitherOf3::B(view! { <RoomView snapshot=*snapshot on_outside=look_again/> })
                    }
                    (Ok(code), outside) => EitherOf3::C(view! { <Outside code outside look_again join/> }),
                }
            })}
        </Transition>
    }
}

/// While the room is fetched.
#[component]
fn Opening() -> impl IntoView {
    view! {
        <main class="page page--middle">
            <p class="page__lead" role="status">"Opening the room…"</p>
        </main>
    }
}

/// The way in.
#[component]
fn Outside(
    code: RoomCode,
    outside: Result<Door, Problem>,
    look_again: Callback<()>,
    join: ServerAction<JoinRoom>,
) -> impl IntoView {
    let (entrance, problem) = match outside {
        Ok(Door::Outside(entrance)) => (Some(entrance), None),
        Ok(Door::Inside(_)) => (None, None),
        Err(problem) => (None, Some(problem)),
    };

    view! {
        <Title text=format!("{} · AnonChat", code.spaced())/>
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class="card" aria-labelledby="door-heading">
                <h1 id="door-heading" class="card__heading">"Join room " <span class="code">{code.spaced()}</span></h1>
                {match problem {
                    Some(problem) => {
                        leptos::either::Either::Left(
                            view! {
                                <p class="form-problem" role="alert">{problem.detail}</p>
                                <button type="button" class="button button--wide" on:click=move |_| look_again.run(())>
                                    "Try again"
                                </button>
                            },
                        )
                    }
                    None => {
                        leptos::either::Either::Right(
                            view! { <JoinForm action=join wanted=Wanted::Known(code) entrance/> },
                        )
                    }
                }}
            </section>
            <p class="page__aside"><A href="/">"Join another room, or make one"</A></p>
        </main>
    }
}

/// A link whose end is no code.
#[component]
fn Malformed(
    reason: InvalidCode,
    text: String,
    entrance: Option<Entrance>,
    join: ServerAction<JoinRoom>,
) -> impl IntoView {
    let retyped = typed("code");
    let text = if retyped.is_empty() { text } else { retyped };

    view! {
        <Title text="Check the code · AnonChat"/>
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class="card" aria-labelledby="code-heading">
                <h1 id="code-heading" class="card__heading">"This link’s code is not right"</h1>
                <p class="card__text">{reason.to_string()} " Perhaps a character was lost when the link was copied. Correct it here:"</p>
                <JoinForm action=join wanted=Wanted::Typed(text) entrance/>
            </section>
        </main>
    }
}
