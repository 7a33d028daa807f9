//! Tests of a page that can use HTTP and cannot open a socket. It opens a stream, and polls if that does not work
//! either.

use super::*;

#[test]
fn a_socket_that_never_opens_makes_it_ask_at_the_door() {
    let mut page = resting();
    page.start();
    assert_eq!(page.closed(10), []);
    page.tick(400);
    assert_eq!(page.closed(410), [check()]);
    assert_eq!(page.room_fetched(snapshot(), 500), []);
    assert_eq!(page.status(), Status::Blocked);
    assert_eq!(page.fetched(Err(Problem::room_unavailable()), 500), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Outside));
}

/// A page that cannot open a socket, and knows that HTTP works.
fn blocked() -> Page {
    let mut page = resting();
    page.start();
    page.closed(0);
    page.tick(300);
    assert_eq!(page.closed(400), [check()]);
    assert_eq!(page.room_fetched(snapshot(), 500), []);
    assert_eq!(page.status(), Status::Blocked);
    page
}

fn fetches(acts: &[Act]) -> bool {
    acts.iter().any(|act| matches!(act, Act::FetchRoom(_)))
}

fn post(n: u128) -> Act {
    let (kind, state) = (DraftKind::Message, DraftState::Pending);
    Act::Post {
        code: code(),
        member: MemberId::from_bits(ME),
        draft: Draft { id: id(n), kind, body: body("Hello"), mentions: Mentions::default(), state },
    }
}

fn ack(n: u128, seq: Seq) -> Ack {
    Ack { id: id(n), seq, at: 9 }
}

/// The snapshot of the room after these events, as HTTP returns it.
fn with(events: Vec<Event>) -> Snapshot {
    let before = snapshot();
    let head = events.last().map_or(before.head, |event| event.seq);
    let events = before.events.into_iter().chain(events).collect();
    Snapshot { head, events, ..snapshot() }
}

#[test]
fn where_no_socket_opens_messages_go_by_http_one_after_the_other() {
    let mut page = blocked();
    assert_eq!(page.say(10, 600), [post(10)]);
    assert_eq!(page.say(11, 700), [], "in order: the first has no answer yet");
    assert_eq!(page.posted(id(10), Ok(ack(10, 3)), 800), [post(11)]);
    assert_eq!(page.tick(800), [fetch()], "what was said is shown at once");
    assert_eq!(page.room_fetched(with(vec![said(3, ME, 10)]), 900), []);
    assert_eq!(page.replica().outbox.iter().map(|draft| draft.id).collect::<Vec<_>>(), [id(11)]);
    assert_eq!(page.posted(id(11), Ok(ack(11, 4)), 1_000), []);
    assert_eq!(page.room_fetched(with(vec![said(3, ME, 10), said(4, ME, 11)]), 1_100), []);
    assert!(page.replica().outbox.is_empty());
    let ids: Vec<_> = page.replica().events.iter().filter_map(Event::message).map(|message| message.id).collect();
    assert_eq!(ids, [id(10), id(11)], "nothing twice");
}

#[test]
fn where_no_socket_opens_the_room_is_asked_for_every_few_seconds() {
    let mut page = blocked();
    assert!(!fetches(&page.tick(3_499)));
    assert!(page.tick(3_500).contains(&fetch()));
    assert!(!fetches(&page.tick(10_000)), "there is no answer to the first yet");
    let news = vec![said(3, ADA, 30)];
    page.room_fetched(Snapshot { connected: vec![MemberId::from_bits(ADA)], ..with(news) }, 10_100);
    assert_eq!(page.room().take_news().len(), 1);
    page.closed(10_200);
    assert!(!page.replica().connected.is_empty(), "HTTP says who is there");
    page.room_fetched(snapshot(), 10_300);
    assert_eq!(page.replica().state.head, 3, "an answer that was overtaken takes nothing back");
    page.fetched(Err(Problem::unreachable()), 10_350);
    assert!(page.replica().connected.is_empty());
    assert_ne!(page.status(), Status::Blocked);
    assert_eq!(page.say(10, 10_400), [], "nothing is sent into the void");
}

#[test]
fn a_refusal_by_http_is_one_like_any_other() {
    let mut page = blocked();
    page.say(10, 600);
    assert_eq!(page.posted(id(10), Err(Problem::unreachable()), 700), []);
    assert_eq!(page.replica().outbox[0].state, DraftState::Pending);
    assert!(page.tick(1_000).contains(&post(10)));
    page.posted(id(10), Err(Problem::invalid("body", "No.")), 1_100);
    assert!(matches!(page.replica().outbox[0].state, DraftState::Failed(_)));
}

#[test]
fn a_socket_that_opens_at_last_takes_over_and_nothing_is_lost_or_doubled() {
    let mut page = blocked();
    page.say(10, 600);
    page.say(11, 600);
    assert_eq!(page.woke(650), [open_stream()]);
    page.closed(660);
    assert_eq!(page.woke(700), [open()]);
    assert_eq!(page.opened(800), [subscribe(2)]);
    assert_eq!(page.received(resumed(vec![said(3, ME, 10)]), 900), [send(11)]);
    assert_eq!(page.status(), Status::Live);
    assert_eq!(page.posted(id(10), Ok(ack(10, 3)), 1_000), [], "the late answer of the slower way");
    assert!(!fetches(&page.tick(20_000)));
    assert_eq!(page.replica().outbox.len(), 1);
}

