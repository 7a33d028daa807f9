//! Peeking: what a room shows to people who have its code and have not joined, and how its owner turns that off.

use std::path::Path;

use anonchat::protocol::{Code, Peek, RoomCode, RoomType, addresses};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::wire::{Answer, ask, limited, looks, post, view};
use crate::support::{
    Guest, Node, Settings,
    client::{Follower, Refused},
    on_both_stacks, refusal, story, until_told,
};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;

async fn peek(guest: &Guest, code: RoomCode) -> Result<Peek, Refused> {
    guest.ask(POST, "/api/rooms/peek", json!({ "code": code })).await
}

async fn allow_peek(guest: &Guest, code: RoomCode, peek: bool) -> Result<(), Refused> {
    guest.ask(PUT, "/api/rooms/peek", json!({ "code": code, "peek": peek })).await
}

/// The request to peek, and the request to join.
fn both_ways(guest: &Guest, code: RoomCode) -> [RequestBuilder; 2] {
    ["/api/rooms/peek", "/api/rooms/join"].map(|path| post(guest, path, &json!({ "code": code })))
}

#[tokio::test]
async fn who_has_the_code_sees_the_room_and_nobody_in_it_and_changes_nothing() {
    on_both_stacks(async |one, two| {
        let (ada, bob) = (Guest::new(one, "Ada"), Guest::new(two, "Bob"));
        let code = ada.create(RoomType::Group, true).await.room.code;
        bob.join(code).await;
        ada.tell(PUT, "/api/rooms/name", json!({ "code": code, "name": "Book club" })).await.unwrap();
        bob.say(code, "Hello").await;
        for (node, typed) in [(one, code.to_string()), (two, code.spaced().to_lowercase())] {
            let stranger = Guest::new(node, "");
            let answer = ask(post(&stranger, "/api/rooms/peek", &json!({ "code": typed }))).await;
            let room = json!({ "type": "group", "name": "Book club", "preserve": true, "members": 2 });
            assert_eq!((answer.status, answer.json()), (200, json!({ "room": room })), "and nothing else");
            assert_eq!(answer.header("set-cookie"), "", "nobody becomes a guest by looking");
        }
        assert_eq!(view(&ada, code).await.unwrap().members.len(), 2);
        assert_eq!(story(&ada.whole_history(code).await).last().unwrap(), "Bob: Hello");
    })
    .await;
}

