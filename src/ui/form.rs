//! Forms. Each goes to a server function and works without scripts: then the browser itself sends it, and the server
//! answers with the next page. With scripts it is sent beside the page, which shows what went wrong in place.

use leptos::{
    ev::SubmitEvent,
    html,
    prelude::*,
    server_fn::ServerFn,
    task::{spawn_local, tick},
};

use crate::protocol::{Problem, SentBack};

use super::{
    browser::{self, Answer},
    components::is_about,
    texts::{Texts, use_texts},
};

/// Gives all forms of the page what one of them had before it was sent back.
pub fn provide_sent_back(sent_back: SentBack) {
    provide_context(sent_back);
}

/// What a form had before it was sent back.
pub fn use_sent_back() -> SentBack {
    use_context().unwrap_or_default()
}

/// A form on its way, and how that went.
#[derive(Clone, Copy)]
pub struct Sending {
    path: &'static str,
    texts: &'static Texts,
    /// Whether the answer has not come yet, or leads to a page that has not: a second press would do it all twice.
    pub pending: RwSignal<bool>,
    /// How it went, once it was sent.
    pub outcome: RwSignal<Option<Result<(), Problem>>>,
}

impl Sending {
    /// To a server function.
    pub fn to<F: ServerFn>() -> Self {
        let refused = use_sent_back().refused.filter(|(path, _)| path == F::PATH);
        let outcome = RwSignal::new(refused.map(|(_, problem)| Err(problem)));
        Self { path: F::PATH, texts: use_texts(), pending: RwSignal::new(false), outcome }
    }

    /// Why it was refused, if it was.
    pub fn problem(self) -> Option<Problem> {
        self.outcome.with(|outcome| outcome.as_ref()?.as_ref().err().cloned())
    }

    /// The sentence that says why.
    pub fn detail(self) -> Option<String> {
        self.problem().map(|problem| self.texts.problem(&problem))
    }

    /// Whether it was done.
    pub fn is_done(self) -> bool {
        self.outcome.with(|outcome| matches!(outcome, Some(Ok(()))))
    }

    /// Takes back what was said of a field that is being corrected.
    fn forget_about(self, field: &str) {
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
                browser::go(&next);
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

/// The refusal in an answer, or in none.
fn read(answer: Option<Answer>) -> Result<(), Problem> {
    let Some(answer) = answer else { return Err(Problem::unreachable()) };
    if answer.is_ok { Ok(()) } else { Err(answer.problem()) }
}

/// A form, sent as `sending` says.
#[component]
pub fn Form(
    /// Where it goes, and how that goes.
    sending: Sending,
    /// Called when it is sent, before anything else.
    #[prop(optional, into)]
    on_send: Option<Callback<()>>,
    /// Its fields and buttons.
    children: Children,
) -> impl IntoView {
    let form = NodeRef::<html::Form>::new();
    let on_submit = move |event: SubmitEvent| {
        if let Some(on_send) = on_send {
            on_send.run(());
        }
        sending.send(&event, form);
    };
    let on_input = move |event| sending.forget_about(&browser::name_of(&event));
    view! {
        <form method="post" action=sending.path node_ref=form on:submit=on_submit on:input=on_input>{children()}</form>
    }
}
