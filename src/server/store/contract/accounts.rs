//! Tests of [`Accounts`](super::super::Accounts) for both drivers.

use serde_json::{Value, json};

use super::*;

pub async fn an_account_is_kept_with_its_token_and_its_mail(store: &dyn Store) {
    let ada = AccountRecord {
        claimed: Some(email("ada@example.org")),
        password: Some(PasswordHash("$argon2id$".into())),
        preferences: Preferences { nickname: Some(name("Countess")), ..Preferences::default() },
        ..new_account()
    };
    let (token, mail) = (token(Purpose::Verify, ActorId::Account(ada.id)), mail(Some(ada.id)));
    let registration = Registration { account: &ada, token: &token, mail: Some(&mail), guests: &[] };
    store.register(&registration).await.unwrap();
    assert_eq!(store.account(ada.id).await.unwrap(), ada);
    assert_eq!(store.token(token.purpose, token.hash, now()).await.unwrap(), token);
    assert_eq!(outbox(store).await, [mail.id]);
    assert!(is_missing(&store.account(AccountId(Uuid::new_v4())).await));
}

pub async fn what_an_account_is_made_with_is_there_or_nothing_is(store: &dyn Store) {
    let proved = AccountRecord { email: Some(email("ada@example.org")), ..new_account() };
    let first = mail(None);
    register(store, &proved, Some(&first)).await.unwrap();

    let second = AccountRecord { email: proved.email.clone(), ..new_account() };
    let token = token(Purpose::Verify, ActorId::Account(second.id));
    let own = mail(None);
    let registration = Registration { account: &second, token: &token, mail: Some(&own), guests: &[] };
    assert_eq!(conflict(&store.register(&registration).await), Some(Conflict::EmailTaken));
    let unproved = AccountRecord { email: None, ..second.clone() };
    let registration = Registration { account: &unproved, mail: Some(&first), ..registration };
    assert!(store.register(&registration).await.is_err(), "the mail is there already");
    assert!(is_missing(&store.account(unproved.id).await));
    assert!(is_missing(&store.token(token.purpose, token.hash, now()).await));
    assert_eq!(outbox(store).await, [first.id]);
}

pub async fn each_change_changes_what_it_says(store: &dyn Store) {
    let mut ada = make_account(store).await;
    let other = make_account(store).await;
    let preferences = Preferences { sound: true, language: Some(Language::German), ..Preferences::default() };
    let address = email("ada@example.org");
    for change in [
        AccountChange::Claimed(email("grace@example.org"), 4),
        AccountChange::Unclaimed,
        AccountChange::Claimed(address.clone(), 5),
        AccountChange::Proved(address.clone()),
        AccountChange::Name(name("Countess")),
        AccountChange::Preferences(preferences),
    ] {
        match change.clone() {
            AccountChange::Claimed(email, at) => (ada.claimed, ada.claimed_at) = (Some(email), Some(at)),
            AccountChange::Unclaimed => (ada.claimed, ada.claimed_at) = (None, None),
            AccountChange::Proved(email) => (ada.email, ada.claimed, ada.claimed_at) = (Some(email), None, None),
            AccountChange::Name(name) => ada.name = name,
            AccountChange::Preferences(preferences) => ada.preferences = preferences,
        }
        assert_eq!(store.change_account(ada.id, &change, None).await.unwrap(), ada);
        assert_eq!(store.account(ada.id).await.unwrap(), ada);
        assert!(is_missing(&store.change_account(AccountId(Uuid::new_v4()), &change, None).await));
    }
    let proved_again = AccountChange::Proved(address);
    assert_eq!(store.change_account(ada.id, &proved_again, None).await.unwrap(), ada);
    assert_eq!(store.account(other.id).await.unwrap(), other);
}

