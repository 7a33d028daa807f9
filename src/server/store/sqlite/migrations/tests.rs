//! Databases of older versions become ones of this version, with all that is in them.

use uuid::Uuid;

use super::{
    super::super::{
        AccountId, Accounts, ActorId, Appended, Conflict, Earlier, Events, GuestId, Head, Holders, Joining,
        MemberRecord, Members, Owed, Presence, Purpose, ReadCursor, RoomId, Rooms, Stopped, StoreError, TokenHash,
        Tokens,
    },
    *,
};
use crate::{
    protocol::{
        ClientId, Email, Epoch, Event, EventKind, MemberId, Message, MessageBody, Nickname, Notify, Person, Retention,
        RoomCode, RoomType,
    },
    server::store::sqlite::{Sqlite, columns::actor_columns},
};

#[tokio::test]
async fn what_was_kept_by_the_first_version_reads_the_same_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anonchat.db");
    let (room, ada) = (RoomId(Uuid::now_v7()), MemberId::from_bits(7));
    let ada = Person { id: ada, name: Nickname::try_from("Ada 👩‍👩‍👧").unwrap() };
    let said = |seq, n, body: &str| {
        let (id, body) = (ClientId::new(Uuid::now_v7()), MessageBody::try_from(body).unwrap());
        Event { seq, at: 1_000, kind: EventKind::Message(Message::new(n, id, ada.clone(), body)) }
    };
    let other = |seq, kind| Event { seq, at: 1_000, kind };
    let changed = |retention| EventKind::RetentionChanged { retention, by: ada.clone(), n: 9 };
    let old = [
        other(1, EventKind::Joined { member: ada.clone() }),
        said(2, 1, "“two\nlines” and \\ and \t"),
        other(3, EventKind::Renamed { name: None, by: ada.clone() }),
        other(4, changed(Retention::Ephemeral)),
        other(12, changed(Retention::Preserved)),
        other(13, EventKind::Left { member: ada.clone() }),
    ];
    let mut db = Connection::open(&path).unwrap();
    db.execute_batch(STEPS[0]).unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    db.execute(
        "INSERT INTO rooms VALUES (?, ?, 'group', NULL, 1, 5, 7, 1000, 1000)",
        params![room, RoomCode::from_bits(1)],
    )
    .unwrap();
    for event in &old {
        let message = event.message();
        db.execute(
            "INSERT INTO events (room, seq, at, kind, author, client_id, n) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                room,
                event.seq.cast_signed(),
                event.at,
                event.kind,
                message.map(|message| message.author.id),
                message.map(|message| message.id.uuid().into_bytes().to_vec()),
                event.ordinal().map(u64::cast_signed),
            ],
        )
        .unwrap();
    }
    migrate(&mut db, 1).unwrap();
    assert_eq!(version(&db).unwrap(), VERSION);
    drop(db);

    let store = Sqlite::open(&path).unwrap();
    assert_eq!(store.events_after(room, 0, 100).await.unwrap(), old);
    assert_eq!(store.head(room).await.unwrap(), Head { seq: 13, n: 9 });
    let EventKind::Message(first) = &old[1].kind else { panic!("it is a message") };
    let again = Event { seq: 14, at: 2_000, kind: EventKind::Message(first.clone()) };
    let appended = store.append(room, Epoch::from_bits(5), &[again]).await.unwrap();
    let earlier = Earlier { index: 0, seq: 2, at: 1_000, same_body: true };
    assert_eq!(appended, Appended { stored: 0, stopped: Some(Stopped::IdTaken(earlier)), settled: true });
}

