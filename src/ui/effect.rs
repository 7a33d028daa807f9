//! Effects: code that runs in the browser only.

use leptos::prelude::Effect;

/// Runs `run` after hydration, and again whenever a signal that it read has changed. On the server nothing runs. It
/// replaces Leptos' own `Effect::new`, which is compiled once for each of its callers and makes the wasm larger.
pub fn effect(run: impl FnMut() + 'static) {
    fn start(mut run: Box<dyn FnMut()>) {
        Effect::new(move |_| run());
    }
    start(Box::new(run));
}
