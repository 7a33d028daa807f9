//! The one suite that every driver passes: stories over `&dyn Store`, each run on a fresh store of each driver.
//!
//! MongoDB is found in `TEST_MONGO_URI`. Without it those tests pass with a note, but fail where `CI` is set.

mod events;
mod guests;
mod members;
mod only_mongo;
mod only_sqlite;
mod rooms;

use std::{panic::resume_unwind, time::Duration};

use futures_util::future::{join, join_all};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    ActorId, Appended, Conflict, Earlier, Events as _, GuestId, GuestRecord, Head, Joining, MemberRecord, Members as _,
    Membership, Owed, Presence, Result, RoomId, RoomRecord, Rooms as _, Stopped, Store, StoreError, TokenHash,
    mongo::Mongo, sqlite::Sqlite,
};
use crate::{
    protocol::{
        ClientId, Epoch, Event, EventKind, MemberId, Message, MessageBody, Nickname, Person, Retention, RoomCode,
        RoomName, RoomType, Seq,
    },
    server::clock::now,
};

/// Runs every story of every noun against every driver.
macro_rules! contract {
    ($($noun:ident { $($name:ident)* })*) => {
        mod sqlite {
            $($(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let store = super::Sqlite::open(&folder.path().join("anonchat.db")).unwrap();
                super::$noun::$name(&store).await;
                super::Store::close(&store).await;
            })*)*
        }

        mod mongo {
            $($(#[tokio::test]
            async fn $name() {
                super::with_mongo(async |store| super::$noun::$name(&store).await).await;
            })*)*
        }
    };
}

contract! {
    rooms {
        of_rooms_made_with_one_code_at_once_one_is_there
        a_room_whose_owner_is_elsewhere_is_not_made
        abandoned_rooms_go_whole_and_others_stay
        a_join_beside_a_deletion_keeps_its_room_or_finds_none
    }
    members {
        ten_who_join_a_p2p_room_at_once_leave_two_in_it
        a_hundred_who_join_a_group_at_once_are_all_in
        a_guest_who_joins_two_rooms_at_once_is_in_one
        ten_joins_of_one_person_at_once_make_one_member
        who_comes_back_is_the_same_member
        who_was_removed_cannot_come_back
        joining_again_changes_nothing
        a_member_id_is_taken_once
        what_is_not_there_is_not_found
        a_membership_is_found_by_code_and_person
        a_newcomer_is_kept_with_what_they_make_or_join
        notices_are_owed_until_the_log_has_them
        a_late_notice_settles_only_what_it_tells
        active_guests_are_paged_in_order
    }
    events {
        events_are_read_back_as_they_were_written
        an_append_behind_another_stores_nothing
        an_append_stops_at_a_used_id_and_keeps_what_came_before
        racing_appenders_leave_no_gap_and_no_double
        effects_of_events_reach_the_records
        projecting_has_the_effects_and_stores_nothing
        history_pages_both_ways
        heads_tell_where_each_archive_ends
    }
    guests {
        a_guest_is_found_while_alive
        the_store_answers_a_ping
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
    store.create_room(&room, &owner, None).await.unwrap();
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
        newcomer: None,
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
