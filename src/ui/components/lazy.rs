//! Content that is rendered late.

use leptos::{children::ChildrenFn, prelude::*};

use crate::ui::dynamic::dynamic;

/// Renders its children when they are first wanted, and keeps them from then on. For what a page has but rarely shows,
/// such as dialogs: rendering them with the page would make each step from room to room longer.
#[component]
pub fn Lazy(#[prop(into)] wanted: Signal<bool>, children: ChildrenFn) -> impl IntoView {
    let is_rendered = Memo::new(move |before| before == Some(&true) || wanted.get());
    dynamic(move || is_rendered.get().then(|| children()))
}
