//! Shows why a form was refused: an error about one field at that field, any other below the fields. A rate limit
//! (`TooManyRequests`) is shown as a countdown, and not as an error.

use leptos::prelude::*;

use crate::{
    protocol::{Code, Problem},
    ui::{
        browser,
        countdown::Countdown,
        dynamic::dynamic,
        effect::effect,
        form::is_about,
        texts::{Texts, use_texts},
    },
};

/// The error text for one field, or `None` if the problem is about something else.
pub fn detail_for(texts: &Texts, problem: Option<&Problem>, field: &str) -> Option<String> {
    problem.filter(|problem| is_about(problem, field)).map(|problem| texts.problem(problem))
}

/// Shows a problem that is about none of the form's fields, and counts down a rate limit.
#[component]
pub fn FormProblem(
    /// The problem, if the form was refused.
    #[prop(into)]
    problem: Signal<Option<Problem>>,
    /// The names of the fields that show their own errors.
    fields: &'static [&'static str],
    /// This component sets it to true while the visitor has to wait before sending again.
    waiting: RwSignal<bool>,
) -> impl IntoView {
    let texts = use_texts();
    let countdown = Countdown::new();
    // Becomes true in the browser. Without scripts nothing counts down, and the problem's sentence stays visible.
    let counts = RwSignal::new(false);
    effect(move || {
        counts.set(true);
        let wait = problem.get().filter(|problem| problem.code == Code::TooManyRequests).and_then(|p| p.retry_after_ms);
        countdown.run_until(browser::now() + wait.unwrap_or(0));
    });
    effect(move || waiting.set(countdown.left() > 0));
    let text = move || {
        let problem = problem.get()?;
        if fields.iter().any(|field| is_about(&problem, field)) {
            return None;
        }
        match (problem.code, countdown.left()) {
            // The form shows the other room and a button to leave it (`EntryButtons`).
            (Code::AlreadyInRoom, _) if problem.room.is_some() => None,
            (Code::TooManyRequests, 0) if counts.get() => None,
            (Code::TooManyRequests, left) if left > 0 => {
                Some(texts.common.too_fast(usize::try_from(left).unwrap_or(usize::MAX)))
            }
            _ => Some(texts.problem(&problem)),
        }
    };
    let is_wait = move || problem.with(|problem| problem.as_ref().is_some_and(|p| p.code == Code::TooManyRequests));

    view! {
        <p class="form-problem" class:form-problem--wait=is_wait role="status">{dynamic(text)}</p>
    }
}
