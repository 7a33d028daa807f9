//! Passwords: changing one, and replacing a forgotten one by a mailed link. A new password is judged in `strength.rs`.

use super::{
    addresses::{address_changed, address_of, holds, read_email},
    confirming::confirm,
    errors::{invalid_or_failed, store_failed},
    letters::{self, posted},
    sessions,
    strength::{choose, judge},
};
use crate::{
    protocol::{ChangePassword, Confirmation, ForgotPassword, Problem, ResetPassword, Secret},
    server::{
        app::{App, Visitor},
        clock,
        store::{ActorId, Ending, Letter, NewPassword, Purpose, StoreError, TokenHash},
    },
};

/// Changes the password and ends all other sessions. Must be confirmed by the old password or a mailed code (see
/// `confirming.rs` for the exception).
pub async fn change(app: &App, visitor: &Visitor, wanted: ChangePassword) -> Result<(), Problem> {
    let (account, session) = visitor.account()?;
    let ChangePassword { new_password, password, code } = wanted;
    let about = vec![account.name.to_string(), address_of(account).map(ToString::to_string).unwrap_or_default()];
    app.limits.change_password(visitor.client).await?;
    // Checked first, so that a refused new password uses up neither a code nor a try.
    judge(app, "new_password", &new_password, about).await?;
    confirm(app, visitor, Confirmation { password, code }).await?;
    let hash = app.hasher.hash(&new_password).await?;
    let told = account.email.as_ref();
    let mail = told.map(|email| letters::write(app, account, email, Letter::PasswordChanged, visitor.language));
    let mails = mail.into_iter().collect();
    let new = NewPassword { password: Some(hash), ending: Ending::Others(session.id), mails, ..NewPassword::none() };
    sessions::replace_password(app, account.id, &new).await.map_err(store_failed)
}

/// Mails a link to set a new password to the account that has proved the address, else to the first that claims it. No
/// mail is sent if that account has the maximum number of valid links already.
///
/// The response is sent before the address is looked up, so it is the same for every address.
pub async fn forgot(app: &App, visitor: &Visitor, wanted: ForgotPassword) -> Result<(), Problem> {
    let email = read_email(&wanted.email)?;
    app.limits.mail(visitor.client, &email).await?;
    let (after, spoken) = (app.clone(), visitor.language);
    app.after_answer.spawn(async move {
        let app = after;
        let sent = async {
            let holders = app.store.holders(&email).await.map_err(store_failed)?;
            let Some(account) = holders.reached() else { return Ok(false) };
            let mail = letters::write(&app, &account, &email, Letter::Reset, spoken);
            let token = letters::token(&app, Purpose::Reset, ActorId::Account(account.id), &mail)?;
            app.store.put_token(&token, Some(&mail), mail.created_at).await.map_err(store_failed)
        };
        match sent.await {
            Ok(_) => posted(&app),
            Err(problem) => tracing::warn!(code = ?problem.code, "a mail was not written"),
        }
    });
    Ok(())
}

/// The state of a link for a new password.
pub enum Link {
    /// The link can be used.
    Good,
    /// A new password was set, by this link or by another one.
    Used,
}

/// Reads the state of a link for a new password without using it, for the page that shows the form.
pub async fn look_at(app: &App, visitor: &Visitor, token: &Secret) -> Result<Link, Problem> {
    let hash = letters::read_link_token(token)?.hash();
    if !visitor.browser.is_cross_site {
        app.limits.try_code(visitor.client).await?;
    }
    match app.store.token(Purpose::Reset, hash, clock::now()).await {
        Ok(_) => Ok(Link::Good),
        Err(StoreError::NotFound) => {
            app.store.used_token(Purpose::Reset, hash, clock::now()).await.map_err(invalid_or_failed)?;
            Ok(Link::Used)
        }
        Err(error) => Err(store_failed(error)),
    }
}

/// Sets a new password by the token of a mail, and ends all sessions.
///
/// The token also proves the address, because only a reader of the mailbox has it. Replacing the password and ending
/// the sessions locks out anybody who had access before. Repeating the request with the same password succeeds.
pub async fn reset(app: &App, visitor: &Visitor, wanted: ResetPassword) -> Result<(), Problem> {
    app.limits.try_code(visitor.client).await?;
    let (hash, now) = (letters::read_link_token(&wanted.token)?.hash(), clock::now());
    let token = match app.store.token(Purpose::Reset, hash, now).await {
        Err(StoreError::NotFound) => return reset_again(app, hash, &wanted.new_password).await,
        token => token.map_err(invalid_or_failed)?,
    };
    let ActorId::Account(id) = token.holder else { return Err(Problem::token_invalid()) };
    let account = app.store.account(id).await.map_err(invalid_or_failed)?;
    if !holds(&account, &token.email) {
        return Err(Problem::token_invalid());
    }
    let about = vec![account.name.to_string(), token.email.to_string()];
    let password = choose(app, "new_password", &wanted.new_password, about).await?;
    let mut mails: Vec<_> = address_changed(app, visitor, &account, &token.email).into_iter().collect();
    mails.push(letters::write(app, &account, &token.email, Letter::PasswordChanged, visitor.language));
    let (password, proved) = (Some(password), Some(token.email));
    let new = NewPassword { password, proved, mails, followed: Some((hash, now)), ..NewPassword::none() };
    match sessions::replace_password(app, id, &new).await {
        // Of two simultaneous requests with the same token, the second arrives here.
        Err(StoreError::NotFound) => reset_again(app, hash, &wanted.new_password).await,
        outcome => outcome.map_err(invalid_or_failed),
    }
}

/// Judges a request with a used link: it succeeds if the password is the one that was set, because then the button was
/// pressed twice.
async fn reset_again(app: &App, hash: TokenHash, password: &Secret) -> Result<(), Problem> {
    let token = app.store.used_token(Purpose::Reset, hash, clock::now()).await.map_err(invalid_or_failed)?;
    let ActorId::Account(id) = token.holder else { return Err(Problem::token_invalid()) };
    let account = app.store.account(id).await.map_err(invalid_or_failed)?;
    let is_set = app.hasher.check(password, account.password).await?;
    if is_set { Ok(()) } else { Err(Problem::token_invalid()) }
}
