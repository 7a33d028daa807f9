//! Proof that it is really the account's person: their password, or a code by mail.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::SendConfirmation,
    protocol::{PreferencesForm, PreferencesVisit, Problem},
    ui::{
        auth::{AuthField, Refused, refusal},
        texts::{use_auth_texts, use_preferences_texts},
    },
};

/// How a form can be confirmed.
#[derive(Clone)]
pub struct Confirming {
    form: PreferencesForm,
    has_password: bool,
    /// Whether the session suffices, since there is nothing else that could prove more.
    by_session: bool,
    /// Where a code would go.
    email: Option<String>,
    /// Whether a code is on its way.
    asked: bool,
    problem: Option<Problem>,
    code_problem: Option<Problem>,
}

impl Confirming {
    /// As the account can, and with what became of it.
    pub fn of(visit: &PreferencesVisit, form: PreferencesForm, problem: Option<Problem>) -> Self {
        let code_problem =
            refusal::<SendConfirmation>(visit.refused.as_ref()).filter(|_| visit.typed.form == Some(form));
        Self {
            form,
            has_password: visit.profile.has_password,
            by_session: !visit.profile.has_password && !visit.profile.verified,
            email: visit.profile.email.as_ref().map(ToString::to_string),
            asked: visit.asked == Some(form),
            problem,
            code_problem,
        }
    }

    /// Whether the form can be sent: there is something to type, or nothing needs to be.
    pub fn is_ready(&self) -> bool {
        self.asked || self.has_password || self.by_session
    }
}

/// The field for the password, or for the code that was mailed.
#[component]
pub fn ConfirmField(confirming: Confirming) -> impl IntoView {
    let (texts, own) = (use_auth_texts(), use_preferences_texts());
    let form = confirming.form.as_str();
    let (before, after) = own.code_mailed();
    if confirming.asked {
        view! {
            <p class="form-done" role="status">{before} <b>{confirming.email}</b> {after}</p>
            <AuthField name="code" form label=texts.code() kind="text" autocomplete="one-time-code" problem=confirming.problem/>
        }
        .into_any()
    } else if confirming.has_password {
        view! {
            <AuthField
                name="password"
                form
                label=own.current_password()
                kind="password"
                autocomplete="current-password"
                problem=confirming.problem
            />
        }
        .into_any()
    } else if confirming.by_session {
        ().into_any()
    } else {
        view! { <p class="card__text">{own.to_confirm()}</p> }.into_any()
    }
}

/// The button that sends the form, and the one that has a code mailed; between them what went wrong beside the fields.
#[component]
pub fn ConfirmButtons(
    confirming: Confirming,
    /// The fields of the form, which say their own.
    fields: &'static [&'static str],
    /// What the button that sends it says.
    label: &'static str,
    /// How that looks.
    #[prop(default = "button button--primary button--wide")]
    class: &'static str,
) -> impl IntoView {
    let (texts, own) = (use_auth_texts(), use_preferences_texts());
    let is_ready = confirming.is_ready();
    let mail = if confirming.asked {
        texts.another_code()
    } else if confirming.has_password {
        texts.mail_code()
    } else {
        own.mail_code()
    };
    let mail_class = if is_ready { "button button--wide" } else { "button button--primary button--wide" };
    view! {
        <input type="hidden" name="form" value=confirming.form.as_str()/>
        <Refused problem=confirming.problem fields/>
        <Refused problem=confirming.code_problem fields=&[]/>
        // The first button is the one that Enter presses.
        {is_ready.then(|| view! { <button type="submit" class=class>{label}</button> })}
        {(confirming.email.is_some() && !confirming.by_session).then(|| view! {
            <button type="submit" class=mail_class formaction=SendConfirmation::PATH formnovalidate>{mail}</button>
        })}
    }
}
