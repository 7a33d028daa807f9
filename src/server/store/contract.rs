//! The one suite that every driver passes: stories over `&dyn Store`, each run on a fresh store of each driver.
//!
//! MongoDB is found in `TEST_MONGO_URI`. Without it those tests pass with a note, but fail where `CI` is set.

use std::{
    panic::resume_unwind,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::future::{join, join_all};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    ActorId, Appended, Conflict, Earlier, Events as _, GuestId, GuestRecord, Head, Joining, MemberRecord, Members as _,
    Membership, Owed, Presence, Result, RoomId, RoomRecord, Rooms as _, Stopped, Store, StoreError, TokenHash,
    mongo::Mongo, sqlite::Sqlite,
};
use crate::protocol::{
    ClientId, Epoch, Event, EventKind, MemberId, Message, MessageBody, Millis, Nickname, Person, Retention, RoomCode,
    RoomName, RoomType, Seq,
};

/// Runs every story of the module `story` against every driver.
macro_rules! contract {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let store = super::Sqlite::open(&folder.path().join("anonchat.db")).unwrap();
                super::story::$name(&store).await;
                super::Store::close(&store).await;
            })*
        }

        mod mongo {
            $(#[tokio::test]
            async fn $name() {
                super::with_mongo(async |store| super::story::$name(&store).await).await;
            })*
        }
    };
}

contract! {
    ten_who_join_a_p2p_room_at_once_leave_two_in_it
    a_guest_who_joins_two_rooms_at_once_is_in_one
    ten_joins_of_one_person_at_once_make_one_member
    of_rooms_made_with_one_code_at_once_one_is_there
    a_room_whose_owner_is_elsewhere_is_not_made
    who_comes_back_is_the_same_member
    who_was_removed_cannot_come_back
    joining_again_changes_nothing
    a_member_id_is_taken_once
    what_is_not_there_is_not_found
    notices_are_owed_until_the_log_has_them
    a_late_notice_settles_only_what_it_tells
    events_are_read_back_as_they_were_written
    an_append_behind_another_stores_nothing
    an_append_stops_at_a_used_id_and_keeps_what_came_before
    racing_appenders_leave_no_gap_and_no_double
    effects_of_events_reach_the_records
    projecting_has_the_effects_and_stores_nothing
    history_pages_both_ways
    heads_tell_where_each_archive_ends
    active_guests_are_paged_in_order
    abandoned_rooms_go_whole_and_others_stay
    a_join_beside_a_deletion_keeps_its_room_or_finds_none
    a_guest_is_found_while_alive
    the_store_answers_a_ping
}

mod story {
    use super::*;

    pub async fn ten_who_join_a_p2p_room_at_once_leave_two_in_it(store: &dyn Store) {
        for _ in 0..5 {
            let (room, _) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
            let joinings: Vec<_> = (0..10).map(|_| joining(&room, guest())).collect();
            let joins = join_all(joinings.iter().map(|joining| store.join_room(joining))).await;
            assert_eq!(joins.iter().filter(|join| matches!(join, Ok(Membership::Entered(_)))).count(), 1);
            assert_eq!(joins.iter().filter(|join| conflict(join) == Some(Conflict::Full)).count(), 9);
            let mut slots: Vec<_> = store.members(room.id).await.unwrap().iter().map(|member| member.slot).collect();
            slots.sort();
            assert_eq!(slots, [Some(0), Some(1)]);
        }
    }

