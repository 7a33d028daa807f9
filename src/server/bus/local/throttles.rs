//! Throttles and turns in memory.

use std::time::{Duration, Instant};

use super::{
    super::{Quota, Wait},
    Expiring,
};

/// Quotas by GCRA (ITU-T I.371). A key's entry expires at its theoretical arrival time, so an idle key needs no memory.
#[derive(Default)]
pub(super) struct Throttles(Expiring<String, ()>);

impl Throttles {
    /// Takes one unit from each quota, or from none. A refusal names the quota with the longest wait.
    pub fn take(&mut self, takes: &[(String, Quota)], now: Instant) -> Option<Wait> {
        let waits = takes.iter().enumerate().map(|(which, (key, quota))| {
            let full = quota.refill_of_one() * quota.burst.max(1);
            Wait { which, pause: self.next(key, *quota, now).saturating_duration_since(now + full) }
        });
        // `max_by_key` returns the last of equal elements. The reversed order makes that the first quota.
        let longest = waits.rev().max_by_key(|wait| wait.pause).filter(|wait| !wait.pause.is_zero());
        if longest.is_none() {
            for (key, quota) in takes {
                let next = self.next(key, *quota, now);
                self.0.insert(key.clone(), (), next);
            }
        }
        longest
    }

    /// The theoretical arrival time of the key after one more unit was taken.
    fn next(&mut self, key: &str, quota: Quota, now: Instant) -> Instant {
        let arrival = self.0.get_mut(key, now).map_or(now, |((), ends_at)| *ends_at);
        arrival + quota.refill_of_one()
    }
}

/// Jobs that were done recently. An entry expires when the job's pause is over.
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
