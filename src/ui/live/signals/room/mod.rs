//! The room of the page in Leptos signals: [`LiveRoom`] wraps a [`Session`] and offers what the views can do with it.
//!
//! A method changes the session through [`PageSocket::drive`], which sends frames and schedules a redraw. The redraw
//! (`picture`) copies the session's state into the signals, at most once per animation frame.
//! [`ShownEvents`] limits how many events are on the page.

mod picture;

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
    super::model::{Act, Ending, Session, ShownEvents, Status},
    announcement::Announcement,
    page_socket::{PageSocket, put},
    rest,
    tab::{self, TabEntry},
};

/// A row of the timeline. Each row has its own signal, so that a changed row does not rerender the others.
#[derive(Clone)]
pub struct Entry {
    /// The key of the row, the same in every picture.
    pub key: RowKey,
    /// The content of the row.
    pub row: ArcRwSignal<Row>,
}

/// A member, as the list of members shows them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemberLine {
    /// The member's id within this room.
    pub id: MemberId,
    /// The member's nickname.
    pub name: Nickname,
    /// Whether this member is the reader, that is, the person of this page.
    pub is_you: bool,
    /// Whether this member owns the room.
    pub is_owner: bool,
    /// The seq of the `joined` event that began the member's present time in the room. 0 if unknown.
    pub since: Seq,
    /// Whether the member has a connection at present. For the reader also true while this page is live.
    pub connected: bool,
}

/// The room of the page, as signals. `Copy`, so that views and event handlers can capture it.
#[derive(Clone, Copy)]
pub struct LiveRoom {
    socket: PageSocket,
    pub(super) inner: StoredValue<Inner>,
    /// The code of the room.
    pub code: RoomCode,
    /// Whether the room is for two people or for a group.
    pub room_type: RoomType,
    /// The name of the room, if it has one.
    pub name: RwSignal<Option<RoomName>>,
    /// The number of days that the room survives without a visit. 0 means that it never expires.
    pub kept_days: u32,
    /// Whether the room stores its messages.
    pub retention: RwSignal<Retention>,
    /// The reader: member id, nickname and role in this room.
    pub you: RwSignal<You>,
    /// The rows of the timeline that are on the page.
    pub entries: RwSignal<Vec<Entry>>,
    /// The members of the room, the reader first.
    pub members: RwSignal<Vec<MemberLine>>,
    /// The nicknames of the other members who are typing.
    pub typists: RwSignal<Vec<Nickname>>,
    /// Why this page no longer follows the room. `None` while it does.
    pub ending: RwSignal<Option<Ending>>,
    /// Whether there are older events above the rows, in memory or on the server.
    pub has_earlier: RwSignal<bool>,
    /// Whether there are newer events below the rows. They are in memory.
    pub has_later: RwSignal<bool>,
    /// Whether a page of older events is being fetched.
    pub loading_earlier: RwSignal<bool>,
    /// Why the last fetch of older events failed.
    pub earlier_problem: RwSignal<Option<Problem>>,
    /// Whether the reader has scrolled to the end of the timeline.
    pub at_end: RwSignal<bool>,
    /// The number of messages that arrived while the reader was scrolled up.
    pub unseen: RwSignal<usize>,
    /// The number of messages that arrived while nobody was looking at the page. The window title shows it.
    pub missed: RwSignal<usize>,
    /// The number of messages that were unread when the page was opened, while the first of them is above the visible
    /// part. 0 hides the button that leads there.
    pub unread_above: RwSignal<usize>,
    /// Whether the first unread message was not found in the history that was fetched, so that it is even further up.
    pub is_far: RwSignal<bool>,
    /// A counter. Each change makes the view scroll to the first unread message.
    pub jump_count: RwSignal<usize>,
    /// The members who have read the message that carries the "seen" mark: the newest of the reader's own messages that
    /// anybody else has read.
    pub readers: RwSignal<Vec<Person>>,
    /// The person whose place in a room for two is reserved while they are not in the room.
    pub expected: RwSignal<Option<Person>>,
    /// The number of seconds without a connection after which the server removes a guest from the room. `None` for an
    /// account, which stays.
    pub leaves_after: Option<u64>,
    /// A counter. Each message sent from this page increments it, which makes the view scroll to the end.
    pub sent_count: RwSignal<usize>,
    /// The text for screen readers: new messages and other incidents.
    pub announcement: Announcement,
    texts: &'static Texts,
}

pub(super) struct Inner {
    pub(super) session: Session,
    /// The local time that the server rendered with. `None` after hydration, when the browser's own time zone is used.
    server_time: Option<LocalTime>,
    /// The part of the timeline that is on the page.
    shown_events: ShownEvents,
    /// Whether the connection was live in the last picture. A change redraws the members.
    was_live: bool,
    /// Whether this person shows others how far they have read. Only then are the others' read marks shown here.
    shows_read: bool,
    /// The "sent" and "seen" marks of the last picture.
    marks: Marks,
    texts: &'static Texts,
}

/// Provides the room as a context to the components below.
pub fn provide_room(room: &LiveRoom) {
    provide_context(*room);
}

