//! A sentence with names in it.

use leptos::prelude::*;

use crate::ui::timeline::{Part, parts};

/// Shows a sentence, and each name in it as a name: set apart to the eye, and with a direction of its own.
pub fn sentence(text: &str) -> AnyView {
    let part = |part: Part<'_>| match part {
        Part::Words(words) => words.to_owned().into_any(),
        Part::Name(name) => view! { <bdi class="who">{name.to_owned()}</bdi> }.into_any(),
    };
    parts(text).into_iter().map(part).collect_view().into_any()
}
