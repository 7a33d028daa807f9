//! Tests of the signals above a real model, with the stand-in for the browser (`ui::browser::inert`). It draws no
//! frames, so the tests call `draw` where a browser would draw one.

use leptos::prelude::*;

use super::{
    super::model::{Input, Status, nothing_missed_in, room_of, said_in, snapshot_of},
    *,
};
use crate::{
    protocol::{
        Event, EventKind, Identity, Language, MailReach, Mentions, Nickname, Notify, Person, RoomCode, RoomType,
        RoomView, ServerFrame, Snapshot,
    },
    ui::{
        account::provide_account,
        clock::provide_clock,
        rooms::Heading,
        texts::{Locale, use_texts},
        timeline::{Delivery, Row, RowKey},
    },
    visit::Appearance,
};

fn nth(n: usize) -> RoomCode {
    format!("AAA{n:03}").parse().unwrap()
}

/// Runs a test inside the owner of an app, with the contexts of a page, a socket that is open, and a list.
fn in_app(test: impl FnOnce(&Owner, PageSocket, LiveList)) {
    let app = Owner::new();
    app.with(|| {
        provide_context(Locale::new(Appearance::plain(Language::English)));
        provide_clock(None);
        provide_account(None);
        let account = Identity {
            name: Nickname::try_from("Ada").unwrap(),
            notify: Notify::All,
            sound: false,
            shows_read: true,
            reach: MailReach::Proved,
        };
        let socket = PageSocket::new();
        let list = LiveList::new(socket, vec![room_of("K7M2QX")], None, &account);
        // The stand-in opens no socket, so the acts are dropped and the model is told that one is open.
        socket.client.update_value(|client| {
            client.step(Input::Started { online: true }, 0);
            client.step(Input::Opened, 0);
        });
        test(&app, socket, list);
    });
}

/// Shows a room as a page does: in an owner of its own. Opens it with its snapshot if it is not in memory.
fn open(app: &Owner, socket: PageSocket, code: RoomCode) -> (Owner, LiveRoom) {
    let page = app.with(Owner::new);
    let room = page.with(|| {
        LiveRoom::in_memory(socket, code).unwrap_or_else(|| {
            let room = LiveRoom::new(socket, snapshot_of(code));
            room.restore();
            room
        })
    });
    receive(socket, nothing_missed_in(code));
    (page, room)
}

fn receive(socket: PageSocket, frame: ServerFrame) {
    socket.step(Input::Received(Box::new(frame)));
}

fn messages(room: &LiveRoom) -> usize {
    let is_message = |entry: &&Entry| matches!(entry.key, RowKey::Message(..));
    room.entries.with_untracked(|entries| entries.iter().filter(is_message).count())
}

#[test]
fn frames_are_applied_at_once_and_shown_with_the_next_redraw() {
    in_app(|app, socket, _| {
        let (_page, room) = open(app, socket, nth(0));
        assert_eq!(socket.status.get_untracked(), Status::Connecting);
        for seq in 3..6 {
            receive(socket, said_in(nth(0), seq));
        }
        assert_eq!(messages(&room), 0);
        socket.draw();
        assert_eq!((messages(&room), socket.status.get_untracked()), (3, Status::Live));
        assert_eq!(room.announcement.in_place(true), "3 new messages. Ada: Hello");
    });
}

#[test]
fn a_room_for_two_is_shown_as_its_other_person_and_their_messages_need_no_author() {
    in_app(|app, socket, _| {
        let snapshot = snapshot_of(nth(0));
        let for_two = RoomView { room_type: RoomType::P2p, name: None, ..snapshot.room.clone() };
        let ada = snapshot.members.iter().find(|member| member.id != snapshot.you.member_id).unwrap().clone();
        let snapshot = Snapshot { room: for_two, ..snapshot };
        assert_eq!(Heading::of_snapshot(&snapshot).title(use_texts()), "Ada");
        let room = app.with(|| LiveRoom::new(socket, snapshot));
        room.restore();
        receive(socket, nothing_missed_in(nth(0)));
        receive(socket, said_in(nth(0), 3));
        socket.draw();
        let shown = || {
            let signed = |entry: &Entry| matches!(entry.row.get_untracked(), Row::Message(row) if row.signed);
            let is_signed = room.entries.get_untracked().iter().any(signed);
            (room.with_heading(|heading| heading.title(use_texts())), is_signed)
        };
        assert_eq!(shown(), ("Ada".to_owned(), false));
        let member = Person { id: ada.id, name: ada.name };
        let event = Event { seq: 4, at: 0, kind: EventKind::Left { member } };
        receive(socket, ServerFrame::Event { code: nth(0), event });
        socket.draw();
        assert_eq!(shown(), ("Waiting for someone".to_owned(), false));
    });
}

