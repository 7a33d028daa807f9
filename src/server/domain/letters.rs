//! Letters: what mails are made of, and the tokens that they carry.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{
    protocol::{Code, Email, Language, Problem, Secret},
    server::{
        app::App,
        clock,
        keys::Keys,
        random,
        store::{AccountRecord, ActorId, Letter, MailId, MailRecord, Purpose, TokenHash, TokenRecord},
    },
};

/// Wrong codes until a code is worth nothing.
pub const CODE_TRIES: u8 = 5;

/// A mail to somebody with an account, in the language that they prefer, else in the one that their browser speaks.
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

/// The token that the link or the code in a mail stands for.
pub(super) fn token(app: &App, purpose: Purpose, holder: ActorId, mail: &MailRecord) -> Result<TokenRecord, Problem> {
    let lost = || Problem::new(Code::Internal, "Something went wrong. Try again.");
    let hash = match purpose {
        Purpose::Verify | Purpose::Reset | Purpose::KeepRoom => {
            let token = app.keys.link_token(&mail.key, mail.id).ok_or_else(lost)?;
            Keys::link_hash(&token)
        }
        Purpose::LogIn | Purpose::Confirm => {
            let code = app.keys.code(&mail.key, mail.id).ok_or_else(lost)?;
            code_hash(app, holder, &mail.to, &code)
        }
    };
    let ends_at = mail.created_at + clock::millis(mail.letter.life());
    Ok(TokenRecord { purpose, holder, hash, email: mail.to.clone(), tries: 0, ends_at })
}

/// A token that no mail carries, so that nobody has it.
pub(super) fn unsent(purpose: Purpose, holder: ActorId, email: Email, letter: &Letter) -> TokenRecord {
    let ends_at = clock::now() + clock::millis(letter.life());
    TokenRecord { purpose, holder, hash: TokenHash(random::token()), email, tries: 0, ends_at }
}

/// The token of a link, as it is kept. What cannot be one is told apart before anything is asked or counted.
pub(super) fn link_hash(token: &Secret) -> Result<TokenHash, Problem> {
    let is_token = BASE64_URL_SAFE_NO_PAD.decode(token.reveal()).is_ok_and(|bytes| bytes.len() == 32);
    if is_token { Ok(Keys::link_hash(token.reveal())) } else { Err(Problem::token_invalid()) }
}

/// A code as it is kept: good for one holder, and for the address that it was sent to.
pub(super) fn code_hash(app: &App, holder: ActorId, email: &Email, code: &str) -> TokenHash {
    app.keys.code_hash(holder, &format!("{code} {email}"))
}

/// A mail was put into the outbox: it is sent at once.
pub(super) fn posted(app: &App) {
    app.mail_waits.notify_one();
}
