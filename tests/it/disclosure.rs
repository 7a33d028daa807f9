//! Disclosure: neither an answer nor the work for it tells who has an account or which rooms exist.

use std::collections::BTreeSet;

use anonchat::protocol::RoomType;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::wire::looks;
use crate::support::{
    Guest, Mailbox, Node, Settings,
    account::{PASSWORD, new_address},
    poll_until,
};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;

#[tokio::test]
async fn answers_do_not_tell_who_has_an_account() {
    let node = Node::start(&Settings::embedded()).await;
    let ((_, known), unknown) = (Guest::proved(&node, "Ada").await, new_address());
    for (path, body) in [
        ("/api/auth/login", json!({ "password": "not this one" })),
        ("/api/auth/forgot-password", json!({})),
        ("/api/auth/code", json!({})),
        ("/api/auth/login-code", json!({ "code": "12345678" })),
        ("/api/auth/register", json!({ "name": "Ada", "password": PASSWORD })),
    ] {
        let mut seen = BTreeSet::new();
        for email in [&known, &unknown] {
            let mut body = body.clone();
            body["email"] = json!(email);
            let request = Guest::new(&node, "").request(POST, path).json(&body);
            seen.insert(looks(request, &[email]).await);
        }
        assert_eq!(seen.len(), 1, "{path}: {seen:#?}");
    }
    // With a ticket too, a wrong code gets the same answer whether or not the address has an account.
    let mut seen = BTreeSet::new();
    for email in [&known, &unknown] {
        let guest = Guest::new(&node, "");
        guest.tell(POST, "/api/auth/code", json!({ "email": email })).await.unwrap();
        for _ in 0..7 {
            let request =
                guest.request(POST, "/api/auth/login-code").json(&json!({ "email": email, "code": "12345678" }));
            seen.insert(looks(request, &[email]).await);
        }
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    // The same for an account that changes its address, and for a guest who asks for a link to keep a room.
    let (mut changed, mut kept) = (BTreeSet::new(), BTreeSet::new());
    for email in [&known, &unknown] {
        let (request, own) = change_of_address(&node, email).await;
        changed.insert(looks(request, &[email, &own]).await);
        kept.insert(looks(keeping_a_room(&node, email).await, &[email]).await);
    }
    assert_eq!((changed.len(), kept.len()), (1, 1), "{changed:#?} {kept:#?}");
}

/// The request of an account with a proved address to change it to `email`, and the address that it has.
async fn change_of_address(node: &Node, email: &str) -> (RequestBuilder, String) {
    let (ada, own) = Guest::proved(node, "Ada").await;
    (ada.request(PUT, "/api/users/email").json(&json!({ "email": email, "password": PASSWORD })), own)
}

/// The request of a guest to mail a link to `email` that keeps their room.
async fn keeping_a_room(node: &Node, email: &str) -> RequestBuilder {
    let ada = Guest::new(node, "Ada");
    let code = ada.create(RoomType::Group, true).await.room.code;
    ada.request(POST, "/api/rooms/keep").json(&json!({ "code": code, "email": email }))
}

/// The work that a log shows, without its timing: the statements of the store, and each hashing of a password.
fn work(log: &str) -> Vec<String> {
    let mut work: Vec<String> = Vec::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).expect("a line of the log is JSON");
        if line["fields"]["message"] == "argon2id" {
            work.push("argon2id".to_owned());
        } else if let Some(statement) = line["fields"]["statement"].as_str() {
            let words: Vec<&str> = statement.split_whitespace().collect();
            let noun = words.iter().skip_while(|word| !["FROM", "INTO", "UPDATE"].contains(*word)).nth(1);
            work.push(format!("{} {}", words[0].to_lowercase(), noun.copied().unwrap_or_default()));
        }
    }
    work
}

/// The status of an answer and the work that the node did for it.
async fn status_and_work(settings: &Settings, request: RequestBuilder) -> (u16, Vec<String>) {
    let before = settings.log().len();
    let status = request.send().await.unwrap().status().as_u16();
    let log = settings.log();
    // Statements on these tables come from the outbox and from sweeps, not from the request.
    let of_others = |work: &String| ["mails", "members", "rooms", "guests"].iter().any(|noun| work.ends_with(noun));
    let mut done: Vec<String> = work(&log[before..]).into_iter().filter(|work| !of_others(work)).collect();
    // A pragma opens another reader connection. Whether one is needed depends on the requests before.
    done.retain(|work| !["begin ", "commit ", "savepoint ", "release ", "pragma "].contains(&work.as_str()));
    done.sort();
    (status, done)
}

