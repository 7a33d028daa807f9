//! Effects: what a page does by itself in the browser.

use leptos::prelude::Effect;

/// Does something once the browser has taken over, and again whenever a signal changes that it read. On the server nothing
/// happens. Leptos' own `Effect::new` would be compiled once for each of its callers; this is for all of them together.
pub fn effect(run: impl FnMut() + 'static) {
    fn start(mut run: Box<dyn FnMut()>) {
        Effect::new(move |_| run());
    }
    start(Box::new(run));
}
