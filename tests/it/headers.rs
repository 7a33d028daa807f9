//! What an answer has beside its text: security headers, caching, the session cookie, and the language and look of a
//! page. And the health checks.

use std::collections::BTreeSet;

use anonchat::protocol::{RoomType, Snapshot, limits::FRAME_BYTES};
use reqwest::Method;
use serde_json::json;

use super::wire::{ada_in_a_room, ask, post, upgrade};
use crate::support::{Guest, Node, Settings};

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let stranger = Guest::new(&node, "Stranger");
    let requests = [
        ada.request(Method::GET, "/healthz"),
        ada.request(Method::GET, "/readyz"),
        ada.request(Method::GET, "/manifest.json"),
        ada.request(Method::GET, "/shell.json"),
        ada.request(Method::GET, "/robots.txt"),
        ada.request(Method::GET, "/pkg/nothing.js"),
        ada.request(Method::GET, "/icons/nothing.png"),
        ada.request(Method::GET, "/api/openapi.json"),
        ada.request(Method::GET, "/api/rooms/my-rooms"),
        ada.request(Method::GET, &format!("/api/rooms/{code}")),
        ada.request(Method::GET, "/api/nothing"),
        ada.request(Method::GET, "/api/rooms/create"),
        ada.request(Method::OPTIONS, "/api/rooms/create").header("origin", "https://evil.example"),
        post(&ada, "/api/rooms/join", &json!({ "code": "nonsense" })),
        post(&ada, "/api/rooms/join", &json!({ "code": code })).header("origin", "https://evil.example"),
        post(&ada, "/api/rooms/join", &json!({ "code": " ".repeat(FRAME_BYTES) })),
        ada.request(Method::POST, "/api/ui/join_room").form(&[("x", "y")]),
        upgrade(&stranger),
        upgrade(&ada),
    ];
    let mut seen = BTreeSet::new();
    for request in requests {
        let path = request.try_clone().unwrap().build().unwrap().url().path().to_owned();
        let answer = ask(request).await;
        let headers = [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ];
        for (name, value) in headers {
            assert_eq!(answer.header(name), value, "{name} of {path}, {}", answer.status);
        }
        assert!(answer.header("permissions-policy").contains("camera=()"), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy:?}"
        );
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
        let caching = match &*path {
            "/shell.json" | "/manifest.json" => "no-cache",
            "/robots.txt" if answer.status == 200 => "public, max-age=86400",
            _ => "no-store",
        };
        assert_eq!(answer.header("cache-control"), caching, "{path}, {}", answer.status);
        seen.insert(answer.status);
    }
    assert_eq!(seen, BTreeSet::from([101, 200, 400, 401, 403, 404, 405, 413]));
}

#[tokio::test]
async fn pages_that_show_what_people_said_are_not_kept_by_a_browser() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let (eve, _) = Guest::registered(&node, "Eve").await;
    let own = eve.create(RoomType::Group, false).await.room.code;
    let stranger = Guest::new(&node, "");
    let room = format!("/rooms/{code}");
    for (guest, path, caching) in [
        (&ada, &*room, "no-store"),
        (&eve, &format!("/rooms/{own}"), "no-store"),
        (&eve, "/dashboard", "no-store"),
        (&eve, "/preferences", "no-store"),
        (&stranger, &*room, "private, no-cache"),
        (&stranger, "/", "private, no-cache"),
        (&stranger, "/auth/login", "private, no-cache"),
    ] {
        let page = ask(guest.request(Method::GET, path).header("accept", "text/html")).await;
        assert_eq!((page.status, page.header("cache-control")), (200, caching), "{path}");
    }
}

#[tokio::test]
async fn the_session_cookie_is_for_the_server_only() {
    let create = json!({ "type": "group" });
    let attributes = async |settings: Settings| {
        let node = Node::start(&settings).await;
        let ada = Guest::new(&node, "Ada");
        let made = ask(post(&ada, "/api/rooms/create", &create)).await;
        let code: Snapshot = serde_json::from_value(made.json()).unwrap();
        let again = ask(post(&ada, "/api/rooms/join", &json!({ "code": code.room.code }))).await;
        let cookie = made.header("set-cookie").to_owned();
        if !cookie.contains("Secure") {
            assert_eq!(again.header("set-cookie"), "", "who has a session keeps it");
        }
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        assert_eq!(value.len(), 43, "256 bits");
        let attributes: BTreeSet<String> = attributes.split("; ").map(str::to_owned).collect();
        (name.to_owned(), attributes.into_iter().collect::<Vec<_>>().join("; "))
    };
    let plain = attributes(Settings::embedded()).await;
    assert_eq!(plain, ("anonchat".to_owned(), "HttpOnly; Max-Age=2592000; Path=/; SameSite=Lax".to_owned()));
    let secure = attributes(Settings::embedded().with("PUBLIC_URL", "https://chat.example.org")).await;
    assert_eq!(
        secure,
        ("__Host-anonchat".to_owned(), "HttpOnly; Max-Age=2592000; Path=/; SameSite=Lax; Secure".to_owned())
    );
}

