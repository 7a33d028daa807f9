//! Tests of memberships that end: by absence, by leaving elsewhere, and by removal.

use super::*;

#[test]
fn who_was_away_too_long_comes_back_once_by_itself() {
    let mut page = live();
    page.closed(0);
    page.tick(90_000);
    page.opened(90_000);
    assert_eq!(page.received(resumed(vec![left(3, ME)]), 90_001), [Act::Close, rejoin()]);
    assert_eq!(page.ending(), Some(&Ending::Returning));
    assert_eq!(page.rejoined(Ok(()), 90_100), [open()]);
    let anew = Act::Send(ClientFrame::Subscribe { code: code(), epoch: None, after: None });
    assert_eq!(page.opened(90_200), [anew]);

    let mut page = live();
    page.received(refusal(Code::NotAMember, None, None), 0);
    page.rejoined(Err(Problem::room_unavailable()), 1);
    assert_eq!(page.ending(), Some(&Ending::Away(Some(Problem::room_unavailable()))));
    assert_eq!(page.in_room(RoomInput::Rejoin, 2), [rejoin()]);
}

#[test]
fn who_comes_back_to_a_room_that_keeps_nothing_still_sees_what_was_read_before() {
    let mut page = live();
    page.received(event(said(3, ADA, 30)), 0);
    page.closed(0);
    page.tick(90_000);
    page.opened(90_000);
    page.received(refusal(Code::NotAMember, None, None), 90_001);
    page.rejoined(Ok(()), 90_100);
    page.opened(90_200);
    let back = Event { seq: 9, at: 0, kind: EventKind::Joined { member: person(ME) } };
    let fresh = Snapshot { head: 9, events: vec![back], ..snapshot() };
    page.received(ServerFrame::Snapshot { code: code(), snapshot: Box::new(fresh) }, 90_300);
    let seqs: Vec<Seq> = page.replica().events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 9]);
    assert_eq!(page.status(), Status::Live);
}

#[test]
fn who_left_in_another_tab_is_not_pulled_back() {
    let mut page = live();
    assert_eq!(page.received(event(left(3, ME)), 0), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Left));
}

#[test]
fn an_account_that_left_while_this_device_slept_is_not_pulled_back() {
    let mut page = Page::with(Some(LocalRoom::new(snapshot(), || 1.0).of_account()), None);
    page.start();
    page.opened(10);
    assert_eq!(page.received(refusal(Code::NotAMember, None, None), 20), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Left));
    assert_eq!(page.in_room(RoomInput::Rejoin, 30), [rejoin()], "unless they want to");
}

#[test]
fn who_was_removed_is_told_by_whom() {
    let removed = Event { seq: 3, at: 0, kind: EventKind::Removed { member: person(ME), by: person(ADA) } };
    let mut page = live();
    assert_eq!(page.received(event(removed), 0), [Act::Close]);
    assert_eq!(page.ending(), Some(&Ending::Removed { by: Some(person(ADA).name) }));
}
