//! Searching the messages of a room, and bringing a message of any age onto the page.
//!
//! The server searches what the room keeps. In a room that keeps nothing, only what this page has can be searched.

use leptos::prelude::*;

use crate::{
    protocol::{Event, MemberId, Millis, Nickname, Problem, Retention, SearchHit, Seq, TextRange, limits},
    ui::{rooms::is_like, timeline::RowKey},
};

use super::{
    super::{super::model::LocalRoom, page_socket::put, rest},
    LiveRoom,
};

/// The most pages of history that are loaded to bring a message onto the page.
const PAGES: Seq = 20;
/// Characters before the first match that are shown of a long text.
const BEFORE: u32 = 40;
/// Characters that are shown of a long text.
const SHOWN: usize = 240;

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMessage {
    pub key: RowKey,
    pub seq: Seq,
    /// The name of the author. `None` if that is the reader.
    pub author: Option<Nickname>,
    pub at: Millis,
    /// The text in parts, and whether each matches. Of a long text the surroundings of the first match.
    pub text: Vec<(String, bool)>,
}

impl FoundMessage {
    fn of(event: &Event, marks: &[TextRange], is_own: impl Fn(MemberId) -> bool) -> Option<Self> {
        let message = event.message()?;
        let author = (!is_own(message.author.id)).then(|| message.author.name.clone());
        let text = excerpt(message.body.as_str(), marks);
        Some(Self { key: RowKey::of(message), seq: event.seq, author, at: event.at, text })
    }
}

/// The part of a text around the first match.
fn excerpt(text: &str, marks: &[TextRange]) -> Vec<(String, bool)> {
    let first = marks.first().map_or(0, |mark| mark.start.saturating_sub(BEFORE));
    let mut parts = Vec::new();
    if first > 0 {
        parts.push(("…".to_owned(), false));
    }
    for (at, c) in (0..).zip(text.chars()).skip(first as usize).take(SHOWN) {
        let is_marked = marks.iter().any(|mark| (mark.start..mark.start + mark.length).contains(&at));
        match parts.last_mut() {
            Some((part, marked)) if *marked == is_marked => part.push(c),
            _ => parts.push((c.to_string(), is_marked)),
        }
    }
    parts
}

impl LiveRoom {
    /// The messages that match, newest first, and the seq before which the search goes on if it did not come to the
    /// end.
    pub async fn search(self, typed: &str, before: Option<Seq>) -> Result<(Vec<FoundMessage>, Option<Seq>), Problem> {
        let found = |room: &LocalRoom, event: &Event, marks: &[TextRange]| {
            FoundMessage::of(event, marks, |id| room.own_ids().contains(&id))
        };
        if self.retention.try_get_untracked() != Some(Retention::Preserved) {
            let words: Vec<&str> = typed.split_whitespace().collect();
            let matches = |event: &&Event| words.iter().all(|word| is_like(event.text(), word));
            let here = self.read(|room| {
                let events = room.replica().events.iter().rev().filter(matches);
                events.filter_map(|event| found(room, event, &[])).collect()
            });
            return Ok((here.unwrap_or_default(), None));
        }
        let page = rest::search(self.code, typed, before).await?;
        let hits = self.read(|room| {
            let of = |SearchHit { event, marks, .. }: &SearchHit| found(room, event, marks);
            page.hits.iter().filter_map(of).collect()
        });
        Ok((hits.unwrap_or_default(), page.scanned_to))
    }

    /// Brings a message onto the page, after fetching what is missing of the history above. Returns whether it is
    /// there: it is not if it is too far up, or gone. Set [`LiveRoom::target`] to lead the reader to it.
    pub async fn bring(self, key: RowKey, seq: Seq) -> Result<bool, Problem> {
        let index = move |room: &LocalRoom| {
            let is_it = |event: &Event| event.message().map(RowKey::of) == Some(key);
            room.replica().events.iter().rposition(is_it)
        };
        let top = self.read(|room| room.replica().top().first).unwrap_or_default();
        let missing = top.saturating_sub(seq).div_ceil(limits::HISTORY_PAGE as Seq);
        if missing <= PAGES {
            for _ in 0..PAGES {
                if self.read(index).flatten().is_some() || !self.fetch_earlier().await {
                    break;
                }
            }
        }
        let Some(index) = self.read(index).flatten() else {
            return match self.earlier_problem.try_get_untracked().flatten() {
                Some(problem) => Err(problem),
                None => Ok(false),
            };
        };
        if self.read(|room| room.shown_events().range().contains(&index)) == Some(false) {
            self.edit(|room| {
                room.shown_events_mut().go_to(index);
                room.touch();
            });
            put(self.at_end, false);
            self.copy(self.socket.status.get_untracked());
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_begins_before_the_first_match() {
        let mark = |start, length| TextRange { start, length };
        let part = |text: &str, is_marked| (text.to_owned(), is_marked);
        assert_eq!(excerpt("Grüße", &[]), [part("Grüße", false)]);
        assert_eq!(
            excerpt("Grüße an alle", &[mark(0, 5), mark(9, 4)]),
            [part("Grüße", true), part(" an ", false), part("alle", true)]
        );
        let long = format!("{}fish{}", "ä".repeat(100), "ö".repeat(400));
        let shown = excerpt(&long, &[mark(100, 4)]);
        let before = format!("…{}", "ä".repeat(40));
        assert_eq!(shown, [part(&before, false), part("fish", true), part(&"ö".repeat(196), false)]);
    }
}
