//! Sharing a room: its code and its link.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    protocol::RoomType,
    ui::{
        browser,
        components::{CopyButton, Dialog, Icon, Shape},
        live::use_room,
    },
};

/// The ways to give a room to somebody else.
#[component]
pub fn InviteButtons() -> impl IntoView {
    let room = use_room();
    let code = room.code;
    let link = move || format!("{}/rooms/{code}", browser::origin());
    let can_share = RwSignal::new(false);
    Effect::new(move |_| can_share.set(browser::can_share()));
    let share = move |_| {
        let title =
            room.name.get_untracked().map_or_else(|| format!("Room {}", code.spaced()), |name| name.to_string());
        spawn_local(browser::share(title, link()));
    };

    view! {
        <div class="button-row">
            <CopyButton text=move |()| code.to_string() label="Copy code" shape=Shape::Copy/>
            <CopyButton text=move |()| link() label="Copy link" shape=Shape::Link/>
            <Show when=move || can_share.get()>
                <button type="button" class="button" on:click=share>
                    <Icon shape=Shape::Share/>
                    <span>"Share"</span>
                </button>
            </Show>
        </div>
    }
}

/// The dialog with code and link.
#[component]
pub fn InviteDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let room = use_room();
    let text = match room.room_type {
        RoomType::P2p => "The first person who types this code, or opens the link, is in. After that the room is full.",
        RoomType::Group => "Whoever types this code, or opens the link, is in.",
    };
    view! {
        <Dialog open id="invite" heading="Invite people">
            <p class="dialog__text">{text}</p>
            <p class="big-code">{room.code.spaced()}</p>
            <InviteButtons/>
        </Dialog>
    }
}
