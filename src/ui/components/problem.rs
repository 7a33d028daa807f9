//! What went wrong with a form, where it belongs: at its field, or below all of them. Being too fast is no error: it is a
//! wait.

use leptos::prelude::*;

use crate::{
    protocol::{Code, Problem},
    ui::{
        browser,
        countdown::Countdown,
        effect::effect,
        texts::{Texts, use_texts},
    },
};

/// The sentence for one field, if the problem is about that.
pub fn detail_for(texts: &Texts, problem: Option<&Problem>, field: &str) -> Option<String> {
    problem.filter(|problem| is_about(problem, field)).map(|problem| texts.problem(problem))
}

/// Whether a problem is about one field.
pub fn is_about(problem: &Problem, field: &str) -> bool {
    match (&problem.field, problem.code) {
        (Some(about), _) => about == field,
        (None, Code::RoomUnavailable) => field == "code",
        (None, _) => false,
    }
}

/// A problem that belongs to none of the form's fields.
#[component]
pub fn FormProblem(
    /// What went wrong.
    #[prop(into)]
    problem: Signal<Option<Problem>>,
    /// The fields of the form, which show their own.
    fields: &'static [&'static str],
    /// Set while the person has to wait before trying again.
    waiting: RwSignal<bool>,
) -> impl IntoView {
    let texts = use_texts();
    let countdown = Countdown::new();
    // Without scripts nothing counts down, and the problem's own sentence stays.
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
            // The form offers what to do about it.
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
        <p class="form-problem" class:form-problem--wait=is_wait role="status">{text}</p>
    }
}
