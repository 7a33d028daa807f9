//! Finds a socket that is dead but still says OPEN: after 20 s without a frame it asks, and silence for 10 s more means
//! dead. Any frame is a sign of life.

/// Silence before asking.
const IDLE_MS: u64 = 20_000;
/// Silence after asking.
const ANSWER_MS: u64 = 10_000;
/// A timer this late means that the page was asleep: then the silence was ours, and the question is asked anew.
const ASLEEP_MS: u64 = 5_000;

/// The pulse of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    heard: u64,
    asked: Option<u64>,
    n: u64,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// Nothing.
    Fine,
    /// Send a ping with this number.
    Ask(u64),
    /// Close the connection: it is dead.
    Dead,
}

impl Heartbeat {
    /// Starts with a connection that was opened now.
    pub fn new(now: u64) -> Self {
        Self { heard: now, asked: None, n: 0 }
    }

    /// A frame came.
    pub fn heard(&mut self, now: u64) {
        self.heard = now;
        self.asked = None;
    }

    /// Asks at once, after something that may have cut the connection (sleep, another network).
    pub fn ask(&mut self, now: u64) -> Pulse {
        self.asked = Some(now);
        self.n += 1;
        Pulse::Ask(self.n)
    }

    /// When [`Heartbeat::check`] has something to do.
    pub fn due(&self) -> u64 {
        self.asked.map_or(self.heard + IDLE_MS, |asked| asked + ANSWER_MS)
    }

    /// Looks at the clock.
    pub fn check(&mut self, now: u64) -> Pulse {
        let due = self.due();
        if now < due {
            Pulse::Fine
        } else if self.asked.is_none() || now > due + ASLEEP_MS {
            self.ask(now)
        } else {
            Pulse::Dead
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_asked_about_and_then_taken_for_death() {
        let mut heart = Heartbeat::new(0);
        assert_eq!(heart.check(19_999), Pulse::Fine);
        assert_eq!(heart.check(20_000), Pulse::Ask(1));
        assert_eq!(heart.check(29_999), Pulse::Fine);
        assert_eq!(heart.check(30_000), Pulse::Dead);
    }

    #[test]
    fn any_frame_is_a_sign_of_life() {
        let mut heart = Heartbeat::new(0);
        heart.check(20_000);
        heart.heard(25_000);
        assert_eq!(heart.check(30_000), Pulse::Fine);
        assert_eq!(heart.due(), 45_000);
    }

    #[test]
    fn a_page_that_slept_asks_again_before_it_gives_up() {
        let mut heart = Heartbeat::new(0);
        heart.check(20_000);
        assert_eq!(heart.check(600_000), Pulse::Ask(2));
        assert_eq!(heart.check(610_000), Pulse::Dead);
    }
}
