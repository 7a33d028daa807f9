//! A dialog over the page: the browser's own, so that focus, Escape and the rest of the page are taken care of.

use leptos::{html, prelude::*, web_sys::Element};

use crate::ui::{browser, effect::effect, texts::use_texts};

use super::{Icon, Shape, sentence};

/// A dialog with a heading and a cross.
#[component]
pub fn Dialog(
    /// Whether it is open; Escape, the cross and a click beside it set this to false.
    open: RwSignal<bool>,
    /// Unique on the page; the heading's id is made of it.
    id: &'static str,
    /// The heading.
    #[prop(into)]
    heading: Signal<String>,
    /// What is in it.
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
                // The dialog itself is hit only beside its content.
                if event_target::<Element>(&event).tag_name() == "DIALOG" {
                    open.set(false);
                }
            }
        >
            <div class="dialog__content">
                <div class="dialog__top">
                    <h2 id=heading_id class="dialog__heading">{move || sentence(&heading.get())}</h2>
                    <button type="button" class="icon-button" aria-label=use_texts().common.close() on:click=move |_| open.set(false)>
                        <Icon shape=Shape::Close/>
                    </button>
                </div>
                {children()}
            </div>
        </dialog>
    }
}
