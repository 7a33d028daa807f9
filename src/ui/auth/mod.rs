//! The account pages under `/auth`: register, log in, set a password, confirm an address, forget a guest.
//!
//! Only the server renders these pages, and the browser itself sends their forms. They load no wasm, so they are usable
//! at once and everywhere, and password managers find ordinary forms. The scripts are `fields.js` on every page and
//! `meter.js` where a new password is chosen. The preferences of an account are in `preferences`, not here.

mod fields;
mod forms;

use leptos::{nonce::use_nonce, prelude::*};

use crate::{
    protocol::addresses,
    visit::{AuthPage, AuthVisit},
};

use super::{
    components::{Brand, Icon, Shape},
    shell::document,
    texts::{account_problem, use_auth_texts, use_texts},
    timeline::isolate_name,
    title,
};
use forms::{CodeForm, ForgotForm, LogInForm, RegisterForm, ResetForm, VerifyForm, forget_form, logged_in};

pub use fields::{AuthField, Refused, refusal};

/// The script that measures a new password while it is typed.
pub const METER: &str = include_str!("meter.js");
/// The script that removes field errors on input and shows passwords.
pub const FIELDS: &str = include_str!("fields.js");

/// Renders the whole document of an account page from the `AuthVisit` in the context.
pub fn auth_shell(options: &LeptosOptions) -> impl IntoView + use<> {
    let visit = use_context::<AuthVisit>().unwrap_or_default();
    let heading = heading(&visit);
    let sign = sign(&visit.page);
    let measures = matches!(visit.page, AuthPage::Register | AuthPage::ResetPassword | AuthPage::SetPassword);
    let offers_to_forget = visit.guest && matches!(visit.page, AuthPage::Register | AuthPage::LogIn);
    let title = title::element(&title::of_heading(&heading)).into_any();
    let head = view! { <meta name="robots" content="noindex"/> };
    let body = view! {
        <main class="page">
            <header class="page__bar"><Brand/></header>
            <section class=if sign.is_some() { "card outcome" } else { "card" } aria-labelledby="auth-heading">
                {sign.map(|shape| view! { <span class="outcome__icon"><Icon shape/></span> })}
                <h1 id="auth-heading" class="card__heading">{heading}</h1>
                {content(visit)}
            </section>
            {offers_to_forget.then(|| view! {
                <p class="page__aside"><a href=addresses::GUEST>{use_auth_texts().a_guest_here()}</a></p>
            })}
        </main>
        <script nonce=use_nonce()>{FIELDS}</script>
        {measures.then(|| view! { <script nonce=use_nonce()>{METER}</script> })}
    };
    document(options, title, head.into_any(), body.into_any())
}

fn heading(visit: &AuthVisit) -> String {
    let texts = use_auth_texts();
    let heading = match &visit.page {
        AuthPage::LoggedIn(name) => return texts.you_are(&isolate_name(name.as_str())),
        AuthPage::Register => use_texts().account.register(),
        AuthPage::LogIn | AuthPage::LogInAfterReset | AuthPage::LogInAgain => use_texts().account.log_in(),
        AuthPage::Code => texts.type_code(),
        AuthPage::ForgotPassword => texts.set_password(),
        AuthPage::ForgotPasswordSent => texts.look_into_mail(),
        AuthPage::ResetPassword => texts.choose_password(),
        AuthPage::UsedLink => texts.used_link(),
        AuthPage::Verify { .. } => texts.confirm_address(),
        AuthPage::SetPassword | AuthPage::Verified => texts.address_confirmed(),
        AuthPage::Stale(_) => texts.stale(),
        AuthPage::Guest { .. } => texts.guest(),
        AuthPage::Forgotten => texts.forgotten(),
        AuthPage::Deleted => texts.deleted(),
        AuthPage::Unavailable(_) => texts.unavailable(),
    };
    heading.to_owned()
}

