//! Accounts: registering one.
//!
//! Registering gives the same answer, with the same writes, whether or not another account has proved the address: it
//! creates an account that claims it. Only the mail differs, so only a reader of the mailbox learns that there is an
//! account already.

use sha2::{Digest, Sha256};

use super::{
    addresses::{claim_mail, prove, read_email},
    errors::store_failed,
    guests,
    keeping::{KeptGuest, adopt_guests, kept_guest, other_address},
    letters::{self, posted},
    profiles::read_name,
    sessions::{self, LoggedIn},
    strength,
};
use crate::{
    protocol::{Email, Nickname, Preferences, Problem, Reason, Register, Secret},
    server::{
        app::{App, Visitor},
        clock, random,
        store::{AccountId, AccountRecord, Conflict, GuestId, Registration, StoreError},
        token::id_of_digest,
    },
};

/// Creates an account and logs it in. `form` is the random id in the page's form, if the request came from one.
///
/// A second registration with the same address returns the first account if that address is not proved yet, and the
/// request comes from the same session, guest or form: the user pressed twice, or lost the answer. The account's id is
/// derived from the address and the guest or form, so of two simultaneous requests the store lets only one create the
/// account.
pub async fn register(
    app: &App,
    visitor: &Visitor,
    device: String,
    wanted: Register,
    form: Option<&str>,
) -> Result<LoggedIn, Problem> {
    let name = read_name(&wanted.name)?;
    let email = read_email(&wanted.email)?;
    app.limits.register(visitor.client, &email).await?;
    let typed = wanted.password.filter(|password| !password.reveal().is_empty());
    let kept = match &wanted.keep {
        Some(token) => Some(kept_guest(app, token).await?),
        None => None,
    };
    let own = visitor.guest().map(|guest| guest.id);
    if kept.as_ref().is_some_and(|kept| kept.sent_to != email && Some(kept.guest) != own) {
        return Err(other_address());
    }
    let again = match visitor.account() {
        Ok((account, _)) => Some(account.clone()).filter(|account| is_unproved(account, &email)),
        Err(_) => None,
    };
    let (account, is_new) = match again {
        Some(account) => {
            check_repeat(app, &account, typed.as_ref()).await?;
            (account, false)
        }
        None => make_account(app, visitor, name, &email, typed.as_ref(), kept.as_ref(), form).await?,
    };
    if let Some(KeptGuest { sent_to, .. }) = &kept
        && *sent_to == email
        && app.store.holders(&email).await.map_err(store_failed)?.proved.is_none()
    {
        // Fails if another account proves the address at this moment. Then the address stays claimed, which is no
        // error.
        let _ = prove(app, visitor, &account, &email).await;
    }
    let account = app.store.account(account.id).await.map_err(store_failed)?;
    let logged_in = sessions::begin(app, visitor, &account, device).await?;
    if !is_new {
        adopt_guests(app, visitor, wanted.keep.as_ref(), &account, &logged_in).await?;
    }
    Ok(logged_in)
}

/// Whether an account claims this address and has not proved any.
fn is_unproved(account: &AccountRecord, email: &Email) -> bool {
    account.email.is_none() && account.claimed.as_ref() == Some(email)
}

/// Compares the password of a repeated registration with that of the first. A repeat without a password is accepted.
async fn check_repeat(app: &App, account: &AccountRecord, typed: Option<&Secret>) -> Result<(), Problem> {
    let Some(typed) = typed else { return Ok(()) };
    if app.hasher.check(typed, account.password.clone()).await? {
        return Ok(());
    }
    let detail = "You just registered with this address and a different password. Use that one.";
    Err(Problem::invalid("password", detail).with_reason(Reason::OtherPassword))
}

/// Creates an account, or finds the one that the same browser has just created. Returns whether it is new. A new
/// account has already taken over the memberships of the guests.
async fn make_account(
    app: &App,
    visitor: &Visitor,
    name: Nickname,
    email: &Email,
    typed: Option<&Secret>,
    kept: Option<&KeptGuest>,
    form: Option<&str>,
) -> Result<(AccountRecord, bool), Problem> {
    let password = match typed {
        Some(typed) => Some(strength::choose(app, "password", typed, vec![name.to_string(), email.to_string()]).await?),
        None => None,
    };
    let own = visitor.guest().map(|guest| guest.id);
    let guests: Vec<GuestId> =
        own.into_iter().chain(kept.map(|kept| kept.guest).filter(|kept| Some(*kept) != own)).collect();
    let is_taken = app.store.holders(email).await.map_err(store_failed)?.proved.is_some();
    let of_browser = own.map(|guest| guest.0.to_string()).or(form.map(ToOwned::to_owned));
    let mut account = AccountRecord {
        id: of_browser.map_or_else(|| AccountId(random::uuid()), |browser| id_of(&browser, email)),
        email: None,
        claimed: Some(email.clone()),
        claimed_at: Some(clock::now()),
        name,
        password,
        preferences: Preferences::default(),
        created_at: clock::now(),
    };
    loop {
        let (mail, token) = claim_mail(app, &account, email, is_taken, visitor.language)?;
        let mail = letters::keep_within_quota(app, visitor, mail).await;
        let registration = Registration { account: &account, token: &token, mail: mail.as_ref(), guests: &guests };
        match app.store.register(&registration).await {
            Ok(adopted) => {
                posted(app);
                for adopted in adopted {
                    guests::notify_adopted(app, account.id, adopted).await;
                }
                return Ok((account, true));
            }
            Err(StoreError::Conflict(Conflict::Registered)) => {
                let before = app.store.account(account.id).await;
                if let Some(before) = before.ok().filter(|before| is_unproved(before, email)) {
                    check_repeat(app, &before, typed).await?;
                    return Ok((before, false));
                }
                // The first account has changed since, so this request is a registration of its own, with a random id.
                account.id = AccountId(random::uuid());
            }
            Err(error) => return Err(store_failed(error)),
        }
    }
}

/// The id of the account that a browser creates with an address. `browser` is the guest's id or the form's random id.
fn id_of(browser: &str, email: &Email) -> AccountId {
    AccountId(id_of_digest(Sha256::digest(format!("{browser} registers {email}")).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_and_an_address_make_one_id() {
        let ada = Email::try_from("ada@example.org").unwrap();
        assert_eq!(id_of("form-1", &ada).0.as_u128(), 0x9af6_a0ae_d79a_5289_e215_f66c_f75b_14ba);
        assert_ne!(id_of("form-2", &ada), id_of("form-1", &ada));
    }
}
