//! A socket that receives the list of an account's rooms and its changes (the frame `watch`).

use anonchat::protocol::{ClientFrame, RoomCode, RoomSummary, ServerFrame};
use reqwest::Method;

use super::{Guest, client::Socket, within};

/// A socket that sent `watch`, and the list that the frames so far describe.
pub struct Watcher {
    /// The socket.
    pub socket: Socket,
    /// The rooms of the list. Newest first as of the last `rooms` frame. A `summary` replaces an entry in place.
    pub rooms: Vec<RoomSummary>,
    /// How many `rooms` frames arrived.
    pub told_whole: usize,
}

impl Guest {
    /// Opens a socket, sends `watch`, and waits for the list.
    pub async fn watch(&self) -> Watcher {
        let mut socket = self.try_connect().await.expect("the socket opens");
        socket.send(&ClientFrame::Watch {}).await.expect("the frame is sent");
        let mut watcher = Watcher { socket, rooms: Vec::new(), told_whole: 0 };
        within("the list comes", async {
            while watcher.told_whole == 0 {
                assert!(watcher.hear().await, "the socket is open");
            }
        })
        .await;
        watcher
    }

    /// The list of this person's rooms, by REST.
    pub async fn list(&self) -> Vec<RoomSummary> {
        self.ask(Method::GET, "/api/rooms/my-rooms", ()).await.expect("the rooms are told")
    }
}

impl Watcher {
    /// Receives one frame and applies it to the list. Returns false if the socket is dead.
    pub async fn hear(&mut self) -> bool {
        match self.socket.next().await {
            None | Some(ServerFrame::Bye { .. }) => return false,
            Some(ServerFrame::Rooms { rooms }) => {
                self.rooms = rooms;
                self.told_whole += 1;
            }
            Some(ServerFrame::Summary { room }) => {
                let known = self.rooms.iter_mut().find(|known| known.code == room.code);
                *known.expect("only what is in the list changes") = *room;
            }
            Some(_) => {}
        }
        true
    }

    /// The entry of a room, if the list has it.
    pub fn room(&self, code: RoomCode) -> Option<&RoomSummary> {
        self.rooms.iter().find(|room| room.code == code)
    }

    /// Receives frames until `done` is true of a room in the list.
    pub async fn until(&mut self, what: &str, code: RoomCode, mut done: impl FnMut(&RoomSummary) -> bool) {
        within(what, async {
            while !self.room(code).is_some_and(&mut done) {
                assert!(self.hear().await, "the socket was cut while waiting: {what}");
            }
        })
        .await;
    }

    /// Receives frames until the list has exactly these rooms, in any order.
    pub async fn until_rooms(&mut self, what: &str, codes: &[RoomCode]) {
        let mut codes = codes.to_vec();
        codes.sort();
        within(what, async {
            loop {
                let mut listed: Vec<RoomCode> = self.rooms.iter().map(|room| room.code).collect();
                listed.sort();
                if listed == codes {
                    return;
                }
                assert!(self.hear().await, "the socket was cut while waiting: {what}");
            }
        })
        .await;
    }
}

/// The text of the last message in a room's summary, or an empty text.
pub fn text(room: &RoomSummary) -> &str {
    room.last.as_ref().map_or("", |last| &last.text)
}
