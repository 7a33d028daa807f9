//! What replaces the composer when this page no longer follows the room.

use leptos::prelude::*;

use crate::{
    protocol::{Code, Problem, RoomType, addresses},
    ui::{
        components::{When, sentence},
        dynamic::dynamic,
        live::{Ending, use_list, use_room},
        texts::use_texts,
        timeline::isolate_name,
    },
};

/// Shows why the room ended for this page, and offers what is possible: to come back, another room, or the start page.
#[component]
pub fn Ended() -> impl IntoView {
    let room = use_room();
    let texts = use_texts();
    let own = &texts.ended;
    let is_taken = move |problem: &Problem| room.room_type == RoomType::P2p && problem.code == Code::RoomUnavailable;
    // What happened, and what that means.
    let words = move || match room.ending.get() {
        Some(Ending::Removed { by: Some(by) }) => (None, own.removed_by(&isolate_name(by.as_str()))),
        Some(Ending::Removed { by: None }) => (None, own.removed().to_owned()),
        Some(Ending::Returning) => (None, own.returning().to_owned()),
        Some(Ending::Away(None)) => (None, own.away().to_owned()),
        Some(Ending::Away(Some(problem))) if is_taken(&problem) => (Some(own.taken()), own.taken_text().to_owned()),
        Some(Ending::Away(Some(problem))) => (Some(own.away()), texts.problem(&problem)),
        Some(Ending::Exited) => (None, own.exited().to_owned()),
        Some(Ending::Left) => (None, own.left().to_owned()),
        Some(Ending::Outside) => (None, own.outside().to_owned()),
        None => (None, String::new()),
    };
    let can_return = move || room.ending.with(|ending| matches!(ending, Some(Ending::Away(_) | Ending::Left)));
    // The page has tried already, so trying again is not what helps.
    let was_refused = move || room.ending.with(|ending| matches!(ending, Some(Ending::Away(Some(_)))));
    let class_if = |primary: bool| if primary { "button button--primary" } else { "button" };
    let elsewhere = move || {
        room.ending.with(|ending| match ending {
            Some(Ending::Away(Some(problem))) if problem.code == Code::AlreadyInRoom => problem.room,
            _ => None,
        })
    };
    let (out, out_label) = match use_list() {
        Some(_) => (addresses::DASHBOARD, texts.rooms.back()),
        None => (addresses::HOME, texts.common.start_page()),
    };

    view! {
        <div class="ended">
            <p class="ended__text" role="alert">
                {dynamic(move || {
                    let (heading, text) = words();
                    let heading = heading.map(|heading| view! { <b class="ended__heading">{heading}</b> " " }.into_any());
                    view! { {heading} {sentence(&text)} }
                })}
            </p>
            <div class="button-row">
                <When holds=can_return>
                    <button type="button" class=move || class_if(!was_refused()) on:click=move |_| room.rejoin()>
                        {dynamic(move || if was_refused() { texts.door.try_again() } else { own.come_back() })}
                    </button>
                </When>
                {dynamic(move || {
                    elsewhere()
                        .map(|room| {
                            view! {
                                <a href=addresses::room(room) class="button button--primary">{texts.common.back_to(&room.spaced())}</a>
                            }
                            .into_any()
                        })
                })}
                <a href=out class=move || class_if(was_refused() && elsewhere().is_none())>{out_label}</a>
            </div>
        </div>
    }
}
