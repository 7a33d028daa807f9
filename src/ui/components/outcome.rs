//! What stands in place of a page's content when there is none: the room cannot be joined, there is no such page, the
//! server cannot be reached. All of these look the same and are calm, since most of them are nobody's mistake.

use leptos::prelude::*;

use super::{Icon, Shape};

/// A card that says what happened and offers what to do next.
#[component]
pub fn Outcome(
    #[prop(default = Shape::Warning)] shape: Shape,
    /// What it is about, in small letters above the heading.
    #[prop(optional, into)]
    about: String,
    heading: &'static str,
    /// What happened, and what to do about it.
    #[prop(into)]
    text: String,
    /// The buttons. The first is what most people want.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card outcome" aria-labelledby="outcome-heading">
            <span class="outcome__icon"><Icon shape/></span>
            {(!about.is_empty()).then(|| view! { <p class="outcome__about">{about}</p> })}
            <h1 id="outcome-heading" class="card__heading">{heading}</h1>
            <p class="card__text" role="alert">{text}</p>
            {children()}
        </section>
    }
    .into_any()
}
