//! Tests of a log across a change of retention, with a real store and a bus in memory.

use uuid::Uuid;

use super::*;
use crate::{
    protocol::{ClientId, Emoji, MemberId, Message, MessageBody, Nickname, ReactionChange, RoomType, Target},
    server::{
        bus::LocalBus,
        store::{ActorId, Gone, GuestId, sqlite::Sqlite},
    },
};

/// An ephemeral room whose tail ends at its first message.
async fn room(folder: &tempfile::TempDir) -> (Log, Cursor, Person) {
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("anonchat.db")).unwrap());
    let (room, epoch, at) = (RoomId(Uuid::new_v4()), random::epoch(), clock::now());
    let ada = Person { id: MemberId::from_bits(1), name: Nickname::try_from("Ada").unwrap() };
    let owner =
        MemberRecord { owed: None, ..MemberRecord::new(room, ada, ActorId::Guest(GuestId(Uuid::new_v4())), at) };
    let record = RoomRecord {
        id: room,
        code: random::room_code(),
        room_type: RoomType::Group,
        name: None,
        retention: Retention::Ephemeral,
        peek: true,
        epoch,
        owner: owner.member,
        created_at: at,
        touched_at: at,
        visited_at: at,
        gone: Gone::default(),
    };
    store.create_room(&record, &owner, None).await.unwrap();
    let bus: Arc<dyn Bus> = Arc::new(LocalBus::new().0);
    bus.open_tail(room, epoch, 0, 0, 0).await.unwrap();
    let log = Log::new(store, bus, room);
    let cursor = Cursor { epoch, head: 0, n: 0, retention: Retention::Ephemeral };
    append(&log, cursor, &[said(1, 1)]).await;
    (log, Cursor { head: 1, n: 1, ..cursor }, owner.person())
}

fn said(seq: Seq, id: u128) -> Event {
    let author = Person { id: MemberId::from_bits(1), name: Nickname::try_from("Ada").unwrap() };
    let (id, body) = (ClientId::new(Uuid::from_u128(id)), MessageBody::try_from("Hello").unwrap());
    Event { seq, at: 0, kind: EventKind::Message(Message::new(seq, id, author, body)) }
}

fn changed(seq: Seq, retention: Retention, by: &Person) -> Event {
    Event { seq, at: 0, kind: EventKind::RetentionChanged { retention, by: by.clone(), n: seq - 1 } }
}

async fn append(log: &Log, cursor: Cursor, events: &[Event]) -> Outcome {
    log.append(cursor, events, &[], &[], Bytes::new(), true).await.unwrap()
}

fn earlier(seq: Seq) -> Outcome {
    stopped(Stop::IdTaken(Earlier { index: 0, seq, at: 0, same_body: true }))
}

#[tokio::test]
async fn who_opens_a_room_amid_preserve_on_leaves_its_tail_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let (log, cursor, ada) = room(&folder).await;
    assert_eq!(append(&log, cursor, &[changed(2, Retention::Preserved, &ada)]).await.stored, 1);
    // As if the room's record had been read before the change, and everything else after it.
    assert!(log.open_tail(None).await.unwrap().is_none());
    let tail = log.bus.tail(log.room, 0).await.unwrap().unwrap();
    assert_eq!((tail.head, tail.sealed_by), (1, Some(ada)));
    assert_eq!(log.open(None).await.unwrap().cursor.retention, Retention::Preserved);
}

