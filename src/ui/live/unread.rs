//! Where the messages begin that had not been read when the page was opened. The place stays while they are read, so that
//! nothing jumps; it is given up when the reader says something.

use std::collections::BTreeSet;

use crate::{
    protocol::{Event, MemberId, Replica, Seq, You},
    ui::timeline::RowKey,
};

/// The messages that had not been read.
#[derive(Clone, Debug, Default)]
pub struct Unread {
    begin: Begin,
    count: usize,
}

#[derive(Clone, Debug, Default)]
enum Begin {
    /// There are none.
    #[default]
    Nowhere,
    /// In what is not here yet.
    After {
        /// The last event that was read.
        seq: Seq,
        /// How many messages of the room there were up to it.
        n: u64,
    },
    /// With this message.
    At(RowKey),
}

impl Unread {
    /// What the server says that was not read, in a room as it has just come.
    pub fn of(replica: &Replica) -> Self {
        let You { read, unread, .. } = replica.you;
        let count = usize::try_from(unread).unwrap_or(usize::MAX);
        let after = Begin::After { seq: read, n: replica.state.last_n.saturating_sub(unread) };
        Self { begin: if count == 0 { Begin::Nowhere } else { after }, count }
    }

    /// How many there were, until all is given up.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The message that they begin with, once it is here.
    pub fn first(&self) -> Option<RowKey> {
        match self.begin {
            Begin::At(first) => Some(first),
            Begin::Nowhere | Begin::After { .. } => None,
        }
    }

    /// Whether they begin in what is not here yet.
    pub fn is_further_up(&self) -> bool {
        matches!(self.begin, Begin::After { .. })
    }

    /// The log has begun another life: what is not here of the one before does not come any more.
    pub fn lose_what_is_further_up(&mut self) {
        if self.is_further_up() {
            *self = Self::default();
        }
    }

    /// Looks where they begin, if as much of the timeline is here as that takes.
    pub fn look(&mut self, replica: &Replica, mine: &BTreeSet<MemberId>) {
        let Begin::After { seq: read, n } = self.begin else { return };
        let reaches_back = replica.events.first().is_some_and(|event| event.seq <= read + 1)
            || replica.events.iter().find_map(Event::ordinal).is_some_and(|first| first <= n + 1);
        if !reaches_back && replica.has_more {
            return;
        }
        let unread = replica.events.iter().filter(|event| event.seq > read).filter_map(Event::message);
        let first =
            unread.map(RowKey::of).find(|key| !matches!(key, RowKey::Message(author, _) if mine.contains(author)));
        match first {
            Some(first) => self.begin = Begin::At(first),
            None => *self = Self::default(),
        }
    }

    /// Where in the timeline they begin.
    pub fn index(&self, replica: &Replica) -> Option<usize> {
        let first = self.first()?;
        replica.events.iter().position(|event| event.message().map(RowKey::of) == Some(first))
    }
}
