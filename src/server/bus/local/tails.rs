//! Tails in memory. A [`Log`] is one tail, and [`Tails`] holds all of them within a total of bytes.

use std::{
    collections::{HashMap, VecDeque},
    time::Instant,
};

use super::{
    super::{
        TAIL_BYTES, TAIL_EVENTS, TAIL_IDS, TAIL_LIFE, TAIL_REACTED, TAILS_BYTES, Tail, TailAppended,
        batch::{Batch, MessageKey, Remembered, key_of},
        is_reacted, reaction_bytes, weight,
    },
    Expiring,
};
use crate::{
    protocol::{Epoch, Event, Person, Seq},
    server::store::{Earlier, RoomId},
};

/// The estimated bytes of one remembered id, in `ids` and `id_order` together.
const ID_BYTES: usize = 112;

pub(super) struct Tails {
    logs: Expiring<RoomId, Log>,
    /// The maximum bytes of all tails together.
    most: usize,
    /// An upper bound of the bytes of all tails: the sum at the last full count, plus everything appended since.
    at_most: usize,
}

impl Default for Tails {
    fn default() -> Self {
        Self::of(TAILS_BYTES)
    }
}

/// One tail.
struct Log {
    epoch: Epoch,
    head: Seq,
    n: u64,
    sealed_by: Option<Person>,
    /// The newest events without `reacted` ones, oldest first: at most [`TAIL_EVENTS`].
    events: VecDeque<Event>,
    /// The newest `reacted` events, oldest first: at most [`TAIL_REACTED`].
    reacted: VecDeque<Event>,
    /// The bytes of `events` by [`weight`]: at most [`TAIL_BYTES`], unless a single event is larger.
    bytes: usize,
    ids: HashMap<MessageKey, Remembered>,
    /// The keys of `ids`, oldest first, so that the oldest id can be dropped first.
    id_order: VecDeque<MessageKey>,
}

impl Log {
    fn new(epoch: Epoch, head: Seq, n: u64) -> Self {
        let (events, reacted, ids, id_order) = Default::default();
        Self { epoch, head, n, sealed_by: None, events, reacted, bytes: 0, ids, id_order }
    }

    fn to_tail(&self, after: Seq) -> Tail {
        let later = |events: &VecDeque<Event>| {
            let first = events.partition_point(|event| event.seq <= after);
            events.range(first..).cloned().collect::<Vec<_>>()
        };
        let mut events = later(&self.events);
        events.extend(later(&self.reacted));
        events.sort_by_key(|event| event.seq);
        Tail { epoch: self.epoch, head: self.head, n: self.n, sealed_by: self.sealed_by.clone(), events }
    }

    fn earlier(&self, events: &[Event]) -> Option<Earlier> {
        events.iter().enumerate().find_map(|(index, event)| {
            let message = event.message()?;
            Some(self.ids.get(&key_of(message))?.earlier(index, &message.body))
        })
    }

    /// Returns the reason why the batch cannot be appended, if there is one.
    fn refuse(&self, epoch: Epoch, batch: Batch) -> Option<TailAppended> {
        if self.epoch != epoch {
            return Some(TailAppended::Lost);
        }
        if self.sealed_by.is_some() {
            return Some(TailAppended::Sealed);
        }
        if let Some(earlier) = self.earlier(batch.events) {
            return Some(TailAppended::IdTaken(earlier));
        }
        (self.head != batch.follows).then_some(TailAppended::Stale)
    }

    fn weight(&self) -> usize {
        let reactions: usize = self.events.iter().chain(&self.reacted).map(reaction_bytes).sum();
        self.bytes + reactions + self.id_order.len() * ID_BYTES
    }

    fn append(&mut self, batch: Batch) {
        for event in batch.events {
            if let Some(message) = event.message() {
                self.ids.insert(key_of(message), Remembered::of(event, message));
                self.id_order.push_back(key_of(message));
            }
            if is_reacted(event) {
                self.reacted.push_back(event.clone());
            } else {
                self.bytes += weight(event);
                self.events.push_back(event.clone());
            }
        }
        self.head = batch.head;
        self.n = batch.n.unwrap_or(self.n);
        while self.events.len() > TAIL_EVENTS || (self.bytes > TAIL_BYTES && self.events.len() > 1) {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= weight(&oldest);
        }
        let first = self.events.front().map_or(Seq::MAX, |event| event.seq);
        while self.reacted.len() > TAIL_REACTED || self.reacted.front().is_some_and(|event| event.seq < first) {
            self.reacted.pop_front();
        }
        let too_many = self.id_order.len().saturating_sub(TAIL_IDS);
        for key in self.id_order.drain(..too_many) {
            self.ids.remove(&key);
        }
    }
}

