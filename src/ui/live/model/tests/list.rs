//! Tests of the list of rooms, alone and beside a room on one connection.

use super::*;

#[test]
fn a_room_and_the_list_go_over_one_connection() {
    let mut page = both();
    assert_eq!(page.status(), Status::Live);
    page.received(event(said(3, ADA, 30)), 1);
    page.received(summary("AAA001", 1), 1);
    assert_eq!(page.replica().state.head, 3);
    assert_eq!(page.list().unread(), 1);
    assert_eq!(page.closed(2), []);
    assert_eq!(page.tick(302), [open()]);
    assert_eq!(page.opened(400), [subscribe(3), watch()]);
    assert_eq!(page.status(), Status::Connecting);
}

#[test]
fn a_list_is_followed_without_a_room() {
    let mut page = watching();
    page.received(summary("AAA001", 2), 1);
    assert_eq!(page.list().unread(), 2);
    assert_eq!(page.woke(500), [Act::Send(ClientFrame::Ping { n: 1 })]);
    assert_eq!(page.went_offline(1_000), [Act::Close]);
    assert_eq!(page.status(), Status::Offline);
    assert_eq!(page.came_online(2_000), [open()]);
    assert_eq!(page.opened(2_100), [watch()]);
}

#[test]
fn the_list_goes_on_when_the_room_is_over() {
    let removed = Event { seq: 3, at: 0, kind: EventKind::Removed { member: person(ME), by: person(ADA) } };
    let mut page = both();
    assert_eq!(page.received(event(removed), 0), []);
    assert_eq!(page.status(), Status::Ended);
    page.received(summary("AAA001", 1), 1);
    assert_eq!(page.list().unread(), 1);
    assert_eq!(page.closed(2), []);
    assert_eq!(page.tick(302), [open()]);
    assert_eq!(page.opened(400), [watch()]);
}

#[test]
fn who_joins_again_beside_the_list_keeps_the_connection() {
    let mut page = both();
    assert_eq!(page.received(refusal(Code::NotAMember, None, None), 0), [rejoin()]);
    let anew = Act::Send(ClientFrame::Subscribe { code: code(), epoch: None, after: None });
    assert_eq!(page.rejoined(Ok(()), 100), [anew]);
    assert_eq!(page.status(), Status::Connecting);
}

#[test]
fn a_session_that_ends_is_the_end_of_both() {
    let mut page = both();
    let bye = ServerFrame::Bye { reason: ByeReason::SignedOut, retry_after_ms: 0 };
    assert_eq!(page.received(bye, 0), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Outside));
    assert!(page.list().is_logged_out());
    assert_eq!((page.closed(1), page.due()), (Vec::new(), None));

    let mut page = watching();
    page.closed(0);
    page.tick(300);
    assert_eq!(page.closed(400), [check()]);
    assert_eq!(page.login_checked(Err(Problem::not_logged_in()), 500), [Act::Close]);
    assert!(page.list().is_logged_out());
}

#[test]
fn a_server_that_has_no_list_now_is_asked_again_and_the_room_does_not_suffer() {
    let mut page = Page::with(Some(LocalRoom::new(snapshot(), || 1.0)), Some(listed(Some(code()))));
    page.start();
    page.opened(0);
    page.received(resumed(Vec::new()), 0);
    let busy = ServerFrame::Error {
        code: Code::Overloaded,
        detail: "No.".to_owned(),
        id: None,
        room: None,
        reason: None,
        retry_after_ms: Some(1_000),
    };
    assert_eq!(page.received(busy, 10), []);
    assert_eq!(page.status(), Status::Live);
    assert_eq!(page.due(), Some(1_010));
    assert_eq!(page.tick(1_010), [watch()]);
}

#[test]
fn a_list_that_a_tick_takes_a_note_from_has_changed() {
    let mut page = watching();
    page.received(summary("AAA001", 1), 0);
    page.list().take_changed();
    page.tick(5_999);
    assert!(!page.list().take_changed());
    page.tick(6_000);
    assert!(page.list().take_changed());
}
