//! Allowances: how many bytes of answers somebody may ask for in a time.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::networks::Network;

/// A wait is no longer than this, however much was asked for before it was known how much that is.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How much may be asked for: so many bytes at once, refilled with so many a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Bytes at once.
    pub burst: u64,
    /// Bytes a second.
    pub per_second: u64,
}

impl Rate {
    fn time_of(self, bytes: u64) -> Duration {
        Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / self.per_second.max(1))
    }

    const fn times(self, times: u32) -> Self {
        Self { burst: self.burst * times as u64, per_second: self.per_second * times as u64 }
    }
}

/// What somebody has been answered, as GCRA counts it (ITU-T I.371). Answers are counted when they are given, so an allowance
/// can be overdrawn; then the next question waits.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// When all would be refilled.
    full_at: Instant,
}

impl Allowance {
    /// All of it.
    pub fn full(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// So much was answered.
    pub fn spend(&mut self, bytes: u64, rate: Rate, now: Instant) {
        let longest = now + rate.time_of(rate.burst) + LONGEST_WAIT;
        self.full_at = (self.full_at.max(now) + rate.time_of(bytes)).min(longest);
    }

    /// How long to wait before the next question.
    pub fn wait(&self, rate: Rate, now: Instant) -> Duration {
        self.full_at.saturating_duration_since(now + rate.time_of(rate.burst))
    }
}

/// The allowances of the clients of a node.
#[derive(Debug)]
pub struct Allowances {
    rate: Rate,
    /// Held for moments only.
    held: Mutex<HashMap<Network, Allowance>>,
}

impl Allowances {
    /// Of clients that may ask for so much each.
    pub fn of(rate: Rate) -> Self {
        Self { rate, held: Mutex::default() }
    }

    /// So much was answered to this client.
    pub fn spend(&self, client: IpAddr, bytes: u64, now: Instant) {
        let mut held = self.held();
        for (network, times) in Network::all_of(client) {
            let allowance = held.entry(network).or_insert_with(|| Allowance::full(now));
            allowance.spend(bytes, self.rate.times(times), now);
        }
    }

    /// How long this client has to wait before the next question.
    pub fn wait(&self, client: IpAddr, now: Instant) -> Duration {
        let held = self.held();
        let wait = |(network, times)| Some(held.get(&network)?.wait(self.rate.times(times), now));
        Network::all_of(client).filter_map(wait).max().unwrap_or_default()
    }

    /// Forgets who may have all again.
    pub fn shed(&self, now: Instant) {
        let mut held = self.held();
        held.retain(|_, allowance| allowance.full_at > now);
        held.shrink_to_fit();
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Network, Allowance>> {
        // Every change leaves it whole, so a panic elsewhere does no harm.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 1_000, per_second: 100 };

    #[test]
    fn what_was_answered_beyond_the_burst_is_waited_for_and_no_longer_than_that() {
        let start = Instant::now();
        let mut allowance = Allowance::full(start);
        allowance.spend(1_000, RATE, start);
        assert_eq!(allowance.wait(RATE, start), Duration::ZERO, "a burst is free");
        allowance.spend(200, RATE, start);
        assert_eq!(allowance.wait(RATE, start), Duration::from_secs(2));
        assert_eq!(allowance.wait(RATE, start + Duration::from_secs(2)), Duration::ZERO);
        let later = start + Duration::from_mins(1);
        allowance.spend(1_000, RATE, later);
        assert_eq!(allowance.wait(RATE, later), Duration::ZERO, "all of it is refilled, and no more");
        allowance.spend(u64::MAX, RATE, later);
        assert_eq!(allowance.wait(RATE, later), LONGEST_WAIT);
    }

    #[test]
    fn clients_have_allowances_of_their_own_and_share_those_of_their_networks() {
        let (allowances, now) = (Allowances::of(RATE), Instant::now());
        let client = |n: u16| IpAddr::from([0x2001, 0xdb8, 7, n, 0, 0, 0, 1]);
        allowances.spend(client(1), 1_500, now);
        assert_eq!(allowances.wait(client(1), now), Duration::from_secs(5));
        assert_eq!(allowances.wait(client(2), now), Duration::ZERO);
        for n in 2..6 {
            allowances.spend(client(n), 1_000, now);
        }
        assert!(allowances.wait(client(6), now) > Duration::ZERO, "the network of 56 bits has asked for too much");
        assert_eq!(allowances.wait("203.0.113.1".parse().unwrap(), now), Duration::ZERO);
        allowances.shed(now + Duration::from_hours(1));
        assert!(allowances.held().is_empty());
    }
}
