//! Keeping what a guest has: an account takes over the memberships of guests. These are the browser's own guest, and a
//! guest who had a link mailed to keep a room.

use super::{
    addresses::{holds, read_email},
    errors::{invalid_or_failed, store_failed},
    guests,
    letters::{self, posted},
    rooms::membership,
    sessions::{self, LoggedIn},
};
use crate::{
    protocol::{Email, KeepRoom, Problem, Reason, RoomCode, Secret},
    server::{
        app::{App, Visitor},
        clock, random,
        store::{AccountRecord, ActorId, Ending, GuestId, Letter, MailId, MailRecord, Purpose, TokenHash},
    },
};

/// Mails a guest a link with which they can return to their room and register.
pub async fn keep_room(app: &App, visitor: &Visitor, wanted: KeepRoom) -> Result<(), Problem> {
    let code: RoomCode = wanted.code.parse()?;
    let email = read_email(&wanted.email)?;
    let Some(guest) = visitor.guest() else {
        visitor.actor()?;
        return Err(Problem::invalid("code", "This room is already in your account."));
    };
    let (_, member) = membership(app, ActorId::Guest(guest.id), code).await?;
    app.limits.mail(visitor.client, &email).await?;
    let now = clock::now();
    let mail = MailRecord {
        id: MailId(random::uuid()),
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
    if let Some(mail) = letters::keep_within_quota(app, visitor, mail).await {
        app.store.put_token(&token, Some(&mail), now).await.map_err(store_failed)?;
    }
    posted(app);
    Ok(())
}

/// A guest whose room is kept by a mailed link.
pub(super) struct KeptGuest {
    hash: TokenHash,
    pub guest: GuestId,
    /// The address that the link was mailed to.
    pub sent_to: Email,
}

/// The guest for whose room this token was mailed.
pub(super) async fn kept_guest(app: &App, token: &Secret) -> Result<KeptGuest, Problem> {
    let hash = letters::read_link_token(token)?.hash();
    let token = app.store.token(Purpose::KeepRoom, hash, clock::now()).await.map_err(invalid_or_failed)?;
    match token.holder {
        ActorId::Guest(guest) => Ok(KeptGuest { hash, guest, sent_to: token.email }),
        ActorId::Account(_) => Err(Problem::token_invalid()),
    }
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
        if !holds(account, &sent_to) {
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

pub(super) fn other_address() -> Problem {
    let detail = "This link only works for the email address it was sent to. Use that address.";
    Problem::invalid("email", detail).with_reason(Reason::OtherAddress)
}
