//! Messages by REST and by socket, on one embedded node: each is stored once, in order, with its text as it was sent.

use std::collections::BTreeSet;

use anonchat::protocol::{
    Ack, ClientFrame, ClientId, Code, CreateRoom, Event, HistoryPage, Problem, Reason, RoomCode, RoomType, ServerFrame,
    Signal, Snapshot, limits::MESSAGE_CHARS,
};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Follower, Guest, Node, Settings,
    client::{Heard, Refused, new_id},
    story, within,
};

/// Two guests in a room, each with a socket.
async fn two_in_a_room(node: &Node, preserve: bool) -> (Follower, Follower) {
    let (ada, bob) = (Guest::new(node, "Ada"), Guest::new(node, "Bob"));
    let code = ada.create(RoomType::Group, preserve).await.room.code;
    bob.join(code).await;
    (ada.follow(code).await, bob.follow(code).await)
}

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

async fn page(guest: &Guest, query: &[(&str, String)]) -> Result<HistoryPage, Refused> {
    guest.ask(Method::GET, "/api/chats/history", query).await
}

fn texts(events: &[Event]) -> Vec<&str> {
    events.iter().filter_map(|event| Some(event.message()?.body.as_str())).collect()
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
            let frame = ClientFrame::Send { code: ada.code, id: new_id(), body: text.clone() };
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
    let frame = format!(r#"{{"type":"send","code":"{code}","id":"{id}","body":"{escaped}"}}"#);
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
        let frame = format!(r#"{{"type":"send","code":"{code}","id":"{id}","body":"{half}"}}"#);
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
async fn history_is_read_page_by_page_complete_and_without_doubles_while_somebody_writes() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, bob) = two_in_a_room(&node, preserve).await;
        let (guest, code) = (bob.guest.clone(), bob.code);
        for i in 0..230 {
            let frame = ClientFrame::Send { code, id: new_id(), body: format!("Before {i}") };
            ada.socket.feed(&frame).await.unwrap();
        }
        ada.socket.flush().await.unwrap();
        ada.until_said("Before 229").await;
        let writing = async {
            for i in 0..60 {
                ada.say(&format!("Meanwhile {i}")).await;
            }
        };
        let reading = async {
            let mut pages: Vec<Vec<Event>> = Vec::new();
            loop {
                let before = pages.last().and_then(|page| page.last()).map(|event| event.seq);
                let mut query = vec![("code", code.to_string()), ("limit", "50".to_owned())];
                query.extend(before.map(|before| ("before", before.to_string())));
                let page = page(&guest, &query).await.unwrap();
                pages.push(page.events);
                if !page.has_more {
                    return pages;
                }
            }
        };
        let ((), pages) = tokio::join!(writing, reading);
        assert!(pages[..pages.len() - 1].iter().all(|page| page.len() == 50), "full pages but for the last");
        let all: Vec<Event> = pages.into_iter().flatten().collect();
        assert!(all.windows(2).all(|pair| pair[0].seq == pair[1].seq + 1), "newest first, no gap and no double");
        assert_eq!(all.last().unwrap().seq, if preserve { 1 } else { 2 }, "back to the first that Bob may see");
        let before: Vec<_> = texts(&all).into_iter().filter(|text| text.starts_with("Before")).collect();
        assert!(before.iter().rev().enumerate().all(|(i, text)| *text == format!("Before {i}")));
        assert_eq!(before.len(), 230);
    }
}

#[tokio::test]
async fn a_page_of_history_has_one_to_fifty_events() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, _bob) = two_in_a_room(&node, preserve).await;
        ada.say("Only this").await;
        let (guest, code) = (ada.guest.clone(), ada.code.to_string());
        let query = |name: &'static str, value: &str| vec![("code", code.clone()), (name, value.to_owned())];
        for bad in ["0", "51", "abc", "-1", "1.5", "", "99999999999999999999"] {
            let refused = page(&guest, &query("limit", bad)).await.unwrap_err();
            assert_eq!((refused.status.as_u16(), refused.problem.code), (400, Code::InvalidInput), "limit={bad}");
        }
        for bad in ["abc", "-1", "1e3"] {
            let refused = page(&guest, &query("before", bad)).await.unwrap_err();
            assert_eq!((refused.status.as_u16(), refused.problem.code), (400, Code::InvalidInput), "before={bad}");
        }
        let newest = page(&guest, &query("limit", "1")).await.unwrap();
        assert_eq!((story(&newest.events), newest.has_more), (vec!["Ada: Only this".to_owned()], true));
        let nothing = HistoryPage { events: Vec::new(), has_more: false };
        for before in ["0", "1"] {
            assert_eq!(page(&guest, &query("before", before)).await.unwrap(), nothing, "before={before}");
        }
        for far in ["4", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615"] {
            let all = page(&guest, &query("before", far)).await.unwrap();
            assert_eq!((all.events.len(), all.has_more), (3, false), "before={far}");
        }
    }
}

