//! Says so when the connection is not there, and nothing otherwise. It lies over the timeline, so that nothing jumps.

use leptos::prelude::*;

use crate::ui::{
    browser::{self, Timer},
    countdown::Countdown,
    live::{Status, use_room},
    texts::use_texts,
};

/// A trouble shorter than this is not worth a word.
const PATIENCE_MS: u64 = 1_200;

/// The banner.
#[component]
pub fn ConnectionBanner() -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().connection;
    let countdown = Countdown::new();
    let troubled = RwSignal::new(false);
    let timer = StoredValue::new(None::<Timer>);
    Effect::new(move |_| match room.status.get() {
        Status::Live | Status::Ended => {
            timer.set_value(None);
            troubled.set(false);
        }
        Status::Offline => troubled.set(true),
        Status::Connecting | Status::Waiting(_) => {
            if let Status::Waiting(until) = room.status.get_untracked() {
                countdown.run_until(until);
            }
            if !troubled.get_untracked() && timer.with_value(Option::is_none) {
                let later = browser::after(PATIENCE_MS, move || _ = troubled.try_set(true));
                timer.set_value(Some(later));
            }
        }
    });
    let waits = move || matches!(room.status.get(), Status::Waiting(_)) && countdown.left() > 0;
    // The seconds are for the eyes only; read aloud every second they would drown everything else.
    let text = move || match (troubled.get(), room.status.get()) {
        (false, _) | (_, Status::Live | Status::Ended) => "",
        (_, Status::Offline) => texts.offline(),
        (_, Status::Connecting | Status::Waiting(_)) => texts.again(),
    };

    view! {
        <div class="banner" class:banner--shown=move || troubled.get()>
            <p class="banner__text">
                <span role="status">{text}</span>
                <span aria-hidden="true">
                    {move || {
                        if waits() {
                            format!(" {}", texts.in_seconds(&countdown.left().to_string()))
                        } else if matches!(room.status.get(), Status::Connecting | Status::Waiting(_)) {
                            "…".to_owned()
                        } else {
                            String::new()
                        }
                    }}
                </span>
            </p>
            <Show when=move || troubled.get() && waits()>
                <button type="button" class="text-button" on:click=move |_| room.try_now()>{texts.try_now()}</button>
            </Show>
        </div>
    }
}
