//! The work that a live room does once a second, and whether the room may end.

use std::time::Duration;

use tokio::time::Instant;

use super::{Live, presence_list::Due};
use crate::server::clock;

/// Precision of `visited_at` in the room's record: a live room writes it at most once in this time.
const VISIT: Duration = Duration::from_hours(24);

impl Live {
    /// Does the periodic work. Returns whether the room has been idle long enough to end.
    pub(super) fn tick(&mut self) -> bool {
        let now = Instant::now();
        self.signal_late_typing(now);
        if self.waiting.has_requests() && !self.log_state.is_busy() {
            // Only a newer log can satisfy the waiting requests.
            self.log_state.fall_behind();
        }
        self.presence.forget_silent_nodes(now);
        match self.presence.due(now, self.folded.state.members.len()) {
            Due::Everybody => {
                self.show_presence(now);
                self.publish_presence(false);
            }
            Due::Nodes => self.publish_presence(false),
            Due::Nobody => {}
        }
        self.note_visit();
        self.send_unsent();
        self.repeat_who_is_here();
        self.keep_record();
        self.signal_reads();
        let is_idle = self.subscribers.is_idle(now)
            && !self.listing.is_busy()
            && self.pending.is_empty()
            && self.reactions.len() == 0
            && !self.log_state.is_lost()
            && !self.log_state.is_busy()
            && self.waiting.is_idle();
        if is_idle {
            self.reads.all_are_due();
        }
        self.keep_reads();
        is_idle && self.keeping.is_none() && self.reads.is_kept()
    }

    /// Stores the present time as that of the last visit, at most once a day so that it costs little. A live room
    /// counts as visited.
    fn note_visit(&mut self) {
        let (now, room) = (clock::now(), self.record.id);
        if now - clock::millis(VISIT) < self.record.visited_at {
            return;
        }
        self.record.visited_at = now;
        let engine = self.engine.clone();
        self.engine.spawn(async move {
            if let Err(error) = engine.store().visit_room(room, now).await {
                tracing::debug!(%room, %error, "a visit was not noted; the next one is");
            }
        });
    }
}
