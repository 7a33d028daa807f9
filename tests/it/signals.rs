//! Signals: who types and who has a connection. They are shown to others, and leave nothing in the log.

use std::collections::BTreeSet;

use anonchat::protocol::{ClientFrame, Signal};

use super::wire::{ada_in_a_room, two_in_a_room};
use crate::support::{Node, Settings, client::Heard, within};

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
    ada.until("Bob is here", |replica| replica.connected == BTreeSet::from([me, them])).await;
    let second = bob.guest.follow(bob.code).await;
    assert_eq!(second.replica.connected, BTreeSet::from([me, them]));
    drop(bob);
    ada.say("One of Bob’s pages is closed").await;
    drop(second);
    ada.until("Bob is away", |replica| replica.connected == BTreeSet::from([me])).await;
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
