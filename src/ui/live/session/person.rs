//! What the person does.

use crate::protocol::{ClientFrame, ClientId, Event, HistoryPage, MessageBody, Problem, Top};

use super::{super::unread::Unread, Act, ByHttp, Phase, Session};

impl Session {
    /// Says something.
    pub fn say(&mut self, id: ClientId, body: MessageBody, now: u64) -> Vec<Act> {
        self.replica.queue(id, body);
        self.unread = Unread::default();
        self.changed = true;
        let mut acts = self.flush(now);
        acts.extend(self.stop_typing());
        acts
    }

    /// Takes back what this tab kept of an earlier page: a message that is to be sent, or was refused for good.
    pub fn restore(&mut self, id: ClientId, body: MessageBody, refusal: Option<Problem>) {
        let in_log = self.replica.events.iter().filter_map(Event::message).any(|message| message.id == id);
        if !in_log {
            self.replica.queue(id, body);
            if let Some(refusal) = refusal {
                self.replica.fail(id, refusal);
            }
            self.changed = true;
        }
    }

    /// Tries a refused message again.
    pub fn retry(&mut self, id: ClientId, now: u64) -> Vec<Act> {
        self.replica.retry(id);
        self.changed = true;
        self.flush(now)
    }

    /// Gives a refused message up.
    pub fn discard(&mut self, id: ClientId) {
        self.replica.discard(id);
        self.changed = true;
    }

    /// Puts a page of history above the timeline; false if it was asked for above another one, and does not fit any more.
    pub fn prepend(&mut self, asked: Top, page: HistoryPage) -> bool {
        let fits = self.replica.prepend(asked, page);
        if fits {
            self.unread.look(&self.replica, &self.mine);
            self.changed = true;
        }
        fits
    }

    /// The end of the timeline is before the reader's eyes, or no longer.
    pub fn look(&mut self, looking: bool, now: u64) -> Vec<Act> {
        self.reading.look(looking);
        self.flush(now)
    }

    /// A key was pressed.
    pub fn press(&mut self, now: u64) -> Vec<Act> {
        if self.is_live() && self.typing.press(now) { self.tell_typing(true) } else { Vec::new() }
    }

    /// Typing ended.
    pub fn stop_typing(&mut self) -> Vec<Act> {
        if self.typing.stop() { self.tell_typing(false) } else { Vec::new() }
    }

    pub(super) fn tell_typing(&self, on: bool) -> Vec<Act> {
        if self.is_live() { vec![Act::Send(ClientFrame::Typing { code: self.code, on })] } else { Vec::new() }
    }

    /// Sends what may be sent now.
    pub(super) fn flush(&mut self, now: u64) -> Vec<Act> {
        if !self.is_live() {
            return self.post(now);
        }
        let unsent: Vec<ClientId> = self.replica.unsent().map(|draft| draft.id).collect();
        let chosen = self.outgoing.take(unsent.iter(), now);
        let bodies = self.replica.unsent().filter(|draft| chosen.contains(&draft.id));
        let read = self.reading.tell(self.replica.state.head, now);
        let read = read.map(|seq| Act::Send(ClientFrame::Read { code: self.code, seq }));
        bodies
            .map(|draft| {
                Act::Send(ClientFrame::Send { code: self.code, id: draft.id, body: draft.body.as_str().to_owned() })
            })
            .chain(read)
            .collect()
    }

    /// Sends the next message by HTTP, if that is the way now and none is on it.
    fn post(&mut self, now: u64) -> Vec<Act> {
        if self.phase != Phase::Apart || self.by_http == ByHttp::Off || !self.outgoing.is_idle() {
            return Vec::new();
        }
        let first: Option<ClientId> = self.replica.unsent().map(|draft| draft.id).next();
        let chosen = self.outgoing.take(first.iter(), now);
        let drafts = self.replica.unsent().filter(|draft| chosen.contains(&draft.id));
        drafts.map(|draft| Act::Post { id: draft.id, body: draft.body.clone() }).collect()
    }
}
