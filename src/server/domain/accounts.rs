//! Accounts: registering, proving an address, and changing one's own profile and preferences.
//!
//! An address is *claimed* by any number of accounts, and *proved* by at most one: the account whose user followed a
//! mailed link or typed a mailed code (docs/decisions/0012). Registering gives the same answer, with the same writes,
//! whether or not another account has proved the address: it creates an account that claims it. Only the mail differs,
//! so only a reader of the mailbox learns that there is an account already.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::{
    guests,
    letters::{self, posted},
    login::{self, prove},
    passwords::{self, invalid_or_failed},
    sessions::{self, LoggedIn},
    store_failed,
};
use crate::{
    protocol::{
        ByeReason, ChangeEmail, ChangeName, Confirmation, Email, KeepRoom, Language, Nickname, Preferences, Problem,
        Profile, Reason, Register, RoomCode, Secret, VerifyEmail,
    },
    server::{
        app::{App, Visitor},
        clock, random,
        room::Discretion,
        store::{
            AccountChange, AccountId, AccountRecord, ActorId, Conflict, Ending, GuestId, Letter, MailRecord,
            NewPassword, Purpose, Registration, StoreError, TokenHash, TokenRecord,
        },
        text,
        token::id_of_digest,
    },
};

/// After a change of preferences has closed an account's sockets, further changes close them at most once more in this
/// time.
const CLOSE_CONNECTIONS_PAUSE: Duration = Duration::from_secs(2);
/// A claim ends when the address has not been proved for this long.
pub const CLAIM_LIFE: Duration = Duration::from_hours(24 * 30);
/// The link that proved an address can set a password for this long.
const SET_UP: Duration = Duration::from_mins(10);

/// An account as its own user sees it.
pub(super) fn profile(account: &AccountRecord) -> Profile {
    let verified = account.email.is_some();
    Profile {
        name: account.name.clone(),
        email: login::address_of(account).cloned(),
        verified,
        pending_email: account.claimed.clone().filter(|claimed| verified && Some(claimed) != account.email.as_ref()),
        claim_ends_at: account.claimed_at.map(|at| at + clock::millis(CLAIM_LIFE)),
        has_password: account.password.is_some(),
        preferences: account.preferences.clone(),
        created_at: account.created_at,
    }
}

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
    let email = login::read_email(&wanted.email)?;
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
        Some(typed) => {
            Some(passwords::choose(app, "password", typed, vec![name.to_string(), email.to_string()]).await?)
        }
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
        let mail = deliver(app, visitor, mail).await;
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

/// Gives the account the memberships of this browser's guest, and of the guest whose room a mail keeps (`token`).
///
/// If the first fails, the new session is ended, so that logging in again repeats all of it. A failure of the second is
/// only logged.
pub(super) async fn adopt_guests(
    app: &App,
    visitor: &Visitor,
    token: Option<&Secret>,
    account: &AccountRecord,
    logged_in: &LoggedIn,
) -> Result<(), Problem> {
    if let Some(guest) = visitor.guest()
        && let Err(problem) = guests::adopt(app, guest.id, account.id).await
    {
        sessions::end(app, account.id, Ending::One(logged_in.session)).await?;
        return Err(problem);
    }
    let Some(token) = token else { return Ok(()) };
    let kept = async {
        let KeptGuest { hash, guest, sent_to } = kept_guest(app, token).await?;
        // A link can be passed on, and its user would become the author of the guest's messages. So only an account of
        // the address that it was mailed to may use it.
        if !login::holds(account, &sent_to) {
            return Err(other_address());
        }
        app.store.take_token(Purpose::KeepRoom, hash, clock::now()).await.map_err(invalid_or_failed)?;
        guests::adopt(app, guest, account.id).await
    };
    if let Err(problem) = kept.await {
        tracing::info!(code = ?problem.code, "a room was not kept");
    }
    Ok(())
}

fn other_address() -> Problem {
    let detail = "This link only works for the email address it was sent to. Use that address.";
    Problem::invalid("email", detail).with_reason(Reason::OtherAddress)
}

