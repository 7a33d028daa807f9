//! The account forms: register, log in, log in by a mailed code, ask for a new password, set it, confirm an address,
//! and "forget me". Each posts to a server function without scripts. A refused form is rendered again with the reason
//! and with what was typed, except passwords.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::{ForgetMe, ForgotPassword, LogIn, LogInByCode, Register, RequestCode, ResetPassword, VerifyEmail},
    protocol::{Code, Nickname, Problem, RoomCode, addresses},
    ui::texts::{use_auth_texts, use_texts},
    visit::{AuthPage, AuthVisit},
};

use super::fields::{AuthField, Next, Refused, link, refusal, with_field};

/// The form that registers an account. It also carries the token of a mail that lets a guest keep a room.
#[component]
pub fn RegisterForm(visit: AuthVisit) -> impl IntoView {
    let texts = use_auth_texts();
    let problem = refusal::<Register>(visit.refused.as_ref());
    let to_log_in = link(addresses::LOG_IN, &visit);
    let lead = if visit.token.is_empty() { texts.register_text() } else { texts.keep_text() };
    view! {
        <p class="card__text">{lead}</p>
        <form method="post" action=Register::PATH>
            <AuthField name="name" label=texts.your_name() kind="text" autocomplete="nickname" value=visit.name problem=problem.clone()/>
            <AuthField name="email" label=texts.email() kind="email" autocomplete="username" value=visit.email problem=problem.clone()/>
            <AuthField
                name="password"
                label=texts.password_optional()
                kind="password"
                autocomplete="new-password"
                problem=problem.clone()
                required=false
                hint=texts.password_hint()
            />
            <input type="hidden" name="form" value=visit.form/>
            <Next next=visit.next keep=visit.token/>
            <Refused problem fields=&["name", "email", "password"]/>
            <button type="submit" class="button button--primary button--wide">{use_texts().account.register()}</button>
        </form>
        <p class="page__aside"><a href=to_log_in>{texts.have_account()}</a></p>
    }
}

/// The form that logs in by password. A second button posts the same form to `RequestCode`, which mails a code instead.
#[component]
pub fn LogInForm(visit: AuthVisit) -> impl IntoView {
    let texts = use_auth_texts();
    let problem = refusal::<LogIn>(visit.refused.as_ref()).map(at_the_password);
    let code_problem = refusal::<RequestCode>(visit.refused.as_ref());
    let to_register = link(addresses::REGISTER, &visit);
    let keeps = !visit.token.is_empty();
    view! {
        {keeps.then(|| view! { <p class="card__text">{texts.keep_text()}</p> })}
        <form method="post" action=LogIn::PATH>
            <AuthField name="email" label=texts.email() kind="email" autocomplete="username" value=visit.email problem=problem.clone().or(code_problem.clone())/>
            <AuthField name="password" label=texts.password() kind="password" autocomplete="current-password" problem=problem.clone()/>
            <Next next=visit.next keep=visit.token/>
            <Refused problem fields=&["email", "password"]/>
            <Refused problem=code_problem fields=&["email"]/>
            <button type="submit" class="button button--primary button--wide">{use_texts().account.log_in()}</button>
            <button type="submit" class="button button--wide" formaction=RequestCode::PATH formnovalidate>
                {texts.mail_code()}
            </button>
        </form>
        <p class="page__aside">
            <a href=addresses::FORGOT_PASSWORD>{texts.forgot()}</a>
            <a href=to_register>{use_texts().account.register()}</a>
        </p>
    }
}

/// Shows wrong credentials at the password, which has to be typed again. The server does not say which of the two is
/// wrong.
fn at_the_password(problem: Problem) -> Problem {
    match problem.code {
        Code::WrongCredentials => Problem { field: Some("password".to_owned()), ..problem },
        _ => problem,
    }
}

/// Two ways to go on for somebody who is logged in already.
pub fn logged_in(visit: &AuthVisit) -> impl IntoView + use<> {
    let texts = use_auth_texts();
    let (to, label) = if visit.next == addresses::HOME {
        (addresses::DASHBOARD.to_owned(), texts.to_rooms())
    } else {
        (visit.next.clone(), texts.go_on())
    };
    view! {
        <a href=to class="button button--primary button--wide">{label}</a>
        <a href=with_field(&link(addresses::LOG_IN, visit), "done=other") class="button button--wide">{texts.as_other()}</a>
    }
}

/// The form for the eight-digit code that was mailed. A second button posts the same form to `RequestCode`, which mails
/// another code.
#[component]
pub fn CodeForm(visit: AuthVisit) -> impl IntoView {
    let texts = use_auth_texts();
    let (before, after) = texts.code_sent();
    let problem = refusal::<LogInByCode>(visit.refused.as_ref());
    let code_problem = refusal::<RequestCode>(visit.refused.as_ref());
    let by_password = link(addresses::LOG_IN, &visit);
    view! {
        <p class="card__text">
            {before} <b>{visit.email.clone()}</b> {after}
        </p>
        <form method="post" action=LogInByCode::PATH>
            <input type="hidden" name="email" value=visit.email/>
            <AuthField name="code" label=texts.code() kind="text" autocomplete="one-time-code" problem=problem.clone()/>
            <Next next=visit.next keep=visit.token/>
            <Refused problem fields=&["code"]/>
            <Refused problem=code_problem fields=&[]/>
            <button type="submit" class="button button--primary button--wide">{use_texts().account.log_in()}</button>
            <button type="submit" class="button button--wide" formaction=RequestCode::PATH formnovalidate>
                {texts.another_code()}
            </button>
        </form>
        <p class="page__aside"><a href=by_password>{texts.by_password()}</a></p>
    }
}

