//! What the person does in the room: writing, changing messages, typing, reading, and loading history.

use crate::protocol::{
    ClientFrame, ClientId, DraftKind, DraftState, Event, HistoryPage, MemberId, Mentions, MessageBody, Problem, Target,
    Top,
};

use super::{super::unread::Unread, Act, ByHttp, LocalRoom, Phase};

impl LocalRoom {
    /// Puts a message into the outbox and sends what may be sent. The place of the first unread message is given up.
    pub fn say(
        &mut self,
        id: ClientId,
        body: MessageBody,
        mentions: Mentions,
        reply_to: Option<Target>,
        now: u64,
    ) -> Vec<Act> {
        self.replica.add_draft(id, reply_to.map_or(DraftKind::Message, DraftKind::Reply), body, mentions);
        self.unread = Unread::default();
        self.mark_changed();
        let mut acts = self.flush(now);
        acts.extend(self.stop_typing());
        acts
    }

    /// Changes the text of a message, or deletes it if there is no text. A message of the outbox is changed there. What
    /// the outbox has of earlier changes is replaced, unless it is under way.
    pub(super) fn change(
        &mut self,
        id: ClientId,
        author: MemberId,
        message: ClientId,
        text: Option<(MessageBody, Mentions)>,
        now: u64,
    ) -> Vec<Act> {
        if let Some((event, true)) = self.replica.find_message(author, message) {
            let target = Target { seq: event.seq, id: message };
            let seen = event.message().and_then(|message| message.edited).map_or(0, |edit| edit.seq);
            let (outbox, outgoing) = (&mut self.replica.outbox, &self.outgoing);
            outbox.retain(|draft| {
                let is_settled = matches!(draft.state, DraftState::Sent(_));
                draft.kind.target() != Some(target) || is_settled || outgoing.has(draft.id)
            });
            let is_first = outbox.iter().all(|draft| draft.kind.target() != Some(target));
            let (kind, (body, mentions)) = match text {
                Some(text) => (DraftKind::Edit { target, after: is_first.then_some(seen) }, text),
                None => (DraftKind::Delete(target), (MessageBody::stored(""), Mentions::default())),
            };
            self.replica.add_draft(id, kind, body, mentions);
        } else if let Some((body, mentions)) = text {
            self.replica.redraft(message, body, mentions);
        } else {
            self.replica.discard(message);
        }
        self.mark_changed();
        let mut acts = self.flush(now);
        acts.extend(self.stop_typing());
        acts
    }

    /// Wants an emoji to be at a message, or not to be there.
    pub(super) fn react(&mut self, id: ClientId, target: Target, emoji: &str, on: bool, now: u64) -> Vec<Act> {
        self.reactions.want(id, target, emoji, on);
        self.changed = true;
        self.flush(now)
    }

    /// Puts a draft back into the outbox that this tab stored before a reload. With a `refusal` it waits for the person
    /// to retry it. A draft that is in the timeline or in the outbox already is skipped.
    pub fn restore(
        &mut self,
        id: ClientId,
        kind: DraftKind,
        body: MessageBody,
        mentions: Mentions,
        refusal: Option<Problem>,
    ) {
        let in_log = self.replica.events.iter().filter_map(Event::message).any(|message| message.id == id);
        let in_outbox = self.replica.outbox.iter().any(|draft| draft.id == id);
        if !in_log && !in_outbox {
            self.replica.add_draft(id, kind, body, mentions);
            if let Some(refusal) = refusal {
                self.replica.fail(id, refusal);
            }
            self.mark_changed();
        }
    }

    /// Sends a refused message again.
    pub(super) fn retry(&mut self, id: ClientId, now: u64) -> Vec<Act> {
        self.replica.retry(id);
        self.mark_changed();
        self.flush(now)
    }

    /// Puts a page of history above the timeline. Returns false, and changes nothing, if the timeline does not begin at
    /// `asked` any more.
    pub fn prepend(&mut self, asked: Top, page: HistoryPage) -> bool {
        let before = self.replica.events.len();
        let fits = self.replica.prepend(asked, page);
        if fits {
            self.shown_events.came_above(self.replica.events.len() - before);
            self.unread.find_first(&self.replica, &self.own_ids);
            self.mark_changed();
        }
        fits
    }

    /// Sets whether the reader looks at the end of the timeline, and sends what they have read. Messages that came
    /// while a reader looked elsewhere get the line for unread messages.
    pub fn set_looking(&mut self, looking: bool, now: u64) -> Vec<Act> {
        if looking && !self.read_position.is_looking() && std::mem::replace(&mut self.has_looked, true) {
            let unread = Unread::after(self.read_position.read(), &self.replica, &self.own_ids);
            // What the reader has not come to yet stays further up.
            if unread.count() > 0 && !self.unread.is_further_up() {
                self.unread = unread;
                self.mark_changed();
            }
        }
        self.read_position.set_looking(looking);
        self.flush(now)
    }

    /// Records a key press in the composer. Sends "typing" if that is due.
    pub(super) fn press(&mut self, now: u64) -> Vec<Act> {
        if self.is_live() && self.typing.press(now) { self.send_typing(true) } else { Vec::new() }
    }

    /// Sends "no longer typing", if "typing" was sent before.
    pub(super) fn stop_typing(&mut self) -> Vec<Act> {
        if self.typing.stop() { self.send_typing(false) } else { Vec::new() }
    }

    pub(super) fn send_typing(&self, on: bool) -> Vec<Act> {
        if self.is_live() { vec![Act::Send(ClientFrame::Typing { code: self.code, on })] } else { Vec::new() }
    }

    /// Sends the drafts and the read position that may be sent at this moment: over the socket if live, else over
    /// HTTP.
    pub(super) fn flush(&mut self, now: u64) -> Vec<Act> {
        if !self.is_live() {
            return self.post(now);
        }
        let unsent: Vec<ClientId> = self.replica.unsent().map(|draft| draft.id).collect();
        let chosen = self.outgoing.take(unsent.iter(), now);
        let drafts = self.replica.unsent().filter(|draft| chosen.contains(&draft.id));
        let read = self.read_position.take_unsent(self.last_row(), now);
        let read = read.map(|seq| Act::Send(ClientFrame::Read { code: self.code, seq }));
        let mut acts: Vec<Act> = drafts.map(|draft| Act::Send(draft.frame(self.code))).chain(read).collect();
        acts.extend(self.reactions.next(now).map(|draft| Act::Send(draft.frame(self.code))));
        acts
    }

    /// Posts the oldest unsent draft, or else a reaction, over HTTP, if HTTP is in use and nothing else is under way.
    fn post(&mut self, now: u64) -> Vec<Act> {
        let is_idle = self.outgoing.is_idle() && self.reactions.is_idle();
        if self.phase != Phase::Apart || self.by_http == ByHttp::Off || !is_idle {
            return Vec::new();
        }
        let first: Option<ClientId> = self.replica.unsent().map(|draft| draft.id).next();
        let chosen = self.outgoing.take(first.iter(), now);
        let drafts = self.replica.unsent().filter(|draft| chosen.contains(&draft.id));
        let reaction = if chosen.is_empty() { self.reactions.next(now) } else { None };
        let (code, member) = (self.code, self.replica.you.member_id);
        drafts.chain(reaction).map(|draft| Act::Post { code, member, draft: draft.clone() }).collect()
    }
}
