//! The presence list of a live room: which members are connected, to this node and to the others, and when the list is
//! due to be sent.
//!
//! Each node sends the others the members connected to it, at each change and regularly. A node that stays silent for
//! [`LIFE`] counts as gone. The list goes to every subscriber, so large rooms send it less often.
//!
//! Not here: the connections to this node (`subscribers`), and sending the list (`signals`).

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;

use super::pace::TICK;
use crate::protocol::MemberId;

/// How often a node repeats to the other nodes who is connected to it.
const REPEAT: Duration = Duration::from_secs(10);
/// How long a node believes the presence packet of another node.
const LIFE: Duration = Duration::from_secs(30);
/// A room pauses one second between two lists for each this many members.
const MEMBERS_PER_SECOND: usize = 100;

/// Whether the list is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// To the subscribers and to the other nodes: it has changed.
    Everybody,
    /// To the other nodes only: they believe it only for a while.
    Nodes,
    Nobody,
}

/// The members connected to other nodes, and when the list was last sent.
pub struct PresenceList {
    /// The members connected to each other node, with the time of that node's last presence packet.
    others: HashMap<Uuid, (Instant, BTreeSet<MemberId>)>,
    /// Whether the list has changed since the subscribers were sent it.
    has_changed: bool,
    /// When the subscribers were last sent the list, or when the room came to life.
    shown_at: Instant,
    /// When the other nodes were last sent the members connected to this node.
    sent_at: Option<Instant>,
}

impl PresenceList {
    /// The list of a room that comes to life.
    pub fn new(now: Instant) -> Self {
        Self { others: HashMap::new(), has_changed: false, shown_at: now, sent_at: None }
    }

    /// The connected members: those `here`, and those on other nodes. Only who `is_member` is listed.
    pub fn connected(
        &self,
        here: impl Iterator<Item = MemberId>,
        is_member: impl Fn(&MemberId) -> bool,
    ) -> Vec<MemberId> {
        if self.others.is_empty() {
            return here.filter(is_member).collect();
        }
        let elsewhere = self.others.values().flat_map(|(_, members)| members.iter().copied());
        let all: BTreeSet<MemberId> = here.chain(elsewhere).collect();
        all.into_iter().filter(is_member).collect()
    }

    /// Whether the member is connected to another node.
    pub fn is_elsewhere(&self, member: MemberId) -> bool {
        self.others.values().any(|(_, connected)| connected.contains(&member))
    }

    /// Notes that a connection to this node came or went.
    pub fn changed(&mut self) {
        self.has_changed = true;
    }

    /// Notes the members connected to another node. Returns those who were not before.
    pub fn note_node(&mut self, node: Uuid, connected: Vec<MemberId>, now: Instant) -> Vec<MemberId> {
        let connected: BTreeSet<MemberId> = connected.into_iter().collect();
        let before = self.others.insert(node, (now, connected.clone()));
        self.has_changed |= before.as_ref().is_none_or(|(_, before)| *before != connected);
        let before = before.map(|(_, before)| before).unwrap_or_default();
        connected.difference(&before).copied().collect()
    }

    /// Forgets the nodes that have been silent for too long.
    pub fn forget_silent_nodes(&mut self, now: Instant) {
        let before = self.others.len();
        self.others.retain(|_, (heard_at, _)| now.duration_since(*heard_at) < LIFE);
        self.has_changed |= self.others.len() != before;
    }

    /// To whom the list is to be sent, in a room with this many members.
    pub fn due(&self, now: Instant, members: usize) -> Due {
        let pause = TICK * u32::try_from(members / MEMBERS_PER_SECOND).unwrap_or(60);
        if self.has_changed && now.duration_since(self.shown_at) >= pause {
            Due::Everybody
        } else if self.sent_at.is_none_or(|at| now.duration_since(at) >= REPEAT) {
            Due::Nodes
        } else {
            Due::Nobody
        }
    }

    /// Notes that the subscribers are sent the list.
    pub fn note_shown(&mut self, now: Instant) {
        self.has_changed = false;
        self.shown_at = now;
    }

