//! Origins: pages of other sites change nothing, and links in mails lead to the site’s own address.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    description::mutations,
    wire::{ada_in_a_room, ask, post, upgrade},
};
use crate::support::{
    Guest, Mailbox, Node, Settings,
    account::{PASSWORD, new_address},
    client::new_id,
    story,
};

const POST: Method = Method::POST;

#[tokio::test]
async fn pages_of_other_sites_can_do_nothing() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let id = new_id();
    let body = json!({ "code": code, "id": id, "body": "Forged" });
    let form = [("code", code.to_string())];
    let same = format!("http://{}", node.address());
    let foreign = [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1"),
        ("origin", &*format!("{same}.evil.example")),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ];
    for (name, value) in foreign {
        for request in [
            post(&ada, "/api/messages", &body),
            ada.request(Method::PUT, "/api/rooms/preserve").json(&json!({ "code": code, "preserve": true })),
            ada.request(Method::POST, "/api/ui/leave_room").form(&form),
            ada.request(Method::POST, "/api/ui/create_room").form(&[("room_type", "group")]),
        ] {
            let refused = ask(request.header(name, value)).await.refused();
            assert_eq!(refused, (403, "foreign_origin".to_owned()), "{name}: {value}");
        }
        if name == "origin" {
            let refused = ask(upgrade(&ada).header(name, value)).await.refused();
            assert_eq!(refused, (403, "foreign_origin".to_owned()), "a socket with {name}: {value}");
        }
    }
    assert_eq!(story(&ada.whole_history(code).await), ["Ada joined"]);
    let own = post(&ada, "/api/messages", &body).header("origin", &same).header("sec-fetch-site", "same-origin");
    assert_eq!(ask(own).await.status, 200, "the site’s own pages can");
    assert_eq!(ask(upgrade(&ada).header("origin", &same)).await.status, 101);
    let own = ada.request(Method::POST, "/api/ui/leave_room").form(&form).header("origin", &same);
    assert!(ask(own).await.status < 400);
    assert_eq!(ask(ada.request(Method::GET, &format!("/api/rooms/{code}"))).await.status, 403, "that left the room");
}

#[tokio::test]
async fn behind_a_proxy_the_public_address_is_the_sites_own() {
    let node = Node::start(&Settings::embedded().with("PUBLIC_URL", "https://chat.example.org/")).await;
    let create = json!({ "type": "group" });
    let guest = Guest::new(&node, "Ada");
    let own = ask(post(&guest, "/api/rooms/create", &create).header("origin", "https://chat.example.org")).await;
    assert_eq!(own.status, 201);
    let cookie = own.header("set-cookie").split(';').next().unwrap().to_owned();
    let socket = |origin: &str| upgrade(&guest).header("cookie", &cookie).header("origin", origin);
    assert_eq!(ask(socket("https://chat.example.org")).await.status, 101);
    assert_eq!(ask(socket("http://chat.example.org")).await.refused().0, 403);
    let foreign = post(&guest, "/api/rooms/create", &create).header("origin", "https://example.org");
    assert_eq!(ask(foreign).await.refused(), (403, "foreign_origin".to_owned()));
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing_of_an_account() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let doors = mutations(&ada).await;
    assert!(doors.len() >= 50, "{}", doors.len());
    for (method, path) in doors {
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let request = ada.request(method.clone(), &path).header(name, value).json(&json!({}));
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 403, "{method} {path} with {name}: {value}");
            assert_eq!(answer.json::<Value>().await.unwrap()["code"], "foreign_origin", "{method} {path}");
        }
    }
    assert!(ada.is_logged_in().await);
}

#[tokio::test]
async fn links_in_mails_lead_to_the_public_address_whatever_the_request_says() {
    let settings = Settings::embedded().with("PUBLIC_URL", "https://chat.example.org");
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = (Guest::new(&node, "Ada"), new_address());
    let poisoned = |path: &str, body: Value| {
        ada.request(POST, path)
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "http")
            .header("forwarded", "host=evil.example")
            .json(&body)
    };
    let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
    assert_eq!(poisoned("/api/auth/register", body).send().await.unwrap().status(), 201);
    let sent = poisoned("/api/auth/forgot-password", json!({ "email": email })).send().await.unwrap();
    assert_eq!(sent.status(), 204);
    for n in 1..=2 {
        let letter = mails.letter(&email, n).await;
        assert!(letter.text.contains("https://chat.example.org/auth/"), "{}", letter.text);
        assert!(!letter.raw.contains("evil"), "{}", letter.raw);
    }
}
