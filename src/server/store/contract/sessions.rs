//! Tests of [`Sessions`](super::super::Sessions) for both drivers.

use super::*;

pub async fn a_session_is_found_with_its_account_until_it_ends(store: &dyn Store) {
    let ada = make_account(store).await;
    let session = SessionRecord { previous: Some((hash(), now() - 5)), ..new_session(ada.id) };
    store.begin_session(&session).await.unwrap();
    assert_eq!(store.session(session.id, session.ends_at - 1).await.unwrap(), (session.clone(), ada.clone()));
    assert!(is_missing(&store.session(session.id, session.ends_at).await));
    assert!(is_missing(&store.session(SessionId(Uuid::new_v4()), 0).await));
    let renamed = store.change_account(ada.id, &AccountChange::Name(name("Countess")), None).await.unwrap();
    assert_eq!(store.session(session.id, now()).await.unwrap(), (session, renamed), "the account as it is now");
}

pub async fn of_two_rotations_at_once_one_wins(store: &dyn Store) {
    let ada = make_account(store).await;
    let session = new_session(ada.id);
    store.begin_session(&session).await.unwrap();
    let (mut good, mut at, mut ends_at) = (session.refresh, session.used_at, session.ends_at);
    for _ in 0..10 {
        let next: Vec<_> = (0..4).map(|_| hash()).collect();
        (at, ends_at) = (at + 10, ends_at + 10);
        let rotations: Vec<_> =
            next.iter().map(|to| Rotation { from: good, to: *to, at, since: at - 1, ends_at }).collect();
        let rotations = join_all(rotations.iter().map(|rotation| store.rotate_session(session.id, rotation))).await;
        let winners: Vec<_> = next.iter().zip(&rotations).filter(|(_, rotated)| rotated.is_ok()).collect();
        let [(winner, _)] = winners[..] else { panic!("{rotations:?}") };
        assert_eq!(rotations.iter().filter(|rotated| is_missing(rotated)).count(), 3);
        let expected =
            SessionRecord { refresh: *winner, previous: Some((good, at)), used_at: at, ends_at, ..session.clone() };
        assert_eq!(store.session(session.id, at).await.unwrap().0, expected);
        good = *winner;
    }
    let late = Rotation { from: good, to: hash(), at: ends_at, since: at, ends_at: ends_at + HOUR };
    assert!(is_missing(&store.rotate_session(session.id, &late).await), "it has ended");
    let other = SessionId(Uuid::new_v4());
    assert!(is_missing(&store.rotate_session(other, &Rotation { at, ..late }).await));
}

pub async fn a_refresh_token_is_good_until_the_next_one_has_arrived(store: &dyn Store) {
    let ada = make_account(store).await;
    let session = new_session(ada.id);
    store.begin_session(&session).await.unwrap();
    let (first, at, ends_at) = (session.refresh, session.used_at, session.ends_at);
    let rotation = |from, to, at, since| Rotation { from, to, at, since, ends_at };
    let [lost, second, third] = [hash(), hash(), hash()];
    store.rotate_session(session.id, &rotation(first, lost, at, at - 30)).await.unwrap();
    let early = rotation(first, second, at + 29, at - 1);
    assert!(is_missing(&store.rotate_session(session.id, &early).await), "it was replaced a moment ago");
    store.rotate_session(session.id, &rotation(first, second, at + 30, at)).await.unwrap();
    let expected = SessionRecord { refresh: second, previous: Some((first, at + 30)), used_at: at + 30, ..session };
    assert_eq!(store.session(expected.id, at).await.unwrap().0, expected);
    let of_lost = rotation(lost, third, at + 90, at + 60);
    assert!(is_missing(&store.rotate_session(expected.id, &of_lost).await), "nobody got it");

    store.note_refresh_received(expected.id, lost).await.unwrap();
    assert!(!store.session(expected.id, at).await.unwrap().0.arrived);
    store.note_refresh_received(expected.id, second).await.unwrap();
    assert!(store.session(expected.id, at).await.unwrap().0.arrived);
    let again = rotation(first, third, at + 90, at + 60);
    assert!(is_missing(&store.rotate_session(expected.id, &again).await), "the next one is in use");
    store.rotate_session(expected.id, &rotation(second, third, at + 90, at + 60)).await.unwrap();
    assert!(!store.session(expected.id, at).await.unwrap().0.arrived);
}

