//! Searching, on both stacks: what is found, by whom, and how soon.

use std::slice;

use anonchat::protocol::{Code, Event, RoomCode, RoomType, SearchPage, TextRange};
use reqwest::Method;
use serde_json::json;

use super::wire::{ask, limited, post, texts, two_on};
use crate::support::{Guest, Node, client::Refused, client::target, on_both_stacks, poll_until, refusal};

/// A search in a room, with further parts of the query.
async fn search(guest: &Guest, code: RoomCode, typed: &str, more: &[(&str, String)]) -> Result<SearchPage, Refused> {
    let query = [&[("q", typed.to_owned()), ("code", code.to_string())], more].concat();
    guest.ask(Method::GET, "/api/search", query).await
}

/// The texts that a search finds, newest first.
async fn found(guest: &Guest, code: RoomCode, typed: &str) -> Vec<String> {
    let page = search(guest, code, typed, &[]).await.unwrap();
    assert!(page.hits.iter().all(|hit| hit.code == code));
    let events: Vec<Event> = page.hits.into_iter().map(|hit| hit.event).collect();
    texts(&events).into_iter().map(str::to_owned).collect()
}

/// Waits until the index has a message with this word.
async fn until_found(guest: &Guest, code: RoomCode, typed: &str) {
    poll_until(&format!("{typed} is found"), || async { !found(guest, code, typed).await.is_empty() }).await;
}

#[tokio::test]
async fn what_a_room_keeps_is_found_as_it_is_now() {
    on_both_stacks(async |one, two| {
        let (mut ada, mut bob) = two_on(one, two, true).await;
        let code = ada.code;
        let street = target(ada.say("The Straße to Köln").await);
        let coffee = target(bob.say("Coffee in the strasse").await);
        bob.say("天気がいい").await;
        ada.say("The end").await;
        for (there, guest) in [(one, &ada.guest), (two, &bob.guest)] {
            let guest = guest.at(there);
            until_found(&guest, code, "end").await;
            until_found(&guest, code, "天気").await;
            assert_eq!(found(&guest, code, "STRASSE").await, ["Coffee in the strasse", "The Straße to Köln"]);
            assert_eq!(found(&guest, code, "天気").await, ["天気がいい"]);
            assert!(found(&guest, code, "koffee OR strasse").await.is_empty());
        }
        let page = search(&ada.guest, code, "strasse koln", &[]).await.unwrap();
        let mark = |start, length| TextRange { start, length };
        assert_eq!(page.hits[0].marks, [mark(4, 6), mark(14, 4)]);
        assert_eq!((page.hits.len(), page.more, page.scanned_to), (1, false, None));
        let by_bob = search(&ada.guest, code, "strasse", &[("from", bob.id().to_string())]).await.unwrap();
        assert_eq!(by_bob.hits.len(), 1);

        ada.edit(street, "The road to Köln").await.unwrap();
        bob.delete(coffee).await.unwrap();
        assert!(found(&bob.guest, code, "strasse").await.is_empty(), "at once");
        assert_eq!(found(&bob.guest, code, "road").await, ["The road to Köln"]);
    })
    .await;
}