pub async fn with_a_new_password_goes_all_that_must_or_nothing(store: &dyn Store) {
    let (mut ada, other) = (make_account(store).await, make_account(store).await);
    let address = email("ada@example.org");
    store.change_account(other.id, &AccountChange::Claimed(address.clone(), now()), None).await.unwrap();
    let sessions: Vec<_> = (0..3).map(|_| new_session(ada.id)).collect();
    for session in &sessions {
        store.begin_session(session).await.unwrap();
    }
    let told = mail(Some(ada.id));
    let mut new = NewPassword {
        password: Some(PasswordHash("$argon2id$".into())),
        proved: Some(address.clone()),
        ending: Ending::Others(sessions[0].id),
        mails: vec![told.clone()],
        followed: None,
        token: None,
    };
    assert!(is_missing(&store.replace_password(AccountId(Uuid::new_v4()), &new).await));
    store.put_mail(&told).await.unwrap();
    assert!(store.replace_password(ada.id, &new).await.is_err(), "the mail is there already");
    assert_eq!(store.account(ada.id).await.unwrap(), ada);
    assert_eq!(store.sessions(ada.id, now()).await.unwrap().len(), 3);
    assert_eq!(store.account(other.id).await.unwrap().claimed, Some(address.clone()));

    store.finish_mail(told.id).await.unwrap();
    let mut ended = store.replace_password(ada.id, &new).await.unwrap();
    let mut expected = [sessions[1].id, sessions[2].id];
    ended.sort();
    expected.sort();
    assert_eq!(ended, expected);
    (ada.email, ada.password) = (Some(address), new.password.take());
    assert_eq!(store.account(ada.id).await.unwrap(), ada);
    assert_eq!(store.account(other.id).await.unwrap(), other, "nobody else claims the address");
    assert!(outbox(store).await.contains(&told.id));

    let none = NewPassword { password: None, proved: None, ending: Ending::All, mails: Vec::new(), ..new };
    assert_eq!(store.replace_password(ada.id, &none).await.unwrap(), [sessions[0].id]);
    assert_eq!(store.account(ada.id).await.unwrap().password, None);
    let taken = NewPassword { proved: ada.email, ..none };
    assert_eq!(conflict(&store.replace_password(other.id, &taken).await), Some(Conflict::EmailTaken));
}

pub async fn a_change_and_its_mail_are_both_there_or_neither_is(store: &dyn Store) {
    let ada = make_account(store).await;
    let before = outbox(store).await;
    let change = AccountChange::Name(name("Countess"));
    let unknown = AccountId(Uuid::new_v4());
    assert!(is_missing(&store.change_account(unknown, &change, Some(&mail(None))).await));
    assert_eq!(outbox(store).await, before);

    let mail = mail(Some(ada.id));
    store.put_mail(&mail).await.unwrap();
    assert!(store.change_account(ada.id, &change, Some(&mail)).await.is_err(), "the mail is there already");
    assert_eq!(store.account(ada.id).await.unwrap(), ada);
    store.finish_mail(mail.id).await.unwrap();
    store.change_account(ada.id, &change, Some(&mail)).await.unwrap();
    assert!(outbox(store).await.contains(&mail.id));
}

pub async fn an_address_is_claimed_with_its_token_and_its_mail_or_not_at_all(store: &dyn Store) {
    let ada = make_account(store).await;
    let address = email("countess@example.org");
    let token = token(Purpose::Verify, ActorId::Account(ada.id));
    let mail = mail(Some(ada.id));
    store.put_mail(&mail).await.unwrap();
    assert!(store.claim_email(ada.id, (&address, 5), &token, Some(&mail)).await.is_err(), "the mail is there already");
    assert_eq!(store.account(ada.id).await.unwrap(), ada);
    assert!(is_missing(&store.token(Purpose::Verify, token.hash, now()).await));
    store.finish_mail(mail.id).await.unwrap();

    let claiming = store.claim_email(ada.id, (&address, 5), &token, Some(&mail)).await.unwrap();
    assert_eq!(claiming, AccountRecord { claimed: Some(address.clone()), claimed_at: Some(5), ..ada });
    assert_eq!(store.account(claiming.id).await.unwrap(), claiming);
    assert_eq!(store.token(Purpose::Verify, token.hash, now()).await.unwrap(), token);
    assert!(outbox(store).await.contains(&mail.id));
    let again = super::token(Purpose::Verify, ActorId::Account(claiming.id));
    let claimed_again = store.claim_email(claiming.id, (&address, 9), &again, None).await.unwrap();
    assert_eq!(claimed_again, claiming, "it is claimed since then");
    assert_eq!(store.token(Purpose::Verify, again.hash, now()).await.unwrap(), again);
}

pub async fn of_two_who_prove_one_address_at_once_one_has_it(store: &dyn Store) {
    for n in 0..10 {
        let address = email(&format!("ada{n}@example.org"));
        let claiming = || AccountRecord { claimed: Some(address.clone()), ..new_account() };
        let (one, two) = (claiming(), AccountRecord { claimed: None, ..claiming() });
        register(store, &one, Some(&mail(None))).await.unwrap();
        register(store, &two, Some(&mail(None))).await.unwrap();
        let change = AccountChange::Proved(address.clone());
        let proofs =
            join(store.change_account(one.id, &change, None), store.change_account(two.id, &change, None)).await;
        let winner = match proofs {
            (Ok(winner), Err(StoreError::Conflict(Conflict::EmailTaken)))
            | (Err(StoreError::Conflict(Conflict::EmailTaken)), Ok(winner)) => winner,
            other => panic!("{other:?}"),
        };
        let holders = store.holders(&address).await.unwrap();
        assert_eq!(holders, Holders { proved: Some(winner), ..Holders::default() });
    }
}

