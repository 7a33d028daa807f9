//! Messages by REST and by socket, on one embedded node: each is stored once, in order, with its text as it was sent.

use std::collections::BTreeSet;

use anonchat::protocol::{Ack, ClientFrame, ClientId, Code, RoomType, ServerFrame, limits::MESSAGE_CHARS};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::wire::{texts, two_in_a_room};
use crate::support::{
    Follower, Guest, Node, Settings,
    client::{Heard, new_id},
    story, within,
};

/// Receives frames until the message is acknowledged or refused.
async fn answer(follower: &mut Follower, id: ClientId) -> Result<Ack, Code> {
    within("the message is answered", async {
        loop {
            match follower.hear().await {
                Heard::Acked(ack) if ack.id == id => return Ok(ack),
                Heard::Refused(code, Some(refused)) if refused == id => return Err(code),
                Heard::Cut => panic!("the socket was cut"),
                _ => {}
            }
        }
    })
    .await
}

#[tokio::test]
async fn an_acknowledged_message_is_in_the_log_where_the_ack_says() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, mut bob) = two_in_a_room(&node, preserve).await;
        let by_socket = ada.say("By socket").await;
        let by_rest = bob.guest.say(bob.code, "By REST").await;
        assert_eq!((by_socket.seq, by_rest.seq), (3, 4));
        let history = ada.guest.whole_history(ada.code).await;
        for (ack, text) in [(by_socket, "By socket"), (by_rest, "By REST")] {
            let event = history.iter().find(|event| event.seq == ack.seq).unwrap();
            let message = event.message().unwrap();
            assert_eq!((message.id, message.body.as_str(), event.at), (ack.id, text, ack.at));
        }
        assert_eq!(history.iter().filter_map(|event| Some(event.message()?.n)).collect::<Vec<_>>(), [1, 2]);
        bob.until_said("By REST").await;
        assert_eq!(texts(&bob.replica.events), ["By socket", "By REST"]);
    }
}

#[tokio::test]
async fn the_same_message_sent_again_by_any_door_gets_the_same_ack_and_is_one_message() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, mut bob) = two_in_a_room(&node, preserve).await;
        let (guest, code, id) = (ada.guest.clone(), ada.code, new_id());
        let first = guest.try_say(code, id, "Once").await.unwrap();
        ada.send(id, "Once").await.unwrap();
        assert_eq!(answer(&mut ada, id).await, Ok(first));
        assert_eq!(
            guest.try_say(code, id, " Once\0\r\n".trim_start()).await.unwrap(),
            first,
            "what is stored is the same"
        );
        ada.send(id, "Once").await.unwrap();
        assert_eq!(answer(&mut ada, id).await, Ok(first));
        // An id belongs to its author: the same id from another member is another message.
        let other = bob.guest.try_say(code, id, "Mine").await.unwrap();
        assert_ne!(other.seq, first.seq);
        bob.until_said("Mine").await;
        assert_eq!(texts(&bob.replica.events), ["Once", "Mine"]);
        assert_eq!(texts(&guest.whole_history(code).await), ["Once", "Mine"]);
    }
}

#[tokio::test]
async fn the_id_of_a_message_is_not_used_for_another_text() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, _bob) = two_in_a_room(&node, preserve).await;
        let (guest, code, id) = (ada.guest.clone(), ada.code, new_id());
        ada.send(id, "First").await.unwrap();
        let first = answer(&mut ada, id).await.unwrap();
        let refused = guest.try_say(code, id, "Second").await.unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.problem.code), (409, Code::IdReused));
        ada.send(id, "Third").await.unwrap();
        assert_eq!(answer(&mut ada, id).await, Err(Code::IdReused));
        assert_eq!(guest.try_say(code, id, "First").await.unwrap(), first, "the first is still there");
        assert_eq!(texts(&guest.whole_history(code).await), ["First"]);
    }
}

#[tokio::test]
async fn twenty_tries_at_once_with_one_id_are_one_message() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, mut bob) = two_in_a_room(&node, preserve).await;
        let (guest, code, id) = (ada.guest.clone(), ada.code, new_id());
        let by_rest = join_all((0..20).map(|_| guest.try_say(code, id, "Once")));
        let by_socket = async {
            let mut acks = Vec::new();
            for _ in 0..20 {
                ada.send(id, "Once").await.unwrap();
            }
            for _ in 0..20 {
                acks.push(answer(&mut ada, id).await.unwrap());
            }
            acks
        };
        let (by_rest, by_socket) = tokio::join!(by_rest, by_socket);
        let acks: BTreeSet<_> =
            by_rest.into_iter().map(Result::unwrap).chain(by_socket).map(|ack| (ack.id, ack.seq, ack.at)).collect();
        assert_eq!(acks.len(), 1);
        // With different texts at the same time, one is stored and the others are refused.
        let (id, texts_tried) = (new_id(), (0..20).map(|i| format!("Text {i}")).collect::<Vec<_>>());
        let tries = join_all(texts_tried.iter().map(|text| guest.try_say(code, id, text))).await;
        let (taken, refused): (Vec<_>, Vec<_>) = tries.into_iter().partition(Result::is_ok);
        assert_eq!(taken.len(), 1);
        assert!(refused.into_iter().all(|refused| refused.unwrap_err().problem.code == Code::IdReused));
        ada.say("End").await;
        bob.until_said("End").await;
        let told = texts(&bob.replica.events);
        assert_eq!((told.len(), told[0]), (3, "Once"));
    }
}

