//! Tests of the holes in a timeline.

use super::{super::is_lost_above, marks::group, *};
use crate::protocol::{Epoch, Replica, Seq, Snapshot};

/// The holes in a log of these events. Each event has its own seq, and each message its own ordinal.
fn holes(events: Vec<(u64, EventKind)>) -> Vec<Option<Absence>> {
    let at = |seq: u64| i64::try_from(seq).unwrap() * MINUTE;
    let events: Vec<Event> = events.into_iter().map(|(seq, kind)| Event { seq, at: at(seq), kind }).collect();
    let hole = |(_, row)| match row {
        Row::Hole(absence) => Some(absence),
        _ => None,
    };
    read(&events, &[], usize::MAX).into_iter().filter_map(hole).collect()
}

fn nth(n: u64) -> EventKind {
    let EventKind::Message(message) = said(ADA, n.into()) else { unreachable!() };
    EventKind::Message(Message { n, ..message })
}

#[test]
fn a_line_stands_where_messages_are_missing_and_nowhere_else() {
    assert_eq!(holes(vec![(1, nth(1)), (2, joined(BOB)), (3, nth(2))]), []);
    assert_eq!(holes(vec![(1, nth(1)), (4, nth(3))]), [None]);
    assert_eq!(holes(vec![(1, nth(1)), (4, nth(2))]), [], "somebody came and left, and nobody said anything");
    assert_eq!(holes(vec![(1, nth(1)), (4, joined(BOB)), (5, nth(2))]), []);
    assert_eq!(holes(vec![(1, nth(8)), (4, joined(BOB))]), [None], "the room's last message is the ninth");
    assert_eq!(holes(vec![(5, nth(5)), (1, nth(1))]), [], "another life of the log");
}

#[test]
fn a_line_stands_where_a_lost_log_ends_and_the_new_one_does_not_begin_at_its_start() {
    let snapshot = |epoch, events: Vec<(Seq, EventKind)>| {
        let timeline = timeline(Retention::Ephemeral, 1, events);
        Snapshot {
            room: timeline.room.clone(),
            you: timeline.you.clone(),
            epoch: Epoch::from_bits(epoch),
            head: timeline.state.head,
            last_n: 0,
            members: timeline.state.members.iter().map(|(id, member)| member.view(*id)).collect(),
            connected: Vec::new(),
            reads: Vec::new(),
            departed: Vec::new(),
            events: timeline.events.clone(),
            has_more: false,
            leaves_after: None,
            expected: None,
            from: None,
            quotes: Vec::new(),
        }
    };
    for (gap, first_n) in [(None, 1), (Some(2), 4)] {
        let mut replica = Replica::new(snapshot(7, vec![(1, joined(ME)), (2, nth(1))]));
        replica.reset(snapshot(8, vec![(3 + first_n, said_nth(first_n))]));
        assert_eq!(replica.gap_after_lost_log(), gap);
        assert_eq!(replica.events.len(), 3, "what was on the screen stays");
    }
}

/// The `n`th message, with an id that no earlier one has.
fn said_nth(n: u64) -> EventKind {
    let EventKind::Message(message) = said(ADA, 100 + u128::from(n)) else { unreachable!() };
    EventKind::Message(Message { n, ..message })
}

#[test]
fn who_was_absent_is_told_from_when_to_when() {
    let absence = Some(Absence { from: 2 * MINUTE, to: 7 * MINUTE });
    assert_eq!(holes(vec![(1, nth(1)), (2, left(ME)), (7, joined(ME)), (8, nth(4))]), [absence]);
    assert_eq!(holes(vec![(1, nth(1)), (2, left(ME)), (7, joined(ME)), (8, nth(2))]), [], "nothing was said");
    assert_eq!(holes(vec![(1, nth(1)), (2, left(BOB)), (7, joined(BOB)), (8, nth(4))]), [None]);
}

/// A replica with these events, in a room with this retention that the reader joined at seq `since`.
fn timeline(retention: Retention, since: Seq, events: Vec<(Seq, EventKind)>) -> Replica {
    let mut replica = group(Vec::new());
    replica.state.head = events.last().map_or(since, |(seq, _)| *seq);
    replica.state.retention = retention;
    replica.state.members.get_mut(&MemberId::from_bits(ME)).unwrap().since = since;
    replica.events = events.into_iter().map(|(seq, kind)| Event { seq, at: 0, kind }).collect();
    replica
}

fn turned(retention: Retention, n: u64) -> EventKind {
    EventKind::RetentionChanged { retention, by: person(ADA), n }
}

#[test]
fn the_top_says_that_messages_were_not_kept_where_that_is_so() {
    use Retention::{Ephemeral, Preserved};
    for (is_lost, name, replica) in [
        (false, "the log from its first event", timeline(Ephemeral, 1, vec![(1, joined(ME)), (2, nth(1))])),
        (false, "from where they came in", timeline(Ephemeral, 5, vec![(5, joined(ME)), (6, nth(4))])),
        (true, "said since they came in", timeline(Ephemeral, 2, vec![(5, nth(3))])),
        (true, "nothing is left", timeline(Ephemeral, 2, vec![])),
        (true, "said before, of which only the count tells", timeline(Preserved, 0, vec![(5, nth(3))])),
        (false, "all that was said is kept", timeline(Preserved, 0, vec![(5, nth(1))])),
        (false, "comings and goings are not missed", timeline(Preserved, 2, vec![(5, joined(BOB)), (6, nth(1))])),
        (true, "kept from then on", timeline(Preserved, 2, vec![(5, turned(Preserved, 2)), (6, nth(3))])),
    ] {
        assert_eq!(is_lost_above(&replica), is_lost, "{name}");
    }
    let mut more = timeline(Ephemeral, 2, vec![(5, nth(3))]);
    more.has_more = true;
    assert!(!is_lost_above(&more), "what is above can still be asked for");
}
