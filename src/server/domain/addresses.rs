//! Addresses of accounts: reading a typed one, claiming one and proving one.
//!
//! An address is *claimed* by any number of accounts, and *proved* by at most one: the account whose user followed a
//! mailed link or typed a mailed code (docs/decisions/0012).

use std::time::Duration;

use super::{
    errors::invalid_or_failed,
    letters::{self, posted},
};
use crate::{
    protocol::{Email, InvalidEmail, Language, Problem},
    server::{
        app::{App, Visitor},
        store::{AccountChange, AccountRecord, ActorId, Letter, MailRecord, Purpose, TokenRecord, in_ascii},
    },
};

/// A claim ends when the address has not been proved for this long.
pub const CLAIM_LIFE: Duration = Duration::from_hours(24 * 30);

/// Reads a typed address and converts it to the stored spelling: a host name beyond ASCII becomes Punycode.
pub fn read_email(text: &str) -> Result<Email, Problem> {
    let ascii = in_ascii(text).ok_or(InvalidEmail)?;
    Ok(Email::try_from(ascii)?)
}

/// The address for mails to an account: the proved one, else the claimed one.
pub(super) fn address_of(account: &AccountRecord) -> Option<&Email> {
    account.email.as_ref().or(account.claimed.as_ref())
}

/// Whether an account has proved or claims this address.
pub(super) fn holds(account: &AccountRecord, email: &Email) -> bool {
    account.email.as_ref() == Some(email) || account.claimed.as_ref() == Some(email)
}

/// The mail to an address that an account claims, and the token that proves the address. If another account has proved
/// the address, the token is in no mail, so that both cases cause the same writes.
pub(super) fn claim_mail(
    app: &App,
    account: &AccountRecord,
    email: &Email,
    is_taken: bool,
    spoken: Language,
) -> Result<(MailRecord, TokenRecord), Problem> {
    let letter = if is_taken { Letter::HasAccount } else { Letter::Verify };
    let mail = letters::write(app, account, email, letter, spoken);
    let holder = ActorId::Account(account.id);
    let token = if is_taken {
        letters::unsent(Purpose::Verify, holder, email.clone(), &mail.letter)
    } else {
        letters::token(app, Purpose::Verify, holder, &mail)?
    };
    Ok((mail, token))
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
