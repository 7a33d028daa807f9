//! What stands in the composer's place when the room is over for this page.

use leptos::prelude::*;

use crate::{
    protocol::Code,
    ui::live::{Ending, use_room},
};

/// Says why, and what can be done.
#[component]
pub fn Ended() -> impl IntoView {
    let room = use_room();
    let sentence = move || match room.ending.get() {
        Some(Ending::Removed { by: Some(by) }) => {
            format!("{by} removed you from this room. You cannot come back to it.")
        }
        Some(Ending::Removed { by: None }) => "You were removed from this room. You cannot come back to it.".to_owned(),
        Some(Ending::Returning) => "You were away, so you left the room. Joining it again…".to_owned(),
        Some(Ending::Away(None)) => "You were away, so you left the room.".to_owned(),
        Some(Ending::Away(Some(problem))) => format!("You were away, so you left the room. {}", problem.detail),
        Some(Ending::Exited) => "You left this room.".to_owned(),
        Some(Ending::Left) => "You left this room in another tab or window.".to_owned(),
        Some(Ending::Outside) => "You are no longer in this room.".to_owned(),
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
            <p class="ended__text" role="alert">{sentence}</p>
            <div class="button-row">
                <Show when=can_return>
                    <button type="button" class="button button--primary" on:click=move |_| room.rejoin()>"Come back in"</button>
                </Show>
                {move || {
                    elsewhere()
                        .map(|room| {
                            view! {
                                <a href=format!("/rooms/{room}") class="button">"Back to " {room.spaced()}</a>
                            }
                        })
                }}
                <a href="/" class="button">"Go to the start page"</a>
            </div>
        </div>
    }
}
