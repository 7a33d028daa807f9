//! Where the messages begin that were unread when the page was opened, or when the reader came back to it.
//!
//! The place does not move while the messages are read, so that the line above them stays where it is. It is given up
//! when the reader posts a message. It may be in history that is not loaded yet; each loaded page is then searched for
//! it.

use crate::{
    protocol::{Event, MemberId, Message, Replica, Seq, You, sorted::SortedSet},
    ui::timeline::RowKey,
};

/// The messages that were unread when the page was opened, or when the reader came back to it.
#[derive(Clone, Debug, Default)]
pub struct Unread {
    begin: Begin,
    count: usize,
}

#[derive(Clone, Debug, Default)]
enum Begin {
    /// There are none, or the place was given up.
    #[default]
    None,
    /// At a message that is not loaded yet.
    After {
        /// The last seq that was read.
        seq: Seq,
        /// The ordinal of the last message up to `seq`, that is, the number of messages before the first unread one.
        n: u64,
    },
    /// At this message.
    At(RowKey),
}

impl Unread {
    /// Reads from a fresh snapshot how many messages are unread. [`Unread::find_first`] then finds the first.
    pub fn of(replica: &Replica) -> Self {
        let You { read, unread, .. } = replica.you;
        let count = usize::try_from(unread).unwrap_or(usize::MAX);
        let after = Begin::After { seq: read, n: replica.state.last_n.saturating_sub(unread) };
        Self { begin: if count == 0 { Begin::None } else { after }, count }
    }

    /// The messages of others after the last seq that was read, all of which are loaded.
    pub fn after(read: Seq, replica: &Replica, own_ids: &SortedSet<MemberId>) -> Self {
        let of_others = |event: &&Event| {
            let is_unread = |message: &Message| message.deleted.is_none() && !own_ids.contains(&message.author.id);
            event.seq > read && event.message().is_some_and(is_unread)
        };
        let count = replica.events.iter().filter(of_others).count();
        if count == 0 {
            return Self::default();
        }
        let mut unread = Self { begin: Begin::After { seq: read, n: 0 }, count };
        unread.find_first(replica, own_ids);
        unread
    }

    /// How many messages were unread. 0 after the place was given up.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The first unread message, once it is loaded.
    pub fn first(&self) -> Option<RowKey> {
        match self.begin {
            Begin::At(first) => Some(first),
            Begin::None | Begin::After { .. } => None,
        }
    }

    /// Whether the first unread message is older than the loaded timeline.
    pub fn is_further_up(&self) -> bool {
        matches!(self.begin, Begin::After { .. })
    }

    /// The log has a new epoch: a place in the old one that is not loaded can no longer be found.
    pub fn lose_what_is_further_up(&mut self) {
        if self.is_further_up() {
            *self = Self::default();
        }
    }

    /// Finds the first unread message of somebody else, once the loaded timeline reaches back far enough. Also takes
    /// the oldest one that is loaded if history has no more.
    pub fn find_first(&mut self, replica: &Replica, own_ids: &SortedSet<MemberId>) {
        let Begin::After { seq: read, n } = self.begin else { return };
        let unread = || replica.events.iter().filter(|event| event.seq > read).filter_map(Event::message);
        // Deleted messages are not among the unread ones, and have numbers nevertheless.
        let gone = unread().filter(|message| message.deleted.is_some()).count() as u64;
        let n = n.saturating_sub(gone);
        let reaches_back = replica.events.first().is_some_and(|event| event.seq <= read + 1)
            || replica.events.iter().find_map(Event::ordinal).is_some_and(|first| first <= n + 1);
        if !reaches_back && replica.has_more {
            return;
        }
        let mut others = unread().filter(|message| message.deleted.is_none() && !own_ids.contains(&message.author.id));
        match others.next() {
            Some(first) => self.begin = Begin::At(RowKey::of(first)),
            None => *self = Self::default(),
        }
    }

    /// The index of the first unread message in the timeline.
    pub fn index(&self, replica: &Replica) -> Option<usize> {
        let first = self.first()?;
        replica.events.iter().position(|event| event.message().map(RowKey::of) == Some(first))
    }
}
