//! Notes about other rooms while one room is open.
//!
//! They stand in the page between the header of the room and its timeline, so that they cover no control. They
//! disappear after some seconds, but not while the pointer or the focus is on them. `live` decides which notes there
//! are and for how long.

use leptos::{ev::KeyboardEvent, html, prelude::*};

use crate::{
    protocol::{RoomCode, addresses},
    ui::{
        browser::{self, Focus},
        components::{Announcer, Icon, ItemKey, List, Portrait, Shape, sentence},
        dynamic::dynamic,
        effect::effect,
        live::{LiveList, Toast},
        rooms::{Heading, note},
        texts::use_texts,
    },
};

/// The key that moves the focus into the notes and back. Browsers use F6 to move between the parts of their window.
const KEY: &str = "F6";

/// The notes, and their announcements for screen readers.
#[component]
pub fn Toasts(
    /// The live list, which has the notes.
    list: LiveList,
) -> impl IntoView {
    let texts = use_texts();
    let region = NodeRef::<html::Section>::new();
    let before = StoredValue::new(None::<Focus>);

    let back = move || {
        before.try_update_value(|before| {
            if let Some(focus) = before.take() {
                browser::give_focus_back(&focus);
            }
        });
    };
    effect(move || {
        browser::on_key(KEY, move || {
            let Some(region) = region.get_untracked().filter(|_| !list.toasts.with_untracked(Vec::is_empty)) else {
                return false;
            };
            if browser::has_focus(&region) {
                back();
            } else {
                before.set_value(browser::focus_into(&region));
            }
            true
        });
    });
    let is_inside = move || region.get_untracked().is_some_and(|region| browser::has_focus(&region));
    let dismiss = move |room: RoomCode| {
        // The focused button disappears with its note, so the focus returns to where it was before.
        let was_inside = is_inside();
        list.dismiss(Some(room));
        if was_inside {
            back();
        }
    };
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            list.dismiss(None);
            list.hold(false);
            back();
        }
    };
    let item = move |toast: Toast| {
        let room = toast.room.code;
        // `List` keys a note by its room, so a second message updates the same element. The text is therefore read from
        // the signal.
        let content = move || {
            let line = |toast: &Toast| {
                let heading = Heading::of(&toast.room);
                let note = note(texts, &toast.room, toast.messages, toast.joined.as_ref());
                view! {
                    <Portrait face=heading.face() class="portrait--small"/>
                    <b class="toast__room"><bdi>{heading.title(texts)}</bdi></b>
                    <span class="toast__note">{sentence(&note)}</span>
                }
                .into_any()
            };
            list.toasts.with(|toasts| toasts.iter().find(|toast| toast.room.code == room).map(line))
        };
        view! {
            <li class="toast">
                <a href=addresses::room(room) class="toast__link">{dynamic(content)}</a>
                <button type="button" class="icon-button" aria-label=texts.toasts.dismiss() on:click=move |_| dismiss(room)>
                    <Icon shape=Shape::Close/>
                </button>
            </li>
        }
    };

    view! {
        <section
            class="toasts"
            aria-label=texts.toasts.label()
            node_ref=region
            on:pointerenter=move |_| list.hold(true)
            on:pointerleave=move |_| list.hold(is_inside())
            on:focusin=move |_| list.hold(true)
            on:focusout=move |_| list.hold(false)
            on:keydown=on_key
        >
            <ol class="toasts__list">
                <List each=move || list.toasts.get() key=|toast| ItemKey::Room(toast.room.code) children=item/>
            </ol>
        </section>
        <Announcer of=list.announcement/>
    }
}
