//! Leaving a room for good.

use leptos::prelude::*;
use leptos_router::{NavigateOptions, hooks::use_navigate};

use crate::{
    api::LeaveRoom,
    protocol::{Code, Retention},
    ui::{components::Dialog, live::use_room},
};

/// Asks before leaving.
#[component]
pub fn ExitDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let room = use_room();
    let leave = ServerAction::<LeaveRoom>::new();
    let navigate = use_navigate();
    let left = leave.value();
    Effect::new(move |_| {
        // Not being in the room any more is what was wanted.
        let gone = left.with(|value| match value {
            Some(Ok(())) => true,
            Some(Err(problem)) => matches!(problem.code, Code::NotAMember | Code::NoSession | Code::Removed),
            None => false,
        });
        if gone {
            room.stop();
            navigate("/", NavigateOptions::default());
        }
    });
    let problem = move || {
        left.with(|value| {
            value.as_ref().and_then(|outcome| outcome.as_ref().err().map(|problem| problem.detail.clone()))
        })
    };
    let text = move || match room.retention.get() {
        Retention::Preserved => "You can come back with the code. What was said stays in the room.",
        Retention::Ephemeral => "You can come back with the code, but you will not see again what was said until now.",
    };

    view! {
        <Dialog open id="exit" heading="Leave this room?">
            <p class="dialog__text">{text}</p>
            <p class="form-problem" role="status">{problem}</p>
            <div class="button-row">
                <button
                    type="button"
                    class="button button--danger"
                    disabled=move || leave.pending().get()
                    on:click=move |_| {
                        room.expect_exit();
                        leave.dispatch(LeaveRoom { code: room.code });
                    }
                >
                    "Leave"
                </button>
                <button type="button" class="button" on:click=move |_| open.set(false)>"Stay"</button>
            </div>
        </Dialog>
    }
}