#[tokio::test]
async fn the_work_of_an_answer_does_not_tell_who_has_an_account() {
    let settings = Settings::embedded()
        .with("LOG_FORMAT", "json")
        .with("ROOM_IDLE_SECONDS", "86400")
        .logged("warn,anonchat::server::store=trace,anonchat::server::app::hashing=trace");
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (_, known) = Guest::proved(&node, "Ada").await;
    let (_, claimed) = Guest::registered(&node, "Cyd").await;
    let unknown = new_address();
    poll_until("the mails have left", || async { mails.letters(&claimed).len() == 1 }).await;
    for (path, body, has_ticket) in [
        ("/api/auth/login", json!({ "password": "not this one" }), false),
        ("/api/auth/login-code", json!({ "code": "12345678" }), false),
        ("/api/auth/login-code", json!({ "code": "12345678" }), true),
        ("/api/auth/register", json!({ "name": "Ada", "password": PASSWORD }), false),
    ] {
        let mut seen = BTreeSet::new();
        for email in [&known, &claimed, &unknown] {
            let guest = Guest::new(&node, "");
            let before = settings.log().len();
            if has_ticket {
                guest.tell(POST, "/api/auth/code", json!({ "email": email })).await.unwrap();
                let is_kept = |log: &str| work(log).iter().any(|work| work == "insert tokens");
                poll_until("a code is kept", || async { is_kept(&settings.log()[before..]) }).await;
            }
            let mut body = body.clone();
            body["email"] = json!(email);
            seen.insert(status_and_work(&settings, guest.request(POST, path).json(&body)).await);
        }
        assert_eq!(seen.len(), 1, "{path}: {seen:#?}");
        let (_, done) = seen.first().unwrap();
        let passwords = done.iter().filter(|work| *work == "argon2id").count();
        let expected = match path {
            "/api/auth/login" => 3,
            "/api/auth/register" => 1,
            _ => 0,
        };
        assert_eq!(passwords, expected, "{path}: {done:?}");
        assert_eq!(
            done.iter().any(|work| work == "update tokens"),
            has_ticket,
            "a try is counted where there can be one"
        );
    }
    let (mut changed, mut kept) = (BTreeSet::new(), BTreeSet::new());
    for email in [&known, &claimed, &unknown] {
        let (request, _) = change_of_address(&node, email).await;
        changed.insert(status_and_work(&settings, request).await);
        kept.insert(status_and_work(&settings, keeping_a_room(&node, email).await).await);
    }
    for (status, seen) in [(200, changed), (204, kept)] {
        assert_eq!(seen.len(), 1, "{seen:#?}");
        let (answered, done) = seen.first().unwrap();
        assert_eq!(*answered, status);
        assert!(done.contains(&"insert tokens".to_owned()), "{done:?}");
    }
}

#[tokio::test]
async fn the_work_of_an_answer_does_not_tell_a_full_room_from_none() {
    let settings = Settings::embedded()
        .with("LOG_FORMAT", "json")
        .with("ROOM_IDLE_SECONDS", "86400")
        .logged("warn,anonchat::server::store=trace");
    let node = Node::start(&settings).await;
    let mut full = Vec::new();
    for preserve in [false, true] {
        let code = Guest::new(&node, "Ada").create(RoomType::P2p, preserve).await.room.code;
        Guest::new(&node, "Bob").join(code).await;
        full.push(code.to_string());
    }
    let absent = "ZZZZZZ".to_owned();
    // The askers: a client without a session, a guest who has left their room, and an account.
    let (idle, (account, _)) = (Guest::new(&node, "Eve"), Guest::registered(&node, "Mia").await);
    let left = idle.create(RoomType::Group, false).await.room.code;
    idle.tell(POST, "/api/rooms/leave", json!({ "code": left })).await.unwrap();
    let askers = [None, Some(&idle), Some(&account)];
    for (asker, path) in askers.iter().flat_map(|asker| ["join", "peek"].map(|path| (asker, path))) {
        let mut seen = BTreeSet::new();
        for code in full.iter().chain([&absent]) {
            let nobody = Guest::new(&node, "");
            let request = asker.unwrap_or(&nobody).request(POST, &format!("/api/rooms/{path}"));
            let request = request.json(&json!({ "code": code }));
            let before = settings.log().len();
            let status = request.send().await.unwrap().status().as_u16();
            let mut done = work(&settings.log()[before..]);
            done.retain(|work| !work.starts_with("pragma"));
            seen.insert((status, done));
        }
        assert_eq!(seen.len(), 1, "{seen:#?}");
        let (status, done) = seen.first().unwrap();
        assert_eq!(*status, 404);
        assert!(done.iter().all(|work| work.starts_with("select")), "nothing was begun: {done:?}");
    }
}
