//! The marks below the reader's own messages: "Sent" and "Seen".
//!
//! At most two messages have a mark: the newest own message in the log, and the newest own message that others have
//! read. When a mark moves, two rows change, and not all of them.

use litemap::LiteMap;

use crate::{
    protocol::{
        Event, EventKind, MemberId, Person, Replica, Retention, RoomType, Seq, limits::READ_MARK_MEMBERS,
        sorted::SortedSet,
    },
    ui::texts::Texts,
};

use super::{key::RowKey, names::isolate_name, notices::listed};

/// The most readers that a mark names. If there are more, it shows their number and opens a list.
const NAMED: usize = 3;

/// The read position of another member, or of a former one, if they show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    pub person: Person,
    /// The seq at which the member joined. Messages before it that were not kept are not visible to this member.
    pub since: Seq,
    /// The seq up to which the member has read.
    pub read: Seq,
}

impl Reader {
    /// Whether this reader has read a message that was visible to them.
    fn has_read(&self, message: &Own) -> bool {
        self.read >= message.seq && (message.is_for_all || self.since <= message.seq)
    }
}

/// A message that the reader of this page has written.
#[derive(Clone, Copy)]
struct Own {
    seq: Seq,
    key: RowKey,
    /// Whether members who joined later can see it too.
    is_for_all: bool,
}

/// The mark below a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub text: String,
    /// Whether a click on the mark opens the list of readers.
    pub has_list: bool,
}

/// The messages that have a mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    sent: Option<(RowKey, Mark)>,
    seen: Option<(RowKey, Mark)>,
    /// The readers of the newest message that others have read.
    pub readers: Vec<Person>,
}

impl Marks {
    /// Computes the marks from the read positions of the members (`reads`) and of former members (`departed`).
    ///
    /// A "Seen" that was shown `before` is never withdrawn: it moves to a later message or gets more readers, but stays
    /// when a reader leaves or when the log starts another life. `own_ids` are all member ids that the reader has had
    /// in this room. In a room with more than [`READ_MARK_MEMBERS`] members no further reads are shown.
    pub fn find(
        replica: &Replica,
        own_ids: &SortedSet<MemberId>,
        reads: &LiteMap<MemberId, Seq>,
        departed: &[Reader],
        before: &Self,
        texts: &Texts,
    ) -> Self {
        let members = &replica.state.members;
        let is_told = members.len() <= READ_MARK_MEMBERS;
        let here = reads.iter().filter_map(|(id, read)| {
            let member = members.get(id)?;
            Some(Reader { person: Person { id: *id, name: member.name.clone() }, since: member.since, read: *read })
        });
        let others = here.chain(departed.iter().cloned());
        let others: Vec<Reader> = others.filter(|reader| is_told && !own_ids.contains(&reader.person.id)).collect();

        let mut own = own_messages(replica, own_ids);
        let last = own.next();
        let is_read = |message: &Own| others.iter().any(|reader| reader.has_read(message));
        let seen = if others.is_empty() { None } else { last.into_iter().chain(own).find(is_read) };
        let (key, mut readers) = match (seen, &before.seen) {
            (Some(seen), Some((key, _))) if seen.key != *key && is_later(replica, *key, seen.key) => {
                (Some(*key), Vec::new())
            }
            (Some(seen), _) => (Some(seen.key), people(others.iter().filter(|reader| reader.has_read(&seen)))),
            (None, before) => (before.as_ref().map(|(key, _)| *key), Vec::new()),
        };
        if before.seen.as_ref().map(|(key, _)| *key) == key {
            let missing = |person: &&Person| readers.iter().all(|reader: &Person| reader.id != person.id);
            let missing: Vec<Person> = before.readers.iter().filter(missing).cloned().collect();
            readers.extend(missing);
        }

        let sent = Mark { text: texts.timeline.sent().to_owned(), has_list: false };
        let sent = last.filter(|last| Some(last.key) != key).map(|last| (last.key, sent));
        let Some(key) = key else { return Self { sent, ..Self::default() } };
        let has_list = readers.len() > NAMED;
        let text = if replica.room.room_type == RoomType::P2p {
            texts.timeline.seen().to_owned()
        } else if has_list {
            texts.timeline.seen_by(&readers.len().to_string())
        } else {
            let names: Vec<String> = readers.iter().map(|reader| isolate_name(reader.name.as_str())).collect();
            texts.timeline.seen_by(&listed(&texts.notices, &names))
        };
        Self { sent, seen: Some((key, Mark { text, has_list })), readers }
    }

    /// The mark of this message, if it has one.
    pub fn of(&self, key: RowKey) -> Option<Mark> {
        let marks = [&self.sent, &self.seen];
        marks.into_iter().flatten().find(|(of, _)| *of == key).map(|(_, mark)| mark.clone())
    }
}

/// The reader's own messages, newest first, from the current life of the log only. Read positions are seqs of this life
/// and cannot be compared with seqs of an earlier one.
fn own_messages<'a>(replica: &'a Replica, own_ids: &'a SortedSet<MemberId>) -> impl Iterator<Item = Own> + 'a {
    let mut newer = Seq::MAX;
    let of_this_life = replica.events.iter().rev().take_while(move |event| {
        let follows = event.seq < newer;
        newer = event.seq;
        follows
    });
    let is_group = replica.room.room_type == RoomType::Group;
    let mut is_kept = replica.state.retention == Retention::Preserved;
    of_this_life.filter_map(move |event: &Event| match &event.kind {
        EventKind::Message(message) if own_ids.contains(&message.author.id) => {
            Some(Own { seq: event.seq, key: RowKey::of(message), is_for_all: is_kept && is_group })
        }
        EventKind::RetentionChanged { retention, .. } => {
            is_kept = *retention == Retention::Ephemeral;
            None
        }
        _ => None,
    })
}

/// The persons of these readers without duplicates. A person who left and came back is in the input twice.
fn people<'a>(readers: impl Iterator<Item = &'a Reader>) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    for Reader { person, .. } in readers {
        if people.iter().all(|known| known.id != person.id) {
            people.push(person.clone());
        }
    }
    people
}

/// Whether message `one` is below message `other` in the timeline.
fn is_later(replica: &Replica, one: RowKey, other: RowKey) -> bool {
    let mut newest_first = replica.events.iter().rev().filter_map(Event::message).map(RowKey::of);
    newest_first.find(|key| *key == one || *key == other) == Some(one)
}