#[tokio::test]
async fn a_search_goes_on_where_it_stopped() {
    on_both_stacks(async |one, _| {
        let ada = Guest::new(one, "Ada");
        let code = ada.create(RoomType::Group, true).await.room.code;
        let mut ada = ada.follow(code).await;
        for i in 0..25 {
            ada.say(&format!("Fish number {i}")).await;
        }
        until_found(&ada.guest, code, "\"number 24\"").await;
        let first = search(&ada.guest, code, "fish", &[]).await.unwrap();
        assert_eq!((first.hits.len(), first.more), (20, true));
        let before = first.scanned_to.unwrap();
        let rest = search(&ada.guest, code, "fish", &[("before", before.to_string())]).await.unwrap();
        assert_eq!((rest.hits.len(), rest.more, rest.scanned_to), (5, false, None));
        let all: Vec<Event> = first.hits.into_iter().chain(rest.hits).map(|hit| hit.event).collect();
        assert!(texts(&all).into_iter().eq((0..25).rev().map(|i| format!("Fish number {i}"))));
        let two = search(&ada.guest, code, "fish", &[("limit", "2".to_owned())]).await.unwrap();
        assert_eq!(two.hits.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn only_members_find_and_only_what_they_may_see() {
    on_both_stacks(async |one, two| {
        let (mut ada, mut bob) = two_on(one, two, true).await;
        let eve = Guest::new(two, "Eve");
        let of = async |guest: &Guest, code| refusal(search(guest, code, "fish", &[]).await);
        assert_eq!(of(&eve, ada.code).await, (401, Code::NoSession));
        let own = eve.create(RoomType::Group, true).await.room.code;
        assert_eq!(of(&eve, ada.code).await, (404, Code::RoomUnavailable));
        ada.say("fish").await;
        until_found(&bob.guest, bob.code, "fish").await;
        assert!(found(&eve, own, "fish").await.is_empty());
        bob.guest.leave(bob.code).await;
        bob.until("Bob has left", |replica| !replica.is_member()).await;
        assert_eq!(of(&bob.guest, bob.code).await, (403, Code::NotAMember));

        // In a room for two, a member sees what was said since their stay began.
        let (anna, ben) = (Guest::new(one, "Anna"), Guest::new(two, "Ben"));
        let code = anna.create(RoomType::P2p, true).await.room.code;
        anna.say(code, "An early fish").await;
        until_found(&anna, code, "fish").await;
        ben.join(code).await;
        assert!(found(&ben, code, "fish").await.is_empty());
        anna.say(code, "A late fish").await;
        until_found(&ben, code, "fish").await;
        assert_eq!(found(&ben, code, "fish").await, ["A late fish"]);
        assert_eq!(found(&anna, code, "fish").await, ["A late fish", "An early fish"]);

        // What a room does not keep is not found.
        let ephemeral = ada.guest.at(one);
        ephemeral.preserve(ada.code, false).await.unwrap();
        ada.say("another fish").await;
        ephemeral.preserve(ada.code, true).await.unwrap();
        ada.say("the last fish").await;
        until_found(&ephemeral, ada.code, "last").await;
        assert_eq!(found(&ephemeral, ada.code, "fish").await, ["the last fish", "fish"]);
    })
    .await;
}

#[tokio::test]
async fn the_rooms_of_an_account_are_searched_together() {
    on_both_stacks(async |one, two| {
        let (ada, _) = Guest::registered(one, "Ada").await;
        let mut codes = Vec::new();
        for i in 0..3 {
            let code = ada.create(RoomType::Group, true).await.room.code;
            ada.say(code, &format!("Fish number {i}")).await;
            until_found(&ada, code, "fish").await;
            codes.push(code);
        }
        ada.create(RoomType::Group, false).await;
        let ask = async |more: &[(&str, &str)]| {
            let query = [&[("q", "fish")], more].concat();
            ada.at(two).ask::<SearchPage>(Method::GET, "/api/search", query).await
        };
        let page = ask(&[]).await.unwrap();
        let found: Vec<_> = page.hits.iter().map(|hit| (hit.code, hit.event.text())).collect();
        assert_eq!(found, [(codes[2], "Fish number 2"), (codes[1], "Fish number 1"), (codes[0], "Fish number 0")]);
        let page = ask(&[("limit", "2")]).await.unwrap();
        assert_eq!((page.hits.len(), page.more, page.scanned_to), (2, true, None));
        for field in ["before", "from"] {
            let refused = ask(slice::from_ref(&(field, "5"))).await.unwrap_err();
            assert_eq!(refused.problem.field.as_deref(), Some(field));
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_no_search_is_refused_and_searching_has_a_limit() {
    let node = Node::start(&limited()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, true).await.room.code;
    for (typed, more, field) in [
        ("", None, "q"),
        ("!?", None, "q"),
        ("a b c d e f g h i", None, "q"),
        (&*"a".repeat(101), None, "q"),
        ("fish", Some(("limit", "0")), "limit"),
        ("fish", Some(("limit", "21")), "limit"),
    ] {
        let more: Vec<_> = more.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        let refused = search(&ada, code, typed, &more).await.unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.problem.field.as_deref()), (400, Some(field)), "{typed}");
    }
    for typed in ["a* OR b", "\"", "NEAR(a b)", "a\" AND \"b", "{terms}:a", "^a -b"] {
        assert!(
            search(&ada, code, typed, &[]).await.is_ok_and(|page| page.hits.is_empty()) || typed == "\"",
            "{typed}"
        );
    }
    let mut searched = 5;
    let refused = loop {
        match search(&ada, code, "fish", &[]).await {
            Ok(_) => searched += 1,
            Err(refused) => break refused,
        }
    };
    assert!((30..=32).contains(&searched), "{searched}");
    assert_eq!((refused.status.as_u16(), refused.problem.code), (429, Code::TooManyRequests));
    let bob = Guest::new(&node, "Bob");
    assert_eq!(ask(post(&bob, "/api/rooms/join", &json!({ "code": code }))).await.status, 200);
    assert!(search(&bob, code, "fish", &[]).await.is_ok(), "others search");
}
