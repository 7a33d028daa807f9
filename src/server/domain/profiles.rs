//! The visitor's own account: its profile, and changing its name, its preferences and its address.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    addresses::{self, CLAIM_LIFE, claim_mail, read_email},
    confirming::confirm,
    errors::store_failed,
    letters::{self, posted},
};
use crate::{
    protocol::{ByeReason, ChangeEmail, ChangeName, Confirmation, Nickname, Preferences, Problem, Profile},
    server::{
        app::{App, Visitor},
        clock,
        room::Discretion,
        store::{AccountChange, AccountId, AccountRecord, ActorId},
        text,
    },
};

/// After a change of preferences has closed an account's sockets, further changes close them at most once more in this
/// time.
const CLOSE_CONNECTIONS_PAUSE: Duration = Duration::from_secs(2);

/// An account as its own user sees it.
pub fn profile(account: &AccountRecord) -> Profile {
    let verified = account.email.is_some();
    Profile {
        name: account.name.clone(),
        email: addresses::address_of(account).cloned(),
        verified,
        pending_email: account.claimed.clone().filter(|claimed| verified && Some(claimed) != account.email.as_ref()),
        claim_ends_at: account.claimed_at.map(|at| at + clock::millis(CLAIM_LIFE)),
        has_password: account.password.is_some(),
        preferences: account.preferences.clone(),
        created_at: account.created_at,
    }
}

pub fn me(visitor: &Visitor) -> Result<Profile, Problem> {
    visitor.account().map(|(account, _)| profile(account))
}

pub async fn rename(app: &App, visitor: &Visitor, wanted: ChangeName) -> Result<Profile, Problem> {
    let name = read_name(&wanted.name)?;
    change(app, visitor, AccountChange::Name(name)).await
}

/// Claims another address, which a mailed link has to prove. Claiming the same address again sends the mail again.
/// Claiming the address that the account has already proved ends the claim to the other one. The answer does not tell
/// whether another account has proved the address.
pub async fn change_email(app: &App, visitor: &Visitor, wanted: ChangeEmail) -> Result<Profile, Problem> {
    let email = read_email(&wanted.email)?;
    let (account, _) = visitor.account()?;
    if account.email.as_ref() == Some(&email) {
        return change(app, visitor, AccountChange::Unclaimed).await;
    }
    app.limits.mail(visitor.client, &email).await?;
    let is_again = account.claimed.as_ref() == Some(&email);
    if !is_again {
        confirm(app, visitor, Confirmation { password: wanted.password, code: wanted.code }).await?;
    }
    let holders = app.store.holders(&email).await.map_err(store_failed)?;
    let is_taken = holders.proved.is_some_and(|holder| holder.id != account.id);
    let (mail, token) = claim_mail(app, account, &email, is_taken, visitor.language)?;
    let at = mail.created_at;
    let mail = letters::keep_within_quota(app, visitor, mail).await;
    let changed = app.store.claim_email(account.id, (&email, at), &token, mail.as_ref()).await.map_err(store_failed)?;
    posted(app);
    Ok(profile(&changed))
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

async fn change(app: &App, visitor: &Visitor, change: AccountChange) -> Result<Profile, Problem> {
    let (account, _) = visitor.account()?;
    app.limits.change_setting(ActorId::Account(account.id)).await?;
    let changed = app.store.change_account(account.id, &change, None).await.map_err(store_failed)?;
    Ok(profile(&changed))
}

pub(super) fn read_name(typed: &str) -> Result<Nickname, Problem> {
    text::nickname(typed).map_err(|reason| ("name", reason).into())
}
