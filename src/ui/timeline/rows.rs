//! The rows of a timeline, from the log and the outbox.

use std::{collections::BTreeSet, ops::Range};

use crate::{
    protocol::{ClientId, Draft, DraftState, Event, EventKind, MemberId, Message, MessageBody, Millis, Person, Seq},
    ui::texts::Texts,
};

use super::{
    holes::{self, Absence},
    marks::{Mark, Marks},
    notices::{self, Traffic},
    time::day_of,
};

/// Messages of one author this close together share one heading.
const GROUP_MS: i64 = 5 * 60_000;

/// What makes a row the same row when the timeline changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowKey {
    /// A day, by its first event.
    Day(u32, Seq),
    /// A message, also while it is not in the log yet. The author belongs to it: ids are unique per author.
    Message(MemberId, ClientId),
    /// A notice, by its first event. Seqs start again when a tail was lost, hence the count of lives.
    Notice(u32, Seq),
    /// Where the unread messages begin; once in a timeline.
    Unread,
    /// Messages that are missing, by the event after them; 0 above everything.
    Hole(u32, Seq),
}

impl RowKey {
    /// The key of a message.
    pub fn of(message: &Message) -> Self {
        Self::Message(message.author.id, message.id)
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A new day, counted from 1970.
    Day(i64),
    /// A message.
    Message(MessageRow),
    /// Something else that happened.
    Notice(String),
    /// From here on nothing had been read when the page was opened.
    Unread,
    /// Messages are missing here; with when the reader was absent, if that is why.
    Hole(Option<Absence>),
}

/// A message, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// Its id.
    pub id: ClientId,
    /// Who said it.
    pub author: Person,
    /// Whether that is the reader.
    pub own: bool,
    /// What was said.
    pub body: MessageBody,
    /// When, once the server has it.
    pub at: Option<Millis>,
    /// The first of its group: shows the author.
    pub opens: bool,
    /// The last of its group.
    pub closes: bool,
    /// How far it is.
    pub delivery: Delivery,
    /// What stands under it.
    pub mark: Option<Mark>,
}

/// How far a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// In the log.
    Sent,
    /// On its way, or waiting for a connection.
    Pending,
    /// Refused, with the reason.
    Failed(String),
}

/// Who reads the timeline, and where.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The reader, as they are called now.
    pub me: &'a Person,
    /// All ids that the reader has had here.
    pub mine: &'a BTreeSet<MemberId>,
    /// Which messages carry a mark.
    pub marks: &'a Marks,
    /// The message that the unread ones begin with.
    pub first_unread: Option<RowKey>,
    /// The ordinal of the room's last message.
    pub last_n: u64,
    /// Whether messages are missing above everything that there is.
    pub is_lost_above: bool,
    /// Minutes east of UTC at a time.
    pub offset: &'a dyn Fn(Millis) -> i64,
    /// In which words.
    pub texts: &'static Texts,
}

