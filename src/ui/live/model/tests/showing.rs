//! Tests of what a room has to show: incidents, presence, typing, and a long timeline.

use super::*;
use crate::protocol::RoomState;

#[test]
fn nobody_is_said_to_be_there_while_nobody_can_say_so() {
    let mut page = both();
    let ada = MemberId::from_bits(ADA);
    page.received(ServerFrame::Signal { code: code(), signal: Signal::Presence { connected: vec![ada] } }, 1);
    let with_bob = |connected| {
        let name = Nickname::try_from("Bob").unwrap();
        let room = RoomSummary { other: Some(Companion { id: None, name, connected }), ..room_of("AAA001") };
        ServerFrame::Summary { room: Box::new(room) }
    };
    page.received(with_bob(true), 1);
    let is_there = |page: &mut Page| {
        let rooms = page.list().rooms();
        rooms.iter().filter_map(|room| room.other.as_ref()).any(|other| other.connected)
    };
    assert!(page.replica().connected.contains(&ada) && is_there(&mut page));
    page.room().take_people_changed();
    page.list().take_changed();
    page.went_offline(2);
    assert!(page.replica().connected.is_empty() && !is_there(&mut page));
    assert!(page.room().take_people_changed() && page.list().take_changed());
}

#[test]
fn what_happens_to_the_room_and_what_is_refused_is_told_but_not_who_comes_and_goes() {
    let mut page = live();
    let by = person(ADA);
    let kinds = [
        EventKind::RetentionChanged { retention: Retention::Preserved, by: by.clone(), n: 0 },
        EventKind::Renamed { name: None, by: by.clone() },
        EventKind::Joined { member: person(3) },
        EventKind::Removed { member: person(3), by: by.clone() },
        EventKind::Joined { member: person(4) },
        EventKind::Left { member: person(4) },
        EventKind::Removed { member: person(ME), by },
    ];
    let refusal_of_ten = refusal(Code::InvalidInput, Some(10), None);
    page.say(10, 0);
    page.received(refusal_of_ten, 1);
    for (kind, seq) in kinds.clone().into_iter().zip(3..) {
        page.received(event(Event { seq, at: 0, kind }), 2);
    }
    let incidents = page.room().take_incidents();
    assert!(matches!(&incidents[0], Incident::Refused(problem) if problem.code == Code::InvalidInput));
    let told = [0, 1, 3].map(|at: usize| Incident::Event(kinds[at].clone()));
    assert_eq!(incidents[1..], told);
    assert_eq!(page.room().take_incidents(), []);
}

#[test]
fn typing_of_others_is_shown_by_name_and_ends_with_their_message() {
    let mut page = live();
    let typing = |member, on| ServerFrame::Signal {
        code: code(),
        signal: Signal::Typing { member: MemberId::from_bits(member), on },
    };
    page.received(typing(ADA, true), 0);
    page.received(typing(ME, true), 0);
    assert_eq!(page.room().typists().map(Nickname::as_str).collect::<Vec<_>>(), ["Ada"]);
    page.received(event(said(3, ADA, 30)), 1);
    assert_eq!(page.room().typists().count(), 0);
}

#[test]
fn a_very_long_timeline_forgets_its_oldest_events_and_history_brings_them_back() {
    let mut page = live();
    for seq in 3..=100 {
        page.received(event(said(seq, ADA, seq.into())), 0);
    }
    page.room().forget_old(10);
    let first_and_count =
        |page: &Page| (page.replica().events.first().map(|event| event.seq), page.replica().events.len());
    assert_eq!(first_and_count(&page), (Some(91), 10));
    assert!(page.replica().has_more);
    let older = (41..=90).rev().map(|seq| said(seq, ADA, seq.into())).collect();
    let top = page.replica().top();
    assert!(page.room().prepend(top, HistoryPage { events: older, has_more: true, quotes: Vec::new() }));
    assert_eq!(first_and_count(&page), (Some(41), 60));
    page.room().forget_old(100);
    assert_eq!(first_and_count(&page), (Some(41), 60), "nothing is forgotten for nothing");
}

#[test]
fn what_is_said_does_not_change_who_is_there() {
    let mut page = live();
    page.room().take_people_changed();
    page.received(event(said(3, ADA, 30)), 0);
    assert!(!page.room().take_people_changed());
    page.received(event(left(4, ADA)), 0);
    assert!(page.room().take_people_changed());
}

#[test]
fn what_a_later_version_sends_moves_the_head_and_changes_nothing_else() {
    let mut page = live();
    let before = page.replica().state.clone();
    assert_eq!(page.received(ServerFrame::Other, 2), []);
    assert_eq!(page.received(ServerFrame::Signal { code: code(), signal: Signal::Other }, 3), []);
    let kind = serde_json::from_str(r#"{"danced":{"member":{"id":1,"name":"Ada"}}}"#).unwrap();
    page.received(event(Event { seq: before.head + 1, at: 9, kind }), 4);
    assert_eq!(page.replica().state, RoomState { head: before.head + 1, ..before });
    assert_eq!(page.status(), Status::Live);
}
