//! The dialog that leaves a room for good.

use leptos::prelude::*;

use crate::{
    api::LeaveRoom,
    protocol::{Code, Retention, addresses},
    ui::{
        account::use_account,
        browser,
        clock::use_clock,
        components::{Dialog, Submit},
        dynamic::dynamic,
        effect::effect,
        form::{Form, FormRequest},
        live::{use_list, use_room},
        texts::use_texts,
    },
};

use super::members::HeirField;

/// Asks for confirmation before leaving, and says what happens to the messages.
#[component]
pub fn ExitDialog(open: RwSignal<bool>) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().exit;
    let is_guest = use_account().is_none();
    let leave = FormRequest::to::<LeaveRoom>();
    let out = if use_list().is_some() { addresses::DASHBOARD } else { addresses::HOME };
    effect(move || {
        match leave.outcome.get() {
            Some(Ok(())) => room.stop(),
            // These codes say that the reader is not in the room any more. The wish is fulfilled, so they count as
            // success.
            Some(Err(problem)) if matches!(problem.code, Code::NotAMember | Code::NoSession | Code::Removed) => {
                room.stop();
                browser::go(out);
            }
            _ => {}
        }
    });
    let clock = use_clock();
    let text = move || {
        open.track();
        let since = room.changed_retention_at().map(|at| clock.briefly(at));
        match (room.retention.get(), since) {
            (Retention::Preserved, None) => texts.preserved().to_owned(),
            (Retention::Preserved, Some(since)) => texts.preserved_since(&since),
            (Retention::Ephemeral, None) => texts.ephemeral().to_owned(),
            (Retention::Ephemeral, Some(since)) => texts.ephemeral_since(&since),
        }
    };

    view! {
        <Dialog open id="exit" heading=texts.heading()>
            <p class="dialog__text">{dynamic(text)}</p>
            <p class="form-problem" role="status">{dynamic(move || leave.detail())}</p>
            <Form request=leave on_send=move |()| room.expect_exit()>
                <input type="hidden" name="code" value=room.code.to_string()/>
                <HeirField/>
                <div class="button-row">
                    <button type="button" class="button" autofocus on:click=move |_| open.set(false)>{texts.stay()}</button>
                    <Submit busy=leave.pending class="button button--danger">{texts.leave()}</Submit>
                </div>
            </Form>
            {is_guest.then(|| {
                view! { <p class="page__aside exit__forget"><a href=addresses::GUEST rel="external">{texts.forget()}</a></p> }
                    .into_any()
            })}
        </Dialog>
    }
}
