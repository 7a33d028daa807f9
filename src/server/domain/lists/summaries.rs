//! The summary of a room that one member sees (`RoomSummary`), computed from what is known of the room.
//!
//! If both the digest and the store's overview are known, the one with the later head is used. Everything here is
//! computed from values, without reads.

use super::{super::messages::may_see_kept, known::Known};
use crate::{
    protocol::{
        Companion, Event, EventKind, Message, Millis, Newcomer, Notify, Person, Preview, Retention, RoomSummary,
        RoomType, Seq, Snapshot,
    },
    server::{
        bus::{Call, Digest},
        room::is_mentioned,
        store::{Gone, MemberRecord, Overview, RoomRecord},
        text,
    },
};

impl Known {
    /// The summary of the room for the member `me`.
    pub fn summary(&self, room: &RoomRecord, me: &MemberRecord, now: Millis) -> RoomSummary {
        let mut summary = RoomSummary {
            code: room.code,
            room_type: room.room_type,
            name: room.name.clone(),
            retention: room.retention,
            members: 1,
            other: None,
            head: me.since,
            at: room.touched_at,
            last: None,
            newcomer: None,
            unread: 0,
            mentioned: false,
            mention: 0,
            muted: me.notify == Some(Notify::None),
            notify: me.notify,
        };
        match (&self.digest, &self.archived) {
            (Some(digest), Some(archived)) if digest.head < archived.head.seq && is_kept(room) => {
                self.tell_archived(&mut summary, archived, room, me, now);
            }
            (Some(digest), _) => self.tell_digest(&mut summary, digest, me, now),
            (None, Some(archived)) => self.tell_archived(&mut summary, archived, room, me, now),
            (None, None) => {}
        }
        summary
    }

    fn tell_digest(&self, summary: &mut RoomSummary, digest: &Digest, me: &MemberRecord, now: Millis) {
        summary.name.clone_from(&digest.name);
        summary.retention = digest.retention;
        // The room's task may have published a digest before its creator was counted. A member who lists the room is in
        // it, so there is at least one.
        summary.members = digest.members.max(1);
        summary.other = self.companion(summary.room_type, &digest.pair, me, now);
        summary.head = digest.head;
        summary.at = summary.at.max(digest.at);
        let message = digest.message.as_ref();
        let message = message.filter(|message| may_see(summary.room_type, digest.retention, me, message.seq));
        summary.last = message.map(|message| Preview {
            seq: message.seq,
            author: message.author.name.clone(),
            mine: me.is(message.author.id),
            text: message.text.clone(),
            deleted: message.deleted,
        });
        if summary.last.is_none()
            && let Some(archived) = self.archived.as_ref().filter(|archived| archived.head.seq == digest.head)
        {
            // The room's task read back too little of the log to have the last message, so the store's is used.
            let message = last_archived(archived).filter(|(seq, _)| may_see_kept(summary.room_type, me, *seq));
            summary.last = message.map(|(seq, message)| preview(seq, message, me));
        }
        summary.newcomer = digest.newcomer.as_ref().and_then(|(seq, person)| newcomer(*seq, person, me));
        let is_own = digest.message.as_ref().is_some_and(|message| me.is(message.author.id));
        let last = digest.message.as_ref().map_or(digest.head, |message| message.seq);
        summary.unread = if is_own { 0 } else { unread(me, digest.n, last, &digest.gone) };
        if summary.unread > 0 {
            summary.mention = self.last_call(me);
            summary.mentioned = summary.mention > 0 || self.was_named(me);
        }
    }

