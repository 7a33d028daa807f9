//! The dialog about a room: what it is called and how to invite others, with what can be done with it.

use leptos::prelude::*;

use crate::ui::{components::Dialog, live::use_list, texts::use_texts};

use super::{
    dialogs::Dialogs,
    header::{Actions, Facts, RoomPortrait, RoomTitle},
    invite::Invitation,
    settings::Mute,
};

#[component]
pub fn InfoDialog(dialogs: Dialogs) -> impl IntoView {
    view! {
        <Dialog open=dialogs.info id="info" heading=use_texts().header.info()>
            <div class="about">
                <RoomPortrait class="portrait--large"/>
                <p class="about__name" dir="auto"><RoomTitle/></p>
                <Facts/>
            </div>
            <Invitation/>
            {use_list().map(|list| view! { <div><Mute list/></div> }.into_any())}
            <div class="about__acts"><Actions dialogs/></div>
        </Dialog>
    }
}
