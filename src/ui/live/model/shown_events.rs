//! The part of the timeline that is on the page.
//!
//! A timeline can have any length, but the page holds at most [`MAX_SHOWN`] of its events. The shown part moves up and
//! down in steps of [`STEP`] as the reader scrolls. This file only computes indices; the events are in the replica.

use std::ops::Range;

/// The number of events left on the page when the shown part returns to the end: at the reader's request, or because
/// more than [`MAX_SHOWN`] have come while the reader was there.
const SHOWN_AT_END: usize = 100;
/// The number of events that one step up or down adds: as many as a browser can lay out between two frames.
const STEP: usize = 8;
/// The maximum number of events on the page. They are far higher than any screen, so the events that are removed were
/// out of sight.
const MAX_SHOWN: usize = 200;

/// A contiguous part of a timeline. Its position is the number of newer events below it, because putting history above
/// the timeline changes every index but not this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownEvents {
    /// The number of events in the whole timeline.
    length: usize,
    /// The number of events on the page.
    shown: usize,
    /// The number of newer events that are not on the page.
    below: usize,
}

impl ShownEvents {
    /// What is shown of an empty timeline.
    pub fn new() -> Self {
        Self { length: 0, shown: 0, below: 0 }
    }

    /// Sets the length of the timeline. Additional events are taken as new ones at the end; those above go through
    /// [`ShownEvents::came_above`]. If the reader is further up, the first event on the page stays. If the reader is at
    /// the end, the shown part stays there. A shorter timeline was replaced, and is shown from its end.
    pub fn follow(&mut self, length: usize, at_end: bool) {
        let came = length.saturating_sub(self.length);
        let became_shorter = length < self.length;
        self.length = length;
        if became_shorter {
            self.go_to_end();
            return;
        }
        self.shown += came;
        if self.shown > MAX_SHOWN && at_end {
            self.go_to_end();
        } else if self.shown > MAX_SHOWN {
            self.below += self.shown - MAX_SHOWN;
            self.shown = MAX_SHOWN;
        }
    }

    /// Accounts for `count` older events that were put above the timeline. They are not on the page yet.
    pub fn came_above(&mut self, count: usize) {
        self.length += count;
    }

    /// Moves one step up. Returns false if there are no older events in memory.
    pub fn move_up(&mut self) -> bool {
        let above = self.above();
        self.shown += above.min(STEP);
        let excess = self.shown.saturating_sub(MAX_SHOWN);
        self.shown -= excess;
        self.below += excess;
        above > 0
    }

    /// Moves one step down, towards the end.
    pub fn move_down(&mut self) {
        let step = self.below.min(STEP);
        self.below -= step;
        self.shown = (self.shown + step).min(MAX_SHOWN);
    }

    /// Moves to the end.
    pub fn go_to_end(&mut self) {
        self.shown = SHOWN_AT_END.min(self.length);
        self.below = 0;
    }

    /// Leaves only the newest events on the page, so that it is drawn sooner. [`ShownEvents::fill`] puts the others
    /// back.
    pub fn begin_with(&mut self, newest: usize) {
        self.shown = newest.min(SHOWN_AT_END).min(self.length);
        self.below = 0;
    }

    /// Moves one step up if fewer events are on the page than [`ShownEvents::go_to_end`] leaves there. Returns false if
    /// there is nothing to add.
    pub fn fill(&mut self) -> bool {
        self.shown < SHOWN_AT_END && self.move_up()
    }

    /// Moves so that the event at `index` is on the page, with one step of older events above it. Does nothing if the
    /// event is on the page already.
    pub fn go_to(&mut self, index: usize) {
        if !self.range().contains(&index) {
            let end = (index.saturating_sub(STEP) + SHOWN_AT_END).min(self.length);
            self.shown = SHOWN_AT_END.min(end);
            self.below = self.length - end;
        }
    }

    /// Whether the timeline has older events than those on the page.
    pub fn has_above(&self) -> bool {
        self.above() > 0
    }

    /// Whether the timeline has newer events than those on the page.
    pub fn has_below(&self) -> bool {
        self.below > 0
    }

    /// The indices of the events on the page.
    pub fn range(&self) -> Range<usize> {
        self.above()..self.length - self.below
    }

