//! What only the owner may change: the room's name, and whether it keeps what is said.

use leptos::prelude::*;

use crate::{
    api::{PreserveRoom, RenameRoom},
    protocol::Retention,
    ui::{
        components::{Dialog, TextField},
        form::{Form, Sending},
        live::use_room,
        texts::use_texts,
    },
};

/// The owner's dialog.
#[component]
pub fn SettingsDialog(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().settings;
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
        <Dialog open id="settings" heading=texts.heading()>
            <Form sending=rename>
                <input type="hidden" name="code" value=room.code.to_string()/>
                <TextField
                    name="name"
                    label=texts.name()
                    value=name
                    error=name_problem
                    hint=texts.name_hint()
                    maxlength=128
                    autocapitalize="sentences"
                />
                <button type="submit" class="button" disabled=move || rename.pending.get()>{texts.save_name()}</button>
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
                    <span class="switch__name" id="keep-name">{texts.preserve()}</span>
                    <span class="switch__text" id="keep-text">{texts.preserve_text()}</span>
                </button>
            </Form>
            <p class="form-problem" role="status">{move || preserve.detail()}</p>
        </Dialog>
    }
}
