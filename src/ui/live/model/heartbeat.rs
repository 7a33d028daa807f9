//! Detects a socket that is dead although the browser still reports it as OPEN. After 20 s without a frame the page
//! sends a ping. If no frame arrives within 10 s more, the connection is dead. Any frame counts as an answer.

/// How long no frame may arrive before a ping is sent.
const IDLE_MS: u64 = 20_000;
/// How long to wait for a frame after a ping.
const ANSWER_MS: u64 = 10_000;
/// A timer that fires this much too late means that the page was asleep. Its own sleep explains the silence, so it
/// sends another ping instead of closing the connection.
const ASLEEP_MS: u64 = 5_000;

/// The heartbeat of one connection. Times are in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    /// When the last frame arrived.
    heard: u64,
    /// When the last ping was sent, if no frame has arrived since.
    asked: Option<u64>,
    /// The number of the last ping.
    n: u64,
}

/// What the connection has to do after a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Fine,
    /// Send a ping with this number.
    Ask(u64),
    /// Close the connection: it is dead.
    Dead,
}

impl Heartbeat {
    /// The heartbeat of a connection that is opened at `now`.
    pub fn new(now: u64) -> Self {
        Self { heard: now, asked: None, n: 0 }
    }

    /// Records that a frame arrived.
    pub fn heard(&mut self, now: u64) {
        self.heard = now;
        self.asked = None;
    }

    /// Requests a ping at once, after something that may have cut the connection (sleep, another network).
    pub fn ask(&mut self, now: u64) -> Verdict {
        self.asked = Some(now);
        self.n += 1;
        Verdict::Ask(self.n)
    }

    /// When to call [`Heartbeat::check`] next.
    pub fn due(&self) -> u64 {
        self.asked.map_or(self.heard + IDLE_MS, |asked| asked + ANSWER_MS)
    }

    /// Checks whether a ping has to be sent or the connection is dead.
    pub fn check(&mut self, now: u64) -> Verdict {
        let due = self.due();
        if now < due {
            Verdict::Fine
        } else if self.asked.is_none() || now > due + ASLEEP_MS {
            self.ask(now)
        } else {
            Verdict::Dead
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_asked_about_and_then_taken_for_death() {
        let mut heart = Heartbeat::new(0);
        assert_eq!(heart.check(19_999), Verdict::Fine);
        assert_eq!(heart.check(20_000), Verdict::Ask(1));
        assert_eq!(heart.check(29_999), Verdict::Fine);
        assert_eq!(heart.check(30_000), Verdict::Dead);
    }

    #[test]
    fn any_frame_is_a_sign_of_life() {
        let mut heart = Heartbeat::new(0);
        heart.check(20_000);
        heart.heard(25_000);
        assert_eq!(heart.check(30_000), Verdict::Fine);
        assert_eq!(heart.due(), 45_000);
    }

    #[test]
    fn a_page_that_slept_asks_again_before_it_gives_up() {
        let mut heart = Heartbeat::new(0);
        heart.check(20_000);
        assert_eq!(heart.check(600_000), Verdict::Ask(2));
        assert_eq!(heart.check(610_000), Verdict::Dead);
    }
}
