//! Somebody who watches the list of their rooms on a socket.

use anonchat::protocol::{ClientFrame, RoomCode, RoomSummary, ServerFrame};
use reqwest::Method;

use super::{Guest, client::Socket, within};

/// A socket that watches, and the list as it is told.
pub struct Watcher {
    /// The connection.
    pub socket: Socket,
    /// The list; newest first when it was told whole.
    pub rooms: Vec<RoomSummary>,
    /// How often the whole list was told.
    pub told_whole: usize,
}

impl Guest {
    /// Watches, and waits for the list.
    pub async fn watch(&self) -> Watcher {
        let mut socket = self.try_connect().await.expect("the socket opens");
        socket.send(&ClientFrame::Watch).await.expect("the frame is sent");
        let mut watcher = Watcher { socket, rooms: Vec::new(), told_whole: 0 };
        within("the list comes", async {
            while watcher.told_whole == 0 {
                assert!(watcher.hear().await, "the socket is open");
            }
        })
        .await;
        watcher
    }

    /// The list of their rooms, by REST.
    pub async fn list(&self) -> Vec<RoomSummary> {
        self.ask(Method::GET, "/api/rooms/my-rooms", ()).await.expect("the rooms are told")
    }
}

impl Watcher {
    /// Takes a frame into the list; `false` if the socket is dead.
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

    /// A room in the list.
    pub fn room(&self, code: RoomCode) -> Option<&RoomSummary> {
        self.rooms.iter().find(|room| room.code == code)
    }

    /// Hears until a room in the list is as wished.
    pub async fn until(&mut self, what: &str, code: RoomCode, mut done: impl FnMut(&RoomSummary) -> bool) {
        within(what, async {
            while !self.room(code).is_some_and(&mut done) {
                assert!(self.hear().await, "the socket was cut while waiting: {what}");
            }
        })
        .await;
    }

    /// Hears until the list has exactly these rooms.
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

/// What a list shows of the last message.
pub fn text(room: &RoomSummary) -> &str {
    room.last.as_ref().map_or("", |last| &last.text)
}