pub async fn claims_vanish_when_their_address_is_proved(store: &dyn Store) {
    let (address, other) = (email("ada@example.org"), email("grace@example.org"));
    let claiming = async |address: &Email| {
        let account = AccountRecord { claimed: Some(address.clone()), ..new_account() };
        register(store, &account, Some(&mail(None))).await.unwrap();
        account.id
    };
    let (one, two, three) = (claiming(&address).await, claiming(&address).await, claiming(&other).await);
    let proved = store.change_account(two, &AccountChange::Proved(address.clone()), None).await.unwrap();
    assert_eq!((&proved.email, &proved.claimed), (&Some(address.clone()), &None));
    assert_eq!(store.account(one).await.unwrap().claimed, None);
    assert_eq!(store.account(three).await.unwrap().claimed, Some(other));

    // A proof that fails leaves all claims as they were.
    store.change_account(one, &AccountChange::Claimed(address.clone(), now()), None).await.unwrap();
    let failed = store.change_account(three, &AccountChange::Proved(address.clone()), None).await;
    assert_eq!(conflict(&failed), Some(Conflict::EmailTaken));
    assert_eq!(store.account(one).await.unwrap().claimed, Some(address));
}

pub async fn holders_are_who_proved_an_address_and_who_claimed_it_first_and_last(store: &dyn Store) {
    let address = email("ada@example.org");
    let holders = async || {
        let Holders { proved, first, last } = store.holders(&address).await.unwrap();
        [proved, first, last].map(|account| account.map(|account| account.id))
    };
    assert_eq!(holders().await, [None; 3]);
    let claim = AccountChange::Claimed(address.clone(), now());
    let (mut one, two, three) = (new_account(), make_account(store).await, make_account(store).await);
    one.claimed = Some(address.clone());
    register(store, &one, Some(&mail(None))).await.unwrap();
    assert_eq!(holders().await, [None, Some(one.id), None]);
    store.change_account(two.id, &claim, None).await.unwrap();
    assert_eq!(holders().await, [None, Some(one.id), Some(two.id)]);
    store.change_account(three.id, &claim, None).await.unwrap();
    assert_eq!(holders().await, [None, Some(one.id), Some(three.id)]);
    store.change_account(one.id, &claim, None).await.unwrap();
    assert_eq!(holders().await, [None, Some(one.id), Some(three.id)], "to say it again puts nobody behind");
    store.change_account(one.id, &AccountChange::Unclaimed, None).await.unwrap();
    assert_eq!(holders().await, [None, Some(two.id), Some(three.id)]);
    store.change_account(one.id, &AccountChange::Claimed(address.clone(), now()), None).await.unwrap();
    assert_eq!(holders().await, [None, Some(two.id), Some(one.id)]);
    store.change_account(three.id, &AccountChange::Proved(address.clone()), None).await.unwrap();
    assert_eq!(holders().await, [Some(three.id), None, None]);
    store.change_account(two.id, &claim, None).await.unwrap();
    assert_eq!(holders().await, [Some(three.id), Some(two.id), None]);
}

pub async fn claims_that_nobody_proved_end_and_then_an_account_without_a_session_is_unreachable(store: &dyn Store) {
    let at = now();
    let claiming = async |email: &str, since| {
        let (claimed, claimed_at) = (Some(super::email(email)), Some(since));
        let account = AccountRecord { claimed, claimed_at, created_at: since, ..new_account() };
        register(store, &account, None).await.unwrap();
        account
    };
    let (old, used, new) = (
        claiming("a@example.org", at - 10).await,
        claiming("b@example.org", at - 10).await,
        claiming("a@example.org", at).await,
    );
    let proved = AccountChange::Proved(email("c@example.org"));
    let proved = store.change_account(claiming("c@example.org", at - 10).await.id, &proved, None).await.unwrap();
    store.begin_session(&SessionRecord { ends_at: at + HOUR, ..new_session(used.id) }).await.unwrap();
    let unreachable = async |before, now| {
        let found = store.unreachable_accounts(before, now, 10).await.unwrap();
        found.into_iter().map(|account| account.id).collect::<Vec<_>>()
    };
    assert_eq!(unreachable(at + 1, at).await, []);
    assert_eq!(store.expire_claims(at).await.unwrap(), 2);
    assert_eq!(store.expire_claims(at).await.unwrap(), 0);
    let ended = AccountRecord { claimed: None, claimed_at: None, ..old.clone() };
    assert_eq!(store.account(old.id).await.unwrap(), ended);
    assert_eq!(store.account(new.id).await.unwrap(), new);
    assert_eq!(store.account(proved.id).await.unwrap(), proved);
    assert_eq!(unreachable(at, at).await, [old.id]);
    assert_eq!(unreachable(at - 10, at).await, [], "it is too young");
    let mut both = unreachable(at, at + HOUR).await;
    both.sort();
    let mut expected = [old.id, used.id];
    expected.sort();
    assert_eq!(both, expected, "a session that has ended is none");
    assert_eq!(store.unreachable_accounts(at, at + HOUR, 1).await.unwrap().len(), 1);
}