    fn tell_archived(
        &self,
        summary: &mut RoomSummary,
        archived: &Overview,
        room: &RoomRecord,
        me: &MemberRecord,
        now: Millis,
    ) {
        summary.members = archived.members;
        summary.other = self.companion(summary.room_type, &archived.pair, me, now);
        summary.head = summary.head.max(archived.head.seq);
        summary.at = summary.at.max(archived.at);
        if !is_kept(room) {
            // The room is ephemeral: the store knows nothing of its current messages.
            return;
        }
        let message = last_archived(archived);
        let shown = message.filter(|(seq, _)| may_see_kept(room.room_type, me, *seq));
        summary.last = shown.map(|(seq, message)| preview(seq, message, me));
        let is_own = message.is_some_and(|(_, message)| me.is(message.author.id));
        let last = message.map_or(archived.head.seq, |(seq, _)| seq);
        summary.unread = if is_own { 0 } else { unread(me, archived.head.n, last, &archived.gone) };
        if summary.unread > 0 {
            let unread = message.filter(|(_, message)| message.n > me.read_n);
            let called = unread.filter(|(_, message)| calls(message, me)).map_or(0, |(seq, _)| seq);
            summary.mention = called.max(self.last_call(me));
            let is_named = unread.is_some_and(|(_, message)| names(message, me));
            summary.mentioned = summary.mention > 0 || is_named || self.was_named(me);
        }
    }

    fn companion(&self, of: RoomType, pair: &[Person], me: &MemberRecord, now: Millis) -> Option<Companion> {
        let other = pair.iter().find(|person| person.id != me.member).filter(|_| of == RoomType::P2p)?;
        let connected = self.digest.as_ref().is_some_and(|digest| digest.is_here(other.id, now));
        Some(Companion { id: Some(other.id), name: other.name.clone(), connected })
    }

    /// Whether an unread message contains the member's name.
    fn was_named(&self, me: &MemberRecord) -> bool {
        let Some(digest) = &self.digest else { return false };
        let names = &mut digest.mentions.names.iter();
        names.any(|(member, n)| me.is(*member) && *n > me.read_n && !digest.gone.contains(*n))
    }

    /// The seq of the last unread message that mentions the member or everyone. 0 if there is none. What was said
    /// before the member joined is nothing to them.
    fn last_call(&self, me: &MemberRecord) -> Seq {
        let Some(digest) = self.digest.as_ref().filter(|_| me.since > 0) else { return 0 };
        let own = digest.mentions.calls.iter().filter(|(member, _)| me.is(*member)).map(|(_, call)| *call);
        let is_unread = |call: &Call| call.n > me.read_n && call.seq > me.since && !digest.gone.contains(call.n);
        own.chain(digest.mentions.everyone).filter(is_unread).map(|call| call.seq).max().unwrap_or(0)
    }
}

/// The summary of a guest's room, from a snapshot of it.
pub(super) fn of_snapshot(snapshot: &Snapshot, room: &RoomRecord, me: &MemberRecord) -> RoomSummary {
    let newest = || snapshot.events.iter().rev();
    let messages = || newest().filter_map(|event| Some((event.seq, event.message()?)));
    let last = messages().next().filter(|(_, message)| message.n == snapshot.last_n);
    // The room's task has the newest read position. A guest's record in the store gets it only when the guest leaves.
    let read = snapshot.you.read;
    let reaches_back = snapshot.events.first().is_none_or(|event| event.seq <= read + 1);
    let gone = messages().filter(|(seq, message)| *seq > read && message.deleted.is_some()).count() as u64;
    let unread = match messages().take_while(|(seq, _)| *seq > read).last() {
        Some((_, message)) if reaches_back => snapshot.last_n + 1 - message.n - gone,
        Some(_) => unread(me, snapshot.last_n, snapshot.head, &room.gone),
        None => 0,
    };
    let new = || messages().take_while(|(seq, _)| *seq > read && unread > 0);
    let mention = new().find(|(_, message)| calls(message, me)).map_or(0, |(seq, _)| seq);
    let joined = newest().find_map(|event| match &event.kind {
        EventKind::Joined { member } => Some((event.seq, member)),
        _ => None,
    });
    let other = snapshot.members.iter().find(|person| person.id != me.member);
    let other = other.filter(|_| room.room_type == RoomType::P2p);
    RoomSummary {
        code: room.code,
        room_type: room.room_type,
        name: snapshot.room.name.clone(),
        retention: snapshot.room.retention,
        members: u32::try_from(snapshot.members.len()).unwrap_or(u32::MAX),
        other: other.map(|person| Companion {
            id: Some(person.id),
            name: person.name.clone(),
            connected: snapshot.connected.contains(&person.id),
        }),
        head: snapshot.head,
        at: newest().find(|event| !event.kind.is_touch()).map_or(0, |event| event.at).max(room.touched_at),
        last: last.map(|(seq, message)| preview(seq, message, me)),
        newcomer: joined.and_then(|(seq, person)| newcomer(seq, person, me)),
        unread,
        mentioned: mention > 0 || new().any(|(_, message)| names(message, me)),
        mention,
        muted: me.notify == Some(Notify::None),
        notify: me.notify,
    }
}

