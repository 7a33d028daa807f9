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
    /// Whether the person is connected, which a dot shows.
    #[prop(optional)]
    connected: bool,
) -> impl IntoView {
    let dot = connected.then(|| view! { <span class="member__dot"></span> }.into_any());
    view! { <span class=format!("portrait {class} {}", face.look) data-initials=face.initials aria-hidden="true">{dot}</span> }
        .into_any()
}
