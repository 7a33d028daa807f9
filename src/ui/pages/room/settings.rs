//! What only the owner may change: the room's name, and whether it keeps what is said.

use leptos::{form::ActionForm, prelude::*};

use crate::{
    api::{PreserveRoom, RenameRoom},
    protocol::Retention,
    ui::{
        components::{Dialog, TextField, detail_for},
        live::use_room,
    },
};

/// The owner's dialog.
#[component]
pub fn SettingsDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let room = use_room();
    let rename = ServerAction::<RenameRoom>::new();
    let preserve = ServerAction::<PreserveRoom>::new();
    let keeps = move || room.retention.get() == Retention::Preserved;
    let renamed = rename.value();
    let name_problem = Signal::derive(move || {
        renamed.with(|value| {
            let problem = value.as_ref()?.as_ref().err()?;
            detail_for(Some(problem), "name").or_else(|| Some(problem.detail.clone()))
        })
    });
    let preserved = preserve.value();
    let preserve_problem = move || {
        preserved.with(|value| value.as_ref().and_then(|outcome| outcome.as_ref().err().map(|p| p.detail.clone())))
    };
    Effect::new(move |_| {
        if renamed.with(|value| matches!(value, Some(Ok(())))) {
            open.set(false);
        }
    });
    let name = room.name.get_untracked().map(|name| name.to_string()).unwrap_or_default();

    view! {
        <Dialog open id="settings" heading="Room settings">
            <ActionForm action=rename>
                <input type="hidden" name="code" value=room.code.to_string()/>
                <TextField
                    name="name"
                    label="Room name"
                    value=name
                    error=name_problem
                    hint="Leave it empty to show the code instead."
                    maxlength=128
                    autocapitalize="sentences"
                />
                <button type="submit" class="button" disabled=move || rename.pending().get()>"Save name"</button>
            </ActionForm>
            <hr class="rule"/>
            <button
                type="button"
                class="switch"
                role="switch"
                aria-checked=move || if keeps() { "true" } else { "false" }
                aria-labelledby="keep-name"
                aria-describedby="keep-text"
                disabled=move || preserve.pending().get()
                on:click=move |_| {
                    preserve.dispatch(PreserveRoom { code: room.code, preserve: room.retention.get_untracked() == Retention::Ephemeral });
                }
            >
                <span class="switch__track" aria-hidden="true"></span>
                <span class="switch__name" id="keep-name">"Preserve messages"</span>
                <span class="switch__text" id="keep-text">
                    "On: everything said from now on is kept, and whoever joins later can read it. Off: nothing is kept from now on. Everybody sees the change."
                </span>
            </button>
            <p class="form-problem" role="status">{preserve_problem}</p>
        </Dialog>
    }
}
