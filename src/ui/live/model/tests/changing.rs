//! Tests of what a person does with messages: replying, editing and deleting, with and without a connection.

use super::*;

const MINUTE: i64 = 60_000;

fn target(seq: Seq, n: u128) -> Target {
    Target { seq, id: id(n) }
}

fn change(n: u128, author: u64, message: u128, text: Option<&str>) -> RoomInput {
    let (author, body) = (MemberId::from_bits(author), text.map(body));
    RoomInput::Change { id: id(n), author, message: id(message), body, mentions: Mentions::default() }
}

fn edit(n: u128, target: Target, text: &str, after: Option<Seq>) -> Act {
    Act::Send(ClientFrame::Edit {
        code: code(),
        id: id(n),
        target,
        body: text.to_owned(),
        after,
        mentions: Vec::new(),
        everyone: false,
    })
}

fn delete(n: u128, target: Target) -> Act {
    Act::Send(ClientFrame::Delete { code: code(), id: id(n), target })
}

fn ack(n: u128, seq: Seq) -> ServerFrame {
    ServerFrame::Ack { code: code(), id: id(n), seq, at: 9 }
}

fn edited(seq: Seq, of: Target, text: &str) -> Event {
    Event {
        seq,
        at: 9,
        kind: EventKind::Edited {
            target: of,
            author: person(ME),
            body: body(text),
            mentions: Vec::new(),
            everyone: false,
        },
    }
}

/// A page whose room is live and has a message of this person (seq 3, id 10) and one of Ada (seq 4, id 20).
fn talking() -> Page {
    let mut page = live();
    page.received(event(said(3, ME, 10)), 0);
    page.received(event(said(4, ADA, 20)), 0);
    page
}

fn texts(page: &Page) -> Vec<&str> {
    page.replica().events.iter().filter_map(Event::message).map(|message| message.body.as_str()).collect()
}

fn chosen(page: &Page, author: u64, n: u128, time: i64) -> Option<Chosen> {
    page.client.room(code()).unwrap().chosen(MemberId::from_bits(author), id(n), time)
}

/// The letters of what can be done: reply, edit, delete.
fn possible(chosen: &Chosen) -> String {
    let all = [(chosen.can_reply, 'r'), (chosen.can_edit, 'e'), (chosen.can_delete, 'd')];
    all.into_iter().filter(|(can, _)| *can).map(|(_, letter)| letter).collect()
}

#[test]
fn an_edit_is_sent_at_once_and_waits_in_the_outbox_for_its_event() {
    let mut page = talking();
    assert_eq!(page.in_room(change(30, ME, 10, Some("Better")), 5), [edit(30, target(3, 10), "Better", Some(0))]);
    page.received(ack(30, 5), 6);
    assert_eq!(page.replica().outbox.len(), 1, "the event has not arrived");
    page.received(event(edited(5, target(3, 10), "Better")), 7);
    assert!(page.replica().outbox.is_empty());
    assert_eq!(texts(&page), ["Better", "Hello"]);
    let again = page.in_room(change(31, ME, 10, Some("Best")), 8);
    assert_eq!(again, [edit(31, target(3, 10), "Best", Some(5))], "it says which text it replaces");
}

#[test]
fn a_change_without_a_connection_is_sent_once_there_is_one_and_a_newer_one_replaces_it() {
    let mut page = talking();
    page.went_offline(1_000);
    assert_eq!(page.in_room(change(30, ME, 10, Some("Bettr")), 1_001), []);
    assert_eq!(page.in_room(change(31, ME, 10, Some("Better")), 1_002), []);
    assert_eq!(chosen(&page, ME, 10, 0).unwrap().body, body("Better"));
    page.came_online(2_000);
    page.opened(2_001);
    let resumed = resumed_with(Vec::new(), 4, 4, Vec::new());
    assert_eq!(page.received(resumed, 2_002), [edit(31, target(3, 10), "Better", Some(0))]);
    // Under way, so it is not replaced, and the next one cannot know which text it finds.
    assert_eq!(page.in_room(change(32, ME, 10, Some("Best")), 2_003), [edit(32, target(3, 10), "Best", None)]);
    page.closed(2_004);
    assert_eq!(page.in_room(change(33, ME, 10, None), 2_005), []);
    assert_eq!(chosen(&page, ME, 10, 0), None, "it counts as deleted");
}