    pub async fn a_guest_who_joins_two_rooms_at_once_is_in_one(store: &dyn Store) {
        for _ in 0..10 {
            let (one, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
            let (two, _) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
            let guest = guest();
            let (into_one, into_two) = (joining(&one, guest), joining(&two, guest));
            let joins = join(store.join_room(&into_one), store.join_room(&into_two)).await;
            let (won, lost) = match joins {
                (Ok(_), Err(StoreError::Conflict(lost))) => (one, lost),
                (Err(StoreError::Conflict(lost)), Ok(_)) => (two, lost),
                other => panic!("{other:?}"),
            };
            assert_eq!(lost, Conflict::Elsewhere(won.code));
            let (room, member) = store.room_of_guest(guest).await.unwrap();
            assert_eq!((room.id, member.room), (won.id, won.id));
        }
    }

    pub async fn ten_joins_of_one_person_at_once_make_one_member(store: &dyn Store) {
        let (room, _) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
        let guest = guest();
        let joinings: Vec<_> = (0..10).map(|_| joining(&room, guest)).collect();
        let joins = join_all(joinings.iter().map(|joining| store.join_room(joining))).await;
        let records: Vec<_> = joins
            .into_iter()
            .map(|join| match join.unwrap() {
                Membership::Entered(record) => (true, record),
                Membership::Already(record) => (false, record),
            })
            .collect();
        assert_eq!(records.iter().filter(|(entered, _)| *entered).count(), 1);
        assert!(records.iter().all(|(_, record)| *record == records[0].1));
    }

    pub async fn of_rooms_made_with_one_code_at_once_one_is_there(store: &dyn Store) {
        let code = code();
        let rooms: Vec<_> = (0..5).map(|_| new_room(RoomType::Group, Retention::Ephemeral)).collect();
        let rooms: Vec<_> = rooms.into_iter().map(|(room, owner)| (RoomRecord { code, ..room }, owner)).collect();
        let made = join_all(rooms.iter().map(|(room, owner)| store.create_room(room, owner))).await;
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
        assert_eq!(made.iter().filter(|made| conflict(made) == Some(Conflict::CodeTaken)).count(), 4);
        let there = store.room_by_code(code).await.unwrap();
        for (room, owner) in &rooms {
            let owner = store.member(room.id, owner.member).await;
            assert_eq!(owner.is_ok(), room.id == there.id, "a room and its owner, both or neither");
        }
    }

    pub async fn a_room_whose_owner_is_elsewhere_is_not_made(store: &dyn Store) {
        let (first, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
        let (second, someone) = new_room(RoomType::Group, Retention::Ephemeral);
        let made = store.create_room(&second, &MemberRecord { actor: owner.actor, ..someone }).await;
        assert_eq!(conflict(&made), Some(Conflict::Elsewhere(first.code)));
        assert!(is_missing(&store.room(second.id).await));
        assert!(is_missing(&store.room_by_code(second.code).await));
        assert_eq!(store.room(first.id).await.unwrap(), first);
        assert_eq!(store.member(first.id, owner.member).await.unwrap(), owner);
    }

    pub async fn who_comes_back_is_the_same_member(store: &dyn Store) {
        let (room, _) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
        let guest = guest();
        let first = enter(store, &Joining { name: Some(name("Ada")), ..joining(&room, guest) }).await;
        assert_eq!(
            (first.presence, first.slot, first.since, &first.owed),
            (Presence::Active, Some(1), 0, &Some(Owed::Joined))
        );
        store.project(room.id, room.epoch, &[event(7, EventKind::Joined { member: first.person() })]).await.unwrap();

        let gone = store.leave_room(room.id, first.member, &Owed::Left, room.touched_at + 5).await.unwrap();
        assert_eq!((gone.presence, gone.slot, gone.since, &gone.owed), (Presence::Gone, None, 7, &Some(Owed::Left)));
        assert_eq!(gone.changed_at, room.touched_at + 5);
        assert_eq!(store.room(room.id).await.unwrap().touched_at, room.touched_at + 5);
        assert_eq!(store.member_of(room.id, ActorId::Guest(guest)).await.unwrap(), gone);
        assert!(is_missing(&store.room_of_guest(guest).await));

        let back = enter(store, &joining(&room, guest)).await;
        assert_eq!((back.member, &back.name), (first.member, &first.name), "the id and the name from before");
        assert_eq!((back.slot, back.since, &back.owed), (Some(1), 0, &Some(Owed::Joined)));
        assert_eq!(store.member(room.id, first.member).await.unwrap(), back);

        leave(store, &back).await;
        let renamed = enter(store, &Joining { name: Some(name("Grace")), ..joining(&room, guest) }).await;
        assert_eq!((renamed.member, renamed.name), (first.member, name("Grace")));
    }

    pub async fn who_was_removed_cannot_come_back(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
        let guest = guest();
        let member = enter(store, &joining(&room, guest)).await;
        let notice = Owed::Removed(owner.person());
        let removed = store.leave_room(room.id, member.member, &notice, now()).await.unwrap();
        assert_eq!((removed.presence, &removed.owed), (Presence::Removed, &Some(notice)));
        assert_eq!(store.member(room.id, member.member).await.unwrap(), removed);
        assert_eq!(conflict(&store.join_room(&joining(&room, guest)).await), Some(Conflict::Removed));
        enter(store, &joining(&room, super::guest())).await;
    }

    pub async fn joining_again_changes_nothing(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::P2p, Retention::Ephemeral).await;
        let ActorId::Guest(guest) = owner.actor;
        let again = Joining { name: Some(name("Other")), at: room.touched_at + 9, ..joining(&room, guest) };
        assert_eq!(store.join_room(&again).await.unwrap(), Membership::Already(owner.clone()));
        assert_eq!(store.member(room.id, owner.member).await.unwrap(), owner);
        assert_eq!(store.room(room.id).await.unwrap(), room);
    }

    pub async fn a_member_id_is_taken_once(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
        let same = Joining { member: owner.member, ..joining(&room, guest()) };
        assert_eq!(conflict(&store.join_room(&same).await), Some(Conflict::MemberIdTaken));
        assert!(is_missing(&store.member_of(room.id, same.actor).await));
    }

    pub async fn what_is_not_there_is_not_found(store: &dyn Store) {
        let (nowhere, nobody) = new_room(RoomType::Group, Retention::Preserved);
        assert!(is_missing(&store.room(nowhere.id).await));
        assert!(is_missing(&store.room_by_code(nowhere.code).await));
        assert!(is_missing(&store.join_room(&joining(&nowhere, guest())).await));
        assert!(is_missing(&store.room_of_guest(guest()).await));
        assert!(is_missing(&store.member_of(nowhere.id, nobody.actor).await));
        assert!(store.members(nowhere.id).await.unwrap().is_empty());
        assert_eq!(store.head(nowhere.id).await.unwrap(), Head::default());
        let renamed = event(1, EventKind::Renamed { name: None, by: nobody.person() });
        assert!(is_missing(&store.append(nowhere.id, nowhere.epoch, std::slice::from_ref(&renamed)).await));
        assert!(is_missing(&store.project(nowhere.id, nowhere.epoch, &[renamed]).await));
        assert!(store.events_before(nowhere.id, None, 10).await.unwrap().is_empty());

        let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
        leave(store, &owner).await;
        assert!(is_missing(&store.leave_room(room.id, owner.member, &Owed::Left, now()).await), "left already");
    }

    pub async fn notices_are_owed_until_the_log_has_them(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
        let (other, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
        let at = owner.changed_at;
        let owing = async |before| {
            let mut rooms = store.rooms_owing_notices(before, 10).await.unwrap();
            rooms.sort();
            rooms
        };
        let mut both = vec![room.id, other.id];
        both.sort();
        assert_eq!(owing(at + 60_000).await, both);
        assert_eq!(store.rooms_owing_notices(at + 60_000, 1).await.unwrap().len(), 1);
        assert!(owing(at - 60_000).await.is_empty(), "too fresh to be overdue");

        append(store, &room, &[event(1, EventKind::Joined { member: owner.person() })]).await;
        let settled = store.member(room.id, owner.member).await.unwrap();
        assert_eq!(settled, MemberRecord { owed: None, since: 1, ..owner.clone() });
        assert_eq!(owing(at + 60_000).await, [other.id]);

        let gone = leave(store, &settled).await;
        assert_eq!(owing(at + 60_000).await, both);
        assert_eq!(store.members(room.id).await.unwrap(), std::slice::from_ref(&gone), "gone, but it owes a notice");
        append(store, &room, &[event(2, EventKind::Left { member: owner.person() })]).await;
        assert!(store.members(room.id).await.unwrap().is_empty());
        assert_eq!(store.member(room.id, owner.member).await.unwrap(), MemberRecord { owed: None, ..gone });

        let guest = enter(store, &joining(&room, guest())).await;
        let notice = Owed::Removed(owner.person());
        store.leave_room(room.id, guest.member, &notice, now()).await.unwrap();
        append(store, &room, &[event(3, EventKind::Removed { member: guest.person(), by: owner.person() })]).await;
        assert_eq!(store.member(room.id, guest.member).await.unwrap().owed, None);
        assert_eq!(owing(at + 60_000).await, [other.id]);
    }

    pub async fn a_late_notice_settles_only_what_it_tells(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
        leave(store, &owner).await;
        let ActorId::Guest(guest) = owner.actor;
        let back = enter(store, &joining(&room, guest)).await;
        append(store, &room, &[event(1, EventKind::Left { member: owner.person() })]).await;
        assert_eq!(store.member(room.id, owner.member).await.unwrap(), back, "it owes its Joined still");
        append(store, &room, &[event(2, EventKind::Joined { member: owner.person() })]).await;
        append(store, &room, &[event(3, EventKind::Joined { member: owner.person() })]).await;
        let settled = store.member(room.id, owner.member).await.unwrap();
        assert_eq!((settled.since, settled.owed), (2, None), "told twice counts once");
    }

    pub async fn events_are_read_back_as_they_were_written(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
        let (ada, eve) = (owner.person(), Person { id: MemberId::from_bits(u64::MAX), name: name("Eve 👩‍👩‍👧‍👦") });
        let written = [
            event(1, EventKind::Joined { member: ada.clone() }),
            event(2, EventKind::Joined { member: eve.clone() }),
            said(3, 1, &eve, client_id(), "two\nlines, “quotes”, \\ and \t $dollar.dot \u{1F980}"),
            event(4, EventKind::Renamed { name: Some(room_name("$et.theory")), by: ada.clone() }),
            event(5, EventKind::Removed { member: eve, by: ada.clone() }),
            event(6, EventKind::Renamed { name: None, by: ada.clone() }),
            event(7, EventKind::RetentionChanged { retention: Retention::Ephemeral, by: ada.clone() }),
            event(8, EventKind::Left { member: ada }),
        ];
        append(store, &room, &written).await;
        assert_eq!(store.events_after(room.id, 0, 100).await.unwrap(), written);
    }

    pub async fn an_append_behind_another_stores_nothing(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
        let first: Vec<_> = (1..=3).map(|seq| said(seq, seq, &owner.person(), client_id(), "first")).collect();
        append(store, &room, &first).await;
        let taken = Appended { stored: 0, stopped: Some(Stopped::SeqTaken) };
        let messages: Vec<_> = (3..=5).map(|seq| said(seq, seq, &owner.person(), client_id(), "late")).collect();
        assert_eq!(store.append(room.id, room.epoch, &messages).await.unwrap(), taken);
        let mut mixed = messages;
        mixed[1] = event(4, EventKind::Renamed { name: Some(room_name("Late")), by: owner.person() });
        assert_eq!(store.append(room.id, room.epoch, &mixed).await.unwrap(), taken);
        assert_eq!(store.events_after(room.id, 0, 100).await.unwrap(), first);
        assert_eq!(store.room(room.id).await.unwrap().name, room.name);
    }

    pub async fn an_append_stops_at_a_used_id_and_keeps_what_came_before(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
        let (ada, id) = (owner.person(), client_id());
        let original = said(1, 1, &ada, id, "hello");
        append(store, &room, std::slice::from_ref(&original)).await;

        let again =
            [said(2, 2, &ada, client_id(), "a"), said(3, 3, &ada, id, "hello"), said(4, 4, &ada, client_id(), "b")];
        let same = Earlier { index: 1, seq: 1, at: original.at, same_body: true };
        let stopped = store.append(room.id, room.epoch, &again).await.unwrap();
        assert_eq!(stopped, Appended { stored: 1, stopped: Some(Stopped::IdTaken(same)) });
        assert_eq!(store.head(room.id).await.unwrap(), Head { seq: 2, n: 2 });

        // With an effect on the records as well, and another body.
        let renamed = event(3, EventKind::Renamed { name: Some(room_name("New")), by: ada.clone() });
        let left = event(5, EventKind::Left { member: ada.clone() });
        let stopped = store.append(room.id, room.epoch, &[renamed, said(4, 3, &ada, id, "other"), left]).await.unwrap();
        let other = Earlier { same_body: false, ..same };
        assert_eq!(stopped, Appended { stored: 1, stopped: Some(Stopped::IdTaken(other)) });
        assert_eq!(store.head(room.id).await.unwrap(), Head { seq: 3, n: 2 });
        assert_eq!(store.room(room.id).await.unwrap().name, Some(room_name("New")));

        // One id twice in one batch.
        let id = client_id();
        let joined = event(4, EventKind::Joined { member: ada.clone() });
        let twice = [joined, said(5, 3, &ada, id, "x"), said(6, 4, &ada, id, "x")];
        let stopped = store.append(room.id, room.epoch, &twice).await.unwrap();
        let first = Earlier { index: 2, seq: 5, at: twice[1].at, same_body: true };
        assert_eq!(stopped, Appended { stored: 2, stopped: Some(Stopped::IdTaken(first)) });

        // Another person, and another room, may use the same id.
        let eve = Person { id: member_id(), name: name("Eve") };
        append(store, &room, &[said(6, 4, &eve, id, "x")]).await;
        let (elsewhere, _) = make_room(store, RoomType::Group, Retention::Preserved).await;
        append(store, &elsewhere, &[said(1, 1, &ada, id, "x")]).await;
    }

    pub async fn racing_appenders_leave_no_gap_and_no_double(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
        let person = owner.person();
        // Each stores 30 events in batches of one to three, some with effects, by what it knows of the head.
        let appender = async |number: usize| {
            let (mut head, mut sent) = (Head::default(), Vec::new());
            while sent.len() < 30 {
                let batch: Vec<_> = (1..=1 + sent.len() as u64 % 3)
                    .map(|k| match (number, k) {
                        (0, 2) => event(head.seq + k, EventKind::Renamed { name: None, by: person.clone() }),
                        _ => said(head.seq + k, head.n + k, &person, client_id(), "race"),
                    })
                    .collect();
                let appended = store.append(room.id, room.epoch, &batch).await.unwrap();
                sent.extend_from_slice(&batch[..appended.stored]);
                assert_eq!(appended.stopped, (appended.stored < batch.len()).then_some(Stopped::SeqTaken));
                let before = head.seq + appended.stored as u64;
                head = store.head(room.id).await.unwrap();
                assert!(head.seq > before || appended.stopped.is_none(), "what took the seq can be read");
            }
            sent
        };
        let sent = join_all((0..3).map(appender)).await;
        let mut sent: Vec<_> = sent.into_iter().flatten().collect();
        sent.sort_by_key(|event| event.seq);
        assert!(sent.iter().map(|event| event.seq).eq(1..=sent.len() as u64), "a gap or a double");
        assert_eq!(store.events_after(room.id, 0, 1_000).await.unwrap(), sent);
    }

    pub async fn effects_of_events_reach_the_records(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
        let (ada, epoch) = (owner.person(), Epoch::from_bits(77));
        let events = [
            event(1, EventKind::RetentionChanged { retention: Retention::Preserved, by: ada.clone() }),
            said(2, 1, &ada, client_id(), "kept"),
            event(3, EventKind::Renamed { name: Some(room_name("Kept")), by: ada.clone() }),
        ];
        let appended = store.append(room.id, epoch, &events).await.unwrap();
        assert_eq!(appended, Appended { stored: 3, stopped: None });
        let changed = RoomRecord { retention: Retention::Preserved, epoch, name: Some(room_name("Kept")), ..room };
        assert_eq!(store.room(changed.id).await.unwrap(), changed);
        assert_eq!(store.room_by_code(changed.code).await.unwrap(), changed);
        append(store, &changed, &[event(4, EventKind::Renamed { name: None, by: ada })]).await;
        assert_eq!(store.room(changed.id).await.unwrap().name, None);
    }

    pub async fn projecting_has_the_effects_and_stores_nothing(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
        let ada = owner.person();
        let events = [
            event(5, EventKind::Joined { member: ada.clone() }),
            said(6, 1, &ada, client_id(), "not kept"),
            event(7, EventKind::Renamed { name: Some(room_name("Named")), by: ada }),
        ];
        store.project(room.id, room.epoch, &events).await.unwrap();
        store.project(room.id, room.epoch, &events[1..2]).await.unwrap();
        assert_eq!(store.room(room.id).await.unwrap().name, Some(room_name("Named")));
        let member = store.member(room.id, owner.member).await.unwrap();
        assert_eq!((member.since, member.owed), (5, None));
        assert!(store.events_before(room.id, None, 10).await.unwrap().is_empty());
        assert_eq!(store.head(room.id).await.unwrap(), Head::default());
    }

    pub async fn history_pages_both_ways(store: &dyn Store) {
        let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
        let all: Vec<_> = (1..=20).map(|seq| said(seq, seq, &owner.person(), client_id(), "page")).collect();
        append(store, &room, &all).await;
        let seqs = |events: Vec<Event>| events.iter().map(|event| event.seq).collect::<Vec<_>>();
        assert_eq!(seqs(store.events_after(room.id, 0, 3).await.unwrap()), [1, 2, 3]);
        assert_eq!(seqs(store.events_after(room.id, 18, 3).await.unwrap()), [19, 20]);
        assert!(store.events_after(room.id, 20, 3).await.unwrap().is_empty());
        assert_eq!(seqs(store.events_before(room.id, None, 3).await.unwrap()), [20, 19, 18]);
        assert_eq!(seqs(store.events_before(room.id, Some(18), 2).await.unwrap()), [17, 16]);
        assert_eq!(seqs(store.events_before(room.id, Some(3), 9).await.unwrap()), [2, 1]);
        assert!(store.events_before(room.id, Some(1), 9).await.unwrap().is_empty());
    }

    pub async fn heads_tell_where_each_archive_ends(store: &dyn Store) {
        let (long, ada) = make_room(store, RoomType::Group, Retention::Preserved).await;
        let (short, eve) = make_room(store, RoomType::Group, Retention::Preserved).await;
        let (empty, _) = make_room(store, RoomType::Group, Retention::Preserved).await;
        append(
            store,
            &long,
            &[said(1, 1, &ada.person(), client_id(), "1"), said(2, 2, &ada.person(), client_id(), "2")],
        )
        .await;
        append(store, &long, &[event(3, EventKind::Left { member: ada.person() })]).await;
        append(store, &short, &[event(1, EventKind::Joined { member: eve.person() })]).await;
        let mut heads = store.heads(&[long.id, empty.id, short.id]).await.unwrap();
        heads.sort_by_key(|(_, head)| head.seq);
        assert_eq!(heads, [(short.id, Head { seq: 1, n: 0 }), (long.id, Head { seq: 3, n: 2 })]);
        assert_eq!(store.head(long.id).await.unwrap(), Head { seq: 3, n: 2 });
        assert!(store.heads(&[]).await.unwrap().is_empty());
    }

    pub async fn active_guests_are_paged_in_order(store: &dyn Store) {
        let mut active = Vec::new();
        for _ in 0..3 {
            let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
            let gone = enter(store, &joining(&room, guest())).await;
            leave(store, &gone).await;
            let guest = enter(store, &joining(&room, guest())).await;
            active.extend([(room.id, owner.member), (room.id, guest.member)]);
        }
        active.sort();
        let (mut after, mut paged) = (None, Vec::new());
        loop {
            let page = store.active_guests(after, 4).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(*last);
            paged.extend(page);
        }
        assert_eq!(paged, active);
    }

    pub async fn abandoned_rooms_go_whole_and_others_stay(store: &dyn Store) {
        let abandon = async |room_type, retention| {
            let (room, owner) = make_room(store, room_type, retention).await;
            append(store, &room, &[said(1, 1, &owner.person(), client_id(), "from a preserved time")]).await;
            leave(store, &owner).await;
            (room, owner)
        };
        let (abandoned, owner) = abandon(RoomType::P2p, Retention::Ephemeral).await;
        let (also, _) = abandon(RoomType::Group, Retention::Ephemeral).await;
        let (preserved, _) = abandon(RoomType::Group, Retention::Preserved).await;
        let (occupied, _) = make_room(store, RoomType::Group, Retention::Ephemeral).await;

        assert!(store.delete_abandoned_rooms(now() - 60_000, 10).await.unwrap().is_empty(), "touched since");
        let mut deleted = store.delete_abandoned_rooms(now() + 60_000, 1).await.unwrap();
        assert_eq!(deleted.len(), 1, "no more than the limit");
        deleted.extend(store.delete_abandoned_rooms(now() + 60_000, 10).await.unwrap());
        deleted.sort();
        let mut expected = vec![abandoned.id, also.id];
        expected.sort();
        assert_eq!(deleted, expected);

        assert!(is_missing(&store.room(abandoned.id).await));
        assert!(is_missing(&store.member(abandoned.id, owner.member).await));
        assert!(store.events_before(abandoned.id, None, 10).await.unwrap().is_empty());
        assert_eq!(store.room(occupied.id).await.unwrap(), occupied);
        assert!(store.room(preserved.id).await.is_ok());
        let (reused, owner) = new_room(RoomType::Group, Retention::Ephemeral);
        store.create_room(&RoomRecord { code: abandoned.code, ..reused }, &owner).await.unwrap();
    }

    pub async fn a_join_beside_a_deletion_keeps_its_room_or_finds_none(store: &dyn Store) {
        for _ in 0..20 {
            let (room, owner) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
            leave(store, &owner).await;
            // In the very millisecond of the last touch, so that the touch alone does not tell the room from an idle one.
            let touched_at = store.room(room.id).await.unwrap().touched_at;
            let joining = Joining { at: touched_at, ..joining(&room, guest()) };
            let (joined, deleted) =
                join(store.join_room(&joining), store.delete_abandoned_rooms(touched_at + 1, 10)).await;
            let deleted = deleted.unwrap();
            match joined {
                Ok(_) => {
                    assert!(!deleted.contains(&room.id));
                    assert!(store.room(room.id).await.is_ok());
                    leave(store, &store.member_of(room.id, joining.actor).await.unwrap()).await;
                }
                Err(StoreError::NotFound) => {
                    assert!(deleted.contains(&room.id));
                    assert!(store.members(room.id).await.unwrap().is_empty());
                }
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    pub async fn a_guest_is_found_while_alive(store: &dyn Store) {
        let (token, seen_at) = (TokenHash([7; 32]), now() - 60_000);
        let guest = GuestRecord { id: guest(), token, nickname: None, seen_at };
        store.create_guest(&guest).await.unwrap();
        assert_eq!(store.guest_by_token(token, seen_at).await.unwrap(), guest);
        assert!(is_missing(&store.guest_by_token(token, seen_at + 1).await));
        assert!(is_missing(&store.guest_by_token(TokenHash([8; 32]), 0).await));

        store.touch_guest(guest.id, Some(&name("Ada")), seen_at + 10).await.unwrap();
        store.touch_guest(guest.id, None, seen_at + 5).await.unwrap();
        store.touch_guest(super::guest(), None, seen_at).await.unwrap();
        let touched = GuestRecord { nickname: Some(name("Ada")), seen_at: seen_at + 10, ..guest };
        assert_eq!(
            store.guest_by_token(token, seen_at + 10).await.unwrap(),
            touched,
            "the name stays, time goes forward"
        );

        assert_eq!(store.forget_guests(seen_at + 10).await.unwrap(), 0);
        assert_eq!(store.forget_guests(seen_at + 11).await.unwrap(), 1);
        assert!(is_missing(&store.guest_by_token(token, 0).await));
    }

    pub async fn the_store_answers_a_ping(store: &dyn Store) {
        store.ping().await.unwrap();
    }
}

/// What only SQLite has to prove.
mod sqlite_file {
    use super::*;

    #[tokio::test]
    async fn what_was_answered_survives_a_kill_of_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("a/b/anonchat.db"), folder.path().join("killed.db"));
        let store = Sqlite::open(&path).unwrap();
        let (room, owner) = make_room(&store, RoomType::Group, Retention::Preserved).await;
        let said = said(1, 1, &owner.person(), client_id(), "durable");
        append(&store, &room, std::slice::from_ref(&said)).await;
        // The files as a kill would leave them, with the log not yet copied into the database.
        std::fs::copy(&path, &copy).unwrap();
        std::fs::copy(path.with_file_name("anonchat.db-wal"), folder.path().join("killed.db-wal")).unwrap();
        let reopened = Sqlite::open(&copy).unwrap();
        assert_eq!(reopened.events_after(room.id, 0, 10).await.unwrap(), [said]);
        assert_eq!(reopened.member(room.id, owner.member).await.unwrap(), owner);
    }

    #[tokio::test]
    async fn a_store_dropped_without_close_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anonchat.db");
        let store = Sqlite::open(&path).unwrap();
        let (room, _) = make_room(&store, RoomType::Group, Retention::Ephemeral).await;
        drop(store);
        assert_eq!(Sqlite::open(&path).unwrap().room(room.id).await.unwrap(), room);
    }

    #[tokio::test]
    async fn nothing_is_written_after_close() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("anonchat.db")).unwrap();
        store.close().await;
        assert!(matches!(store.ping().await, Err(StoreError::Other(_))));
    }

