//! Tests of [`Mails`](super::super::Mails) for both drivers.

use std::collections::HashSet;

use super::*;

pub async fn a_mail_is_leased_as_it_was_put(store: &dyn Store) {
    let at = now();
    let letters = [
        Letter::LogInCode,
        Letter::ConfirmCode,
        Letter::Verify,
        Letter::HasAccount,
        Letter::Reset,
        Letter::PasswordChanged,
        Letter::AddressChanged,
        Letter::KeepRoom { code: code() },
    ];
    let mut mails = Vec::new();
    for (letter, due_at) in letters.into_iter().zip(at..) {
        let account = (letter == Letter::Reset).then(|| AccountId(Uuid::new_v4()));
        mails.push(MailRecord { letter, due_at, ..mail(account) });
    }
    for mail in mails.iter().rev() {
        store.put_mail(mail).await.unwrap();
    }
    let until = at + HOUR;
    assert!(store.lease_mails(at - 1, until, 10).await.unwrap().is_empty(), "none is due");
    let leased = |mail: &MailRecord| MailRecord { due_at: until, attempts: 1, ..mail.clone() };
    let expected: Vec<_> = mails.iter().map(leased).collect();
    assert_eq!(
        store.lease_mails(at + 60_000, until, 3).await.unwrap(),
        expected[..3],
        "codes, and then the oldest first"
    );
    assert_eq!(store.lease_mails(at + 60_000, until, 10).await.unwrap(), expected[3..]);
    assert!(store.lease_mails(at + 60_000, until, 10).await.unwrap().is_empty());
}

pub async fn a_lease_gives_each_mail_to_one(store: &dyn Store) {
    let mut all = HashSet::new();
    for _ in 0..20 {
        let mail = mail(None);
        store.put_mail(&mail).await.unwrap();
        all.insert(mail.id);
    }
    let (now, until) = (now(), now() + HOUR);
    let leases = join_all((0..10).map(|_| store.lease_mails(now, until, 4))).await;
    let mut mails: Vec<_> = leases.into_iter().flat_map(Result::unwrap).collect();
    // A caller may get fewer mails than are due if others are faster. The remaining ones are still in the outbox.
    mails.extend(store.lease_mails(now, until, 20).await.unwrap());
    assert!(mails.iter().all(|mail| mail.attempts == 1));
    assert_eq!(mails.len(), 20);
    assert_eq!(mails.into_iter().map(|mail| mail.id).collect::<HashSet<_>>(), all);
}

pub async fn a_mail_comes_back_after_its_lease(store: &dyn Store) {
    let mail = mail(None);
    store.put_mail(&mail).await.unwrap();
    let (first, second) = (mail.due_at + HOUR, mail.due_at + 2 * HOUR);
    assert_eq!(store.lease_mails(mail.due_at, first, 10).await.unwrap().len(), 1);
    assert!(store.lease_mails(first - 1, second, 10).await.unwrap().is_empty());
    let again = store.lease_mails(first, second, 10).await.unwrap();
    assert_eq!(again, [MailRecord { due_at: second, attempts: 2, ..mail }]);
}

pub async fn a_mail_that_is_finished_or_postponed_is_not_due(store: &dyn Store) {
    let (sent, kept) = (mail(None), mail(None));
    store.put_mail(&sent).await.unwrap();
    store.put_mail(&kept).await.unwrap();
    assert_eq!(store.count_mails().await.unwrap(), 2);
    store.finish_mail(sent.id).await.unwrap();
    store.finish_mail(sent.id).await.unwrap();
    let later = kept.due_at + HOUR;
    store.postpone_mail(kept.id, later).await.unwrap();
    store.postpone_mail(sent.id, later).await.unwrap();
    assert_eq!(store.count_mails().await.unwrap(), 1, "one that waits for later counts");
    assert!(store.lease_mails(later - 1, later, 10).await.unwrap().is_empty());
    let due = store.lease_mails(later, later + HOUR, 10).await.unwrap();
    assert_eq!(due, [MailRecord { due_at: later + HOUR, attempts: 1, ..kept }]);
}

pub async fn codes_are_leased_before_other_letters(store: &dyn Store) {
    let at = now() - HOUR;
    let letters =
        [Letter::Verify, Letter::Reset, Letter::LogInCode, Letter::KeepRoom { code: code() }, Letter::ConfirmCode];
    let mut mails = Vec::new();
    for (age, letter) in (0..).zip(letters) {
        let mail = MailRecord { letter, due_at: at + age, ..mail(None) };
        store.put_mail(&mail).await.unwrap();
        mails.push(mail);
    }
    let kinds = async |limit| {
        let leased = store.lease_mails(now(), now() + HOUR, limit).await.unwrap();
        leased.into_iter().map(|mail| mail.letter).collect::<Vec<_>>()
    };
    assert_eq!(kinds(3).await, [Letter::LogInCode, Letter::ConfirmCode, Letter::Verify]);
    assert_eq!(kinds(3).await, [mails[1].letter.clone(), mails[3].letter.clone()]);
    assert!(mails.iter().all(|mail| mail.letter.is_urgent() == (mail.letter.life() < Duration::from_mins(6))));
}