#[test]
fn a_refused_change_waits_for_the_person_and_stops_no_other_message() {
    let mut page = talking();
    page.in_room(change(30, ME, 10, Some("Late")), 5);
    assert_eq!(page.say(40, 6), [send(40)]);
    page.received(refusal(Code::TooLate, Some(30), None), 7);
    assert!(matches!(page.replica().outbox[0].state, DraftState::Failed(_)));
    assert_eq!(page.in_room(RoomInput::Retry(id(10)), 8), [edit(30, target(3, 10), "Late", Some(0))]);
    page.received(refusal(Code::TooLate, Some(30), None), 9);
    page.in_room(RoomInput::Discard(id(10)), 10);
    assert_eq!(page.replica().outbox.iter().map(|draft| draft.id).collect::<Vec<_>>(), [id(40)]);
}

#[test]
fn a_message_of_the_outbox_is_changed_there_and_a_deletion_discards_it() {
    let mut page = live();
    page.went_offline(1_000);
    page.say(10, 1_001);
    page.say(11, 1_002);
    assert_eq!(possible(&chosen(&page, ME, 10, 0).unwrap()), "ed");
    page.in_room(change(30, ME, 10, Some("Better")), 1_003);
    page.in_room(change(31, ME, 11, None), 1_004);
    page.came_online(2_000);
    page.opened(2_001);
    let sent = Act::Send(ClientFrame::Send {
        code: code(),
        id: id(10),
        body: "Better".to_owned(),
        reply_to: None,
        mentions: Vec::new(),
        everyone: false,
    });
    assert_eq!(page.received(resumed(Vec::new()), 2_002), [sent]);
}

#[test]
fn a_message_that_was_sent_before_its_text_changed_is_edited_in_the_log() {
    let mut page = live();
    page.say(10, 0);
    assert_eq!(possible(&chosen(&page, ME, 10, 0).unwrap()), "e", "it may be in the log, so it is not discarded");
    assert_eq!(page.in_room(change(30, ME, 10, Some("Better")), 1), []);
    page.received(ack(10, 3), 2);
    let acts = page.received(event(said(3, ME, 10)), 3);
    assert_eq!(acts, [edit(11, target(3, 10), "Better", Some(0))]);

    let mut page = live();
    page.say(10, 0);
    page.closed(1);
    page.in_room(change(30, ME, 10, Some("Better")), 2);
    page.tick(1_000);
    page.opened(1_000);
    let acts = page.received(resumed(vec![said(3, ME, 10)]), 1_001);
    assert_eq!(acts, [edit(11, target(3, 10), "Better", Some(0))]);
}

#[test]
fn a_reply_names_its_message_and_is_stored_with_it() {
    let mut page = talking();
    page.in_room(RoomInput::Restore(Vec::new()), 0);
    page.closed(1);
    let reply = RoomInput::Say {
        id: id(50),
        body: body("Hello"),
        mentions: Mentions::default(),
        reply_to: Some(target(4, 20)),
    };
    assert_eq!(page.in_room(reply, 2), []);
    page.in_room(change(51, ME, 10, Some("Better")), 3);
    page.in_room(change(52, ADA, 20, None), 4);
    let stored = page.client.take_to_store().pop().unwrap().outbox.unwrap();

    let mut page = live();
    page.received(event(said(3, ME, 10)), 0);
    page.received(event(said(4, ADA, 20)), 0);
    let frame = ClientFrame::Send {
        code: code(),
        id: id(50),
        body: "Hello".to_owned(),
        reply_to: Some(target(4, 20)),
        mentions: Vec::new(),
        everyone: false,
    };
    let sent = page.in_room(RoomInput::Restore(vec![stored]), 5);
    assert_eq!(sent, [Act::Send(frame), edit(51, target(3, 10), "Better", Some(0)), delete(52, target(4, 20))]);
}

