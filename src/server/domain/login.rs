//! Logging in by password or by mailed code.
//!
//! An unknown address gets the same answer as a known one, after the same work, so nobody can find out which addresses
//! have accounts. Which account an address leads to while several claim it is decided in docs/decisions/0012 and 0022.

use sha2::{Digest, Sha256};

use super::{
    addresses::{address_changed, read_email},
    codes::{is_right, read_code},
    confirming::send_confirmation,
    errors::{invalid_or_failed, store_failed},
    keeping::adopt_guests,
    letters::{self, posted},
    sessions::{self, LoggedIn},
};
use crate::{
    protocol::{Code, CodeUse, LogIn, LogInByCode, Problem, RequestCode, limits::PASSWORD_CHARS},
    server::{
        app::{App, Visitor},
        store::{Ending, Holders, Letter, NewPassword, Purpose, SessionId, TokenHash},
        token::{Ticket, id_of_digest},
    },
};

/// Logs in by address and password. The password is compared with those of up to three accounts: the one that proved
/// the address, and the first and the last that claim it. Missing ones are replaced by dummies, so that the time is
/// always the same.
pub async fn by_password(app: &App, visitor: &Visitor, device: String, wanted: LogIn) -> Result<LoggedIn, Problem> {
    let email = read_email(&wanted.email)?;
    if wanted.password.reveal().chars().count() > *PASSWORD_CHARS.end() {
        let most = PASSWORD_CHARS.end();
        return Err(Problem::invalid("password", format!("A password can have up to {most} characters.")));
    }
    app.limits.log_in(visitor.client, &email).await?;
    let permit = app.hasher.acquire().await?;
    let holders = app.store.holders(&email).await.map_err(store_failed)?;
    let Holders { proved, first, last } = holders;
    let kept = [&proved, &first, &last].map(|holder| holder.as_ref()?.password.clone());
    let [of_proved, of_first, of_last] = permit.compare(&wanted.password, kept).await?;
    let account = proved.filter(|_| of_proved).or(first.filter(|_| of_first)).or(last.filter(|_| of_last));
    let account = account.ok_or_else(wrong_password)?;
    let logged_in = sessions::begin(app, visitor, &account, device).await?;
    // Another request may have replaced the password and ended all sessions while this one was hashing. Then the
    // session that has just begun must end as well.
    let now = app.store.account(account.id).await.map_err(invalid_or_failed)?;
    if now.password != account.password {
        sessions::end(app, account.id, Ending::One(logged_in.session)).await?;
        return Err(wrong_password());
    }
    adopt_guests(app, visitor, wanted.keep.as_ref(), &account, &logged_in).await?;
    Ok(logged_in)
}

/// Mails a code.
///
/// A code to log in goes to the account that has proved the address, else to the first that claims it. The response is
/// sent before the address is looked up, so it is the same for every address. A code to confirm goes to the visitor's
/// own account, and no ticket is returned.
pub async fn request_code(app: &App, visitor: &Visitor, wanted: RequestCode) -> Result<Option<Ticket>, Problem> {
    if wanted.purpose == CodeUse::Confirm {
        return send_confirmation(app, visitor).await.map(|()| None);
    }
    let email = read_email(&wanted.email)?;
    app.limits.mail(visitor.client, &email).await?;
    let ticket = Ticket::random();
    let (after, holder, spoken) = (app.clone(), ticket.holder(), visitor.language);
    let is_known = visitor.is_known_to(&app.keys, &email);
    app.after_answer.spawn(async move {
        let app = after;
        let sent = async {
            if !app.limits.code_to(&email, is_known).await {
                return Ok(true);
            }
            let holders = app.store.holders(&email).await.map_err(store_failed)?;
            let Some(account) = holders.reached() else {
                // For an unknown address a token is stored whose code nobody gets. So trying a code causes the same
                // work for any address.
                let token = letters::unsent(Purpose::LogIn, holder, email, &Letter::LogInCode);
                return app.store.put_token(&token, None, token.ends_at).await.map_err(store_failed);
            };
            let mail = letters::write(&app, &account, &email, Letter::LogInCode, spoken);
            let token = letters::token(&app, Purpose::LogIn, holder, &mail)?;
            app.store.put_token(&token, Some(&mail), mail.created_at).await.map_err(store_failed)
        };
        match sent.await {
            Ok(_) => posted(&app),
            Err(problem) => tracing::warn!(code = ?problem.code, "a code was not written"),
        }
    });
    Ok(Some(ticket))
}

/// Logs in by a mailed code. If the account had not proved the address, this proves it. Since the account may have been
/// made by somebody who does not read the mailbox, its password and sessions then end.
pub async fn by_code(
    app: &App,
    visitor: &Visitor,
    device: String,
    wanted: LogInByCode,
    ticket: Option<Ticket>,
) -> Result<LoggedIn, Problem> {
    let email = read_email(&wanted.email)?;
    let code = read_code(&wanted.code)?;
    app.limits.try_code(visitor.client).await?;
    let holder = ticket.ok_or_else(wrong_code)?.holder();
    let hash = letters::code_hash(app, holder, &email, &code);
    if !is_right(app, visitor, Purpose::LogIn, holder, &email, hash).await? {
        return Err(wrong_code());
    }
    let holders = app.store.holders(&email).await.map_err(store_failed)?;
    let account = holders.reached().ok_or_else(wrong_code)?;
    let account = if account.email.as_ref() == Some(&email) {
        account
    } else {
        let mails = address_changed(app, visitor, &account, &email).into_iter().collect();
        let new = NewPassword { proved: Some(email), mails, ..NewPassword::none() };
        sessions::replace_password(app, account.id, &new).await.map_err(|_| wrong_code())?;
        app.store.account(account.id).await.map_err(store_failed)?
    };
    let logged_in = sessions::begin_with_id(app, visitor, &account, device, session_of(hash)).await?;
    adopt_guests(app, visitor, wanted.keep.as_ref(), &account, &logged_in).await?;
    Ok(logged_in)
}

/// The id of the session that a code begins. It is derived from the code's hash, so pressing the button twice begins
/// one session.
fn session_of(code: TokenHash) -> SessionId {
    SessionId(id_of_digest(Sha256::digest(code.0).into()))
}

fn wrong_password() -> Problem {
    let detail = "Wrong email address or password. Try again, or get a code by email.";
    Problem::new(Code::WrongCredentials, detail)
}

fn wrong_code() -> Problem {
    let detail = "Wrong or expired code. A code works for five minutes and five tries, only in the browser that asked for it. \
                  Get a new one. If that doesn’t work either, there were too many wrong tries for this address: log in with \
                  your password, or set a new one.";
    Problem { field: Some("code".to_owned()), ..Problem::new(Code::WrongCredentials, detail) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_begins_one_session() {
        let code = TokenHash(std::array::from_fn(|at| u8::try_from(at).unwrap()));
        assert_eq!(session_of(code).0.as_u128(), 0x630d_cd29_66c4_3366_9112_5448_bbb2_5b4f);
    }
}
