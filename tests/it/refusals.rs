//! Refusals by REST and by forms: each is a problem with its own code, and never a fault of the server.

use std::collections::BTreeMap;

use anonchat::protocol::{Code, RoomType, limits::FRAME_BYTES};
use reqwest::Method;
use serde_json::{Value, json};

use super::wire::{ada_in_a_room, ask, post, upgrade};
use crate::support::{Guest, Node, Settings, client::new_id, story};

#[test]
fn every_code_has_its_status_and_title() {
    let table: BTreeMap<String, Value> = Code::ALL
        .iter()
        .map(|code| (json!(code).as_str().unwrap().to_owned(), json!([code.status(), code.title()])))
        .collect();
    insta::assert_json_snapshot!(table);
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_its_code() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let (bob, eve, stranger) = (Guest::new(&node, "Bob"), Guest::new(&node, "Eve"), Guest::new(&node, "Stranger"));
    let joined = bob.join(code).await;
    let other = eve.create(RoomType::Group, false).await.room.code;
    let removed = Guest::new(&node, "Removed");
    let whom = removed.join(code).await.you.member_id;
    ask(post(&ada, "/api/rooms/kick", &json!({ "code": code, "member_id": whom }))).await;
    let left = Guest::new(&node, "Left");
    left.join(code).await;
    left.leave(code).await;
    let id = new_id();
    ada.try_say(code, id, "First").await.unwrap();
    let (create, join, messages) = ("/api/rooms/create", "/api/rooms/join", "/api/messages");
    let text = |guest: &Guest, path: &str, kind: &str, body: &str| {
        guest.request(Method::POST, path).header("content-type", kind).body(body.to_owned())
    };
    let message = |body: &str| json!({ "code": code, "id": id, "body": body });
    let requests = [
        ("unknown address", ada.request(Method::GET, "/api/nothing")),
        ("unknown address, to write", post(&ada, "/api/rooms/burn", &json!({}))),
        ("the bare prefix", ada.request(Method::GET, "/api")),
        ("the bare prefix with a slash", ada.request(Method::GET, "/api/")),
        ("an address that is no text", ada.request(Method::GET, "/api/rooms/%FF%FE")),
        ("an address that is no code", ada.request(Method::GET, "/api/rooms/nonsense")),
        ("unknown server function", post(&ada, "/api/ui/nothing", &json!({}))),
        ("wrong method", ada.request(Method::GET, create)),
        ("wrong method, known by another route", ada.request(Method::DELETE, "/api/rooms/my-rooms")),
        ("wrong method of a server function", ada.request(Method::GET, "/api/ui/join_room")),
        ("wrong method of the health check", ada.request(Method::POST, "/healthz")),
        ("wrong method of the manifest", ada.request(Method::DELETE, "/manifest.json")),
        ("no upgrade", ada.request(Method::GET, "/ws")),
        ("no upgrade, to write", ada.request(Method::POST, "/ws")),
        ("no session for a socket", upgrade(&stranger)),
        ("foreign page opens a socket", upgrade(&ada).header("origin", "https://evil.example")),
        ("foreign page writes", post(&ada, messages, &message("x")).header("origin", "https://evil.example")),
        ("no content type", ada.request(Method::POST, create).body("{}")),
        ("a form instead of JSON", text(&ada, join, "application/x-www-form-urlencoded", "code=ABCDEF")),
        ("no JSON", text(&ada, join, "application/json", "code=ABCDEF")),
        ("no body", text(&ada, join, "application/json", "")),
        ("JSON cut off", text(&ada, join, "application/json", "{\"code\": \"ABC")),
        (
            "not UTF-8",
            ada.request(Method::POST, join).header("content-type", "application/json").body(vec![0xff, 0xfe]),
        ),
        ("too large", text(&ada, join, "application/json", &" ".repeat(FRAME_BYTES + 1))),
        ("a field missing", post(&ada, join, &json!({ "nickname": "Ada" }))),
        ("a field of another kind", post(&ada, join, &json!({ "code": { "$ne": null } }))),
        ("a type that is none", post(&ada, create, &json!({ "type": "party" }))),
        ("no code", post(&ada, join, &json!({ "code": "ABCDEU" }))),
        ("nickname too long", post(&ada, join, &json!({ "code": code, "nickname": "n".repeat(33) }))),
        ("room name too long", post(&ada, create, &json!({ "type": "group", "name": "n".repeat(65) }))),
        ("message empty", post(&ada, messages, &message(""))),
        ("page too long", ada.request(Method::GET, &format!("/api/chats/history?code={code}&limit=51"))),
        ("page length no number", ada.request(Method::GET, &format!("/api/chats/history?code={code}&limit=abc"))),
        ("history without a code", ada.request(Method::GET, "/api/chats/history")),
        ("history with two codes", ada.request(Method::GET, &format!("/api/chats/history?code={code}&code={code}"))),
        ("no session", post(&stranger, messages, &message("x"))),
        ("not the owner", post(&bob, "/api/rooms/kick", &json!({ "code": code, "member_id": whom }))),
        ("not any more a member", post(&left, messages, &message("x"))),
        ("removed", post(&removed, join, &json!({ "code": code }))),
        ("remove somebody unknown", post(&ada, "/api/rooms/kick", &json!({ "code": code, "member_id": 0 }))),
        ("unknown room", post(&stranger, join, &json!({ "code": "ZZZZZZ" }))),
        ("room that one is not in", eve.request(Method::GET, &format!("/api/rooms/{code}"))),
        ("already in another room", post(&eve, join, &json!({ "code": code }))),
        ("id used before", post(&ada, messages, &message("Second"))),
    ];
    let mut table = BTreeMap::new();
    for (name, request) in requests {
        let answer = ask(request).await;
        answer.refused();
        let shown = answer.text.replace(&code.to_string(), "CODE").replace(&other.to_string(), "OTHER");
        let shown: Value = serde_json::from_str(&shown.replace(&other.spaced(), "OTHER")).unwrap();
        assert!(!shown.to_string().contains("anonchat::"), "no path of the source is told: {shown}");
        assert!(table.insert(name, shown).is_none());
    }
    insta::assert_json_snapshot!(table);
    assert_eq!(
        story(&bob.whole_history(code).await).last().unwrap(),
        "Ada: First",
        "nothing that was refused was done"
    );
    drop(joined);
}

