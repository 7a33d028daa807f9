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

/// The maximum number of members in [`Digest::mentions`]. The members with the oldest mention are dropped first.
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
    /// For each member, the ordinal of the last message that contains the member's name. Newest first, at most
    /// [`MENTIONS`] members.
    pub mentions: Vec<(MemberId, u64)>,
    /// The members of a room for two; empty for other rooms.
    pub pair: Vec<Person>,
    /// Which members of a room for two are connected, if that is known.
    pub here: Option<Here>,
    /// The deleted messages.
    #[serde(default, skip_serializing_if = "Gone::is_empty")]
    pub gone: Gone,
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
    /// only), and who is connected.
    pub fn take_over(&mut self, earlier: &Self) {
        if self.here.is_none() {
            self.here.clone_from(&earlier.here);
        }
        if self.epoch == earlier.epoch {
            for (member, n) in &earlier.mentions {
                self.mention(*member, *n);
            }
            self.gone.merge(&earlier.gone);
        }
    }

    /// Records that message `n` contains a member's name.
    pub fn mention(&mut self, member: MemberId, n: u64) {
        mention(&mut self.mentions, member, n);
    }
}

/// Records in a list of mentions that message `n` contains a member's name. The list is ordered newest first, has one
/// entry for each member, and is cut to [`MENTIONS`].
pub fn mention(mentions: &mut Vec<(MemberId, u64)>, member: MemberId, n: u64) {
    match mentions.iter().position(|(known, _)| *known == member) {
        Some(at) if mentions[at].1 >= n => return,
        Some(at) => drop(mentions.remove(at)),
        None => {}
    }
    let at = mentions.partition_point(|(_, known)| *known >= n);
    mentions.insert(at, (member, n));
    mentions.truncate(MENTIONS);
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
            mentions: Vec::new(),
            pair: Vec::new(),
            here: None,
            gone: Gone::default(),
        }
    }

    #[test]
    fn of_many_mentions_the_newest_stay() {
        let mut mentions = Vec::new();
        for n in 0..MENTIONS + 10 {
            mention(&mut mentions, member(n), n as u64);
        }
        assert_eq!((mentions.len(), mentions[0]), (MENTIONS, (member(MENTIONS + 9), MENTIONS as u64 + 9)));
        assert!(mentions.iter().all(|(_, n)| *n >= 10));
        mention(&mut mentions, member(20), 500);
        assert_eq!((mentions.len(), mentions[0]), (MENTIONS, (member(20), 500)), "one for each member");
        mention(&mut mentions, member(20), 400);
        assert_eq!(mentions[0], (member(20), 500), "the last one counts");
    }

    #[test]
    fn what_an_earlier_digest_knew_stays_known_within_its_epoch() {
        let mut earlier = digest(1, 5);
        earlier.mention(member(1), 3);
        earlier.here = Some(Here { at: 7, members: vec![member(1)] });
        let (mut same, mut other) = (digest(1, 6), digest(2, 6));
        for digest in [&mut same, &mut other] {
            digest.mention(member(2), 4);
            digest.take_over(&earlier);
        }
        assert_eq!(same.mentions, [(member(2), 4), (member(1), 3)]);
        assert_eq!(other.mentions, [(member(2), 4)], "ordinals of another life mean nothing");
        assert_eq!((&same.here, &other.here), (&earlier.here, &earlier.here));
        same.here = Some(Here { at: 9, members: Vec::new() });
        same.take_over(&earlier);
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
