//! The form that joins a room. It is on the start page, beside the list of rooms, and behind a room's link.

use leptos::prelude::*;

use crate::{
    api::JoinRoom,
    protocol::{Code, JoinOffer, Problem, Reason, RoomCode, TextKind, limits::NICKNAME_CHARS},
    ui::{
        components::{EntryButtons, FormProblem, TextField, detail_for},
        effect::effect,
        form::{Form, FormRequest},
        refused_form::use_refused_form,
        texts::use_texts,
    },
};

use super::code_entry::CodeEntry;

/// Which room the form joins.
#[derive(Clone)]
pub enum RoomChoice {
    /// The visitor types the code. The input starts with this text.
    Typed(String),
    /// The code is known from the link, and the form has no input for it.
    Known(RoomCode),
}

/// That a room cannot be joined by this visitor. Another try by the same form would be refused as well.
#[derive(Clone)]
pub struct Refusal {
    pub problem: Problem,
    /// Whether the visitor has just tried, so the focus was in the form.
    pub tried: bool,
}

impl Refusal {
    /// `None` for a problem after which another try may succeed.
    pub fn of(problem: &Problem, tried: bool) -> Option<Self> {
        let is_lasting = matches!(problem.code, Code::RoomUnavailable | Code::Removed)
            || matches!(problem.reason, Some(Reason::TooManyRooms { .. }));
        is_lasting.then(|| Self { problem: problem.clone(), tried })
    }
}

/// The form. A guest who is in another room gets the choice to leave that room first.
#[component]
pub fn JoinForm(
    choice: RoomChoice,
    /// What to offer the visitor. `None` if the server could not read it.
    offer: Option<JoinOffer>,
    /// The form writes here that the room cannot be joined. Whoever passes this replaces the form.
    #[prop(optional)]
    refusal: Option<RwSignal<Option<Refusal>>>,
) -> impl IntoView {
    let texts = use_texts();
    let request = FormRequest::to::<JoinRoom>();
    let problem = Memo::new(move |_| request.problem());
    effect(move || {
        let refused = problem.with(|problem| Refusal::of(problem.as_ref()?, true));
        if let (Some(refusal), Some(refused)) = (refusal, refused) {
            refusal.set(Some(refused));
        }
    });
    let error =
        move |field: &'static str| Signal::derive(move || problem.with(|p| detail_for(texts, p.as_ref(), field)));
    let waiting = RwSignal::new(false);
    let busy = move || request.pending.get() || waiting.get();

    let known = match &choice {
        RoomChoice::Known(code) => Some(*code),
        RoomChoice::Typed(_) => None,
    };
    let current = offer.as_ref().and_then(|offer| offer.current);
    // Behind a link the code is known, so the choice to leave the other room is there from the start. With a typed code
    // it appears after the server refused the form.
    let elsewhere = Memo::new(move |_| {
        let refused = problem.with(|p| p.as_ref().filter(|p| p.code == Code::AlreadyInRoom).and_then(|p| p.room));
        refused.or_else(|| known.and(current))
    });
    let nickname = nickname(offer);
    let fields: &'static [&'static str] = if known.is_some() { &["nickname"] } else { &["code", "nickname"] };

    view! {
        <Form request>
            {match choice {
                RoomChoice::Known(code) => {
                    view! { <input type="hidden" name="code" value=code.to_string()/> }.into_any()
                }
                RoomChoice::Typed(text) => view! { <CodeEntry value=text error=error("code")/> }.into_any(),
            }}
            <TextField
                name="nickname"
                label=texts.common.your_name()
                value=nickname
                error=error("nickname")
                hint=texts.common.your_name_hint()
                limit=(TextKind::Name, NICKNAME_CHARS)
                autocomplete="nickname"
            />
            <FormProblem problem=problem fields=fields waiting=waiting/>
            <EntryButtons
                go=texts.join.go()
                switch=|texts, room| texts.join.switch(room)
                elsewhere=elsewhere
                busy=Signal::derive(busy)
            />
        </Form>
    }
}

/// The initial nickname for a form: the one typed before the form was refused, otherwise the one that the server
/// offers.
pub fn nickname(offer: Option<JoinOffer>) -> String {
    let typed = use_refused_form().nickname;
    match offer {
        Some(offer) if typed.is_empty() => offer.nickname.to_string(),
        _ => typed,
    }
}
