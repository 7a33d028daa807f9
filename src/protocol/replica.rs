//! A client's copy of a room: the fold, the timeline, and the messages that are not in the log yet.
//!
//! Pure: it is given frames and says what to do. The browser wraps it in signals, and the fault tests drive it over real
//! sockets, so what is proven there is what people run.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    Ack, Applied, ClientId, Epoch, Event, HistoryPage, MemberId, MessageBody, Problem, RoomState, RoomView, Seq,
    Snapshot, You,
};

/// Early events kept while something before them is missing; past that the resume brings them again.
const EARLY_EVENTS: usize = 256;

/// A message of this client that its timeline does not show as an event yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its id, the same at every try.
    pub id: ClientId,
    /// What it says.
    pub body: MessageBody,
    /// How far it is.
    pub state: DraftState,
}

/// How far a message is that is not in the timeline yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftState {
    /// To be sent, or sent and not answered.
    Pending,
    /// In the log; its event is on the way.
    Sent(Ack),
    /// Refused for good, until the person tries again.
    Failed(Problem),
}

/// What [`Replica::receive`] made of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// This many events entered the timeline (an event can close a gap before others).
    Applied(usize),
    /// It was there already.
    Duplicate,
    /// Something is missing before it: subscribe again from [`Replica::resume_point`].
    Gap,
}

/// Where a timeline begins, for a page of history that is to be put above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Top {
    /// The epoch that a page would belong to.
    pub epoch: Epoch,
    /// The seq of the first event; `None` if the timeline is empty.
    pub first: Option<Seq>,
}

/// One client's copy of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// The room as of the snapshot; name and retention of now are in `state`.
    pub room: RoomView,
    /// Who this client is.
    pub you: You,
    /// Which life of the log `state.head` belongs to.
    pub epoch: Epoch,
    /// The fold.
    pub state: RoomState,
    /// The timeline, oldest first.
    pub events: Vec<Event>,
    /// Whether history has more before the timeline.
    pub has_more: bool,
    /// Who has a connection now.
    pub connected: BTreeSet<MemberId>,
    /// This client's messages that are not in the timeline yet, oldest first.
    pub outbox: VecDeque<Draft>,
    early: BTreeMap<Seq, Event>,
    /// Where in the timeline the events begin that all belong to the log as it is now; 0 unless a log was lost.
    life_begins: usize,
    /// Messages on the screen from an earlier epoch; one that is sent again in this epoch is not shown twice.
    shown_before: BTreeSet<ClientId>,
}

