//! Accounts, sockets and waits that tests of read positions need.

use anonchat::protocol::{ClientFrame, MemberId, Preferences, Profile, RoomCode, Seq, Snapshot};
use reqwest::Method;

use crate::support::{Follower, Guest, Node};

const PUT: Method = Method::PUT;

/// An account: one logged-in device, and the address to log in with on another.
pub struct Account {
    pub device: Guest,
    pub email: String,
}

impl Account {
    pub async fn new(node: &Node, name: &str) -> Self {
        let (device, email) = Guest::registered(node, name).await;
        Self { device, email }
    }

    /// Another device of the account, connected to `node`.
    pub async fn other_device(&self, node: &Node) -> Guest {
        let device = Guest::new(node, self.device.name());
        device.log_in(&self.email).await;
        device
    }

    pub async fn prefer(&self, preferences: Preferences) {
        let _: Profile = self.device.ask(PUT, "/api/users/preferences", preferences).await.unwrap();
    }
}

/// What a person sees of a room.
pub async fn view(person: &Guest, code: RoomCode) -> Snapshot {
    person.ask(Method::GET, &format!("/api/rooms/{code}"), ()).await.unwrap()
}

/// Receives frames until the member's read mark is this seq.
pub async fn until_marked(follower: &mut Follower, member: MemberId, seq: Seq) {
    let marked = |follower: &Follower| follower.marks.get(&member) == Some(&seq);
    follower.hear_until(&format!("{member} has read up to {seq}"), marked).await;
}

/// Subscribes again and waits for the answer, so that the server has handled all earlier frames of this socket.
pub async fn settle(follower: &mut Follower) {
    let (epoch, after) = follower.replica.resume_point();
    let again = ClientFrame::Subscribe { code: follower.code, epoch: Some(epoch), after: Some(after) };
    let before = follower.answers;
    follower.socket.send(&again).await.expect("the frame is sent");
    follower.hear_until("the room answers", |follower| follower.answers > before).await;
}

/// Connects again and waits until the room has answered.
pub async fn resume(follower: &mut Follower, node: &Node) {
    let before = follower.answers;
    follower.reconnect(node).await;
    follower.hear_until("the room answers", |follower| follower.answers > before).await;
}
