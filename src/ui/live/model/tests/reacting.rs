//! Tests of reactions: they are shown at once, sent one at a time and again after a lost connection, and taken back if
//! the server refuses them.

use super::*;

const THUMBS: &str = "👍";
const HEART: &str = "❤️";

fn target() -> Target {
    Target { seq: 3, id: id(20) }
}

fn react(n: u128, emoji: &str, on: bool) -> RoomInput {
    RoomInput::React { id: id(n), target: target(), emoji: emoji.to_owned(), on }
}

fn sent(n: u128, emoji: &str, on: bool) -> Act {
    Act::Send(ClientFrame::React { code: code(), id: id(n), target: target(), e: emoji.to_owned(), on })
}

fn ack(n: u128, seq: Seq) -> ServerFrame {
    ServerFrame::Ack { code: code(), id: id(n), seq, at: 9 }
}

fn reacted(seq: Seq, emoji: &str, on: bool, who: u64) -> Event {
    let change = ReactionChange { target: target(), e: Emoji::stored(emoji), on, who: vec![MemberId::from_bits(who)] };
    Event { seq, at: 9, kind: EventKind::Reacted { changes: vec![change] } }
}

/// A page whose room is live and has a message of Ada.
fn talking() -> Page {
    let mut page = live();
    page.received(event(said(3, ADA, 20)), 0);
    page
}

/// The emoji that this person has at the message, as the page shows it.
fn own(page: &Page) -> Vec<String> {
    page.client.room(code()).unwrap().chosen(MemberId::from_bits(ADA), id(20), 0).unwrap().reacted
}

#[test]
fn a_reaction_is_shown_at_once_and_until_its_event_has_come() {
    let mut page = talking();
    assert_eq!(page.in_room(react(30, THUMBS, true), 5), [sent(30, THUMBS, true)]);
    assert_eq!(own(&page), [THUMBS]);
    page.received(ack(30, 4), 6);
    assert_eq!(own(&page), [THUMBS], "the event has not arrived");
    page.received(event(reacted(4, THUMBS, true, ME)), 7);
    assert_eq!(own(&page), [THUMBS]);
    assert!(page.room().wanted_reactions().is_empty());
    assert!(page.replica().outbox.is_empty());
}

#[test]
fn the_last_wish_about_an_emoji_counts_and_they_go_one_at_a_time() {
    let mut page = talking();
    page.in_room(react(30, THUMBS, true), 5);
    assert_eq!(page.in_room(react(31, THUMBS, false), 5), []);
    assert_eq!(page.in_room(react(32, HEART, true), 5), []);
    assert_eq!(page.in_room(react(33, THUMBS, true), 5), []);
    assert_eq!(page.in_room(react(34, THUMBS, false), 5), []);
    assert_eq!(own(&page), [HEART]);
    assert_eq!(page.received(ack(30, 4), 6), [sent(32, HEART, true)]);
    page.received(event(reacted(4, THUMBS, true, ME)), 7);
    assert_eq!(own(&page), [HEART], "what is wanted by now");
    assert_eq!(page.received(ack(32, 5), 8), [sent(34, THUMBS, false)]);
}

#[test]
fn what_has_no_answer_is_sent_again_on_a_new_connection() {
    let mut page = talking();
    page.in_room(react(30, THUMBS, true), 5);
    page.closed(10);
    assert_eq!(own(&page), [THUMBS]);
    page.tick(60_000);
    page.opened(60_000);
    assert_eq!(page.received(resumed(Vec::new()), 60_000), [sent(30, THUMBS, true)]);
}

#[test]
fn a_refused_reaction_is_taken_back_and_told_once() {
    let mut page = talking();
    page.in_room(react(30, THUMBS, true), 5);
    page.in_room(react(31, HEART, true), 5);
    let full = refusal(Code::TooManyReactions, Some(30), None);
    assert_eq!(page.received(full, 6), [sent(31, HEART, true)]);
    assert_eq!(own(&page), [HEART]);
    assert_eq!(page.room().take_refused_reaction().map(|problem| problem.code), Some(Code::TooManyReactions));
    assert!(page.room().take_refused_reaction().is_none());
    assert!(page.room().take_incidents().is_empty());

    // A quota is only a matter of time.
    assert_eq!(page.received(refusal(Code::TooManyRequests, Some(31), Some(1_000)), 7), []);
    assert_eq!(own(&page), [HEART]);
    assert_eq!(page.due(), Some(1_007));
    assert_eq!(page.tick(1_007), [sent(31, HEART, true)]);
}

#[test]
fn a_reaction_waits_for_no_message_and_holds_up_none() {
    let mut page = talking();
    assert_eq!(page.say(40, 5), [send(40)]);
    assert_eq!(page.in_room(react(30, THUMBS, true), 5), [sent(30, THUMBS, true)]);
    page.received(refusal(Code::TooManyRequests, Some(30), Some(9_000)), 6);
    assert_eq!(page.say(41, 7), [send(41)]);
}

#[test]
fn another_log_has_other_messages() {
    let mut page = talking();
    page.in_room(react(30, THUMBS, true), 5);
    let lost = Snapshot { epoch: Epoch::from_bits(8), ..snapshot() };
    page.received(ServerFrame::Snapshot { code: code(), snapshot: Box::new(lost) }, 6);
    assert!(page.room().wanted_reactions().is_empty());
}
