//! Tests of [`Tokens`](super::super::Tokens) for both drivers.

use super::*;

pub async fn of_many_who_take_one_token_at_once_one_gets_it(store: &dyn Store) {
    let token = put(store, Purpose::Reset, account()).await;
    let takes = join_all((0..10).map(|_| store.take_token(token.purpose, token.hash, now()))).await;
    let winners: Vec<_> = takes.iter().flatten().collect();
    assert_eq!(winners, [&token]);
    assert_eq!(takes.iter().filter(|take| is_missing(take)).count(), 9);
}

pub async fn a_newer_code_voids_the_older(store: &dyn Store) {
    let (ada, grace, guest) = (account(), account(), ActorId::Guest(guest()));
    let older = put(store, Purpose::LogIn, ada).await;
    let others = [
        put(store, Purpose::Confirm, ada).await,
        put(store, Purpose::LogIn, grace).await,
        put(store, Purpose::KeepRoom, guest).await,
    ];
    let newer = put(store, Purpose::LogIn, ada).await;
    assert!(is_missing(&store.token(Purpose::LogIn, older.hash, now()).await));
    assert!(is_missing(&store.take_token(Purpose::LogIn, older.hash, now()).await));
    for token in others.iter().chain([&newer]) {
        assert_eq!(store.token(token.purpose, token.hash, now()).await.unwrap(), *token);
    }
}

pub async fn five_links_are_good_at_once_and_nobody_voids_one_for_a_new_password(store: &dyn Store) {
    let ada = account();
    let at = now();
    let link = |purpose, n: Millis| TokenRecord { ends_at: at + HOUR + n, ..token(purpose, ada) };
    let is_good = async |token: &TokenRecord| store.token(token.purpose, token.hash, at).await.is_ok();
    for purpose in [Purpose::Verify, Purpose::Reset] {
        let links: Vec<_> = (0..5).map(|n| link(purpose, n)).collect();
        for link in &links {
            assert!(store.put_token(link, Some(&mail(None)), at).await.unwrap());
        }
        let before = outbox(store).await.len();
        let sixth = link(purpose, 5);
        let is_kept = store.put_token(&sixth, Some(&mail(None)), at).await.unwrap();
        assert_eq!(is_kept, purpose == Purpose::Verify);
        assert_eq!(outbox(store).await.len(), before + usize::from(is_kept), "a mail goes with its token");
        assert_eq!((is_good(&links[0]).await, is_good(&sixth).await), (!is_kept, is_kept));
        for link in &links[1..] {
            assert!(is_good(link).await);
        }
    }
    let later = TokenRecord { ends_at: at + 3 * HOUR, ..link(Purpose::Reset, 0) };
    assert!(store.put_token(&later, None, at + HOUR).await.unwrap(), "when one has ended there is place for another");
    assert!(is_good(&later).await);
}

pub async fn links_for_a_new_password_are_used_up_together(store: &dyn Store) {
    let (ada, grace) = (make_account(store).await, make_account(store).await);
    let of = |account: &AccountRecord| ActorId::Account(account.id);
    let [one, two] = [put(store, Purpose::Reset, of(&ada)).await, put(store, Purpose::Reset, of(&ada)).await];
    let other = put(store, Purpose::Reset, of(&grace)).await;
    let verify = put(store, Purpose::Verify, of(&ada)).await;
    let new = |followed| NewPassword {
        password: Some(PasswordHash("$argon2id$".into())),
        proved: None,
        ending: Ending::All,
        mails: Vec::new(),
        followed,
        token: None,
    };
    let at = now();
    for wrong in [hash(), other.hash, verify.hash] {
        assert!(is_missing(&store.replace_password(ada.id, &new(Some((wrong, at)))).await));
    }
    assert!(is_missing(&store.replace_password(ada.id, &new(Some((one.hash, one.ends_at)))).await), "it has ended");
    assert_eq!(store.account(ada.id).await.unwrap(), ada);
    assert!(is_missing(&store.used_token(Purpose::Reset, one.hash, at).await), "nothing was used");

    let (first, second) = (new(Some((one.hash, at))), new(Some((one.hash, at))));
    let both = join(store.replace_password(ada.id, &first), store.replace_password(ada.id, &second)).await;
    assert!(matches!(both, (Ok(_), Err(StoreError::NotFound)) | (Err(StoreError::NotFound), Ok(_))), "{both:?}");
    for link in [&one, &two] {
        assert!(is_missing(&store.token(Purpose::Reset, link.hash, at).await));
        assert_eq!(store.used_token(Purpose::Reset, link.hash, at).await.unwrap(), *link);
        assert!(is_missing(&store.used_token(Purpose::Reset, link.hash, link.ends_at).await));
    }
    assert!(
        store.token(Purpose::Reset, other.hash, at).await.is_ok()
            && store.token(Purpose::Verify, verify.hash, at).await.is_ok()
    );

    // The link that proved an address can also set a password: one hash may have tokens for two purposes.
    let token = TokenRecord { purpose: Purpose::Reset, ..verify.clone() };
    let proving = NewPassword { password: None, token: Some(token.clone()), ..new(None) };
    store.replace_password(ada.id, &proving).await.unwrap();
    assert_eq!(store.token(Purpose::Reset, verify.hash, at).await.unwrap(), token);
    assert_eq!(store.token(Purpose::Verify, verify.hash, at).await.unwrap(), verify);
}

pub async fn of_tokens_put_at_once_one_is_left(store: &dyn Store) {
    let before = outbox(store).await.len();
    let ada = account();
    let tokens: Vec<_> = (0..10).map(|_| (token(Purpose::LogIn, ada), mail(None))).collect();
    for put in join_all(tokens.iter().map(|(token, mail)| store.put_token(token, Some(mail), now()))).await {
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
    assert!(store.put_token(&newer, Some(&mail), now()).await.is_err(), "the mail is there already");
    assert!(is_missing(&store.token(Purpose::Verify, newer.hash, now()).await));
    assert_eq!(store.token(Purpose::Verify, older.hash, now()).await.unwrap(), older);
}

pub async fn a_token_needs_no_mail(store: &dyn Store) {
    let before = outbox(store).await;
    let token = token(Purpose::LogIn, account());
    store.put_token(&token, None, now()).await.unwrap();
    assert_eq!(store.try_code(token.purpose, token.holder, hash(), 5, now()).await.unwrap(), CodeCheck::Wrong(4));
    assert_eq!(outbox(store).await, before);
}

pub async fn a_right_code_is_good_once_and_known_again_for_a_moment(store: &dyn Store) {
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
    assert_eq!(at_once.iter().filter(|check| **check == CodeCheck::Again).count(), 3, "{at_once:?}");
    let again = async |hash, at| store.try_code(Purpose::LogIn, ada, hash, 5, at).await.unwrap();
    let at = now();
    assert_eq!(again(hash(), at).await, CodeCheck::None);
    assert_eq!(again(token.hash, at + 61_000).await, CodeCheck::None, "for a minute");
    assert_eq!(tries(Purpose::LogIn, account(), token.hash, at).await, CodeCheck::None, "another's");
    let newer = put(store, Purpose::LogIn, ada).await;
    assert_eq!(again(token.hash, at).await, CodeCheck::Again);
    assert_eq!(again(newer.hash, at).await, CodeCheck::Right);
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
    store.put_token(&token, Some(&mail(None)), now()).await.unwrap();
    token
}

fn account() -> ActorId {
    ActorId::Account(AccountId(Uuid::new_v4()))
}
