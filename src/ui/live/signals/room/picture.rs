//! Copies the state of a room in the model into the signals of [`LiveRoom`].
//!
//! [`Drawing::picture`] computes a [`Picture`], and [`LiveRoom::copy`] sets the signals that differ from it.
//! [`PageSocket`](super::super::PageSocket) calls it at most once per animation frame, so a burst of frames costs one
//! redraw. Rows and members are computed only if the room says that they may have changed.

use leptos::{prelude::*, task::spawn_local};
use litemap::LiteMap;

use crate::{
    protocol::{
        Event, Member, MemberId, Message, Millis, Nickname, Notify, Person, Problem, Quotes, Replica, Retention, Role,
        RoomName, RoomType, You,
        markdown::plain,
        sorted::{SortedSet, sort_by_key},
    },
    ui::{
        browser,
        timeline::{Marks, Row, RowContext, RowKey, is_lost_above, rows, sentence, strip_isolates},
    },
};

use super::{
    super::{
        super::model::{Ending, Incident, LocalRoom, RoomList, Status},
        page_socket::put,
        rest,
    },
    Drawing, Entry, LiveRoom, MemberLine,
};

/// Everything that the page shows of a room, at one moment. `None` in `rows` and `members` means unchanged.
#[expect(clippy::struct_excessive_bools, reason = "each belongs to a signal of its own")]
pub(super) struct Picture {
    pub(super) name: Option<RoomName>,
    pub(super) retention: Retention,
    pub(super) peek: bool,
    pub(super) you: You,
    pub(super) rows: Option<Vec<(RowKey, Row)>>,
    pub(super) readers: Vec<Person>,
    pub(super) members: Option<Vec<MemberLine>>,
    pub(super) typists: Vec<Nickname>,
    pub(super) ending: Option<Ending>,
    /// Until when the room was up to date. `None` while it is.
    pub(super) stale_since: Option<Millis>,
    pub(super) has_earlier: bool,
    pub(super) has_later: bool,
    /// Messages of others that no picture had before.
    pub(super) news: Vec<Message>,
    /// Sentences about other incidents, for screen readers.
    pub(super) incidents: Vec<String>,
    pub(super) has_read_all: bool,
    /// Why a reaction was refused since the last picture.
    pub(super) refused_reaction: Option<Problem>,
}

impl LiveRoom {
    pub(super) fn copy(self, status: Status) {
        let Some(at_end) = self.at_end.try_get_untracked() else { return };
        let picture = self.drawing.try_update_value(|drawing| self.edit(|room| drawing.picture(room, at_end, status)));
        let Some(Some(picture)) = picture else { return };
        if let Some(rows) = picture.rows {
            self.show(rows);
            put(self.readers, picture.readers);
            self.ask_for_quotes();
        }
        put(self.name, picture.name);
        put(self.retention, picture.retention);
        put(self.peek, picture.peek);
        put(self.you, picture.you);
        if let Some(members) = picture.members {
            put(self.members, members);
        }
        put(self.typists, picture.typists);
        put(self.ending, picture.ending);
        put(self.stale_since, picture.stale_since);
        put(self.has_earlier, picture.has_earlier);
        put(self.has_later, picture.has_later);
        self.announce(&picture.news, picture.incidents);
        if picture.refused_reaction.is_some() {
            put(self.refused_reaction, picture.refused_reaction);
        }
        if picture.has_read_all {
            put(self.unseen, 0);
            put(self.missed, 0);
        }
    }

    /// Updates the rows. A row with a known key keeps its signal, unless the words of its message changed: that is
    /// rare, and so a message needs no part that follows its words. The list itself is set only if the sequence of keys
    /// changed, or an edition.
    pub(super) fn show(self, rows: Vec<(RowKey, Row)>) {
        let mut known = LiteMap::new_vec();
        self.entries.with_untracked(|entries| {
            for entry in entries {
                known.insert(entry.key, entry.clone());
            }
        });
        let mut next = Vec::with_capacity(rows.len());
        for (key, row) in rows {
            let entry = match known.remove(&key) {
                Some(entry) if entry.row.with_untracked(|current| current.has_same_words(&row)) => {
                    if entry.row.with_untracked(|current| *current != row) {
                        entry.row.set(row);
                    }
                    entry
                }
                known => Entry { key, edition: known.map_or(0, |entry| entry.edition + 1), row: ArcRwSignal::new(row) },
            };
            next.push(entry);
        }
        let identity = |entry: &Entry| (entry.key, entry.edition);
        let same = self.entries.with_untracked(|entries| entries.iter().map(identity).eq(next.iter().map(identity)));
        if !same {
            self.entries.set(next);
        }
    }

    /// Asks the server for messages that replies on the page are to, and that the page does not have.
    fn ask_for_quotes(self) {
        let unknown = self.edit(LocalRoom::take_unknown_quotes).unwrap_or_default();
        if unknown.is_empty() {
            return;
        }
        spawn_local(async move {
            if let Ok(Quotes { quotes }) = rest::quotes(self.code, &unknown).await {
                self.edit(|room| room.add_quotes(quotes));
                self.socket.draw_soon();
            }
        });
    }

