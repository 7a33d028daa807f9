//! Letters: building the outbox record of a mail (`MailRecord`), and the token that its link or code stands for.
//!
//! The secret is not stored. It is derived from the mail's id and a server key, once here for the token's hash, and
//! again when the mail is written out (`mail/letters/`). Here is no sending (`mails.rs`).

use crate::{
    protocol::{Code, Email, Language, Problem, Secret},
    server::{
        app::{App, Visitor},
        clock, random,
        store::{AccountRecord, ActorId, Letter, MailId, MailRecord, Purpose, TokenHash, TokenRecord},
        token::LinkToken,
    },
};

/// A mail to an account, in its preferred language, else in the browser's (`spoken`).
pub(super) fn write(app: &App, account: &AccountRecord, to: &Email, letter: Letter, spoken: Language) -> MailRecord {
    let now = clock::now();
    MailRecord {
        id: MailId(random::uuid()),
        account: Some(account.id),
        guest: None,
        to: to.clone(),
        name: account.name.clone(),
        language: account.preferences.language.unwrap_or(spoken),
        letter,
        key: app.keys.current_id().to_owned(),
        created_at: now,
        due_at: now,
        attempts: 0,
    }
}

/// Returns the mail, or `None` if its mailbox has received as many letters as the quota allows.
pub(super) async fn keep_within_quota(app: &App, visitor: &Visitor, mail: MailRecord) -> Option<MailRecord> {
    let is_known = visitor.is_known_to(&app.keys, &mail.to);
    app.limits.letter_to(&mail.to, is_known).await.then_some(mail)
}

/// The token record for the link or code in a mail. It holds only a hash of the secret.
pub(super) fn token(app: &App, purpose: Purpose, holder: ActorId, mail: &MailRecord) -> Result<TokenRecord, Problem> {
    let lost = || Problem::new(Code::Internal, "Something went wrong. Try again.");
    let hash = match purpose {
        Purpose::Verify | Purpose::Reset | Purpose::KeepRoom => {
            app.keys.link_token(&mail.key, mail.id).ok_or_else(lost)?.hash()
        }
        Purpose::LogIn | Purpose::Confirm => {
            let code = app.keys.code(&mail.key, mail.id).ok_or_else(lost)?;
            code_hash(app, holder, &mail.to, &code)
        }
    };
    let ends_at = mail.created_at + clock::millis(mail.letter.life());
    Ok(TokenRecord { purpose, holder, hash, email: mail.to.clone(), tries: 0, ends_at })
}

/// A token with a random hash, whose secret nobody knows. It causes the same writes and checks as a real one.
pub(super) fn unsent(purpose: Purpose, holder: ActorId, email: Email, letter: &Letter) -> TokenRecord {
    let ends_at = clock::now() + clock::millis(letter.life());
    TokenRecord { purpose, holder, hash: TokenHash(random::token()), email, tries: 0, ends_at }
}

/// Reads the token of a mailed link. A malformed one is refused here, without reading the store.
pub(super) fn read_link_token(text: &Secret) -> Result<LinkToken, Problem> {
    LinkToken::parse(text.reveal()).ok_or_else(Problem::token_invalid)
}

/// The hash under which a code is stored. It includes the holder and the address, so the code is valid only for both.
pub(super) fn code_hash(app: &App, holder: ActorId, email: &Email, code: &str) -> TokenHash {
    app.keys.code_hash(holder, &format!("{code} {email}"))
}

/// Wakes this node's sender, because a mail was put into the outbox.
pub(super) fn posted(app: &App) {
    app.mail_waits.notify_one();
}
