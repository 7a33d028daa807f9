//! The picture of a person or a room, as one element without an image. Screen readers ignore it, since the name is
//! beside it.

use leptos::prelude::*;

use crate::ui::face::Face;

/// Renders a picture. Beside a person it also shows whether they are connected, as a dot.
#[component]
pub fn Portrait(
    face: Face,
    /// The class of its size.
    #[prop(optional)]
    class: &'static str,
    /// Whether the person is connected. `None` shows no dot.
    #[prop(optional_no_strip)]
    connected: Option<bool>,
) -> impl IntoView {
    let dot = connected.map(|connected| {
        let class = if connected { "member__dot member__dot--on" } else { "member__dot" };
        view! { <span class=class></span> }.into_any()
    });
    view! { <span class=format!("portrait {class} {}", face.look) data-initials=face.initials aria-hidden="true">{dot}</span> }
        .into_any()
}
