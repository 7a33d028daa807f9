//! The request log: each answer has the id of its request, and a line of the log has the same id.

use std::collections::{BTreeMap, BTreeSet};

use anonchat::protocol::limits::FRAME_BYTES;
use reqwest::Method;
use serde_json::{Value, json};

use super::wire::{ada_in_a_room, ask, post, upgrade};
use crate::support::{Guest, Node, Settings};

const GET: Method = Method::GET;

/// The lines about answered requests, by the id of the request.
fn answered(settings: &Settings) -> BTreeMap<String, Value> {
    let lines = settings.log();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines = lines.filter(|line| line["fields"]["message"] == "answered");
    lines.map(|line| (line["span"]["id"].as_str().unwrap().to_owned(), line)).collect()
}

#[tokio::test]
async fn every_answer_has_an_id_and_its_line_in_the_log_has_the_same() {
    let settings = Settings::embedded().with("LOG_FORMAT", "json").logged("debug");
    let node = Node::start(&settings).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let stranger = Guest::new(&node, "Stranger");
    let join = |body: Value| post(&ada, "/api/rooms/join", &body);
    let requests = [
        (ada.request(GET, "/healthz"), "/healthz", "DEBUG"),
        (ada.request(GET, "/readyz"), "/readyz", "DEBUG"),
        (ada.request(GET, "/manifest.json"), "/manifest.json", "DEBUG"),
        (ada.request(GET, "/robots.txt"), "/robots.txt", "DEBUG"),
        (ada.request(GET, "/pkg/nothing.js"), "/pkg/{*file}", "DEBUG"),
        (ada.request(GET, "/icons/nothing.png"), "/icons/{*file}", "DEBUG"),
        (ada.request(GET, "/screenshots/nothing.png"), "/screenshots/{*file}", "DEBUG"),
        (ada.request(GET, "/"), "/", "INFO"),
        (ada.request(GET, &format!("/rooms/{code}")), "/rooms/{code}", "INFO"),
        (ada.request(GET, &format!("/rooms/{code}/qr.svg")), "/rooms/{code}/qr.svg", "INFO"),
        (ada.request(GET, "/auth/login"), "/auth/login", "INFO"),
        (ada.request(GET, "/auth/nothing"), "/auth/{page}", "INFO"),
        (ada.request(GET, "/nothing/here"), "-", "INFO"),
        (ada.request(GET, "/api/openapi.json"), "/api/openapi.json", "INFO"),
        (ada.request(GET, &format!("/api/rooms/{code}")), "/api/rooms/{code}", "INFO"),
        (ada.request(GET, "/api/nothing"), "/api/{*rest}", "INFO"),
        (ada.request(GET, "/api/rooms/create"), "/api/rooms/create", "INFO"),
        (join(json!({ "code": "nonsense" })), "/api/rooms/join", "INFO"),
        (join(json!({ "code": code })).header("origin", "https://evil.example"), "/api/rooms/join", "INFO"),
        (join(json!({ "code": " ".repeat(FRAME_BYTES) })), "/api/rooms/join", "INFO"),
        (ada.request(Method::POST, "/api/ui/join_room").form(&[("x", "y")]), "/api/ui/join_room", "INFO"),
        (upgrade(&stranger), "/ws", "INFO"),
        (upgrade(&ada), "/ws", "INFO"),
    ];
    let (mut ids, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (request, path, level) in requests {
        let answer = ask(request.header("x-request-id", "0123456789abcdef")).await;
        let id = answer.header("x-request-id").to_owned();
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{path}: “{id}”");
        assert_ne!(id, "0123456789abcdef", "the client does not choose it");
        assert!(ids.insert(id.clone()), "{id} twice");
        let line = answered(&settings).remove(&id).unwrap_or_else(|| panic!("{path} has no line"));
        assert_eq!(line["span"]["path"], path, "{line}");
        assert_eq!(line["fields"]["status"], answer.status, "{line}");
        assert_eq!(line["level"], level, "{line}");
        assert!(line["fields"]["ms"].is_u64() && line["span"]["method"].is_string(), "{line}");
        seen.insert(answer.status);
    }
    assert_eq!(seen, BTreeSet::from([101, 200, 400, 401, 403, 404, 405, 413]));
}

#[tokio::test]
async fn a_refusal_has_its_code_in_the_line_of_its_request() {
    let settings = Settings::embedded().with("LOG_FORMAT", "json").logged("info");
    let node = Node::start(&settings).await;
    let ada = Guest::new(&node, "Ada");
    let form = ada.request(Method::POST, "/api/ui/join_room").form(&[("code", "ZZZZZZ"), ("nickname", "Ada")]);
    for (request, code) in [
        (ada.request(GET, "/api/users/me"), "NotLoggedIn"),
        (post(&ada, "/api/rooms/join", &json!({ "code": "ZZZZZZ" })), "RoomUnavailable"),
        (form, "RoomUnavailable"),
        (ada.request(Method::POST, "/api/ui/join_room").form(&[("x", "y")]), "Malformed"),
    ] {
        let answer = ask(request).await;
        let line = answered(&settings).remove(answer.header("x-request-id")).unwrap();
        assert_eq!(line["span"]["code"], code, "{line} {}", answer.text);
    }
}
