//! The page with an account's name, its e-mail address and its password, one form each.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::{ChangeEmail, ChangePassword, RenameAccount},
    protocol::{Email, PreferencesForm},
    ui::{
        auth::{AuthField, Refused, refusal},
        texts::{use_auth_texts, use_preferences_texts, use_texts},
        timeline,
    },
    visit::PreferencesVisit,
};

use super::{
    confirming::{ConfirmButtons, ConfirmField, Confirming},
    parts::{FormCard, done},
};

pub fn forms(visit: &PreferencesVisit) -> impl IntoView + use<> {
    view! {
        {name_form(visit)}
        {email_form(visit)}
        {password_form(visit)}
    }
}

fn name_form(visit: &PreferencesVisit) -> impl IntoView + use<> {
    let (texts, own) = (use_auth_texts(), use_preferences_texts());
    let problem = refusal::<RenameAccount>(visit.refused.as_ref());
    let name = if problem.is_some() { visit.typed.name.clone() } else { visit.profile.name.to_string() };
    let done = done(visit, PreferencesForm::Name, own.saved()).into_any();
    view! {
        <FormCard form=PreferencesForm::Name heading=own.name_heading()>
            {done}
            <form method="post" action=RenameAccount::PATH>
                <AuthField
                    name="name"
                    form=PreferencesForm::Name.as_str()
                    label=texts.your_name()
                    kind="text"
                    autocomplete="nickname"
                    value=name
                    problem=problem.clone()
                    hint=own.name_hint()
                />
                <Refused problem fields=&["name"]/>
                <button type="submit" class="button button--primary button--wide">{own.save()}</button>
            </form>
        </FormCard>
    }
}

fn email_form(visit: &PreferencesVisit) -> impl IntoView + use<> {
    let (texts, own) = (use_auth_texts(), use_preferences_texts());
    let problem = refusal::<ChangeEmail>(visit.refused.as_ref());
    let confirming = Confirming::of(visit, PreferencesForm::Email, problem.clone());
    let current = current_address(visit).into_any();
    let typed = visit.typed.email.clone();
    view! {
        <FormCard form=PreferencesForm::Email heading=texts.email()>
            {current}
            <hr class="rule"/>
            <form method="post" action=ChangeEmail::PATH>
                <AuthField
                    name="email"
                    form=PreferencesForm::Email.as_str()
                    label=own.new_address()
                    kind="email"
                    autocomplete="email"
                    value=typed
                    problem=problem
                />
                <ConfirmField confirming=confirming.clone()/>
                <ConfirmButtons confirming fields=&["email", "password", "code"] label=own.change_address()/>
            </form>
        </FormCard>
    }
}

/// Shows the current address and whether it is confirmed, and an address that waits for confirmation.
fn current_address(visit: &PreferencesVisit) -> impl IntoView + use<> {
    let own = use_preferences_texts();
    let profile = &visit.profile;
    let (state, class) = if profile.verified { (own.confirmed(), "tag") } else { (own.unconfirmed(), WAITS) };
    let address = profile.email.as_ref().map(|email| fact(email, state, class));
    let has_none = profile.email.is_none();
    let waiting = profile.pending_email.as_ref().map(|email| fact(email, own.waiting(), WAITS));
    let unproved = profile.pending_email.clone().or_else(|| profile.email.clone().filter(|_| !profile.verified));
    let ends = unproved.as_ref().and(profile.claim_ends_at).map(|at| {
        let day = timeline::day_label(use_texts(), timeline::day_of(at, 0), None);
        match &profile.email {
            Some(email) if profile.pending_email.is_some() => own.pending(&day, email.as_str()),
            _ => own.claim_ends(&day),
        }
    });
    let was_sent = visit.done == Some(PreferencesForm::Email);
    let (before, after) = own.mailed();
    let news = match unproved.as_ref().filter(|_| was_sent) {
        Some(email) => {
            let email = email.to_string();
            Some(view! { <p class="form-done" role="status" tabindex="-1" autofocus>{before} <b>{email}</b> {after}</p> }.into_any())
        }
        None => was_sent
            .then(|| view! { <p class="form-done" role="status" tabindex="-1" autofocus>{own.saved()}</p> }.into_any()),
    };
    view! {
        {address}
        {has_none.then(|| view! { <p class="card__text">{own.no_address()}</p> })}
        {waiting}
        {ends.map(|ends| view! { <p class="card__text">{ends}</p> })}
        {news}
        {unproved.as_ref().map(send_again)}
    }
}

/// The class of the state of an address that waits for confirmation.
const WAITS: &str = "tag tag--warning";

/// An address and its state.
fn fact(email: &Email, state: &'static str, class: &'static str) -> impl IntoView + use<> {
    view! {
        <p class="preferences__fact">
            <b>{email.to_string()}</b>
            <span class=class>{state}</span>
        </p>
    }
}

fn send_again(email: &Email) -> impl IntoView {
    view! {
        <form method="post" action=ChangeEmail::PATH>
            <input type="hidden" name="email" value=email.to_string()/>
            <button type="submit" class="button button--wide">{use_preferences_texts().send_again()}</button>
        </form>
    }
}

fn password_form(visit: &PreferencesVisit) -> impl IntoView + use<> {
    let (texts, own) = (use_auth_texts(), use_preferences_texts());
    let problem = refusal::<ChangePassword>(visit.refused.as_ref());
    let confirming = Confirming::of(visit, PreferencesForm::Password, problem.clone());
    let done = done(visit, PreferencesForm::Password, own.password_set()).into_any();
    let has_password = visit.profile.has_password;
    let email = visit.profile.email.as_ref().map(ToString::to_string);
    let can_be_set = confirming.is_ready();
    view! {
        <FormCard form=PreferencesForm::Password heading=texts.password()>
            {done}
            {(!has_password).then(|| view! { <p class="card__text">{own.no_password()}</p> })}
            <form method="post" action=ChangePassword::PATH>
                // Password managers store a password together with this user name.
                <input type="text" name="username" autocomplete="username" value=email hidden readonly/>
                <ConfirmField confirming=confirming.clone()/>
                {can_be_set.then(|| view! {
                    <AuthField
                        name="new_password"
                        form=PreferencesForm::Password.as_str()
                        label=texts.new_password()
                        kind="password"
                        autocomplete="new-password"
                        problem=problem
                        hint=own.new_password_hint()
                    />
                })}
                <ConfirmButtons
                    confirming
                    fields=&["new_password", "password", "code"]
                    label=if has_password { own.change_password() } else { own.set_password() }
                />
            </form>
        </FormCard>
    }
}
