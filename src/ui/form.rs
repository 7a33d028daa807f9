//! Forms that post to a server function, with and without scripts.
//!
//! Without scripts the browser sends the form, and the server answers with the next page. With scripts `FormRequest`
//! sends the same fields by `fetch`, and the page shows a refusal in place. The server functions themselves are in
//! `crate::api`.

use leptos::{
    ev::SubmitEvent,
    html,
    prelude::*,
    server_fn::ServerFn,
    task::{spawn_local, tick},
};

use crate::protocol::{Code, Problem};

use super::{
    browser::{self, Answer},
    navigation::{Navigation, use_navigation},
    refused_form::use_refused_form,
    texts::{Texts, use_texts},
};

/// One form's request: where it goes, whether it is under way, and its outcome.
#[derive(Clone, Copy)]
pub struct FormRequest {
    path: &'static str,
    texts: &'static Texts,
    navigation: Option<Navigation>,
    /// True while a request is under way, and after it until the page it redirects to is loaded. A second press does
    /// nothing.
    pub pending: RwSignal<bool>,
    /// The outcome of the newest request. `None` before the first one.
    pub outcome: RwSignal<Option<Result<(), Problem>>>,
}

impl FormRequest {
    /// A form of this server function. If the server has just refused this form, it starts with that refusal.
    pub fn to<F: ServerFn>() -> Self {
        let refused = use_refused_form().refused.filter(|(path, _)| path == F::PATH);
        let outcome = RwSignal::new(refused.map(|(_, problem)| Err(problem)));
        Self { path: F::PATH, texts: use_texts(), navigation: use_navigation(), pending: RwSignal::new(false), outcome }
    }

    /// Why the form was refused, if it was.
    pub fn problem(self) -> Option<Problem> {
        self.outcome.with(|outcome| outcome.as_ref()?.as_ref().err().cloned())
    }

    /// The reason of the refusal as a sentence.
    pub fn detail(self) -> Option<String> {
        self.problem().map(|problem| self.texts.problem(&problem))
    }

    /// Whether the request succeeded.
    pub fn is_done(self) -> bool {
        self.outcome.with(|outcome| matches!(outcome, Some(Ok(()))))
    }

    /// Clears the refusal if it is about this field. Called when the field is edited.
    fn clear_error_of(self, field: &str) {
        let is_over =
            self.outcome.with_untracked(|outcome| matches!(outcome, Some(Err(problem)) if is_about(problem, field)));
        if is_over {
            self.outcome.set(None);
        }
    }

    fn send(self, event: &SubmitEvent, form: NodeRef<html::Form>) {
        event.prevent_default();
        if self.pending.get_untracked() {
            return;
        }
        self.pending.set(true);
        let answer = browser::send_form(event, self.path);
        spawn_local(async move {
            let answer = answer.await;
            let next = answer.as_ref().and_then(|answer| answer.redirect.clone());
            let _ = self.outcome.try_set(Some(read(answer)));
            if let Some(next) = next {
                match self.navigation {
                    Some(navigation) => navigation.go(&next),
                    None => browser::go(&next),
                }
                return;
            }
            let _ = self.pending.try_set(false);
            tick().await;
            if let Some(form) = form.try_get_untracked().flatten() {
                browser::focus_invalid(&form);
            }
        });
    }
}

/// Whether a problem is about this field. `RoomUnavailable` names no field and belongs to the field "code".
pub fn is_about(problem: &Problem, field: &str) -> bool {
    match (&problem.field, problem.code) {
        (Some(about), _) => about == field,
        (None, Code::RoomUnavailable) => field == "code",
        (None, _) => false,
    }
}

/// Reads the outcome from an answer. No answer counts as unreachable.
fn read(answer: Option<Answer>) -> Result<(), Problem> {
    let Some(answer) = answer else { return Err(Problem::unreachable()) };
    if answer.is_ok { Ok(()) } else { Err(answer.problem()) }
}

/// A form that `request` sends. After a refusal the first invalid field gets the focus.
#[component]
pub fn Form(
    request: FormRequest,
    /// Called when the form is submitted, before it is sent.
    #[prop(optional, into)]
    on_send: Option<Callback<()>>,
    children: Children,
) -> impl IntoView {
    let form = NodeRef::<html::Form>::new();
    let on_submit = move |event: SubmitEvent| {
        if let Some(on_send) = on_send {
            on_send.run(());
        }
        request.send(&event, form);
    };
    let on_input = move |event| request.clear_error_of(&browser::name_of(&event));
    view! {
        <form method="post" action=request.path node_ref=form on:submit=on_submit on:input=on_input>{children()}</form>
    }
}