impl Tails {
    /// No tails yet, and at most `most` bytes of them together.
    pub fn of(most: usize) -> Self {
        Self { logs: Expiring::default(), most, at_most: 0 }
    }

    pub fn open(&mut self, room: RoomId, epoch: Epoch, head: Seq, n: u64, after: Seq, now: Instant) -> Tail {
        if let Some((log, ends_at)) = self.logs.get_mut(&room, now) {
            if log.sealed_by.is_some() && log.head < head {
                log.sealed_by = None;
                log.events.clear();
                log.reacted.clear();
                log.bytes = 0;
                (log.head, log.n) = (head, n);
                *ends_at = now + TAIL_LIFE;
            }
            return log.to_tail(after);
        }
        let log = Log::new(epoch, head, n);
        let tail = log.to_tail(after);
        self.logs.insert(room, log, now + TAIL_LIFE);
        tail
    }

    pub fn read(&mut self, room: RoomId, after: Seq, now: Instant) -> Option<Tail> {
        self.logs.get_mut(&room, now).map(|(log, _)| log.to_tail(after))
    }

    pub fn read_before(
        &mut self,
        room: RoomId,
        from: Seq,
        before: Option<Seq>,
        limit: usize,
        now: Instant,
    ) -> Vec<Event> {
        let Some((log, _)) = self.logs.get_mut(&room, now) else { return Vec::new() };
        let end = log.events.partition_point(|event| before.is_none_or(|before| event.seq < before));
        log.events.range(..end).rev().take_while(|event| event.seq >= from).take(limit).cloned().collect()
    }

    pub fn heads(&mut self, rooms: &[RoomId], now: Instant) -> Vec<(RoomId, Epoch, Seq)> {
        let head_of = |room: &RoomId| self.logs.get_mut(room, now).map(|(log, _)| (*room, log.epoch, log.head));
        rooms.iter().filter_map(head_of).collect()
    }

    pub fn append(&mut self, room: RoomId, epoch: Epoch, batch: Batch, now: Instant) -> TailAppended {
        let Some((log, ends_at)) = self.logs.get_mut(&room, now) else { return TailAppended::Lost };
        if let Some(refusal) = log.refuse(epoch, batch) {
            return refusal;
        }
        self.at_most +=
            batch.events.iter().map(|event| weight(event) + reaction_bytes(event) + ID_BYTES).sum::<usize>();
        log.append(batch);
        *ends_at = now + TAIL_LIFE;
        TailAppended::Done
    }

    pub fn earlier(&mut self, room: RoomId, epoch: Epoch, events: &[Event], now: Instant) -> Option<Earlier> {
        self.logs.get_mut(&room, now).filter(|(log, _)| log.epoch == epoch)?.0.earlier(events)
    }

    pub fn seal(&mut self, room: RoomId, epoch: Epoch, head: Seq, by: &Person, now: Instant) -> TailAppended {
        match self.logs.get_mut(&room, now) {
            Some((log, _)) if log.epoch == epoch && log.sealed_by.is_some() => TailAppended::Sealed,
            Some((log, _)) if log.epoch == epoch && log.head != head => TailAppended::Stale,
            Some((log, ends_at)) if log.epoch == epoch => {
                log.sealed_by = Some(by.clone());
                *ends_at = now + TAIL_LIFE;
                TailAppended::Done
            }
            _ => TailAppended::Lost,
        }
    }

    pub fn rewrite(&mut self, room: RoomId, epoch: Epoch, events: &[Event], now: Instant) {
        let Some((log, _)) = self.logs.get_mut(&room, now).filter(|(log, _)| log.epoch == epoch) else { return };
        for event in events {
            if let Ok(at) = log.events.binary_search_by_key(&event.seq, |event| event.seq) {
                log.bytes = log.bytes + weight(event) - weight(&log.events[at]);
                log.events[at] = event.clone();
            }
        }
    }

    /// Removes a tail, whatever its head is.
    pub fn forget(&mut self, room: RoomId) {
        self.logs.remove(&room);
    }

