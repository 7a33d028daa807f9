//! Signals: who types and who has a connection. They are shown to others, and leave nothing in the log.

use anonchat::protocol::{ClientFrame, Code, ServerFrame, Signal, sorted::SortedSet};

use super::wire::{ada_in_a_room, two_in_a_room};
use crate::support::{
    Node, Settings,
    client::{Heard, new_id},
    within,
};

#[tokio::test]
async fn typing_is_told_to_the_others_and_not_to_oneself() {
    let node = Node::start(&Settings::embedded()).await;
    let (mut ada, mut bob) = two_in_a_room(&node, false).await;
    let mut other_page = ada.guest.follow(ada.code).await;
    let (member, code) = (ada.replica.you.member_id, ada.code);
    for on in [true, false] {
        ada.socket.send(&ClientFrame::Typing { code, on }).await.unwrap();
        within("Bob is told", async {
            while !bob.signals.contains(&Signal::Typing { member, on }) {
                assert_ne!(bob.hear().await, Heard::Cut);
            }
        })
        .await;
    }
    ada.say("Typed").await;
    let typing = |signal: &Signal| matches!(signal, Signal::Typing { .. });
    for own in [&mut ada, &mut other_page] {
        own.until_said("Typed").await;
        assert!(!own.signals.iter().any(typing));
    }
    bob.until_said("Typed").await;
}

#[tokio::test]
async fn switching_typing_to_and_fro_does_not_flood_the_room() {
    let node = Node::start(&Settings::embedded()).await;
    let (mut ada, mut bob) = two_in_a_room(&node, false).await;
    let code = ada.code;
    for i in 0..2_000 {
        ada.socket.feed(&ClientFrame::Typing { code, on: i % 2 == 0 }).await.unwrap();
    }
    ada.socket.flush().await.unwrap();
    ada.say("Enough").await;
    bob.until_said("Enough").await;
    let told = bob.signals.iter().filter(|signal| matches!(signal, Signal::Typing { .. })).count();
    assert!((1..=20).contains(&told), "{told} signals");
}

#[tokio::test]
async fn everyone_sees_who_has_a_connection() {
    let node = Node::start(&Settings::embedded()).await;
    let (mut ada, bob) = two_in_a_room(&node, false).await;
    let (me, them) = (ada.replica.you.member_id, bob.replica.you.member_id);
    ada.until("Bob is here", |replica| replica.connected == SortedSet::from([me, them])).await;
    let second = bob.guest.follow(bob.code).await;
    assert_eq!(second.replica.connected, SortedSet::from([me, them]));
    drop(bob);
    ada.say("One of Bob’s pages is closed").await;
    drop(second);
    ada.until("Bob is away", |replica| replica.connected == SortedSet::from([me])).await;
    assert!(ada.replica.state.members.contains_key(&them), "and still a member");
}

#[tokio::test]
async fn a_signal_is_no_event() {
    // Typing and presence leave no trace in the log, which a newcomer or a reload reads.
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let mut page = ada.follow(code).await;
    page.socket.send(&ClientFrame::Typing { code, on: true }).await.unwrap();
    let me = page.replica.you.member_id;
    within("presence is shown", async {
        while !page.signals.contains(&Signal::Presence { connected: vec![me] }) {
            assert_ne!(page.hear().await, Heard::Cut);
        }
    })
    .await;
    assert_eq!(page.replica.state.head, 1);
}

#[tokio::test]
async fn a_socket_can_stop_following_a_room_and_its_person_stays_a_member() {
    let node = Node::start(&Settings::embedded()).await;
    let (mut ada, mut bob) = two_in_a_room(&node, false).await;
    let (code, me, them) = (ada.code, ada.replica.you.member_id, bob.replica.you.member_id);
    ada.until("Bob is here", |replica| replica.connected.contains(&them)).await;
    let second = bob.guest.follow(code).await;
    bob.socket.send(&ClientFrame::Unsubscribe { code }).await.unwrap();
    ada.say("Bob has another socket").await;
    drop(second);
    ada.until("Bob is away", |replica| replica.connected == SortedSet::from([me])).await;
    assert!(ada.replica.state.members.contains_key(&them));
    ada.say("Bob does not get this").await;

    let send = ClientFrame::Send {
        code,
        id: new_id(),
        body: "Not followed".to_owned(),
        reply_to: None,
        mentions: Vec::new(),
        everyone: false,
    };
    for frame in [ClientFrame::Unsubscribe { code }, ClientFrame::Typing { code, on: true }, send] {
        bob.socket.send(&frame).await.unwrap();
    }
    within("sending is refused", async {
        loop {
            match bob.socket.next().await.unwrap() {
                ServerFrame::Error { code: refused, .. } => return assert_eq!(refused, Code::NotAMember),
                ServerFrame::Event { event, .. } => assert!(
                    event.message().is_none_or(|message| message.body.as_str() != "Bob does not get this"),
                    "nothing more of the room"
                ),
                _ => {}
            }
        }
    })
    .await;

    bob.socket.send(&ClientFrame::Subscribe { code, epoch: None, after: None }).await.unwrap();
    bob.until_said("Bob does not get this").await;
    ada.until("Bob is back", |replica| replica.connected.contains(&them)).await;
}
