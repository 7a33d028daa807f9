//! Throttles and turns in memory.

use std::time::{Duration, Instant};

use super::{super::Quota, Expiring};

/// GCRA (ITU-T I.371): a key's entry ends at its theoretical arrival time, so an idle key costs nothing.
#[derive(Default)]
pub(super) struct Throttles(Expiring<String, ()>);

impl Throttles {
    pub fn take(&mut self, key: &str, quota: Quota, now: Instant) -> Option<Duration> {
        let one = quota.refill_of_one();
        let full = one * quota.burst.max(1);
        let arrival = self.0.get_mut(key, now).map_or(now, |((), ends_at)| *ends_at);
        let next = arrival + one;
        let wait = next.saturating_duration_since(now + full);
        if wait.is_zero() {
            self.0.insert(key.to_owned(), (), next);
            None
        } else {
            Some(wait)
        }
    }
}

/// Jobs that were done lately.
#[derive(Default)]
pub(super) struct Turns(Expiring<String, ()>);

impl Turns {
    pub fn take(&mut self, job: &str, pause: Duration, now: Instant) -> bool {
        let free = self.0.get_mut(job, now).is_none();
        if free {
            self.0.insert(job.to_owned(), (), now + pause);
        }
        free
    }
}
