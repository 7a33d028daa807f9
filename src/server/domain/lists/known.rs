//! What a list knows of a room (`Known`), from two sources.
//!
//! The digest on the bus is usually newest, but it is a cache and may be missing. The store's overview covers preserved
//! rooms completely; of an ephemeral room it only has who is in it. How a summary is made of both is in `summaries.rs`,
//! and the reads are in `gathering.rs`.

use crate::{
    protocol::{Retention, Seq},
    server::{
        bus::{Digest, LastMentions},
        store::Overview,
    },
};

/// The state of a room apart from its store record.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The last digest that the bus had of the room.
    pub digest: Option<Digest>,
    /// Whether the bus still had a digest when it was asked last.
    pub is_on_bus: bool,
    /// The store's overview of the room, if it was read.
    pub archived: Option<Overview>,
}

/// The result of comparing a new answer of the bus with the stored digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    Same,
    Changed,
    /// The bus has no digest any more.
    Gone,
}

impl Known {
    /// What is known from a digest alone.
    pub fn by(digest: Digest) -> Self {
        Self { digest: Some(digest), is_on_bus: true, archived: None }
    }

    /// Stores the digest that the bus has now, and returns what changed.
    ///
    /// If the bus has lost the digest of a preserved room, the stored one stays valid until the store is read. If it
    /// has lost that of an ephemeral room, the room's messages are gone with it, so everything about messages, and who
    /// is connected, is cleared.
    pub fn compare(&mut self, digest: Option<&Digest>) -> Compared {
        let was_on_bus = std::mem::replace(&mut self.is_on_bus, digest.is_some());
        match digest {
            Some(digest) if self.digest.as_ref() == Some(digest) => Compared::Same,
            Some(digest) => {
                self.digest = Some(digest.clone());
                Compared::Changed
            }
            None if was_on_bus => {
                if let Some(digest) = self.digest.as_mut().filter(|digest| digest.retention == Retention::Ephemeral) {
                    (digest.message, digest.n, digest.here) = (None, 0, None);
                    digest.mentions = LastMentions::default();
                }
                Compared::Gone
            }
            None => Compared::Same,
        }
    }

    /// The last seq that either source has.
    pub fn head(&self) -> Option<Seq> {
        let digest = self.digest.as_ref().map(|digest| digest.head);
        digest.max(self.archived.as_ref().map(|archived| archived.head.seq))
    }

    /// Stores what a read brought, unless the stored digest is newer. Returns whether anything changed.
    pub fn learn(&mut self, found: Self) -> bool {
        let mut is_new = false;
        if let Some(digest) = found.digest
            && !self.digest.as_ref().is_some_and(|known| known.epoch == digest.epoch && known.head > digest.head)
        {
            is_new |= self.digest.as_ref() != Some(&digest);
            self.digest = Some(digest);
            self.is_on_bus = true;
        }
        if found.archived.is_some() {
            is_new |= self.archived != found.archived;
            self.archived = found.archived;
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{archived, digest},
        *,
    };
    use crate::protocol::Epoch;

    #[test]
    fn an_older_answer_takes_nothing_back() {
        let mut known = Known::by(digest(Retention::Preserved, 9, 5));
        known.learn(Known { archived: Some(archived(8, 4, "x")), ..Known::by(digest(Retention::Preserved, 8, 4)) });
        assert_eq!(known.head(), Some(9));
        known.learn(Known::default());
        assert!(known.digest.is_some() && known.archived.is_some());
        let other_life = Digest { epoch: Epoch::from_bits(2), ..digest(Retention::Preserved, 1, 1) };
        known.learn(Known::by(other_life));
        assert_eq!(known.digest.unwrap().head, 1);
    }
}
