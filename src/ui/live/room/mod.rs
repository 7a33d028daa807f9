//! A room for the pages: a [`Session`] in signals.

mod picture;
pub(super) mod server;
mod stretch;

use leptos::{prelude::*, task::spawn_local};

use crate::{
    protocol::{
        ClientId, EventKind, InvalidText, LocalTime, MemberId, MessageBody, Millis, Nickname, Person, Problem,
        Retention, RoomCode, RoomName, RoomType, Seq, Snapshot, You, limits::P2P_MEMBERS,
    },
    ui::{
        account::use_account,
        browser,
        clock::use_clock,
        texts::{Texts, use_texts},
        timeline::{Marks, Row, RowKey},
    },
};

use super::{
    Announcement, Ending, Status,
    act::Act,
    line::{Line, put},
    session::Session,
    tab::{self, Kept},
};
use stretch::Stretch;

/// A row with its own signal, so that a change of one does not touch the others.
#[derive(Clone)]
pub struct Entry {
    /// What makes it the same row.
    pub key: RowKey,
    /// The row.
    pub row: ArcRwSignal<Row>,
}

/// A member, for the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemberLine {
    /// Who.
    pub id: MemberId,
    /// What they are called.
    pub name: Nickname,
    /// Whether that is the reader.
    pub is_you: bool,
    /// Whether they own the room.
    pub is_owner: bool,
    /// Since when they are in it.
    pub since: Seq,
    /// Whether they have a connection now.
    pub connected: bool,
}

/// The room of the page.
#[derive(Clone, Copy)]
pub struct LiveRoom {
    line: Line,
    pub(super) desk: StoredValue<Desk>,
    /// Its code.
    pub code: RoomCode,
    /// How many it holds.
    pub room_type: RoomType,
    /// What it is called.
    pub name: RwSignal<Option<RoomName>>,
    /// How many days it stays when nobody visits it; 0 is for ever.
    pub kept_days: u32,
    /// Whether it keeps what is said.
    pub retention: RwSignal<Retention>,
    /// The reader.
    pub you: RwSignal<You>,
    /// The rows of the timeline.
    pub entries: RwSignal<Vec<Entry>>,
    /// Who is in the room.
    pub members: RwSignal<Vec<MemberLine>>,
    /// Who else is typing.
    pub typists: RwSignal<Vec<Nickname>>,
    /// Why the room is over for this page.
    pub ending: RwSignal<Option<Ending>>,
    /// Whether there is something above the rows.
    pub has_earlier: RwSignal<bool>,
    /// Whether there is something below the rows.
    pub has_later: RwSignal<bool>,
    /// Whether that is being fetched.
    pub loading_earlier: RwSignal<bool>,
    /// Why it could not be fetched.
    pub earlier_problem: RwSignal<Option<Problem>>,
    /// Whether the reader is at the end of the timeline.
    pub at_end: RwSignal<bool>,
    /// Messages that came while the reader was further up.
    pub unseen: RwSignal<usize>,
    /// Messages that came while the page was not on the screen.
    pub missed: RwSignal<usize>,
    /// Messages that were not read when the page was opened, as long as they begin above of what was on the screen.
    pub unread_above: RwSignal<usize>,
    /// Whether they begin still further up than the reader was led.
    pub is_far: RwSignal<bool>,
    /// Changes when the timeline is to be shown from where they begin.
    pub jumps: RwSignal<usize>,
    /// Who has read the message under which that stands.
    pub readers: RwSignal<Vec<Person>>,
    /// Whose place in a room for two is kept, who is not in it now.
    pub expected: RwSignal<Option<Person>>,
    /// After how many seconds without a connection a guest has left. Nothing for an account.
    pub leaves_after: Option<u64>,
    /// Changes with every message that is said here.
    pub said: RwSignal<usize>,
    /// What is new, for who listens to the page.
    pub announcement: Announcement,
    texts: &'static Texts,
}

pub(super) struct Desk {
    pub(super) session: Session,
    /// The time as the server found it; `None` once the browser's own holds.
    given: Option<LocalTime>,
    stretch: Stretch,
    was_live: bool,
    shows_read: bool,
    marks: Marks,
    texts: &'static Texts,
}

/// Makes a room the one of the pages below.
pub fn provide_room(room: &LiveRoom) {
    provide_context(*room);
}

/// The room of the page.
pub fn use_room() -> LiveRoom {
    expect_context()
}

/// A message in the outbox, as a tab keeps it: with the refusal, if it was refused for good. That one waits for the person.
type KeptMessage = (ClientId, String, Option<Problem>);

