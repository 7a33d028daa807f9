//! Signals of a live room, which may be lost: who is connected, and who is typing.
//!
//! Not here: how a signal or packet is sent (`mod.rs`), the lists of who is connected (`presence_list`, `subscribers`),
//! and read marks (`read_cursors`).

use tokio::time::Instant;
use uuid::Uuid;

use super::{super::packet::News, Live, acks::Acks, subscribers::Typing};
use crate::{
    protocol::{MemberId, Signal},
    server::socket::ConnectionId,
};

impl Live {
    /// Sends every subscriber the list of connected members.
    pub(super) fn show_presence(&mut self, now: Instant) {
        self.presence.note_shown(now);
        let frame = self.signal_frame(Signal::Presence { connected: self.connected() });
        self.subscribers.send(now, &mut Acks::default(), Some(frame));
        self.list_who_is_here();
    }

    /// Sends the other nodes the list of members connected to this node. With `ask`, they answer with theirs.
    pub(super) fn publish_presence(&mut self, ask: bool) {
        self.presence.note_sent(Instant::now());
        if self.engine.is_shared() {
            self.publish(News::Presence { connected: self.subscribers.members().collect(), ask });
        }
    }

    /// Merges the list of members connected to another node, and answers if that node asks.
    pub(super) fn merge_remote_presence(&mut self, node: Uuid, connected: Vec<MemberId>, ask: bool) {
        let arrived = self.presence.note_node(node, connected, Instant::now());
        self.share_reads_of(&arrived);
        if ask {
            self.publish_presence(false);
        }
    }

    /// Sends a typing signal to the other members, if they show their own typing.
    pub(super) fn signal_typing(&mut self, member: MemberId, on: bool) {
        self.signal(Signal::Typing { member, on }, |subscriber| {
            subscriber.member != member && subscriber.discretion.shows_typing
        });
    }

    /// Handles a connection's report that its member started or stopped typing.
    pub(super) fn typing(&mut self, id: ConnectionId, on: bool) {
        let typing = self.subscribers.note_typing(id, on, Instant::now());
        self.share_typing(typing);
    }

    /// Sends what had to wait for the pause between two typing signals of a member.
    pub(super) fn signal_late_typing(&mut self, now: Instant) {
        for id in self.subscribers.late_typing() {
            let typing = self.subscribers.take_typing(id, now);
            self.share_typing(typing);
        }
    }

    /// Sends a change of a member's typing to the other members, here and on the other nodes.
    fn share_typing(&mut self, typing: Option<Typing>) {
        if let Some(Typing { member, on }) = typing {
            self.signal_typing(member, on);
            self.publish(News::Typing { member, on });
        }
    }
}
