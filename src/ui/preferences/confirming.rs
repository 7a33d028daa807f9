//! Changing an address or a password, and deleting the account, needs a confirmation: the current password, or a code
//! that is mailed. The parts of a form for that are here.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::SendConfirmation,
    protocol::{PreferencesForm, Problem},
    ui::{
        auth::{AuthField, Refused, refusal},
        texts::{use_auth_texts, use_preferences_texts},
    },
    visit::PreferencesVisit,
};

/// How a form can be confirmed by this account, and what was refused.
#[derive(Clone)]
pub struct Confirming {
    form: PreferencesForm,
    has_password: bool,
    /// Whether the session is enough, because the account has neither a password nor a confirmed address.
    by_session: bool,
    /// The address that a code is mailed to.
    email: Option<String>,
    /// Whether a code was mailed for this form.
    asked: bool,
    problem: Option<Problem>,
    code_problem: Option<Problem>,
}

impl Confirming {
    /// Determines this from the account and from the newest attempt.
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

    /// Whether the form can be sent. It cannot while the account has to ask for a code first.
    pub fn is_ready(&self) -> bool {
        self.asked || self.has_password || self.by_session
    }
}

/// The input for the password or the mailed code. If the session is enough there is none.
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
        let (before, after) = own.to_confirm();
        view! { <p class="card__text">{before} <b>{confirming.email}</b> {after}</p> }.into_any()
    }
}

/// The button that sends the form, the button that mails a code, and refusals that are about none of the fields.
#[component]
pub fn ConfirmButtons(
    confirming: Confirming,
    /// The names of the fields that show their own errors.
    fields: &'static [&'static str],
    /// The text of the button that sends the form.
    label: &'static str,
    /// The CSS class of that button.
    #[prop(default = "button button--primary")]
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
    view! {
        <input type="hidden" name="form" value=confirming.form.as_str()/>
        <Refused problem=confirming.problem fields/>
        <Refused problem=confirming.code_problem fields=&[]/>
        <div class="button-row">
            // Enter presses the first submit button of a form, so the button that sends it comes first.
            {is_ready.then(|| view! { <button type="submit" class=class>{label}</button> })}
            {(confirming.email.is_some() && !confirming.by_session).then(|| view! {
                <button type="submit" class="button" formaction=SendConfirmation::PATH formnovalidate>{mail}</button>
            })}
        </div>
    }
}
