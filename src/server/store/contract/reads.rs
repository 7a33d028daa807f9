//! Tests of read positions and of the level of notifications, in [`Members`](super::super::Members), for both drivers.

use super::*;

/// The level of a room that is muted.
const MUTED: Option<Notify> = Some(Notify::None);

fn cursor(member: MemberId, seq: Seq, n: u64, shown: Seq) -> ReadCursor {
    ReadCursor { member, seq, n, shown }
}

async fn mark(store: &dyn Store, record: &MemberRecord, seq: Seq, n: u64, shown: Seq) {
    store.mark_read(record.room, &[cursor(record.member, seq, n, shown)]).await.unwrap();
}

async fn kept(store: &dyn Store, record: &MemberRecord) -> (Seq, u64, Seq, Option<Notify>) {
    let MemberRecord { read, read_n, shown, notify, .. } = store.member(record.room, record.member).await.unwrap();
    (read, read_n, shown, notify)
}

pub async fn what_was_read_goes_forward_only(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let other = enter(store, &joining(&room, guest())).await;
    assert_eq!(kept(store, &owner).await, (0, 0, 0, None));
    mark(store, &owner, 7, 3, 7).await;
    assert_eq!(kept(store, &owner).await, (7, 3, 7, None));
    mark(store, &owner, 5, 2, 5).await;
    assert_eq!(kept(store, &owner).await, (7, 3, 7, None), "it does not go back");
    mark(store, &owner, 9, 4, 0).await;
    assert_eq!(kept(store, &owner).await, (9, 4, 7, None), "what is shown stands still by itself");
    mark(store, &owner, 9, 4, 9).await;
    assert_eq!(kept(store, &owner).await, (9, 4, 9, None), "and goes on by itself");
    let expected = MemberRecord { read: 9, read_n: 4, shown: 9, ..owner.clone() };
    assert_eq!(store.member(room.id, owner.member).await.unwrap(), expected, "nothing else is changed");
    assert_eq!(store.member(room.id, other.member).await.unwrap(), other, "nor anybody else");
    assert_eq!(store.membership(room.code, owner.actor).await.unwrap().1, expected);
}

pub async fn marks_made_at_once_are_all_kept(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let mut members = vec![owner];
    for _ in 0..50 {
        members.push(enter(store, &joining(&room, guest())).await);
    }
    // The cursors of two nodes. Each node knows the newer position of half of the members.
    let ahead = |odd: u64| {
        let further = |(i, record): (u64, &MemberRecord)| {
            let seq = if i % 2 == odd { 100 + i } else { 50 };
            cursor(record.member, seq, seq - 10, seq)
        };
        (0..).zip(&members).map(further).collect::<Vec<_>>()
    };
    let (even, odd) = (ahead(0), ahead(1));
    let (one, two) = join(store.mark_read(room.id, &even), store.mark_read(room.id, &odd)).await;
    one.and(two).unwrap();
    for (i, record) in (0..).zip(&members) {
        assert_eq!(kept(store, record).await, (100 + i, 90 + i, 100 + i, None));
    }
    store.mark_read(room.id, &[]).await.unwrap();
}

pub async fn whom_the_room_does_not_know_is_passed_over(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (other, stranger) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let batch = [cursor(stranger.member, 9, 9, 9), cursor(owner.member, 2, 1, 2), cursor(member_id(), 9, 9, 9)];
    store.mark_read(room.id, &batch).await.unwrap();
    assert_eq!(kept(store, &owner).await, (2, 1, 2, None));
    assert_eq!(store.members(room.id).await.unwrap().len(), 1, "nobody was made");
    assert_eq!(store.members(other.id).await.unwrap(), [stranger]);
    store.mark_read(RoomId(Uuid::new_v4()), &batch).await.unwrap();
}

pub async fn a_mark_beside_a_leaving_is_kept_and_so_is_the_leaving(store: &dyn Store) {
    for seq in 1..=10 {
        let (room, owner) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
        let cursors = [cursor(owner.member, seq, seq, 0)];
        let at = now();
        let (left, (marked, muted)) = join(
            store.leave_room(room.id, owner.member, &Owed::Left, at),
            join(store.mark_read(room.id, &cursors), store.set_notify(room.id, owner.member, MUTED)),
        )
        .await;
        left.unwrap();
        marked.and(muted).unwrap();
        let (presence, owed) = (Presence::Gone, Some(Owed::Left));
        let gone = MemberRecord { presence, owed, slot: None, changed_at: at, ..owner };
        let expected = MemberRecord { read: seq, read_n: seq, notify: MUTED, ..gone };
        assert_eq!(store.member(room.id, expected.member).await.unwrap(), expected);
    }
}

