//! Sentences of the page that contain names.

use leptos::prelude::*;

use crate::ui::timeline::{Part, parts};

/// Renders a sentence. Each marked name in it becomes an element of its own, in bold and with its own text direction.
pub fn sentence(text: &str) -> AnyView {
    let part = |part: Part<'_>| match part {
        Part::Words(words) => words.to_owned().into_any(),
        Part::Name(name) => view! { <bdi class="who">{name.to_owned()}</bdi> }.into_any(),
    };
    parts(text).into_iter().map(part).collect_view().into_any()
}