    #[tokio::test]
    async fn a_second_server_is_refused_and_told_who_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anonchat.db");
        let _store = Sqlite::open(&path).unwrap();
        let refused = cause(Sqlite::open(&path));
        assert!(refused.contains("in use by another AnonChat server"), "{refused}");
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
    }

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_refused_untouched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anonchat.db");
        rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
        let before = std::fs::read(&path).unwrap();
        let refused = cause(Sqlite::open(&path));
        assert!(refused.contains("newer version of AnonChat"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[tokio::test]
    async fn a_damaged_file_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anonchat.db");
        let store = Sqlite::open(&path).unwrap();
        let (room, owner) = make_room(&store, RoomType::Group, Retention::Preserved).await;
        let many: Vec<_> =
            (1..=500).map(|seq| said(seq, seq, &owner.person(), client_id(), "fill the pages")).collect();
        append(&store, &room, &many).await;
        store.close().await;
        drop(store);
        let whole = std::fs::read(&path).unwrap();
        for damaged in
            [&whole[..whole.len() / 2], b"this was never a database, but it is long enough to be read as one"]
        {
            std::fs::write(&path, damaged).unwrap();
            let refused = cause(Sqlite::open(&path));
            assert!(refused.contains("is damaged"), "{refused}");
        }
    }

    #[tokio::test]
    async fn deleted_text_is_in_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("anonchat.db")).unwrap();
        let (room, owner) = make_room(&store, RoomType::Group, Retention::Ephemeral).await;
        let secret = "a secret from a preserved time ".repeat(100);
        append(&store, &room, &[said(1, 1, &owner.person(), client_id(), &secret)]).await;
        leave(&store, &owner).await;
        let is_on_disk = || {
            let files =
                std::fs::read_dir(folder.path()).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
            files.into_iter().any(|file| file.windows(20).any(|bytes| bytes == &secret.as_bytes()[..20]))
        };
        assert!(is_on_disk());
        assert_eq!(store.delete_abandoned_rooms(now() + 60_000, 10).await.unwrap(), [room.id]);
        assert!(!is_on_disk());
    }

    #[tokio::test]
    async fn a_job_that_fails_is_undone_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("anonchat.db")).unwrap();
        let (taken, _) = make_room(&store, RoomType::Group, Retention::Ephemeral).await;
        // All wait at once, so they share transactions.
        let rooms: Vec<_> = (0..40).map(|_| new_room(RoomType::Group, Retention::Ephemeral)).collect();
        let rooms: Vec<_> = rooms
            .into_iter()
            .enumerate()
            .map(
                |(i, (room, owner))| {
                    if i % 2 == 0 { (room, owner) } else { (RoomRecord { code: taken.code, ..room }, owner) }
                },
            )
            .collect();
        let made = join_all(rooms.iter().map(|(room, owner)| store.create_room(room, owner))).await;
        for (i, (made, (room, _))) in made.iter().zip(&rooms).enumerate() {
            assert_eq!(made.is_ok(), i % 2 == 0);
            assert_eq!(store.room(room.id).await.is_ok(), i % 2 == 0);
        }
    }

    fn cause(opened: Result<Sqlite>) -> String {
        match opened {
            Err(StoreError::Other(error)) => format!("{error:#}"),
            Err(error) => panic!("{error:?}"),
            Ok(_) => panic!("it opened"),
        }
    }
}

