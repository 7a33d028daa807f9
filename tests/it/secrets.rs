//! Secrets: what people say, their codes, tokens and addresses are in no log, and on the disk only if they are kept.
//! The server’s files are for its own user only.

use std::{fs, path::Path};

use anonchat::protocol::{ClientFrame, Snapshot};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::wire::{ada_in_a_room, ask, cookie, limited, post, shown};
use crate::support::{
    Guest, Mailbox, Node, Settings,
    account::{OTHER_PASSWORD, PASSWORD},
    client::{Refused, new_id},
    story,
};

const POST: Method = Method::POST;

#[tokio::test]
async fn logs_have_no_words_codes_names_tokens_or_addresses() {
    const CLIENT: &str = "203.0.113.77";
    let settings = limited().logged("trace").with("GUEST_GRACE_SECONDS", "1");
    let mut node = Node::start(&settings).await;
    let mut secrets: Vec<(&str, String)> = vec![
        ("message text", "Xylophon".into()),
        ("a nickname", "Quetzal".into()),
        ("a room’s name", "Wolpertinger".into()),
        ("a wrong code", "ZQZQZQ".into()),
        ("a client’s address", CLIENT.into()),
    ];
    let via = |request: RequestBuilder| request.header("x-forwarded-for", CLIENT);
    for preserve in [false, true] {
        let (ada, bob) = (Guest::new(&node, "Quetzal Ada"), Guest::new(&node, "Quetzal Bob"));
        let asked = json!({ "type": "group", "preserve": preserve, "name": "Wolpertinger", "nickname": ada.name() });
        let made = ask(via(post(&ada, "/api/rooms/create", &asked))).await;
        let code = serde_json::from_value::<Snapshot>(made.json()).unwrap().room.code;
        let joined = ask(via(post(&bob, "/api/rooms/join", &json!({ "code": code, "nickname": bob.name() })))).await;
        let whom = joined.json()["you"]["member_id"].clone();
        let (mut page, mut other) = (ada.follow(code).await, bob.follow(code).await);
        page.say("Xylophon by socket").await;
        other.socket.send(&ClientFrame::Typing { code, on: true }).await.unwrap();
        ada.say(code, "Xylophon by REST").await;
        page.socket.send_text("Xylophon").await.unwrap();
        page.socket.send_text(r#"{"Xylophon":{}}"#).await.unwrap();
        let _ = page.send(new_id(), &"Xylophon".repeat(1_000)).await;
        let id = new_id();
        for text in ["Xylophon", "Xylophon again"] {
            let _ = ada.try_say(code, id, text).await;
        }
        for (path, body) in [
            ("/api/messages", format!("{{\"code\":\"{code}\",\"body\":\"Xylophon\"}}")),
            ("/api/messages", "Xylophon".to_owned()),
            ("/api/rooms/join", "{\"code\":\"ZQZQZQ\"}".to_owned()),
            ("/api/rooms/leave", "{\"code\":\"ZQZQZQ\"}".to_owned()),
        ] {
            let request = bob.request(Method::POST, path).header("content-type", "application/json").body(body);
            ask(via(request)).await;
        }
        for path in ["/api/rooms/ZQZQZQ", "/api/chats/history?code=ZQZQZQ", "/api/Xylophon", "/pkg/Xylophon"] {
            ask(via(bob.request(Method::GET, path))).await;
        }
        for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            let body = json!({ "code": code, "id": new_id(), "body": "Xylophon" });
            ask(via(post(&ada, "/api/messages", &body).header(name, value))).await;
        }
        for path in [format!("/rooms/{code}"), "/rooms/ZQZQZQ?x=Xylophon".to_owned(), "/rooms/Xylophon".to_owned()] {
            ask(via(ada.request(Method::GET, &path))).await;
        }
        ask(ada.request(Method::PUT, "/api/rooms/name").json(&json!({ "code": code, "name": "Wolpertinger II" })))
            .await;
        ada.preserve(code, !preserve).await.unwrap();
        ada.whole_history(code).await;
        ask(post(&ada, "/api/rooms/kick", &json!({ "code": code, "member_id": whom }))).await;
        page.until("Bob is removed", |replica| replica.state.members.len() == 1).await;
        // An absent guest, and a socket that stays open to the end.
        let eve = Guest::new(&node, "Quetzal Eve");
        eve.join(code).await;
        drop(eve.follow(code).await);
        page.until("Eve came and left", |replica| story(&replica.events).iter().any(|line| line == "Quetzal Eve left"))
            .await;
        for guest in [&ada, &bob, &eve] {
            let cookie = guest.cookie().unwrap().to_str().unwrap().split_once('=').unwrap().1.to_owned();
            assert_eq!(cookie.len(), 43);
            secrets.push(("a token", cookie));
        }
        secrets.push(("a code", code.to_string()));
        secrets.push(("a code", code.to_string().to_lowercase()));
        secrets.push(("a code", code.spaced()));
    }
    assert!(node.terminate().await);
    let log = settings.log();
    assert!(log.lines().any(|line| line.contains("TRACE")), "the log has its finest lines");
    for (what, secret) in secrets {
        if let Some(line) = log.lines().find(|line| line.contains(&secret)) {
            panic!("{what} ({secret}) is in the log: {line}");
        }
    }
    // The log may contain the address that the node itself listens on.
    let own = node.address().to_string();
    if let Some(line) = log.lines().find(|line| line.replace(&own, "").contains("127.0.0.1")) {
        panic!("a peer’s address is in the log: {line}");
    }
}

