//! A watched account and its list of rooms, as the keeper has them in memory. Reading the store and sending frames is
//! the keeper's work.
//!
//! Vocabulary: a *change* is a round (or a finished store read) in which some list may have changed, counted by
//! `Keeper::change`. A *place* is a room together with the account's member record in it.

use std::collections::{HashMap, HashSet};

use tokio::time::Instant;

use super::{known::Known, summaries::newest_first};
use crate::{
    protocol::{Millis, RoomSummary, ServerFrame},
    server::{
        socket::Frame,
        store::{MemberRecord, RoomId, RoomRecord},
    },
};

/// With more changed rooms than this, the whole list is sent instead of one summary for each room.
const SUMMARIES: usize = 32;

/// A room, and the member record of the watching account in it.
pub(super) type Place = (RoomRecord, MemberRecord);

/// What has to be read for an account, from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wanted {
    Nothing,
    /// The account's rooms, and the state of those rooms that are not known yet.
    Rooms,
    /// The account's rooms, and the state of all of them, known or not.
    Everything,
}

/// A watched account and its current list.
pub(super) struct Account {
    pub places: Vec<Place>,
    pub wanted: Wanted,
    /// When the last read of its rooms began.
    pub read_at: Option<Instant>,
    /// Whether the account is in the queue or being read.
    pub is_in_turn: bool,
    /// Whether its rooms have been read at least once.
    pub is_read: bool,
    pub version: Option<u64>,
    /// The account version for which `places` were read. While it differs from `version`, nothing is sent: the list may
    /// still have a room that the account was removed from.
    pub read_version: Option<u64>,
    /// The list: for each room its summary, and the change in which that summary last changed.
    pub list: HashMap<RoomId, (u64, RoomSummary)>,
    /// The change in which a room last entered or left the list.
    pub rooms_changed: u64,
    /// The change in which anything in the list last changed.
    pub changed: u64,
}

impl Account {
    pub fn new() -> Self {
        Self {
            places: Vec::new(),
            wanted: Wanted::Everything,
            read_at: None,
            is_in_turn: false,
            is_read: false,
            version: None,
            read_version: None,
            list: HashMap::new(),
            rooms_changed: 0,
            changed: 0,
        }
    }

    pub fn want(&mut self, wanted: Wanted) {
        self.wanted = self.wanted.max(wanted);
    }

    /// Whether the places were read for the newest version of the account that the bus has.
    pub fn is_settled(&self) -> bool {
        self.is_read && self.read_version == self.version
    }

    pub fn has_any(&self, rooms: &HashSet<RoomId>) -> bool {
        self.places.iter().any(|(room, _)| rooms.contains(&room.id))
    }

    /// Whether a member record will soon change without a new version: its `Joined` is not in the log yet, or it owes a
    /// notice.
    pub fn is_unsettled(&self) -> bool {
        self.places.iter().any(|(_, me)| me.since == 0 || me.owed.is_some())
    }

    /// Rewrites the summaries of the `changed` rooms, or of all rooms after the places were read (`None`). Returns
    /// whether a room left the list.
    pub fn write_list(
        &mut self,
        known: &HashMap<RoomId, Known>,
        changed: Option<&HashSet<RoomId>>,
        change: u64,
        now: Millis,
    ) -> bool {
        let before = self.list.len();
        if changed.is_none() {
            let places: HashSet<RoomId> = self.places.iter().map(|(room, _)| room.id).collect();
            self.list.retain(|room, _| places.contains(room));
        }
        let has_less = self.list.len() < before;
        if has_less {
            (self.rooms_changed, self.changed) = (change, change);
        }
        for (room, me) in &self.places {
            let listed = self.list.get(&room.id);
            if listed.is_some() && changed.is_some_and(|changed| !changed.contains(&room.id)) {
                continue;
            }
            let Some(known) = known.get(&room.id) else { continue };
            let summary = known.summary(room, me, now);
            match listed {
                Some((_, before)) if *before == summary => continue,
                Some(_) => {}
                None => self.rooms_changed = change,
            }
            self.list.insert(room.id, (change, summary));
            self.changed = change;
        }
        has_less
    }

    /// The frames for a watch that was sent everything up to the change `sent`, or nothing yet (`None`).
    pub fn news_since(&self, sent: Option<u64>) -> Frame {
        let news: Vec<_> = match sent.filter(|sent| *sent >= self.rooms_changed) {
            Some(sent) => self.list.values().filter(|(changed, _)| *changed > sent).map(|(_, room)| room).collect(),
            None => Vec::new(),
        };
        if sent.is_none_or(|sent| sent < self.rooms_changed) || news.len() > SUMMARIES {
            let rooms = newest_first(self.list.values().map(|(_, room)| room.clone()).collect());
            return Frame::of(&ServerFrame::Rooms { rooms });
        }
        let frame = |room: &RoomSummary| Frame::of(&ServerFrame::Summary { room: Box::new(room.clone()) });
        Frame::together(&news.into_iter().map(frame).collect::<Vec<_>>())
    }
}