pub async fn an_account_goes_whole_and_its_records_stay_under_another_name(store: &dyn Store) {
    let (ada, grace) = (make_account(store).await, make_account(store).await);
    let (room, _) = make_room(store, RoomType::P2p, Retention::Preserved).await;
    let member = enter(store, &joining_as(&room, ada.id)).await;
    let before = outbox(store).await;
    for account in [&ada, &grace] {
        store.begin_session(&new_session(account.id)).await.unwrap();
        store.put_mail(&mail(Some(account.id))).await.unwrap();
    }
    let tokens = [&ada, &grace].map(|account| token(Purpose::Reset, ActorId::Account(account.id)));
    for token in &tokens {
        store.put_token(token, Some(&mail(None)), now()).await.unwrap();
    }
    assert_eq!(outbox(store).await.len(), before.len() + 4);
    let gone = leave(store, &member).await;

    store.delete_account(ada.id, &name("Somebody who left")).await.unwrap();
    assert!(is_missing(&store.account(ada.id).await));
    assert!(store.sessions(ada.id, now()).await.unwrap().is_empty());
    assert!(is_missing(&store.token(Purpose::Reset, tokens[0].hash, now()).await));
    assert_eq!(outbox(store).await.len(), before.len() + 3);
    let kept = store.member(room.id, member.member).await.unwrap();
    assert_eq!(kept, MemberRecord { name: name("Somebody who left"), ..gone });
    assert!(is_missing(&store.delete_account(ada.id, &name("Nobody")).await));

    assert_eq!(store.account(grace.id).await.unwrap(), grace);
    assert_eq!(store.sessions(grace.id, now()).await.unwrap().len(), 1);
    assert!(store.token(Purpose::Reset, tokens[1].hash, now()).await.is_ok());
}