/// What only MongoDB has to prove.
mod mongo_server {
    use mongodb::{
        IndexModel,
        bson::{Document, doc},
        options::IndexOptions,
    };
    use tokio::{
        io::copy_bidirectional,
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[tokio::test]
    async fn a_mongo_index_with_another_meaning_is_refused() {
        with_mongo(async |store| {
            let uri = mongo_uri().unwrap();
            let name = store.database.name().to_owned();
            assert!(Mongo::connect(&uri, &name).await.is_ok(), "the indexes as they were made");
            let events = store.database.collection::<Document>("events");
            events.drop_index("events_seq").await.unwrap();
            let options = IndexOptions::builder().name("events_seq".to_owned()).build();
            let index = IndexModel::builder().keys(doc! { "room": 1, "seq": 1 }).options(options).build();
            events.create_index(index).await.unwrap();
            let Err(StoreError::Other(refused)) = Mongo::connect(&uri, &name).await else { panic!("it was accepted") };
            assert!(refused.to_string().contains("events_seq"), "{refused}");
            assert!(refused.to_string().contains("Drop it"), "{refused}");
        })
        .await;
    }

    #[tokio::test]
    async fn a_mongo_that_hangs_is_an_error_within_five_seconds_and_heals() {
        with_mongo(async |direct| {
            let uri = mongo_uri().unwrap();
            let address = uri.split("://").nth(1).unwrap().split(['/', ',']).next().unwrap().to_owned();
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let proxy = format!("mongodb://{}/?directConnection=true", listener.local_addr().unwrap());
            let (open, gate) = tokio::sync::watch::channel(true);
            tokio::spawn(async move {
                while let Ok((mut near, _)) = listener.accept().await {
                    let (address, mut gate) = (address.clone(), gate.clone());
                    tokio::spawn(async move {
                        drop(gate.wait_for(|open| *open).await);
                        let mut far = TcpStream::connect(address).await.unwrap();
                        // A shut gate stops this connection for good, and says nothing to either side.
                        let shut = async { drop(gate.wait_for(|open| !*open).await) };
                        tokio::select! {
                            _ = copy_bidirectional(&mut near, &mut far) => {}
                            () = shut => std::future::pending().await,
                        }
                    });
                }
            });

            let store = Mongo::connect(&proxy, direct.database.name()).await.unwrap();
            let (room, owner) = make_room(&store, RoomType::Group, Retention::Preserved).await;
            open.send_replace(false);
            let message = [said(1, 1, &owner.person(), client_id(), "lost?")];
            let renamed = [event(1, EventKind::Renamed { name: None, by: owner.person() })];
            for _ in 0..2 {
                let started = Instant::now();
                let appends =
                    join(store.append(room.id, room.epoch, &message), store.append(room.id, room.epoch, &renamed));
                let (message, renamed) = appends.await;
                assert!(matches!((message, renamed), (Err(StoreError::Other(_)), Err(StoreError::Other(_)))));
                assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
            }

            open.send_replace(true);
            let deadline = Instant::now() + Duration::from_secs(10);
            while let Err(error) = store.append(room.id, room.epoch, &message).await {
                assert!(Instant::now() < deadline, "{error:?}");
            }
            assert_eq!(direct.events_after(room.id, 0, 10).await.unwrap().len(), 1);
        })
        .await;
    }
}

fn mongo_uri() -> Option<String> {
    let uri = std::env::var("TEST_MONGO_URI").ok();
    if uri.is_none() {
        assert!(std::env::var_os("CI").is_none(), "TEST_MONGO_URI is not set, and CI may not skip what needs it");
        eprintln!("not run: TEST_MONGO_URI is not set (script/services sets it)");
    }
    uri
}

/// Runs a test on a database of its own, which goes however the test ends.
async fn with_mongo<F>(test: impl FnOnce(Mongo) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(uri) = mongo_uri() else { return };
    let store = Mongo::connect(&uri, &format!("anonchat_test_{}", Uuid::new_v4().simple())).await.unwrap();
    let database = store.database.clone();
    let outcome = tokio::spawn(test(store)).await;
    database.drop().await.unwrap();
    if let Err(error) = outcome {
        resume_unwind(error.into_panic());
    }
}

async fn make_room(store: &dyn Store, room_type: RoomType, retention: Retention) -> (RoomRecord, MemberRecord) {
    let (room, owner) = new_room(room_type, retention);
    store.create_room(&room, &owner).await.unwrap();
    (room, owner)
}

fn new_room(room_type: RoomType, retention: Retention) -> (RoomRecord, MemberRecord) {
    let (id, member, at) = (RoomId(Uuid::new_v4()), member_id(), now());
    let room = RoomRecord {
        id,
        code: code(),
        room_type,
        name: Some(room_name("Room")),
        retention,
        epoch: Epoch::from_bits(rand::random()),
        owner: member,
        created_at: at,
        touched_at: at,
    };
    let owner = MemberRecord {
        room: id,
        member,
        actor: ActorId::Guest(guest()),
        name: name("Owner"),
        presence: Presence::Active,
        slot: (room_type == RoomType::P2p).then_some(0),
        since: 0,
        owed: Some(Owed::Joined),
        changed_at: at,
    };
    (room, owner)
}

fn joining(room: &RoomRecord, guest: GuestId) -> Joining {
    Joining {
        room: room.id,
        room_type: room.room_type,
        actor: ActorId::Guest(guest),
        member: member_id(),
        name: None,
        fallback_name: name("Quiet Otter"),
        at: now(),
    }
}

async fn enter(store: &dyn Store, joining: &Joining) -> MemberRecord {
    match store.join_room(joining).await.unwrap() {
        Membership::Entered(record) => record,
        Membership::Already(record) => panic!("in already: {record:?}"),
    }
}

async fn leave(store: &dyn Store, member: &MemberRecord) -> MemberRecord {
    store.leave_room(member.room, member.member, &Owed::Left, now()).await.unwrap()
}

async fn append(store: &dyn Store, room: &RoomRecord, events: &[Event]) {
    let appended = store.append(room.id, room.epoch, events).await.unwrap();
    assert_eq!(appended, Appended { stored: events.len(), stopped: None });
}

fn event(seq: Seq, kind: EventKind) -> Event {
    Event { seq, at: now(), kind }
}

fn said(seq: Seq, n: u64, author: &Person, id: ClientId, body: &str) -> Event {
    let body = MessageBody::try_from(body).unwrap();
    event(seq, EventKind::Message(Message { n, id, author: author.clone(), body }))
}

fn conflict<T>(result: &Result<T>) -> Option<Conflict> {
    match result {
        Err(StoreError::Conflict(conflict)) => Some(*conflict),
        _ => None,
    }
}

fn is_missing<T>(result: &Result<T>) -> bool {
    matches!(result, Err(StoreError::NotFound))
}

fn guest() -> GuestId {
    GuestId(Uuid::new_v4())
}

fn member_id() -> MemberId {
    MemberId::from_bits(rand::random())
}

fn client_id() -> ClientId {
    ClientId::new(Uuid::now_v7())
}

fn code() -> RoomCode {
    RoomCode::from_bits(rand::random())
}

fn name(text: &str) -> Nickname {
    Nickname::try_from(text).unwrap()
}

fn room_name(text: &str) -> RoomName {
    RoomName::try_from(text).unwrap()
}

fn now() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}