pub async fn sessions_are_listed_the_last_used_first(store: &dyn Store) {
    let (ada, grace) = (make_account(store).await, make_account(store).await);
    let at = now();
    let session =
        |account: &AccountRecord, used_at, ends_at| SessionRecord { used_at, ends_at, ..new_session(account.id) };
    let (one, two) = (session(&ada, at, at + HOUR), session(&ada, at + 5, at + HOUR));
    let (short, other) = (session(&ada, at, at + HOUR / 2), session(&grace, at, at + HOUR));
    for session in [&one, &two, &short, &other] {
        store.begin_session(session).await.unwrap();
    }
    let listed = async |now| {
        let listed = store.sessions(ada.id, now).await.unwrap();
        listed.into_iter().map(|session| (session.id, session.used_at)).collect::<Vec<_>>()
    };
    store.touch_session(one.id, at + 7).await.unwrap();
    store.touch_session(one.id, at + 1).await.unwrap();
    store.touch_session(SessionId(Uuid::new_v4()), at).await.unwrap();
    assert_eq!(listed(at).await, [(one.id, at + 7), (two.id, at + 5), (short.id, at)]);
    assert_eq!(listed(at + HOUR / 2).await, [(one.id, at + 7), (two.id, at + 5)]);
    assert_eq!(store.sessions(grace.id, at).await.unwrap(), [other]);
}

pub async fn no_session_begins_for_an_account_that_is_gone(store: &dyn Store) {
    let session = new_session(AccountId(Uuid::new_v4()));
    assert!(is_missing(&store.begin_session(&session).await));
    assert!(is_missing(&store.session(session.id, now()).await));
}

pub async fn sessions_end_as_they_are_told(store: &dyn Store) {
    let (ada, grace) = (make_account(store).await, make_account(store).await);
    let mut sessions: Vec<_> = (0..4).map(|_| new_session(ada.id)).collect();
    let other = new_session(grace.id);
    for session in sessions.iter().chain([&other]) {
        store.begin_session(session).await.unwrap();
    }
    let ends = async |which| {
        let mut ended = store.end_sessions(ada.id, which).await.unwrap();
        ended.sort();
        ended
    };
    assert!(ends(Ending::One(other.id)).await.is_empty(), "another's session");
    let first = sessions.remove(0);
    assert_eq!(ends(Ending::One(first.id)).await, [first.id]);
    assert!(ends(Ending::One(first.id)).await.is_empty());
    assert!(is_missing(&store.session(first.id, now()).await));

    let kept = sessions.remove(0);
    let mut others: Vec<_> = sessions.iter().map(|session| session.id).collect();
    others.sort();
    assert_eq!(ends(Ending::Others(kept.id)).await, others);
    assert_eq!(store.sessions(ada.id, now()).await.unwrap(), std::slice::from_ref(&kept));
    assert_eq!(ends(Ending::All).await, [kept.id]);
    assert!(ends(Ending::All).await.is_empty());
    assert_eq!(store.session(other.id, now()).await.unwrap(), (other, grace));
}

pub async fn of_many_sessions_those_that_ended_are_named(store: &dyn Store) {
    let ada = make_account(store).await;
    let (one, two) = (new_session(ada.id), new_session(ada.id));
    let short = SessionRecord { ends_at: now() + HOUR / 2, ..new_session(ada.id) };
    for session in [&one, &two, &short] {
        store.begin_session(session).await.unwrap();
    }
    let unknown = SessionId(Uuid::new_v4());
    let ended = async |asked: &[SessionId], now| {
        let mut ended = store.ended_sessions(asked, now).await.unwrap();
        ended.sort();
        ended
    };
    let sorted = |mut sessions: Vec<SessionId>| {
        sessions.sort();
        sessions
    };
    let asked = [one.id, two.id, short.id, unknown];
    assert!(ended(&asked[..3], now()).await.is_empty(), "all of them live");
    assert_eq!(ended(&asked, now()).await, [unknown]);
    assert_eq!(ended(&asked, short.ends_at).await, sorted(vec![short.id, unknown]));
    store.end_sessions(ada.id, Ending::One(one.id)).await.unwrap();
    assert_eq!(ended(&asked, short.ends_at).await, sorted(vec![one.id, short.id, unknown]));
    assert!(ended(&[], now()).await.is_empty());
}

pub async fn sessions_are_forgotten_once_they_ended(store: &dyn Store) {
    let ada = make_account(store).await;
    let session = new_session(ada.id);
    store.begin_session(&session).await.unwrap();
    assert_eq!(store.forget_sessions(session.ends_at).await.unwrap(), 0);
    assert_eq!(store.forget_sessions(session.ends_at + 1).await.unwrap(), 1);
    assert!(is_missing(&store.session(session.id, 0).await));
}