impl LiveRoom {
    /// The room of a snapshot, with everything in place, to be followed over this line.
    pub fn new(line: Line, snapshot: Snapshot) -> Self {
        let room = snapshot.room.clone();
        let (expected, leaves_after) = (snapshot.expected.clone(), snapshot.leaves_after);
        let texts = use_texts();
        let (session, account) = (Session::new(snapshot, browser::random), use_account());
        let desk = Desk {
            session: if account.is_some() { session.of_account() } else { session },
            given: Some(use_clock().given()),
            stretch: Stretch::new(),
            was_live: false,
            shows_read: account.is_none_or(|account| account.shows_read),
            marks: Marks::default(),
            texts,
        };
        let desk = StoredValue::new(desk);
        let picture = desk.try_update_value(|desk| desk.picture(true, Status::Connecting)).expect("made a line ago");
        let entry = |(key, row)| Entry { key, row: ArcRwSignal::new(row) };
        let this = Self {
            line,
            desk,
            code: room.code,
            room_type: room.room_type,
            name: RwSignal::new(picture.name),
            kept_days: room.kept_days,
            retention: RwSignal::new(picture.retention),
            you: RwSignal::new(picture.you),
            entries: RwSignal::new(picture.rows.unwrap_or_default().into_iter().map(entry).collect()),
            members: RwSignal::new(picture.members.unwrap_or_default()),
            typists: RwSignal::new(Vec::new()),
            ending: RwSignal::new(None),
            has_earlier: RwSignal::new(picture.has_earlier),
            has_later: RwSignal::new(false),
            loading_earlier: RwSignal::new(false),
            earlier_problem: RwSignal::new(None),
            at_end: RwSignal::new(true),
            unseen: RwSignal::new(0),
            missed: RwSignal::new(0),
            unread_above: RwSignal::new(0),
            is_far: RwSignal::new(false),
            jumps: RwSignal::new(0),
            readers: RwSignal::new(picture.readers),
            expected: RwSignal::new(expected),
            leaves_after,
            said: RwSignal::new(0),
            announcement: Announcement::new(),
            texts,
        };
        line.carry_room(&this);
        this
    }

    /// Takes what this tab kept of the room, and the device's own time.
    pub(super) fn prepare(self) {
        self.desk.try_update_value(|Desk { session, given, .. }| {
            *given = None;
            let messages = tab::kept(Kept::Outbox, self.code, session.replica().you.member_id)
                .and_then(|kept| serde_json::from_str::<Vec<KeptMessage>>(&kept).ok());
            for (id, body, refusal) in messages.unwrap_or_default() {
                if let Ok(body) = MessageBody::try_from(body) {
                    session.restore(id, body, refusal);
                }
            }
            session.touch();
        });
    }

    /// Whether the server has everything that was said here.
    pub(super) fn has_sent_all(self) -> bool {
        self.desk.try_with_value(|desk| desk.session.replica().outbox.is_empty()) == Some(true)
    }

    fn drive(self, step: impl FnOnce(&mut Session, u64) -> Vec<Act>) {
        self.line.drive(|client, now| client.in_room(now, |session| step(session, now)));
    }

    fn draw_soon(self) {
        self.line.draw_soon();
    }

    /// Follows the room no longer: the person pressed Exit, and the server has agreed.
    pub fn stop(self) {
        tab::forget(self.code);
        self.drive(|session, _| {
            session.stop();
            Vec::new()
        });
    }

    /// Says something. What was typed stays with the caller if it is refused.
    pub fn say(self, text: &str) -> Result<(), InvalidText> {
        let body = MessageBody::try_from(text)?;
        self.drive(|session, now| session.say(browser::message_id(), body, now));
        self.show_end();
        put(self.unread_above, 0);
        self.said.update(|said| *said += 1);
        Ok(())
    }

    /// The person is leaving: that the log says so next is no surprise.
    pub fn expect_exit(self) {
        self.drive(|session, _| {
            session.expect_exit();
            Vec::new()
        });
    }

    /// Tries a refused message again.
    pub fn retry(self, id: ClientId) {
        self.drive(|session, now| session.retry(id, now));
    }

    /// Gives a refused message up.
    pub fn discard(self, id: ClientId) {
        self.drive(|session, _| {
            session.discard(id);
            Vec::new()
        });
    }

    /// A key was pressed in the composer.
    pub fn press(self) {
        self.drive(Session::press);
    }

    /// Typing ended.
    pub fn stop_typing(self) {
        self.drive(|session, _| session.stop_typing());
    }

    /// Joins again, after having been away.
    pub fn rejoin(self) {
        self.drive(|session, _| session.rejoin());
    }

    /// The reader is at the end of the rows, or no longer.
    pub fn reads_end(self, at_end: bool) {
        let at_end = at_end && self.desk.try_with_value(|desk| desk.stretch.has_below()) == Some(false);
        put(self.at_end, at_end);
        if at_end {
            put(self.unseen, 0);
        }
        self.look();
    }

    /// Shows the end of the timeline, and follows it from here.
    pub fn show_end(self) {
        self.desk.try_update_value(|desk| desk.stretch.go_to_end());
        self.reads_end(true);
        self.draw_anew();
    }

    /// Shows more below. It is all here: only what is above may have to be fetched.
    pub fn load_later(self) {
        self.desk.try_update_value(|desk| desk.stretch.move_down());
        self.draw_anew();
    }

