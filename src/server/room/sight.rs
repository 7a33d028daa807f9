//! Sight: the events of a log that one member may see.
//!
//! A member sees every event that was kept (archived). Of the other events, they see those from times when they were in
//! the room; their own `Joined` and `Left` events mark these times. In a room for two, a member sees nothing from
//! before their stay, kept or not.

use crate::protocol::{Event, EventKind, MemberId, Seq};

/// The part of a log that one member, who is in the room at its end, may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    pub member: MemberId,
    /// The first seq of the member's stay. From there on they see what happened while they were in the room.
    pub stay: Seq,
    /// The seq from which on the member sees every event.
    pub all_from: Seq,
}

impl Sight {
    /// Filters the last events of a log, given newest first, for those that the member may see.
    pub fn newest_first<'a, T: 'a>(
        self,
        events: impl Iterator<Item = T> + 'a,
        event: impl Fn(&T) -> &Event + 'a,
    ) -> impl Iterator<Item = T> + 'a {
        let Self { member, stay, all_from } = self;
        let first = stay.min(all_from);
        let mut is_inside = true;
        events
            .map(move |item| {
                let Event { seq, kind, .. } = event(&item);
                let was_inside = match kind {
                    EventKind::Joined { member: who } if who.id == member => Some(false),
                    EventKind::Left { member: who } if who.id == member => Some(true),
                    _ => None,
                };
                let is_seen = *seq >= all_from || is_inside || was_inside.is_some();
                is_inside = was_inside.unwrap_or(is_inside);
                (*seq, is_seen, item)
            })
            .take_while(move |(seq, ..)| *seq >= first)
            .filter_map(|(_, is_seen, item)| is_seen.then_some(item))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Nickname, Person, RoomName};

    const ADA: u64 = 1;
    const BOB: u64 = 2;

    /// Bob is in the room from 2 to 5 and from 8 on.
    fn log() -> Vec<Event> {
        let person = |id| Person { id: MemberId::from_bits(id), name: Nickname::try_from("Ada").unwrap() };
        let other = || EventKind::Renamed { name: RoomName::try_from("Chess").ok(), by: person(ADA) };
        let (joined, left) = (|id| EventKind::Joined { member: person(id) }, EventKind::Left { member: person(BOB) });
        let kinds = [joined(ADA), joined(BOB), other(), other(), left, other(), other(), joined(BOB), other()];
        kinds.into_iter().zip(1..).map(|(kind, seq)| Event { seq, at: 0, kind }).collect()
    }

    fn seen(member: u64, stay: Seq, all_from: Seq) -> Vec<Seq> {
        let sight = Sight { member: MemberId::from_bits(member), stay, all_from };
        let log = log();
        let mut seqs: Vec<Seq> = sight.newest_first(log.iter().rev(), |event| event).map(|event| event.seq).collect();
        seqs.reverse();
        seqs
    }

    #[test]
    fn who_was_absent_sees_what_happened_before_and_after() {
        assert_eq!(seen(BOB, 2, 8), [2, 3, 4, 5, 8, 9]);
        assert_eq!(seen(BOB, 8, 8), [8, 9], "who left for good sees nothing of the stay before");
        assert_eq!(seen(BOB, 4, 8), [4, 5, 8, 9], "a stay of which the log has not all");
    }

    #[test]
    fn who_was_never_absent_sees_everything_since_they_came() {
        assert_eq!(seen(ADA, 1, 1), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(seen(ADA, 1, 4), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(seen(3, 4, 4), [4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn what_was_kept_is_seen_however_one_came() {
        assert_eq!(seen(BOB, 8, 6), [6, 7, 8, 9]);
        assert_eq!(seen(BOB, 2, 6), [2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(seen(BOB, 2, 0), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    }
}
