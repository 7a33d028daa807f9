//! Whether somebody is logged in, for pages that offer to.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{api::LogOut, protocol::Identity};

use super::texts::use_texts;

#[derive(Clone)]
struct Account(Option<Identity>);

/// Tells all of the page which account is logged in, if one is.
pub fn provide_account(account: Option<Identity>) {
    provide_context(Account(account));
}

/// The account that is logged in, if one is.
pub fn use_account() -> Option<Identity> {
    use_context::<Account>().and_then(|account| account.0)
}

/// Who is logged in, or the way to be; and back here.
#[component]
pub fn AccountLine(
    /// Where to come back to.
    #[prop(into)]
    here: String,
) -> impl IntoView {
    let texts = &use_texts().account;
    let (before, after) = texts.logged_in_as();
    let link = move |page: &str| format!("/auth/{page}?next={here}");
    match use_account() {
        Some(Identity { name, .. }) => view! {
            <form method="post" action=LogOut::PATH>
                <p class="page__aside">
                    {before} <b dir="auto">{name.to_string()}</b> {after}
                    <button type="submit" class="link-button">{texts.log_out()}</button>
                </p>
            </form>
        }
        .into_any(),
        None => view! {
            <p class="page__aside">
                <a href=link("login")>{texts.log_in()}</a>
                <a href=link("register")>{texts.register()}</a>
            </p>
        }
        .into_any(),
    }
}
