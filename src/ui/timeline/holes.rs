//! Holes in a timeline: places where messages are missing, because they were not kept or because the reader was absent.
//!
//! Every message has an ordinal, which counts the messages of the room. A hole is found by comparing the ordinals
//! before and after a gap in the seqs. A gap without a missing ordinal contained no messages and is not shown.

use crate::protocol::{Event, EventKind, MemberId, Millis, Replica, Retention};

/// The time for which the reader was absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// When the reader left.
    pub from: Millis,
    /// When the reader came back.
    pub to: Millis,
}

/// Whether messages are missing between two parts of a log, which must belong to the same life of it. `last_n` is the
/// ordinal of the room's last message, used if no event in `after` carries an ordinal.
pub fn is_missing(before: &[Event], after: &[Event], last_n: u64) -> bool {
    let known = before.iter().rev().find_map(Event::ordinal);
    let next = after.iter().find_map(Event::ordinal_before).unwrap_or(last_n);
    known.is_none_or(|known| next > known)
}

/// The absence between two neighbouring events, if the reader left with the first and came back with the second.
pub fn absence(before: &Event, after: &Event, is_me: impl Fn(MemberId) -> bool) -> Option<Absence> {
    match (&before.kind, &after.kind) {
        (EventKind::Left { member: left }, EventKind::Joined { member: joined })
            if is_me(left.id) && is_me(joined.id) =>
        {
            Some(Absence { from: before.at, to: after.at })
        }
        _ => None,
    }
}

/// Whether messages are missing above the oldest event that this browser has. False while older events can still be
/// loaded.
pub fn is_lost_above(replica: &Replica) -> bool {
    if replica.has_more || replica.has_lost_log() {
        return false;
    }
    let me = replica.you.member_id;
    let since = replica.state.members.get(&me).map_or(0, |member| member.since);
    let Some(first) = replica.events.first() else { return since > 0 && replica.state.head >= since };
    if first.seq <= 1 || matches!(&first.kind, EventKind::Joined { member } if member.id == me) {
        return false;
    }
    let change = replica.events.iter().find_map(|event| match event.kind {
        EventKind::RetentionChanged { retention, .. } => Some(retention),
        _ => None,
    });
    // The first change of the retention shows what it was before: a change to "preserved" means that it was ephemeral.
    let was_kept = change.map_or(replica.state.retention == Retention::Preserved, |to| to == Retention::Ephemeral);
    let is_lost = !was_kept && since > 0 && first.seq > since;
    is_lost || replica.events.iter().find_map(Event::ordinal_before).unwrap_or(replica.state.last_n) > 0
}