#[tokio::test]
async fn what_one_socket_sends_without_waiting_arrives_in_that_order_without_gaps() {
    const COUNT: usize = 200;
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, mut bob) = two_in_a_room(&node, preserve).await;
        let expected: Vec<String> = (0..COUNT).map(|i| format!("Message {i}")).collect();
        for text in &expected {
            let frame = ClientFrame::Send {
                code: ada.code,
                id: new_id(),
                body: text.clone(),
                reply_to: None,
                mentions: Vec::new(),
                everyone: false,
            };
            ada.socket.feed(&frame).await.unwrap();
        }
        ada.socket.flush().await.unwrap();
        let mut acks = Vec::new();
        within("every message is acknowledged", async {
            while acks.len() < COUNT {
                match ada.hear().await {
                    Heard::Acked(ack) => acks.push(ack.seq),
                    Heard::News | Heard::Other => {}
                    other => panic!("{other:?}"),
                }
            }
        })
        .await;
        assert!(acks.iter().copied().eq(3..3 + COUNT as u64), "acks in order, without gaps");
        for follower in [&mut ada, &mut bob] {
            follower.until_said(expected.last().unwrap()).await;
            assert_eq!(texts(&follower.replica.events), expected);
            assert_eq!(follower.resets, 0);
        }
        let history = bob.guest.whole_history(bob.code).await;
        assert_eq!(texts(&history), expected);
        assert!(history.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    }
}

#[tokio::test]
async fn everyone_sees_one_order_when_all_speak_at_once() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, mut bob) = two_in_a_room(&node, preserve).await;
        let code = ada.code;
        let speak = async |guest: &Guest| {
            for i in 0..25 {
                guest.say(code, &format!("{} {i}", guest.name())).await;
            }
        };
        let (one, other) = (ada.guest.clone(), bob.guest.clone());
        tokio::join!(speak(&one), speak(&other), speak(&one), speak(&other));
        ada.until("all is said", |replica| replica.state.last_n == 100).await;
        bob.until("all is said", |replica| replica.state.last_n == 100).await;
        assert_eq!(texts(&ada.replica.events), texts(&bob.replica.events));
        assert_eq!(texts(&one.whole_history(code).await), texts(&bob.replica.events));
    }
}

#[tokio::test]
async fn a_message_of_the_limit_is_taken_and_one_character_more_is_not() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, mut bob) = two_in_a_room(&node, preserve).await;
        let (full, over) = ("𝕏".repeat(MESSAGE_CHARS), "𝕏".repeat(MESSAGE_CHARS + 1));
        ada.say(&full).await;
        bob.until_said(&full).await;
        ada.guest.say(ada.code, &full).await;
        let refused = ada.guest.try_say(ada.code, new_id(), &over).await.unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.problem.field.as_deref()), (400, Some("body")));
        assert_eq!(refused.problem.detail, "A message can have up to 4000 characters; this has 4001.");
        let id = new_id();
        ada.send(id, &over).await.unwrap();
        assert_eq!(answer(&mut ada, id).await, Err(Code::InvalidInput));
    }
}

