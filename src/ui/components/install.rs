//! The offer to install the app. It is in a menu and at the end of the start page, and never opens by itself.

use leptos::prelude::*;

use crate::ui::texts::use_texts;

use super::{Icon, Shape};

/// A button that opens the browser's own dialog, or where the browser has none, a sentence that says how to do it. The
/// style hides both while the app cannot be installed. `public/window.js` determines that, and handles the button.
#[component]
pub fn InstallOffer(
    /// The class of the button.
    class: &'static str,
) -> impl IntoView {
    let texts = &use_texts().install;
    view! {
        <button type="button" class=class data-install="">
            <Icon shape=Shape::Install/>
            <span>{texts.install()}</span>
        </button>
        <p class="install-hint">{texts.hint()}</p>
    }
}
