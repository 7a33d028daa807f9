//! The start page: what the product is and promises, the form to join a room, and the link to make one.

use leptos::prelude::*;

use crate::{
    api::LeaveRoom,
    protocol::{JoinOffer, RoomCode, addresses},
    ui::{
        account::{AccountLine, use_account},
        components::{Brand, InstallOffer, LanguageChoice, SharedNote},
        form::{Form, FormRequest},
        refused_form::use_refused_form,
        texts::use_texts,
    },
};

use super::join_form::{JoinForm, RoomChoice};

/// The start page, with a link to the list of rooms for a logged-in account.
#[component]
pub fn Home(
    /// What to offer the visitor. `None` if the server could not read it.
    offer: Option<JoinOffer>,
) -> impl IntoView {
    let texts = &use_texts().home;
    let current = offer.as_ref().and_then(|offer| offer.current);

    let promise = |at| {
        view! {
            <li>
                <b>{texts.promises(at)}</b>
                <p class="card__text">{texts.promise_texts(at)}</p>
            </li>
        }
        .into_any()
    };

    view! {
        <main class="page page--home">
            <header class="page__bar">
                <Brand/>
                <AccountLine here=addresses::HOME/>
            </header>
            <div class="page__hero">
                <h1 class="page__title">{texts.title()}</h1>
                <p class="page__lead">{texts.lead()}</p>
            </div>
            <div class="page__entry">
                <SharedNote text=use_texts().shared.join()/>
                {current.map(|code| view! { <Current code/> }.into_any())}
                {use_account().map(|_| {
                    view! {
                        <section class="card card--accent">
                            <p class="card__text">{texts.your_rooms_text()}</p>
                            <a href=addresses::DASHBOARD class="button button--primary button--wide">{texts.your_rooms()}</a>
                        </section>
                    }
                    .into_any()
                })}
                <section class="card" aria-labelledby="join-heading">
                    <h2 id="join-heading" class="card__heading">{texts.join()}</h2>
                    <JoinForm choice=RoomChoice::Typed(use_refused_form().code) offer/>
                </section>
                <section class="card card--quiet" aria-labelledby="make-heading">
                    <h2 id="make-heading" class="card__heading">{texts.make()}</h2>
                    <p class="card__text">{texts.make_text()}</p>
                    <a href=addresses::NEW_ROOM class="button button--wide">{texts.make()}</a>
                </section>
            </div>
            <ul class="promises">{[0, 1, 2].map(promise)}</ul>
            <footer class="page__foot">
                <LanguageChoice/>
                <InstallOffer class="link-button"/>
                {current.map(|_| {
                    view! { <p class="page__aside"><a href=addresses::GUEST rel="external">{use_texts().account.forget_me()}</a></p> }
                        .into_any()
                })}
            </footer>
        </main>
    }
}

/// The room that this guest is in, with buttons to go back and to leave it.
#[component]
fn Current(code: RoomCode) -> impl IntoView {
    let texts = &use_texts().home;
    let (before, after) = texts.you_are_in();
    let leave = FormRequest::to::<LeaveRoom>();
    view! {
        <section class="card card--accent" aria-label=texts.current()>
            <p class="card__text">{before} <b class="code">{code.spaced()}</b> {after}</p>
            <div class="button-row">
                <a href=addresses::room(code) class="button button--primary">{texts.back()}</a>
                <Form request=leave>
                    <input type="hidden" name="code" value=code.to_string()/>
                    <button type="submit" class="button">{texts.leave()}</button>
                </Form>
            </div>
        </section>
    }
}