/// Whether a message mentions the member.
fn calls(message: &Message, me: &MemberRecord) -> bool {
    message.calls(|id| me.is(id))
}

/// Whether a message of somebody else contains the member's name.
fn names(message: &Message, me: &MemberRecord) -> bool {
    !me.is(message.author.id) && is_mentioned(&me.name, message.body.as_str())
}

/// Sorts summaries for display: the latest activity first.
pub(super) fn newest_first(mut rooms: Vec<RoomSummary>) -> Vec<RoomSummary> {
    rooms.sort_by_key(|room| (std::cmp::Reverse(room.at), room.code));
    rooms
}

fn is_kept(room: &RoomRecord) -> bool {
    room.retention == Retention::Preserved
}

/// Whether a member may see a message in the list. Preserved messages: everybody (in a room for two, only since the
/// member's stay began). Ephemeral messages: only those since the member joined.
fn may_see(room_type: RoomType, retention: Retention, me: &MemberRecord, seq: Seq) -> bool {
    match retention {
        Retention::Preserved => may_see_kept(room_type, me, seq),
        Retention::Ephemeral => me.since > 0 && seq >= me.since,
    }
}

/// The last message of the archive. `None` if later messages were sent that are not preserved.
fn last_archived(archived: &Overview) -> Option<(Seq, &Message)> {
    let event: &Event = archived.message.as_ref()?;
    Some((event.seq, event.message().filter(|message| message.n == archived.head.n)?))
}

fn preview(seq: Seq, message: &Message, me: &MemberRecord) -> Preview {
    Preview {
        seq,
        author: message.author.name.clone(),
        mine: me.is(message.author.id),
        text: text::preview(&message.body),
        deleted: message.deleted.is_some(),
    }
}

fn newcomer(seq: Seq, person: &Person, me: &MemberRecord) -> Option<Newcomer> {
    let is_news = me.since > 0 && seq > me.since && person.id != me.member;
    is_news.then(|| Newcomer { seq, name: person.name.clone() })
}

