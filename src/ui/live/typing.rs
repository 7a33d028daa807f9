//! Who is typing: the others, each for 6 s, and what to tell them about oneself, at most every 3 s.

use std::collections::BTreeMap;

use crate::protocol::MemberId;

/// How long somebody counts as typing without another signal.
const SHOWN_MS: u64 = 6_000;
/// How often to say "typing" at most.
const SAY_EVERY_MS: u64 = 3_000;
/// How long after the last key to say "no longer".
const IDLE_MS: u64 = 5_000;

/// Who is typing.
#[derive(Clone, Debug, Default)]
pub struct Typing {
    others: BTreeMap<MemberId, u64>,
    said: Option<u64>,
    idle_at: Option<u64>,
}

impl Typing {
    /// Somebody started or stopped.
    pub fn hear(&mut self, member: MemberId, on: bool, now: u64) {
        if on {
            self.others.insert(member, now + SHOWN_MS);
        } else {
            self.others.remove(&member);
        }
    }

    /// Who is typing, in the order of their ids.
    pub fn others(&self) -> impl Iterator<Item = MemberId> {
        self.others.keys().copied()
    }

    /// A key was pressed here. True if the others should be told.
    pub fn press(&mut self, now: u64) -> bool {
        self.idle_at = Some(now + IDLE_MS);
        let due = self.said.is_none_or(|said| now >= said + SAY_EVERY_MS);
        if due {
            self.said = Some(now);
        }
        due
    }

    /// Typing ended here. True if the others should be told.
    pub fn stop(&mut self) -> bool {
        self.idle_at = None;
        self.said.take().is_some()
    }

    /// Forgets what has expired. True if the others should be told that typing ended here.
    pub fn check(&mut self, now: u64) -> bool {
        self.others.retain(|_, until| now < *until);
        self.idle_at.is_some_and(|at| now >= at) && self.stop()
    }

    /// When [`Typing::check`] has something to do.
    pub fn due(&self) -> Option<u64> {
        self.others.values().chain(self.idle_at.as_ref()).min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_shown_for_six_seconds() {
        let ada = MemberId::from_bits(1);
        let mut typing = Typing::default();
        typing.hear(ada, true, 0);
        typing.check(5_999);
        assert_eq!(typing.others().collect::<Vec<_>>(), [ada]);
        typing.check(6_000);
        assert_eq!(typing.others().count(), 0);
    }

    #[test]
    fn typing_is_told_every_three_seconds_and_its_end_once() {
        let mut typing = Typing::default();
        assert!(typing.press(0));
        assert!(!typing.press(2_999));
        assert!(typing.press(3_000));
        assert!(!typing.check(7_999));
        assert!(typing.check(8_000));
        assert!(!typing.stop());
        assert!(typing.press(8_001));
        assert!(typing.stop());
    }
}