/// Returns the room that [`provide_room`] provided. Panics outside a room page.
pub fn use_room() -> LiveRoom {
    expect_context()
}

/// A message in the outbox, as session storage has it. A message with a `Problem` was refused for good, and is sent
/// again only when the person retries it.
type OutboxEntry = (ClientId, String, Option<Problem>);

impl LiveRoom {
    /// Creates the room from a snapshot and registers it with the socket. The rows are complete at once, so that the
    /// server can render them. Nothing is sent before [`PageSocket::start`].
    pub fn new(socket: PageSocket, snapshot: Snapshot) -> Self {
        let room = snapshot.room.clone();
        let (expected, leaves_after) = (snapshot.expected.clone(), snapshot.leaves_after);
        let texts = use_texts();
        let (session, account) = (Session::new(snapshot, browser::random), use_account());
        let inner = Inner {
            session: if account.is_some() { session.of_account() } else { session },
            server_time: Some(use_clock().server_time()),
            shown_events: ShownEvents::new(),
            was_live: false,
            shows_read: account.is_none_or(|account| account.shows_read),
            marks: Marks::default(),
            texts,
        };
        let inner = StoredValue::new(inner);
        let picture = inner.try_update_value(|inner| inner.picture(true, Status::Connecting)).expect("made a line ago");
        let entry = |(key, row)| Entry { key, row: ArcRwSignal::new(row) };
        let this = Self {
            socket,
            inner,
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
            jump_count: RwSignal::new(0),
            readers: RwSignal::new(picture.readers),
            expected: RwSignal::new(expected),
            leaves_after,
            sent_count: RwSignal::new(0),
            announcement: Announcement::new(),
            texts,
        };
        socket.attach_room(&this);
        this
    }

    /// Restores the outbox that this tab stored, and switches to the browser's own time zone. Called after hydration,
    /// since the first render has to equal the server's.
    pub(super) fn prepare(self) {
        self.inner.try_update_value(|Inner { session, server_time, .. }| {
            *server_time = None;
            let messages = tab::load_entry(TabEntry::Outbox, self.code, session.replica().you.member_id)
                .and_then(|stored| serde_json::from_str::<Vec<OutboxEntry>>(&stored).ok());
            for (id, body, refusal) in messages.unwrap_or_default() {
                if let Ok(body) = MessageBody::try_from(body) {
                    session.restore(id, body, refusal);
                }
            }
            session.touch();
        });
    }

    /// Whether the outbox is empty: every message of this page is in the timeline.
    pub(super) fn has_sent_all(self) -> bool {
        self.inner.try_with_value(|inner| inner.session.replica().outbox.is_empty()) == Some(true)
    }

    fn drive(self, step: impl FnOnce(&mut Session, u64) -> Vec<Act>) {
        self.socket.drive(|client, now| client.in_room(now, |session| step(session, now)));
    }

    fn draw_soon(self) {
        self.socket.draw_soon();
    }

    /// Stops following the room and deletes what the tab stored of it. Called after the server has confirmed Exit.
    pub fn stop(self) {
        tab::delete_entries(self.code);
        self.drive(|session, _| {
            session.stop();
            Vec::new()
        });
    }

    /// Puts a message into the outbox, sends it if possible, and shows the end of the timeline. An error means that the
    /// text is no valid message: nothing is queued, and the composer keeps its text.
    pub fn say(self, text: &str) -> Result<(), InvalidText> {
        let body = MessageBody::try_from(text)?;
        self.drive(|session, now| session.say(browser::message_id(), body, now));
        self.show_end();
        put(self.unread_above, 0);
        self.sent_count.update(|sent_count| *sent_count += 1);
        Ok(())
    }

    /// Announces that the person is leaving (Exit). The `left` event that follows then does not make the page join
    /// again.
    pub fn expect_exit(self) {
        self.drive(|session, _| {
            session.expect_exit();
            Vec::new()
        });
    }

    /// Sends a refused message again.
    pub fn retry(self, id: ClientId) {
        self.drive(|session, now| session.retry(id, now));
    }

    /// Removes a refused message from the outbox.
    pub fn discard(self, id: ClientId) {
        self.drive(|session, _| {
            session.discard(id);
            Vec::new()
        });
    }

    /// Records a key press in the composer, and sends "typing" if that is due.
    pub fn press(self) {
        self.drive(Session::press);
    }

    /// Sends "no longer typing", if "typing" was sent before.
    pub fn stop_typing(self) {
        self.drive(|session, _| session.stop_typing());
    }

    /// Joins the room again, on request of a person whose membership ended by absence or by leaving elsewhere.
    pub fn rejoin(self) {
        self.drive(|session, _| session.rejoin());
    }

    /// Records whether the reader has scrolled to the end of the rows. Counts as the end only if no newer events are
    /// left off the page.
    pub fn reads_end(self, at_end: bool) {
        let at_end = at_end && self.inner.try_with_value(|inner| inner.shown_events.has_below()) == Some(false);
        put(self.at_end, at_end);
        if at_end {
            put(self.unseen, 0);
        }
        self.update_looking();
    }

