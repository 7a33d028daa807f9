//! Computes the rows of a timeline from the events of the log and the messages in the outbox.

use std::ops::Range;

use crate::{
    protocol::{
        ClientId, Draft, DraftKind, DraftState, Event, EventKind, MemberId, Message, MessageBody, Millis, Person,
        Target, limits::PREVIEW_CHARS, markdown, sorted::SortedSet,
    },
    ui::texts::Texts,
};

use super::{
    chips::{Chip, chips, reacted},
    holes::{self, Absence},
    key::RowKey,
    marks::{Mark, Marks},
    mentions::{Mentioned, mentioned},
    names::isolate_name,
    notices::{self, ComingsAndGoings},
    time::day_of,
};

/// A message this soon after the one above it, by the same author, belongs to the same group. A group shows its author
/// once.
const GROUP_MS: i64 = 5 * 60_000;

/// A row of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// The heading of a day, counted from 1 January 1970.
    Day(i64),
    Message(MessageRow),
    /// A notice, as a sentence with marked names.
    Notice(String),
    /// The line before the first unread message.
    Unread,
    /// A hole: messages are missing here. If the reader was absent then, with the time of the absence.
    Hole(Option<Absence>),
}

impl Row {
    /// Whether two rows, if they are messages, have the same words: the text, what became of it, and the quote.
    pub fn has_same_words(&self, other: &Self) -> bool {
        let (Self::Message(this), Self::Message(other)) = (self, other) else { return true };
        (&this.body, &this.mentioned, this.edited, &this.deleted, &this.quote)
            == (&other.body, &other.mentioned, other.edited, &other.deleted, &other.quote)
    }
}

#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    pub id: ClientId,
    pub author: Person,
    /// Whether the reader of this page is the author.
    pub own: bool,
    pub body: MessageBody,
    /// The names that it mentions.
    pub mentioned: Box<[Mentioned]>,
    /// Whether its text was changed.
    pub edited: bool,
    /// What is shown instead of the text of a deleted message. A name in it is marked.
    pub deleted: Option<Box<str>>,
    /// The line about the message that it replies to.
    pub quote: Option<Box<QuoteLine>>,
    /// The reactions to it.
    pub chips: Vec<Chip>,
    /// When the server stored it. `None` until then.
    pub at: Option<Millis>,
    /// Whether it is the first of its group.
    pub opens: bool,
    /// Whether it shows its author, with a picture: as the first of a group, unless the author is clear anyway.
    pub signed: bool,
    /// Whether it is the last of its group.
    pub closes: bool,
    /// Whether the server has stored it, and the changes of it.
    pub delivery: Delivery,
    pub mark: Option<Mark>,
}

/// The line about the message that another one replies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuoteLine {
    /// The name of the author, if the message is known here.
    pub author: Option<String>,
    /// The beginning of its text, or what is shown instead.
    pub text: String,
}

/// How far a message is on its way to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The server has stored it.
    Sent,
    /// It is being sent, or waits for a connection.
    Pending,
    /// The server refused it.
    Failed {
        /// The reason.
        reason: String,
        /// Whether a text was refused, and no deletion.
        has_text: bool,
    },
}

/// What the rows depend on besides the events: the reader, the marks, the time zone, and the texts.
#[derive(Clone, Copy)]
pub struct RowContext<'a> {
    /// The reader under their present name.
    pub me: &'a Person,
    /// All member ids that the reader has had in this room.
    pub own_ids: &'a SortedSet<MemberId>,
    /// The only other person of a room for two. That person's messages do not show their author.
    pub companion: Option<MemberId>,
    /// The marks below the reader's own messages.
    pub marks: &'a Marks,
    /// The first unread message. The line is put before it.
    pub first_unread: Option<RowKey>,
    /// The ordinal of the room's last message.
    pub last_n: u64,
    /// Whether messages are missing above the oldest event that this browser has.
    pub is_lost_above: bool,
    /// The index of the event before which messages are missing because a log was lost.
    pub gap_after_lost_log: Option<usize>,
    /// The reactions that the reader wants and that the log does not have yet.
    pub wanted_reactions: &'a [Draft],
    /// Returns the name of a member who is in the room.
    pub name_of: &'a dyn Fn(MemberId) -> Option<String>,
    /// Finds the message that a reply is to, if it is known here.
    pub quoted: &'a dyn Fn(Target) -> Option<&'a Message>,
    /// Returns the offset of the reader's time zone at a time, in minutes east of UTC.
    pub offset: &'a dyn Fn(Millis) -> i64,
    pub texts: &'static Texts,
}