#[test]
fn a_socket_that_is_cut_off_before_it_says_anything_is_none() {
    let mut page = resting();
    page.start();
    page.opened(0);
    assert_eq!(page.closed(10), []);
    page.tick(400);
    page.opened(410);
    assert_eq!(page.closed(420), [check()]);
    let mut page = resting();
    page.start();
    assert!(page.tick(10_000).contains(&check()), "neither is one that never answers");
}

/// A page that is live over a stream, since no socket can be opened.
fn streaming() -> Page {
    let mut page = blocked();
    assert_eq!(page.tick(1_000), [open_stream()]);
    assert_eq!(page.opened(1_100), [subscribe(2)]);
    assert_eq!(page.status(), Status::Blocked);
    assert_eq!(page.received(resumed(Vec::new()), 1_200), []);
    page
}

#[test]
fn where_no_socket_opens_a_stream_does_all_that_a_socket_does_and_the_page_says_that_it_is_slower() {
    let mut page = streaming();
    assert_eq!(page.status(), Status::Blocked);
    assert!(page.room().is_live());
    assert_eq!(page.say(10, 1_300), [send(10)]);
    assert_eq!(page.say(11, 1_300), [send(11)]);
    page.received(event(said(3, ME, 10)), 1_400);
    page.received(event(said(4, ME, 11)), 1_400);
    assert!(page.replica().outbox.is_empty());
    assert!(!fetches(&page.tick(20_000)), "it does not poll");
    assert_eq!(page.tick(21_400), [Act::Send(ClientFrame::Ping { n: 1 })]);
}

#[test]
fn a_stream_that_is_lost_is_opened_again_as_a_stream() {
    let mut page = streaming();
    page.closed(20_000);
    assert_eq!(page.status(), Status::Waiting(20_300));
    for at in [20_300, 21_000, 23_000] {
        assert_eq!(page.tick(at), [open_stream()]);
        page.closed(at);
    }
    page.fetched(Err(Problem::unreachable()), 23_100);
    assert_eq!(page.tick(30_000), [open_stream()], "nothing works, so nothing is known of sockets");
    page.opened(30_100);
    page.received(resumed(Vec::new()), 30_200);
    assert_eq!(page.status(), Status::Blocked);
}

#[test]
fn a_stream_whose_time_is_over_is_followed_by_a_try_of_a_socket() {
    let renew = || ServerFrame::Bye { reason: ByeReason::Renew, retry_after_ms: 0 };
    let mut page = streaming();
    assert_eq!(page.received(renew(), 500_000), [Act::Close]);
    assert_eq!(page.status(), Status::Blocked, "this is no loss");
    assert_eq!(page.tick(500_000), [open()]);
    assert!(!fetches(&page.closed(500_010)), "one failure is enough, and HTTP need not be asked");
    assert_eq!(page.tick(500_310), [open_stream()]);
    page.opened(500_400);
    page.received(resumed(Vec::new()), 500_500);
    assert_eq!(page.received(renew(), 1_000_000), [Act::Close]);
    assert_eq!(page.tick(1_000_000), [open()]);
    assert!(!page.tick(1_004_999).contains(&Act::Close));
    assert!(page.tick(1_005_000).contains(&Act::Close), "a try has less time than the first opening");
    assert_eq!(page.tick(1_005_300), [open_stream()]);
    page.opened(1_005_400);
    page.received(resumed(Vec::new()), 1_005_500);
    page.received(renew(), 1_500_000);
    assert_eq!(page.tick(1_500_000), [open()]);
    assert_eq!(page.opened(1_500_100), [subscribe(2)]);
    page.received(resumed(Vec::new()), 1_500_200);
    assert_eq!(page.status(), Status::Live);
    page.closed(1_600_000);
    assert_eq!(page.tick(1_600_300), [open()], "a socket that worked is opened again as a socket");
}

#[test]
fn a_network_that_is_back_may_let_sockets_through() {
    let mut page = streaming();
    page.went_offline(20_000);
    assert_eq!(page.status(), Status::Offline);
    assert_eq!(page.came_online(30_000), [open()]);
    page.closed(30_010);
    assert_eq!(page.tick(30_310), [open_stream()]);
    page.opened(30_400);
    page.received(resumed(Vec::new()), 30_500);
    assert_eq!(page.status(), Status::Blocked);
    assert_eq!(page.woke(31_000), [Act::Send(ClientFrame::Ping { n: 1 })], "waking is not moving");
}

#[test]
fn where_a_proxy_holds_the_events_back_the_page_polls_and_tries_both_ways_in_turn() {
    let mut page = blocked();
    assert_eq!(page.tick(1_000), [open_stream()]);
    assert!(page.tick(3_500).contains(&fetch()), "meanwhile it polls");
    page.room_fetched(snapshot(), 3_600);
    let acts = page.tick(11_000);
    assert!(acts.contains(&Act::Close) && acts.contains(&check()), "{acts:?}");
    assert_eq!(page.status(), Status::Blocked);
    page.room_fetched(snapshot(), 11_100);
    assert!(page.tick(12_200).contains(&open()));
    page.closed(12_210);
    assert!(page.tick(15_000).contains(&open_stream()));
    assert_eq!(page.say(10, 15_100), [post(10)]);
}