#[tokio::test]
async fn a_field_of_another_kind_is_refused_everywhere_and_never_a_fault_of_the_server() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let kinds = [
        json!({ "$ne": null }),
        json!({ "$gt": "" }),
        json!(["a"]),
        json!([]),
        json!(7),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(true),
        json!({ "toString": "x" }),
    ];
    let doors = [
        (
            Method::POST,
            "/api/rooms/create",
            json!({ "type": "group", "name": "x", "nickname": "x" }),
            vec!["type", "name", "nickname"],
        ),
        (Method::POST, "/api/rooms/join", json!({ "code": code, "nickname": "x" }), vec!["code", "nickname"]),
        (Method::POST, "/api/rooms/leave", json!({ "code": code }), vec!["code"]),
        (Method::POST, "/api/rooms/kick", json!({ "code": code, "member_id": 1 }), vec!["code"]),
        (Method::POST, "/api/rooms/owner", json!({ "code": code, "member_id": 1 }), vec!["code"]),
        (Method::PUT, "/api/rooms/name", json!({ "code": code, "name": "x" }), vec!["code", "name"]),
        (Method::PUT, "/api/rooms/preserve", json!({ "code": code, "preserve": false }), vec!["code"]),
        (Method::PUT, "/api/rooms/mute", json!({ "code": code, "muted": true }), vec!["code"]),
        (Method::PUT, "/api/rooms/notify", json!({ "code": code, "notify": "none" }), vec!["code"]),
        (
            Method::POST,
            "/api/messages",
            json!({ "code": code, "id": new_id(), "body": "x" }),
            vec!["code", "id", "body"],
        ),
    ];
    for (method, path, body, fields) in doors {
        for field in fields {
            for kind in &kinds {
                let mut body = body.clone();
                body[field] = kind.clone();
                let answer = ask(ada.request(method.clone(), path).json(&body)).await;
                let (status, code) = answer.refused();
                assert_eq!(status, 400, "{path} {body}");
                assert!(["invalid_input", "malformed"].contains(&&*code), "{path} {body}: {code}");
            }
        }
        for body in [json!(null), json!("x"), json!(1), json!([[]]), json!({})] {
            let answer = ask(ada.request(method.clone(), path).json(&body)).await;
            assert_eq!(answer.refused().0, 400, "{path} {body}");
        }
    }
    for (path, body) in [
        ("/api/rooms/kick", json!({ "code": code, "member_id": "1" })),
        ("/api/rooms/kick", json!({ "code": code, "member_id": -1 })),
        ("/api/rooms/owner", json!({ "code": code, "member_id": "1" })),
        ("/api/rooms/create", json!({ "type": "group", "preserve": "on" })),
        ("/api/rooms/create", json!({ "type": "group", "preserve": null })),
    ] {
        assert_eq!(ask(post(&ada, path, &body)).await.refused(), (400, "invalid_input".to_owned()), "{path} {body}");
    }
    assert_eq!(story(&ada.whole_history(code).await), ["Ada joined"], "nothing was done");
}

#[tokio::test]
async fn a_form_of_the_page_that_cannot_be_read_is_the_clients_fault() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let code = code.to_string();
    let forms = [
        ("join_room", vec![]),
        ("join_room", vec![("code[$ne]", "")]),
        ("join_room", vec![("code[]", &*code)]),
        ("join_room", vec![("code", "nonsense")]),
        ("create_room", vec![("room_type", "party")]),
        ("create_room", vec![("room_type[$ne]", "group")]),
        ("leave_room", vec![("code", "nonsense")]),
        ("kick_member", vec![("code", &*code), ("member_id", "nonsense")]),
        ("give_room", vec![("code", &*code), ("member_id", "nonsense")]),
        ("rename_room", vec![("code", "nonsense"), ("name", "x")]),
        ("preserve_room", vec![("code", &*code), ("preserve", "nonsense")]),
        ("choose_language", vec![("language", "xx")]),
    ];
    let mut wrong = Vec::new();
    for (name, form) in forms {
        let answer = ask(ada.request(Method::POST, &format!("/api/ui/{name}")).form(&form)).await;
        if !(400..500).contains(&answer.status) {
            wrong.push(format!("{name} {form:?}: {} {}", answer.status, answer.text));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