/// The number of messages that a member has not read, without the deleted ones, if the last message is not their own.
/// (Sending a message reads everything up to it, but the record gets that a moment later, so callers count 0 in that
/// case.)
///
/// `since` is 0 until the member's `Joined` is in the log, and then nothing is unread. Joining reads everything up to
/// the `Joined`, which the record also gets a moment later. Until then, each event after the `Joined` up to the last
/// message counts as one message: the count may be too high for a moment, but never too low.
fn unread(me: &MemberRecord, n: u64, last: Seq, gone: &Gone) -> u64 {
    match me.since {
        0 => 0,
        since if me.read < since => n.min(last.saturating_sub(since)),
        _ => n.saturating_sub(me.read_n).saturating_sub(gone.after(me.read_n)),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            known::Compared,
            samples::{ADA, ME, archived, digest, me, person, room},
        },
        *,
    };
    use crate::server::store::Head;

    fn summary(known: &Known, retention: Retention, me: &MemberRecord) -> RoomSummary {
        known.summary(&room(retention), me, 2_000)
    }

    #[test]
    fn a_room_that_told_of_itself_before_its_maker_was_in_has_one_member() {
        let early =
            Known::by(Digest { members: 0, message: None, newcomer: None, ..digest(Retention::Ephemeral, 0, 0) });
        assert_eq!(summary(&early, Retention::Ephemeral, &me()).members, 1);
    }

    #[test]
    fn a_digest_shows_what_is_unread_and_who_is_there() {
        let known = Known::by(digest(Retention::Ephemeral, 9, 5));
        let seen = summary(&known, Retention::Ephemeral, &me());
        assert_eq!((seen.unread, seen.head, seen.at, seen.members), (2, 9, 30, 2));
        assert_eq!(seen.last.unwrap().text, "Hello");
        assert_eq!(seen.other, Some(Companion { id: Some(person(ADA).id), name: person(ADA).name, connected: true }));
        assert_eq!(seen.newcomer, None, "that was the reader");
        let later = known.summary(&room(Retention::Ephemeral), &me(), 200_000);
        assert!(!later.other.unwrap().connected, "nobody said so for long");
    }

    #[test]
    fn of_a_room_that_keeps_nothing_only_what_was_said_since_joining_is_shown() {
        for (since, said, is_shown) in [(5, 4, false), (5, 5, true), (0, 5, false)] {
            let known = Known::by(digest(Retention::Ephemeral, said, 1));
            let seen = summary(&known, Retention::Ephemeral, &MemberRecord { since, ..me() });
            assert_eq!(seen.last.is_some(), is_shown, "joined at {since}, said at {said}");
        }
        for (room_type, stay, is_shown) in
            [(RoomType::Group, 0, true), (RoomType::P2p, 0, false), (RoomType::P2p, 3, true)]
        {
            let room = RoomRecord { room_type, ..room(Retention::Preserved) };
            let me = MemberRecord { stay, ..me() };
            let known = Known::by(digest(Retention::Preserved, 4, 1));
            assert_eq!(known.summary(&room, &me, 2_000).last.is_some(), is_shown, "{room_type:?} {stay}");
            let known = Known { archived: Some(archived(4, 1, "Hello")), ..Known::default() };
            assert_eq!(known.summary(&room, &me, 2_000).last.is_some(), is_shown, "{room_type:?} {stay}");
        }
    }

    #[test]
    fn who_has_just_joined_has_read_up_to_that_and_nothing_after_it() {
        let known = Known::by(digest(Retention::Preserved, 9, 5));
        for (since, read, read_n, unread) in [
            (0, 0, 0, 0),
            (9, 0, 0, 0),
            (8, 0, 0, 1),
            (5, 4, 2, 4),
            (2, 0, 0, 5),
            (5, 5, 2, 3),
            (5, 9, 5, 0),
            (5, 9, 7, 0),
        ] {
            let me = MemberRecord { since, read, read_n, ..me() };
            assert_eq!(summary(&known, Retention::Preserved, &me).unread, unread, "{since} {read} {read_n}");
        }
    }

    #[test]
    fn a_mention_counts_until_it_is_read() {
        let mut digest = digest(Retention::Preserved, 9, 5);
        digest.mentions.name(person(ME).id, 4);
        let known = Known::by(digest.clone());
        let seen = summary(&known, Retention::Preserved, &me());
        assert_eq!((seen.mentioned, seen.mention), (true, 0), "a name in a text is no call");
        assert!(!summary(&known, Retention::Preserved, &MemberRecord { read_n: 4, ..me() }).mentioned);

        let mentions = |digest: Digest, me: &MemberRecord| {
            let seen = summary(&Known::by(digest), Retention::Preserved, me);
            (seen.mentioned, seen.mention)
        };
        digest.mentions.call(person(ME).id, Call { n: 4, seq: 8 });
        assert_eq!(mentions(digest.clone(), &me()), (true, 8));
        assert_eq!(mentions(digest.clone(), &MemberRecord { read_n: 4, ..me() }), (false, 0));
        digest.mentions.call_everyone(Call { n: 5, seq: 9 });
        assert_eq!(mentions(digest.clone(), &MemberRecord { read_n: 4, ..me() }), (true, 9));
        assert_eq!(mentions(digest.clone(), &MemberRecord { since: 9, read: 9, read_n: 3, ..me() }).1, 0, "of before");
        digest.gone.add(5);
        assert_eq!(mentions(digest.clone(), &me()), (true, 8), "the last one was deleted");
    }

    #[test]
    fn the_last_message_of_the_archive_mentions_too() {
        let mut archived = archived(11, 7, "Hello");
        let Some(Event { kind: EventKind::Message(message), .. }) = &mut archived.message else { unreachable!() };
        message.mentions = vec![person(ME)];
        let known = Known { archived: Some(archived.clone()), ..Known::default() };
        let seen = summary(&known, Retention::Preserved, &me());
        assert_eq!((seen.mentioned, seen.mention), (true, 11));
        let known = Known { archived: Some(archived), ..Known::default() };
        assert_eq!(summary(&known, Retention::Preserved, &MemberRecord { read_n: 7, ..me() }).mention, 0);
    }

    #[test]
    fn the_store_knows_better_when_its_archive_is_longer() {
        let behind = digest(Retention::Preserved, 9, 5);
        let known = Known { archived: Some(archived(11, 7, "Where is bob?")), ..Known::by(behind) };
        let seen = summary(&known, Retention::Preserved, &me());
        assert_eq!((seen.unread, seen.head, seen.at, seen.mentioned), (4, 11, 40, true));
        assert_eq!(seen.last.unwrap().text, "Where is bob?");
        assert!(seen.other.unwrap().connected, "that the bus alone knows");

        let level = Known { digest: Some(digest(Retention::Preserved, 11, 7)), ..known };
        assert_eq!(summary(&level, Retention::Preserved, &me()).last.unwrap().text, "Hello");
    }

    #[test]
    fn of_a_room_that_keeps_nothing_the_store_knows_who_is_in_it_and_no_more() {
        let known = Known { archived: Some(archived(4, 2, "From a preserved time")), ..Known::default() };
        let seen = summary(&known, Retention::Ephemeral, &me());
        assert_eq!((seen.members, seen.unread, seen.last), (2, 0, None));
        assert_eq!(seen.other, Some(Companion { id: Some(person(ADA).id), name: person(ADA).name, connected: false }));
    }

    #[test]
    fn a_message_before_others_that_were_not_kept_is_not_the_last() {
        let mut archived = archived(4, 2, "Long ago");
        archived.head = Head { seq: 90, n: 40 };
        let known = Known { archived: Some(archived), ..Known::default() };
        let seen = summary(&known, Retention::Preserved, &me());
        assert_eq!((seen.last, seen.unread), (None, 37));
    }

    #[test]
    fn who_came_in_after_the_reader_is_news() {
        for (seq, who, is_news) in [(5, ADA, false), (6, ADA, true), (6, ME, false)] {
            let digest = Digest { newcomer: Some((seq, person(who))), ..digest(Retention::Preserved, 9, 5) };
            let seen = summary(&Known::by(digest), Retention::Preserved, &me());
            assert_eq!(seen.newcomer.is_some(), is_news, "{who} at {seq}");
        }
    }

    #[test]
    fn of_a_room_that_the_bus_forgot_what_is_kept_stays_and_what_is_not_is_gone() {
        for (retention, left) in [(Retention::Preserved, (2, "Hello")), (Retention::Ephemeral, (0, ""))] {
            let mut known = Known::by(digest(retention, 9, 5));
            assert_eq!(known.compare(Some(&digest(retention, 9, 5))), Compared::Same);
            assert_eq!(known.compare(None), Compared::Gone);
            let seen = summary(&known, retention, &me());
            assert_eq!((seen.unread, seen.last.as_ref().map_or("", |last| &last.text)), left);
            assert_eq!(seen.members, 2, "who is in it is no secret");
            assert_eq!(known.compare(None), Compared::Same, "once");
            assert_eq!(known.compare(Some(&digest(retention, 9, 5))) == Compared::Changed, left.0 == 0);
            assert_eq!(summary(&known, retention, &me()).unread, 2);
        }
    }
}