/// Returns the mail, or `None` if its mailbox has received as many letters as the quota allows.
async fn deliver(app: &App, visitor: &Visitor, mail: MailRecord) -> Option<MailRecord> {
    let is_known = visitor.is_known_to(&app.keys, &mail.to);
    app.limits.letter_to(&mail.to, is_known).await.then_some(mail)
}

/// The mail to an address that an account claims, and the token that proves the address. If another account has proved
/// the address, the token is in no mail, so that both cases cause the same writes.
fn claim_mail(
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

/// A guest whose room is kept by a mailed link.
struct KeptGuest {
    hash: TokenHash,
    guest: GuestId,
    /// The address that the link was mailed to.
    sent_to: Email,
}

/// The guest for whose room this token was mailed.
async fn kept_guest(app: &App, token: &Secret) -> Result<KeptGuest, Problem> {
    let hash = letters::read_link_token(token)?.hash();
    let token = app.store.token(Purpose::KeepRoom, hash, clock::now()).await.map_err(invalid_or_failed)?;
    match token.holder {
        ActorId::Guest(guest) => Ok(KeptGuest { hash, guest, sent_to: token.email }),
        ActorId::Account(_) => Err(Problem::token_invalid()),
    }
}

/// Mails a guest a link with which they can return to their room and register.
pub async fn keep_room(app: &App, visitor: &Visitor, wanted: KeepRoom) -> Result<(), Problem> {
    let code: RoomCode = wanted.code.parse()?;
    let email = login::read_email(&wanted.email)?;
    let Some(guest) = visitor.guest() else {
        visitor.actor()?;
        return Err(Problem::invalid("code", "This room is already in your account."));
    };
    let (_, member) = super::rooms::membership(app, ActorId::Guest(guest.id), code).await?;
    app.limits.mail(visitor.client, &email).await?;
    let now = clock::now();
    let mail = MailRecord {
        id: crate::server::store::MailId(random::uuid()),
        account: None,
        guest: Some(guest.id),
        to: email,
        name: member.name,
        language: visitor.language,
        letter: Letter::KeepRoom { code },
        key: app.keys.current_id().to_owned(),
        created_at: now,
        due_at: now,
        attempts: 0,
    };
    let token = letters::token(app, Purpose::KeepRoom, ActorId::Guest(guest.id), &mail)?;
    if let Some(mail) = deliver(app, visitor, mail).await {
        app.store.put_token(&token, Some(&mail), now).await.map_err(store_failed)?;
    }
    posted(app);
    Ok(())
}

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
    let mails = login::address_changed(app, visitor, &account, &email).into_iter().collect();
    let sets_password = TokenRecord { purpose: Purpose::Reset, ends_at: now + clock::millis(SET_UP), ..token };
    let new = NewPassword { proved: Some(email.clone()), mails, token: Some(sets_password), ..NewPassword::none() };
    sessions::replace_password(app, account.id, &new).await.map_err(invalid_or_failed)?;
    Ok(Verified { email, is_here, sets_password: true })
}

/// What the token of a mail would prove.
pub struct Claim {
    /// The address to prove.
    pub email: Email,
    /// The account's name.
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
    if login::holds(&account, &token.email) { Ok(account) } else { Err(Problem::token_invalid()) }
}

fn is_logged_in_as(visitor: &Visitor, id: AccountId) -> bool {
    visitor.account().is_ok_and(|(account, _)| account.id == id)
}

/// The visitor's own account.
pub fn me(visitor: &Visitor) -> Result<Profile, Problem> {
    visitor.account().map(|(account, _)| profile(account))
}

