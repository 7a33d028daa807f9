//! The window: the last events of a room in memory, for snapshots, for resumes and for recognising retries. It has the
//! same limits as a tail, in number and in bytes. Its messages are in their current state: a touch is folded into them
//! when it is added.
//!
//! Of `reacted` events it has only the newest, as a tail does, so that many reactions push no messages out. So such
//! events may be missing between others.

use std::collections::{HashMap, VecDeque};

use super::{entry::Entry, sight::Sight};
use crate::{
    protocol::{ClientId, Event, EventKind, MemberId, MessageBody, Millis, Retention, Seq, limits},
    server::bus::{TAIL_BYTES, TAIL_EVENTS, TAIL_REACTED, is_reacted, weight},
};

/// Most bytes of events in a snapshot. The last event is in it even if it is longer.
const SNAPSHOT_BYTES: usize = 128 * 1024;
/// Most touches in a snapshot. Before the oldest of them it has only what the timeline shows.
const SNAPSHOT_TOUCHES: usize = 64;

/// The last events of a room, ending at its head.
#[derive(Debug, Default)]
pub struct Window {
    /// The events, oldest first.
    entries: VecDeque<Entry>,
    /// How many of the events are `reacted`.
    reacted: usize,
    /// The seq from which on no event is missing.
    whole_from: Seq,
    /// The bytes of the other events.
    bytes: usize,
    ids: HashMap<(MemberId, ClientId), Seq>,
}

/// The message that has a given id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    pub seq: Seq,
    pub at: Millis,
    /// Whether it has the same text as the message in question.
    pub same_body: bool,
}

/// The last events that a member may see.
pub struct Visible<'a> {
    pub entries: Vec<&'a Entry>,
    /// The seq from which on `entries` has the touches too, if that is not the seq of the first entry.
    pub from: Option<Seq>,
    /// Whether the window has more of them.
    pub has_more: bool,
}

impl Window {
    /// Adds the next event, folds a touch into its message, and drops the oldest events beyond the limits. If the event
    /// does not follow the last one, all earlier events are dropped.
    pub fn push(&mut self, entry: Entry) {
        if self.entries.back().is_some_and(|last| last.event.seq + 1 != entry.event.seq) {
            *self = Self::default();
        }
        self.restore(entry);
    }

    /// Adds a later event of a tail, which may have dropped `reacted` events between the last one and this.
    pub fn restore(&mut self, entry: Entry) {
        for changed in self.changed_by([&entry.event]) {
            self.replace(changed);
        }
        let event = &entry.event;
        if self.entries.back().is_none_or(|last| last.event.seq + 1 != event.seq) {
            self.whole_from = event.seq;
        }
        if let Some(message) = event.message() {
            self.ids.insert((message.author.id, message.id), event.seq);
        }
        if is_reacted(event) {
            self.reacted += 1;
        } else {
            self.bytes += weight(event);
        }
        self.entries.push_back(entry);
        if self.reacted > TAIL_REACTED
            && let Some(at) = self.entries.iter().position(|entry| is_reacted(&entry.event))
            && let Some(dropped) = self.entries.remove(at)
        {
            self.reacted -= 1;
            self.whole_from = self.whole_from.max(dropped.event.seq + 1);
        }
        // With an event goes what was reacted before the next one.
        let (mut drops, is_reaction) = (false, |entry: &Entry| is_reacted(&entry.event));
        while self.is_too_large() || drops && self.entries.front().is_some_and(is_reaction) {
            let Some(oldest) = self.entries.pop_front() else { break };
            drops = true;
            if is_reacted(&oldest.event) {
                self.reacted -= 1;
                continue;
            }
            self.bytes -= weight(&oldest.event);
            if let Some(message) = oldest.event.message() {
                self.ids.remove(&(message.author.id, message.id));
            }
        }
    }

    fn is_too_large(&self) -> bool {
        let others = self.entries.len() - self.reacted;
        others > TAIL_EVENTS || (self.bytes > TAIL_BYTES && others > 1)
    }

