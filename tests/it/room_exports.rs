//! The download of a room: what is in it, for whom, and in which rooms.

use anonchat::protocol::{Code, RoomCode, RoomType, addresses};
use reqwest::Method;
use serde_json::{Value, json};

use super::wire::{ask, two_in_a_room};
use crate::support::{Guest, Node, Settings, client::target, on_both_stacks};

#[tokio::test]
async fn a_member_downloads_what_history_shows_as_data_and_as_a_page() {
    on_both_stacks(async |one, _| {
        let (mut ada, mut bob) = two_in_a_room(one, true).await;
        let code = ada.code;
        for n in 0..1_200 {
            ada.say(&format!("Message {n}")).await;
        }
        let gone = target(bob.say("Taken back").await);
        bob.delete(gone).await.unwrap();
        let edited = target(bob.say("<b>Frist</b>").await);
        bob.edit(edited, "<b>First</b> & foremost").await.unwrap();

        let reader = bob.guest.clone();
        let data = ask(reader.request(Method::GET, &addresses::room_data(code))).await;
        assert_eq!((data.status, data.header("content-type")), (200, "application/json"));
        assert_eq!(data.header("content-disposition"), format!("attachment; filename=\"anonchat-{code}.json\""));
        let data: Value = serde_json::from_str(&data.text).unwrap();
        assert_eq!((&data["room"]["code"], &data["room"]["type"]), (&json!(code), &json!("group")));
        let history = reader.whole_history(code).await;
        assert_eq!(data["events"], serde_json::to_value(&history).unwrap());

        let page = ask(reader.request(Method::GET, &addresses::room_file(code))).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert_eq!(page.header("content-disposition"), format!("attachment; filename=\"anonchat-{code}.html\""));
        let at = |text: &str| page.text.find(text).unwrap_or_else(|| panic!("{text} is missing"));
        assert!(at("Message 0<") < at("Message 1199<") && at("Message 1199<") < at("Message deleted"));
        assert!(page.text.contains("&lt;b&gt;First&lt;/b&gt; &amp; foremost") && page.text.contains("edited"));
        assert!(!page.text.contains("Taken back") && !page.text.contains("Frist"));
        assert!(page.text.trim_end().ends_with("</html>"));
    })
    .await;
}

#[tokio::test]
async fn only_who_is_in_a_room_that_saves_its_messages_can_download_it() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, stranger) = (Guest::new(&node, "Ada"), Guest::new(&node, "Eve"));
    let saving = ada.create(RoomType::Group, true).await.room.code;
    let other = Guest::new(&node, "Bob").create(RoomType::Group, false).await.room.code;
    stranger.join(other).await;
    let refusals = async |guest: &Guest, code: RoomCode| {
        let mut codes = Vec::new();
        for address in [addresses::room_data(code), addresses::room_file(code)] {
            let answer = ask(guest.request(Method::GET, &address)).await;
            let problem: Value = serde_json::from_str(&answer.text).unwrap();
            codes.push(serde_json::from_value::<Code>(problem["code"].clone()).unwrap());
        }
        codes
    };
    assert_eq!(refusals(&stranger, saving).await, [Code::RoomUnavailable; 2]);
    assert_eq!(refusals(&stranger, other).await, [Code::NotFound; 2]);
    assert_eq!(refusals(&Guest::new(&node, ""), saving).await, [Code::NoSession; 2]);
    let led = ada.request(Method::GET, &addresses::room_file(saving)).header("sec-fetch-site", "cross-site");
    assert_eq!(ask(led).await.status, 403, "no other website makes somebody download a room");
}

#[tokio::test]
async fn a_room_for_two_keeps_what_was_said_before_ones_stay_from_a_download() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::P2p, true).await.room.code;
    ada.say(code, "Before Bob").await;
    bob.join(code).await;
    ada.say(code, "With Bob").await;
    for address in [addresses::room_data(code), addresses::room_file(code)] {
        let [own, other] = [&ada, &bob].map(|guest| ask(guest.request(Method::GET, &address)));
        let (own, other) = tokio::join!(own, other);
        assert!(own.text.contains("Before Bob") && own.text.contains("With Bob"));
        assert!(!other.text.contains("Before Bob") && other.text.contains("With Bob"));
    }
}