#[tokio::test]
async fn a_tail_that_was_sealed_further_on_is_read_before_anything_is_archived() {
    let folder = tempfile::tempdir().unwrap();
    let (log, stale, ada) = room(&folder).await;
    assert_eq!(append(&log, stale, &[said(2, 2)]).await.stored, 1);
    // The node that sealed the tail died before it could archive the event.
    let sealed = log.bus.seal_tail(log.room, stale.epoch, 2, &ada).await.unwrap();
    assert_eq!(sealed, TailAppended::Done);

    assert_eq!(append(&log, stale, &[changed(2, Retention::Preserved, &ada)]).await, behind());
    assert_eq!(log.store.head(log.room).await.unwrap(), Head::default());
    let Caught::Up(events) = log.catch_up(stale, false).await.unwrap() else { panic!("the log goes on") };
    assert_eq!(events, [said(2, 2)]);
    let there = Cursor { head: 2, n: 2, ..stale };
    let Caught::Up(events) = log.catch_up(there, false).await.unwrap() else { panic!("the log goes on") };
    assert_eq!((events[0].seq, retention_after(&events[0])), (3, Some(Retention::Preserved)));
}

#[tokio::test]
async fn what_was_said_before_a_change_of_retention_is_recognised_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let (log, ephemeral, ada) = room(&folder).await;
    append(&log, ephemeral, &[changed(2, Retention::Preserved, &ada)]).await;
    let preserved = Cursor { head: 2, retention: Retention::Preserved, ..ephemeral };
    assert_eq!(append(&log, preserved, &[said(3, 1)]).await, earlier(1), "said in the tail");
    assert_eq!(append(&log, preserved, &[said(3, 3)]).await.stored, 1);
    let preserved = Cursor { head: 3, n: 3, ..preserved };
    append(&log, preserved, &[changed(4, Retention::Ephemeral, &ada)]).await;
    let ephemeral = Cursor { head: 4, n: 3, ..ephemeral };
    assert_eq!(append(&log, ephemeral, &[said(5, 3)]).await, earlier(3), "said in the archive");
    assert_eq!(append(&log, ephemeral, &[said(5, 1)]).await, earlier(1), "said in the tail before");
    assert_eq!(append(&log, ephemeral, &[said(5, 5)]).await.stored, 1);
}

#[tokio::test]
async fn a_room_is_opened_with_a_page_of_messages_however_many_reactions_came_after_them() {
    let folder = tempfile::tempdir().unwrap();
    let (log, ephemeral, ada) = room(&folder).await;
    append(&log, ephemeral, &[changed(2, Retention::Preserved, &ada)]).await;
    let mut events: Vec<Event> = (3..=80).map(|seq| said(seq, seq.into())).collect();
    let target = Target { seq: 3, id: events[0].message().unwrap().id };
    let change = |on| ReactionChange { target, e: Emoji::stored("👍"), on, who: vec![ada.id] };
    let reacted = |seq: Seq| EventKind::Reacted { changes: vec![change(seq % 2 == 1)] };
    events.extend((81..=600).map(|seq| Event { seq, at: 0, kind: reacted(seq) }));
    log.store.append(log.room, ephemeral.epoch, &events).await.unwrap();
    let Opened { recent, .. } = log.open(None).await.unwrap();
    assert!(recent.iter().filter(|event| event.message().is_some()).count() >= limits::HISTORY_PAGE);
    assert_eq!(recent.last().unwrap().seq, 600);
    assert!(recent.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
}

#[tokio::test]
async fn a_resume_reads_no_more_text_than_it_may_have() {
    let folder = tempfile::tempdir().unwrap();
    let (log, ephemeral, ada) = room(&folder).await;
    append(&log, ephemeral, &[changed(2, Retention::Preserved, &ada)]).await;
    let wordy = |seq| {
        let Event { at, kind: EventKind::Message(message), .. } = said(seq, seq.into()) else { unreachable!() };
        let body = MessageBody::try_from("\u{1F980}".repeat(4_000)).unwrap();
        Event { seq, at, kind: EventKind::Message(Message { body, ..message }) }
    };
    let events: Vec<Event> = (3..=700).map(wordy).collect();
    log.store.append(log.room, ephemeral.epoch, &events).await.unwrap();
    assert_eq!(log.archived_after(2).await.unwrap(), events[..RESUME_BYTES / 16_000]);
    assert_eq!(log.archived_after(660).await.unwrap(), events[658..]);
}
