//! What replaces the composer when this page no longer follows the room.

use leptos::prelude::*;

use crate::{
    protocol::{Code, addresses},
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
    let text = move || match room.ending.get() {
        Some(Ending::Removed { by: Some(by) }) => own.removed_by(&isolate_name(by.as_str())),
        Some(Ending::Removed { by: None }) => own.removed().to_owned(),
        Some(Ending::Returning) => own.returning().to_owned(),
        Some(Ending::Away(None)) => own.away().to_owned(),
        Some(Ending::Away(Some(problem))) => format!("{} {}", own.away(), texts.problem(&problem)),
        Some(Ending::Exited) => own.exited().to_owned(),
        Some(Ending::Left) => own.left().to_owned(),
        Some(Ending::Outside) => own.outside().to_owned(),
        None => String::new(),
    };
    let can_return = move || room.ending.with(|ending| matches!(ending, Some(Ending::Away(_) | Ending::Left)));
    let elsewhere = move || {
        room.ending.with(|ending| match ending {
            Some(Ending::Away(Some(problem))) if problem.code == Code::AlreadyInRoom => problem.room,
            _ => None,
        })
    };

    view! {
        <div class="ended">
            <p class="ended__text" role="alert">{dynamic(move || sentence(&text()))}</p>
            <div class="button-row">
                <When holds=can_return>
                    <button type="button" class="button button--primary" on:click=move |_| room.rejoin()>{own.come_back()}</button>
                </When>
                {dynamic(move || {
                    elsewhere()
                        .map(|room| {
                            view! {
                                <a href=addresses::room(room) class="button">{texts.common.back_to(&room.spaced())}</a>
                            }
                            .into_any()
                        })
                })}
                {match use_list() {
                    Some(_) => view! { <a href=addresses::DASHBOARD class="button">{texts.rooms.back()}</a> }.into_any(),
                    None => view! { <a href=addresses::HOME class="button">{texts.common.start_page()}</a> }.into_any(),
                }}
            </div>
        </div>
    }
}