#[tokio::test]
async fn a_message_of_the_limit_fits_however_its_json_is_escaped() {
    let node = Node::start(&Settings::embedded()).await;
    let (mut ada, mut bob) = two_in_a_room(&node, true).await;
    let (code, id) = (ada.code, new_id());
    let escaped = r"\ud835\udd4f".repeat(MESSAGE_CHARS);
    let frame = format!(r#"{{"send":{{"code":"{code}","id":"{id}","body":"{escaped}"}}}}"#);
    ada.socket.send_text(&frame).await.unwrap();
    answer(&mut ada, id).await.unwrap();
    bob.until_said(&"𝕏".repeat(MESSAGE_CHARS)).await;
    let body = format!(r#"{{"code":"{code}","id":"{}","body":"{escaped}"}}"#, new_id());
    let request =
        ada.guest.request(Method::POST, "/api/messages").header("content-type", "application/json").body(body);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_empty_message_is_refused_with_a_sentence() {
    let node = Node::start(&Settings::embedded()).await;
    let (mut ada, _bob) = two_in_a_room(&node, false).await;
    for empty in ["", " ", "\n\t\r\n", "\0\u{1}\u{7f}", "\u{200D}\u{3164}\u{2800}"] {
        let refused = ada.guest.try_say(ada.code, new_id(), empty).await.unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.problem.field.as_deref()), (400, Some("body")), "{empty:?}");
        assert_eq!(refused.problem.detail, "A message can’t be empty.");
        let id = new_id();
        ada.send(id, empty).await.unwrap();
        assert_eq!(answer(&mut ada, id).await, Err(Code::InvalidInput), "{empty:?}");
    }
    assert_eq!(texts(&ada.guest.whole_history(ada.code).await), [""; 0]);
}

#[tokio::test]
async fn what_is_said_arrives_as_it_was_said_in_any_script() {
    let said = [
        "Zoë, naïve café — “quoted”",
        "مرحبا بالعالم: שלום עולם",
        "\u{202E}reversed\u{202C} and \u{2067}isolated\u{2069}",
        "👩‍👩‍👧‍👦 🏳️‍🌈 🇪🇺 ☝🏽",
        "e\u{301} is not é",
        "日本語 中文 한국어 ไทย हिन्दी",
        "<script>alert('&amp;')</script> \\u0041 \"\\\"",
        "  indented\n\tand tabbed\n\nwith a blank line",
        "{\"$ne\": null} '; DROP TABLE events; --",
        "\u{FFFD}\u{FFFE}\u{10FFFF}\u{2028}\u{2029}.",
    ];
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, mut bob) = two_in_a_room(&node, preserve).await;
        for text in said {
            ada.say(text).await;
        }
        bob.until_said(said.last().unwrap()).await;
        assert_eq!(texts(&bob.replica.events), said);
        assert_eq!(texts(&bob.guest.whole_history(bob.code).await), said);
    }
}

#[tokio::test]
async fn control_characters_are_dropped_and_line_ends_are_one_kind() {
    let node = Node::start(&Settings::embedded()).await;
    let (mut ada, mut bob) = two_in_a_room(&node, true).await;
    let id = new_id();
    ada.send(id, "a\0b\u{8}c\u{1b}[31md\u{9f}e\r\nf\rg\t.\n\n").await.unwrap();
    answer(&mut ada, id).await.unwrap();
    bob.until_said("abc[31mde\nf\ng\t.").await;
    assert_eq!(texts(&bob.guest.whole_history(bob.code).await), ["abc[31mde\nf\ng\t."]);
}

#[tokio::test]
async fn half_a_surrogate_pair_is_refused_and_the_socket_lives_on() {
    let node = Node::start(&Settings::embedded()).await;
    let (mut ada, _bob) = two_in_a_room(&node, false).await;
    let (code, id) = (ada.code, new_id());
    for half in [r"\ud83d", r"\udc08", r"\udc08\ud83d", r"ok \ud83d ok"] {
        let body = format!(r#"{{"code":"{code}","id":"{id}","body":"{half}"}}"#);
        let request =
            ada.guest.request(Method::POST, "/api/messages").header("content-type", "application/json").body(body);
        assert_eq!(request.send().await.unwrap().status(), 400, "{half}");
        let frame = format!(r#"{{"send":{{"code":"{code}","id":"{id}","body":"{half}"}}}}"#);
        ada.socket.send_text(&frame).await.unwrap();
        let refused = within("the frame is refused", async {
            loop {
                if let Heard::Refused(code, _) = ada.hear().await {
                    return code;
                }
            }
        });
        assert_eq!(refused.await, Code::Malformed, "{half}");
    }
    ada.say("Still here").await;
}

#[tokio::test]
async fn a_socket_sends_only_to_rooms_that_it_follows() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    let mut socket = ada.try_connect().await.unwrap();
    socket
        .send(&ClientFrame::Send {
            code,
            id: new_id(),
            body: "Too early".to_owned(),
            reply_to: None,
            mentions: Vec::new(),
            everyone: false,
        })
        .await
        .unwrap();
    let refused = within("the message is refused", async {
        loop {
            if let ServerFrame::Error { code, room, .. } = socket.next().await.unwrap() {
                return (code, room);
            }
        }
    });
    assert_eq!(refused.await, (Code::NotAMember, Some(code)));
    assert_eq!(story(&ada.whole_history(code).await), ["Ada joined"]);
}

#[tokio::test]
async fn a_message_to_a_room_that_one_is_not_in_is_refused() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _bob) = two_in_a_room(&node, false).await;
    let eve = Guest::new(&node, "Eve");
    let refused = eve.try_say(ada.code, new_id(), "Let me in").await.unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.problem.code), (401, Code::NoSession));
    eve.create(RoomType::Group, false).await;
    for code in [ada.code, "ZZZZZZ".parse().unwrap()] {
        let refused = eve.try_say(code, new_id(), "Let me in").await.unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.problem.code), (404, Code::RoomUnavailable));
    }
    let bad = json!({ "code": ada.code, "id": "not-a-uuid", "body": "x" });
    let refused = ada.guest.ask::<Ack>(Method::POST, "/api/messages", bad).await.unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.problem.code), (400, Code::InvalidInput));
}
