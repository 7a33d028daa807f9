//! Something that comes and goes.

use leptos::{children::ViewFn, prelude::*};

/// Shows its children while a condition holds. Like Leptos' own `Show`, which would be compiled once for each of its users.
#[component]
pub fn When(
    /// The condition.
    #[prop(into)]
    holds: Signal<bool>,
    /// What is shown while it does not hold.
    #[prop(optional, into)]
    otherwise: ViewFn,
    /// What is shown while it holds.
    children: ChildrenFn,
) -> impl IntoView {
    let holds = Memo::new(move |_| holds.get());
    move || if holds.get() { children() } else { otherwise.run() }
}
