//! Content that is rendered late.

use leptos::{children::ChildrenFn, prelude::*};

use crate::ui::{browser, dynamic::dynamic};

/// Renders its children when they are first wanted, and keeps them from then on. For what a page has but rarely shows,
/// such as dialogs: rendering them with the page would make each step from room to room longer.
#[component]
pub fn Lazy(
    #[prop(into)] wanted: Signal<bool>,
    /// Whether they are also rendered once [`Ahead`] gets to them.
    #[prop(optional)]
    ahead: bool,
    children: ChildrenFn,
) -> impl IntoView {
    let turn = ahead.then(|| expect_context::<Ahead>().turn());
    let is_its_turn = move || turn.is_some_and(|(turn, reached)| reached.get() >= turn);
    let is_rendered = Memo::new(move |before| before == Some(&true) || wanted.get() || is_its_turn());
    dynamic(move || is_rendered.get().then(|| children()))
}

/// Renders late parts of a page before they are wanted, so that opening one of them takes no frame long.
#[derive(Clone, Copy)]
pub struct Ahead {
    /// The number of parts.
    parts: StoredValue<usize>,
    /// The part that has been reached, counted from 1.
    reached: RwSignal<usize>,
}

impl Ahead {
    /// Provides it to the parts below.
    pub fn provide() -> Self {
        let ahead = Self { parts: StoredValue::new(0), reached: RwSignal::new(0) };
        provide_context(ahead);
        ahead
    }

    fn turn(self) -> (usize, RwSignal<usize>) {
        self.parts.update_value(|parts| *parts += 1);
        (self.parts.get_value(), self.reached)
    }

    /// Renders the parts one by one, each when the browser has time.
    pub fn go_on(self) {
        browser::when_idle(move || {
            let reached = self.reached.try_get_untracked();
            if reached.is_some_and(|reached| Some(reached) < self.parts.try_get_value()) {
                self.reached.update(|reached| *reached += 1);
                self.go_on();
            }
        });
    }
}
