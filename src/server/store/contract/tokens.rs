//! Stories of tokens.

use super::*;

pub async fn of_many_who_take_one_token_at_once_one_gets_it(store: &dyn Store) {
    let token = put(store, Purpose::Reset, account()).await;
    let takes = join_all((0..10).map(|_| store.take_token(token.purpose, token.hash, now()))).await;
    let winners: Vec<_> = takes.iter().flatten().collect();
    assert_eq!(winners, [&token]);
    assert_eq!(takes.iter().filter(|take| is_missing(take)).count(), 9);
}

pub async fn a_newer_token_voids_the_older(store: &dyn Store) {
    let (ada, grace, guest) = (account(), account(), ActorId::Guest(guest()));
    let older = put(store, Purpose::Verify, ada).await;
    let others = [
        put(store, Purpose::Reset, ada).await,
        put(store, Purpose::Verify, grace).await,
        put(store, Purpose::KeepRoom, guest).await,
    ];
    let newer = put(store, Purpose::Verify, ada).await;
    assert!(is_missing(&store.token(Purpose::Verify, older.hash, now()).await));
    assert!(is_missing(&store.take_token(Purpose::Verify, older.hash, now()).await));
    for token in others.iter().chain([&newer]) {
        assert_eq!(store.token(token.purpose, token.hash, now()).await.unwrap(), *token);
    }
}

pub async fn of_tokens_put_at_once_one_is_left(store: &dyn Store) {
    let before = outbox(store).await.len();
    let ada = account();
    let tokens: Vec<_> = (0..10).map(|_| (token(Purpose::LogIn, ada), mail(None))).collect();
    for put in join_all(tokens.iter().map(|(token, mail)| store.put_token(token, Some(mail)))).await {
        put.unwrap();
    }
    let looks = join_all(tokens.iter().map(|(token, _)| store.token(token.purpose, token.hash, now()))).await;
    assert_eq!(looks.iter().flatten().count(), 1);
    assert_eq!(outbox(store).await.len(), before + 10);
}

pub async fn a_token_is_for_its_purpose_and_its_time(store: &dyn Store) {
    let token = put(store, Purpose::Verify, account()).await;
    assert!(is_missing(&store.token(Purpose::Reset, token.hash, now()).await));
    assert!(is_missing(&store.take_token(Purpose::Reset, token.hash, now()).await));
    assert!(is_missing(&store.token(token.purpose, token.hash, token.ends_at).await));
    assert!(is_missing(&store.take_token(token.purpose, token.hash, token.ends_at).await));
    assert!(is_missing(&store.token(token.purpose, hash(), now()).await));
    assert_eq!(
        store.token(token.purpose, token.hash, token.ends_at - 1).await.unwrap(),
        token,
        "looking takes nothing"
    );
    assert_eq!(store.take_token(token.purpose, token.hash, token.ends_at - 1).await.unwrap(), token);
    assert!(is_missing(&store.token(token.purpose, token.hash, now()).await));
}

pub async fn a_token_and_its_mail_are_both_there_or_neither_is(store: &dyn Store) {
    let mail = mail(None);
    store.put_mail(&mail).await.unwrap();
    let ada = account();
    let older = put(store, Purpose::Verify, ada).await;
    let newer = token(Purpose::Verify, ada);
    assert!(store.put_token(&newer, Some(&mail)).await.is_err(), "the mail is there already");
    assert!(is_missing(&store.token(Purpose::Verify, newer.hash, now()).await));
    assert_eq!(store.token(Purpose::Verify, older.hash, now()).await.unwrap(), older);
}

pub async fn a_token_needs_no_mail(store: &dyn Store) {
    let before = outbox(store).await;
    let token = token(Purpose::LogIn, account());
    store.put_token(&token, None).await.unwrap();
    assert_eq!(store.try_code(token.purpose, token.holder, hash(), 5, now()).await.unwrap(), CodeCheck::Wrong(4));
    assert_eq!(outbox(store).await, before);
}

pub async fn a_right_code_is_good_once(store: &dyn Store) {
    let ada = account();
    let token = put(store, Purpose::LogIn, ada).await;
    let tries = async |purpose, holder, hash, now| store.try_code(purpose, holder, hash, 5, now).await.unwrap();
    assert_eq!(tries(Purpose::Confirm, ada, token.hash, now()).await, CodeCheck::None, "for another purpose");
    assert_eq!(tries(Purpose::LogIn, account(), token.hash, now()).await, CodeCheck::None, "another's");
    assert_eq!(tries(Purpose::LogIn, ada, token.hash, token.ends_at).await, CodeCheck::None, "it has ended");
    assert_eq!(tries(Purpose::LogIn, ada, hash(), now()).await, CodeCheck::Wrong(4));
    assert_eq!(store.token(token.purpose, token.hash, now()).await.unwrap().tries, 1);
    let at_once = join_all((0..4).map(|_| tries(Purpose::LogIn, ada, token.hash, now()))).await;
    assert_eq!(at_once.iter().filter(|check| **check == CodeCheck::Right).count(), 1);
    assert_eq!(at_once.iter().filter(|check| **check == CodeCheck::None).count(), 3);
}

pub async fn wrong_tries_at_once_are_counted_one_by_one(store: &dyn Store) {
    let ada = account();
    for _ in 0..5 {
        let token = put(store, Purpose::Confirm, ada).await;
        let tries = join_all((0..8).map(|_| store.try_code(token.purpose, ada, hash(), 5, now()))).await;
        let left: Vec<_> = tries.iter().map(|check| check.as_ref().unwrap()).collect();
        for n in 0..5 {
            assert_eq!(left.iter().filter(|check| ***check == CodeCheck::Wrong(n)).count(), 1, "{left:?}");
        }
        assert_eq!(left.iter().filter(|check| ***check == CodeCheck::None).count(), 3, "{left:?}");
        let late = store.try_code(token.purpose, ada, token.hash, 5, now()).await.unwrap();
        assert_eq!(late, CodeCheck::None, "the right one comes too late");
    }
    let newer = put(store, Purpose::Confirm, ada).await;
    let check = store.try_code(newer.purpose, ada, hash(), 5, now()).await.unwrap();
    assert_eq!(check, CodeCheck::Wrong(4), "a newer one is counted anew");
}

pub async fn tokens_are_forgotten_once_they_ended(store: &dyn Store) {
    let token = put(store, Purpose::Verify, account()).await;
    assert_eq!(store.forget_tokens(token.ends_at).await.unwrap(), 0);
    assert_eq!(store.forget_tokens(token.ends_at + 1).await.unwrap(), 1);
    assert!(is_missing(&store.token(token.purpose, token.hash, 0).await));
}

async fn put(store: &dyn Store, purpose: Purpose, holder: ActorId) -> TokenRecord {
    let token = token(purpose, holder);
    store.put_token(&token, Some(&mail(None))).await.unwrap();
    token
}

fn account() -> ActorId {
    ActorId::Account(AccountId(Uuid::new_v4()))
}
