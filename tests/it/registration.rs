//! An account that is stored without a node: only its records.

use anonchat::{
    protocol::{Email, Language, Nickname, Preferences},
    server::{
        clock, random,
        store::{
            AccountId, AccountRecord, ActorId, Letter, MailId, MailRecord, Purpose, Registration, Store, TokenHash,
            TokenRecord,
        },
    },
};

/// Stores a new account by the name of Ada.
pub async fn register(store: &dyn Store) -> AccountRecord {
    let (id, at) = (AccountId(random::uuid()), clock::now());
    let name = Nickname::try_from("Ada").unwrap();
    let account = AccountRecord {
        id,
        email: None,
        claimed: None,
        claimed_at: None,
        name: name.clone(),
        password: None,
        preferences: Preferences::default(),
        created_at: at,
    };
    let mail = MailRecord {
        id: MailId(random::uuid()),
        account: Some(id),
        guest: None,
        to: Email::try_from("ada@example.org").unwrap(),
        name,
        language: Language::English,
        letter: Letter::Verify,
        key: String::new(),
        created_at: at,
        due_at: at,
        attempts: 0,
    };
    let token = TokenRecord {
        purpose: Purpose::Verify,
        holder: ActorId::Account(id),
        hash: TokenHash(random::token()),
        email: mail.to.clone(),
        tries: 0,
        ends_at: at + 3_600_000,
    };
    let registration = Registration { account: &account, token: &token, mail: Some(&mail), guests: &[] };
    store.register(&registration).await.unwrap();
    account
}