#[test]
fn whom_a_message_mentions_is_sent_and_stored_with_it() {
    let mut page = talking();
    page.in_room(RoomInput::Restore(Vec::new()), 0);
    page.closed(1);
    let mentions = Mentions { people: vec![person(ADA)], everyone: false };
    let say = RoomInput::Say { id: id(50), body: body("@Ada"), mentions: mentions.clone(), reply_to: None };
    page.in_room(say, 2);
    let RoomInput::Change { id, author, message, body, .. } = change(51, ME, 10, Some("@Ada")) else { unreachable!() };
    page.in_room(RoomInput::Change { id, author, message, body, mentions: mentions.clone() }, 3);
    assert_eq!(chosen(&page, ME, 10, 0).unwrap().mentions, mentions, "as the outbox changes it");
    let stored = page.client.take_to_store().pop().unwrap().outbox.unwrap();

    let mut page = live();
    page.received(event(said(3, ME, 10)), 0);
    let frames = page.in_room(RoomInput::Restore(vec![stored]), 5);
    let called = |act: &Act| match act {
        Act::Send(ClientFrame::Send { mentions, .. } | ClientFrame::Edit { mentions, .. }) => mentions.clone(),
        _ => Vec::new(),
    };
    assert_eq!(frames.iter().map(called).collect::<Vec<_>>(), [[MemberId::from_bits(ADA)], [MemberId::from_bits(ADA)]]);
}

#[test]
fn what_an_earlier_version_stored_is_read() {
    let mut page = live();
    let stored = format!(r#"[["{}","Hello",null]]"#, id(10));
    assert_eq!(page.in_room(RoomInput::Restore(vec![stored]), 5), [send(10)]);
}

#[test]
fn the_page_offers_what_the_log_allows() {
    let page = talking();
    assert_eq!(possible(&chosen(&page, ME, 10, 15 * MINUTE).unwrap()), "red");
    assert_eq!(possible(&chosen(&page, ME, 10, 15 * MINUTE + 1).unwrap()), "rd");
    assert_eq!(possible(&chosen(&page, ADA, 20, 0).unwrap()), "r");
    let last = |page: &Page, time| page.client.room(code()).unwrap().last_own(time).map(|last| last.id);
    assert_eq!((last(&page, 0), last(&page, 16 * MINUTE)), (Some(id(10)), None));

    let mut snapshot = snapshot();
    snapshot.room.owner = MemberId::from_bits(ME);
    let mut page = Page::with(Some(LocalRoom::new(snapshot, || 1.0)), None);
    page.start();
    page.opened(0);
    page.received(resumed(vec![said(3, ADA, 20)]), 0);
    assert_eq!(possible(&chosen(&page, ADA, 20, 0).unwrap()), "rd");
    page.in_room(RoomInput::Exit, 1);
    assert_eq!(possible(&chosen(&page, ADA, 20, 0).unwrap()), "");
}

#[test]
fn where_no_socket_opens_a_change_goes_by_http() {
    let mut page = resting();
    page.start();
    page.closed(0);
    page.tick(300);
    page.closed(400);
    let mut at_hand = snapshot();
    (at_hand.head, at_hand.last_n) = (3, 1);
    at_hand.events.push(said(3, ME, 10));
    page.room_fetched(at_hand, 500);
    let acts = page.in_room(change(30, ME, 10, None), 600);
    let (kind, state) = (DraftKind::Delete(target(3, 10)), DraftState::Pending);
    let draft = Draft { id: id(30), kind, body: MessageBody::stored(""), mentions: Mentions::default(), state };
    assert_eq!(acts, [Act::Post { code: code(), member: MemberId::from_bits(ME), draft }]);
}

#[test]
fn what_a_reply_is_to_is_asked_for_once_if_it_is_not_here() {
    let reply = |seq: Seq, n, to| {
        let mut reply = said(seq, ADA, n);
        if let EventKind::Message(message) = &mut reply.kind {
            message.reply_to = Some(to);
        }
        reply
    };
    let mut page = talking();
    page.received(event(reply(5, 21, target(4, 20))), 0);
    page.received(event(reply(6, 22, target(0, 19))), 0);
    page.room().follow_shown_events(true);
    assert_eq!(page.room().take_unknown_quotes(), [0]);
    assert!(page.room().take_unknown_quotes().is_empty());
    page.room().add_quotes(vec![said(0, ADA, 19)]);
    assert_eq!(page.replica().quoted(target(0, 19)).unwrap().id, id(19));
}