/// The form that asks for a mail with a link to set a new password.
#[component]
pub fn ForgotForm(visit: AuthVisit) -> impl IntoView {
    let texts = use_auth_texts();
    let problem = refusal::<ForgotPassword>(visit.refused.as_ref());
    view! {
        <p class="card__text">{texts.forgot_text()}</p>
        <form method="post" action=ForgotPassword::PATH>
            <AuthField name="email" label=texts.email() kind="email" autocomplete="username" value=visit.email problem=problem.clone()/>
            <Refused problem fields=&["email"]/>
            <button type="submit" class="button button--primary button--wide">{texts.mail_link()}</button>
        </form>
        <p class="page__aside"><a href=addresses::LOG_IN>{texts.back()}</a></p>
    }
}

/// The form that sets a new password. The token of the mailed link is a hidden field.
#[component]
pub fn ResetForm(visit: AuthVisit) -> impl IntoView {
    let texts = use_auth_texts();
    let problem = refusal::<ResetPassword>(visit.refused.as_ref());
    let (hint, to, aside) = if visit.page == AuthPage::SetPassword {
        (texts.least_hint(), addresses::LOG_IN, texts.by_codes())
    } else {
        (texts.new_password_hint(), addresses::FORGOT_PASSWORD, texts.another_link())
    };
    view! {
        <form method="post" action=ResetPassword::PATH>
            <input type="hidden" name="token" value=visit.token/>
            <AuthField
                name="new_password"
                label=texts.new_password()
                kind="password"
                autocomplete="new-password"
                problem=problem.clone()
                hint=hint
            />
            <Refused problem fields=&["new_password"]/>
            <button type="submit" class="button button--primary button--wide">{texts.set()}</button>
        </form>
        <p class="page__aside"><a href=to>{aside}</a></p>
    }
}

/// The button that confirms an e-mail address. Opening the link alone must not confirm it, because mail scanners open
/// links.
#[component]
pub fn VerifyForm(
    visit: AuthVisit,
    /// The question to answer, with the address and the account's name in it.
    question: String,
    /// Whether the browser is logged in as the account that claims the address.
    is_here: bool,
    /// A warning for a browser that is logged in as another account.
    other: Option<String>,
) -> impl IntoView {
    let texts = use_auth_texts();
    let problem = refusal::<VerifyEmail>(visit.refused.as_ref());
    view! {
        <p>{question}</p>
        {other.map(|other| view! { <p class="card__text">{other}</p> })}
        {(!is_here).then(|| view! {
            <p class="card__text">{texts.verify_elsewhere()}</p>
            <ul class="bullets">{[0, 1].map(|at| view! { <li>{texts.verify_means(at)}</li> })}</ul>
        })}
        <form method="post" action=VerifyEmail::PATH>
            <input type="hidden" name="token" value=visit.token/>
            <Refused problem fields=&[]/>
            <button type="submit" class="button button--primary button--wide">{texts.confirm()}</button>
            <a href=addresses::HOME class="button button--wide">{texts.do_not_confirm()}</a>
        </form>
    }
}

/// Shows the name and the room of this guest, and a button that deletes what the server stores of them ("forget me"). A
/// visitor who is no guest sees links instead.
pub fn forget_form(visit: &AuthVisit, nickname: Option<Nickname>, room: Option<RoomCode>) -> impl IntoView + use<> {
    let texts = use_auth_texts();
    let problem = refusal::<ForgetMe>(visit.refused.as_ref());
    if !visit.guest {
        let of_account = visit.account.is_some();
        return view! {
            <p class="card__text">{if of_account { texts.no_guest_but_account() } else { texts.no_guest() }}</p>
            {of_account.then(|| view! {
                <a href=addresses::PREFERENCES_DATA class="button button--wide">{texts.to_data()}</a>
            })}
            <a href=addresses::HOME class="button button--wide">{use_texts().common.start_page()}</a>
        }
        .into_any();
    }
    let (before, after) = texts.guest_called();
    view! {
        {nickname.map(|name| view! {
            <p class="card__text">{before} <b dir="auto">{name.to_string()}</b> {after}</p>
        })}
        {room.map(|room| view! { <p class="card__text">{texts.guest_leaves(&room.spaced())}</p> })}
        <p class="card__text">{texts.guest_text()}</p>
        <form method="post" action=ForgetMe::PATH>
            <Refused problem fields=&[]/>
            <button type="submit" class="button button--danger button--wide">{use_texts().account.forget_me()}</button>
        </form>
        <p class="page__aside">
            <a href=room.map_or_else(|| addresses::HOME.to_owned(), addresses::room)>{texts.guest_back()}</a>
        </p>
    }
    .into_any()
}
