//! Verifying: proving an address by the link in a mail.

use std::time::Duration;

use super::{
    addresses::{address_changed, holds, prove},
    errors::invalid_or_failed,
    letters, sessions,
};
use crate::{
    protocol::{Email, Nickname, Problem, Secret, VerifyEmail},
    server::{
        app::{App, Visitor},
        clock,
        store::{AccountId, AccountRecord, ActorId, NewPassword, Purpose, TokenRecord},
    },
};

/// The link that proved an address can set a password for this long.
const SET_UP: Duration = Duration::from_mins(10);

/// The result of proving an address.
pub struct Verified {
    /// The proved address.
    pub email: Email,
    /// Whether the browser is logged in to the account that has the address.
    pub is_here: bool,
    /// Whether the same token can now set a password, for `SET_UP` (ten minutes).
    pub sets_password: bool,
}

/// Proves an address by the token of a mail. Repeating it succeeds while the account has the address.
///
/// If the browser is logged in to that account, nothing else changes. Otherwise the account may have been made by
/// somebody who does not read the mailbox. So its password and all its sessions end, and the token can set a new
/// password.
pub async fn verify(app: &App, visitor: &Visitor, wanted: VerifyEmail) -> Result<Verified, Problem> {
    app.limits.try_code(visitor.client).await?;
    let (hash, now) = (letters::read_link_token(&wanted.token)?.hash(), clock::now());
    let token = app.store.token(Purpose::Verify, hash, now).await.map_err(invalid_or_failed)?;
    let account = claimant(app, &token).await?;
    let (email, is_here) = (token.email.clone(), is_logged_in_as(visitor, account.id));
    if account.email.as_ref() == Some(&email) {
        let sets_password = !is_here && app.store.token(Purpose::Reset, hash, now).await.is_ok();
        return Ok(Verified { email, is_here, sets_password });
    }
    if is_here {
        prove(app, visitor, &account, &email).await?;
        return Ok(Verified { email, is_here, sets_password: false });
    }
    let mails = address_changed(app, visitor, &account, &email).into_iter().collect();
    let sets_password = TokenRecord { purpose: Purpose::Reset, ends_at: now + clock::millis(SET_UP), ..token };
    let new = NewPassword { proved: Some(email.clone()), mails, token: Some(sets_password), ..NewPassword::none() };
    sessions::replace_password(app, account.id, &new).await.map_err(invalid_or_failed)?;
    Ok(Verified { email, is_here, sets_password: true })
}

/// What the token of a mail would prove.
pub struct Claim {
    /// The address to prove.
    pub email: Email,
    pub name: Nickname,
    /// Whether the address is proved already.
    pub is_proved: bool,
    /// Whether the browser is logged in to that account.
    pub is_here: bool,
}

/// Reads what a token would prove without using it, for the page that asks for confirmation first.
pub async fn claim_of(app: &App, visitor: &Visitor, token: &Secret) -> Result<Claim, Problem> {
    let hash = letters::read_link_token(token)?.hash();
    if !visitor.browser.is_cross_site {
        app.limits.try_code(visitor.client).await?;
    }
    let token = app.store.token(Purpose::Verify, hash, clock::now()).await.map_err(invalid_or_failed)?;
    let account = claimant(app, &token).await?;
    let is_proved = account.email.as_ref() == Some(&token.email);
    let is_here = is_logged_in_as(visitor, account.id);
    Ok(Claim { email: token.email, name: account.name, is_proved, is_here })
}

/// The account of a token, if it still has or claims the token's address.
async fn claimant(app: &App, token: &TokenRecord) -> Result<AccountRecord, Problem> {
    let ActorId::Account(id) = token.holder else { return Err(Problem::token_invalid()) };
    let account = app.store.account(id).await.map_err(invalid_or_failed)?;
    if holds(&account, &token.email) { Ok(account) } else { Err(Problem::token_invalid()) }
}

fn is_logged_in_as(visitor: &Visitor, id: AccountId) -> bool {
    visitor.account().is_ok_and(|(account, _)| account.id == id)
}
