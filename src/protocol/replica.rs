//! A client's copy of a room: the folded state, the timeline of events on the screen, and the outbox of unsent
//! messages.
//!
//! A [`Replica`] starts at a snapshot. [`Replica::receive`] applies events in any order, [`Replica::reset`] continues
//! after the server could not resume, and the outbox holds a message until its event is in the timeline.
//!
//! The code is pure: it does no I/O and its results tell the caller what to do. The browser wraps it in signals. The
//! fault tests drive the same code over real sockets.

use std::collections::VecDeque;

use litemap::LiteMap;
use uuid::Uuid;

use super::{
    Ack, Applied, ClientId, Draft, DraftKind, DraftState, Epoch, Event, EventKind, HistoryPage, MemberId, Mentions,
    Message, MessageBody, Problem, Retention, RoomState, RoomView, Seq, Snapshot, Target, You,
    sorted::{SortedSet, sort_by_key},
};

/// The most events to hold back while an earlier one is missing. Further ones are dropped, because resuming sends them
/// again.
const EARLY_EVENTS: usize = 256;
/// The most touches to keep for pages of history that were read before them: far more than can come while a page is on
/// its way.
const TOUCHES: usize = 1_024;

/// The result of [`Replica::receive`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The event was applied, and so many events were appended to the timeline. None if the event is a touch. More than
    /// one if the event closed a gap before events that were held back.
    Applied(usize),
    /// The event was in the log already. Nothing changed.
    Duplicate,
    /// An earlier event is missing. Subscribe again from [`Replica::resume_point`].
    Gap,
}

/// The beginning of a timeline at the moment when a page of history is requested. [`Replica::prepend`] compares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Top {
    /// The epoch that the page's seqs belong to.
    pub epoch: Epoch,
    /// The seq of the first event in the timeline. If the timeline is empty, the seq of the next event: what was said
    /// before it is missing above.
    pub first: Seq,
    /// How often a snapshot has replaced the timeline. A page that was read before that may lack touches.
    pub restarts: u32,
}

/// One client's copy of one room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// The room as of the snapshot. Its current name, owner and retention are in `state`.
    pub room: RoomView,
    /// The client's own member data, as of the snapshot.
    pub you: You,
    /// The epoch that `state.head` belongs to.
    pub epoch: Epoch,
    /// The state after all events applied so far.
    pub state: RoomState,
    /// The timeline: the events on the screen, oldest first. Touches are not among them, but folded into the messages.
    pub events: Vec<Event>,
    /// Messages with the beginning of their text, which others in the timeline reply to.
    quotes: Vec<Event>,
    /// Whether history has events before the timeline.
    pub has_more: bool,
    /// The members who have a connection at the moment.
    pub connected: SortedSet<MemberId>,
    /// The outbox: this client's messages, and changes of messages, that are not in the timeline yet, oldest first.
    pub outbox: VecDeque<Draft>,
    early: LiteMap<Seq, Event>,
    /// The last touches of the current log, oldest first.
    touches: VecDeque<Event>,
    /// How often a snapshot has replaced the timeline.
    restarts: u32,
    /// The index in `events` from which all events belong to the current log. Events before it are from a log that was
    /// lost. 0 if no log was lost.
    current_log_start: usize,
    /// Whether the snapshot that began a new log did not reach back to its first message.
    misses_start: bool,
    /// The ids of messages in the timeline that come from a log that was lost. If such a message is in the log again,
    /// it is not shown twice.
    shown_from_lost_log: SortedSet<ClientId>,
}

