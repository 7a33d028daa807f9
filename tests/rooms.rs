//! Rooms by their doors, on one embedded node: what people can do, and what they are told when they cannot.

mod support;

use anonchat::protocol::{Code, EventKind, RoomType};
use support::{Guest, Node, Settings};

#[tokio::test]
async fn two_guests_meet_by_code_and_chat_both_ways() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    let mut ada = ada.follow(code).await;
    bob.join(code).await;
    let mut bob = bob.follow(code).await;
    bob.say("Hello, Ada").await;
    ada.until_said("Hello, Ada").await;
    ada.say("Hello, Bob").await;
    bob.until_said("Hello, Bob").await;
    let joined = |e: &&anonchat::protocol::Event| matches!(&e.kind, EventKind::Joined { member } if member.name.as_str() == "Bob");
    assert_eq!(ada.replica.events.iter().filter(joined).count(), 1);
}

#[tokio::test]
async fn a_one_to_one_room_holds_two_and_the_third_sees_what_a_wrong_code_shows() {
    let node = Node::start(&Settings::embedded()).await;
    let code = Guest::new(&node, "Ada").create(RoomType::P2p, false).await.room.code;
    Guest::new(&node, "Bob").join(code).await;
    let full = Guest::new(&node, "Eve").try_join(code).await.unwrap_err();
    let unknown = Guest::new(&node, "Eve").try_join("ZZZZZZ".parse().unwrap()).await.unwrap_err();
    assert_eq!(full.status, 404);
    assert_eq!(full.problem, unknown.problem);
}

#[tokio::test]
async fn a_guest_is_in_one_room_at_a_time_and_told_which() {
    let node = Node::start(&Settings::embedded()).await;
    let first = Guest::new(&node, "Ada").create(RoomType::Group, false).await.room.code;
    let bob = Guest::new(&node, "Bob");
    let second = bob.create(RoomType::Group, false).await.room.code;
    let refused = bob.try_join(first).await.unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.problem.code), (409, Code::AlreadyInRoom));
    assert_eq!(refused.problem.room, Some(second));
}