    /// Shows more above: from memory, else from the server.
    pub fn load_earlier(self) {
        if self.loading_earlier.get_untracked() {
            return;
        }
        let moved = self.desk.try_update_value(|desk| desk.stretch.move_up());
        if moved == Some(true) {
            self.draw_anew();
            return;
        }
        spawn_local(async move {
            if self.fetch_earlier().await {
                self.desk.try_update_value(|desk| desk.stretch.move_up());
            }
        });
    }

    /// Goes to where the messages begin that were not read, and fetches some pages of history for that. With `quietly`, who
    /// has scrolled meanwhile stays where they are, and what is too far is only offered.
    pub fn go_to_unread(self, pages: usize, quietly: bool) {
        if self.loading_earlier.get_untracked() {
            self.look();
            return;
        }
        spawn_local(async move {
            for _ in 0..pages {
                if !self.is_unread_further_up() || !self.fetch_earlier().await {
                    break;
                }
            }
            let found = self.desk.try_with_value(|desk| {
                let unread = desk.session.unread();
                (unread.count(), unread.index(desk.session.replica()))
            });
            let Some((count, index)) = found else { return };
            if count == 0 || quietly && (index.is_none() || !self.at_end.get_untracked()) {
                put(self.unread_above, count);
                self.look();
                return;
            }
            self.desk.try_update_value(|desk| {
                desk.stretch.go_to(index.unwrap_or_default());
                desk.session.touch();
            });
            put(self.at_end, false);
            self.draw(self.line.status.get_untracked());
            put(self.is_far, index.is_none());
            if index.is_none() {
                self.announcement.say(self.texts.timeline.further_up().to_owned());
            }
            self.jumps.update(|jumps| *jumps += 1);
        });
    }

    /// Whether nobody else can come in.
    pub fn is_full(self) -> bool {
        let taken = self.members.with(Vec::len) + usize::from(self.expected.with(Option::is_some));
        self.room_type == RoomType::P2p && taken >= usize::from(P2P_MEMBERS)
    }

    /// Asks whose place is kept in a room for two, in which the reader is alone now.
    pub fn look_who_is_expected(self) {
        spawn_local(async move {
            if let Ok(snapshot) = server::room(self.code).await {
                let is_alone = self.members.try_with_untracked(|members| members.len() < 2) == Some(true);
                put(self.expected, snapshot.expected.filter(|_| is_alone));
            }
        });
    }

    /// When the room began to keep what is said, or ceased to, as far as that is among the events that are here.
    pub fn changed_retention_at(self) -> Option<Millis> {
        let change = |desk: &Desk| {
            let events = desk.session.replica().events.iter().rev();
            let mut changes = events.filter(|event| matches!(event.kind, EventKind::RetentionChanged { .. }));
            changes.next().map(|event| event.at)
        };
        self.desk.try_with_value(change).flatten()
    }

    /// Whether the messages that were not read begin in what is not here yet.
    pub fn is_unread_further_up(self) -> bool {
        self.desk.try_with_value(|desk| desk.session.unread().is_further_up()) == Some(true)
    }

    /// The place where the messages begin that were not read has come into view.
    pub fn reached_unread(self) {
        put(self.unread_above, 0);
    }

    /// Fetches a page of history, and says whether there was one.
    async fn fetch_earlier(self) -> bool {
        self.loading_earlier.set(true);
        self.earlier_problem.set(None);
        let fetched = self.fetch_above().await;
        let _ = self.loading_earlier.try_set(false);
        fetched.unwrap_or_else(|problem| {
            let _ = self.earlier_problem.try_set(Some(problem));
            false
        })
    }

    /// Asks until a page comes that fits above the timeline, which may begin elsewhere by the time that an answer is here.
    async fn fetch_above(self) -> Result<bool, Problem> {
        loop {
            let top = self.desk.try_with_value(|desk| {
                let replica = desk.session.replica();
                replica.has_more.then(|| replica.top())
            });
            let Some(top) = top.flatten() else { return Ok(false) };
            let page = server::history(self.code, top.first).await?;
            let fits = self.desk.try_update_value(|desk| {
                let before = desk.session.replica().events.len();
                let fits = desk.session.prepend(top, page);
                if fits {
                    desk.stretch.came_above(desk.session.replica().events.len() - before);
                }
                fits
            });
            match fits {
                None => return Ok(false),
                Some(false) => {}
                Some(true) => {
                    self.draw_soon();
                    return Ok(true);
                }
            }
        }
    }

    /// Draws the timeline again although nothing has happened in it.
    fn draw_anew(self) {
        self.desk.try_update_value(|desk| desk.session.touch());
        self.draw_soon();
    }

    /// Looks whether the end of the timeline is before the reader's eyes: then all of it is read.
    pub(in crate::ui::live) fn look(self) {
        let is_attended = browser::is_attended();
        if is_attended {
            put(self.missed, 0);
        }
        let looking = self.at_end.try_get_untracked() == Some(true) && is_attended;
        if self.desk.try_with_value(|desk| desk.session.is_looking()) == Some(!looking) {
            self.drive(|session, now| session.look(looking, now));
        }
    }
}