#[tokio::test]
async fn the_owner_turns_peeking_off_for_good_and_everyone_is_told() {
    on_both_stacks(async |one, two| {
        for preserve in [false, true] {
            let (ada, bob, eve) = (Guest::new(one, "Ada"), Guest::new(two, "Bob"), Guest::new(two, ""));
            let made = ada.create(RoomType::Group, preserve).await;
            let code = made.room.code;
            assert!(made.room.peek, "a room is shown unless its owner turns that off");
            bob.join(code).await;
            let mut page: Follower = bob.follow(code).await;
            assert_eq!(refusal(allow_peek(&bob, code, false).await), (403, Code::NotOwner));
            allow_peek(&ada, code, false).await.unwrap();
            allow_peek(&ada, code, false).await.unwrap();
            until_told(&mut page, "Ada turned peeking off").await;
            assert!(!page.replica.state.peek);
            assert_eq!(peek(&eve, code).await.unwrap(), Peek { room: None });
            assert!(!view(&bob, code).await.unwrap().room.peek);
            allow_peek(&ada, code, true).await.unwrap();
            until_told(&mut page, "Ada turned peeking on").await;
            assert_eq!(peek(&eve, code).await.unwrap().room.unwrap().members, 2);
            let told = story(&page.replica.events);
            let news = ["Bob joined", "Ada turned peeking off", "Ada turned peeking on"];
            assert!(told.ends_with(&news.map(str::to_owned)), "what was so already is no news: {told:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_room_that_shows_nothing_shows_nothing_after_its_log_is_lost() {
    let settings = Settings::embedded();
    let mut node = Node::start(&settings).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    allow_peek(&ada, code, false).await.unwrap();
    node.kill().await;
    node.restart().await;
    assert_eq!(peek(&Guest::new(&node, ""), code).await.unwrap(), Peek { room: None });
}

#[tokio::test]
async fn asking_is_refused_in_the_words_of_joining() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let full = ada.create(RoomType::P2p, false).await.room.code;
    assert_eq!(peek(&Guest::new(&node, ""), full).await.unwrap().room.unwrap().members, 1);
    let joined = bob.join(full).await;
    let mut seen = std::collections::BTreeSet::new();
    for code in [full, "ZZZZZZ".parse().unwrap()] {
        for request in both_ways(&Guest::new(&node, ""), code) {
            seen.insert(looks(request, &[]).await);
        }
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert!(seen.first().unwrap().contains("room_unavailable"), "{seen:#?}");
    assert_eq!(peek(&bob, full).await.unwrap().room.unwrap().members, 2, "for its members it has a place");
    let kick = json!({ "code": full, "member_id": joined.you.member_id });
    ada.tell(POST, "/api/rooms/kick", kick).await.unwrap();
    for request in both_ways(&bob, full) {
        assert_eq!(ask(request).await.refused(), (403, "removed".to_owned()), "although there is a place again");
    }
    // A guest who is in another room can change over to this one, so they may ask.
    let own = Guest::new(&node, "Cyd");
    own.create(RoomType::Group, false).await;
    assert_eq!(peek(&own, full).await.unwrap().room.unwrap().members, 1);
}

#[tokio::test]
async fn who_guesses_codes_by_asking_can_neither_ask_nor_join_for_a_while() {
    let node = Node::start(&limited()).await;
    let code = Guest::new(&node, "Ada").create(RoomType::Group, false).await.room.code;
    let guesser = Guest::new(&node, "");
    let from = async |client: &str, request: RequestBuilder| -> Answer {
        ask(request.header("x-forwarded-for", client)).await
    };
    let mut misses = 0;
    while from("203.0.113.1", both_ways(&guesser, RoomCode::from_bits(misses))[0].try_clone().unwrap()).await.status
        == 404
    {
        misses += 1;
        assert!(misses < 20);
    }
    assert!((10..=11).contains(&misses), "{misses}");
    for request in both_ways(&guesser, code) {
        assert_eq!(from("203.0.113.1", request).await.status, 429, "not even with a right one");
    }
    for request in both_ways(&guesser, code) {
        assert_eq!(from("203.0.113.2", request).await.status, 200, "others go on");
    }
}

#[tokio::test]
async fn a_wrong_link_that_a_whole_network_opens_blocks_nobody() {
    let node = Node::start(&limited()).await;
    let code = Guest::new(&node, "Ada").create(RoomType::Group, false).await.room.code;
    for _ in 0..30 {
        for request in both_ways(&Guest::new(&node, ""), "ZZZZZZ".parse().unwrap()) {
            assert_eq!(ask(request).await.status, 404);
        }
    }
    assert!(Guest::new(&node, "Bob").try_join(code).await.is_ok());
}

#[tokio::test]
async fn a_link_shows_the_same_to_programs_whether_or_not_there_is_a_room() {
    let node = Node::start(&Settings::embedded().with("PUBLIC_URL", "https://chat.example")).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, true).await.room.code;
    ada.tell(PUT, "/api/rooms/name", json!({ "code": code, "name": "Book club" })).await.unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for code in [code, "ZZZZZZ".parse().unwrap()] {
        let (status, page) = Guest::new(&node, "").page(&addresses::room(code)).await;
        let tags: Vec<&str> = page.split('<').filter(|tag| tag.contains("property=\"og:")).collect();
        let tags = tags.join("\n");
        assert!(tags.contains("You’re invited to a chat"), "{tags}");
        assert!(tags.contains("\"https://chat.example/icons/link.png\""), "{tags}");
        assert!(!page.contains("Book club") && !page.contains("Ada"), "{page}");
        seen.insert((status, tags));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    // The site's files are not built for these tests.
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("public/icons/link.png").is_file());
}

#[tokio::test]
async fn a_get_asks_nothing() {
    let node = Node::start(&Settings::embedded()).await;
    let code = Guest::new(&node, "Ada").create(RoomType::Group, false).await.room.code;
    let mut seen = std::collections::BTreeSet::new();
    for code in [code, "ZZZZZZ".parse().unwrap()] {
        let path = format!("/api/rooms/peek?code={code}");
        seen.insert(looks(Guest::new(&node, "").request(Method::GET, &path), &[]).await);
        let (status, content) = Guest::new(&node, "").page(&addresses::content(&addresses::room(code))).await;
        let mut content: Value = serde_json::from_str(&content).unwrap();
        content["page"]["Room"]["code"] = json!(null);
        content["page"]["Room"]["access"]["Ok"]["Outside"]["nickname"] = json!(null);
        seen.insert(format!("{status} {content}"));
    }
    assert_eq!(seen.len(), 2, "{seen:#?}");
}
