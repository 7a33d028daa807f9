//! Allowances: how many bytes of answers a client or a socket may ask for in a time.
//!
//! The size of an answer is known only when it is sent. So an answer is counted afterwards ([`Allowance::spend`]) and
//! may overdraw the allowance. The next request then has to wait ([`Allowance::wait`]).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::networks::Network;

/// The longest wait, however far an allowance is overdrawn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A rate: `burst` bytes at once, refilled with `per_second` bytes a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The bytes that are available at once.
    pub burst: u64,
    /// The bytes that are refilled each second.
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

/// The bytes that one client or socket has been answered, counted by GCRA (ITU-T I.371). Answers are counted when they
/// are sent, so an allowance can be overdrawn. Then the next request has to wait.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// The time at which the whole burst is available again.
    full_at: Instant,
}

impl Allowance {
    /// An allowance with the whole burst.
    pub fn full(now: Instant) -> Self {
        Self { full_at: now }
    }

    /// Counts `bytes` that were answered.
    pub fn spend(&mut self, bytes: u64, rate: Rate, now: Instant) {
        let longest = now + rate.time_of(rate.burst) + LONGEST_WAIT;
        self.full_at = (self.full_at.max(now) + rate.time_of(bytes)).min(longest);
    }

    /// How long to wait before the next request.
    pub fn wait(&self, rate: Rate, now: Instant) -> Duration {
        self.full_at.saturating_duration_since(now + rate.time_of(rate.burst))
    }
}

/// The allowances of all clients of a node, one for each network that a client belongs to ([`Network`]).
#[derive(Debug)]
pub struct Allowances {
    rate: Rate,
    /// Locked for short steps only.
    held: Mutex<HashMap<Network, Allowance>>,
}

impl Allowances {
    /// Allowances of clients that may each ask for this rate.
    pub fn of(rate: Rate) -> Self {
        Self { rate, held: Mutex::default() }
    }

    /// Counts `bytes` that were answered to this client.
    pub fn spend(&self, client: IpAddr, bytes: u64, now: Instant) {
        let mut held = self.held();
        for (network, times) in Network::all_of(client) {
            let allowance = held.entry(network).or_insert_with(|| Allowance::full(now));
            allowance.spend(bytes, self.rate.times(times), now);
        }
    }

    /// How long this client has to wait before its next request.
    pub fn wait(&self, client: IpAddr, now: Instant) -> Duration {
        let held = self.held();
        let wait = |(network, times)| Some(held.get(&network)?.wait(self.rate.times(times), now));
        Network::all_of(client).filter_map(wait).max().unwrap_or_default()
    }

    /// Removes the allowances that are completely refilled.
    pub fn drop_idle(&self, now: Instant) {
        let mut held = self.held();
        held.retain(|_, allowance| allowance.full_at > now);
        held.shrink_to_fit();
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Network, Allowance>> {
        // Each change leaves the map consistent, so a panic of another holder does no harm.
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
        allowances.drop_idle(now + Duration::from_hours(1));
        assert!(allowances.held().is_empty());
    }
}
