//! Confirming: checking that an irreversible request comes from the account's user, by password or by mailed code.

use super::{
    addresses::address_of,
    codes::{is_right, read_code},
    errors::store_failed,
    letters::{self, posted},
};
use crate::{
    protocol::{Code, Confirmation, Problem},
    server::{
        app::{App, Visitor},
        store::{ActorId, Letter, Purpose, TokenRecord},
    },
};

/// Checks that an irreversible request comes from the account's user, by password or by mailed code.
///
/// An account with neither a password nor a proved address needs no confirmation: its session is the only proof that
/// its user has. A code would go to the claimed address, which may be mistyped and read by somebody else.
pub(super) async fn confirm(app: &App, visitor: &Visitor, how: Confirmation) -> Result<(), Problem> {
    let (account, _) = visitor.account()?;
    app.limits.confirm(visitor.client, account.id).await?;
    let field = match &how {
        Confirmation { password: Some(_), .. } => Some("password"),
        Confirmation { code: Some(_), .. } => Some("code"),
        Confirmation { password: None, code: None } => None,
    };
    let confirmed = match how {
        Confirmation { password: Some(password), .. } => app.hasher.check(&password, account.password.clone()).await?,
        Confirmation { code: Some(code), .. } => {
            let (holder, code) = (ActorId::Account(account.id), read_code(&code)?);
            let Some(email) = address_of(account) else { return Err(not_confirmed(field)) };
            let hash = letters::code_hash(app, holder, email, &code);
            is_right(app, visitor, Purpose::Confirm, holder, email, hash).await?
        }
        Confirmation { password: None, code: None } => account.password.is_none() && account.email.is_none(),
    };
    if confirmed { Ok(()) } else { Err(not_confirmed(field)) }
}

/// Mails a code to confirm to the visitor's own account.
pub(super) async fn send_confirmation(app: &App, visitor: &Visitor) -> Result<(), Problem> {
    let (account, _) = visitor.account()?;
    let Some(email) = address_of(account) else { return Err(Problem::not_logged_in()) };
    app.limits.mail(visitor.client, email).await?;
    let mail = letters::write(app, account, email, Letter::ConfirmCode, visitor.language);
    let token: TokenRecord = letters::token(app, Purpose::Confirm, ActorId::Account(account.id), &mail)?;
    app.store.put_token(&token, Some(&mail), mail.created_at).await.map_err(store_failed)?;
    posted(app);
    Ok(())
}

fn not_confirmed(field: Option<&str>) -> Problem {
    let detail = "Enter your password to confirm this, or get a code by email and enter that.";
    Problem { field: field.map(str::to_owned), ..Problem::new(Code::NotConfirmed, detail) }
}
