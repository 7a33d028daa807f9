//! Tests of what the device keeps of a room and of its outbox.

use super::*;

const STORED: &str = r#"[["00000000-0000-0000-0000-00000000000b","Hello",null]]"#;

fn preserved() -> Snapshot {
    let mut snapshot = snapshot();
    snapshot.room.retention = Retention::Preserved;
    snapshot
}

fn page_of(room: LocalRoom) -> Page {
    let mut page = Page::with(Some(room), None);
    page.room().restore_stored(&[], 0);
    page.start();
    page.opened(0);
    page
}

fn account() -> Page {
    page_of(LocalRoom::new(preserved(), || 1.0).of_account())
}

fn turned(seq: Seq, retention: Retention) -> Event {
    Event { seq, at: 0, kind: EventKind::RetentionChanged { retention, by: person(ADA), n: 0 } }
}

#[test]
fn a_preserved_room_of_an_account_is_kept_as_it_was_at_the_last_contact() {
    let mut page = account();
    assert_eq!(page.client.take_to_keep(), [], "nothing is known to be up to date yet");
    page.received(resumed(vec![said(3, ADA, 30)]), 1);
    let kept = page.client.take_to_keep().remove(0);
    assert_eq!((kept.head, kept.events.len(), kept.you.unread), (3, 3, 1));
    assert_eq!(LocalRoom::new(kept, || 1.0).replica().resume_point(), page.replica().resume_point());
    assert_eq!(page.client.take_to_keep(), [], "it has not changed");
    page.client.touch_kept();
    assert!(page.client.is_unkept());
    page.closed(2);
    page.say(10, 3);
    assert!(!page.client.is_unkept(), "it would be older than it says");
}

#[test]
fn rooms_and_the_list_say_until_when_they_were_up_to_date() {
    let room = LocalRoom::new(preserved(), || 1.0).of_account().dated(5);
    let mut page = Page::with(Some(room), Some(listed(Some(code())).dated(6)));
    page.start();
    page.opened(0);
    assert_eq!((page.room().stale_since(10), page.list().stale_since(10)), (Some(5), Some(6)));
    page.received(rooms(&["K7M2QX"]), 0);
    page.received(resumed(Vec::new()), 0);
    assert_eq!((page.room().stale_since(20), page.list().stale_since(21)), (None, None));
    page.closed(0);
    assert_eq!((page.room().stale_since(30), page.list().stale_since(30)), (Some(20), Some(21)));
    page.room_fetched(preserved(), 1);
    assert_eq!(page.room().stale_since(40), None, "it comes over HTTP");
}

#[test]
fn guests_and_rooms_that_keep_no_messages_are_never_kept() {
    let ephemeral = LocalRoom::new(snapshot(), || 1.0).of_account();
    for room in [ephemeral, LocalRoom::new(preserved(), || 1.0)] {
        let mut page = page_of(room);
        page.received(resumed(vec![said(3, ADA, 30)]), 1);
        page.say(10, 2);
        assert!(!page.client.is_unkept());
        assert_eq!(page.client.take_to_keep(), []);
        assert!(page.client.take_to_store().iter().all(|stored| !stored.on_device));
    }
}

#[test]
fn messages_from_before_the_room_kept_them_are_not_kept() {
    let mut page = page_of(LocalRoom::new(snapshot(), || 1.0).of_account());
    page.received(resumed(vec![said(3, ADA, 30), turned(4, Retention::Preserved), said(5, ADA, 31)]), 1);
    let kept = page.client.take_to_keep().remove(0);
    assert_eq!(kept.events.iter().map(|event| event.seq).collect::<Vec<_>>(), [4, 5]);
    assert!(kept.has_more);
}

#[test]
fn an_outbox_leaves_the_device_with_the_retention_and_with_the_membership() {
    let mut page = account();
    page.received(resumed(Vec::new()), 1);
    page.say(10, 2);
    let stored = page.client.take_to_store().remove(0);
    assert!(stored.on_device && !stored.leaves_device);
    page.received(event(turned(3, Retention::Ephemeral)), 3);
    let stored = page.client.take_to_store().remove(0);
    assert!(!stored.on_device && stored.leaves_device && stored.outbox.unwrap().contains(&id(10).to_string()));
    page.received(event(said(4, ADA, 30)), 4);
    assert!(!page.client.take_to_store()[0].leaves_device, "once is enough");

    let mut page = account();
    page.received(resumed(Vec::new()), 1);
    page.client.take_to_store();
    page.in_room(RoomInput::Exit, 2);
    let stored = page.client.take_to_store().remove(0);
    assert!(stored.leaves_device && stored.outbox.is_none());
}

#[test]
fn what_comes_back_from_the_device_late_is_sent_and_stands_before_what_was_written_since() {
    let mut page = Page::with(Some(LocalRoom::new(preserved(), || 1.0).of_account()), None);
    page.start();
    page.opened(0);
    page.say(10, 1);
    let acts = page.in_room(RoomInput::Restore(vec![STORED.to_owned()]), 2);
    assert_eq!(acts, []);
    assert_eq!(page.replica().outbox.iter().map(|draft| draft.id).collect::<Vec<_>>(), [id(11), id(10)]);
    assert_eq!(page.received(resumed(Vec::new()), 3), [send(11), send(10)]);

    let mut page = Page::with(Some(LocalRoom::new(preserved(), || 1.0).of_account()), None);
    page.start();
    page.opened(0);
    page.received(resumed(Vec::new()), 1);
    assert_eq!(page.in_room(RoomInput::Restore(vec![STORED.to_owned()]), 2), [send(11)]);
}

#[test]
fn a_list_is_kept_while_the_server_keeps_it_up_to_date() {
    let mut page = watching();
    assert_eq!(page.list().take_to_keep().map(<[_]>::len), Some(2));
    assert!(page.list().take_to_keep().is_none());
    page.received(summary("K7M2QX", 1), 1);
    assert!(page.client.is_unkept());
    page.closed(2);
    assert!(!page.client.is_unkept());
}
