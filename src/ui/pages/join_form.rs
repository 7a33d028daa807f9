//! The form that joins a room, for the start page and for a room's link.

use leptos::{either::Either, prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_navigate;

use crate::{
    api::{Entrance, JoinRoom},
    protocol::{Code, RoomCode},
    ui::components::{EntryButtons, FormProblem, TextField, detail_for},
};

use super::{code_entry::CodeEntry, typed};

/// The room that a form is about.
#[derive(Clone)]
pub enum Wanted {
    /// Typed into the form; starts with this text.
    Typed(String),
    /// Known from the link.
    Known(RoomCode),
}

/// Goes to a room once an action has entered it, if the server's redirect has not done so already.
pub fn go_when_entered<S>(action: ServerAction<S>)
where
    S: ServerFn<Output = RoomCode> + Clone + Send + Sync + 'static,
    S::Error: Clone + Send + Sync + 'static,
{
    let navigate = use_navigate();
    let value = action.value();
    Effect::new(move |_| {
        let entered = value.with(|value| value.as_ref().and_then(|outcome| outcome.as_ref().ok().copied()));
        if let Some(code) = entered {
            navigate(&format!("/rooms/{code}"), leptos_router::NavigateOptions::default());
        }
    });
}

/// The form.
#[component]
pub fn JoinForm(
    /// The action that it submits.
    action: ServerAction<JoinRoom>,
    /// Which room.
    wanted: Wanted,
    /// What to offer; nothing if the server could not say.
    entrance: Option<Entrance>,
) -> impl IntoView {
    let value = action.value();
    let problem =
        Memo::new(move |_| value.with(|value| value.as_ref().and_then(|outcome| outcome.as_ref().err().cloned())));
    let error = move |field: &'static str| Signal::derive(move || problem.with(|p| detail_for(p.as_ref(), field)));
    let waiting = RwSignal::new(false);
    let busy = move || action.pending().get() || waiting.get();

    let known = match &wanted {
        Wanted::Known(code) => Some(*code),
        Wanted::Typed(_) => None,
    };
    let current = entrance.as_ref().and_then(|entrance| entrance.current);
    // With a link to another room, the offer to change rooms stands from the start; with a typed code, after the answer.
    let elsewhere = Memo::new(move |_| {
        let refused = problem.with(|p| p.as_ref().filter(|p| p.code == Code::AlreadyInRoom).and_then(|p| p.room));
        refused.or_else(|| known.and(current))
    });
    let nickname = Some(typed("nickname")).filter(|typed| !typed.is_empty());
    let nickname = nickname.or_else(|| entrance.map(|entrance| entrance.nickname.to_string())).unwrap_or_default();
    let fields: &'static [&'static str] = if known.is_some() { &["nickname"] } else { &["code", "nickname"] };

    view! {
        <ActionForm action=action>
            {match wanted {
                Wanted::Known(code) => {
                    Either::Left(view! { <input type="hidden" name="code" value=code.to_string()/> })
                }
                Wanted::Typed(text) => Either::Right(view! { <CodeEntry value=text error=error("code")/> }),
            }}
            <TextField
                name="nickname"
                label="Your name here"
                value=nickname
                error=error("nickname")
                hint="The others in the room see this name. Change it as you like."
                autocomplete="nickname"
            />
            <FormProblem problem=problem fields=fields waiting=waiting/>
            <EntryButtons go="Join" switch="Leave it and join this one" elsewhere=elsewhere busy=Signal::derive(busy)/>
        </ActionForm>
    }
}
