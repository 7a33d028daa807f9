//! Leaving a room and coming back: by request, by staying away, and after a power cut.

use anonchat::protocol::{ClientFrame, Code, EventKind, RoomCode, RoomType, You};
use reqwest::Method;
use serde_json::json;

use super::wire::view;
use crate::support::{
    Guest, Mongo, Node, Redis, Settings,
    client::{Heard, new_id},
    count, refusal, story, until_told, within,
};

#[tokio::test]
async fn leaving_is_told_once_and_makes_place() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob, eve) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"), Guest::new(&node, "Eve"));
    let code = ada.create(RoomType::P2p, false).await.room.code;
    bob.join(code).await;
    let mut ada = ada.follow(code).await;
    let (mut here, mut there) = (bob.follow(code).await, bob.follow(code).await);
    bob.leave(code).await;
    bob.leave(code).await;
    here.socket.send(&ClientFrame::Leave { code }).await.unwrap();
    until_told(&mut here, "Bob left").await;
    until_told(&mut there, "Bob left").await;
    assert!(!there.replica.is_member());
    assert_eq!(refusal(bob.try_say(code, new_id(), "Anyone?").await), (403, Code::NotAMember));
    eve.join(code).await;
    until_told(&mut ada, "Eve joined").await;
    assert_eq!(story(&ada.replica.events), ["Ada joined", "Bob joined", "Bob left", "Eve joined"]);
    assert_eq!(ada.replica.state.members.len(), 2);
    assert_eq!(refusal(bob.try_join(code).await), (404, Code::RoomUnavailable), "now the room is full for Bob");
}

#[tokio::test]
async fn leaving_by_socket_is_leaving() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    bob.join(code).await;
    let mut ada = ada.follow(code).await;
    let mut page = bob.follow(code).await;
    page.socket.send(&ClientFrame::Leave { code }).await.unwrap();
    until_told(&mut ada, "Bob left").await;
    // The socket stays open. Frames for the room that Bob has left are refused.
    until_told(&mut page, "Bob left").await;
    page.send(new_id(), "Anyone?").await.unwrap();
    let refused = within("the message is refused", async {
        loop {
            match page.hear().await {
                Heard::Refused(code, _) => return code,
                Heard::Cut => panic!("the socket was cut"),
                _ => {}
            }
        }
    });
    assert_eq!(refused.await, Code::NotAMember);
    assert_eq!(bob.list().await, []);
}

#[tokio::test]
async fn who_comes_back_is_the_same_member_and_sees_what_is_said_from_then_on() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    let before = bob.join(code).await;
    ada.say(code, "While Bob is here").await;
    bob.leave(code).await;
    ada.say(code, "While Bob is away").await;
    let after = bob.join(code).await;
    assert_eq!(after.you, You { read: after.head, ..before.you });
    ada.say(code, "Bob is back").await;
    assert_eq!(story(&bob.whole_history(code).await), ["Bob joined", "Ada: Bob is back"]);
    assert_eq!(story(&bob.follow(code).await.replica.events), ["Bob joined", "Ada: Bob is back"]);
    let whole =
        ["Ada joined", "Bob joined", "Ada: While Bob is here", "Bob left", "Ada: While Bob is away", "Bob joined"];
    assert_eq!(story(&ada.whole_history(code).await)[..6], whole);
}

#[tokio::test]
async fn a_guest_who_stays_away_has_left_with_one_notice() {
    let node = Node::start(&Settings::embedded().with("GUEST_GRACE_SECONDS", "1")).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::P2p, false).await.room.code;
    let mut ada = ada.follow(code).await;
    bob.join(code).await;
    drop(bob.follow(code).await);
    until_told(&mut ada, "Bob left").await;
    // A place that was given up is free. When Eve's time is over as well, no second notice about Bob has been sent.
    let eve = Guest::new(&node, "Eve");
    give_up_place(&ada.guest, code).await;
    eve.join(code).await;
    drop(eve.follow(code).await);
    until_told(&mut ada, "Eve left").await;
    assert_eq!(story(&ada.replica.events), ["Ada joined", "Bob joined", "Bob left", "Eve joined", "Eve left"]);
    assert_eq!(refusal(view(&bob, code).await), (403, Code::NotAMember));
}

#[tokio::test]
async fn a_guest_who_never_connects_has_left_but_for_the_place() {
    let node = Node::start(&Settings::embedded().with("GUEST_GRACE_SECONDS", "1")).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::P2p, false).await.room.code;
    let mut ada = ada.follow(code).await;
    bob.join(code).await;
    until_told(&mut ada, "Bob left").await;
    assert_eq!(refusal(Guest::new(&node, "Eve").try_join(code).await), (404, Code::RoomUnavailable));
    bob.leave(code).await;
    Guest::new(&node, "Eve").join(code).await;
}

async fn give_up_place(guest: &Guest, code: RoomCode) {
    let answer = guest.request(Method::POST, "/api/rooms/free").json(&json!({"code": code})).send().await.unwrap();
    assert_eq!(answer.status(), 204);
}

