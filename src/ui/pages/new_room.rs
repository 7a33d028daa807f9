//! The page that makes a room.

use leptos::prelude::*;

use crate::{
    api::CreateRoom,
    protocol::{
        Code, JoinOffer, TextKind,
        limits::{NICKNAME_CHARS, ROOM_NAME_CHARS},
    },
    ui::{
        components::{Brand, EntryButtons, FormProblem, TextField, detail_for},
        dynamic::dynamic,
        form::{Form, FormRequest},
        refused_form::use_refused_form,
        texts::use_texts,
    },
};

use super::join_form::nickname;

/// The page that makes a room. A guest who is in another room gets the choice to leave that room first.
#[component]
pub fn NewRoom(
    /// What to offer the visitor. `None` if the server could not read it.
    offer: Option<JoinOffer>,
) -> impl IntoView {
    view! {
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class="card" aria-labelledby="new-heading">
                <h1 id="new-heading" class="card__heading">{use_texts().new_room.heading()}</h1>
                <CreateForm offer/>
            </section>
        </main>
    }
}

#[component]
fn CreateForm(offer: Option<JoinOffer>) -> impl IntoView {
    let texts = use_texts();
    let own = &texts.new_room;
    let request = FormRequest::to::<CreateRoom>();
    let problem = Memo::new(move |_| request.problem());
    let error =
        move |field: &'static str| Signal::derive(move || problem.with(|p| detail_for(texts, p.as_ref(), field)));
    let waiting = RwSignal::new(false);
    let busy = move || request.pending.get() || waiting.get();
    let current = offer.as_ref().and_then(|offer| offer.current);
    let elsewhere = Memo::new(move |_| {
        let refused = problem.with(|p| p.as_ref().filter(|p| p.code == Code::AlreadyInRoom).and_then(|p| p.room));
        refused.or(current)
    });
    let request_id = offer.as_ref().and_then(|offer| offer.request).map(|id| id.to_string());
    let nickname = nickname(offer);
    let typed = use_refused_form();
    let not_saved = error("preserve");
    let one_to_one = typed.room_type == "p2p";
    let preserve = typed.preserve == "true";

    view! {
        <Form request>
            <input type="hidden" name="id" value=request_id/>
            <fieldset class="choices">
                <legend class="field__label">{own.how_many()}</legend>
                <label class="choice">
                    <input type="radio" name="room_type" value="group" checked=!one_to_one/>
                    <span class="choice__name">{own.group()}</span>
                    <span class="choice__text">{own.group_text()}</span>
                </label>
                <label class="choice">
                    <input type="radio" name="room_type" value="p2p" checked=one_to_one/>
                    <span class="choice__name">{own.one_to_one()}</span>
                    <span class="choice__text">{own.one_to_one_text()}</span>
                </label>
            </fieldset>
            <TextField
                name="name"
                label=own.name()
                value=typed.name
                error=error("name")
                limit=(TextKind::RoomName, ROOM_NAME_CHARS)
                autocapitalize="sentences"
            />
            <label class="switch">
                <input type="checkbox" name="preserve" value="true" role="switch" checked=preserve aria-describedby="preserve-hint preserve-error"/>
                <span class="switch__name">{own.preserve()}</span>
                <span class="switch__text" id="preserve-hint">
                    <span class="switch__off">{own.not_preserved()}</span>
                    <span class="switch__on">{own.preserved()}</span>
                </span>
                <span class="switch__error" id="preserve-error" role="alert">{dynamic(move || not_saved.get())}</span>
            </label>
            <TextField
                name="nickname"
                label=texts.common.your_name()
                value=nickname
                error=error("nickname")
                hint=texts.common.your_name_hint()
                limit=(TextKind::Name, NICKNAME_CHARS)
                autocomplete="nickname"
            />
            <FormProblem problem=problem fields=&["name", "preserve", "nickname"] waiting=waiting/>
            <EntryButtons
                go=own.create()
                switch=|texts, room| texts.new_room.switch(room)
                elsewhere=elsewhere
                busy=Signal::derive(busy)
            />
        </Form>
    }
}