#[tokio::test]
async fn a_form_of_the_page_makes_the_same_session() {
    let node = Node::start(&Settings::embedded()).await;
    let (_ada, code) = ada_in_a_room(&node).await;
    let bob = Guest::new(&node, "Bob");
    let form = [("code", code.spaced().to_lowercase()), ("nickname", "Bob".to_owned())];
    let request = bob.request(Method::POST, "/api/ui/join_room").header("accept", "application/json").form(&form);
    let answer = ask(request).await;
    assert!(answer.status < 400, "{answer:?}");
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("anonchat=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(bob.rooms().await, [code]);
    let inside: Snapshot = bob.ask(Method::GET, &format!("/api/rooms/{code}"), ()).await.unwrap();
    assert_eq!(inside.you.nickname.as_str(), "Bob");
}

#[tokio::test]
async fn a_page_is_in_the_language_that_was_chosen_else_in_the_one_asked_for() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let language = async |asked_for: &str| {
        let page = ask(ada.request(Method::GET, "/no/such/page").header("accept-language", asked_for)).await;
        let (_, rest) = page.text.split_once("<html lang=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    assert_eq!(language("de-DE,de;q=0.9,en;q=0.8").await, "de");
    assert_eq!(language("en,de;q=0.5").await, "en");
    assert_eq!(language("tlh").await, "en");

    let form = ada.request(Method::POST, "/api/ui/choose_language").header("referer", "http://any/rooms/new?x=1");
    let answer = ask(form.header("accept", "application/json").form(&[("language", "de")])).await;
    assert!(answer.status < 400, "{answer:?}");
    assert_eq!(answer.header("location"), "/rooms/new");
    assert_eq!(answer.header("set-cookie"), "anonchat-language=de; HttpOnly; SameSite=Lax; Path=/; Max-Age=31536000");
    assert_eq!(language("en").await, "de");
}

#[tokio::test]
async fn a_page_looks_and_speaks_as_the_account_prefers() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let wanted = serde_json::json!({ "theme": "dark", "accent": "rose", "text_size": "large", "hours": "12", "show_marks": true });
    let _: anonchat::protocol::Profile = ada.ask(Method::PUT, "/api/users/preferences", wanted).await.unwrap();
    let root = async |path: &str| {
        let page = ask(ada.request(Method::GET, path).header("accept-language", "en")).await;
        let (_, rest) = page.text.split_once("<html ").unwrap();
        rest.split('>').next().unwrap().to_owned()
    };
    for path in ["/", "/rooms/new", "/no/such/page", "/auth/login"] {
        let root = root(path).await;
        for wanted in [
            "en\"",
            "data-theme=\"dark\"",
            "data-accent=\"rose\"",
            "data-text-size=\"large\"",
            "data-hours=\"12\"",
            "data-show-marks=\"true\"",
        ] {
            assert!(root.contains(wanted), "{path}: {root}");
        }
    }

    let form = ada.request(Method::POST, "/api/ui/choose_language").header("accept", "application/json");
    assert!(ask(form.form(&[("language", "de")])).await.status < 400);
    let profile: anonchat::protocol::Profile = ada.ask(Method::GET, "/api/users/me", ()).await.unwrap();
    assert_eq!(profile.preferences.language, Some(anonchat::protocol::Language::German), "it is kept with the account");
    assert!(root("/").await.contains("lang=\"de\""));
}

#[tokio::test]
async fn health_is_told_to_whoever_asks() {
    let node = Node::start(&Settings::embedded()).await;
    let anyone = Guest::new(&node, "");
    let alive = ask(anyone.request(Method::GET, "/healthz")).await;
    assert_eq!((alive.status, &*alive.text), (200, "ok"));
    let ready = ask(anyone.request(Method::GET, "/readyz")).await;
    assert_eq!((ready.status, ready.json()), (200, json!({ "store": "ok", "bus": "ok", "stopping": false })));
    let manifest = ask(anyone.request(Method::GET, "/manifest.json")).await;
    assert_eq!((manifest.status, manifest.header("content-type")), (200, "application/manifest+json"));
    assert_eq!(manifest.json()["name"], "AnonChat");
}