/// The rows of a stretch of a timeline, which begins with a day. What is not in the log yet stands at the end of all.
pub fn rows<'a>(
    events: &[Event],
    stretch: Range<usize>,
    outbox: impl Iterator<Item = &'a Draft>,
    view: View<'_>,
) -> Vec<(RowKey, Row)> {
    let is_me = |id: MemberId| view.mine.contains(&id);
    let Range { start, end } = stretch;
    let mut builder = Builder { rows: Vec::new(), day: None, last: None, view };
    let mut life = events[..start].windows(2).filter(|pair| pair[1].seq <= pair[0].seq).map(|_| 1).sum();
    let mut previous = start.checked_sub(1).map_or(0, |before| events[before].seq);
    let mut traffic: Option<(RowKey, Traffic)> = None;
    if start == 0 && view.is_lost_above {
        builder.rows.push((RowKey::Hole(0, 0), Row::Hole(None)));
    }

    for (at, event) in (start..end).zip(&events[start..end]) {
        let has_hole = previous > 0 && event.seq > previous + 1;
        if event.seq <= previous {
            life += 1;
        }
        previous = event.seq;
        if has_hole && holes::is_missing(&events[..at], &events[at..], view.last_n) {
            builder.close(&mut traffic, is_me);
            let absence = holes::absence(&events[at - 1], event, is_me);
            builder.last = None;
            builder.rows.push((RowKey::Hole(life, event.seq), Row::Hole(absence)));
        }
        if event.kind == EventKind::Unknown {
            continue;
        }
        let day = day_of(event.at, (view.offset)(event.at));
        if builder.day != Some(day) || !traffic.as_mut().is_some_and(|(_, run)| run.add(&event.kind)) {
            builder.close(&mut traffic, is_me);
            builder.start_day(day, RowKey::Day(life, event.seq));
            if let Some(message) = event.message() {
                builder.unread(RowKey::of(message));
                builder.message(MessageRow {
                    id: message.id,
                    own: is_me(message.author.id),
                    author: message.author.clone(),
                    body: message.body.clone(),
                    at: Some(event.at),
                    opens: true,
                    closes: true,
                    delivery: Delivery::Sent,
                    mark: None,
                });
            } else if let Some(sentence) = notices::sentence(view.texts, &event.kind, is_me) {
                builder.notice(RowKey::Notice(life, event.seq), sentence);
            } else {
                let mut run = Traffic::default();
                run.add(&event.kind);
                traffic = Some((RowKey::Notice(life, event.seq), run));
            }
        }
    }
    builder.close(&mut traffic, is_me);

    for draft in outbox.take_while(|_| end == events.len()) {
        let (at, delivery) = match &draft.state {
            DraftState::Pending => (None, Delivery::Pending),
            DraftState::Sent(ack) => (Some(ack.at), Delivery::Sent),
            DraftState::Failed(problem) => (None, Delivery::Failed(view.texts.problem(problem))),
        };
        builder.message(MessageRow {
            id: draft.id,
            author: view.me.clone(),
            own: true,
            body: draft.body.clone(),
            at,
            opens: true,
            closes: true,
            delivery,
            mark: None,
        });
    }
    builder.rows
}

struct Builder<'a> {
    rows: Vec<(RowKey, Row)>,
    day: Option<i64>,
    /// When the last row's message was said, if the last row is a message.
    last: Option<Millis>,
    view: View<'a>,
}

impl Builder<'_> {
    fn start_day(&mut self, day: i64, key: RowKey) {
        if self.day != Some(day) {
            self.day = Some(day);
            self.last = None;
            self.rows.push((key, Row::Day(day)));
        }
    }

    /// A line before this message, if it is the one that the unread ones begin with.
    fn unread(&mut self, key: RowKey) {
        if self.view.first_unread == Some(key) {
            self.last = None;
            self.rows.push((RowKey::Unread, Row::Unread));
        }
    }

    fn message(&mut self, mut row: MessageRow) {
        if let (Some(last), Some((_, Row::Message(before)))) = (self.last, self.rows.last_mut()) {
            let at = row.at.unwrap_or(last);
            let same_author = if row.own { before.own } else { before.author == row.author };
            if same_author && at - last < GROUP_MS {
                row.opens = false;
                before.closes = false;
            }
        }
        self.last = Some(row.at.or(self.last).unwrap_or_default());
        let key = RowKey::Message(row.author.id, row.id);
        row.mark = self.view.marks.of(key);
        self.rows.push((key, Row::Message(row)));
    }

    fn notice(&mut self, key: RowKey, sentence: String) {
        self.last = None;
        self.rows.push((key, Row::Notice(sentence)));
    }

    fn close(&mut self, traffic: &mut Option<(RowKey, Traffic)>, is_me: impl Fn(MemberId) -> bool) {
        if let Some((key, run)) = traffic.take() {
            self.notice(key, run.sentence(self.view.texts, is_me));
        }
    }
}
