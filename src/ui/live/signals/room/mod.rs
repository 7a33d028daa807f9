//! The room of the page in Leptos signals: [`LiveRoom`] shows a [`LocalRoom`] of the model and offers what the views
//! can do with it.
//!
//! What the person does goes through [`PageSocket::step`], which sends frames and schedules a redraw. The redraw
//! (`picture`) copies the state of the room into the signals, at most once per animation frame. `history` moves the
//! part of the timeline that is on the page. `messages` is what the person does with messages, and `search` finds them.
//!
//! The signals belong to the owner of the view. The room itself belongs to the socket, and stays in memory when the
//! view is gone.

mod history;
mod messages;
mod picture;
mod search;

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use crate::{
    protocol::{
        Event, EventKind, LocalTime, MemberId, Mentions, MessageBody, Millis, Nickname, Person, Problem, Retention,
        RoomCode, RoomName, RoomType, Seq, Snapshot, You, limits::P2P_MEMBERS,
    },
    ui::{
        account::use_account,
        browser,
        clock::use_clock,
        device::use_data_time,
        rooms::Heading,
        texts::{Texts, use_texts},
        timeline::{Marks, Row, RowKey, isolate_name},
    },
};

pub use messages::Composing;
pub use search::FoundMessage;

use super::{
    super::model::{Ending, Input, LocalRoom, RoomInput, Status},
    announcement::Announcement,
    page_socket::{PageSocket, Painter, put},
    rest,
    tab::{self, TabEntry},
};

/// A row of the timeline. Each row has its own signal, so that a changed row does not rerender the others.
#[derive(Clone)]
pub struct Entry {
    /// The key of the row, the same in every picture.
    pub key: RowKey,
    /// Changes when the row has to be rendered anew, because the words of its message changed.
    pub edition: u32,
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
    drawing: StoredValue<Drawing>,
    /// The code of the room.
    pub code: RoomCode,
    /// Whether a step of the app leads here. Otherwise the room came with the document.
    pub is_step: bool,
    /// Whether the room is for two people or for a group.
    pub room_type: RoomType,
    /// The name of the room, if it has one.
    pub name: RwSignal<Option<RoomName>>,
    /// The number of days that the room survives without a visit. 0 means that it never expires.
    pub kept_days: u32,
    /// Whether the room stores its messages.
    pub retention: RwSignal<Retention>,
    /// Whether people with the code see the room before they join.
    pub peek: RwSignal<bool>,
    /// The reader: member id, nickname and role in this room.
    pub you: RwSignal<You>,
    /// The rows of the timeline that are on the page.
    pub entries: RwSignal<Vec<Entry>>,
    /// The members of the room: the reader first, then those who are connected.
    pub members: RwSignal<Vec<MemberLine>>,
    /// The nicknames of the other members who are typing.
    pub typists: RwSignal<Vec<Nickname>>,
    /// Why this page no longer follows the room. `None` while it does.
    pub ending: RwSignal<Option<Ending>>,
    /// Until when the server kept the room up to date. `None` while it does.
    pub stale_since: RwSignal<Option<Millis>>,
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
    /// The message that the view leads to when this is set. It is on the page.
    pub target: RwSignal<Option<RowKey>>,
    /// The members who have read the message that carries the "seen" mark: the newest of the reader's own messages that
    /// anybody else has read.
    pub readers: RwSignal<Vec<Person>>,
    /// The person whose place in a room for two is reserved while they are not in the room.
    pub expected: RwSignal<Option<Person>>,
    /// The number of seconds without a connection after which the server removes a guest from the room. `None` for an
    /// account, which stays.
    pub leaves_after: Option<u64>,
    /// The text of a refused message that its author edits, and whom it mentions, until the composer has it.
    pub taken_back: RwSignal<Option<(MessageBody, Mentions)>>,
    /// Why the last reaction was refused, for some seconds.
    pub refused_reaction: RwSignal<Option<Problem>>,
    /// The message that is replied to or edited in the composer.
    pub composing: RwSignal<Option<Composing>>,
    /// A counter. Each message sent from this page increments it, which makes the view scroll to the end.
    pub sent_count: RwSignal<usize>,
    /// The text for screen readers: new messages and other incidents.
    pub announcement: Announcement,
    texts: &'static Texts,
}

/// What drawing the room needs besides the room itself.
struct Drawing {
    /// The local time that the server rendered with. `None` after hydration, when the browser's own time zone is used.
    server_time: Option<LocalTime>,
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

/// Puts a room into the model of the socket.
fn add(socket: PageSocket, snapshot: Snapshot) -> RoomCode {
    let code = snapshot.room.code;
    let room = LocalRoom::new(snapshot, browser::random).dated(use_data_time());
    let room = if use_account().is_some() { room.of_account() } else { room };
    socket.client.update_value(|client| client.add_room(room));
    code
}

impl LiveRoom {
    /// Creates the room from the snapshot of the document, puts it into the model of the socket, and shows it. The rows
    /// are complete at once, so that the server can render them. Nothing is sent before [`PageSocket::start`].
    pub fn new(socket: PageSocket, snapshot: Snapshot) -> Self {
        let code = add(socket, snapshot);
        Self::show_whole_or(socket, code, None).expect("added a line ago")
    }

