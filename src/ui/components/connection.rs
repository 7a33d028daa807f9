//! A banner that appears while there is no connection, above what it is about.

use leptos::prelude::*;

use crate::{
    protocol::Millis,
    ui::{
        browser::{self, Timer},
        clock::use_clock,
        countdown::Countdown,
        dynamic::dynamic,
        effect::effect,
        live::{PageSocket, Status},
        texts::use_texts,
    },
};

use super::When;

/// An interruption shorter than this is not shown.
const PATIENCE_MS: u64 = 1_200;

/// The banner, with a countdown to the next attempt and a button to connect at once.
#[component]
pub fn ConnectionBanner(
    socket: PageSocket,
    /// Until when the server kept the page up to date. `None` while it does.
    #[prop(into)]
    stale_since: Signal<Option<Millis>>,
    /// The seconds without a connection after which a guest leaves the room. `None` for an account, which does not
    /// leave.
    #[prop(optional_no_strip)]
    leaves_after: Option<u64>,
) -> impl IntoView {
    let texts = &use_texts().connection;
    let clock = use_clock();
    let countdown = Countdown::new();
    let troubled = RwSignal::new(false);
    let timer = StoredValue::new(None::<Timer>);
    effect(move || match socket.status.get() {
        Status::Live | Status::Ended => {
            timer.set_value(None);
            troubled.set(false);
        }
        Status::Offline | Status::Blocked => troubled.set(true),
        Status::Connecting | Status::Waiting(_) => {
            if let Status::Waiting(until) = socket.status.get_untracked() {
                countdown.run_until(until);
            }
            if !troubled.get_untracked() && timer.with_value(Option::is_none) {
                let later = browser::after(PATIENCE_MS, move || _ = troubled.try_set(true));
                timer.set_value(Some(later));
            }
        }
    });
    let waits = move || matches!(socket.status.get(), Status::Waiting(_)) && countdown.left() > 0;
    // The countdown is hidden from screen readers, which would read it every second. This text changes with the status
    // only.
    let text = move || match (troubled.get(), socket.status.get()) {
        (false, _) | (_, Status::Live | Status::Ended) => "",
        (_, Status::Offline) => texts.offline(),
        (_, Status::Blocked) => texts.blocked(),
        (_, Status::Connecting | Status::Waiting(_)) => texts.again(),
    };
    // What follows for a guest. An account stays in its rooms, and reads since when the page is as it is.
    let minutes = leaves_after.map(|seconds| usize::try_from(seconds.div_ceil(60)).unwrap_or(usize::MAX));
    let aside = move || match (minutes, socket.status.get()) {
        (Some(_), Status::Blocked) => None,
        (Some(minutes), _) => Some(texts.guests_leave(minutes)),
        (None, _) => stale_since.get().filter(|_| troubled.get()).map(|at| use_texts().kept.at(&clock.briefly(at))),
    };

    view! {
        <div class="banner" class:banner--shown=move || troubled.get()>
            <p class="banner__text">
                <span>
                    <span role="status">{dynamic(text)}</span>
                    <span aria-hidden="true">
                        {dynamic(move || {
                            if waits() {
                                format!(" {}", texts.in_seconds(&countdown.left().to_string()))
                            } else if matches!(socket.status.get(), Status::Connecting | Status::Waiting(_)) {
                                "…".to_owned()
                            } else {
                                String::new()
                            }
                        })}
                    </span>
                </span>
                <span class="banner__aside">{dynamic(aside)}</span>
            </p>
            <When holds=move || troubled.get() && waits()>
                <button type="button" class="text-button" on:click=move |_| socket.try_now()>{texts.try_now()}</button>
            </When>
        </div>
    }
}
