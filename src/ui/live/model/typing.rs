//! Typing signals: which other members are typing (each signal counts for 6 s), and when to send one's own (at most
//! every 3 s).

use litemap::LiteMap;

use crate::protocol::MemberId;

/// How long a member counts as typing after their last signal.
const SHOWN_MS: u64 = 6_000;
/// The minimum time between two "typing" signals of this page.
const SEND_EVERY_MS: u64 = 3_000;
/// How long after the last key press "no longer typing" is sent.
const IDLE_MS: u64 = 5_000;

/// The typing state of a room.
#[derive(Clone, Debug, Default)]
pub struct Typing {
    /// Members who are typing, and until when without another signal.
    others: LiteMap<MemberId, u64>,
    /// When "typing" was last sent from here. `None` if the others think that nobody types here.
    sent_at: Option<u64>,
    /// When typing here counts as ended.
    idle_at: Option<u64>,
}

impl Typing {
    /// Takes in a signal of another member.
    pub fn receive(&mut self, member: MemberId, on: bool, now: u64) {
        if on {
            self.others.insert(member, now + SHOWN_MS);
        } else {
            self.others.remove(&member);
        }
    }

    /// The members who are typing, in the order of their ids.
    pub fn others(&self) -> impl Iterator<Item = MemberId> {
        self.others.keys().copied()
    }

    /// Records a key press here. Returns whether "typing" has to be sent.
    pub fn press(&mut self, now: u64) -> bool {
        self.idle_at = Some(now + IDLE_MS);
        let due = self.sent_at.is_none_or(|sent_at| now >= sent_at + SEND_EVERY_MS);
        if due {
            self.sent_at = Some(now);
        }
        due
    }

    /// Records that typing ended here. Returns whether "no longer typing" has to be sent.
    pub fn stop(&mut self) -> bool {
        self.idle_at = None;
        self.sent_at.take().is_some()
    }

    /// Drops expired entries. Returns whether "no longer typing" has to be sent.
    pub fn check(&mut self, now: u64) -> bool {
        self.others.retain(|_, until| now < *until);
        self.idle_at.is_some_and(|at| now >= at) && self.stop()
    }

    /// When to call [`Typing::check`] next.
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
        typing.receive(ada, true, 0);
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