#[tokio::test]
async fn addresses_of_older_versions_are_found_in_one_spelling_and_nobody_loses_their_way_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anonchat.db");
    let mut db = Connection::open(&path).unwrap();
    let before = STEPS.iter().position(|step| step.contains(HOSTS_IN_ASCII)).unwrap();
    for step in &STEPS[..before] {
        db.execute_batch(step).unwrap();
    }
    let before = before.cast_signed();
    db.pragma_update(None, "user_version", before).unwrap();
    let ids: Vec<AccountId> = (0..5).map(|_| AccountId(Uuid::now_v7())).collect();
    let insert = |id: AccountId, email: Option<&str>, claimed: Option<&str>, at: i64| {
        db.execute(
            "INSERT INTO accounts (id, email, claimed, claim, name, password, preferences, created_at)
             VALUES (?, ?, ?, 1, 'Ada', 'hash', '{}', ?)",
            params![id, email, claimed, at],
        )
        .unwrap();
    };
    insert(ids[0], Some("ada@xn--mller-kva.example"), None, 20);
    insert(ids[1], Some("ada@m\u{fc}ller.example"), None, 10);
    insert(ids[2], Some("grace@\u{ff45}xample.org"), None, 30);
    insert(ids[3], None, Some("\u{fc}nal@example.org"), 40);
    insert(ids[4], None, Some("ada@m\u{fc}ller.example"), 50);
    let token = [7_u8; 32];
    db.execute(
        "INSERT INTO tokens VALUES ('reset', 'account', ?, ?, 'ada@m\u{fc}ller.example', 0, 9000000000000)",
        params![ids[1], token],
    )
    .unwrap();
    migrate(&mut db, before).unwrap();
    drop(db);

    let store = Sqlite::open(&path).unwrap();
    let email = |text: &str| Email::try_from(text).unwrap();
    let holders = async |text: &str| {
        let Holders { proved, first, last } = store.holders(&email(text)).await.unwrap();
        [proved, first, last].map(|account| account.map(|account| account.id))
    };
    let of_ada = holders("ada@xn--mller-kva.example").await;
    assert_eq!(of_ada[0], Some(ids[1]), "the older one keeps it");
    assert!(of_ada[1..].contains(&Some(ids[0])), "the other claims it, and so still logs in: {of_ada:?}");
    assert_eq!(holders("grace@example.org").await, [Some(ids[2]), None, None]);
    assert_eq!(holders("\u{fc}nal@example.org").await, [None, Some(ids[3]), None], "a local part stays as it is");
    assert!(store.account(ids[3]).await.unwrap().claimed_at.is_some());
    let token = store.token(Purpose::Reset, TokenHash(token), 0).await.unwrap();
    assert_eq!(token.email, email("ada@xn--mller-kva.example"));
}

#[tokio::test]
async fn a_room_that_was_muted_causes_no_notification() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anonchat.db");
    let mut db = Connection::open(&path).unwrap();
    let before = STEPS.iter().position(|step| step.contains("DROP COLUMN muted")).unwrap();
    for step in &STEPS[..before] {
        db.execute_batch(step).unwrap();
    }
    let room = RoomId(Uuid::now_v7());
    db.execute(
        "INSERT INTO rooms (id, code, type, name, preserve, epoch, owner, created_at, touched_at)
         VALUES (?, ?, 'group', NULL, 1, 5, 7, 1000, 1000)",
        params![room, RoomCode::from_bits(1)],
    )
    .unwrap();
    for (member, muted) in [(7, true), (8, false)] {
        db.execute(
            "INSERT INTO members (room, member, actor_kind, actor, name, presence, since, changed_at, muted)
             VALUES (?, ?, 'account', ?, 'Ada', 'active', 3, 1000, ?)",
            params![room, member, AccountId(Uuid::now_v7()), muted],
        )
        .unwrap();
    }
    let before = before.cast_signed();
    db.pragma_update(None, "user_version", before).unwrap();
    migrate(&mut db, before).unwrap();
    drop(db);

    let store = Sqlite::open(&path).unwrap();
    for (member, notify) in [(7, Some(Notify::None)), (8, None)] {
        assert_eq!(store.member(room, MemberId::from_bits(member)).await.unwrap().notify, notify);
    }
}

