//! The logged-in account, as a Leptos context, and the line at the foot of a page that shows it.
//!
//! The server puts the account into the page's `Visit`, so the browser does not ask for it. Logging in and registering
//! happen on the pages of `auth`.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    api::LogOut,
    protocol::{Identity, addresses},
};

use super::texts::use_texts;

#[derive(Clone)]
struct Account(Option<Identity>);

/// Provides the logged-in account to all components of the page. `None` means that nobody is logged in.
pub fn provide_account(account: Option<Identity>) {
    provide_context(Account(account));
}

/// Returns the logged-in account, or `None` if nobody is logged in.
pub fn use_account() -> Option<Identity> {
    use_context::<Account>().and_then(|account| account.0)
}

/// Shows the logged-in name with a button to log out. Without an account it shows links to log in and to register
/// instead.
#[component]
pub fn AccountLine(
    /// The path to return to after logging in or registering.
    #[prop(into)]
    here: String,
) -> impl IntoView {
    let texts = &use_texts().account;
    let (before, after) = texts.logged_in_as();
    let link = move |page| addresses::with_next(page, &here);
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
                <a href=link(addresses::LOG_IN) rel="external">{texts.log_in()}</a>
                <a href=link(addresses::REGISTER) rel="external">{texts.register()}</a>
            </p>
        }
        .into_any(),
    }
}