    /// Removes the tails with the oldest last append if all tails together are too large. Returns their rooms. A client
    /// that comes back to such a room finds a new tail of another epoch. An eighth more than necessary is removed, so
    /// that the next full count is far off.
    pub fn make_room(&mut self) -> Vec<RoomId> {
        if self.at_most <= self.most {
            return Vec::new();
        }
        self.at_most = self.logs.iter().map(|(_, log, _)| log.weight()).sum();
        let enough = self.most - self.most / 8;
        if self.at_most <= enough {
            return Vec::new();
        }
        let mut oldest: Vec<_> = self.logs.iter().map(|(room, log, ends_at)| (ends_at, *room, log.weight())).collect();
        oldest.sort_unstable();
        // The last one had an append just now, so it stays.
        oldest.pop();
        let mut gone = Vec::new();
        for (_, room, weight) in oldest {
            if self.at_most <= enough {
                break;
            }
            self.at_most -= weight;
            self.logs.remove(&room);
            gone.push(room);
        }
        tracing::warn!(tails = gone.len(), "rooms that keep nothing hold too much: the longest idle were forgotten");
        gone
    }

    /// Removes a tail that has this epoch and head, and returns whether there was one.
    pub fn remove(&mut self, room: RoomId, epoch: Epoch, head: Seq, now: Instant) -> bool {
        let is_there = self.logs.get_mut(&room, now).is_some_and(|(log, _)| (log.epoch, log.head) == (epoch, head));
        if is_there {
            self.logs.remove(&room);
        }
        is_there
    }

    /// When the tail expires, if the room has one of this epoch.
    pub fn end_of(&mut self, room: RoomId, epoch: Epoch, now: Instant) -> Option<Instant> {
        self.logs.get_mut(&room, now).filter(|(log, _)| log.epoch == epoch).map(|(_, ends_at)| *ends_at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::protocol::{ClientId, EventKind, MemberId, Message, MessageBody, Nickname};

    #[test]
    fn a_tail_lives_for_its_life_after_the_last_append_and_reading_does_not_lengthen_it() {
        let (room, epoch, start) = (RoomId(Uuid::from_u128(1)), Epoch::from_bits(1), Instant::now());
        let almost = TAIL_LIFE.checked_sub(Duration::from_secs(1)).unwrap();
        let member = Person { id: MemberId::from_bits(1), name: Nickname::try_from("Ada").unwrap() };
        let events = [Event { seq: 1, at: 1, kind: EventKind::Joined { member } }];
        let mut tails = Tails::default();

        tails.open(room, epoch, 0, 0, 0, start);
        let appended = tails.append(room, epoch, Batch::of(&events).unwrap(), start + almost);
        assert_eq!(appended, TailAppended::Done);

        assert!(tails.read(room, 0, start + almost + almost).is_some());
        assert!(tails.read(room, 0, start + almost + TAIL_LIFE).is_none());
    }

    #[test]
    fn past_a_total_the_longest_idle_tails_are_forgotten_and_only_those() {
        let start = Instant::now();
        let rooms: Vec<RoomId> = (1..=10).map(|id| RoomId(Uuid::from_u128(id))).collect();
        let said = |seq| {
            let body = MessageBody::try_from("x".repeat(4_000)).unwrap();
            let id = ClientId::new(Uuid::from_u128(seq));
            let author = Person { id: MemberId::from_bits(1), name: Nickname::try_from("Ada").unwrap() };
            let (seq, n) = (u64::try_from(seq).unwrap(), 1);
            Event { seq, at: 1, kind: EventKind::Message(Message::new(n, id, author, body)) }
        };
        // Ten rooms get two messages each, and there is space for the tails of eight.
        let one = weight(&said(1)) + ID_BYTES;
        let mut tails = Tails::of(16 * one);
        let mut gone = Vec::new();
        for (minute, room) in (0..).zip(&rooms) {
            tails.open(*room, Epoch::from_bits(1), 0, 0, 0, start);
            for seq in 1..=2 {
                let at = start + Duration::from_secs(60 * minute);
                let appended = tails.append(*room, Epoch::from_bits(1), Batch::of(&[said(seq)]).unwrap(), at);
                assert_eq!(appended, TailAppended::Done);
                gone.extend(tails.make_room());
            }
        }
        assert_eq!(gone, rooms[..gone.len()], "the longest idle first");
        assert!((2..=4).contains(&gone.len()), "{gone:?}");
        for (room, is_there) in rooms.iter().zip((0..10).map(|index| index >= gone.len())) {
            assert_eq!(tails.read(*room, 0, start).is_some(), is_there);
        }
        assert_eq!(
            tails.append(rooms[0], Epoch::from_bits(1), Batch::of(&[said(3)]).unwrap(), start),
            TailAppended::Lost
        );
        // A tail that is the only one stays, whatever its size.
        let mut tails = Tails::of(one);
        tails.open(rooms[0], Epoch::from_bits(1), 0, 0, 0, start);
        let all: Vec<Event> = (1..=8).map(said).collect();
        tails.append(rooms[0], Epoch::from_bits(1), Batch::of(&all).unwrap(), start);
        assert!(tails.make_room().is_empty());
    }
}
