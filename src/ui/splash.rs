//! The picture of an installed app that starts without a page of the server: the mark on a pattern of speech bubbles.
//!
//! Only the shell contains it. The style shows it on the first page of an installed app's window, as long as the frame
//! has nothing else to show. A page of the server has its content at the first drawing, so nothing comes before it. The
//! picture is no part of the hydrated application and adds nothing to the wasm.

use leptos::tachys::html::InertElement;

const MARK: &str = include_str!("../../public/icons/icon.svg");

/// The picture, as inert markup. Screen readers read the text of the frame below it.
pub fn splash() -> InertElement {
    InertElement::new(include_str!("splash.html").replace("{mark}", MARK))
}
