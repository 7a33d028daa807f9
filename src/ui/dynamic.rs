//! Parts of a view that follow signals.

use std::sync::{Arc, Mutex};

use leptos::{prelude::*, tachys::reactive_graph::SharedReactiveFunction};

/// Content that is rendered again whenever a signal that `content` read has changed. A view may contain a closure
/// itself, but all of Leptos' code for closures is then compiled once for each of them, and makes the wasm larger.
pub fn dynamic<V: IntoView + 'static>(
    mut content: impl FnMut() -> V + Send + 'static,
) -> SharedReactiveFunction<AnyView> {
    Arc::new(Mutex::new(move || content().into_any()))
}
