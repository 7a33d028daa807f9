//! The contract: the one test suite that every driver passes. A test (a *story*) is a function over `&dyn Store`. The
//! macro `contract!` runs each of them once for each driver, on a fresh store.
//!
//! To add a test, write a `pub async fn` in the file of its noun and add its name to the list in `contract!`. Tests for
//! one driver only are in `only_sqlite.rs` and `only_mongo.rs`. The address of MongoDB is in `TEST_MONGO_URI`. Without
//! it, the tests that need MongoDB pass with a note, but fail where `CI` is set.

mod accounts;
mod adoption;
mod events;
mod guests;
mod mails;
mod members;
mod only_mongo;
mod only_sqlite;
mod reads;
mod rooms;
mod search;
mod sessions;
mod tokens;

use std::{panic::resume_unwind, time::Duration};

use futures_util::future::{join, join_all};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    AccountChange, AccountId, AccountRecord, Accounts as _, ActorId, Adopted, Appended, CodeCheck, Conflict, Earlier,
    Ending, Events as _, Gone, GuestId, GuestRecord, Head, Holders, Joining, Letter, MailId, MailRecord, MemberRecord,
    Members as _, Membership, NewPassword, Overview, Owed, PasswordHash, Presence, Purpose, ReadCursor, Registration,
    Result, RoomId, RoomRecord, Rooms as _, Rotation, Search as _, SessionId, SessionRecord, Stopped, Store,
    StoreError, TokenHash, TokenRecord, mongo::Mongo, sqlite::Sqlite,
};
use crate::{
    protocol::{
        ClientId, Email, Emoji, Epoch, Event, EventKind, Language, MemberId, Message, MessageBody, Millis, Nickname,
        Notify, OwnerChange, Person, Preferences, ReactionChange, Retention, RoomCode, RoomName, RoomType, Seq, Target,
    },
    server::clock::now,
};

/// An hour. Tests give records an expiry in the future, because MongoDB may remove expired ones at any time.
const HOUR: Millis = 3_600_000;

