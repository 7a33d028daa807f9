//! The metrics for operators: what moves them, who can read them, and that they name nobody.

use std::{collections::BTreeSet, fs, net::TcpListener, path::Path};

use anonchat::{
    protocol::{ClientFrame, Epoch, RoomType},
    server::metrics,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::wire::{ada_in_a_room, ask, cookie, limited, post, two_in_a_room};
use crate::support::{
    Guest, Mailbox, Node, Settings,
    account::{OTHER_PASSWORD, PASSWORD, new_address},
    client::{Refused, new_id},
    poll_until,
};

/// A node with metrics, and their address.
struct Measured {
    node: Node,
    url: String,
}

impl Measured {
    async fn start(settings: &Settings) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let node = Node::start(&settings.clone().with("METRICS_ADDR", &address)).await;
        Self { node, url: format!("http://{address}/metrics") }
    }

    async fn text(&self) -> String {
        let answer = reqwest::get(&self.url).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
        answer.text().await.unwrap()
    }

    /// The value of a series, 0 if there is none.
    async fn value(&self, series: &str) -> f64 {
        let text = self.text().await;
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Waits until a series has this value.
    async fn until(&self, series: &str, value: u32) {
        let what = format!("{series} is {value}");
        poll_until(&what, || async { (self.value(series).await - f64::from(value)).abs() < f64::EPSILON }).await;
    }
}

#[tokio::test]
async fn metrics_move_with_what_people_do() {
    let measured = Measured::start(&Settings::embedded()).await;
    let node = &measured.node;
    measured.until("anonchat_open_sockets", 0).await;
    let (mut ada, mut bob) = two_in_a_room(node, true).await;
    measured.until("anonchat_open_sockets", 2).await;
    measured.until("anonchat_live_rooms", 1).await;
    assert!(measured.value("anonchat_snapshots_total").await >= 2.0, "one for each socket");
    for (n, by_socket) in (1_u32..).zip([true, false]) {
        let timed = ["anonchat_append_duration_seconds_count", "anonchat_delivery_duration_seconds_count"];
        let before = [measured.value(timed[0]).await, measured.value(timed[1]).await];
        if by_socket {
            ada.say("by socket").await;
        } else {
            ada.guest.say(ada.code, "by REST").await;
        }
        bob.until("it is said", |replica| replica.state.last_n == u64::from(n)).await;
        measured.until("anonchat_events_appended_total{kind=\"message\"}", n).await;
        for (series, before) in timed.iter().zip(before) {
            let more = measured.value(series).await - before;
            assert!((more - 1.0).abs() < f64::EPSILON, "{series}: {more} more");
        }
    }
    measured.until("anonchat_events_appended_total{kind=\"joined\"}", 2).await;
    measured.until("anonchat_room_commands_waiting", 0).await;
    // A resume, and one that is refused.
    assert!(bob.try_reconnect().await);
    bob.hear_until("it resumes", |bob| bob.answers == 2).await;
    measured.until("anonchat_resumes_total", 1).await;
    measured.until("anonchat_sockets_closed_total{reason=\"client_left\"}", 1).await;
    let lost = ClientFrame::Subscribe { code: bob.code, epoch: Some(Epoch::from_bits(1)), after: Some(1) };
    bob.socket.send(&lost).await.unwrap();
    bob.hear_until("it starts again", |bob| bob.answers == 3).await;
    measured.until("anonchat_resets_total{reason=\"epoch_changed\"}", 1).await;
    // Refusals, on both ways.
    bob.socket.send_text("nonsense").await.unwrap();
    measured.until("anonchat_refusals_total{way=\"socket\",code=\"malformed\"}", 1).await;
    let refused = ask(ada.guest.request(Method::GET, "/api/rooms/ZZZZZZ")).await;
    assert_eq!(refused.status, 404);
    measured.until("anonchat_refusals_total{way=\"http\",code=\"room_unavailable\"}", 1).await;
    measured.until("anonchat_http_requests_total{path=\"/api/rooms/{code}\",method=\"GET\",status=\"4xx\"}", 1).await;
    measured.until("anonchat_http_request_duration_seconds_count{path=\"/api/messages\",method=\"POST\"}", 1).await;
    // A mail that is sent.
    Guest::registered(node, "Eve").await;
    measured.until("anonchat_mails_total{outcome=\"sent\"}", 1).await;
    measured.until("anonchat_mails_waiting", 0).await;
    measured.until("anonchat_passwords_waiting", 0).await;
    drop((ada, bob));
    measured.until("anonchat_open_sockets", 0).await;
}

#[tokio::test]
async fn metrics_are_off_by_default_and_never_where_people_connect() {
    let settings = Settings::embedded().logged("info");
    let plain = Node::start(&settings).await;
    assert!(!settings.log().contains("metrics"), "{}", settings.log());
    let measured = Measured::start(&Settings::embedded()).await;
    for node in [&plain, &measured.node] {
        let answer = ask(Guest::new(node, "").request(Method::GET, "/metrics")).await;
        assert_eq!(answer.status, 404);
        assert!(!answer.text.contains("anonchat_open_sockets"));
    }
    let base = measured.url.trim_end_matches("/metrics");
    for path in ["/", "/healthz", "/api/rooms/my-rooms"] {
        assert_eq!(reqwest::get(format!("{base}{path}")).await.unwrap().status(), 404, "{path}");
    }
}

#[tokio::test]
async fn the_operators_guide_explains_every_metric() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md")).unwrap();
    let told = guide.split('`').filter(|word| word.starts_with("anonchat_"));
    let told: BTreeSet<&str> = told.map(|word| word.split('{').next().unwrap()).collect();
    assert_eq!(told, metrics::names().collect());
}