#[tokio::test]
async fn members_of_the_second_version_stay_and_so_does_what_guards_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anonchat.db");
    let (pair, group) = (RoomId(Uuid::now_v7()), RoomId(Uuid::now_v7()));
    let member = |room, id, presence, slot, owed| {
        let person =
            Person { id: MemberId::from_bits(id), name: Nickname::try_from("Ada 👩‍👩‍👧").unwrap() };
        let actor = ActorId::Guest(GuestId(Uuid::now_v7()));
        MemberRecord { presence, slot, since: 3, owed, ..MemberRecord::new(room, person, actor, 1_000) }
    };
    let ada = member(pair, 7, Presence::Active, Some(0), None);
    let old = [
        ada.clone(),
        member(pair, 8, Presence::Active, Some(1), Some(Owed::Joined)),
        member(pair, 9, Presence::Removed, None, Some(Owed::Removed(ada.person()))),
        member(group, 7, Presence::Gone, None, None),
    ];
    let mut db = Connection::open(&path).unwrap();
    db.pragma_update(None, "foreign_keys", true).unwrap();
    db.execute_batch(STEPS[0]).unwrap();
    db.execute_batch(STEPS[1]).unwrap();
    db.pragma_update(None, "user_version", 2).unwrap();
    for (room, code, room_type) in [(pair, 1, "p2p"), (group, 2, "group")] {
        let code = RoomCode::from_bits(code);
        db.execute("INSERT INTO rooms VALUES (?, ?, ?, NULL, 0, 5, 7, 1000, 1000)", params![room, code, room_type])
            .unwrap();
    }
    for record in &old {
        let (kind, actor) = actor_columns(record.actor);
        let MemberRecord { room, member, name, presence, slot, owed, .. } = record;
        db.execute(
            "INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?, 3, ?, 1000)",
            params![room, member, kind, actor, name, presence, slot, owed],
        )
        .unwrap();
    }
    migrate(&mut db, 2).unwrap();
    assert_eq!(version(&db).unwrap(), VERSION);
    let names = "SELECT group_concat(name, ' ' ORDER BY name) FROM sqlite_schema
                 WHERE type = 'index' AND tbl_name = 'members' AND sql IS NOT NULL";
    let indexes: String = db.query_row(names, [], |row| row.get(0)).unwrap();
    assert_eq!(indexes, "members_actor members_guest members_owing members_slot");
    assert!(!db.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap());
    drop(db);

    let store = Sqlite::open(&path).unwrap();
    for record in &old {
        assert_eq!(store.member(record.room, record.member).await.unwrap(), *record);
    }
    let cursor = ReadCursor { member: ada.member, seq: 5, n: 2, shown: 4 };
    store.mark_read(pair, &[cursor]).await.unwrap();
    let notify = Some(Notify::Mentions);
    store.set_notify(pair, ada.member, notify).await.unwrap();
    let marked = MemberRecord { read: 5, read_n: 2, shown: 4, notify, ..ada.clone() };
    assert_eq!(store.member(pair, ada.member).await.unwrap(), marked);
    let joining = |room, room_type, actor| Joining {
        room,
        room_type,
        actor,
        member: MemberId::from_bits(20),
        name: None,
        fallback_name: Nickname::try_from("Quiet Otter").unwrap(),
        newcomer: None,
        at: 2_000,
    };
    let stranger = ActorId::Guest(GuestId(Uuid::now_v7()));
    let refused = store.join_room(&joining(pair, RoomType::P2p, stranger)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(Conflict::Full))), "{refused:?}");
    let refused = store.join_room(&joining(group, RoomType::Group, ada.actor)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(Conflict::Elsewhere(_)))), "{refused:?}");
    assert_eq!(store.rooms_owing_notices(2_000, 10).await.unwrap(), [pair]);
    assert_eq!(store.delete_abandoned_rooms(2_000, 10).await.unwrap(), [group]);
    assert!(matches!(store.member(group, old[3].member).await, Err(StoreError::NotFound)), "it goes with its room");
}