/// The picture of a page that only says what happened.
const fn sign(page: &AuthPage) -> Option<Shape> {
    match page {
        AuthPage::Verified | AuthPage::Forgotten | AuthPage::Deleted => Some(Shape::Done),
        AuthPage::ForgotPasswordSent => Some(Shape::Send),
        AuthPage::UsedLink | AuthPage::Stale(_) | AuthPage::Unavailable(_) => Some(Shape::Warning),
        _ => None,
    }
}

fn content(visit: AuthVisit) -> AnyView {
    let texts = use_auth_texts();
    match visit.page.clone() {
        AuthPage::Register => view! { <RegisterForm visit/> }.into_any(),
        AuthPage::LogIn => view! { <LogInForm visit/> }.into_any(),
        AuthPage::LoggedIn(_) => logged_in(&visit).into_any(),
        AuthPage::LogInAfterReset => view! {
            <p class="form-done" role="status">{texts.after_reset()}</p>
            <LogInForm visit/>
        }
        .into_any(),
        AuthPage::LogInAgain => {
            let next = visit.next.clone();
            view! {
                <p class="form-info" role="status">{texts.session_ended()}</p>
                <LogInForm visit/>
                <p class="page__aside"><a href=next>{texts.go_on_without()}</a></p>
            }
            .into_any()
        }
        AuthPage::Code => view! { <CodeForm visit/> }.into_any(),
        AuthPage::ForgotPassword => view! { <ForgotForm visit/> }.into_any(),
        AuthPage::ForgotPasswordSent => {
            let (before, after) = texts.link_sent();
            view! {
                <p class="card__text">{before} <b>{visit.email}</b> {after}</p>
                <p class="card__text">{texts.nothing_came()}</p>
                <a href=addresses::FORGOT_PASSWORD class="button button--wide">{texts.another_address()}</a>
            }
            .into_any()
        }
        AuthPage::ResetPassword => view! { <ResetForm visit/> }.into_any(),
        AuthPage::SetPassword => view! {
            <p class="card__text">{texts.now_a_password()}</p>
            <ResetForm visit/>
        }
        .into_any(),
        AuthPage::UsedLink => view! {
            <p class="card__text">{texts.used_link_text()}</p>
            <a href=addresses::LOG_IN class="button button--primary button--wide">{use_texts().account.log_in()}</a>
            <p class="page__aside"><a href=addresses::FORGOT_PASSWORD>{texts.another_link()}</a></p>
        }
        .into_any(),
        AuthPage::Verify { email, name, is_here, other } => {
            let other = other.map(|other| texts.verify_other(other.as_str()));
            let question = texts.verify_text(name.as_str(), email.as_str());
            view! { <VerifyForm visit question is_here other/> }.into_any()
        }
        AuthPage::Verified => view! {
            <p class="card__text">{texts.thanks()}</p>
            <a href=addresses::HOME class="button button--primary button--wide">{texts.go_on()}</a>
        }
        .into_any(),
        AuthPage::Stale(problem) => view! {
            <p class="card__text">{account_problem(&problem)}</p>
            <StartPage/>
        }
        .into_any(),
        AuthPage::Guest { nickname, room } => forget_form(&visit, nickname, room).into_any(),
        AuthPage::Forgotten => view! {
            <p class="card__text">{texts.forgotten_text()}</p>
            <StartPage/>
        }
        .into_any(),
        AuthPage::Deleted => view! {
            <p class="card__text">{texts.deleted_text()}</p>
            <StartPage/>
        }
        .into_any(),
        AuthPage::Unavailable(problem) => view! {
            <p class="card__text">{account_problem(&problem)}</p>
            <a href=visit.next class="button button--primary button--wide">{texts.try_again()}</a>
        }
        .into_any(),
    }
}

#[component]
fn StartPage() -> impl IntoView {
    view! { <a href=addresses::HOME class="button button--primary button--wide">{use_texts().common.start_page()}</a> }
}