#[test]
fn a_message_is_shown_as_pending_and_a_row_that_stays_keeps_its_signal() {
    in_app(|app, socket, _| {
        let (_page, room) = open(app, socket, nth(0));
        receive(socket, said_in(nth(0), 3));
        socket.draw();
        let before = room.entries.get_untracked().into_iter().next_back().unwrap();
        let Row::Message(_) = before.row.get_untracked() else { panic!("the last row is a message") };
        assert!(room.say(" ", Mentions::default()).is_err());
        room.say("Hello", Mentions::default()).unwrap();
        socket.draw();
        let rows = room.entries.get_untracked();
        let known = rows.iter().find(|entry| entry.key == before.key).unwrap();
        before.row.set(Row::Unread);
        assert_eq!(known.row.get_untracked(), Row::Unread, "it is the same signal");
        let Row::Message(last) = rows.last().unwrap().row.get_untracked() else { panic!("the last row is a message") };
        assert_eq!(last.delivery, Delivery::Pending);
        assert_eq!(room.sent_count.get_untracked(), 1);
    });
}

#[test]
fn a_room_that_is_in_memory_is_shown_again_as_it_was_left() {
    in_app(|app, socket, _| {
        let (page, room) = open(app, socket, nth(0));
        receive(socket, said_in(nth(0), 3));
        socket.draw();
        assert_eq!(messages(&room), 1);
        page.cleanup();
        let (other_page, other) = open(app, socket, nth(1));
        other.say("Hello", Mentions::default()).unwrap();
        receive(socket, said_in(nth(0), 4));
        socket.draw();
        assert_eq!(messages(&other), 1, "what comes to a room that was left is not shown in another");
        other_page.cleanup();
        let (_page, room) = open(app, socket, nth(0));
        assert_eq!(messages(&room), 1);
        assert!(app.with(|| LiveRoom::in_memory(socket, nth(2))).is_none());
    });
}

#[test]
fn a_step_shows_the_newest_rows_first_and_the_others_above_them() {
    in_app(|app, socket, _| {
        let (page, room) = open(app, socket, nth(0));
        for seq in 3..63 {
            receive(socket, said_in(nth(0), seq));
        }
        socket.draw();
        assert_eq!(messages(&room), 60);
        page.cleanup();

        let (page, room) = open(app, socket, nth(0));
        let first_shown = messages(&room);
        assert!((1..60).contains(&first_shown) && room.has_earlier.get_untracked(), "{first_shown}");
        let newest = room.entries.get_untracked().last().unwrap().key;
        while room.fill_a_step() {
            socket.draw();
            assert_eq!(room.entries.get_untracked().last().unwrap().key, newest);
        }
        assert_eq!((messages(&room), room.has_earlier.get_untracked()), (60, false));

        room.keep_place(Some(100));
        page.cleanup();
        let (_page, room) = open(app, socket, nth(0));
        assert_eq!(messages(&room), 60, "the place is counted from the first row");
    });
}

#[test]
fn the_same_room_may_be_shown_again_before_its_last_page_is_gone() {
    in_app(|app, socket, _| {
        let (first, _) = open(app, socket, nth(0));
        let (_second, room) = open(app, socket, nth(0));
        first.cleanup();
        receive(socket, said_in(nth(0), 3));
        socket.draw();
        assert_eq!((messages(&room), socket.status.get_untracked()), (1, Status::Live));
    });
}

#[test]
fn five_hundred_rooms_on_one_socket_leave_eight_in_memory_and_no_signals() {
    in_app(|app, socket, list| {
        let mut left = Vec::new();
        let mut drawn = 0;
        for n in 0..500 {
            let (page, room) = open(app, socket, nth(n));
            receive(socket, said_in(nth(n), 3));
            socket.draw();
            drawn += messages(&room);
            assert_eq!(socket.painter_count(), 2, "the list and one room");
            page.cleanup();
            left.push((page, room));
        }
        assert_eq!(drawn, 500);
        assert_eq!(socket.painter_count(), 1);
        assert!(socket.client.with_value(|client| client.room_count() <= 8));
        for (_, room) in &left {
            assert!(room.entries.is_disposed() && room.you.is_disposed() && room.at_end.is_disposed());
            room.reads_end(true);
            room.load_later();
        }
        receive(socket, said_in(nth(499), 4));
        socket.draw();
        assert!(!socket.status.is_disposed() && !list.entries.is_disposed() && !list.unread.is_disposed());
        assert_eq!(list.entries.with_untracked(Vec::len), 1);
    });
}
