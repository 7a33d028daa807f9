//! Tests of digests and versions.

use super::*;
use crate::server::{
    bus::{Call, LastMentions},
    store::Gone,
};

/// A digest with a value in every field.
pub fn digest(epoch: Epoch, head: Seq, retention: Retention) -> Digest {
    Digest {
        epoch,
        head,
        n: head,
        retention,
        name: Some(RoomName::try_from("Book club").unwrap()),
        members: 2,
        at: 1_000,
        message: Some(LastMessage { seq: head, n: head, author: person(1), text: "Secret".into(), deleted: false }),
        newcomer: Some((1, person(2))),
        mentions: LastMentions {
            names: vec![(MemberId::from_bits(2), head)],
            calls: vec![(MemberId::from_bits(2), Call { n: head, seq: head })],
            everyone: Some(Call { n: 1, seq: head }),
        },
        pair: vec![person(1), person(2)],
        here: Some(Here { at: 2_000, members: vec![MemberId::from_bits(1)] }),
        gone: Gone::default(),
    }
}

async fn read(bus: &dyn Bus, room: RoomId) -> Option<Digest> {
    bus.digests(&[room]).await.unwrap().pop().map(|(_, digest)| digest)
}

pub async fn digests_are_read_as_they_were_put_and_come_together(a: &dyn Bus, b: &dyn Bus) {
    let (one, none, other) = (room(), room(), room());
    let (first, second) = (digest(epoch(1), 3, Retention::Preserved), digest(epoch(2), 8, Retention::Preserved));
    a.put_digest(one, &first).await.unwrap();
    b.put_digest(other, &second).await.unwrap();
    assert_eq!(b.digests(&[]).await.unwrap(), []);
    assert_eq!(a.digests(&[one, none, other]).await.unwrap(), [(one, first), (other, second)]);
}

pub async fn very_many_digests_come_together(a: &dyn Bus, b: &dyn Bus) {
    let rooms: Vec<_> = (0..1_200).map(|_| room()).collect();
    let known = digest(epoch(1), 3, Retention::Preserved);
    for room in rooms.iter().step_by(100) {
        a.put_digest(*room, &known).await.unwrap();
    }
    let expected: Vec<_> = rooms.iter().step_by(100).map(|room| (*room, known.clone())).collect();
    assert_eq!(b.digests(&rooms).await.unwrap(), expected);
}

pub async fn an_older_digest_does_not_replace_a_later_one_of_its_epoch(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    // Compared as texts, 10 would be before 9.
    for (head, kept) in [(9, 9), (10, 10), (9, 10), (10, 10), (100, 100)] {
        let given = digest(epoch(1), head, Retention::Preserved);
        a.put_digest(room, &given).await.unwrap();
        assert_eq!(read(b, room).await.unwrap().head, kept);
    }
    let same_head = Digest { members: 7, ..digest(epoch(1), 100, Retention::Preserved) };
    b.put_digest(room, &same_head).await.unwrap();
    assert_eq!(read(a, room).await, Some(same_head), "who is connected changes and the head does not");

    let other_life = digest(epoch(2), 1, Retention::Preserved);
    b.put_digest(room, &other_life).await.unwrap();
    assert_eq!(read(a, room).await, Some(other_life));
}

pub async fn what_an_ephemeral_room_tells_is_kept_only_with_its_tail(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    let told = digest(epoch(1), 2, Retention::Ephemeral);
    a.put_digest(room, &told).await.unwrap();
    assert_eq!(read(b, room).await, None, "there is no tail");

    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    append(a, room, epoch(1), &[joined(1), said(2, 1, 1, "Secret")]).await;
    let of_another = digest(epoch(2), 2, Retention::Ephemeral);
    b.put_digest(room, &of_another).await.unwrap();
    assert_eq!(read(a, room).await, None, "it is not of this tail");
    b.put_digest(room, &told).await.unwrap();
    assert_eq!(read(a, room).await, Some(told.clone()));

    b.drop_tail(room, epoch(1), 1).await.unwrap();
    assert_eq!(read(a, room).await, Some(told.clone()), "nothing was dropped");
    b.drop_tail(room, epoch(1), 2).await.unwrap();
    assert_eq!(read(a, room).await, None, "it goes with its tail");
    a.put_digest(room, &told).await.unwrap();
    assert_eq!(read(b, room).await, None, "and who comes too late does not bring it back");
}

pub async fn each_touch_changes_an_accounts_version(a: &dyn Bus, b: &dyn Bus) {
    let [ada, bob, eve] = [0; 3].map(|_| AccountId(Uuid::new_v4()));
    let versions = async |bus: &dyn Bus| bus.account_versions(&[ada, bob, eve]).await.unwrap();
    assert_eq!(versions(a).await, []);
    a.bump_version(ada).await.unwrap();
    b.bump_version(eve).await.unwrap();
    let first = versions(b).await;
    assert_eq!(first.iter().map(|(account, _)| *account).collect::<Vec<_>>(), [ada, eve]);
    assert_eq!(versions(a).await, first, "asking changes nothing");
    b.bump_version(ada).await.unwrap();
    let second = versions(a).await;
    assert!(second[0].1 > first[0].1, "{first:?} {second:?}");
    assert_eq!(second[1], first[1]);
    assert_eq!(a.account_versions(&[]).await.unwrap(), []);
}