pub async fn who_comes_back_has_read_nothing_and_is_notified_as_before(store: &dyn Store) {
    let (room, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    for notify in [MUTED, Some(Notify::Mentions), Some(Notify::All), None] {
        let guest = guest();
        let first = enter(store, &joining(&room, guest)).await;
        store.project(room.id, room.epoch, &[event(2, EventKind::Joined { member: first.person() })]).await.unwrap();
        mark(store, &first, 8, 4, 8).await;
        store.set_notify(room.id, first.member, notify).await.unwrap();
        leave(store, &first).await;
        assert_eq!(kept(store, &first).await, (8, 4, 8, notify), "leaving alone forgets nothing");
        let back = enter(store, &joining(&room, guest)).await;
        assert_eq!((back.member, back.read, back.read_n, back.shown, back.notify), (first.member, 0, 0, 0, notify));
        assert_eq!(store.member(room.id, first.member).await.unwrap(), back);
        let joined = event(9, EventKind::Joined { member: back.person() });
        store.project(room.id, room.epoch, &[joined]).await.unwrap();
        mark(store, &back, 9, 4, 9).await;
        let settled = MemberRecord { since: 9, owed: None, read: 9, read_n: 4, shown: 9, ..back };
        assert_eq!(store.member(room.id, first.member).await.unwrap(), settled);
    }
}

pub async fn an_adopted_guest_keeps_what_was_read_and_the_level(store: &dyn Store) {
    let ada = make_account(store).await;
    let (room, guest, owner) = make_room_of_guest(store).await;
    mark(store, &owner, 8, 4, 6).await;
    store.set_notify(room.id, owner.member, MUTED).await.unwrap();
    let actor = ActorId::Account(ada.id);
    let expected = MemberRecord { actor, read: 8, read_n: 4, shown: 6, notify: MUTED, ..owner.clone() };
    assert_eq!(store.adopt_guest(guest.id, ada.id, now()).await.unwrap(), Adopted::Member(expected.clone()));
    assert_eq!(store.rooms_of_account(ada.id).await.unwrap(), [(room, expected)]);
    // A position that the guest's node stores only after the adoption is accepted.
    mark(store, &owner, 9, 5, 9).await;
    assert_eq!(kept(store, &owner).await, (9, 5, 9, MUTED));
}

pub async fn a_lost_log_takes_back_what_was_read_beyond_it(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let near = enter(store, &joining(&room, guest())).await;
    let hidden = enter(store, &joining(&room, guest())).await;
    let few = enter(store, &joining(&room, guest())).await;
    let new = enter(store, &joining(&room, guest())).await;
    let (_, stranger) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    for record in [&owner, &stranger] {
        mark(store, record, 500, 400, 500).await;
    }
    mark(store, &near, 4, 1, 4).await;
    mark(store, &hidden, 500, 400, 3).await;
    mark(store, &few, 5, 400, 5).await;
    store.set_notify(room.id, owner.member, MUTED).await.unwrap();
    store.take_back_reads(room.id, 6, 2).await.unwrap();
    assert_eq!(kept(store, &owner).await, (6, 2, 6, MUTED));
    assert_eq!(kept(store, &near).await, (4, 1, 4, None));
    assert_eq!(kept(store, &hidden).await, (6, 2, 3, None), "what was not shown is not shown by that");
    assert_eq!(kept(store, &few).await, (5, 2, 5, None));
    assert_eq!(store.member(room.id, new.member).await.unwrap(), new);
    assert_eq!(kept(store, &stranger).await, (500, 400, 500, None));
    mark(store, &owner, 7, 3, 7).await;
    assert_eq!(kept(store, &owner).await, (7, 3, 7, MUTED), "and from there it goes forward again");
}

pub async fn a_level_of_notifications_is_of_one_member_in_one_room(store: &dyn Store) {
    let ada = make_account(store).await;
    let (one, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let (two, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    let here = enter(store, &joining_as(&one, ada.id)).await;
    let there = enter(store, &joining_as(&two, ada.id)).await;
    store.set_notify(one.id, here.member, MUTED).await.unwrap();
    store.set_notify(one.id, here.member, MUTED).await.unwrap();
    let muted = MemberRecord { notify: MUTED, ..here.clone() };
    assert_eq!(store.member(one.id, here.member).await.unwrap(), muted, "nothing else is changed");
    assert_eq!(store.member(two.id, there.member).await.unwrap(), there);
    store.set_notify(one.id, here.member, None).await.unwrap();
    assert_eq!(store.member(one.id, here.member).await.unwrap(), here);
    assert!(is_missing(&store.set_notify(one.id, member_id(), MUTED).await));
    assert!(is_missing(&store.set_notify(RoomId(Uuid::new_v4()), here.member, MUTED).await));
}
