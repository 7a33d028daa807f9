//! Tests of several rooms on one socket: which one is in front, what stays of the others, and which one is dropped.

use crate::ui::live::model::{input::ListInput, room::ToStore, rooms::MAX_ROOMS};

use super::*;

fn a() -> RoomCode {
    code()
}

fn b() -> RoomCode {
    nth(1)
}

/// The code of one of many rooms.
fn nth(n: usize) -> RoomCode {
    format!("AAA{n:03}").parse().unwrap()
}

fn room(code: RoomCode) -> LocalRoom {
    let mut room = LocalRoom::new(snapshot_of(code), || 1.0);
    room.restore_stored(&[], 0);
    room
}

fn subscribe_to(code: RoomCode, after: Seq) -> Act {
    Act::Send(ClientFrame::Subscribe { code, epoch: Some(Epoch::from_bits(7)), after: Some(after) })
}

fn send_in(code: RoomCode, n: u128) -> Act {
    Act::Send(ClientFrame::Send {
        code,
        id: id(n),
        body: "Hello".to_owned(),
        reply_to: None,
        mentions: Vec::new(),
        everyone: false,
    })
}

fn ack_in(code: RoomCode, n: u128, seq: Seq) -> ServerFrame {
    ServerFrame::Ack { code, id: id(n), seq, at: 9 }
}

impl Page {
    fn show(&mut self, code: RoomCode, now: u64) -> Vec<Act> {
        self.client.step(Input::RoomShown(code), now)
    }

    fn leave(&mut self, code: RoomCode, now: u64) -> Vec<Act> {
        self.client.step(Input::RoomLeft(code), now)
    }

    fn within(&mut self, code: RoomCode, input: RoomInput, now: u64) -> Vec<Act> {
        self.client.step(Input::InRoom(code, input), now)
    }

    fn say_in(&mut self, code: RoomCode, n: u128, now: u64) -> Vec<Act> {
        self.within(
            code,
            RoomInput::Say { id: id(n), body: body("Hello"), mentions: Mentions::default(), reply_to: None },
            now,
        )
    }

    fn outbox(&self, code: RoomCode) -> Vec<ClientId> {
        self.client.room(code).unwrap().replica().outbox.iter().map(|draft| draft.id).collect()
    }

    fn head(&self, code: RoomCode) -> Seq {
        self.client.room(code).unwrap().replica().state.head
    }
}

/// A page on which `a` was opened first and `b` is in front, both on one live socket.
fn two() -> Page {
    let mut page = Page::with(Some(room(a())), None);
    page.start();
    assert_eq!(page.opened(0), [subscribe_to(a(), 2)]);
    page.received(resumed_in(a(), Vec::new()), 0);
    assert_eq!(page.open(room(b()), 1), [subscribe_to(b(), 2), Act::Unfollow(a())]);
    assert_eq!(page.status(), Status::Connecting);
    page.received(resumed_in(b(), Vec::new()), 2);
    assert_eq!(page.status(), Status::Live);
    page
}

#[test]
fn two_rooms_share_a_socket_and_who_comes_back_gets_what_they_missed() {
    let mut page = two();
    page.received(said_in(b(), 3), 3);
    assert_eq!((page.head(a()), page.head(b())), (2, 3));
    assert_eq!(page.show(a(), 4), [subscribe_to(a(), 2), Act::Unfollow(b())]);
    page.received(resumed_in(a(), vec![said(3, ADA, 31), said(4, ADA, 32)]), 5);
    assert_eq!((page.status(), page.head(a())), (Status::Live, 4));
    assert_eq!(page.show(b(), 6), [subscribe_to(b(), 3), Act::Unfollow(a())]);
}