impl Replica {
    /// Makes a replica from a snapshot.
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            state: RoomState::of(&snapshot),
            room: snapshot.room,
            you: snapshot.you,
            epoch: snapshot.epoch,
            events: rows_of(snapshot.events),
            quotes: snapshot.quotes,
            has_more: snapshot.has_more,
            connected: snapshot.connected.into_iter().collect(),
            outbox: VecDeque::new(),
            early: LiteMap::new(),
            touches: VecDeque::new(),
            restarts: 0,
            current_log_start: 0,
            misses_start: false,
            shown_from_lost_log: SortedSet::default(),
        }
    }

    /// The position to `subscribe` from.
    pub fn resume_point(&self) -> (Epoch, Seq) {
        (self.epoch, self.state.head)
    }

    /// Whether the room keeps its messages at present.
    pub fn room_keeps_messages(&self) -> bool {
        self.state.retention == Retention::Preserved
    }

    /// The room for storing on the client's device: its state, and the last `most` events at most. `None` unless the
    /// room keeps its messages. Events from before it did are left out, and so is everything that is true only now,
    /// such as presence.
    pub fn to_keep(&self, most: usize) -> Option<Snapshot> {
        let RoomState { head, last_n, name, retention, peek, owner, members } = &self.state;
        if !self.room_keeps_messages() {
            return None;
        }
        let is_turned_on = |event: &Event| matches!(event.kind, EventKind::RetentionChanged { .. });
        let preserved = self.events.iter().rposition(is_turned_on).unwrap_or_default().max(self.current_log_start);
        let first = preserved.max(self.events.len().saturating_sub(most));
        Some(Snapshot {
            room: RoomView {
                name: name.clone(),
                retention: *retention,
                peek: *peek,
                owner: *owner,
                ..self.room.clone()
            },
            you: self.you.clone(),
            epoch: self.epoch,
            head: *head,
            last_n: *last_n,
            members: members.iter().map(|(id, member)| member.view(*id)).collect(),
            connected: Vec::new(),
            reads: Vec::new(),
            departed: Vec::new(),
            events: self.events[first..].to_vec(),
            from: None,
            quotes: self.quotes.clone(),
            has_more: self.has_more || first > 0,
            leaves_after: None,
            expected: None,
        })
    }

    /// Whether this client is still a member, according to the log.
    pub fn is_member(&self) -> bool {
        self.state.members.contains_key(&self.you.member_id)
    }

    /// Whether the timeline contains messages from a log that was lost.
    pub fn has_lost_log(&self) -> bool {
        !self.shown_from_lost_log.is_empty()
    }

    /// Applies an event. Events may arrive in any order, and more than once.
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
                let before = self.events.len();
                self.show(event);
                while let Some(next) = self.early.remove(&(self.state.head + 1)) {
                    self.state.apply(&next);
                    self.show(next);
                }
                self.early.retain(|seq, _| *seq >= self.state.head);
                Received::Applied(self.events.len() - before)
            }
        }
    }

    /// The index of the first event of the log as it is now, if messages are missing between it and the lost log above.
    pub fn gap_after_lost_log(&self) -> Option<usize> {
        Some(self.current_log_start).filter(|start| *start > 0 && self.misses_start)
    }

    /// Continues from a new snapshot without removing messages from the screen.
    ///
    /// In the same epoch, the timeline is extended if the snapshot's events reach back to its end. Otherwise it is
    /// replaced, and history has the rest. In a new epoch, or if the log is shorter than before, a part of the log was
    /// lost. Then the old messages stay above the new events, and a message that comes again in the new log is not
    /// shown twice.
    ///
    /// The outbox is kept in all cases.
    pub fn reset(&mut self, mut snapshot: Snapshot) {
        let first = snapshot.from.or_else(|| Some(snapshot.events.first()?.seq)).unwrap_or(snapshot.head + 1);
        let touches = take_touches(&mut snapshot.events);
        let before = std::mem::replace(self, Self::new(snapshot));
        self.restarts = before.restarts + 1;
        if before.epoch == self.epoch && before.state.head > self.state.head {
            let is_gone = |event: &Event| event.seq > self.state.head;
            let said = before.events.iter().filter(|event| is_gone(event)).filter_map(Event::message);
            self.shown_from_lost_log = said.map(|message| message.id).chain(before.shown_from_lost_log).collect();
            self.events = before.events;
            self.events.retain(|event| !is_gone(event) || event.message().is_some());
            self.current_log_start = self.events.len();
            self.has_more = before.has_more;
        } else if before.epoch == self.epoch {
            self.shown_from_lost_log = before.shown_from_lost_log;
            if before.state.head + 1 >= first {
                let fresh = std::mem::replace(&mut self.events, before.events);
                self.has_more = before.has_more;
                self.current_log_start = before.current_log_start;
                self.misses_start = before.misses_start;
                let fresh_quotes = std::mem::replace(&mut self.quotes, before.quotes);
                (self.touches, self.restarts) = (before.touches, before.restarts);
                for touch in touches.into_iter().filter(|touch| touch.seq > before.state.head) {
                    self.touch(touch);
                }
                self.add_quotes(fresh_quotes);
                for event in fresh {
                    if event.seq > before.state.head {
                        self.events.push(event);
                    } else if let Some(at) = self.position(event.seq) {
                        // The message may have changed while the asker was absent.
                        self.events[at] = event;
                    }
                }
            }
        } else {
            self.shown_from_lost_log = message_ids(&before.events).chain(before.shown_from_lost_log).collect();
            let fresh = std::mem::replace(&mut self.events, before.events);
            self.current_log_start = self.events.len();
            self.misses_start = fresh.iter().find_map(Event::ordinal_before).unwrap_or(self.state.last_n) > 0;
            let is_new =
                |event: &Event| event.message().is_none_or(|message| !self.shown_from_lost_log.contains(&message.id));
            self.events.extend(fresh.into_iter().filter(is_new));
            self.has_more = false;
        }
        // Touches that a lost log folded into its messages say nothing about those of the current one.
        for event in &mut self.events[..self.current_log_start] {
            if let EventKind::Message(message) = &mut event.kind {
                message.rev = 0;
            }
        }
        self.outbox = before.outbox;
        if !self.outbox.is_empty() {
            let events = std::mem::take(&mut self.events);
            for event in &events {
                self.settle(event);
            }
            self.events = events;
        }
        for draft in &mut self.outbox {
            if let DraftState::Sent(_) = draft.state {
                draft.state = DraftState::Pending;
            }
        }
    }

    /// The first event of the timeline, with its epoch: history continues before it. Pass the result to
    /// [`Self::prepend`].
    pub fn top(&self) -> Top {
        let first = self.events.first().map_or(self.state.head + 1, |event| event.seq);
        Top { epoch: self.epoch, first, restarts: self.restarts }
    }

    /// Puts a page of history above the timeline.
    ///
    /// `asked` is the value of [`Self::top`] when the page was requested. If the timeline begins elsewhere by now
    /// (after a reset or [`Self::forget_old`]), there would be a gap between the page and the timeline that nothing
    /// would ever fill. Then this returns false and changes nothing, and the page has to be requested again.
    pub fn prepend(&mut self, asked: Top, page: HistoryPage) -> bool {
        if asked != self.top() {
            return false;
        }
        // An empty timeline takes no events after the head. These arrive by the socket.
        let mut older: Vec<Event> = rows_of(page.events).into_iter().filter(|event| event.seq < asked.first).collect();
        for touch in &self.touches {
            for event in &mut older {
                event.fold(touch);
            }
        }
        sort_by_key(&mut older, |event| event.seq);
        if self.current_log_start > 0 {
            self.current_log_start += older.len();
        }
        older.append(&mut self.events);
        self.events = older;
        self.has_more = page.has_more;
        self.add_quotes(page.quotes);
        true
    }

    /// The message that a reply is to, if it is known here. Its text may be the beginning only.
    pub fn quoted(&self, target: Target) -> Option<&Message> {
        let shown = self.position(target.seq).map(|at| &self.events[at]);
        let known = shown.or_else(|| self.quotes.iter().find(|quote| quote.seq == target.seq))?;
        known.message().filter(|message| message.id == target.id)
    }

    /// Adds messages that replies are to, with the beginning of their text.
    pub fn add_quotes(&mut self, quotes: Vec<Event>) {
        for mut quote in quotes {
            for touch in &self.touches {
                quote.fold(touch);
            }
            self.quotes.retain(|known| known.seq != quote.seq);
            self.quotes.push(quote);
        }
    }

    /// Removes the oldest events of a long timeline and leaves `keep`. Those that are stored can be loaded from history
    /// again.
    pub fn forget_old(&mut self, keep: usize) {
        let old = self.events.len().saturating_sub(keep);
        if old > 0 {
            self.events.drain(..old);
            self.current_log_start = self.current_log_start.saturating_sub(old);
            // Seqs of a lost log mean nothing to history, so nothing can be loaded before them.
            self.has_more = self.current_log_start == 0;
        }
    }

    /// Adds a new message to the outbox.
    pub fn queue(&mut self, id: ClientId, body: MessageBody) {
        self.add_draft(id, DraftKind::Message, body, Mentions::default());
    }

    /// Adds a draft to the outbox.
    pub fn add_draft(&mut self, id: ClientId, kind: DraftKind, body: MessageBody, mentions: Mentions) {
        self.outbox.push_back(Draft { id, kind, body, mentions, state: DraftState::Pending });
    }

    /// Changes the text of a message in the outbox. A refused one is sent again.
    pub fn redraft(&mut self, id: ClientId, body: MessageBody, mentions: Mentions) {
        if let Some(draft) = self.draft(id) {
            (draft.body, draft.mentions) = (body, mentions);
        }
        self.retry(id);
    }

    /// The drafts to send, oldest first. After a reconnect they have to be sent again.
    pub fn unsent(&self) -> impl Iterator<Item = &Draft> {
        self.outbox.iter().filter(|draft| draft.state == DraftState::Pending)
    }

    /// The server has stored the message, or the change, in the log.
    pub fn acknowledge(&mut self, ack: Ack) {
        if ack.seq <= self.state.head {
            self.outbox.retain(|draft| draft.id != ack.id);
        } else if let Some(draft) = self.draft(ack.id) {
            draft.state = DraftState::Sent(ack);
        }
    }

    /// The server has refused the draft.
    pub fn fail(&mut self, id: ClientId, problem: Problem) {
        if let Some(draft) = self.draft(id) {
            draft.state = DraftState::Failed(problem);
        }
    }

    /// The person wants to send again what was refused of this message.
    pub fn retry(&mut self, message: ClientId) {
        for draft in self.outbox.iter_mut().filter(|draft| draft.concerns(message)) {
            if let DraftState::Failed(_) = draft.state {
                draft.state = DraftState::Pending;
            }
        }
    }

    /// The person gives up a message, or what was refused of its changes.
    pub fn discard(&mut self, message: ClientId) {
        let is_kept = |draft: &Draft| draft.kind.target().is_some() && !matches!(draft.state, DraftState::Failed(_));
        self.outbox.retain(|draft| !draft.concerns(message) || is_kept(draft));
    }

    /// The log has this event, so its draft is done. If the text of the draft was changed after it was sent, that is
    /// an edit by now.
    fn settle(&mut self, event: &Event) {
        let is_done = |draft: &Draft| matches!(draft.state, DraftState::Sent(ack) if ack.seq <= event.seq);
        self.outbox.retain(|draft| draft.kind.target().is_none() || !is_done(draft));
        let Some(message) = event.message() else { return };
        let is_own = |draft: &Draft| draft.id == message.id && draft.kind.target().is_none();
        let Some(at) = self.outbox.iter().position(is_own) else { return };
        if message.was_sent_as(&self.outbox[at].body) {
            self.outbox.remove(at);
        } else {
            let draft = &mut self.outbox[at];
            let target = Target { seq: event.seq, id: message.id };
            // An ack of the message must not count as one of the edit.
            draft.id = ClientId::new(Uuid::from_u128(message.id.uuid().as_u128() ^ 1));
            draft.kind = DraftKind::Edit { target, after: Some(0) };
            draft.state = DraftState::Pending;
        }
    }

    fn draft(&mut self, id: ClientId) -> Option<&mut Draft> {
        self.outbox.iter_mut().find(|draft| draft.id == id)
    }

    /// The event with the message of this author and id, and whether it is in the current log, so that it can be
    /// changed and replied to.
    pub fn find_message(&self, author: MemberId, id: ClientId) -> Option<(&Event, bool)> {
        let is_it =
            |event: &Event| event.message().is_some_and(|message| message.author.id == author && message.id == id);
        let at = self.events.iter().rposition(is_it)?;
        Some((&self.events[at], at >= self.current_log_start))
    }

    /// The index of the event with this seq of the current log.
    fn position(&self, seq: Seq) -> Option<usize> {
        let current = &self.events[self.current_log_start..];
        let at = current.binary_search_by(|event| event.seq.cmp(&seq)).ok()?;
        Some(self.current_log_start + at)
    }

    /// Folds a touch into the messages that it is about, if they are in the timeline.
    fn touch(&mut self, touch: Event) {
        for quote in &mut self.quotes {
            quote.fold(&touch);
        }
        for target in touch.kind.targets() {
            if let Some(at) = self.position(target.seq) {
                self.events[at].fold(&touch);
            } else {
                // The message may be on the screen from a log that was lost, under another seq.
                for event in &mut self.events[..self.current_log_start] {
                    if let EventKind::Message(message) = &mut event.kind {
                        message.fold(target.seq, &touch);
                    }
                }
            }
        }
        if self.touches.len() == TOUCHES {
            self.touches.pop_front();
        }
        self.touches.push_back(touch);
    }

    /// Appends an applied event to the timeline, unless its message is on the screen already from a log that was lost.
    /// A touch changes a message instead.
    fn show(&mut self, event: Event) {
        self.settle(&event);
        if event.kind.is_touch() {
            return self.touch(event);
        }
        if event.message().is_some_and(|message| self.shown_from_lost_log.contains(&message.id)) {
            return;
        }
        self.events.push(event);
    }
}

/// Removes the touches from a list of events, and returns them.
fn take_touches(events: &mut Vec<Event>) -> Vec<Event> {
    let (touches, rows) = std::mem::take(events).into_iter().partition(|event| event.kind.is_touch());
    *events = rows;
    touches
}

/// The events that the timeline shows.
fn rows_of(mut events: Vec<Event>) -> Vec<Event> {
    events.retain(|event| !event.kind.is_touch());
    events
}

fn message_ids(events: &[Event]) -> impl Iterator<Item = ClientId> {
    events.iter().filter_map(|event| event.message().map(|message| message.id))
}
