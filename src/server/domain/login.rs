//! Logging in by password or by mailed code, and confirming that a request comes from the account's user.
//!
//! An unknown address gets the same answer as a known one, after the same work, so nobody can find out which addresses
//! have accounts. Which account an address leads to while several claim it is decided in docs/decisions/0012 and 0022.

use sha2::{Digest, Sha256};

use super::{
    accounts,
    letters::{self, CODE_TRIES, posted},
    passwords::invalid_or_failed,
    sessions::{self, LoggedIn},
    store_failed,
};
use crate::{
    protocol::{
        Code, CodeUse, Confirmation, Email, InvalidEmail, LogIn, LogInByCode, Problem, RequestCode, Secret,
        limits::PASSWORD_CHARS,
    },
    server::{
        app::{App, Visitor, composed},
        clock,
        store::{
            AccountChange, AccountRecord, ActorId, CodeCheck, Ending, Holders, Letter, MailRecord, NewPassword,
            Purpose, SessionId, TokenHash, TokenRecord, in_ascii,
        },
        token::{Ticket, id_of_digest},
    },
};

/// Digits of a mailed code.
const CODE_DIGITS: usize = 8;

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
    accounts::adopt_guests(app, visitor, wanted.keep.as_ref(), &account, &logged_in).await?;
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

async fn send_confirmation(app: &App, visitor: &Visitor) -> Result<(), Problem> {
    let (account, _) = visitor.account()?;
    let Some(email) = address_of(account) else { return Err(Problem::not_logged_in()) };
    app.limits.mail(visitor.client, email).await?;
    let mail = letters::write(app, account, email, Letter::ConfirmCode, visitor.language);
    let token: TokenRecord = letters::token(app, Purpose::Confirm, ActorId::Account(account.id), &mail)?;
    app.store.put_token(&token, Some(&mail), mail.created_at).await.map_err(store_failed)?;
    posted(app);
    Ok(())
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
    accounts::adopt_guests(app, visitor, wanted.keep.as_ref(), &account, &logged_in).await?;
    Ok(logged_in)
}

/// Whether a code is right, or was right and used a moment ago. Once an address has used up its tries, every code
/// counts as wrong, except in browsers that were logged in with the address before.
async fn is_right(
    app: &App,
    visitor: &Visitor,
    purpose: Purpose,
    holder: ActorId,
    email: &Email,
    hash: TokenHash,
) -> Result<bool, Problem> {
    let checked = app.store.try_code(purpose, holder, hash, CODE_TRIES, clock::now()).await.map_err(store_failed)?;
    // Without a stored code nothing can be guessed, so no try is counted.
    if checked == CodeCheck::None {
        return Ok(false);
    }
    let judges = app.limits.may_judge_code(email, visitor.is_known_to(&app.keys, email)).await;
    Ok(judges && matches!(checked, CodeCheck::Right | CodeCheck::Again))
}

/// The id of the session that a code begins. It is derived from the code's hash, so pressing the button twice begins
/// one session.
fn session_of(code: TokenHash) -> SessionId {
    SessionId(id_of_digest(Sha256::digest(code.0).into()))
}

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

/// Records that the account has proved an address, and mails a notice to its former address, if it had another.
pub(super) async fn prove(app: &App, visitor: &Visitor, account: &AccountRecord, email: &Email) -> Result<(), Problem> {
    if account.email.as_ref() == Some(email) {
        return Ok(());
    }
    let (change, mail) = (AccountChange::Proved(email.clone()), address_changed(app, visitor, account, email));
    app.store.change_account(account.id, &change, mail.as_ref()).await.map_err(invalid_or_failed)?;
    posted(app);
    Ok(())
}

/// The notice to an account's former address that another address has been proved.
pub(super) fn address_changed(
    app: &App,
    visitor: &Visitor,
    account: &AccountRecord,
    email: &Email,
) -> Option<MailRecord> {
    let before = account.email.as_ref().filter(|before| *before != email)?;
    Some(letters::write(app, account, before, Letter::AddressChanged, visitor.language))
}

/// The address for mails to an account: the proved one, else the claimed one.
pub(super) fn address_of(account: &AccountRecord) -> Option<&Email> {
    account.email.as_ref().or(account.claimed.as_ref())
}

/// Whether an account has proved or claims this address.
pub(super) fn holds(account: &AccountRecord, email: &Email) -> bool {
    account.email.as_ref() == Some(email) || account.claimed.as_ref() == Some(email)
}

/// Reads a typed address and converts it to the stored spelling: a host name beyond ASCII becomes Punycode.
pub fn read_email(text: &str) -> Result<Email, Problem> {
    let ascii = in_ascii(text).ok_or(InvalidEmail)?;
    Ok(Email::try_from(ascii)?)
}

/// The digits of a typed or pasted code. Spaces and all other characters are ignored.
fn read_code(code: &Secret) -> Result<String, Problem> {
    let digits: String = composed(code.reveal()).chars().filter(char::is_ascii_digit).collect();
    if digits.len() == CODE_DIGITS {
        Ok(digits)
    } else {
        Err(Problem::invalid("code", format!("A code has {CODE_DIGITS} digits.")))
    }
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

fn not_confirmed(field: Option<&str>) -> Problem {
    let detail = "Enter your password to confirm this, or get a code by email and enter that.";
    Problem { field: field.map(str::to_owned), ..Problem::new(Code::NotConfirmed, detail) }
}