    /// Creates the room from a snapshot that came with a step, puts it into the model of the socket, and shows it like
    /// [`LiveRoom::in_memory`].
    pub fn arrived(socket: PageSocket, snapshot: Snapshot) -> Self {
        let code = add(socket, snapshot);
        Self::in_memory(socket, code).expect("added a line ago")
    }

    /// Shows a room that is in memory: brings it to the front and makes its signals, which belong to the current owner.
    /// When that is cleaned up, the room is left. `None` if the room is not in memory, so that its snapshot is needed.
    ///
    /// It begins with the newest rows, as many as the window can show. [`LiveRoom::fill`] adds the others.
    pub fn in_memory(socket: PageSocket, code: RoomCode) -> Option<Self> {
        Self::show_whole_or(socket, code, Some(browser::rows_of_window()))
    }

    /// Shows a room with all rows, or beginning with the newest.
    fn show_whole_or(socket: PageSocket, code: RoomCode, newest: Option<usize>) -> Option<Self> {
        let (texts, account) = (use_texts(), use_account());
        socket.step(Input::RoomShown(code));
        let mut drawing = Drawing {
            server_time: Some(use_clock().server_time()),
            was_live: false,
            shows_read: account.is_none_or(|account| account.shows_read),
            marks: Marks::default(),
            texts,
        };
        let mut client = socket.client.try_write_value()?;
        let room = client.room_mut(code)?;
        room.touch();
        if let Some(newest) = newest {
            room.begin_with(newest);
        }
        let picture = drawing.picture(room, true, Status::Connecting);
        let (view, expected, leaves_after) =
            (room.replica().room.clone(), room.expected().cloned(), room.leaves_after());
        let replying = room.replying().map(|of| Composing { of, is_edit: false });
        drop(client);
        let entry = |(key, row)| Entry { key, edition: 0, row: ArcRwSignal::new(row) };
        let this = Self {
            socket,
            drawing: StoredValue::new(drawing),
            code,
            is_step: newest.is_some(),
            room_type: view.room_type,
            name: RwSignal::new(picture.name),
            kept_days: view.kept_days,
            retention: RwSignal::new(picture.retention),
            peek: RwSignal::new(picture.peek),
            you: RwSignal::new(picture.you),
            entries: RwSignal::new(picture.rows.unwrap_or_default().into_iter().map(entry).collect()),
            members: RwSignal::new(picture.members.unwrap_or_default()),
            typists: RwSignal::new(picture.typists),
            ending: RwSignal::new(picture.ending),
            stale_since: RwSignal::new(picture.stale_since),
            has_earlier: RwSignal::new(picture.has_earlier),
            has_later: RwSignal::new(picture.has_later),
            loading_earlier: RwSignal::new(false),
            earlier_problem: RwSignal::new(None),
            at_end: RwSignal::new(!picture.has_later),
            unseen: RwSignal::new(0),
            missed: RwSignal::new(0),
            unread_above: RwSignal::new(0),
            is_far: RwSignal::new(false),
            jump_count: RwSignal::new(0),
            target: RwSignal::new(None),
            readers: RwSignal::new(picture.readers),
            expected: RwSignal::new(expected),
            leaves_after,
            taken_back: RwSignal::new(None),
            refused_reaction: RwSignal::new(None),
            composing: RwSignal::new(replying),
            sent_count: RwSignal::new(0),
            announcement: Announcement::new(),
            texts,
        };
        socket.register(Arc::new(this));
        Some(this)
    }

    /// Restores the outbox that was stored, and switches to the browser's own time zone. Called after hydration and
    /// before [`PageSocket::start`], since the first render has to equal the server's. What the device stored follows a
    /// moment later.
    pub fn restore(self) {
        self.drawing.try_update_value(|drawing| drawing.server_time = None);
        let Some((member, has_account)) = self.read(|room| (room.replica().you.member_id, room.has_account())) else {
            return;
        };
        // Also if the room keeps no messages: it may have kept them when they were written.
        if has_account {
            spawn_local(async move {
                self.take_in(RoomInput::Restore(tab::stored_outboxes(self.code, member).await));
            });
        } else {
            let stored = tab::load_entry(TabEntry::Outbox, self.code, member);
            self.take_in(RoomInput::Restore(stored.into_iter().collect()));
        }
    }

    /// Reads something of the room in the model. `None` if the room is not in memory any more.
    fn read<T>(self, what: impl FnOnce(&LocalRoom) -> T) -> Option<T> {
        self.socket.client.try_with_value(|client| client.room(self.code).map(what)).flatten()
    }

    /// Changes the room in the model, where that needs no connection and no time.
    fn edit<T>(self, change: impl FnOnce(&mut LocalRoom) -> T) -> Option<T> {
        self.socket.client.try_update_value(|client| client.room_mut(self.code).map(change)).flatten()
    }