/// Stores the account's preferences. If they change what others see of the user (typing, read marks), the account's
/// sockets are closed and reconnect, because that is decided when a socket subscribes to a room.
pub async fn prefer(app: &App, visitor: &Visitor, mut wanted: Preferences) -> Result<Profile, Problem> {
    let (account, _) = visitor.account()?;
    // Preferences are deserialised as stored, without checks, so a new nickname is checked here.
    if wanted.nickname != account.preferences.nickname {
        let read =
            |name: &Nickname| text::nickname(name.as_str()).map_err(|reason| Problem::from(("nickname", reason)));
        wanted.nickname = wanted.nickname.as_ref().map(read).transpose()?;
    }
    if account.preferences == wanted {
        return Ok(profile(account));
    }
    let shows_the_same = Discretion::from(&account.preferences) == Discretion::from(&wanted);
    let profile = change(app, visitor, AccountChange::Preferences(wanted)).await?;
    if !shows_the_same {
        close_account_connections(app, account.id).await;
    }
    Ok(profile)
}

/// Closes the account's sockets in all its rooms, so that they reconnect. The first change does so at once. Further
/// changes within [`CLOSE_CONNECTIONS_PAUSE`] do so once more, when the pause is over.
async fn close_account_connections(app: &App, account: AccountId) {
    let job = |name: &str| format!("{name}:{}", account.0);
    if app.bus.claim_job(&job("hang-up"), CLOSE_CONNECTIONS_PAUSE).await.unwrap_or(true) {
        return close_account_connections_now(app, account).await;
    }
    if app.bus.claim_job(&job("hang-up-later"), CLOSE_CONNECTIONS_PAUSE).await.unwrap_or(true) {
        let app = app.clone();
        app.after_answer.clone().spawn(async move {
            let pause = sleep(CLOSE_CONNECTIONS_PAUSE);
            if app.stopping.run_until_cancelled(pause).await.is_some() {
                close_account_connections_now(&app, account).await;
            }
        });
    }
}

async fn close_account_connections_now(app: &App, account: AccountId) {
    match app.store.rooms_of_account(account).await {
        Ok(rooms) => {
            for (room, member) in rooms {
                app.engine.close_connections(room.id, member.member, ByeReason::PreferencesChanged).await;
            }
        }
        Err(error) => {
            tracing::warn!(%error, "sockets were not told of other preferences; they show the old ones until they come back");
        }
    }
}

/// Changes the account's name.
pub async fn rename(app: &App, visitor: &Visitor, wanted: ChangeName) -> Result<Profile, Problem> {
    let name = read_name(&wanted.name)?;
    change(app, visitor, AccountChange::Name(name)).await
}

/// Claims another address, which a mailed link has to prove. Claiming the same address again sends the mail again.
/// Claiming the address that the account has already proved ends the claim to the other one. The answer does not tell
/// whether another account has proved the address.
pub async fn change_email(app: &App, visitor: &Visitor, wanted: ChangeEmail) -> Result<Profile, Problem> {
    let email = login::read_email(&wanted.email)?;
    let (account, _) = visitor.account()?;
    if account.email.as_ref() == Some(&email) {
        return change(app, visitor, AccountChange::Unclaimed).await;
    }
    app.limits.mail(visitor.client, &email).await?;
    let is_again = account.claimed.as_ref() == Some(&email);
    if !is_again {
        login::confirm(app, visitor, Confirmation { password: wanted.password, code: wanted.code }).await?;
    }
    let holders = app.store.holders(&email).await.map_err(store_failed)?;
    let is_taken = holders.proved.is_some_and(|holder| holder.id != account.id);
    let (mail, token) = claim_mail(app, account, &email, is_taken, visitor.language)?;
    let at = mail.created_at;
    let mail = deliver(app, visitor, mail).await;
    let changed = app.store.claim_email(account.id, (&email, at), &token, mail.as_ref()).await.map_err(store_failed)?;
    posted(app);
    Ok(profile(&changed))
}

async fn change(app: &App, visitor: &Visitor, change: AccountChange) -> Result<Profile, Problem> {
    let (account, _) = visitor.account()?;
    app.limits.change_setting(ActorId::Account(account.id)).await?;
    let changed = app.store.change_account(account.id, &change, None).await.map_err(store_failed)?;
    Ok(profile(&changed))
}

fn read_name(typed: &str) -> Result<Nickname, Problem> {
    text::nickname(typed).map_err(|reason| ("name", reason).into())
}
