//! The search index: which messages of the archive have which terms ([`crate::server`]'s `text::terms`).
//!
//! The index follows the archive: after an append, a worker reads the new messages and adds them
//! ([`Search::index_rooms`]). Each room has a cursor, the seq up to which its archive is indexed. A message up to the
//! cursor that is edited, erased or deleted changes in the index in the same transaction, so no term of a deleted text
//! is left. Nothing acknowledged depends on the index, and it can be made anew from the archive.
//!
//! The index returns candidates. Whether they match is decided by their text (`domain/search.rs`).

use std::{
    collections::HashSet,
    mem,
    ops::Range,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;

use super::{Result, RoomId};
use crate::{
    protocol::{Event, Seq},
    server::text::SearchTerm,
};

/// Storage of the search index.
#[async_trait]
pub trait Search: Sync {
    /// Returns the rooms to which this process has appended messages since the last call.
    fn take_unindexed(&self) -> Vec<RoomId>;

    /// Returns the seqs up to which the archives of these rooms are indexed. Rooms of which nothing is indexed are left
    /// out.
    async fn indexed(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Seq)>>;

    /// Indexes up to `most` further events of these rooms. Returns the rooms that may have more. Rooms that do not
    /// exist are passed over.
    async fn index_rooms(&self, rooms: &[RoomId], most: usize) -> Result<Vec<RoomId>>;

    /// Looks for indexed messages that have all of these terms, with a seq in `seqs`, from the newest on. Returns up to
    /// `limit` of them. May stop earlier, so that no call takes long.
    async fn candidates(
        &self,
        room: RoomId,
        terms: &[SearchTerm],
        seqs: Range<Seq>,
        limit: usize,
    ) -> Result<Candidates>;
}

/// Messages that may match a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    /// The seqs of the messages, newest first.
    pub seqs: Vec<Seq>,
    /// From this seq on, all candidates of the range are in `seqs`. To go on, look before it.
    pub from: Seq,
}

impl Candidates {
    /// What was found by looking from the newest message to the seq `first`, or to the last of `limit` candidates.
    pub(super) fn new(seqs: Vec<Seq>, first: Seq, limit: usize) -> Self {
        let from = seqs.last().filter(|_| seqs.len() == limit).copied();
        Self { from: from.unwrap_or(first), seqs }
    }
}

/// The rooms to which this process has appended messages, for [`Search::take_unindexed`].
#[derive(Debug, Default)]
pub(super) struct Unindexed(Mutex<HashSet<RoomId>>);

impl Unindexed {
    /// Adds a room if there is a message among these events that were just appended to it.
    pub fn note(&self, room: RoomId, events: &[Event]) {
        if events.iter().any(|event| event.message().is_some()) {
            self.rooms().insert(room);
        }
    }

    pub fn take(&self) -> Vec<RoomId> {
        mem::take(&mut *self.rooms()).into_iter().collect()
    }

    fn rooms(&self) -> std::sync::MutexGuard<'_, HashSet<RoomId>> {
        // A set of ids is whole after every change, so a panic of another holder does no harm.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
