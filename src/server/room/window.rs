//! The window: the last events of a room, in memory, for snapshots, resumes and recognising retries.

use std::collections::{HashMap, VecDeque};

use super::entry::Entry;
use crate::{
    protocol::{ClientId, Event, EventKind, MemberId, Millis, Seq, limits},
    server::bus::TAIL_EVENTS,
};

/// Bytes of text that a window keeps at most (and always the last event).
const WINDOW_BYTES: usize = 1024 * 1024;
/// Bytes of text that a snapshot carries at most (and always the last event).
const SNAPSHOT_BYTES: usize = 128 * 1024;

/// The last events of a room, without holes, ending at its head.
#[derive(Debug, Default)]
pub struct Window {
    entries: VecDeque<Entry>,
    ids: HashMap<(MemberId, ClientId), Seq>,
    bytes: usize,
}

/// What is known of a message id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Where it is.
    pub seq: Seq,
    /// When it was taken.
    pub at: Millis,
    /// Whether it says the same.
    pub same_body: bool,
}

fn weight(event: &Event) -> usize {
    256 + event.message().map_or(0, |message| message.body.as_str().len())
}

impl Window {
    /// Adds the next event, and forgets the oldest beyond the limits.
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
        while self.entries.len() > TAIL_EVENTS || (self.bytes > WINDOW_BYTES && self.entries.len() > 1) {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= weight(&oldest.event);
            if let Some(message) = oldest.event.message() {
                self.ids.remove(&(message.author.id, message.id));
            }
        }
    }

    /// The message with this id, if the window has it.
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

    /// The time of the last event.
    pub fn last_at(&self) -> Millis {
        self.entries.back().map_or(0, |last| last.event.at)
    }

    /// The events after `after` up to the head, if the window reaches back that far.
    pub fn after(&self, after: Seq, head: Seq) -> Option<Vec<&Entry>> {
        if after >= head {
            return Some(Vec::new());
        }
        let first = self.entries.front()?.event.seq;
        let skip = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        Some(self.entries.range(skip.min(self.entries.len())..).collect())
    }

    /// The last events from `since` on, as many as a snapshot carries; and whether the window has more of them.
    pub fn snapshot(&self, since: Seq) -> (Vec<&Entry>, bool) {
        let visible = || self.entries.iter().rev().take_while(|entry| entry.event.seq >= since);
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

    /// The last event that says whether this member is there: their joining, leaving or removal.
    pub fn last_about(&self, member: MemberId) -> Option<&Event> {
        self.entries.iter().rev().map(|entry| &entry.event).find(|event| match &event.kind {
            EventKind::Joined { member: m } | EventKind::Left { member: m } | EventKind::Removed { member: m, .. } => {
                m.id == member
            }
            _ => false,
        })
    }
}