/// Defines one test for each story and driver.
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
        overviews_tell_of_many_rooms_at_once
        rooms_that_nobody_visits_end_and_what_an_account_keeps_stays
        a_visit_lengthens_a_rooms_life_and_comes_first
        a_room_ends_step_by_step_and_whole
        rooms_and_accounts_are_listed_in_pages
    }
    members {
        ten_who_join_a_p2p_room_at_once_leave_two_in_it
        a_hundred_who_join_a_group_at_once_are_all_in
        a_guest_who_joins_two_rooms_at_once_is_in_one
        ten_joins_of_one_person_at_once_make_one_member
        who_comes_back_is_the_same_member
        a_place_and_a_stay_outlive_an_absence
        a_place_is_kept_until_it_is_given_up_or_its_guest_forgotten
        who_was_removed_cannot_come_back
        only_the_owner_removes
        joining_again_changes_nothing
        a_member_id_is_taken_once
        what_is_not_there_is_not_found
        a_membership_is_found_by_code_and_person
        a_newcomer_is_kept_with_what_they_make_or_join
        notices_are_owed_until_the_log_has_them
        a_late_notice_settles_only_what_it_tells
        who_comes_in_with_their_event_owes_nothing
        active_guests_are_paged_in_order
        an_account_is_in_many_rooms
        a_guest_who_is_absent_leaves_and_an_account_does_not
        an_absence_beside_an_adoption_makes_no_account_leave
    }
    reads {
        what_was_read_goes_forward_only
        marks_made_at_once_are_all_kept
        whom_the_room_does_not_know_is_passed_over
        a_mark_beside_a_leaving_is_kept_and_so_is_the_leaving
        who_comes_back_has_read_nothing_and_is_notified_as_before
        an_adopted_guest_keeps_what_was_read_and_the_level
        a_lost_log_takes_back_what_was_read_beyond_it
        a_level_of_notifications_is_of_one_member_in_one_room
    }
    events {
        events_are_read_back_as_they_were_written
        every_kind_is_kept_with_its_effects
        a_kind_of_a_later_version_is_kept_as_it_is
        texts_of_an_older_rule_are_read_back
        an_append_behind_another_stores_nothing
        an_append_stops_at_a_used_id_and_keeps_what_came_before
        a_used_id_is_found_without_an_append
        racing_appenders_leave_no_gap_and_no_double
        of_many_appends_at_once_each_is_stopped_by_itself
        effects_of_events_reach_the_records
        projecting_has_the_effects_and_stores_nothing
        a_touch_changes_its_message_and_leaves_no_earlier_text
        a_touch_of_what_is_not_there_or_deleted_changes_nothing
        reactions_are_in_each_message_that_they_are_about
        a_message_that_was_changed_is_recognised_by_its_id
        history_pages_both_ways
        what_one_member_said_is_read_without_the_rest
        heads_tell_where_each_archive_ends
    }
    search {
        texts_of_many_scripts_are_found
        candidates_are_of_a_range_and_a_few
        rooms_are_indexed_behind_their_archives_step_by_step
        the_index_follows_edits_and_deletions
        a_text_that_is_deleted_while_it_is_indexed_is_not_in_the_index
        what_goes_with_an_account_or_a_room_goes_from_the_index
    }
    guests {
        a_guest_is_found_while_alive
        a_guest_who_is_forgotten_leaves_neither_token_nor_mail
        the_store_answers_a_ping
    }
    accounts {
        an_account_is_kept_with_its_token_and_its_mail
        what_an_account_is_made_with_is_there_or_nothing_is
        each_change_changes_what_it_says
        with_a_new_password_goes_all_that_must_or_nothing
        a_change_and_its_mail_are_both_there_or_neither_is
        an_address_is_claimed_with_its_token_and_its_mail_or_not_at_all
        of_two_who_prove_one_address_at_once_one_has_it
        claims_vanish_when_their_address_is_proved
        holders_are_who_proved_an_address_and_who_claimed_it_first_and_last
        claims_that_nobody_proved_end_and_then_an_account_without_a_session_is_unreachable
        an_account_goes_whole_and_its_records_stay_under_another_name
        an_account_that_is_in_a_room_stays
        nobody_comes_in_whose_account_goes_at_that_moment
        what_an_account_said_is_told_apart_from_it
        of_two_registrations_of_one_account_at_once_one_makes_it
        who_registers_is_what_their_guests_were_or_not_at_all
    }
    adoption {
        a_guests_membership_and_ownership_become_the_accounts
        records_that_a_guest_left_behind_become_the_accounts
        a_guest_leaves_a_room_that_the_account_is_in
        an_account_that_had_left_goes_on_in_its_guests_place
        an_account_that_was_removed_comes_back_only_by_a_guest_who_owns_the_room
        whoever_was_removed_as_either_stays_removed
        what_a_guest_owned_in_an_empty_room_the_account_owns
        of_two_who_adopt_one_guest_at_once_one_does
        an_unknown_guest_or_account_changes_nothing
    }
    sessions {
        a_session_is_found_with_its_account_until_it_ends
        no_session_begins_for_an_account_that_is_gone
        of_two_rotations_at_once_one_wins
        a_refresh_token_is_good_until_the_next_one_has_arrived
        sessions_are_listed_the_last_used_first
        sessions_end_as_they_are_told
        of_many_sessions_those_that_ended_are_named
        sessions_are_forgotten_once_they_ended
    }
    tokens {
        of_many_who_take_one_token_at_once_one_gets_it
        a_newer_code_voids_the_older
        five_links_are_good_at_once_and_nobody_voids_one_for_a_new_password
        links_for_a_new_password_are_used_up_together
        of_tokens_put_at_once_one_is_left
        a_token_is_for_its_purpose_and_its_time
        a_token_and_its_mail_are_both_there_or_neither_is
        a_token_needs_no_mail
        a_right_code_is_good_once_and_known_again_for_a_moment
        wrong_tries_at_once_are_counted_one_by_one
        tokens_are_forgotten_once_they_ended
    }
    mails {
        a_mail_is_leased_as_it_was_put
        a_lease_gives_each_mail_to_one
        a_mail_comes_back_after_its_lease
        a_mail_that_is_finished_or_postponed_is_not_due
        codes_are_leased_before_other_letters
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

/// Runs a test on a database of its own, which is dropped even if the test fails.
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
        peek: true,
        epoch: Epoch::from_bits(rand::random()),
        owner: member,
        created_at: at,
        touched_at: at,
        visited_at: at,
        gone: Gone::default(),
    };
    let slot = (room_type == RoomType::P2p).then_some(0);
    let person = Person { id: member, name: name("Owner") };
    let owner = MemberRecord { slot, ..MemberRecord::new(id, person, ActorId::Guest(guest()), at) };
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

