//! Tests of the connection: gaps, resets, dead sockets, waits, and slow lines.

use super::*;

#[test]
fn a_gap_is_resumed_once() {
    let mut page = live();
    assert_eq!(page.received(event(said(5, ADA, 30)), 0), [subscribe(2)]);
    assert_eq!(page.received(event(said(6, ADA, 31)), 0), []);
    page.received(resumed(vec![said(3, ADA, 28), said(4, ADA, 29)]), 0);
    assert_eq!(page.status(), Status::Live);
    assert_eq!(page.replica().state.head, 6);
    assert_eq!(page.room().take_news().len(), 4);
}

#[test]
fn a_reset_starts_again_from_the_snapshot_and_sends_what_was_pending() {
    let mut page = live();
    page.closed(0);
    page.say(10, 1);
    page.tick(1_000);
    page.opened(1_000);
    page.received(ServerFrame::Reset { code: code(), reason: ResetReason::EpochChanged }, 1_001);
    let fresh = Snapshot { epoch: Epoch::from_bits(8), head: 0, events: Vec::new(), ..snapshot() };
    let frame = ServerFrame::Snapshot { code: code(), snapshot: Box::new(fresh) };
    assert_eq!(page.received(frame, 1_002), [send(10)]);
}

#[test]
fn a_dead_socket_is_asked_and_closed_and_opened_again() {
    let mut page = live();
    assert_eq!(page.due(), Some(20_000));
    assert_eq!(page.tick(20_000), [Act::Send(ClientFrame::Ping { n: 1 })]);
    assert_eq!(page.tick(30_000), [Act::Close]);
    assert_eq!(page.status(), Status::Waiting(30_300));
    assert_eq!(page.tick(30_300), [open()]);
}

#[test]
fn a_page_that_is_shown_again_asks_at_once() {
    let mut page = live();
    assert_eq!(page.woke(500), [Act::Send(ClientFrame::Ping { n: 1 })]);
    page.received(ServerFrame::Pong { n: 1 }, 600);
    assert_eq!(page.due(), Some(20_600));
}

#[test]
fn waits_grow_until_a_connection_was_stable() {
    let mut page = live();
    page.closed(9_999);
    assert_eq!(page.status(), Status::Waiting(9_999 + 300));
    page.tick(10_299);
    page.closed(10_300);
    assert_eq!(page.status(), Status::Waiting(10_300 + 600));
    page.tick(10_900);
    page.opened(10_900);
    page.received(resumed(Vec::new()), 10_900);
    page.closed(20_900);
    assert_eq!(page.status(), Status::Waiting(20_900 + 300));
}

#[test]
fn a_goodbye_says_when_to_come_back() {
    let mut page = live();
    let bye = ServerFrame::Bye { reason: ByeReason::GoingAway, retry_after_ms: 700 };
    assert_eq!(page.received(bye, 1_000), [Act::Close]);
    assert_eq!(page.closed(1_001), []);
    assert_eq!(page.status(), Status::Waiting(1_700));
    assert_eq!(page.tick(1_700), [open()]);
}

#[test]
fn on_a_slow_line_an_answer_gets_more_time_and_then_less_is_asked_for() {
    let mut page = resting();
    page.start();
    let anew = Act::Send(ClientFrame::Subscribe { code: code(), epoch: None, after: None });
    for (at, asked, patience) in [
        (0, subscribe(2), 10_000),
        (50_000, subscribe(2), 25_000),
        (100_000, anew.clone(), 25_000),
        (150_000, anew, 25_000),
    ] {
        assert_eq!(page.opened(at), [asked]);
        assert!(!page.tick(at + patience - 1).contains(&Act::Close), "{at}");
        assert!(page.tick(at + patience).contains(&Act::Close), "{at}");
        assert_eq!(page.tick(at + 49_000), [open()]);
    }
    page.opened(200_000);
    page.received(ServerFrame::Snapshot { code: code(), snapshot: Box::new(snapshot()) }, 220_000);
    assert_eq!(page.status(), Status::Live);
    page.closed(230_000);
    page.tick(260_000);
    assert_eq!(page.opened(260_000), [subscribe(2)], "what works is forgiven");
    assert!(page.tick(270_000).contains(&Act::Close));
}