    /// Shows the end of the timeline, so that new events appear at once.
    pub fn show_end(self) {
        self.inner.try_update_value(|inner| inner.shown_events.go_to_end());
        self.reads_end(true);
        self.draw_anew();
    }

    /// Shows more of the newer events below. All of them are in memory: only older events ever have to be fetched.
    pub fn load_later(self) {
        self.inner.try_update_value(|inner| inner.shown_events.move_down());
        self.draw_anew();
    }

    /// Shows more of the older events above: from memory if there are any, else from the server. Does nothing while a
    /// fetch is under way.
    pub fn load_earlier(self) {
        if self.loading_earlier.get_untracked() {
            return;
        }
        let moved = self.inner.try_update_value(|inner| inner.shown_events.move_up());
        if moved == Some(true) {
            self.draw_anew();
            return;
        }
        spawn_local(async move {
            if self.fetch_earlier().await {
                self.inner.try_update_value(|inner| inner.shown_events.move_up());
            }
        });
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
            let found = self.inner.try_with_value(|inner| {
                let unread = inner.session.unread();
                (unread.count(), unread.index(inner.session.replica()))
            });
            let Some((count, index)) = found else { return };
            if count == 0 || quietly && (index.is_none() || !self.at_end.get_untracked()) {
                put(self.unread_above, count);
                self.update_looking();
                return;
            }
            self.inner.try_update_value(|inner| {
                inner.shown_events.go_to(index.unwrap_or_default());
                inner.session.touch();
            });
            put(self.at_end, false);
            self.draw(self.socket.status.get_untracked());
            put(self.is_far, index.is_none());
            if index.is_none() {
                self.announcement.say(self.texts.timeline.further_up().to_owned());
            }
            self.jump_count.update(|jump_count| *jump_count += 1);
        });
    }

    /// Whether a room for two has no place left. Reserved places count as taken. A group is never full by this measure.
    pub fn is_full(self) -> bool {
        let taken = self.members.with(Vec::len) + usize::from(self.expected.with(Option::is_some));
        self.room_type == RoomType::P2p && taken >= usize::from(P2P_MEMBERS)
    }

    /// Asks the server whose place is reserved, for a room for two in which the reader is alone.
    pub fn look_who_is_expected(self) {
        spawn_local(async move {
            if let Ok(snapshot) = rest::room(self.code).await {
                let is_alone = self.members.try_with_untracked(|members| members.len() < 2) == Some(true);
                put(self.expected, snapshot.expected.filter(|_| is_alone));
            }
        });
    }

    /// The time of the newest change of retention that is in the loaded timeline.
    pub fn changed_retention_at(self) -> Option<Millis> {
        let change = |inner: &Inner| {
            let events = inner.session.replica().events.iter().rev();
            let mut changes = events.filter(|event| matches!(event.kind, EventKind::RetentionChanged { .. }));
            changes.next().map(|event| event.at)
        };
        self.inner.try_with_value(change).flatten()
    }

    /// Whether the first unread message is older than the loaded timeline.
    pub fn is_unread_further_up(self) -> bool {
        self.inner.try_with_value(|inner| inner.session.unread().is_further_up()) == Some(true)
    }

    /// Hides the "unread above" button, since the first unread message is visible.
    pub fn reached_unread(self) {
        put(self.unread_above, 0);
    }

    /// Fetches one page of history. Returns whether one was added; a failure goes to `earlier_problem`.
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

    /// Fetches a page of history and puts it above the timeline. Repeats the request if the timeline begins elsewhere
    /// by the time the answer arrives, after a reset for example. `false` means that there is no more history.
    async fn fetch_above(self) -> Result<bool, Problem> {
        loop {
            let top = self.inner.try_with_value(|inner| {
                let replica = inner.session.replica();
                replica.has_more.then(|| replica.top())
            });
            let Some(top) = top.flatten() else { return Ok(false) };
            let page = rest::history(self.code, top.first).await?;
            let fits = self.inner.try_update_value(|inner| {
                let before = inner.session.replica().events.len();
                let fits = inner.session.prepend(top, page);
                if fits {
                    inner.shown_events.came_above(inner.session.replica().events.len() - before);
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

    /// Redraws the timeline, after other events are shown without a new event.
    fn draw_anew(self) {
        self.inner.try_update_value(|inner| inner.session.touch());
        self.draw_soon();
    }

    /// Determines whether the reader is looking at the end of the timeline, and passes that to the session. While they
    /// are, the whole timeline counts as read. Also resets `missed` if the reader is looking at the page at all.
    pub(in crate::ui::live) fn update_looking(self) {
        let is_likely_read = browser::is_likely_read();
        if is_likely_read {
            put(self.missed, 0);
        }
        let looking = self.at_end.try_get_untracked() == Some(true) && is_likely_read;
        if self.inner.try_with_value(|inner| inner.session.is_looking()) == Some(!looking) {
            self.drive(|session, now| session.set_looking(looking, now));
        }
    }
}
