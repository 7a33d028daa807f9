//! What the bus keeps of a room for lists: enough to show it there, so that a list opens none of its rooms.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::protocol::{Epoch, MemberId, Millis, Person, Retention, RoomName, Seq};

/// Members that a digest says of when they were last mentioned; the longest ago are forgotten first.
pub const MENTIONS: usize = 64;
/// How often a room for two says again who is connected to it, and for how long that is believed: a node that died says
/// nothing more.
pub const HERE_REPEAT: Duration = Duration::from_mins(1);
const HERE_LIFE: Duration = Duration::from_secs(150);

/// A room as the last node that wrote to it knew it. A cache: it may be behind the log, and it may be gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Which life of the log its seqs are of.
    pub epoch: Epoch,
    /// The last seq.
    pub head: Seq,
    /// The last message's ordinal.
    pub n: u64,
    /// Whether the room keeps its log.
    pub retention: Retention,
    /// What it is called.
    pub name: Option<RoomName>,
    /// How many are in it.
    pub members: u32,
    /// When something last happened in it; 0 if nothing is known of that.
    pub at: Millis,
    /// The last message; in a room that keeps its log only if it is kept.
    pub message: Option<LastMessage>,
    /// Who came in last, and the seq of that.
    pub newcomer: Option<(Seq, Person)>,
    /// The last message that had a member's name in it, by its ordinal; [`MENTIONS`] at most.
    pub mentions: Vec<(MemberId, u64)>,
    /// Who is in it, if it is a room for two.
    pub pair: Vec<Person>,
    /// Who of them is connected, if that is known.
    pub here: Option<Here>,
}

/// The last message of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMessage {
    /// Its place in the log.
    pub seq: Seq,
    /// Its ordinal.
    pub n: u64,
    /// Who said it.
    pub author: Person,
    /// How it begins.
    pub text: String,
}

/// Who is connected, and when that was so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Here {
    /// When.
    pub at: Millis,
    /// Who.
    pub members: Vec<MemberId>,
}

impl Digest {
    /// Whether this knows more of the log than another.
    pub fn is_ahead_of(&self, other: &Self) -> bool {
        self.epoch != other.epoch || self.head > other.head
    }

    /// Whether a member is connected, as far as that is believed `now`.
    pub fn is_here(&self, member: MemberId, now: Millis) -> bool {
        let life = Millis::try_from(HERE_LIFE.as_millis()).unwrap_or(Millis::MAX);
        self.here.as_ref().is_some_and(|here| now - here.at < life && here.members.contains(&member))
    }

    /// Takes over from an earlier digest what its writer knew and this one's does not: who was mentioned before this one
    /// looked, and who is connected.
    pub fn take_over(&mut self, earlier: &Self) {
        if self.here.is_none() {
            self.here.clone_from(&earlier.here);
        }
        if self.epoch == earlier.epoch {
            for (member, n) in &earlier.mentions {
                self.mention(*member, *n);
            }
        }
    }

    /// Notes that a message has a member's name in it.
    pub fn mention(&mut self, member: MemberId, n: u64) {
        mention(&mut self.mentions, member, n);
    }
}

/// Notes in a list of mentions, newest first, that a message has a member's name in it.
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