/// Computes the rows of a range of events (`shown`). The first event of the range always gets a day heading. The
/// messages of the outbox follow only if the range reaches the end of the log. A change in the outbox is shown in its
/// message.
pub fn rows<'a>(
    events: &[Event],
    shown: Range<usize>,
    outbox: impl DoubleEndedIterator<Item = &'a Draft> + Clone,
    context: RowContext<'_>,
) -> Vec<(RowKey, Row)> {
    let is_me = |id: MemberId| context.own_ids.contains(&id);
    let quote_of = |target| Box::new(quote_line((context.quoted)(target), context.texts));
    let Range { start, end } = shown;
    let mut builder = Builder { rows: Vec::new(), day: None, last: None, context };
    let mut life = events[..start].windows(2).filter(|pair| pair[1].seq <= pair[0].seq).map(|_| 1).sum();
    let mut previous = start.checked_sub(1).map_or(0, |before| events[before].seq);
    let mut open_run: Option<(RowKey, ComingsAndGoings)> = None;
    if start == 0 && context.is_lost_above {
        builder.rows.push((RowKey::Hole(0, 0), Row::Hole(None)));
    }

    for (at, event) in (start..end).zip(&events[start..end]) {
        let has_hole = previous > 0 && event.seq > previous + 1;
        if event.seq <= previous {
            life += 1;
        }
        previous = event.seq;
        let is_gap = context.gap_after_lost_log == Some(at);
        if is_gap || has_hole && holes::is_missing(&events[..at], &events[at..], context.last_n) {
            builder.close(&mut open_run, is_me);
            let absence = events[..at].last().and_then(|before| holes::absence(before, event, is_me));
            builder.last = None;
            builder.rows.push((RowKey::Hole(life, event.seq), Row::Hole(absence)));
        }
        if matches!(event.kind, EventKind::Other(..)) {
            continue;
        }
        let day = day_of(event.at, (context.offset)(event.at));
        if builder.day != Some(day) || !open_run.as_mut().is_some_and(|(_, run)| run.add(&event.kind)) {
            builder.close(&mut open_run, is_me);
            builder.start_day(day, RowKey::Day(life, event.seq));
            if let Some(message) = event.message() {
                builder.unread(RowKey::of(message));
                let target = Target { seq: event.seq, id: message.id };
                let mine = reacted(message, target, context.own_ids, context.wanted_reactions);
                let own = is_me(message.author.id);
                let mut row = MessageRow {
                    id: message.id,
                    own,
                    author: message.author.clone(),
                    body: message.body.clone(),
                    mentioned: mentioned(&message.mentioned(), own, is_me),
                    edited: message.edited.is_some(),
                    deleted: message.deleted.as_ref().map(|by| {
                        if by.id == message.author.id {
                            context.texts.timeline.deleted().into()
                        } else {
                            context.texts.timeline.deleted_by(&isolate_name(by.name.as_str())).into()
                        }
                    }),
                    quote: message.reply_to.map(quote_of),
                    chips: chips(message, mine, context.own_ids, context.name_of),
                    at: Some(event.at),
                    opens: true,
                    signed: false,
                    closes: true,
                    delivery: Delivery::Sent,
                    mark: None,
                };
                if let Some(change) = outbox.clone().rfind(|draft| draft.kind.target() == Some(target)) {
                    row.delivery = delivery(change, context.texts);
                    if row.deleted.is_none() {
                        row.change_to(change, mentioned(&change.mentions, own, is_me), context.texts);
                    }
                }
                builder.message(row);
            } else if let Some(sentence) = notices::sentence(context.texts, &event.kind, is_me) {
                builder.notice(RowKey::Notice(life, event.seq), sentence);
            } else {
                let mut run = ComingsAndGoings::default();
                run.add(&event.kind);
                open_run = Some((RowKey::Notice(life, event.seq), run));
            }
        }
    }
    builder.close(&mut open_run, is_me);

    // A refused change of a message that is not loaded has a row of its own, so that it can be given up.
    let is_seen = |target: Target| events.iter().any(|event| event.message().is_some_and(|said| said.id == target.id));
    let is_elsewhere =
        |draft: &Draft| matches!(draft.state, DraftState::Failed(_)) && !draft.kind.target().is_some_and(is_seen);
    let has_row = |draft: &&Draft| draft.kind.target().is_none() || is_elsewhere(draft);
    for draft in outbox.take_while(|_| end == events.len()).filter(has_row) {
        let mut row = MessageRow {
            id: draft.id,
            author: context.me.clone(),
            own: true,
            body: draft.body.clone(),
            mentioned: mentioned(&draft.mentions, true, is_me),
            edited: false,
            deleted: None,
            quote: draft.kind.reply_to().map(quote_of),
            chips: Vec::new(),
            at: if let DraftState::Sent(ack) = draft.state { Some(ack.at) } else { None },
            opens: true,
            signed: false,
            closes: true,
            delivery: delivery(draft, context.texts),
            mark: None,
        };
        row.change_to(draft, mentioned(&draft.mentions, true, is_me), context.texts);
        builder.message(row);
    }
    builder.rows
}

