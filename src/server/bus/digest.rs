//! What the bus stores of a room for lists of rooms.
//!
//! The node that has a room live writes a [`Digest`] to the bus. Nodes that show lists read the digests, so a list
//! opens none of its rooms. A digest is a cache: it may be older than the log, and it may be missing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    protocol::{Epoch, MemberId, Millis, Person, Retention, RoomName, Seq},
    server::store::Gone,
};

/// The maximum number of members in each list of [`LastMentions`]. The members with the oldest mention are dropped
/// first.
pub const MENTIONS: usize = 64;
/// How often the node writes again who is connected to a room for two. A node that died writes nothing more, so this
/// information expires.
pub const HERE_REPEAT: Duration = Duration::from_mins(1);
/// How long [`Digest::here`] counts after it was written: two and a half times [`HERE_REPEAT`].
const HERE_LIFE: Duration = Duration::from_secs(150);

/// A room, as the last node that wrote to it knew it. It is a cache: it may be older than the log, and it may be
/// missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The epoch of the log that the seqs belong to.
    pub epoch: Epoch,
    /// The seq of the last event.
    pub head: Seq,
    /// The ordinal of the last message.
    pub n: u64,
    /// Whether the room keeps its log.
    pub retention: Retention,
    /// The room's name.
    pub name: Option<RoomName>,
    /// The number of members.
    pub members: u32,
    /// The time of the last event, or 0 if it is unknown.
    pub at: Millis,
    /// The last message. In a preserved room it is set only if the archive has that message.
    pub message: Option<LastMessage>,
    /// The member who joined last, and the seq of that event.
    pub newcomer: Option<(Seq, Person)>,
    /// The last messages that mention somebody.
    #[serde(flatten)]
    pub mentions: LastMentions,
    /// The members of a room for two; empty for other rooms.
    pub pair: Vec<Person>,
    /// Which members of a room for two are connected, if that is known.
    pub here: Option<Here>,
    /// The deleted messages.
    #[serde(default, skip_serializing_if = "Gone::is_empty")]
    pub gone: Gone,
}

/// The last messages of a room that mention somebody. Each list is ordered newest first, has one entry for each member,
/// and at most [`MENTIONS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMentions {
    /// For each member, the ordinal of the last message that mentions the member or contains the member's name.
    #[serde(rename = "mentions")]
    pub names: Vec<(MemberId, u64)>,
    /// For each member, the last message that mentions the member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<(MemberId, Call)>,
    /// The last message that mentions everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<Call>,
}

/// A message that mentions somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The ordinal of the message.
    pub n: u64,
    /// The seq of the message.
    pub seq: Seq,
}

/// The last message of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMessage {
    /// The seq of the message.
    pub seq: Seq,
    /// The ordinal of the message.
    pub n: u64,
    /// The author.
    pub author: Person,
    /// The beginning of the text.
    pub text: String,
    /// Whether the message was deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// The connected members, and when that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Here {
    /// The time at which the members were connected.
    pub at: Millis,
    /// The connected members.
    pub members: Vec<MemberId>,
}

impl Digest {
    /// Whether this digest is of another epoch than the other one, or has a later head.
    pub fn is_ahead_of(&self, other: &Self) -> bool {
        self.epoch != other.epoch || self.head > other.head
    }

    /// Whether a member counts as connected at the time `now`. What was written 150 s ago or earlier does not count.
    pub fn is_here(&self, member: MemberId, now: Millis) -> bool {
        let life = Millis::try_from(HERE_LIFE.as_millis()).unwrap_or(Millis::MAX);
        self.here.as_ref().is_some_and(|here| now - here.at < life && here.members.contains(&member))
    }

    /// Adds what an earlier digest has and this one lacks: the mentions and the deleted messages (within the same epoch
    /// only), and who is connected. The mentions of this digest are complete from message `searched_from` on. If the
    /// earlier one has others there, the message was changed since.
    pub fn take_over(&mut self, earlier: &Self, searched_from: u64) {
        if self.here.is_none() {
            self.here.clone_from(&earlier.here);
        }
        if self.epoch == earlier.epoch {
            let searched = searched_from..=self.n;
            let LastMentions { names, calls, everyone } = &earlier.mentions;
            for (member, n) in names.iter().filter(|(_, n)| !searched.contains(n)) {
                self.mentions.name(*member, *n);
            }
            for (member, call) in calls.iter().filter(|(_, call)| !searched.contains(&call.n)) {
                self.mentions.call(*member, *call);
            }
            if let Some(call) = everyone.filter(|call| !searched.contains(&call.n)) {
                self.mentions.call_everyone(call);
            }
            self.gone.merge(&earlier.gone);
        }
    }
}