#[test]
fn the_room_in_front_again_has_its_outbox_and_the_same_part_of_its_timeline() {
    let mut page = two();
    page.show(a(), 3);
    page.received(resumed_in(a(), (3..=300).map(|seq| said(seq, ADA, seq.into())).collect()), 4);
    assert_eq!(page.say_in(a(), 1_000, 5), [send_in(a(), 1_000)]);
    page.received(
        ServerFrame::Error {
            code: Code::InvalidInput,
            detail: "No.".to_owned(),
            id: Some(id(1_000)),
            room: Some(a()),
            reason: None,
            retry_after_ms: None,
        },
        6,
    );
    let room = page.client.room_mut(a()).unwrap();
    room.follow_shown_events(true);
    while room.shown_events_mut().move_up() {}
    let shown = room.shown_events();
    page.show(b(), 7);
    page.received(resumed_in(b(), Vec::new()), 8);
    page.say_in(b(), 2_000, 9);
    page.show(a(), 10);
    assert_eq!((page.outbox(a()), page.outbox(b())), (vec![id(1_000)], vec![id(2_000)]));
    assert_eq!(page.client.room(a()).unwrap().shown_events(), shown);
    assert_eq!(page.within(a(), RoomInput::Retry(id(1_000)), 11), [], "it is catching up");
    assert_eq!(page.received(resumed_in(a(), Vec::new()), 12), [send_in(a(), 1_000)]);
}

#[test]
fn a_room_that_is_left_with_unanswered_messages_is_followed_until_they_are_answered() {
    let mut page = two();
    page.say_in(b(), 10, 3);
    page.say_in(b(), 11, 3);
    assert_eq!(page.show(a(), 4), [subscribe_to(a(), 2)]);
    assert_eq!(page.received(ack_in(b(), 10, 3), 5), []);
    assert_eq!(page.received(ack_in(b(), 11, 4), 6), [Act::Unfollow(b())]);
    assert_eq!(page.received(ServerFrame::Event { code: b(), event: said(3, ME, 10) }, 7), []);
    assert_eq!((page.head(b()), page.status()), (2, Status::Connecting));
}

#[test]
fn what_was_queued_in_a_room_that_was_left_goes_out_after_a_reconnect_with_the_same_id() {
    let mut page = two();
    page.went_offline(3);
    assert_eq!(page.say_in(b(), 10, 4), []);
    assert_eq!(page.show(a(), 5), []);
    assert_eq!(page.came_online(6), [open()]);
    assert_eq!(page.opened(7), [subscribe_to(a(), 2), subscribe_to(b(), 2)]);
    assert_eq!(page.received(resumed_in(b(), Vec::new()), 8), [send_in(b(), 10)]);
    page.closed(9);
    page.tick(1_000);
    assert_eq!(page.opened(1_000), [subscribe_to(a(), 2), subscribe_to(b(), 2)]);
    assert_eq!(page.received(resumed_in(b(), vec![said(3, ME, 10)]), 1_001), [Act::Unfollow(b())]);
    assert_eq!(page.outbox(b()), []);
}

#[test]
fn a_late_answer_of_one_room_does_not_touch_another() {
    let mut page = two();
    let gone = Problem::room_unavailable();
    let late = Input::Fetched { code: Some(a()), answer: Ok(Some(Box::new(snapshot()))) };
    assert_eq!(page.client.step(late, 3), []);
    let late = Input::Posted { code: a(), id: id(10), outcome: Err(gone.clone()) };
    assert_eq!(page.client.step(late, 4), []);
    assert_eq!(page.client.step(Input::Rejoined { code: a(), outcome: Ok(()) }, 5), []);
    let late = Input::Fetched { code: Some(a()), answer: Err(gone) };
    assert_eq!(page.client.step(late, 6), []);
    assert_eq!(page.received(resumed_in(a(), vec![said(3, ADA, 30)]), 7), []);
    assert_eq!(page.received(ack_in(a(), 10, 3), 8), []);
    assert_eq!((page.status(), page.head(b()), page.outbox(b())), (Status::Live, 2, Vec::new()));
    assert_eq!(page.client.room(a()).unwrap().ending(), Some(&Ending::Outside));
    assert_eq!(page.client.room(b()).unwrap().ending(), None);
}

#[test]
fn typing_and_reading_happen_in_front_only() {
    let mut page = two();
    let typing = |code, on| Act::Send(ClientFrame::Typing { code, on });
    assert_eq!(page.within(b(), RoomInput::Press, 3), [typing(b(), true)]);
    page.within(b(), RoomInput::Look(true), 3);
    assert_eq!(page.show(a(), 4), [typing(b(), false), subscribe_to(a(), 2), Act::Unfollow(b())]);
    assert!(!page.client.room(b()).unwrap().is_looking());
    assert_eq!(page.within(b(), RoomInput::Press, 5), []);
    assert_eq!(page.within(b(), RoomInput::Look(true), 5), []);
    assert!(!page.client.room(b()).unwrap().is_looking());
}