#[tokio::test]
async fn history_is_for_members() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = two_in_a_room(&node, true).await;
    let eve = Guest::new(&node, "Eve");
    let ask = async |guest: &Guest, code: RoomCode| {
        let refused = page(guest, &[("code", code.to_string())]).await.unwrap_err();
        (refused.status.as_u16(), refused.problem.code)
    };
    assert_eq!(ask(&eve, ada.code).await, (401, Code::NoSession));
    eve.create(RoomType::Group, false).await;
    let unknown = "ZZZZZZ".parse().unwrap();
    assert_eq!(ask(&eve, ada.code).await, (404, Code::RoomUnavailable));
    assert_eq!(ask(&eve, unknown).await, (404, Code::RoomUnavailable), "a wrong code looks the same");
    bob.guest.leave(bob.code).await;
    assert_eq!(ask(&bob.guest, bob.code).await, (403, Code::NotAMember));
}

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
async fn a_socket_sends_only_to_rooms_that_it_follows() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    let mut socket = ada.try_connect().await.unwrap();
    socket.send(&ClientFrame::Send { code, id: new_id(), body: "Too early".to_owned() }).await.unwrap();
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

#[tokio::test]
async fn while_the_disk_is_almost_full_words_are_refused_that_would_be_kept_and_nothing_is_lost() {
    // The setting is a minimum of free disk space that no disk has.
    let settings = Settings::embedded();
    let mut node = Node::start(&settings).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, true).await.room.code;
    ada.say(code, "There is room").await;
    assert!(node.terminate().await);

    let full = settings.clone().with("DISK_FLOOR_MIB", "9000000000000").logged("warn");
    let mut node = Node::start(&full).await;
    assert!(full.log().contains("the disk is almost full"), "said at start: {}", full.log());
    let ada = ada.at(&node);
    let mut page = ada.follow(code).await;
    let id = new_id();
    let low = |problem: &Problem| {
        let told = (problem.code, problem.reason, problem.retry_after_ms.is_some());
        assert_eq!(told, (Code::StoreUnavailable, Some(Reason::DiskLow), true), "{problem:?}");
    };
    low(&ada.try_say(code, id, "By REST").await.unwrap_err().problem);
    page.socket.send(&ClientFrame::Send { code, id, body: "By a socket".to_owned() }).await.unwrap();
    within("the socket is refused", async {
        loop {
            if let ServerFrame::Error { code, detail, id: about, reason, retry_after_ms, .. } =
                page.socket.next().await.unwrap()
            {
                assert_eq!(about, Some(id));
                return low(&Problem { reason, retry_after_ms, ..Problem::new(code, detail) });
            }
        }
    })
    .await;
    let eve = Guest::new(&node, "Eve");
    let asked = CreateRoom { room_type: RoomType::Group, name: None, preserve: true, nickname: None, id: None };
    low(&eve.ask::<Snapshot>(Method::POST, "/api/rooms/create", asked).await.unwrap_err().problem);
    // Ephemeral rooms go on, and so does everything that stores no messages.
    let quiet = eve.create(RoomType::Group, false).await.room.code;
    eve.say(quiet, "Hello").await;
    low(&eve.preserve(quiet, true).await.unwrap_err().problem);
    Guest::new(&node, "Bob").join(code).await;
    assert!(node.terminate().await);

    let node = Node::start(&settings).await;
    let ada = ada.at(&node);
    let said = ada.try_say(code, id, "By a socket").await.unwrap();
    assert_eq!(said.id, id, "the same message, sent again");
}