impl LastMentions {
    /// Records that message `n` contains a member's name.
    pub fn name(&mut self, member: MemberId, n: u64) {
        note(&mut self.names, member, n, |n| *n);
    }

    /// Records that a message mentions a member.
    pub fn call(&mut self, member: MemberId, call: Call) {
        self.name(member, call.n);
        note(&mut self.calls, member, call, |call| call.n);
    }

    /// Records that a message mentions everyone.
    pub fn call_everyone(&mut self, call: Call) {
        if self.everyone.is_none_or(|known| known.n < call.n) {
            self.everyone = Some(call);
        }
    }
}

/// Records the last message about a member in a list, unless the list has a later one. `n` is the ordinal of an entry.
fn note<T>(list: &mut Vec<(MemberId, T)>, member: MemberId, new: T, n: impl Fn(&T) -> u64) {
    match list.iter().position(|(known, _)| *known == member) {
        Some(at) if n(&list[at].1) >= n(&new) => return,
        Some(at) => drop(list.remove(at)),
        None => {}
    }
    let at = list.partition_point(|(_, known)| n(known) >= n(&new));
    list.insert(at, (member, new));
    list.truncate(MENTIONS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: usize) -> MemberId {
        MemberId::from_bits(id as u64)
    }

    fn digest(epoch: u64, head: Seq) -> Digest {
        Digest {
            epoch: Epoch::from_bits(epoch),
            head,
            n: 0,
            retention: Retention::Preserved,
            name: None,
            members: 2,
            at: 0,
            message: None,
            newcomer: None,
            mentions: LastMentions::default(),
            pair: Vec::new(),
            here: None,
            gone: Gone::default(),
        }
    }

    #[test]
    fn of_many_mentions_the_newest_stay() {
        let mut mentions = LastMentions::default();
        for n in 0..MENTIONS + 10 {
            mentions.name(member(n), n as u64);
        }
        let LastMentions { names, .. } = &mentions;
        assert_eq!((names.len(), names[0]), (MENTIONS, (member(MENTIONS + 9), MENTIONS as u64 + 9)));
        assert!(names.iter().all(|(_, n)| *n >= 10));
        mentions.name(member(20), 500);
        let LastMentions { names, .. } = &mentions;
        assert_eq!((names.len(), names[0]), (MENTIONS, (member(20), 500)), "one for each member");
        mentions.name(member(20), 400);
        assert_eq!(mentions.names[0], (member(20), 500), "the last one counts");
    }

    #[test]
    fn a_mention_that_a_change_took_back_is_not_taken_over() {
        let call = |n| Call { n, seq: n + 10 };
        let mut earlier = Digest { n: 9, ..digest(1, 19) };
        for n in [3, 6, 9] {
            earlier.mentions.call(member(n), call(n as u64));
        }
        earlier.mentions.call_everyone(call(6));
        let mut changed = Digest { n: 8, ..digest(1, 20) };
        changed.mentions.call_everyone(call(4));
        changed.take_over(&earlier, 4);
        let LastMentions { names, calls, everyone } = changed.mentions;
        assert_eq!(calls, [(member(9), call(9)), (member(3), call(3))], "6 was searched, 3 and 9 were not");
        assert_eq!(names, [(member(9), 9), (member(3), 3)]);
        assert_eq!(everyone, Some(call(4)));
    }

    #[test]
    fn what_an_earlier_digest_knew_stays_known_within_its_epoch() {
        let mut earlier = digest(1, 5);
        earlier.mentions.name(member(1), 3);
        earlier.here = Some(Here { at: 7, members: vec![member(1)] });
        let (mut same, mut other) = (digest(1, 6), digest(2, 6));
        for digest in [&mut same, &mut other] {
            digest.mentions.name(member(2), 4);
            digest.take_over(&earlier, 4);
        }
        assert_eq!(same.mentions.names, [(member(2), 4), (member(1), 3)]);
        assert_eq!(other.mentions.names, [(member(2), 4)], "ordinals of another life mean nothing");
        assert_eq!((&same.here, &other.here), (&earlier.here, &earlier.here));
        same.here = Some(Here { at: 9, members: Vec::new() });
        same.take_over(&earlier, 4);
        assert_eq!(same.here, Some(Here { at: 9, members: Vec::new() }), "who knows better is not told");
    }

    #[test]
    fn who_is_connected_is_believed_for_a_while() {
        let mut digest = digest(1, 1);
        assert!(!digest.is_here(member(1), 0));
        digest.here = Some(Here { at: 1_000, members: vec![member(1)] });
        assert!(digest.is_here(member(1), 1_000) && !digest.is_here(member(2), 1_000));
        assert!(digest.is_here(member(1), 150_999) && !digest.is_here(member(1), 151_000));
    }
}
