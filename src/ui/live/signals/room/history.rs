//! Which part of the timeline is on the page, and how the reader moves it: up, down, to the end, or to the first unread
//! message. Events that are not in memory are fetched from history over HTTP.
//!
//! The room in the model has the part itself (`model::shown_events`). An answer that arrives
//! after the room was left still goes to that room, by its code.

use leptos::{prelude::*, task::spawn_local};

use crate::{protocol::Problem, ui::browser};

use super::{
    super::{super::model::LocalRoom, page_socket::put, rest},
    LiveRoom,
};

impl LiveRoom {
    /// Records whether the reader has scrolled to the end of the rows. Counts as the end only if no newer events are
    /// left off the page.
    pub fn reads_end(self, at_end: bool) {
        let at_end = at_end && self.read(|room| room.shown_events().has_below()) == Some(false);
        put(self.at_end, at_end);
        if at_end {
            put(self.unseen, 0);
        }
        self.update_looking();
    }

    /// Shows the end of the timeline, so that new events appear at once.
    pub fn show_end(self) {
        self.edit(|room| room.shown_events_mut().go_to_end());
        self.reads_end(true);
        self.draw_anew();
    }

    /// Shows more of the newer events below. All of them are in memory: only older events ever have to be fetched.
    pub fn load_later(self) {
        self.edit(|room| room.shown_events_mut().move_down());
        self.draw_anew();
    }

    /// Adds the older rows of a room that began with the newest, a step whenever the browser has time.
    pub fn fill(self) {
        browser::when_idle(move || {
            if !self.entries.is_disposed() && self.fill_a_step() {
                self.fill();
            }
        });
    }

    pub(in super::super) fn fill_a_step(self) -> bool {
        let is_filling = self.edit(LocalRoom::fill) == Some(true);
        if is_filling {
            self.draw_anew();
        }
        is_filling
    }

    /// Shows more of the older events above: from memory if there are any, else from the server. Does nothing while a
    /// fetch is under way.
    pub fn load_earlier(self) {
        if self.loading_earlier.get_untracked() {
            return;
        }
        if self.move_up() {
            self.draw_anew();
            return;
        }
        spawn_local(async move {
            if self.fetch_earlier().await {
                self.move_up();
            }
        });
    }

    fn move_up(self) -> bool {
        self.edit(|room| room.shown_events_mut().move_up()) == Some(true)
    }

    /// Shows the timeline from the first unread message, after fetching at most `pages` pages of history to find it.
    ///
    /// `quietly` is for a call that the reader did not ask for. Then the page does not move if the first unread message
    /// was not found, or if the reader has scrolled meanwhile: it only offers the button (`unread_above`).
    pub fn go_to_unread(self, pages: usize, quietly: bool) {
        if self.loading_earlier.get_untracked() {
            self.update_looking();
            return;
        }
        spawn_local(async move {
            for _ in 0..pages {
                if !self.is_unread_further_up() || !self.fetch_earlier().await {
                    break;
                }
            }
            let found = self.read(|room| (room.unread().count(), room.unread().index(room.replica())));
            let Some(((count, index), at_end)) = found.zip(self.at_end.try_get_untracked()) else { return };
            if count == 0 || quietly && (index.is_none() || !at_end) {
                put(self.unread_above, count);
                self.update_looking();
                return;
            }
            self.edit(|room| {
                room.shown_events_mut().go_to(index.unwrap_or_default());
                room.touch();
            });
            put(self.at_end, false);
            self.copy(self.socket.status.get_untracked());
            put(self.is_far, index.is_none());
            if index.is_none() {
                self.announcement.say(self.texts.timeline.further_up().to_owned());
            }
            self.jump_count.update(|jump_count| *jump_count += 1);
        });
    }

    /// Whether the first unread message is older than the loaded timeline.
    pub fn is_unread_further_up(self) -> bool {
        self.read(|room| room.unread().is_further_up()) == Some(true)
    }

    /// Hides the "unread above" button, since the first unread message is visible.
    pub fn reached_unread(self) {
        put(self.unread_above, 0);
    }

    /// Fetches one page of history. Returns whether one was added; a failure goes to `earlier_problem`. Does nothing if
    /// the room is not on the page any more.
    pub(super) async fn fetch_earlier(self) -> bool {
        if self.loading_earlier.try_set(true).is_some() {
            return false;
        }
        self.earlier_problem.set(None);
        let fetched = self.fetch_above().await;
        let _ = self.loading_earlier.try_set(false);
        fetched.unwrap_or_else(|problem| {
            let _ = self.earlier_problem.try_set(Some(problem));
            false
        })
    }

    /// Fetches a page of history and puts it above the timeline. Repeats the request if the timeline begins elsewhere
    /// by the time the answer arrives, after a reset for example. `false` means that there is no more history.
    async fn fetch_above(self) -> Result<bool, Problem> {
        loop {
            let top = self.read(|room| room.replica().has_more.then(|| room.replica().top()));
            let Some(top) = top.flatten() else { return Ok(false) };
            let page = rest::history(self.code, top.first).await?;
            match self.edit(|room| room.prepend(top, page)) {
                None => return Ok(false),
                Some(false) => {}
                Some(true) => {
                    self.socket.draw_soon();
                    return Ok(true);
                }
            }
        }
    }

    /// Redraws the timeline, after other events are shown without a new event.
    fn draw_anew(self) {
        self.edit(LocalRoom::touch);
        self.socket.draw_soon();
    }
}
