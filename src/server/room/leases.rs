//! The leases of guests: this node's part in saying that a guest is in a room.
//!
//! Every guest in a room has a lease on the bus. A node renews the leases of the guests connected to it, and of those
//! who ask by HTTP. `present` says who is connected. A lease is shortened when a page is being closed, and ended when
//! the member leaves.
//!
//! Not here: the guests whose leases have ended, and leases that were lost (`absence`).

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::engine::Engine;
use crate::{
    protocol::MemberId,
    server::{
        clock,
        socket::ConnectionId,
        store::{ActorId, MemberRecord, RoomId},
    },
};

/// Leases in one call.
const CHUNK: usize = 500;
/// How long other nodes may take to find the bus again after it was away, and to renew the leases of their guests.
const RALLY: Duration = Duration::from_secs(5);

impl Engine {
    /// Starts the grace of a guest who came in without a socket (by HTTP). A socket that follows the room renews the
    /// lease from then on. Accounts have no lease: closing a tab does not make them leave.
    pub fn start_grace(&self, member: &MemberRecord) {
        let guest = match member.actor {
            ActorId::Guest(_) => (member.room, member.member),
            ActorId::Account(_) => return,
        };
        let engine = self.clone();
        self.spawn(async move { engine.renew_leases(&[guest]).await });
    }

    /// Renews the lease of a guest who read or wrote without a socket (by HTTP). Renewals are as rare as for a socket:
    /// at most one in a third of the shorter grace.
    pub fn renew_lease(&self, member: &MemberRecord) {
        let pause = self.timing().shortest() / 3;
        let is_guest = matches!(member.actor, ActorId::Guest(_));
        if is_guest && self.present().note_http_request(member.room, member.member, Instant::now(), pause) {
            self.start_grace(member);
        }
    }

    /// Shortens the grace of a guest whose page reports that it is being closed. The lease of a guest who is connected,
    /// or comes back, is renewed before it ends.
    pub async fn page_closing(&self, room: RoomId, member: MemberId) {
        let until = clock::now() + clock::millis(self.timing().guest_closed);
        if let Err(error) = self.bus().shorten_lease(room, member, until).await {
            tracing::debug!(error = %error.0, "lease not shortened; the guest leaves later");
        }
    }

    /// Renews the leases of these guests: they are in their room for one grace from now. A connection that ends causes
    /// no renewal, since that would undo [`page_closing`](Self::page_closing). The lease therefore includes the pause
    /// between two renewals.
    pub(super) async fn renew_leases(&self, guests: &[(RoomId, MemberId)]) {
        let timing = self.timing();
        let until = clock::now() + clock::millis(timing.guest_grace + timing.shortest() / 3);
        for chunk in guests.chunks(CHUNK) {
            if let Err(error) = self.bus().renew_leases(chunk, until).await {
                tracing::debug!(error = %error.0, "leases not renewed");
                self.postpone_absences();
                return;
            }
        }
    }

    /// Removes a connection that no longer follows the room.
    pub fn member_disconnected(&self, room: RoomId, member: MemberId, connection: ConnectionId) {
        self.present().remove_from_room(room, member, connection);
    }

    /// Notes a connection of a member. The lease of a guest is renewed.
    pub(super) fn member_connected(&self, member: &MemberRecord, connection: ConnectionId) {
        self.present().add(member, connection);
        self.start_grace(member);
    }

    /// Notes that a member is no longer in the room, and ends their lease.
    pub(super) fn member_left(&self, room: RoomId, member: MemberId) {
        self.present().remove_member(room, member);
        self.end_lease(room, member);
    }

    /// Ends a lease in the background.
    pub(super) fn end_lease(&self, room: RoomId, member: MemberId) {
        let bus = Arc::clone(self.bus());
        self.spawn(async move {
            if let Err(error) = bus.end_lease(room, member).await {
                tracing::debug!(%room, error = %error.0, "lease not ended; it runs out");
            }
        });
    }

    /// Whether the member is a guest with a connection to this node.
    pub(super) fn is_guest_present(&self, room: RoomId, member: MemberId) -> bool {
        self.present().has_guest(room, member)
    }

    /// All guests with a connection to this node.
    pub(super) fn guests_present(&self) -> Vec<(RoomId, MemberId)> {
        self.present().guests()
    }

    /// Postpones all judgements of absence, at the start and after the bus failed, because leases may have ended
    /// without a renewal. Guests get the shorter grace to connect again. If there are other nodes, the pause is at
    /// least [`RALLY`], in which those nodes renew the leases of their guests.
    pub(super) fn postpone_absences(&self) {
        let grace = self.timing().shortest();
        let pause = if self.is_shared() { grace.max(RALLY) } else { grace };
        *self.absences_from() = Instant::now() + pause;
    }

    /// Whether a guest without a lease may be taken for absent.
    pub(super) fn may_judge_absences(&self) -> bool {
        Instant::now() >= *self.absences_from()
    }
}
