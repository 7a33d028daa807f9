//! Making a room.

use leptos::prelude::*;

use crate::{
    api::CreateRoom,
    protocol::{Code, Entrance},
    ui::{
        components::{Brand, EntryButtons, FormProblem, TextField, detail_for},
        form::{Form, Sending, use_sent_back},
    },
};

use super::join_form::nickname;

/// The page that makes a room.
#[component]
pub fn NewRoom(
    /// What to offer; nothing if the server could not say.
    entrance: Option<Entrance>,
) -> impl IntoView {
    view! {
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class="card" aria-labelledby="new-heading">
                <h1 id="new-heading" class="card__heading">"Make a room"</h1>
                <CreateForm entrance/>
            </section>
        </main>
    }
}

#[component]
fn CreateForm(entrance: Option<Entrance>) -> impl IntoView {
    let sending = Sending::to::<CreateRoom>();
    let problem = Memo::new(move |_| sending.problem());
    let error = move |field: &'static str| Signal::derive(move || problem.with(|p| detail_for(p.as_ref(), field)));
    let waiting = RwSignal::new(false);
    let busy = move || sending.pending.get() || waiting.get();
    let current = entrance.as_ref().and_then(|entrance| entrance.current);
    let elsewhere = Memo::new(move |_| {
        let refused = problem.with(|p| p.as_ref().filter(|p| p.code == Code::AlreadyInRoom).and_then(|p| p.room));
        refused.or(current)
    });
    let nickname = nickname(entrance);
    let typed = use_sent_back();
    let one_to_one = typed.room_type == "p2p";
    let preserve = typed.preserve == "true";

    view! {
        <Form sending>
            <fieldset class="choices">
                <legend class="field__label">"For how many"</legend>
                <label class="choice">
                    <input type="radio" name="room_type" value="group" checked=!one_to_one/>
                    <span class="choice__name">"Group"</span>
                    <span class="choice__text">"Any number of people."</span>
                </label>
                <label class="choice">
                    <input type="radio" name="room_type" value="p2p" checked=one_to_one/>
                    <span class="choice__name">"One-to-one"</span>
                    <span class="choice__text">"You and one other person."</span>
                </label>
            </fieldset>
            <TextField
                name="name"
                label="Room name (optional)"
                value=typed.name
                error=error("name")
                maxlength=128
                autocapitalize="sentences"
            />
            <label class="switch">
                <input type="checkbox" name="preserve" value="true" role="switch" checked=preserve aria-describedby="preserve-hint"/>
                <span class="switch__name">"Preserve messages"</span>
                <span class="switch__text" id="preserve-hint">
                    "On: everything said is kept, and whoever joins later can read it. Off: nothing is kept, and people see only what is said while they are here."
                </span>
            </label>
            <TextField
                name="nickname"
                label="Your name here"
                value=nickname
                error=error("nickname")
                hint="The others in the room see this name. Change it as you like."
                autocomplete="nickname"
            />
            <FormProblem problem=problem fields=&["name", "nickname"] waiting=waiting/>
            <EntryButtons go="Create" switch="Leave it and create this one" elsewhere=elsewhere busy=Signal::derive(busy)/>
        </Form>
    }
}