fn joining_as(room: &RoomRecord, account: AccountId) -> Joining {
    Joining { actor: ActorId::Account(account), ..joining(room, guest()) }
}

/// Creates a room owned by a guest whose session is stored, too.
async fn make_room_of_guest(store: &dyn Store) -> (RoomRecord, GuestRecord, MemberRecord) {
    let (room, owner) = new_room(RoomType::P2p, Retention::Ephemeral);
    let guest = GuestRecord { id: guest_of(&owner), token: hash(), nickname: None, seen_at: now() };
    store.create_room(&room, &owner, Some(&guest)).await.unwrap();
    (room, guest, owner)
}

async fn make_account(store: &dyn Store) -> AccountRecord {
    let account = new_account();
    register(store, &account, Some(&mail(None))).await.unwrap();
    account
}

/// Registers an account that adopts nobody.
async fn register(store: &dyn Store, account: &AccountRecord, mail: Option<&MailRecord>) -> Result<()> {
    let token = token(Purpose::Verify, ActorId::Account(account.id));
    store.register(&Registration { account, token: &token, mail, guests: &[] }).await.map(drop)
}

fn new_account() -> AccountRecord {
    AccountRecord {
        id: AccountId(Uuid::new_v4()),
        email: None,
        claimed: None,
        claimed_at: None,
        name: name("Ada"),
        password: None,
        preferences: Preferences::default(),
        created_at: now(),
    }
}

fn new_session(account: AccountId) -> SessionRecord {
    let at = now();
    SessionRecord {
        id: SessionId(Uuid::new_v4()),
        account,
        refresh: hash(),
        previous: None,
        arrived: false,
        device: "Firefox on Android".into(),
        created_at: at,
        used_at: at,
        ends_at: at + HOUR,
    }
}

fn token(purpose: Purpose, holder: ActorId) -> TokenRecord {
    TokenRecord { purpose, holder, hash: hash(), email: email("ada@example.org"), tries: 0, ends_at: now() + HOUR }
}

fn mail(account: Option<AccountId>) -> MailRecord {
    let at = now();
    MailRecord {
        id: MailId(Uuid::new_v4()),
        account,
        guest: None,
        to: email("ada@example.org"),
        name: name("Ada"),
        language: Language::German,
        letter: Letter::KeepRoom { code: code() },
        key: "key".into(),
        created_at: at,
        due_at: at,
        attempts: 0,
    }
}

/// Returns the ids of all mails in the outbox, and makes them due again at once.
async fn outbox(store: &dyn Store) -> Vec<MailId> {
    let all = store.lease_mails(now() + 100 * HOUR, now() + 200 * HOUR, 100).await.unwrap();
    for mail in &all {
        store.postpone_mail(mail.id, now()).await.unwrap();
    }
    all.iter().map(|mail| mail.id).collect()
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
    append_settling(store, room, events).await;
}