    /// Notes that the other nodes are sent the members connected to this node.
    pub fn note_sent(&mut self, now: Instant) {
        self.sent_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn ids(bits: &[u64]) -> Vec<MemberId> {
        bits.iter().copied().map(MemberId::from_bits).collect()
    }

    fn node(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn a_member_is_connected_once_on_whichever_nodes_and_only_while_in_the_room() {
        let now = Instant::now();
        let mut list = PresenceList::new(now);
        let is_member = |member: &MemberId| *member != MemberId::from_bits(9);
        let connected = |list: &PresenceList| list.connected(ids(&[2, 4, 9]).into_iter(), is_member);
        assert_eq!(connected(&list), ids(&[2, 4]));
        list.note_node(node(1), ids(&[4, 3, 9]), now);
        list.note_node(node(2), ids(&[1, 3]), now);
        assert_eq!(connected(&list), ids(&[1, 2, 3, 4]));
        assert!(list.is_elsewhere(MemberId::from_bits(3)));
        assert!(!list.is_elsewhere(MemberId::from_bits(2)));
    }

    #[test]
    fn a_packet_names_those_who_have_just_connected_to_its_node() {
        let now = Instant::now();
        let mut list = PresenceList::new(now);
        assert_eq!(list.note_node(node(1), ids(&[1, 2]), now), ids(&[1, 2]));
        assert_eq!(list.note_node(node(1), ids(&[2, 3]), now), ids(&[3]));
        assert_eq!(list.note_node(node(2), ids(&[2]), now), ids(&[2]));
    }

    #[test]
    fn a_list_is_due_when_it_has_changed_and_not_when_it_is_only_repeated() {
        let now = Instant::now();
        let mut list = PresenceList::new(now);
        list.note_sent(now);
        assert_eq!(list.due(now, 1), Due::Nobody);
        list.note_node(node(1), ids(&[1]), now);
        assert_eq!(list.due(now, 1), Due::Everybody);
        list.note_shown(now);
        list.note_node(node(1), ids(&[1]), now);
        assert_eq!(list.due(now, 1), Due::Nobody);
        list.changed();
        assert_eq!(list.due(now, 1), Due::Everybody);
    }

    #[test]
    fn the_other_nodes_are_sent_the_list_at_once_and_then_regularly() {
        let now = Instant::now();
        let mut list = PresenceList::new(now);
        assert_eq!(list.due(now, 1), Due::Nodes);
        list.note_sent(now);
        assert_eq!(list.due(now + REPEAT - MILLISECOND, 1), Due::Nobody);
        assert_eq!(list.due(now + REPEAT, 1), Due::Nodes);
    }

    #[test]
    fn a_large_room_sends_its_list_less_often() {
        let now = Instant::now();
        let mut list = PresenceList::new(now);
        list.note_sent(now);
        list.changed();
        assert_eq!(list.due(now, MEMBERS_PER_SECOND - 1), Due::Everybody);
        assert_eq!(list.due(now + TICK - MILLISECOND, MEMBERS_PER_SECOND), Due::Nobody);
        assert_eq!(list.due(now + TICK, MEMBERS_PER_SECOND), Due::Everybody);
        assert_eq!(list.due(now + TICK, 2 * MEMBERS_PER_SECOND), Due::Nobody);
        assert_eq!(list.due(now + 2 * TICK, 2 * MEMBERS_PER_SECOND), Due::Everybody);
    }

    #[test]
    fn a_node_that_stays_silent_counts_as_gone() {
        let now = Instant::now();
        let mut list = PresenceList::new(now);
        list.note_node(node(1), ids(&[1]), now);
        list.note_shown(now);
        list.note_sent(now + LIFE);
        list.forget_silent_nodes(now + LIFE - MILLISECOND);
        assert!(list.is_elsewhere(MemberId::from_bits(1)));
        assert_eq!(list.due(now + LIFE, 1), Due::Nobody);
        list.forget_silent_nodes(now + LIFE);
        assert!(!list.is_elsewhere(MemberId::from_bits(1)));
        assert_eq!(list.due(now + LIFE, 1), Due::Everybody);
    }
}
