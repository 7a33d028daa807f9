//! Tests of messages on their way: sent at once, later, again, or never.

use super::*;

#[test]
fn a_message_is_sent_at_once_when_live_and_shown_as_sent_by_its_ack_and_event() {
    let mut page = live();
    assert_eq!(page.say(10, 5), [send(10)]);
    page.received(ServerFrame::Ack { code: code(), id: id(10), seq: 3, at: 9 }, 6);
    assert!(matches!(page.replica().outbox[0].state, DraftState::Sent(_)));
    page.received(event(said(3, ME, 10)), 7);
    assert!(page.replica().outbox.is_empty());
    assert!(page.room().take_news().is_empty());
}

#[test]
fn what_was_written_offline_is_sent_in_order_after_catching_up() {
    let mut page = live();
    assert_eq!(page.went_offline(1_000), [Act::Close]);
    assert_eq!(page.status(), Status::Offline);
    assert_eq!(page.say(10, 2_000), []);
    assert_eq!(page.say(11, 2_001), []);
    assert_eq!(page.came_online(3_000), [open()]);
    assert_eq!(page.opened(3_100), [subscribe(2)]);
    assert_eq!(page.received(resumed(vec![said(3, ADA, 30)]), 3_200), [send(10), send(11)]);
}

#[test]
fn a_message_whose_ack_was_lost_is_sent_again_with_the_same_id() {
    let mut page = live();
    page.say(10, 5);
    page.closed(10);
    page.tick(1_000);
    page.opened(1_000);
    assert_eq!(page.received(resumed(Vec::new()), 1_001), [send(10)]);
}

#[test]
fn a_message_that_arrived_although_its_ack_was_lost_is_not_sent_again() {
    let mut page = live();
    page.say(10, 5);
    page.closed(10);
    page.tick(1_000);
    page.opened(1_000);
    assert_eq!(page.received(resumed(vec![said(3, ME, 10)]), 1_001), []);
}

#[test]
fn a_passing_refusal_keeps_the_message_and_tries_again_in_time() {
    let mut page = live();
    page.say(10, 0);
    page.received(refusal(Code::TooManyRequests, Some(10), Some(2_000)), 100);
    assert_eq!(page.replica().outbox[0].state, DraftState::Pending);
    assert_eq!(page.due(), Some(2_100));
    assert_eq!(page.tick(2_099), []);
    assert_eq!(page.tick(2_100), [send(10)]);
}

#[test]
fn a_final_refusal_fails_the_message_until_the_person_tries_again() {
    let mut page = live();
    page.say(10, 0);
    page.received(refusal(Code::InvalidInput, Some(10), None), 100);
    assert!(matches!(page.replica().outbox[0].state, DraftState::Failed(_)));
    assert_eq!(page.in_room(RoomInput::Retry(id(10)), 200), [send(10)]);
}

#[test]
fn what_was_not_sent_is_never_sent_by_whoever_has_the_browser_next() {
    let as_bob = || You { member_id: MemberId::from_bits(3), ..snapshot().you };
    let written_apart = || {
        let mut page = live();
        page.closed(0);
        assert_eq!(page.say(10, 1), []);
        page
    };
    let connected = || {
        let mut page = written_apart();
        page.tick(1_000);
        page.opened(1_000);
        page
    };
    let mut page = connected();
    let mut frame = resumed(Vec::new());
    if let ServerFrame::Resumed { member, .. } = &mut frame {
        *member = Some(as_bob().member_id);
    }
    assert_eq!(page.received(frame, 1_001), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Outside));

    let mut page = connected();
    let fresh = Snapshot { you: as_bob(), ..snapshot() };
    let frame = ServerFrame::Snapshot { code: code(), snapshot: Box::new(fresh.clone()) };
    assert_eq!(page.received(frame, 1_001), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Outside));
    assert_eq!(page.replica().you.member_id, MemberId::from_bits(ME), "what comes is not theirs to see here");

    let mut page = written_apart();
    assert_eq!(page.room_fetched(fresh, 500), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Outside));

    let mut page = connected();
    assert_eq!(page.received(refusal(Code::RoomUnavailable, None, None), 1_001), [fetch()]);
}

#[test]
fn what_a_tab_kept_is_sent_once_and_what_was_refused_waits_for_the_person() {
    let mut page = resting();
    let refusal = Problem::invalid("body", "No.");
    page.room().restore(id(10), DraftKind::Message, body("Hello"), Mentions::default(), None);
    page.room().restore(id(11), DraftKind::Message, body("Hello"), Mentions::default(), Some(refusal.clone()));
    page.room().restore(id(12), DraftKind::Message, body("Hello"), Mentions::default(), None);
    page.start();
    page.opened(0);
    assert_eq!(page.received(resumed(vec![said(3, ME, 12)]), 0), [send(10)]);
    assert_eq!(page.replica().outbox[1].state, DraftState::Failed(refusal));
    page.room().restore(id(12), DraftKind::Message, body("Hello"), Mentions::default(), None);
    assert_eq!(page.replica().outbox.len(), 2, "what is in the log is not sent again");
    assert_eq!(page.in_room(RoomInput::Retry(id(11)), 1), [send(11)]);
}