    /// Announces the newest message and the incidents, and counts messages that arrived out of sight.
    fn announce(self, news: &[Message], incidents: Vec<String>) {
        let message = |newest: &Message| {
            let body = plain(newest.body.as_str());
            self.texts.timeline.news(news.len(), newest.author.name.as_str(), &body)
        };
        let all: Vec<String> = incidents.into_iter().chain(news.last().map(message)).collect();
        if !all.is_empty() {
            self.announcement.say(all.join(". "));
        }
        if news.is_empty() {
            return;
        }
        if !self.at_end.get_untracked() {
            self.unseen.update(|unseen| *unseen += news.len());
        }
        if !browser::is_likely_read() {
            let counted = self.you.with_untracked(|you| {
                let calls = |message: &&Message| message.calls(|id| you.ids().any(|own| own == id));
                match self.notify() {
                    Some(Notify::None) => 0,
                    Some(Notify::Mentions) => news.iter().filter(calls).count(),
                    Some(Notify::All) | None => news.len(),
                }
            });
            self.missed.update(|missed| *missed += counted);
        }
    }

    /// Which messages of this room cause a notice, if that is set for the room.
    fn notify(self) -> Option<Notify> {
        let of_room = |list: &mut RoomList| list.rooms().iter().find(|room| room.code == self.code)?.notify;
        self.socket.client.try_update_value(|client| client.list_mut().and_then(of_room)).flatten()
    }
}

impl Drawing {
    pub(super) fn picture(&mut self, room: &mut LocalRoom, at_end: bool, status: Status) -> Picture {
        let changed = room.take_changed();
        let news = room.take_news();
        let incidents = room.take_incidents();
        let refused_reaction = room.take_refused_reaction();
        let stale_since = room.stale_since(browser::time());
        room.follow_shown_events(at_end);
        let is_live = matches!(status, Status::Live | Status::Blocked);
        let people_changed = room.take_people_changed() || is_live != self.was_live;
        self.was_live = is_live;
        let replica = room.replica();
        let me = Person { id: replica.you.member_id, name: replica.you.nickname.clone() };
        let own_ids = room.own_ids();
        let none = LiteMap::new();
        let reads = if self.shows_read { room.reads() } else { &none };
        if changed {
            let departed = if self.shows_read { room.departed() } else { &[] };
            self.marks = Marks::find(replica, own_ids, reads, departed, &self.marks, self.texts);
        }
        let marks = &self.marks;
        let offset =
            |at: Millis| self.server_time.as_ref().map_or_else(|| browser::local_offset(at), |local| local.offset(at));
        let companion = companion(replica, own_ids);
        let context = RowContext {
            me: &me,
            own_ids,
            companion,
            marks,
            first_unread: room.unread().first(),
            last_n: replica.state.last_n,
            is_lost_above: is_lost_above(replica),
            gap_after_lost_log: replica.gap_after_lost_log(),
            wanted_reactions: room.wanted_reactions(),
            name_of: &|id| Some(replica.state.members.get(&id)?.name.to_string()),
            quoted: &|target| replica.quoted(target),
            offset: &offset,
            texts: self.texts,
        };
        let line = |(id, member): (&MemberId, &Member)| MemberLine {
            id: *id,
            name: member.name.clone(),
            is_you: context.own_ids.contains(id),
            is_owner: *id == replica.state.owner,
            since: member.since,
            connected: replica.connected.contains(id) || (context.own_ids.contains(id) && is_live),
        };
        let incident = |incident: Incident| match incident {
            Incident::Event(kind) => {
                sentence(self.texts, &kind, |id| context.own_ids.contains(&id)).map(|text| strip_isolates(&text))
            }
            Incident::Refused(problem) => Some(self.texts.timeline.not_sent(&self.texts.problem(&problem))),
        };
        let members = people_changed.then(|| {
            let mut members: Vec<MemberLine> = replica.state.members.iter().map(line).collect();
            if self.server_time.is_none() {
                members = browser::by_language(members, |member| member.name.as_str());
            } else {
                // Until hydration the members stand in an order that server and browser compute alike. The order of the
                // reader's language differs between the two.
                members =
                    browser::sorted_by(members, |member| browser::without_accents(member.name.as_str()), Ord::cmp);
            }
            sort_by_key(&mut members, |member| (!member.is_you, !member.connected));
            members
        });
        let role = if own_ids.contains(&replica.state.owner) { Role::Owner } else { Role::Member };
        Picture {
            name: replica.state.name.clone(),
            retention: replica.state.retention,
            peek: replica.state.peek,
            you: You { role, ..replica.you.clone() },
            rows: changed.then(|| rows(&replica.events, room.shown_events().range(), replica.outbox.iter(), context)),
            readers: if changed && self.server_time.is_none() && marks.readers.len() > 1 {
                browser::by_language(marks.readers.clone(), |reader| reader.name.as_str())
            } else {
                marks.readers.clone()
            },
            members,
            typists: room.typists().cloned().collect(),
            ending: room.ending().cloned(),
            stale_since,
            has_earlier: replica.has_more || room.shown_events().has_above(),
            has_later: room.shown_events().has_below(),
            news,
            incidents: incidents.into_iter().filter_map(incident).collect(),
            has_read_all: room.has_read_all(),
            refused_reaction,
        }
    }
}

/// The only other person of a room for two: the other member, or whoever else spoke last while the reader is alone.
fn companion(replica: &Replica, own_ids: &SortedSet<MemberId>) -> Option<MemberId> {
    if replica.room.room_type != RoomType::P2p {
        return None;
    }
    let is_other = |id: &MemberId| !own_ids.contains(id);
    let said_by = |event: &Event| Some(event.message()?.author.id).filter(is_other);
    let member = replica.state.members.keys().copied().find(is_other);
    member.or_else(|| replica.events.iter().rev().find_map(said_by))
}