#[tokio::test]
async fn who_reconnects_within_the_grace_has_not_left() {
    let node = Node::start(&Settings::embedded().with("GUEST_GRACE_SECONDS", "2")).await;
    let (ada, bob, clock) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"), Guest::new(&node, "Clock"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    bob.join(code).await;
    clock.join(code).await;
    let mut ada = ada.follow(code).await;
    // Bob closes one of two pages, and then closes all pages and opens one.
    let first = bob.follow(code).await;
    let second = bob.follow(code).await;
    drop(first);
    drop(second);
    let mut bob = bob.follow(code).await;
    drop(clock.follow(code).await);
    // By now Bob's time would be over too, if it had started.
    until_told(&mut ada, "Clock left").await;
    bob.say("Still here").await;
    ada.until_said("Still here").await;
    assert_eq!(count(&story(&ada.replica.events), "Bob left"), 0);
}

#[tokio::test]
async fn who_does_not_come_back_after_a_power_cut_has_left_with_one_notice() {
    for preserve in [false, true] {
        let mut node = Node::start(&Settings::embedded().with("GUEST_GRACE_SECONDS", "2")).await;
        let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
        let code = ada.create(RoomType::Group, preserve).await.room.code;
        bob.join(code).await;
        let mut ada = ada.follow(code).await;
        let page = bob.follow(code).await;
        node.kill().await;
        node.restart().await;
        drop(page);
        ada.reconnect(&node).await;
        until_told(&mut ada, "Bob left").await;
        let eve = Guest::new(&node, "Eve");
        eve.join(code).await;
        drop(eve.follow(code).await);
        until_told(&mut ada, "Eve left").await;
        let told = story(&ada.replica.events);
        assert_eq!((count(&told, "Bob left"), count(&told, "Ada left")), (1, 0), "{told:?}");
    }
}

#[tokio::test]
async fn a_room_that_keeps_nothing_starts_anew_after_a_power_cut_and_says_so() {
    let mut node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    for i in 0..5 {
        ada.say(code, &format!("Before Bob {i}")).await;
    }
    bob.join(code).await;
    let (mut ada, mut bob) = (ada.follow(code).await, bob.follow(code).await);
    bob.say("Lost with the power").await;
    ada.until_said("Lost with the power").await;
    bob.until_said("Lost with the power").await;
    let epoch = ada.replica.epoch;
    node.kill().await;
    node.restart().await;
    ada.reconnect(&node).await;
    bob.reconnect(&node).await;
    ada.until("Ada starts anew", |replica| replica.epoch != epoch).await;
    bob.until("Bob starts anew", |replica| replica.epoch != epoch).await;
    assert_eq!((ada.resets, bob.resets), (1, 1));
    assert_eq!(bob.replica.state.members.len(), 2, "who was in the room still is");
    ada.say("Hello again").await;
    bob.until_said("Hello again").await;
    let shown = ["Bob joined", "Bob: Lost with the power", "Ada: Hello again"];
    assert_eq!(story(&bob.replica.events), shown, "what was on the screen stays there, and nobody joined or left");
    // After a reload or a gap, the member sees the whole new log, however late they joined the old one.
    assert_eq!(story(&bob.guest.follow(code).await.replica.events), ["Ada: Hello again"]);
    assert_eq!(story(&bob.guest.whole_history(code).await), ["Ada: Hello again"]);
    ada.say("While Bob’s line was cut").await;
    bob.reconnect(&node).await;
    bob.until_said("While Bob’s line was cut").await;
    assert_eq!(bob.resets, 1, "a cut line is no reason for a reset");
}

#[tokio::test]
async fn a_room_that_keeps_its_log_goes_on_after_a_power_cut() {
    let mut node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, true).await.room.code;
    bob.join(code).await;
    let (mut ada, mut bob) = (ada.follow(code).await, bob.follow(code).await);
    bob.say("Kept").await;
    node.kill().await;
    node.restart().await;
    ada.reconnect(&node).await;
    ada.until_said("Kept").await;
    ada.say("Said while Bob was not back yet").await;
    bob.reconnect(&node).await;
    bob.until_said("Said while Bob was not back yet").await;
    let told = ["Ada joined", "Bob joined", "Bob: Kept", "Ada: Said while Bob was not back yet"];
    assert_eq!(story(&bob.replica.events), told);
    assert_eq!(story(&bob.guest.whole_history(code).await), told);
    assert_eq!((ada.resets, bob.resets), (0, 0));
}

#[tokio::test]
async fn a_guest_whose_node_died_leaves_with_one_notice_seen_on_the_other() {
    let (Some(mongo), Some(redis)) = (Mongo::start().await, Redis::start().await) else { return };
    let settings =
        || Settings::cluster(&mongo.uri(), "absence", &redis.url(), "absence").with("GUEST_GRACE_SECONDS", "2");
    let (mut a, b) = (Node::start(&settings()).await, Node::start(&settings()).await);
    let (ada, bob) = (Guest::new(&a, "Ada"), Guest::new(&b, "Bob"));
    let code = bob.create(RoomType::Group, false).await.room.code;
    let mut bob = bob.follow(code).await;
    ada.join(code).await;
    let _ada = ada.follow(code).await;
    bob.until("Ada is there", |replica| replica.state.members.len() == 2).await;
    a.kill().await;
    bob.until("Ada has left", |replica| replica.state.members.len() == 1).await;
    bob.say("just us").await;
    bob.until_said("just us").await;
    let left = |event: &&anonchat::protocol::Event| matches!(event.kind, EventKind::Left { .. });
    assert_eq!(bob.replica.events.iter().filter(left).count(), 1);
}