    fn above(&self) -> usize {
        self.length - self.shown - self.below
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(length: usize) -> ShownEvents {
        let mut shown = ShownEvents::new();
        shown.follow(length, true);
        shown
    }

    #[test]
    fn the_end_is_shown_and_stays_short_while_the_reader_is_there() {
        let mut shown = of(10_000);
        assert_eq!(shown.range(), 9_900..10_000);
        for length in 10_001..20_000 {
            shown.follow(length, true);
            assert!(shown.range().len() <= MAX_SHOWN);
            assert_eq!(shown.range().end, length);
        }
    }

    #[test]
    fn who_reads_further_up_keeps_what_they_read_whatever_comes() {
        let mut shown = of(10_000);
        shown.move_up();
        let first = shown.range().start;
        for length in 10_001..12_000 {
            shown.follow(length, false);
            assert_eq!(shown.range().start, first);
            assert!(shown.range().len() <= MAX_SHOWN);
        }
        assert!(shown.has_below());
    }

    #[test]
    fn going_up_and_down_again_passes_every_event() {
        let mut shown = of(10_000);
        let mut seen = shown.range();
        while shown.move_up() {
            let next = shown.range();
            assert!(next.len() <= MAX_SHOWN && next.end >= seen.start, "{seen:?} {next:?}");
            seen = next;
        }
        assert_eq!(shown.range(), 0..MAX_SHOWN);
        while shown.has_below() {
            shown.move_down();
            let next = shown.range();
            assert!(next.len() <= MAX_SHOWN && next.start <= seen.end, "{seen:?} {next:?}");
            seen = next;
        }
        assert_eq!(shown.range().end, 10_000);
    }

    #[test]
    fn a_page_of_history_is_shown_step_by_step() {
        let mut shown = of(50);
        assert_eq!(shown.range(), 0..50);
        shown.came_above(50);
        shown.move_up();
        shown.follow(100, false);
        assert_eq!(shown.range(), 50 - STEP..100);
        while shown.move_up() {}
        assert_eq!(shown.range(), 0..100);
        assert!(!shown.has_below());
    }

    #[test]
    fn an_event_far_up_is_gone_to_with_some_before_it_and_the_rest_after_it() {
        let mut shown = of(10_000);
        shown.go_to(5_000);
        let there = 5_000 - STEP..5_000 - STEP + SHOWN_AT_END;
        assert_eq!(shown.range(), there);
        shown.go_to(5_060);
        assert_eq!(shown.range(), there, "it is on the page already");
        shown.go_to(3);
        assert_eq!(shown.range(), 0..SHOWN_AT_END);
        shown.go_to(9_990);
        assert_eq!(shown.range(), 9_900..10_000);
    }

    #[test]
    fn a_page_that_began_with_the_newest_events_is_filled_up_from_them() {
        for (length, filled) in [(0, 0..0), (10, 0..10), (60, 0..60), (10_000, 9_900..10_000)] {
            let mut shown = of(length);
            shown.begin_with(20);
            assert_eq!(shown.range(), length.saturating_sub(20)..length);
            while shown.fill() {}
            assert!(shown.range().start <= filled.start && shown.range().end == length, "{shown:?}");
            assert!(shown.range().len() < filled.len() + STEP);
        }
    }

    #[test]
    fn what_comes_to_a_short_timeline_is_shown_to_who_reads_further_up() {
        let mut shown = of(50);
        for length in 51..=MAX_SHOWN {
            shown.follow(length, false);
            assert_eq!(shown.range(), 0..length);
        }
    }

    #[test]
    fn a_timeline_that_was_replaced_by_a_shorter_one_is_shown_from_its_end() {
        let mut shown = of(10_000);
        shown.move_up();
        shown.follow(50, false);
        assert_eq!(shown.range(), 0..50);
    }

    proptest! {
        #[test]
        fn the_stretch_never_leaves_the_timeline(steps in prop::collection::vec((0u8..8, 0usize..500), 0..60)) {
            let mut shown = ShownEvents::new();
            let mut length = 0;
            for (kind, n) in steps {
                match kind {
                    0 => { length += n; shown.follow(length, n % 2 == 0); }
                    1 => { length += n; shown.came_above(n); }
                    2 => _ = shown.move_up(),
                    3 => shown.move_down(),
                    5 => shown.begin_with(n),
                    6 => _ = shown.fill(),
                    4 => shown.go_to(n.min(length.saturating_sub(1))),
                    _ => { length = n; shown.follow(length, false); }
                }
                let range = shown.range();
                prop_assert!(
                    range.start <= range.end && range.end <= length && range.len() <= MAX_SHOWN,
                    "{range:?} of {length}"
                );
            }
        }
    }
}
