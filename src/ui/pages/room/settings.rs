//! The settings of a room. The owner can rename it, and choose whether it keeps messages and whether it is shown before
//! one joins. Every account can choose which of its messages cause a notice, in the dialog about the room.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    api::{AllowPeek, KeepRoom, PreserveRoom, RenameRoom},
    protocol::{Notify, Problem, Retention, Role, TextKind, limits::ROOM_NAME_CHARS},
    ui::{
        account::use_account,
        components::{Dialog, Submit, TextField, When},
        dynamic::dynamic,
        effect::effect,
        form::{Form, FormRequest},
        live::{LiveList, use_room},
        texts::use_texts,
    },
};

/// The dialog of the owner.
#[component]
pub fn SettingsDialog(open: RwSignal<bool>) -> impl IntoView {
    let room = use_room();
    let is_owner = move || room.you.with(|you| you.role == Role::Owner);
    view! {
        <Dialog open id="settings" heading=use_texts().settings.heading()>
            <When holds=is_owner>
                <OwnerSettings open/>
            </When>
        </Dialog>
    }
}

/// The owner's settings: name, retention, and whether the room is shown before one joins.
#[component]
fn OwnerSettings(open: RwSignal<bool>) -> impl IntoView {
    let room = use_room();
    let texts = &use_texts().settings;
    let rename = FormRequest::to::<RenameRoom>();
    let preserve = FormRequest::to::<PreserveRoom>();
    let peek = FormRequest::to::<AllowPeek>();
    let is_guest = use_account().is_none();
    let keeps = Signal::derive(move || room.retention.get() == Retention::Preserved);
    let name_problem = Signal::derive(move || rename.detail());
    effect(move || {
        if rename.is_done() {
            open.set(false);
        }
    });
    let name = room.name.get_untracked().map(|name| name.to_string()).unwrap_or_default();

    view! {
        <Form request=rename>
            <input type="hidden" name="code" value=room.code.to_string()/>
            <div class="name-row">
                <TextField
                    name="name"
                    label=texts.name()
                    value=name
                    error=name_problem
                    hint=texts.name_hint()
                    limit=(TextKind::RoomName, ROOM_NAME_CHARS)
                    autocapitalize="sentences"
                />
                <Submit busy=rename.pending class="button">{texts.save_name()}</Submit>
            </div>
        </Form>
        <hr class="rule"/>
        <Switch request=preserve name="preserve" on=keeps label=texts.preserve() texts=(texts.preserve_on(), texts.preserve_off())/>
        <Switch request=peek name="peek" on=room.peek label=texts.peek() texts=(texts.peek_on(), texts.peek_off())/>
        <p class="dialog__note">{texts.everyone_sees()}</p>
        {is_guest.then(|| view! { <div hidden=move || !keeps.get()><KeepForm/></div> }.into_any())}
    }
}

/// A setting that is on or off, as a form with one button.
#[component]
fn Switch(
    request: FormRequest,
    /// The name of the setting in the form. Also the beginning of the ids of the texts.
    name: &'static str,
    /// Whether the setting is on.
    #[prop(into)]
    on: Signal<bool>,
    label: &'static str,
    /// What the setting means while it is on, and while it is off.
    texts: (&'static str, &'static str),
) -> impl IntoView {
    let (label_id, text_id) = (format!("{name}-label"), format!("{name}-text"));
    let (labelled_by, described_by) = (label_id.clone(), text_id.clone());
    view! {
        <Form request>
            <input type="hidden" name="code" value=use_room().code.to_string()/>
            <button
                type="submit"
                class="switch"
                name=name
                value=move || if on.get() { "false" } else { "true" }
                role="switch"
                aria-checked=move || if on.get() { "true" } else { "false" }
                aria-labelledby=labelled_by
                aria-describedby=described_by
                aria-disabled=move || request.pending.get().then_some("true")
            >
                <span class="switch__track" aria-hidden="true"></span>
                <span class="switch__name" id=label_id>{label}</span>
                <span class="switch__text" id=text_id>{dynamic(move || if on.get() { texts.0 } else { texts.1 })}</span>
            </button>
        </Form>
        <p class="form-problem" role="status">{dynamic(move || request.detail())}</p>
    }
}

/// Which messages of this room cause a notice for the reader's account.
#[component]
pub fn Notices(list: LiveList) -> impl IntoView {
    let room = use_room();
    let texts = use_texts();
    let own = &texts.settings;
    let problem = RwSignal::new(None::<Problem>);
    let choose = move |notify: Notify| {
        spawn_local(async move {
            let outcome = list.set_notify(room.code, notify).await;
            let _ = problem.try_set(outcome.err());
        });
    };
    let option = move |(at, notify): (usize, &Notify)| {
        let notify = *notify;
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="notify"
                    prop:checked=move || list.notify(room.code) == notify
                    on:change=move |_| choose(notify)
                />
                <span class="choice__name">{own.notify(at)}</span>
            </label>
        }
        .into_any()
    };
    view! {
        <div>
            <fieldset class="choices choices--short">
                <legend class="field__label">{own.notices()}</legend>
                {Notify::ALL.iter().enumerate().map(option).collect_view()}
            </fieldset>
            <p class="dialog__note">{own.notices_text()}</p>
            <p class="form-problem" role="status">{dynamic(move || problem.get().map(|problem| texts.problem(&problem)))}</p>
        </div>
    }
}

/// Lets a guest who owns the room ask for a link by mail that brings them back to a room that is kept. A browser that
/// forgets its cookies loses the guest's access otherwise.
#[component]
fn KeepForm() -> impl IntoView {
    let texts = &use_texts().settings;
    let keep = FormRequest::to::<KeepRoom>();
    view! {
        <Form request=keep>
            <hr class="rule"/>
            <h3>{texts.keep_heading()}</h3>
            <input type="hidden" name="code" value=use_room().code.to_string()/>
            <TextField
                name="email"
                label=texts.keep_email()
                value=""
                error=Signal::derive(move || keep.detail())
                hint=texts.keep_text()
                autocomplete="email"
                autocapitalize="none"
                inputmode="email"
            />
            <Submit busy=keep.pending class="button">{texts.keep_send()}</Submit>
            <p class="form-done" role="status">{dynamic(move || keep.is_done().then(|| texts.keep_sent()))}</p>
        </Form>
    }
}
