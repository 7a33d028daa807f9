//! Inviting others to a room, by its code, its link, or the link as a QR code.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    protocol::{Retention, RoomType, addresses},
    ui::{
        browser,
        components::{CopyButton, Dialog, Icon, Shape, When},
        dynamic::dynamic,
        effect::effect,
        live::{LiveRoom, use_room},
        texts::{Invite, use_texts},
    },
};

/// The code, buttons that copy the code, copy the link, and open the device's share sheet if there is one, and the QR
/// code.
#[component]
pub fn Invitation() -> impl IntoView {
    let room = use_room();
    let texts = use_texts();
    let code = room.code;
    let link = move || browser::origin() + &addresses::room(code);
    let can_share = RwSignal::new(false);
    effect(move || can_share.set(browser::can_share()));
    let share = move |_| {
        let name = room.name.get_untracked().map(|name| name.to_string());
        let title = name.unwrap_or_else(|| texts.common.room(&code.spaced()));
        spawn_local(browser::share(title, link()));
    };

    view! {
        <p class="big-code">{code.spaced()}</p>
        <div class="button-row">
            <CopyButton text=move |()| code.to_string() label=texts.header.copy_code() shape=Shape::Copy/>
            <CopyButton text=move |()| link() label=texts.invite.copy_link() shape=Shape::Link/>
            <When holds=move || can_share.get()>
                <button type="button" class="button" on:click=share>
                    <Icon shape=Shape::Share/>
                    <span>{texts.invite.share()}</span>
                </button>
            </When>
        </div>
        // Not fetched before the dialog is open.
        <img class="qr" src=addresses::room_qr(code) alt=texts.invite.qr() width="200" height="200" loading="lazy"/>
    }
}

/// How many people can come in by the code.
pub fn who_can_join(room: &LiveRoom, texts: &Invite) -> &'static str {
    match room.room_type {
        RoomType::P2p if room.is_full() => texts.full(),
        RoomType::P2p => texts.one_to_one(),
        RoomType::Group => texts.group(),
    }
}

/// The heading of the invitation: a room for two has one free place.
pub fn heading(room: &LiveRoom, texts: &Invite) -> &'static str {
    match room.room_type {
        RoomType::P2p => texts.heading_for_two(),
        RoomType::Group => texts.heading(),
    }
}

/// The dialog with the code, the QR code and the buttons.
#[component]
pub fn InviteDialog(open: RwSignal<bool>) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().invite;
    view! {
        <Dialog open id="invite" heading=heading(&room, texts)>
            <p class="dialog__text">{dynamic(move || who_can_join(&room, texts))}</p>
            <Invitation/>
            {(room.kept_days > 0).then(|| {
                view! {
                    <p class="dialog__note" hidden=move || room.retention.get() == Retention::Ephemeral>
                        {texts.kept_days(room.kept_days as usize)}
                    </p>
                }
                .into_any()
            })}
        </Dialog>
    }
}