/// Appends events. Returns whether the records of the members concerned owed these notices.
async fn append_settling(store: &dyn Store, room: &RoomRecord, events: &[Event]) -> bool {
    let Appended { stored, stopped, settled } = store.append(room.id, room.epoch, events).await.unwrap();
    assert_eq!((stored, stopped), (events.len(), None));
    settled
}

fn event(seq: Seq, kind: EventKind) -> Event {
    Event { seq, at: now(), kind }
}

fn said(seq: Seq, n: u64, author: &Person, id: ClientId, body: &str) -> Event {
    let body = MessageBody::try_from(body).unwrap();
    event(seq, EventKind::Message(Message::new(n, id, author.clone(), body)))
}

fn edited(seq: Seq, of: &Event, body: &str) -> Event {
    let (message, body) = (of.message().unwrap(), MessageBody::try_from(body).unwrap());
    let author = message.author.clone();
    event(seq, EventKind::Edited { target: target(of), mentions: vec![author.clone()], author, body, everyone: true })
}

fn deleted(seq: Seq, of: &Event, by: &Person) -> Event {
    event(seq, EventKind::Deleted { target: target(of), n: of.message().unwrap().n, by: by.clone() })
}

fn reacted(seq: Seq, of: &Event, emoji: &str, who: &[MemberId]) -> Event {
    let change = ReactionChange { target: target(of), e: Emoji::stored(emoji), on: true, who: who.to_vec() };
    event(seq, EventKind::Reacted { changes: vec![change] })
}

fn target(of: &Event) -> Target {
    Target { seq: of.seq, id: of.message().unwrap().id }
}

/// A log with every kind of event, about and by these persons.
fn every_kind(ada: &Person, bob: &Person) -> Vec<Event> {
    let (of_ada, of_bob) = (said(3, 1, ada, client_id(), "Of Ada"), said(4, 2, bob, client_id(), "Of Bob"));
    let owned = EventKind::Owner { member: ada.clone(), by: Some(bob.clone()), why: OwnerChange::Given };
    let events = vec![
        event(1, EventKind::Joined { member: ada.clone() }),
        event(2, EventKind::Joined { member: bob.clone() }),
        of_ada.clone(),
        of_bob.clone(),
        edited(5, &of_ada, "Of Ada, changed"),
        deleted(6, &of_bob, ada),
        event(7, EventKind::Renamed { name: Some(room_name("Ada")), by: ada.clone() }),
        event(8, EventKind::PeekChanged { peek: false, by: ada.clone() }),
        event(9, owned),
        event(10, EventKind::RetentionChanged { retention: Retention::Preserved, by: ada.clone(), n: 2 }),
        event(11, EventKind::Removed { member: bob.clone(), by: ada.clone() }),
        event(12, EventKind::Left { member: ada.clone() }),
        reacted(13, &of_ada, "👍", &[bob.id]),
    ];
    for known in EventKind::KNOWN {
        assert!(events.iter().any(|event| event.kind.known_name() == Some(known)), "{known} is missing here");
    }
    events
}

/// The events as the archive has them in the end: messages in their current state.
fn in_the_end(events: &[Event]) -> Vec<Event> {
    let mut stored = events.to_vec();
    for touch in events {
        for event in &mut stored {
            event.fold(touch);
        }
    }
    stored
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

fn guest_of(member: &MemberRecord) -> GuestId {
    match member.actor {
        ActorId::Guest(guest) => guest,
        ActorId::Account(account) => panic!("{account:?} is no guest"),
    }
}

fn new_guest() -> GuestRecord {
    GuestRecord { id: guest(), token: hash(), nickname: None, seen_at: now() }
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

fn hash() -> TokenHash {
    TokenHash(rand::random())
}

fn email(text: &str) -> Email {
    Email::try_from(text).unwrap()
}

fn name(text: &str) -> Nickname {
    Nickname::try_from(text).unwrap()
}

fn room_name(text: &str) -> RoomName {
    RoomName::try_from(text).unwrap()
}
