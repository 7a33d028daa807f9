//! What only the owner may change: the room's name, and whether it keeps what is said.

use leptos::prelude::*;

use crate::{
    api::{PreserveRoom, RenameRoom},
    protocol::Retention,
    ui::{
        components::{Dialog, TextField},
        form::{Form, Sending},
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
    let rename = Sending::to::<RenameRoom>();
    let preserve = Sending::to::<PreserveRoom>();
    let keeps = move || room.retention.get() == Retention::Preserved;
    let name_problem = Signal::derive(move || rename.detail());
    Effect::new(move |_| {
        if rename.is_done() {
            open.set(false);
        }
    });
    let name = room.name.get_untracked().map(|name| name.to_string()).unwrap_or_default();

    view! {
        <Dialog open id="settings" heading="Room settings">
            <Form sending=rename>
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
                <button type="submit" class="button" disabled=move || rename.pending.get()>"Save name"</button>
            </Form>
            <hr class="rule"/>
            <Form sending=preserve>
                <input type="hidden" name="code" value=room.code.to_string()/>
                <button
                    type="submit"
                    class="switch"
                    name="preserve"
                    value=move || if keeps() { "false" } else { "true" }
                    role="switch"
                    aria-checked=move || if keeps() { "true" } else { "false" }
                    aria-labelledby="keep-name"
                    aria-describedby="keep-text"
                    disabled=move || preserve.pending.get()
                >
                    <span class="switch__track" aria-hidden="true"></span>
                    <span class="switch__name" id="keep-name">"Preserve messages"</span>
                    <span class="switch__text" id="keep-text">
                        "On: everything said from now on is kept, and whoever joins later can read it. Off: nothing is kept from now on. Everybody sees the change."
                    </span>
                </button>
            </Form>
            <p class="form-problem" role="status">{move || preserve.detail()}</p>
        </Dialog>
    }
}
