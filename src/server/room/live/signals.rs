//! Signals of a live room (presence, typing), the packets of other nodes, and the tick.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::{
    super::packet::{News, Packet},
    IDLE_LIFE, Live, PRESENCE_LIFE, PRESENCE_MEMBERS_PER_SECOND, PRESENCE_REPEAT, Subscriber, TICK, TYPING_PAUSE,
    VISIT,
    appending::Acks,
};
use crate::{
    protocol::{MemberId, ServerFrame, Signal},
    server::{
        clock,
        socket::{ConnectionId, Frame},
    },
};

impl Live {
    /// The members with a connection to this or another node.
    pub(super) fn connected(&self) -> Vec<MemberId> {
        let is_member = |member: &MemberId| self.state.members.contains_key(member);
        let here = self.here.keys().copied();
        if self.others.is_empty() {
            return here.filter(is_member).collect();
        }
        let elsewhere = self.others.values().flat_map(|(_, members)| members.iter().copied());
        let all: BTreeSet<MemberId> = here.chain(elsewhere).collect();
        all.into_iter().filter(is_member).collect()
    }

    /// Sends every subscriber the list of connected members.
    pub(super) fn show_presence(&mut self) {
        self.presence_changed = false;
        self.presence_shown_at = Instant::now();
        let frame = self.signal_frame(Signal::Presence { connected: self.connected() });
        self.show(&mut Acks::default(), Some(frame));
        self.list_who_is_here();
    }

    /// Sends the other nodes the list of members connected to this node. With `ask`, they answer with theirs.
    pub(super) fn publish_presence(&mut self, ask: bool) {
        self.presence_sent_at = Some(Instant::now());
        if self.engine.is_shared() {
            self.publish(News::Presence { connected: self.here.keys().copied().collect(), ask });
        }
    }

    pub(super) fn publish(&self, news: News) {
        if self.engine.is_shared() {
            self.engine.publish(self.record.id, Packet { node: self.engine.node(), news }.encode());
        }
    }

    pub(super) fn signal(&mut self, signal: Signal, is_for: impl Fn(&Subscriber) -> bool) {
        // Send waiting events first: a client must not get a signal about a member before that member's `Joined`.
        self.send_unsent();
        let frame = self.signal_frame(signal);
        for subscriber in self.subscribers.values().filter(|subscriber| is_for(subscriber)) {
            subscriber.connection.push(&frame);
        }
    }

    fn signal_frame(&self, signal: Signal) -> Frame {
        Frame::of(&ServerFrame::Signal { code: self.record.code, signal })
    }

    /// Sends a typing signal to the other members, if they show their own typing.
    fn signal_typing(&mut self, member: MemberId, on: bool) {
        self.signal(Signal::Typing { member, on }, |subscriber| {
            subscriber.member != member && subscriber.discretion.shows_typing
        });
    }

    pub(super) fn typing(&mut self, id: ConnectionId, on: bool) {
        if let Some(subscriber) = self.subscribers.get_mut(&id)
            && subscriber.discretion.shows_typing
        {
            subscriber.types = on;
            self.update_typing(id);
        }
    }

    /// Sends whether a member is typing, if that has changed. A start is sent at most once in a pause, and otherwise
    /// waits for the next tick. So a client that switches back and forth cannot flood the room, and the last state
    /// always arrives.
    fn update_typing(&mut self, id: ConnectionId) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else { return };
        let on = subscriber.types;
        let rests = subscriber.typed_at.is_none_or(|at| at.elapsed() >= TYPING_PAUSE);
        if (on && !rests) || (!on && !subscriber.shown_typing) {
            return;
        }
        if on {
            subscriber.typed_at = Some(Instant::now());
        }
        subscriber.shown_typing = on;
        let member = subscriber.member;
        self.signal_typing(member, on);
        self.publish(News::Typing { member, on });
    }

    /// Handles a packet of another node. Events wait until the operation on the log is finished.
    pub(super) fn handle_packet(&mut self, packet: Packet) {
        match packet.news {
            News::Events { epoch, events } => {
                if self.operation.is_some() {
                    self.packets.push(Packet { news: News::Events { epoch, events }, ..packet });
                } else if epoch == self.epoch {
                    self.listing.heard(events.iter().map(|entry| &entry.event));
                    self.trust_owner(events.iter().map(|entry| &entry.event));
                    self.deliver(events, Acks::default());
                    self.retry_waiting();
                } else {
                    self.fall_behind();
                }
            }
            News::Typing { member, on } => self.signal_typing(member, on),
            News::Reads { epoch, cursors } => self.merge_remote_reads(epoch, cursors),
            News::HangUp { member, goes_on_as, why } => self.close_connections(member, goes_on_as, why),
            News::Reread => self.reread(),
            News::Presence { connected, ask } => {
                let now: BTreeSet<MemberId> = connected.into_iter().collect();
                let before = self.others.insert(packet.node, (Instant::now(), now.clone()));
                self.presence_changed |= before.as_ref().is_none_or(|(_, before)| *before != now);
                let before = before.map(|(_, before)| before).unwrap_or_default();
                self.share_reads_of(&now.difference(&before).copied().collect::<Vec<_>>());
                if ask {
                    self.publish_presence(false);
                }
            }
        }
    }

    /// Stores the present time as that of the last visit, at most once a day so that it costs little. A live room
    /// counts as visited.
    fn note_visit(&mut self) {
        let (now, room) = (clock::now(), self.record.id);
        if now - clock::millis(VISIT) < self.record.visited_at {
            return;
        }
        self.record.visited_at = now;
        let engine = self.engine.clone();
        self.engine.spawn(async move {
            if let Err(error) = engine.store().visit_room(room, now).await {
                tracing::debug!(%room, %error, "a visit was not noted; the next one is");
            }
        });
    }

    /// Does the periodic work. Returns whether the room has been idle long enough to end.
    pub(super) fn tick(&mut self) -> bool {
        let late = |(id, subscriber): (&ConnectionId, &Subscriber)| {
            (subscriber.types && !subscriber.shown_typing).then_some(*id)
        };
        let late: Vec<ConnectionId> = self.subscribers.iter().filter_map(late).collect();
        for id in late {
            self.update_typing(id);
        }
        if !self.waiting.is_empty() {
            // Only a newer log can satisfy the waiting requests.
            self.fall_behind();
        }
        let before = self.others.len();
        self.others.retain(|_, (heard, _)| heard.elapsed() < PRESENCE_LIFE);
        self.presence_changed |= self.others.len() != before;
        let pause = TICK * u32::try_from(self.state.members.len() as u64 / PRESENCE_MEMBERS_PER_SECOND).unwrap_or(60);
        if self.presence_changed && self.presence_shown_at.elapsed() >= pause {
            self.show_presence();
            self.publish_presence(false);
        } else if self.presence_sent_at.is_none_or(|at| at.elapsed() >= PRESENCE_REPEAT) {
            self.publish_presence(false);
        }
        self.note_visit();
        self.send_unsent();
        self.repeat_who_is_here();
        self.keep_owner();
        self.signal_reads();
        let is_idle = self.subscribers.is_empty()
            && !self.listing.is_busy()
            && self.pending.is_empty()
            && self.operation.is_none()
            && self.waiting.is_empty()
            && self.replays == 0
            && self.quiet_since.elapsed() >= IDLE_LIFE;
        if is_idle {
            self.reads.all_are_due();
        }
        self.keep_reads();
        is_idle && self.keeping.is_none() && self.reads.is_kept()
    }
}