#[test]
fn the_ninth_room_takes_the_place_of_the_one_that_was_in_front_the_longest_time_ago() {
    let mut page = Page::with(Some(room(nth(0))), None);
    for n in 1..=MAX_ROOMS {
        page.open(room(nth(n)), 1);
    }
    let kept: Vec<bool> = (0..=MAX_ROOMS).map(|n| page.client.room(nth(n)).is_some()).collect();
    assert_eq!((kept[0], kept.iter().filter(|kept| **kept).count()), (false, MAX_ROOMS));
    page.show(nth(1), 2);
    page.open(room(nth(50)), 3);
    assert!(page.client.room(nth(1)).is_some(), "it was in front a moment ago");
    assert!(page.client.room(nth(2)).is_none());
}

#[test]
fn a_room_with_unanswered_messages_is_dropped_last_and_its_outbox_is_stored() {
    let mut page = Page::with(Some(room(nth(0))), None);
    page.say_in(nth(0), 10, 0);
    for n in 1..=MAX_ROOMS {
        page.open(room(nth(n)), 1);
    }
    assert_eq!(page.outbox(nth(0)), [id(10)]);
    assert!(page.client.room(nth(1)).is_none());
    for n in 1..=MAX_ROOMS {
        page.open(room(nth(n)), 2);
        page.say_in(nth(n), n as u128, 2);
    }
    assert!(page.client.room(nth(0)).is_none(), "all of them wait, and this one the longest");
    assert_eq!(page.client.room_count(), MAX_ROOMS);
    let of_first = |stored: &ToStore| stored.code == nth(0);
    let stored = page.client.take_to_store().into_iter().find(of_first).unwrap();
    let mut again = room(nth(0));
    again.restore_stored(stored.outbox.as_slice(), 0);
    assert_eq!(again.replica().outbox.iter().map(|draft| draft.id).collect::<Vec<_>>(), [id(10)]);
    again.restore_stored(stored.outbox.as_slice(), 0);
    assert_eq!(again.replica().outbox.len(), 1, "what is in the outbox is not put into it again");
}

#[test]
fn nothing_replaces_what_the_tab_has_stored_before_it_was_put_back() {
    let mut page = resting();
    page.say(10, 0);
    assert_eq!(page.client.take_to_store(), []);
    let stored = r#"[["00000000-0000-0000-0000-00000000000b","Hello",null]]"#;
    page.room().restore_stored(&[stored.to_owned()], 0);
    let stored = page.client.take_to_store().remove(0).outbox.unwrap();
    assert!([id(10), id(11)].iter().all(|id| stored.contains(&id.to_string())), "{stored}");
    assert_eq!(page.client.take_to_store(), []);
    page.in_room(RoomInput::Exit, 1);
    assert_eq!(page.client.take_to_store()[0].outbox, None, "nothing of theirs stays");
}

#[test]
fn a_page_without_a_room_in_front_needs_no_connection_unless_it_has_a_list() {
    let mut page = two();
    assert_eq!(page.leave(b(), 3), [Act::Close, Act::Unfollow(b())]);
    assert_eq!(page.show(b(), 4), [open()], "it is in memory");
    assert_eq!(page.opened(5), [subscribe_to(b(), 2)]);

    let mut page = both();
    assert_eq!(page.leave(a(), 3), [Act::Unfollow(a())]);
    assert_eq!(page.status(), Status::Live);
    page.client.step(Input::InList(ListInput::Dismiss(None)), 4);
    page.received(summary("K7M2QX", 1), 5);
    assert_eq!(page.list().unread(), 1, "it is not open any more");
    assert_eq!(page.list().toasts().shown().len(), 1);
    assert_eq!(page.show(a(), 6), [subscribe_to(a(), 2)]);
    assert_eq!((page.list().unread(), page.list().toasts().shown().len()), (0, 0));
}

#[test]
fn a_room_that_has_ended_is_not_kept() {
    let mut page = two();
    page.within(b(), RoomInput::Exit, 3);
    page.show(a(), 4);
    assert!(page.client.room(b()).is_none());
    assert_eq!(page.client.take_to_store().into_iter().find(|stored| stored.code == b()).unwrap().outbox, None);
}
