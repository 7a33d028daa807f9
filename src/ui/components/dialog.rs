//! A dialog over the page. It is the browser's `<dialog>`, which handles focus and Escape and blocks the rest of the
//! page.

use leptos::{ev::MouseEvent, html, prelude::*, web_sys::Element};

use crate::ui::{browser, dynamic::dynamic, effect::effect, texts::use_texts};

use super::{Icon, Shape, sentence};

/// A dialog with a heading and a button to close it.
#[component]
pub fn Dialog(
    /// Whether the dialog is open. Escape, the close button and a click outside set this to false.
    open: RwSignal<bool>,
    /// The id, unique on the page. The heading's id is derived from it.
    id: &'static str,
    /// The heading. Names in it are marked with `isolate_name`.
    #[prop(into)]
    heading: Signal<String>,
    /// The content below the heading.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    effect(move || {
        let wanted = open.get();
        if let Some(dialog) = dialog.get() {
            if wanted { browser::show_dialog(&dialog) } else { browser::close_dialog(&dialog) }
        }
    });
    let heading_id = format!("{id}-heading");
    let labelled_by = heading_id.clone();

    view! {
        <dialog
            id=id
            class="dialog"
            node_ref=dialog
            aria-labelledby=labelled_by
            on:close=move |_| open.set(false)
            on:click=move |event| {
                if is_outside(&event) {
                    open.set(false);
                }
            }
        >
            <div class="dialog__content">
                <div class="dialog__top">
                    <h2 id=heading_id class="dialog__heading">{dynamic(move || sentence(&heading.get()))}</h2>
                    <button type="button" class="icon-button" aria-label=use_texts().common.close() title=use_texts().common.close() on:click=move |_| open.set(false)>
                        <Icon shape=Shape::Close/>
                    </button>
                </div>
                {children()}
            </div>
        </dialog>
    }
}

/// Whether a click on a dialog was outside of its content. The content fills the dialog, so the target is then the
/// dialog itself.
pub fn is_outside(click: &MouseEvent) -> bool {
    event_target::<Element>(click).tag_name() == "DIALOG"
}
