//! The window: the last events of a room in memory, for snapshots, for resumes and for recognising retries. It has the
//! same limits as a tail, in number and in bytes.

use std::collections::{HashMap, VecDeque};

use super::{entry::Entry, sight::Sight};
use crate::{
    protocol::{ClientId, Event, EventKind, MemberId, Millis, Seq, limits},
    server::bus::{TAIL_BYTES, TAIL_EVENTS, weight},
};

/// Most bytes of text in a snapshot. The last event is in it even if it is longer.
const SNAPSHOT_BYTES: usize = 128 * 1024;

/// The last events of a room, without holes, ending at its head.
#[derive(Debug, Default)]
pub struct Window {
    entries: VecDeque<Entry>,
    ids: HashMap<(MemberId, ClientId), Seq>,
    bytes: usize,
}

/// The message that has a given id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub seq: Seq,
    pub at: Millis,
    /// Whether it has the same text as the message in question.
    pub same_body: bool,
}

impl Window {
    /// Adds the next event, and drops the oldest ones beyond the limits. If the event does not follow the last one, all
    /// earlier events are dropped.
    pub fn push(&mut self, entry: Entry) {
        let event = &entry.event;
        if self.entries.back().is_some_and(|last| last.event.seq + 1 != event.seq) {
            *self = Self::default();
        }
        if let Some(message) = event.message() {
            self.ids.insert((message.author.id, message.id), event.seq);
        }
        self.bytes += weight(event);
        self.entries.push_back(entry);
        while self.entries.len() > TAIL_EVENTS || (self.bytes > TAIL_BYTES && self.entries.len() > 1) {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= weight(&oldest.event);
            if let Some(message) = oldest.event.message() {
                self.ids.remove(&(message.author.id, message.id));
            }
        }
    }

    /// The message of this author with this id, if the window has it.
    pub fn known(&self, author: MemberId, id: ClientId, body: &str) -> Option<Known> {
        let seq = *self.ids.get(&(author, id))?;
        let event = self.get(seq)?;
        let same_body = event.message().is_some_and(|message| message.body.as_str() == body);
        Some(Known { seq, at: event.at, same_body })
    }

    fn get(&self, seq: Seq) -> Option<&Event> {
        let first = self.entries.front()?.event.seq;
        self.entries.get(usize::try_from(seq.checked_sub(first)?).ok()?).map(|entry| &entry.event)
    }

    pub fn newest_first(&self) -> impl Iterator<Item = &Event> {
        self.entries.iter().rev().map(|entry| &entry.event)
    }

    /// The ordinal of the last message up to `seq`, in a log that ends at `head` with the message `last_n`. For a seq
    /// before the window it is a lower bound, as if all events in between were messages, so that no member counts as
    /// having read more than they have.
    pub fn ordinal_at(&self, seq: Seq, head: Seq, last_n: u64) -> u64 {
        let first = self.entries.front().map_or(head + 1, |entry| entry.event.seq);
        let from = (seq + 1).max(first);
        let skip = usize::try_from(from - first).unwrap_or(usize::MAX).min(self.entries.len());
        let next = self.entries.range(skip..).find_map(|entry| entry.event.message());
        next.map_or(last_n, |message| message.n - 1).saturating_sub(from - (seq + 1))
    }

    /// The time of the last event, or 0.
    pub fn last_at(&self) -> Millis {
        self.entries.back().map_or(0, |last| last.event.at)
    }

    /// The events after `after` up to the head. `None` if the window does not reach back that far.
    pub fn after(&self, after: Seq, head: Seq) -> Option<Vec<&Entry>> {
        if after >= head {
            return Some(Vec::new());
        }
        let first = self.entries.front()?.event.seq;
        let skip = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        Some(self.entries.range(skip.min(self.entries.len())..).collect())
    }

    /// The last events that a member may see, as many as fit into a snapshot. Also says whether the window has more of
    /// them.
    pub fn snapshot(&self, sight: Sight) -> (Vec<&Entry>, bool) {
        let visible = || sight.newest_first(self.entries.iter().rev(), |entry| &entry.event);
        let mut bytes = 0;
        let fits = |(i, entry): &(usize, &Entry)| {
            bytes += weight(&entry.event);
            *i == 0 || (*i < limits::HISTORY_PAGE && bytes <= SNAPSHOT_BYTES)
        };
        let mut entries: Vec<&Entry> = visible().enumerate().take_while(fits).map(|(_, entry)| entry).collect();
        entries.reverse();
        let has_more = visible().nth(entries.len()).is_some();
        (entries, has_more)
    }

    /// The last event about this member's presence: a `Joined`, `Left` or `Removed`.
    pub fn last_about(&self, member: MemberId) -> Option<&Event> {
        self.entries.iter().rev().map(|entry| &entry.event).find(|event| match &event.kind {
            EventKind::Joined { member: m } | EventKind::Left { member: m } | EventKind::Removed { member: m, .. } => {
                m.id == member
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::protocol::{Message, MessageBody, Nickname, Person};

    fn person() -> Person {
        Person { id: MemberId::from_bits(1), name: Nickname::try_from("Ada").unwrap() }
    }

    fn joined(seq: Seq) -> Entry {
        Entry::of(Event { seq, at: 0, kind: EventKind::Joined { member: person() } })
    }

    fn said(seq: Seq, n: u64) -> Entry {
        let (id, body) = (ClientId::new(Uuid::from_u128(n.into())), MessageBody::try_from("Hello").unwrap());
        Entry::of(Event { seq, at: 0, kind: EventKind::Message(Message { n, id, author: person(), body }) })
    }

    #[test]
    fn the_ordinal_of_a_place_is_that_of_the_last_message_up_to_it() {
        let mut window = Window::default();
        for entry in [joined(1), said(2, 1), joined(3), joined(4), said(5, 2), joined(6)] {
            window.push(entry);
        }
        let ordinals: Vec<u64> = (0..=6).map(|seq| window.ordinal_at(seq, 6, 2)).collect();
        assert_eq!(ordinals, [0, 0, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn before_the_window_no_ordinal_is_too_large() {
        let mut window = Window::default();
        for entry in [said(11, 7), said(12, 8)] {
            window.push(entry);
        }
        assert_eq!([12, 11, 10, 9, 8, 3, 0].map(|seq| window.ordinal_at(seq, 12, 8)), [8, 7, 6, 5, 4, 0, 0]);
        let mut window = Window::default();
        assert_eq!([9, 8, 0].map(|seq| window.ordinal_at(seq, 9, 4)), [4, 3, 0], "nothing is in it");
        window.push(joined(10));
        assert_eq!([10, 9, 8].map(|seq| window.ordinal_at(seq, 10, 4)), [4, 4, 3], "and no message");
    }
}