fn delivery(draft: &Draft, texts: &Texts) -> Delivery {
    match &draft.state {
        DraftState::Pending => Delivery::Pending,
        DraftState::Sent(_) => Delivery::Sent,
        DraftState::Failed(problem) => {
            Delivery::Failed { reason: texts.problem(problem), has_text: !matches!(draft.kind, DraftKind::Delete(_)) }
        }
    }
}

impl MessageRow {
    /// Shows the message as this draft changes it.
    fn change_to(&mut self, draft: &Draft, mentioned: Box<[Mentioned]>, texts: &Texts) {
        match draft.kind {
            DraftKind::Edit { .. } => {
                self.body.clone_from(&draft.body);
                self.mentioned = mentioned;
                self.edited = true;
            }
            DraftKind::Delete(_) => {
                self.deleted = Some(texts.timeline.deleted().into());
                self.quote = None;
                self.chips.clear();
            }
            DraftKind::Message | DraftKind::Reply(_) | DraftKind::React { .. } => {}
        }
    }
}

fn quote_line(quoted: Option<&Message>, texts: &Texts) -> QuoteLine {
    let Some(message) = quoted else {
        return QuoteLine { author: None, text: texts.timeline.earlier_message().to_owned() };
    };
    let text = match message.deleted {
        Some(_) => texts.timeline.deleted().to_owned(),
        None => markdown::plain(message.body.as_str()).chars().take(PREVIEW_CHARS).collect(),
    };
    QuoteLine { author: Some(message.author.name.to_string()), text }
}

struct Builder<'a> {
    rows: Vec<(RowKey, Row)>,
    day: Option<i64>,
    /// When the message in the last row was sent. `None` if the last row is no message.
    last: Option<Millis>,
    context: RowContext<'a>,
}

impl Builder<'_> {
    fn start_day(&mut self, day: i64, key: RowKey) {
        if self.day != Some(day) {
            self.day = Some(day);
            self.last = None;
            self.rows.push((key, Row::Day(day)));
        }
    }

    /// Adds the line before this message if it is the first unread one.
    fn unread(&mut self, key: RowKey) {
        if self.context.first_unread == Some(key) {
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
        row.signed = row.opens && !row.own && self.context.companion != Some(row.author.id);
        self.last = Some(row.at.or(self.last).unwrap_or_default());
        let key = RowKey::Message(row.author.id, row.id);
        row.mark = self.context.marks.of(key);
        self.rows.push((key, Row::Message(row)));
    }

    fn notice(&mut self, key: RowKey, sentence: String) {
        self.last = None;
        self.rows.push((key, Row::Notice(sentence)));
    }

    fn close(&mut self, open_run: &mut Option<(RowKey, ComingsAndGoings)>, is_me: impl Fn(MemberId) -> bool) {
        if let Some((key, run)) = open_run.take() {
            self.notice(key, run.sentence(self.context.texts, is_me));
        }
    }
}