impl Replica {
    /// A copy that starts at a snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            state: RoomState::of(&snapshot),
            room: snapshot.room,
            you: snapshot.you,
            epoch: snapshot.epoch,
            events: snapshot.events,
            has_more: snapshot.has_more,
            connected: snapshot.connected.into_iter().collect(),
            outbox: VecDeque::new(),
            early: BTreeMap::new(),
            life_begins: 0,
            shown_before: BTreeSet::new(),
        }
    }

    /// Where to resume.
    pub fn resume_point(&self) -> (Epoch, Seq) {
        (self.epoch, self.state.head)
    }

    /// Whether this client is still in the room, as far as the log tells.
    pub fn is_member(&self) -> bool {
        self.state.members.contains_key(&self.you.member_id)
    }

    /// Whether there are events on the screen from an earlier life of the log.
    pub fn has_earlier_life(&self) -> bool {
        !self.shown_before.is_empty()
    }

    /// Takes the next event, in whatever order events arrive.
    pub fn receive(&mut self, event: Event) -> Received {
        match self.state.apply(&event) {
            Applied::Duplicate => Received::Duplicate,
            Applied::Gap { .. } => {
                if self.early.len() < EARLY_EVENTS {
                    self.early.insert(event.seq, event);
                }
                Received::Gap
            }
            Applied::Fresh => {
                self.show(event);
                let mut applied = 1;
                while let Some(next) = self.early.remove(&(self.state.head + 1)) {
                    self.state.apply(&next);
                    self.show(next);
                    applied += 1;
                }
                self.early = self.early.split_off(&self.state.head);
                Received::Applied(applied)
            }
        }
    }

    /// Starts again from a snapshot, and loses nothing that is on the screen.
    ///
    /// In the same epoch the timeline is continued if the snapshot reaches back to it, else replaced (history has the rest).
    /// In a new epoch, or where the log now ends earlier than it did, what was said stays above what the log brings next, and
    /// is not shown again if it comes again. The outbox is kept either way.
    pub fn reset(&mut self, snapshot: Snapshot) {
        let before = std::mem::replace(self, Self::new(snapshot));
        if before.epoch == self.epoch && before.state.head > self.state.head {
            let is_gone = |event: &Event| event.seq > self.state.head;
            let said = before.events.iter().filter(|event| is_gone(event)).filter_map(Event::message);
            self.shown_before = said.map(|message| message.id).chain(before.shown_before).collect();
            self.events = before.events;
            self.events.retain(|event| !is_gone(event) || event.message().is_some());
            self.life_begins = self.events.len();
            self.has_more = before.has_more;
        } else if before.epoch == self.epoch {
            let first = self.events.first().map_or(self.state.head + 1, |event| event.seq);
            if before.state.head + 1 >= first {
                let fresh = std::mem::replace(&mut self.events, before.events);
                self.events.extend(fresh.into_iter().filter(|event| event.seq > before.state.head));
                self.has_more = before.has_more;
                self.life_begins = before.life_begins;
            }
            self.shown_before = before.shown_before;
        } else {
            self.shown_before = message_ids(&before.events).chain(before.shown_before).collect();
            let fresh = std::mem::replace(&mut self.events, before.events);
            self.life_begins = self.events.len();
            let is_new = |event: &Event| event.message().is_none_or(|message| !self.shown_before.contains(&message.id));
            self.events.extend(fresh.into_iter().filter(is_new));
            self.has_more = false;
        }
        let in_log: BTreeSet<ClientId> = message_ids(&self.events).collect();
        self.outbox = before.outbox.into_iter().filter(|draft| !in_log.contains(&draft.id)).collect();
        for draft in &mut self.outbox {
            if let DraftState::Sent(_) = draft.state {
                draft.state = DraftState::Pending;
            }
        }
    }

    /// Where history goes on above the timeline: the seq that it begins with, in its epoch.
    pub fn top(&self) -> Top {
        Top { epoch: self.epoch, first: self.events.first().map(|event| event.seq) }
    }

    /// Puts a page of history above the timeline. False, and nothing changes, if the timeline does not begin any more where
    /// it did when the page was asked for (a reset or [`Self::forget_old`] came in between): what lies between the page and
    /// the timeline would be missing, and nobody would ask for it. Then the page has to be asked for anew.
    pub fn prepend(&mut self, asked: Top, page: HistoryPage) -> bool {
        if asked != self.top() {
            return false;
        }
        // What is newer than the head comes by itself.
        let first = asked.first.unwrap_or(self.state.head + 1);
        let mut older: Vec<Event> = page.events.into_iter().filter(|event| event.seq < first).collect();
        older.sort_by_key(|event| event.seq);
        if self.life_begins > 0 {
            self.life_begins += older.len();
        }
        older.append(&mut self.events);
        self.events = older;
        self.has_more = page.has_more;
        true
    }

    /// Forgets the oldest events of a long timeline; what of them was kept, history brings back.
    pub fn forget_old(&mut self, keep: usize) {
        let old = self.events.len().saturating_sub(keep);
        if old > 0 {
            self.events.drain(..old);
            self.life_begins = self.life_begins.saturating_sub(old);
            // The seqs of an earlier epoch mean nothing to history.
            self.has_more = self.life_begins == 0;
        }
    }

    /// Takes a new message, to be sent.
    pub fn queue(&mut self, id: ClientId, body: MessageBody) {
        self.outbox.push_back(Draft { id, body, state: DraftState::Pending });
    }

    /// The messages to send, or to send again after a new connection, oldest first.
    pub fn unsent(&self) -> impl Iterator<Item = &Draft> {
        self.outbox.iter().filter(|draft| draft.state == DraftState::Pending)
    }

    /// The server has it.
    pub fn acknowledge(&mut self, ack: Ack) {
        if ack.seq <= self.state.head {
            self.outbox.retain(|draft| draft.id != ack.id);
        } else if let Some(draft) = self.draft(ack.id) {
            draft.state = DraftState::Sent(ack);
        }
    }

    /// The server refused it for good.
    pub fn fail(&mut self, id: ClientId, problem: Problem) {
        if let Some(draft) = self.draft(id) {
            draft.state = DraftState::Failed(problem);
        }
    }

    /// The person wants it tried again.
    pub fn retry(&mut self, id: ClientId) {
        if let Some(draft) = self.draft(id) {
            draft.state = DraftState::Pending;
        }
    }

    /// The person gives it up.
    pub fn discard(&mut self, id: ClientId) {
        self.outbox.retain(|draft| draft.id != id);
    }

    fn draft(&mut self, id: ClientId) -> Option<&mut Draft> {
        self.outbox.iter_mut().find(|draft| draft.id == id)
    }

    /// Adds a folded event to the timeline, unless it is on the screen from an earlier epoch.
    fn show(&mut self, event: Event) {
        if let Some(message) = event.message() {
            let id = message.id;
            self.outbox.retain(|draft| draft.id != id);
            if self.shown_before.contains(&id) {
                return;
            }
        }
        self.events.push(event);
    }
}

fn message_ids(events: &[Event]) -> impl Iterator<Item = ClientId> {
    events.iter().filter_map(|event| event.message().map(|message| message.id))
}