#[tokio::test]
async fn neither_metrics_nor_the_request_log_name_anybody_or_anything() {
    const CLIENT: &str = "203.0.113.77";
    let settings = limited().logged("info");
    let measured = Measured::start(&settings).await;
    let node = &measured.node;
    let (ada, code) = ada_in_a_room(node).await;
    let bob = Guest::new(node, "Quetzal Bob");
    bob.join(code).await;
    let mut page = bob.follow(code).await;
    page.say("Xylophon by socket").await;
    ada.say(code, "Xylophon by REST").await;
    let (eve, email) = Guest::registered(node, "Quetzal Eve").await;
    let own = eve.create(RoomType::Group, true).await.room.code;
    let mails = Mailbox::of(&settings);
    let mut secrets: Vec<String> =
        ["Xylophon", "Quetzal", "ZQZQZQ", CLIENT, PASSWORD, OTHER_PASSWORD].map(str::to_owned).into();
    secrets.extend([email.clone(), mails.letter(&email, 1).await.token()]);
    let _: Result<Value, Refused> = eve.ask(Method::POST, "/api/auth/code", json!({ "email": email })).await;
    secrets.push(mails.letter(&email, 2).await.code());
    for name in ["anonchat-access", "anonchat-refresh", "anonchat-code"] {
        secrets.push(cookie(&eve, name));
    }
    secrets.push(cookie(&bob, "anonchat"));
    for code in [code, own] {
        secrets.extend([code.to_string(), code.to_string().to_lowercase(), code.spaced()]);
    }
    let id = new_id();
    for text in ["Xylophon", "Xylophon again"] {
        let _ = ada.try_say(code, id, text).await;
    }
    let mailed = secrets[7].clone();
    for path in [
        "/rooms/ZQZQZQ?x=Xylophon".to_owned(),
        format!("/rooms/{code}"),
        "/rooms/Xylophon".to_owned(),
        "/Xylophon".to_owned(),
        "/pkg/Xylophon".to_owned(),
        "/icons/Xylophon".to_owned(),
        "/api/Xylophon".to_owned(),
        "/api/rooms/ZQZQZQ".to_owned(),
        format!("/api/rooms/{code}"),
        format!("/api/chats/history?code={code}"),
        format!("/auth/verify?token={mailed}"),
        "/auth/Xylophon".to_owned(),
    ] {
        for method in [Method::GET, Method::POST, Method::from_bytes(b"XYLOPHON").unwrap()] {
            let request = bob.request(method, &path).header("x-forwarded-for", CLIENT);
            ask(request.header("x-request-id", "Xylophon").header("user-agent", "Quetzal").body("Xylophon")).await;
        }
    }
    for body in [json!({ "email": email, "password": OTHER_PASSWORD }), json!({ "email": new_address() })] {
        ask(post(&eve, "/api/auth/login", &body).header("x-forwarded-for", CLIENT)).await;
    }
    ask(bob.request(Method::POST, "/api/ui/join_room").form(&[("code", "ZQZQZQ"), ("nickname", "Quetzal")])).await;
    page.socket.send_text("Xylophon").await.unwrap();
    page.socket.send(&ClientFrame::Subscribe { code: own, epoch: None, after: None }).await.unwrap();
    measured.until("anonchat_refusals_total{way=\"socket\",code=\"malformed\"}", 1).await;
    measured.until("anonchat_refusals_total{way=\"socket\",code=\"room_unavailable\"}", 1).await;
    let (text, log) = (measured.text().await, settings.log());
    assert!(log.contains("answered") && text.contains("status=\"4xx\""), "there is something to see");
    for secret in secrets {
        for (place, shown) in [("the metrics", &text), ("the log", &log)] {
            let shown = shown.lines().find(|line| line.to_lowercase().contains(&secret.to_lowercase()));
            assert!(shown.is_none(), "{secret} is in {place}: {shown:?}");
        }
    }
    assert!(!text.contains("127.0.0.1"), "{text}");
}