/// The files below a folder that contain a text.
pub fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if fs::read(&path).unwrap().windows(text.len()).any(|window| window == text.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn what_is_said_in_a_room_that_keeps_nothing_is_never_on_the_disk() {
    const SECRET: &str = "Xylophon-5f1c";
    const KEPT: &str = "Wolpertinger-77ab";
    let settings = Settings::embedded().logged("debug");
    let mut node = Node::start(&settings).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let bob = Guest::new(&node, "Bob");
    bob.join(code).await;
    let (mut page, mut other) = (ada.follow(code).await, bob.follow(code).await);
    for i in 0..200 {
        page.say(&format!("{SECRET} {i}")).await;
    }
    bob.say(code, SECRET).await;
    other.until("all is said", |replica| replica.state.last_n == 201).await;
    // A preserved time follows, which does not apply to earlier messages, and then an ephemeral one again.
    ada.preserve(code, true).await.unwrap();
    ada.say(code, KEPT).await;
    ada.preserve(code, false).await.unwrap();
    ada.say(code, SECRET).await;
    let folder = settings.data_dir();
    let nowhere = Vec::<String>::new();
    assert_eq!(files_with(&folder, SECRET), nowhere);
    assert!(!files_with(&folder, KEPT).is_empty(), "what was kept is there, so this test can see");
    node.kill().await;
    assert_eq!(files_with(&folder, SECRET), nowhere, "after a power cut");
    node.restart().await;
    page.reconnect(&node).await;
    page.say(SECRET).await;
    assert!(node.terminate().await);
    assert_eq!(files_with(&folder, SECRET), nowhere, "after a regular stop");
    assert!(!settings.log().contains(SECRET));
}

#[tokio::test]
async fn the_servers_files_are_its_owners_alone_whatever_was_there() {
    use std::os::unix::fs::PermissionsExt;

    let settings = Settings::embedded();
    let folder = settings.data_dir();
    let widen = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    fs::create_dir(&folder).unwrap();
    widen(&folder, 0o755);
    // With an SMTP server set, the folder contains only the store and the secret. The node connects to the server only
    // when it has a mail.
    let with_smtp = settings.clone().with("SMTP_URL", "smtp://127.0.0.1:1");
    for settings in [with_smtp, settings.clone(), settings] {
        let mut node = Node::start(&settings).await;
        let (ada, code) = ada_in_a_room(&node).await;
        ada.preserve(code, true).await.unwrap();
        ada.say(code, "kept").await;
        Guest::registered(&node, "Ada").await;
        let mut seen = 0;
        let mut waiting = vec![folder.clone()];
        while let Some(path) = waiting.pop() {
            // A mail file is renamed into place once it is complete, so a listed file may be gone.
            let Ok(found) = fs::metadata(&path) else { continue };
            let wanted = if found.is_dir() { 0o700 } else { 0o600 };
            assert_eq!(found.permissions().mode() & 0o777, wanted, "{}", path.display());
            seen += 1;
            if path.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
        }
        assert!(seen >= 6, "the folder, the database, its log, its index, its lock, and the secret");
        assert!(node.terminate().await);
        // The permissions that an older version created.
        widen(&folder, 0o755);
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            widen(&path, if path.is_dir() { 0o755 } else { 0o644 });
        }
    }
}

#[tokio::test]
async fn a_start_says_what_is_dangerous_about_its_settings() {
    let settings = Settings::embedded().logged("warn").with("PUBLIC_URL", "http://chat.example.org");
    let mut node = Node::start(&settings).await;
    assert!(node.terminate().await);
    assert!(settings.log().contains("RATE_LIMITS=off"), "{}", settings.log());
}

#[tokio::test]
async fn logs_have_no_passwords_codes_tokens_or_addresses_of_accounts() {
    let settings = Settings::embedded().logged("debug");
    let (mut node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = Guest::registered(&node, "Quetzal Ada").await;
    let mut secrets = vec![PASSWORD.to_owned(), OTHER_PASSWORD.to_owned(), email.clone(), "Quetzal".to_owned()];
    secrets.push(mails.letter(&email, 1).await.token());
    for (path, body) in [
        ("/api/auth/login", json!({ "email": email, "password": OTHER_PASSWORD })),
        ("/api/auth/login", json!({ "email": [email], "password": OTHER_PASSWORD })),
        ("/api/auth/password-strength", json!({ "password": PASSWORD, "email": email })),
        ("/api/auth/forgot-password", json!({ "email": email })),
        ("/api/auth/code", json!({ "email": email })),
    ] {
        let _: Result<Value, Refused> = ada.ask(POST, path, body).await;
    }
    // The code and the link are sent concurrently, so either can be the second mail.
    mails.letter(&email, 3).await;
    let letters = mails.letters(&email);
    assert!(letters.len() == 3, "to verify, the code and the link");
    let link = letters[1..].iter().find(|letter| letter.text.contains("?token=")).expect("a link to a new password");
    secrets.push(link.token());
    secrets.push(cookie(&ada, "anonchat-access"));
    secrets.push(cookie(&ada, "anonchat-refresh"));
    secrets.push(cookie(&ada, "anonchat-code"));
    // The reuse of a refresh token is logged, without the token.
    for _ in 0..2 {
        ada.tell(POST, "/api/auth/refresh", json!({})).await.unwrap();
    }
    shown(&node, &format!("anonchat-refresh={}", secrets[secrets.len() - 2])).await;
    assert!(node.terminate().await);
    let log = settings.log();
    assert!(log.contains("DEBUG") && log.contains("used again"), "the log has its finest lines");
    for secret in secrets {
        if let Some(line) = log.lines().find(|line| line.contains(&secret)) {
            panic!("{secret} is in the log: {line}");
        }
    }
}