pub async fn an_account_that_is_in_a_room_stays(store: &dyn Store) {
    let ada = make_account(store).await;
    let (room, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let member = enter(store, &joining_as(&room, ada.id)).await;
    let session = new_session(ada.id);
    store.begin_session(&session).await.unwrap();
    assert!(matches!(store.delete_account(ada.id, &name("Nobody")).await, Err(StoreError::Other(_))));
    assert_eq!(store.session(session.id, now()).await.unwrap(), (session, ada));
    assert_eq!(store.member(room.id, member.member).await.unwrap(), member);
}

pub async fn nobody_comes_in_whose_account_goes_at_that_moment(store: &dyn Store) {
    for _ in 0..10 {
        let ada = make_account(store).await;
        let (room, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
        let coming = joining_as(&room, ada.id);
        let (own, owner) = new_room(RoomType::Group, Retention::Ephemeral);
        let owner = MemberRecord { actor: coming.actor, ..owner };
        let nobody = name("Nobody");
        let (joined, (made, deleted)) = join(
            store.join_room(&coming),
            join(store.create_room(&own, &owner, None), store.delete_account(ada.id, &nobody)),
        )
        .await;
        let rooms = store.rooms_of_account(ada.id).await.unwrap();
        match deleted {
            Ok(()) => {
                assert!(is_missing(&joined) && is_missing(&made), "{joined:?} {made:?}");
                assert!(rooms.is_empty());
            }
            Err(StoreError::Other(_)) => {
                assert!(store.account(ada.id).await.is_ok());
                assert!(!rooms.is_empty());
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

pub async fn what_an_account_said_is_told_apart_from_it(store: &dyn Store) {
    let (ada, other) = (make_account(store).await, make_account(store).await);
    let (nobody, erased) = (name("Deleted account"), MessageBody::try_from("Erased.").unwrap());
    let (room, _) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let ada_here = enter(store, &joining_as(&room, ada.id)).await;
    let bob = enter(store, &joining_as(&room, other.id)).await;
    let (of_ada, of_bob) = (ada_here.person(), bob.person());
    let kept = every_kind(&of_ada, &of_bob);
    append(store, &room, &kept).await;
    // Both are mentioned, by the account and by somebody else.
    let calling = |seq, n, by: &Person| {
        let EventKind::Message(message) = said(seq, n, by, client_id(), "@Ada @Bob").kind else { unreachable!() };
        let mentions = vec![of_bob.clone(), of_ada.clone()];
        event(seq, EventKind::Message(Message { mentions, everyone: true, ..message }))
    };
    let calls = [calling(14, 3, &of_bob), calling(15, 4, &of_ada)];
    append(store, &room, &calls).await;
    let kept = [&kept[..], &calls].concat();
    for instead in [None, Some(&erased)] {
        assert_eq!(store.anonymize_events(ada.id, &nobody, instead).await.unwrap(), [room.id]);
        let mut expected = in_the_end(&kept);
        for event in &mut expected {
            event.kind.detach_member(ada_here.member, &nobody, instead);
        }
        assert_eq!(store.events_after(room.id, 0, 100).await.unwrap(), expected);
    }

    // Kinds of a later version: the account is in one of them, deep inside, and not in the other.
    let danced = |by: &str, body: &str| {
        let pair = json!([{ "id": of_ada.id, "name": by }, of_bob]);
        json!({ "danced": { "pair": pair, "note": { "author": { "id": of_ada.id, "name": by }, "body": body } } })
    };
    let slept = json!({ "slept": { "who": of_bob, "name": of_ada.name } });
    let of_later = |kind: &Value| serde_json::from_value::<EventKind>(kind.clone()).unwrap();
    let later = [event(16, of_later(&danced(of_ada.name.as_str(), "Of Ada"))), event(17, of_later(&slept))];
    append(store, &room, &later).await;
    for (instead, body) in [(None, "Of Ada"), (Some(&erased), "Erased.")] {
        assert_eq!(store.anonymize_events(ada.id, &nobody, instead).await.unwrap(), [room.id]);
        let stored = store.events_after(room.id, 15, 100).await.unwrap();
        let stored = stored.iter().map(|event| serde_json::to_value(&event.kind).unwrap());
        assert_eq!(stored.collect::<Vec<_>>(), [danced(nobody.as_str(), body), slept.clone()]);
    }

    let unknown = AccountId(Uuid::new_v4());
    assert!(store.anonymize_events(unknown, &nobody, None).await.unwrap().is_empty());
}

pub async fn of_two_registrations_of_one_account_at_once_one_makes_it(store: &dyn Store) {
    for _ in 0..10 {
        let ada = AccountRecord { claimed: Some(email("ada@example.org")), ..new_account() };
        let register = async || {
            let (token, mail) = (token(Purpose::Verify, ActorId::Account(ada.id)), mail(Some(ada.id)));
            store.register(&Registration { account: &ada, token: &token, mail: Some(&mail), guests: &[] }).await
        };
        let before = outbox(store).await.len();
        match join(register(), register()).await {
            (Ok(_), Err(StoreError::Conflict(Conflict::Registered)))
            | (Err(StoreError::Conflict(Conflict::Registered)), Ok(_)) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!(store.account(ada.id).await.unwrap(), ada);
        assert_eq!(outbox(store).await.len(), before + 1, "and one mail goes to it");
    }
}

pub async fn who_registers_is_what_their_guests_were_or_not_at_all(store: &dyn Store) {
    let (room, guest, member) = make_room_of_guest(store).await;
    let unknown = super::guest();
    let ada = AccountRecord { claimed: Some(email("ada@example.org")), ..new_account() };
    let token = token(Purpose::Verify, ActorId::Account(ada.id));
    let mail = mail(Some(ada.id));
    let guests = [guest.id, unknown];
    let registration = Registration { account: &ada, token: &token, mail: Some(&mail), guests: &guests };
    store.put_mail(&mail).await.unwrap();
    assert!(store.register(&registration).await.is_err(), "the mail is there already");
    assert!(is_missing(&store.account(ada.id).await));
    assert_eq!(store.guest_by_token(guest.token, 0).await.unwrap(), guest);
    store.finish_mail(mail.id).await.unwrap();

    let adopted = store.register(&registration).await.unwrap();
    let own = MemberRecord { actor: ActorId::Account(ada.id), ..member };
    assert_eq!(adopted, [Adopted::Member(own.clone()), Adopted::Nothing]);
    assert_eq!(store.rooms_of_account(ada.id).await.unwrap(), [(room, own)]);
    assert!(is_missing(&store.guest_by_token(guest.token, 0).await));
    assert!(store.token(Purpose::Verify, token.hash, now()).await.is_ok());
    assert_eq!(outbox(store).await, [mail.id]);
}