    /// Passes to the room what the person did.
    fn take_in(self, input: RoomInput) {
        self.socket.step(Input::InRoom(self.code, input));
    }

    /// Stops following the room and deletes what the tab stored of it. Called after the server has confirmed Exit.
    pub fn stop(self) {
        tab::delete_entries(self.code);
        browser::forget_kept_room(self.code.as_str());
        self.take_in(RoomInput::Exit);
    }

    /// Announces that the person is leaving (Exit). The `left` event that follows then does not make the page join
    /// again.
    pub fn expect_exit(self) {
        self.take_in(RoomInput::ExpectExit);
    }

    /// Records a key press in the composer, and sends "typing" if that is due.
    pub fn press(self) {
        self.take_in(RoomInput::Press);
    }

    /// Sends "no longer typing", if "typing" was sent before.
    pub fn stop_typing(self) {
        self.take_in(RoomInput::StopTyping);
    }

    /// Joins the room again, on request of a person whose membership ended by absence or by leaving elsewhere.
    pub fn rejoin(self) {
        self.take_in(RoomInput::Rejoin);
    }

    /// Where the reader had scrolled to when the room was shown before. `None` at the end.
    pub fn place(self) -> Option<i32> {
        self.read(LocalRoom::place).flatten()
    }

    /// Remembers where the reader has scrolled to.
    pub fn keep_place(self, place: Option<i32>) {
        self.edit(|room| room.set_place(place));
    }

    /// Whether a room for two has no place left. Reserved places count as taken. A group is never full by this measure.
    pub fn is_full(self) -> bool {
        let taken = self.members.with(Vec::len) + usize::from(self.expected.with(Option::is_some));
        self.room_type == RoomType::P2p && taken >= usize::from(P2P_MEMBERS)
    }

    /// Whether the reader is alone in the room and nobody has said anything. The timeline then shows the invitation.
    pub fn is_untouched(self) -> bool {
        let is_alone = self.members.with(Vec::len) < 2 && self.expected.with(Option::is_none);
        is_alone && self.is_silent()
    }

    /// Whether the reader is in the room and nothing that was said is on the page.
    fn is_silent(self) -> bool {
        let is_message = |row: &Entry| matches!(row.key, RowKey::Message(..));
        self.ending.with(Option::is_none) && !self.entries.with(|rows| rows.iter().any(is_message))
    }

    /// What the timeline says to the reader while nobody in the room has said anything. Names in it are marked.
    pub fn greeting(self) -> Option<String> {
        let own = &self.texts.timeline;
        let names = self.members.with(|members| match members.as_slice() {
            [_] | [] => None,
            [first, second] => {
                let other = if first.is_you { second } else { first };
                Some(isolate_name(other.name.as_str()))
            }
            _ => Some(own.everyone().to_owned()),
        })?;
        let is_new = !self.has_earlier.get() && self.is_silent();
        let unsaved = match self.retention.get() {
            Retention::Preserved => "",
            Retention::Ephemeral => own.unsaved(),
        };
        is_new.then(|| format!("{} {unsaved}", own.hello(&names)))
    }

    /// The other person of a room for two, and whether they are connected. A person whose place is reserved counts.
    pub fn companion(self) -> Option<(Person, bool)> {
        if self.room_type != RoomType::P2p {
            return None;
        }
        let line = |member: &MemberLine| (Person { id: member.id, name: member.name.clone() }, member.connected);
        let member = self.members.with(|members| members.iter().find(|member| !member.is_you).map(line));
        member.or_else(|| self.expected.get().map(|person| (person, false)))
    }

    /// Passes the present title and picture of the room to `show`.
    pub fn with_heading<T>(self, show: impl FnOnce(Heading<'_>) -> T) -> T {
        let companion = self.companion();
        self.name.with(|name| {
            show(Heading {
                code: self.code,
                room_type: self.room_type,
                name: name.as_ref().map(RoomName::as_str),
                other: companion.as_ref().map(|(person, _)| (person.name.as_str(), Some(person.id))),
            })
        })
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
        let is_change = |event: &&Event| matches!(event.kind, EventKind::RetentionChanged { .. });
        self.read(|room| room.replica().events.iter().rev().find(is_change).map(|event| event.at)).flatten()
    }

    /// Determines whether the reader is looking at the end of the timeline, and passes that to the room. While they
    /// are, the whole timeline counts as read. Also resets `missed` if the reader is looking at the page at all.
    fn update_looking(self) {
        let is_likely_read = browser::is_likely_read();
        if is_likely_read {
            put(self.missed, 0);
        }
        let looking = self.at_end.try_get_untracked() == Some(true) && is_likely_read;
        if self.read(LocalRoom::is_looking) == Some(!looking) {
            self.take_in(RoomInput::Look(looking));
        }
    }
}

impl Painter for LiveRoom {
    fn draw(&self, status: Status) {
        self.copy(status);
    }

    fn attend(&self) {
        self.update_looking();
    }

    fn room(&self) -> Option<RoomCode> {
        Some(self.code)
    }
}
