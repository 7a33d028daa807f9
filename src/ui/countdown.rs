//! A countdown in seconds, for texts such as "try again in 3 s".

use leptos::prelude::*;

use super::browser::{self, Timer};

/// A countdown. It is at zero until it is started. On the server it never runs.
#[derive(Clone, Copy)]
pub struct Countdown {
    left: RwSignal<u64>,
    timer: StoredValue<Option<Timer>>,
}

impl Countdown {
    /// A countdown at zero.
    pub fn new() -> Self {
        Self { left: RwSignal::new(0), timer: StoredValue::new(None) }
    }

    /// Counts down from now until `until`, a time of [`browser::now`].
    pub fn run_until(self, until: u64) {
        let left_ms = until.saturating_sub(browser::now());
        let left = left_ms.div_ceil(1_000);
        if self.left.try_get_untracked().is_some_and(|shown| shown != left) {
            self.left.set(left);
        }
        let next = (left > 0).then(|| browser::after((left_ms - 1) % 1_000 + 1, move || self.run_until(until)));
        self.timer.try_update_value(|timer| *timer = next);
    }

    /// The seconds that are left, rounded up.
    pub fn left(self) -> u64 {
        self.left.get()
    }
}
