//! The dialog about a room: what it is called and how to invite others, with what can be done with it.

use leptos::prelude::*;

use crate::{
    protocol::{Retention, addresses},
    ui::{
        components::{Dialog, Icon, Shape, When},
        live::{use_list, use_room},
        texts::use_texts,
    },
};

use super::{
    dialogs::Dialogs,
    header::{Actions, Facts, RoomPortrait, RoomTitle},
    invite::Invitation,
    settings::Notices,
};

#[component]
pub fn InfoDialog(dialogs: Dialogs) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().header;
    let file = move |address: String, label: &'static str| {
        view! {
            <a href=address rel="external" download class="menu__item">
                <Icon shape=Shape::Install/>
                <span>{label}</span>
            </a>
        }
        .into_any()
    };
    view! {
        <Dialog open=dialogs.info id="info" heading=texts.info()>
            <div class="about">
                <RoomPortrait class="portrait--large"/>
                <p class="about__name" dir="auto"><RoomTitle/></p>
                <Facts/>
            </div>
            <Invitation/>
            {use_list().map(|list| view! { <Notices list/> }.into_any())}
            <div class="about__acts">
                <When holds=move || room.retention.get() == Retention::Preserved && room.ending.with(Option::is_none)>
                    {file(addresses::room_file(room.code), texts.download())}
                    {file(addresses::room_data(room.code), texts.download_data())}
                </When>
                <Actions dialogs/>
            </div>
        </Dialog>
    }
}
