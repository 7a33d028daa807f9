//! What stands under the reader's own messages: how far they have come. Only two carry a mark, the last that is in the log
//! and the last that others have read, so that a mark that moves touches two rows.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    protocol::{Event, MemberId, Replica, RoomType, Seq, limits::READ_MARK_MEMBERS},
    ui::texts::Texts,
};

use super::{names::isolated, notices::listed, rows::RowKey};

/// Readers whom a mark names. More of them are counted, and listed on demand.
const NAMED: usize = 3;

/// A mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What it says.
    pub text: String,
    /// Whether there is a list of who has read.
    pub has_list: bool,
}

/// Which messages carry a mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    sent: Option<(RowKey, Mark)>,
    seen: Option<(RowKey, Mark)>,
    /// Who has read the one that others have read.
    pub readers: Vec<MemberId>,
}

impl Marks {
    /// Finds them, from how far everybody has read.
    pub fn find(replica: &Replica, mine: &BTreeSet<MemberId>, reads: &BTreeMap<MemberId, Seq>, texts: &Texts) -> Self {
        let members = &replica.state.members;
        let is_told = members.len() <= READ_MARK_MEMBERS;
        let others = || reads.iter().filter(|(id, _)| is_told && !mine.contains(id) && members.contains_key(id));
        let furthest = others().map(|(_, read)| *read).max().unwrap_or_default();

        let mut newer = Seq::MAX;
        // Seqs of an earlier life of the log mean nothing to those who read now.
        let of_this_life = replica.events.iter().rev().take_while(|event| {
            let follows = event.seq < newer;
            newer = event.seq;
            follows
        });
        let own = |event: &Event| event.message().filter(|message| mine.contains(&message.author.id)).map(RowKey::of);
        let mut own = of_this_life.filter_map(|event| Some((event.seq, own(event)?)));
        let Some(last) = own.next() else { return Self::default() };
        let seen = if last.0 <= furthest { Some(last) } else { own.find(|(seq, _)| *seq <= furthest) };

        let sent = Mark { text: texts.timeline.sent().to_owned(), has_list: false };
        let sent = (seen != Some(last)).then_some((last.1, sent));
        let Some((seq, key)) = seen else { return Self { sent, ..Self::default() } };
        let readers: Vec<MemberId> = others().filter(|(_, read)| **read >= seq).map(|(id, _)| *id).collect();
        let has_list = readers.len() > NAMED;
        let text = if replica.room.room_type == RoomType::P2p {
            texts.timeline.seen().to_owned()
        } else if has_list {
            texts.timeline.seen_by(&readers.len().to_string())
        } else {
            let name = |id| members.get(id).map(|member| isolated(member.name.as_str()));
            let names: Vec<String> = readers.iter().filter_map(name).collect();
            texts.timeline.seen_by(&listed(&texts.notices, &names))
        };
        Self { sent, seen: Some((key, Mark { text, has_list })), readers }
    }

    /// The mark of a message.
    pub fn of(&self, key: RowKey) -> Option<Mark> {
        let marks = [&self.sent, &self.seen];
        marks.into_iter().flatten().find(|(of, _)| *of == key).map(|(_, mark)| mark.clone())
    }
}