    /// The events of the window that these touches, which follow it, change: the messages as they will be, and the
    /// `edited` events that become void.
    pub fn changed_by<'a>(&self, touches: impl IntoIterator<Item = &'a Event>) -> Vec<Event> {
        let mut changed: Vec<Event> = Vec::new();
        for (touch, target) in touches.into_iter().flat_map(|touch| touch.kind.targets().map(move |of| (touch, of))) {
            let known = changed.iter().position(|event| event.seq == target.seq);
            let Some(mut event) = known.map(|at| changed.remove(at)).or_else(|| self.get(target.seq).cloned()) else {
                continue;
            };
            let before = event.message().and_then(|message| message.edited);
            if event.fold(touch) && !is_reacted(touch) {
                changed.extend(before.and_then(|edit| self.get(edit.seq).cloned()).map(|mut edit| {
                    edit.void();
                    edit
                }));
            }
            changed.push(event);
        }
        changed
    }

    /// Replaces the event of the same seq.
    fn replace(&mut self, event: Event) {
        if let Some(at) = self.index(event.seq) {
            self.bytes = self.bytes + weight(&event) - weight(&self.entries[at].event);
            self.entries[at] = Entry::of(event);
        }
    }

    /// The message of this author with this id, if the window has it.
    pub fn known(&self, author: MemberId, id: ClientId, body: &MessageBody) -> Option<Known> {
        let seq = *self.ids.get(&(author, id))?;
        let event = self.get(seq)?;
        let same_body = event.message().is_some_and(|message| message.was_sent_as(body));
        Some(Known { seq, at: event.at, same_body })
    }

    /// The message as it is now, given as it was read from the log at the head `read_at`. `None` if the window does not
    /// reach back to that head, so that a touch in between may be missing.
    pub fn update(&self, event: &Event, read_at: Seq) -> Option<Event> {
        if !self.entries.is_empty() && self.first_whole() > read_at + 1 {
            return None;
        }
        let mut event = event.clone();
        for entry in &self.entries {
            event.fold(&entry.event);
        }
        Some(event)
    }

    /// The event with this seq, if the window has it.
    pub fn get(&self, seq: Seq) -> Option<&Event> {
        self.entries.get(self.index(seq)?).map(|entry| &entry.event)
    }

    fn index(&self, seq: Seq) -> Option<usize> {
        self.entries.binary_search_by_key(&seq, |entry| entry.event.seq).ok()
    }

    /// The seq from which on the window has every event.
    fn first_whole(&self) -> Seq {
        self.entries.front().map_or(0, |first| first.event.seq).max(self.whole_from)
    }

    /// The retention that the event with this seq, which the window has, was appended under. `now` is the present one.
    pub fn retention_at(&self, seq: Seq, now: Retention) -> Retention {
        let later = self.entries.iter().map(|entry| &entry.event).filter(|event| event.seq > seq);
        let change = later.filter_map(|event| match event.kind {
            EventKind::RetentionChanged { retention, .. } => Some(retention),
            _ => None,
        });
        match change.into_iter().next() {
            Some(Retention::Preserved) => Retention::Ephemeral,
            Some(Retention::Ephemeral) => Retention::Preserved,
            None => now,
        }
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
        let skip = self.entries.partition_point(|entry| entry.event.seq < from);
        let next = self.entries.range(skip..).find_map(|entry| entry.event.message());
        next.map_or(last_n, |message| message.n - 1).saturating_sub(from - (seq + 1))
    }

    /// The time of the last event, or 0.
    pub fn last_at(&self) -> Millis {
        self.entries.back().map_or(0, |last| last.event.at)
    }

    /// The time of the last event that the timeline shows, or 0.
    pub fn last_row_at(&self) -> Millis {
        self.newest_first().find(|event| !event.kind.is_touch()).map_or(0, |event| event.at)
    }

    /// The events after `after` up to the head. `None` if the window does not reach back that far.
    pub fn after(&self, after: Seq, head: Seq) -> Option<Vec<&Entry>> {
        if after >= head {
            return Some(Vec::new());
        }
        if self.entries.is_empty() || after + 1 < self.first_whole() {
            return None;
        }
        let skip = self.entries.partition_point(|entry| entry.event.seq <= after);
        Some(self.entries.range(skip..).collect())
    }

    /// The last events that a member may see, as many as fit into a snapshot.
    pub fn snapshot(&self, sight: Sight) -> Visible<'_> {
        let visible = || sight.newest_first(self.entries.iter().rev(), |entry| &entry.event);
        let mut entries: Vec<&Entry> = Vec::new();
        let (mut bytes, mut rows, mut touches, mut from) = (0, 0, 0, None);
        let mut has_more = false;
        for entry in visible() {
            let is_touch = entry.event.kind.is_touch();
            if is_touch && (from.is_some() || rows == limits::HISTORY_PAGE) {
                continue;
            }
            if is_touch && touches == SNAPSHOT_TOUCHES {
                from = Some(entry.event.seq + 1);
                continue;
            }
            bytes += entry.bytes();
            if !entries.is_empty() && (rows == limits::HISTORY_PAGE || bytes > SNAPSHOT_BYTES) {
                has_more = true;
                break;
            }
            rows += usize::from(!is_touch);
            touches += usize::from(is_touch);
            entries.push(entry);
        }
        entries.reverse();
        Visible { entries, from, has_more }
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
    use crate::protocol::{Emoji, Message, Nickname, Person, ReactionChange, Target};

    fn person() -> Person {
        Person { id: MemberId::from_bits(1), name: Nickname::try_from("Ada").unwrap() }
    }

    fn joined(seq: Seq) -> Entry {
        Entry::of(Event { seq, at: 0, kind: EventKind::Joined { member: person() } })
    }

    fn said(seq: Seq, n: u64) -> Entry {
        let (id, body) = (ClientId::new(Uuid::from_u128(n.into())), MessageBody::try_from("Hello").unwrap());
        Entry::of(Event { seq, at: 0, kind: EventKind::Message(Message::new(n, id, person(), body)) })
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

    #[test]
    fn reactions_push_no_message_out_and_what_is_missing_is_not_resumed() {
        let mut window = Window::default();
        window.push(said(1, 1));
        window.push(said(2, 2));
        let target = Target { seq: 1, id: window.get(1).unwrap().message().unwrap().id };
        let reacted = |seq: Seq| {
            let change =
                ReactionChange { target, e: Emoji::stored("👍"), on: true, who: vec![MemberId::from_bits(seq)] };
            Entry::of(Event { seq, at: 0, kind: EventKind::Reacted { changes: vec![change] } })
        };
        let end = 2 + TAIL_REACTED as Seq + 40;
        for seq in 3..=end {
            window.push(reacted(seq));
        }
        let message = window.get(1).unwrap().message().unwrap();
        let reaction = &message.reactions[0];
        assert_eq!((reaction.n as usize, reaction.who.len()), (TAIL_REACTED + 40, 50));
        assert_eq!((window.get(42).is_none(), window.get(43).is_some()), (true, true));
        let first = window.entries.front().unwrap();
        assert!(!serde_json::to_string(first).unwrap().contains("more"), "a client is not sent all ids");
        let own = serde_json::to_string(&*first.for_reader(&[MemberId::from_bits(end)])).unwrap();
        assert!(own.contains(&format!(r#""more":[{end}]"#)), "but its own");
        assert!(window.after(41, end).is_none(), "a reaction is missing");
        assert_eq!(window.after(42, end).unwrap().len(), TAIL_REACTED);
        assert_eq!([0, 1, 2, 50].map(|seq| window.ordinal_at(seq, end, 2)), [0, 1, 2, 2]);
        let read = said(1, 1).event;
        assert!(window.update(&read, 41).is_none());
        assert_eq!(window.update(&read, 42).unwrap().message().unwrap().reactions[0].n as usize, TAIL_REACTED);

        let mut restored = Window::default();
        for entry in window.entries.iter().cloned() {
            restored.restore(entry);
        }
        assert!(restored.after(41, end).is_none());
        assert_eq!(restored.after(42, end).unwrap().len(), TAIL_REACTED);
        let last = end + TAIL_EVENTS as Seq;
        for seq in end + 1..=last {
            restored.push(joined(seq));
        }
        assert_eq!(restored.entries.front().unwrap().event.seq, end + 1);
        assert_eq!((restored.reacted, restored.bytes), (0, 256 * TAIL_EVENTS));
    }

    #[test]
    fn a_touch_changes_its_message_in_place_and_counts_as_no_row_of_a_snapshot() {
        let mut window = Window::default();
        for entry in [said(1, 1), said(2, 2)] {
            window.push(entry);
        }
        let target = |window: &Window, seq| Target { seq, id: window.get(seq).unwrap().message().unwrap().id };
        let edited = |window: &Window, seq, body: &str| {
            let body = MessageBody::try_from(body).unwrap();
            let kind = EventKind::Edited {
                target: target(window, 1),
                author: person(),
                body,
                mentions: Vec::new(),
                everyone: false,
            };
            Entry::of(Event { seq, at: 0, kind })
        };
        window.push(edited(&window, 3, "Changed"));
        window.push(edited(&window, 4, "Changed again"));
        let texts =
            |window: &Window| window.entries.iter().map(|entry| entry.event.text().to_owned()).collect::<Vec<_>>();
        assert_eq!(texts(&window), ["Changed again", "Hello", "", "Changed again"]);
        let deleted = EventKind::Deleted { target: target(&window, 1), n: 1, by: person() };
        window.push(Entry::of(Event { seq: 5, at: 0, kind: deleted }));
        assert_eq!(texts(&window), ["", "Hello", "", "", ""]);
        assert_eq!(window.bytes, window.entries.iter().map(|entry| weight(&entry.event)).sum::<usize>());
        for entry in &window.entries {
            assert_eq!(Entry::of(entry.event.clone()).bytes(), entry.bytes(), "it is encoded as it is");
        }

        let all = Sight { member: person().id, stay: 1, all_from: 1 };
        for seq in 6..=6 + 2 * SNAPSHOT_TOUCHES as Seq {
            window.push(edited(&window, seq, "Too late"));
        }
        let Visible { entries, from, has_more } = window.snapshot(all);
        let (touches, rows): (Vec<&Entry>, Vec<&Entry>) =
            entries.into_iter().partition(|entry| entry.event.kind.is_touch());
        assert_eq!((rows.len(), touches.len(), has_more), (2, SNAPSHOT_TOUCHES, false));
        assert_eq!(from, Some(touches[0].event.seq));
    }
}
