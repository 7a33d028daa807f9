//! Conditional rendering.

use leptos::{children::ViewFn, prelude::*};

use crate::ui::dynamic::dynamic;

/// Shows its children while a condition holds. It replaces Leptos' own `Show`, which is compiled once for each of its
/// uses and makes the wasm larger.
#[component]
pub fn When(
    #[prop(into)] holds: Signal<bool>,
    /// Shown while the condition does not hold.
    #[prop(optional, into)]
    otherwise: ViewFn,
    /// Shown while the condition holds.
    children: ChildrenFn,
) -> impl IntoView {
    let holds = Memo::new(move |_| holds.get());
    dynamic(move || if holds.get() { children() } else { otherwise.run() })
}
