//! Tails in memory.

use std::{
    collections::{HashMap, VecDeque},
    time::Instant,
};

use super::{
    super::{
        TAIL_EVENTS, TAIL_IDS, TAIL_LIFE, Tail, TailAppended,
        batch::{Batch, MessageKey, Remembered, key_of},
    },
    Expiring,
};
use crate::{
    protocol::{Epoch, Event, Person, Seq},
    server::store::{Earlier, RoomId},
};

/// All tails of this node.
#[derive(Default)]
pub(super) struct Tails(Expiring<RoomId, Log>);

/// One tail.
struct Log {
    epoch: Epoch,
    head: Seq,
    n: u64,
    sealed_by: Option<Person>,
    /// The newest events, consecutive, at most [`TAIL_EVENTS`].
    events: VecDeque<Event>,
    ids: HashMap<MessageKey, Remembered>,
    /// The keys of `ids`, oldest first, so that the oldest is forgotten first.
    id_order: VecDeque<MessageKey>,
}

impl Log {
    fn new(epoch: Epoch, head: Seq, n: u64) -> Self {
        let (events, ids, id_order) = Default::default();
        Self { epoch, head, n, sealed_by: None, events, ids, id_order }
    }

    fn to_tail(&self, after: Seq) -> Tail {
        let first = self.events.partition_point(|event| event.seq <= after);
        Tail {
            epoch: self.epoch,
            head: self.head,
            n: self.n,
            sealed_by: self.sealed_by.clone(),
            events: self.events.range(first..).cloned().collect(),
        }
    }

    fn earlier(&self, events: &[Event]) -> Option<Earlier> {
        events.iter().enumerate().find_map(|(index, event)| {
            let message = event.message()?;
            Some(self.ids.get(&key_of(message))?.earlier(index, &message.body))
        })
    }

    /// Why the batch cannot be appended, if it cannot.
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

    fn append(&mut self, batch: Batch) {
        for event in batch.events {
            if let Some(message) = event.message() {
                self.ids.insert(key_of(message), Remembered::of(event, message));
                self.id_order.push_back(key_of(message));
            }
            self.events.push_back(event.clone());
        }
        self.head = batch.head;
        self.n = batch.n.unwrap_or(self.n);
        let too_many = self.events.len().saturating_sub(TAIL_EVENTS);
        self.events.drain(..too_many);
        let too_many = self.id_order.len().saturating_sub(TAIL_IDS);
        for key in self.id_order.drain(..too_many) {
            self.ids.remove(&key);
        }
    }
}

impl Tails {
    pub fn open(&mut self, room: RoomId, epoch: Epoch, head: Seq, n: u64, after: Seq, now: Instant) -> Tail {
        if let Some((log, ends_at)) = self.0.get_mut(&room, now) {
            if log.sealed_by.is_some() && log.head < head {
                log.sealed_by = None;
                log.events.clear();
                (log.head, log.n) = (head, n);
                *ends_at = now + TAIL_LIFE;
            }
            return log.to_tail(after);
        }
        let log = Log::new(epoch, head, n);
        let tail = log.to_tail(after);
        self.0.insert(room, log, now + TAIL_LIFE);
        tail
    }

    pub fn read(&mut self, room: RoomId, after: Seq, now: Instant) -> Option<Tail> {
        self.0.get_mut(&room, now).map(|(log, _)| log.to_tail(after))
    }

    pub fn read_before(
        &mut self,
        room: RoomId,
        from: Seq,
        before: Option<Seq>,
        limit: usize,
        now: Instant,
    ) -> Vec<Event> {
        let Some((log, _)) = self.0.get_mut(&room, now) else { return Vec::new() };
        let end = log.events.partition_point(|event| before.is_none_or(|before| event.seq < before));
        log.events.range(..end).rev().take_while(|event| event.seq >= from).take(limit).cloned().collect()
    }

    pub fn heads(&mut self, rooms: &[RoomId], now: Instant) -> Vec<(RoomId, Epoch, Seq)> {
        let head_of = |room: &RoomId| self.0.get_mut(room, now).map(|(log, _)| (*room, log.epoch, log.head));
        rooms.iter().filter_map(head_of).collect()
    }

    pub fn append(&mut self, room: RoomId, epoch: Epoch, batch: Batch, now: Instant) -> TailAppended {
        let Some((log, ends_at)) = self.0.get_mut(&room, now) else { return TailAppended::Lost };
        if let Some(refusal) = log.refuse(epoch, batch) {
            return refusal;
        }
        log.append(batch);
        *ends_at = now + TAIL_LIFE;
        TailAppended::Done
    }

    pub fn earlier(&mut self, room: RoomId, epoch: Epoch, events: &[Event], now: Instant) -> Option<Earlier> {
        self.0.get_mut(&room, now).filter(|(log, _)| log.epoch == epoch)?.0.earlier(events)
    }

    pub fn seal(&mut self, room: RoomId, epoch: Epoch, head: Seq, by: &Person, now: Instant) -> TailAppended {
        match self.0.get_mut(&room, now) {
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
        let Some((log, _)) = self.0.get_mut(&room, now).filter(|(log, _)| log.epoch == epoch) else { return };
        for event in events {
            if let Ok(at) = log.events.binary_search_by_key(&event.seq, |event| event.seq) {
                log.events[at] = event.clone();
            }
        }
    }

    /// Says whether it was there.
    pub fn remove(&mut self, room: RoomId, epoch: Epoch, head: Seq, now: Instant) -> bool {
        let is_there = self.0.get_mut(&room, now).is_some_and(|(log, _)| (log.epoch, log.head) == (epoch, head));
        if is_there {
            self.0.remove(&room);
        }
        is_there
    }

    /// When the tail of this epoch ends, if there is one.
    pub fn end_of(&mut self, room: RoomId, epoch: Epoch, now: Instant) -> Option<Instant> {
        self.0.get_mut(&room, now).filter(|(log, _)| log.epoch == epoch).map(|(_, ends_at)| *ends_at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;
    use crate::protocol::{EventKind, MemberId, Nickname};

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
}
