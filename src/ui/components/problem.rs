//! What went wrong with a form, where it belongs: at its field, or below all of them. Being too fast is no error: it is a
//! wait.

use leptos::prelude::*;

use crate::{
    protocol::{Code, Problem},
    ui::{browser, countdown::Countdown},
};

/// The sentence for one field, if the problem is about that.
pub fn detail_for(problem: Option<&Problem>, field: &str) -> Option<String> {
    let problem = problem?;
    let about = match (&problem.field, problem.code) {
        (Some(about), _) => about == field,
        (None, Code::RoomUnavailable) => field == "code",
        (None, _) => false,
    };
    about.then(|| problem.detail.clone())
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
    let countdown = Countdown::new();
    // Without scripts nothing counts down, and the problem's own sentence stays.
    let counts = RwSignal::new(false);
    Effect::new(move |_| {
        counts.set(true);
        let wait = problem.get().filter(|problem| problem.code == Code::TooManyRequests).and_then(|p| p.retry_after_ms);
        countdown.run_until(browser::now() + wait.unwrap_or(0));
    });
    Effect::new(move |_| waiting.set(countdown.left() > 0));
    let text = move || {
        let problem = problem.get()?;
        if fields.iter().any(|field| detail_for(Some(&problem), field).is_some()) {
            return None;
        }
        match (problem.code, countdown.left()) {
            // The form offers what to do about it.
            (Code::AlreadyInRoom, _) if problem.room.is_some() => None,
            (Code::TooManyRequests, 0) => (!counts.get()).then_some(problem.detail),
            (Code::TooManyRequests, 1) => Some("That was a little fast. You can try again in 1 second.".to_owned()),
            (Code::TooManyRequests, left) => {
                Some(format!("That was a little fast. You can try again in {left} seconds."))
            }
            _ => Some(problem.detail),
        }
    };
    let is_wait = move || problem.with(|problem| problem.as_ref().is_some_and(|p| p.code == Code::TooManyRequests));

    view! {
        <p class="form-problem" class:form-problem--wait=is_wait role="status">{text}</p>
    }
}
