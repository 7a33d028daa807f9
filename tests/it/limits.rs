//! Limits of rates: how often a client or a person may do something, and what somebody is told who does it too often.

use std::time::{Duration, Instant};

use anonchat::protocol::{ByeReason, Code, Preferences, Problem, Profile, RoomCode, RoomType, ServerFrame};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::wire::{Answer, ada_in_a_room, ask, bye, limited, post};
use crate::support::{
    Guest, Node, Settings,
    account::{PASSWORD, new_address},
    client::new_id,
    services::{shared_mongo, shared_redis},
    within,
};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;

/// The wait of a refusal with `too_many_requests`, which must be the same in its header and its body.
#[track_caller]
fn too_many(answer: &Answer) -> Duration {
    assert_eq!(answer.refused(), (429, "too_many_requests".to_owned()));
    let pause = answer.json()["retry_after_ms"].as_u64().unwrap();
    assert!(pause > 0);
    assert_eq!(answer.header("retry-after"), pause.div_ceil(1_000).to_string());
    Duration::from_millis(pause)
}

#[tokio::test]
async fn making_rooms_has_a_limit_per_client() {
    let node = Node::start(&limited()).await;
    let create = async |client: &str| {
        let guest = Guest::new(&node, "Ada");
        ask(post(&guest, "/api/rooms/create", &json!({ "type": "group" })).header("x-forwarded-for", client)).await
    };
    for _ in 0..20 {
        assert_eq!(create("203.0.113.1").await.status, 201);
    }
    let refused = create("203.0.113.1").await;
    assert!(too_many(&refused) <= Duration::from_secs(30));
    assert_eq!(refused.header("set-cookie"), "", "who is refused gets no session");
    too_many(&create("198.51.100.9, 203.0.113.1").await);
    assert_eq!(create("203.0.113.2").await.status, 201, "others go on");
    for i in 0..20 {
        assert_eq!(create(&format!("2001:db8:1:2::{i:x}")).await.status, 201);
    }
    too_many(&create("2001:db8:1:2:ffff::1").await);
    assert_eq!(create("2001:db8:1:3::1").await.status, 201, "the next household");
}

#[tokio::test]
async fn joining_has_a_limit_per_client() {
    let node = Node::start(&limited()).await;
    let (_ada, code) = ada_in_a_room(&node).await;
    let bob = Guest::new(&node, "Bob");
    let join = || post(&bob, "/api/rooms/join", &json!({ "code": code })).header("x-forwarded-for", "203.0.113.1");
    let mut taken = 0;
    let refused = loop {
        let answer = ask(join()).await;
        if answer.status != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < 500);
    };
    assert!(taken >= 300, "a school behind one address fits: {taken}");
    assert!(too_many(&refused) <= Duration::from_secs(1));
}

#[tokio::test]
async fn who_guesses_codes_has_to_wait_even_with_a_right_one() {
    let node = Node::start(&limited()).await;
    let (_ada, code) = ada_in_a_room(&node).await;
    let guesser = Guest::new(&node, "Eve");
    let join = async |guest: &Guest, client: &str, code: &str| {
        ask(post(guest, "/api/rooms/join", &json!({ "code": code })).header("x-forwarded-for", client)).await
    };
    let mut misses = 0;
    let refused = loop {
        let answer = join(&guesser, "203.0.113.1", &RoomCode::from_bits(misses).to_string()).await;
        if answer.status == 429 {
            break answer;
        }
        assert_eq!(answer.refused(), (404, "room_unavailable".to_owned()));
        misses += 1;
        assert!(misses < 20);
    };
    assert!((10..=11).contains(&misses), "{misses}");
    let pause = too_many(&refused);
    too_many(&join(&guesser, "203.0.113.1", &code.to_string()).await);
    too_many(&join(&Guest::new(&node, "Eve again"), "203.0.113.1", &code.to_string()).await);
    assert_eq!(join(&Guest::new(&node, "Bob"), "203.0.113.2", &code.to_string()).await.status, 200, "others go on");
    let start = Instant::now();
    within("the right code works again", async {
        while join(&guesser, "203.0.113.1", &code.to_string()).await.status != 200 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(start.elapsed() <= pause + Duration::from_secs(2), "asking meanwhile does not make it longer");
}

#[tokio::test]
async fn who_guesses_many_codes_at_once_gets_no_further() {
    let node = Node::start(&limited()).await;
    let (_ada, code) = ada_in_a_room(&node).await;
    let guesser = Guest::new(&node, "Eve");
    let join = async |code: String| {
        let request = post(&guesser, "/api/rooms/join", &json!({ "code": code }));
        ask(request.header("x-forwarded-for", "203.0.113.1")).await.status
    };
    let tried = (0..60).map(|bits| RoomCode::from_bits(bits).to_string());
    let answers = futures_util::future::join_all(tried.map(join)).await;
    let told = answers.iter().filter(|status| **status != 429).count();
    assert!((10..=11).contains(&told), "{answers:?}");
    assert_eq!(join(code.to_string()).await, 429);
}

#[tokio::test]
async fn changing_passwords_has_a_limit_before_there_is_any_work() {
    let node = Node::start(&limited()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let change = json!({ "new_password": "short", "password": "wrong" });
    let ask = async |client: &str| {
        ask(ada.request(Method::PUT, "/api/users/password").json(&change).header("x-forwarded-for", client)).await
    };
    for _ in 0..30 {
        assert_eq!(ask("203.0.113.1").await.refused(), (400, "invalid_input".to_owned()));
    }
    too_many(&ask("203.0.113.1").await);
    assert_eq!(ask("203.0.113.2").await.refused(), (400, "invalid_input".to_owned()), "others go on");
}

#[tokio::test]
async fn speaking_has_a_limit_per_person() {
    let node = Node::start(&limited()).await;
    let (ada, code) = ada_in_a_room(&node).await;
    let bob = Guest::new(&node, "Bob");
    bob.join(code).await;
    let mut page = ada.follow(code).await;
    let say = |guest: &Guest| post(guest, "/api/messages", &json!({ "code": code, "id": new_id(), "body": "x" }));
    let mut taken = 0;
    let refused = loop {
        let answer = ask(say(&ada)).await;
        if answer.status != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < 60);
    };
    assert!(taken >= 20, "{taken}");
    assert!(too_many(&refused) <= Duration::from_millis(200));
    assert_eq!(ask(say(&bob)).await.status, 200, "others go on");
    // A refusal slows down reading from the socket. So messages that were sent after a refused one are not stored
    // before it is sent again.
    let (ids, start) = ([(); 10].map(|()| new_id()), Instant::now());
    for id in ids {
        page.send(id, "x").await.unwrap();
    }
    let acked = within("all is acked", async {
        let mut acked = Vec::new();
        while acked.len() < ids.len() {
            match page.socket.next().await.expect("the socket is open") {
                ServerFrame::Ack { id, seq, .. } => acked.push((seq, id)),
                ServerFrame::Error { code, .. } => panic!("{code:?}"),
                _ => {}
            }
        }
        acked
    });
    let acked = acked.await;
    assert!(acked.is_sorted(), "in the order in which it was said");
    assert!(acked.iter().map(|(_, id)| *id).eq(ids));
    assert!(start.elapsed() >= Duration::from_secs(1), "as fast as anybody may");
}

#[tokio::test]
async fn who_asks_too_often_is_told_how_long_to_wait_and_nobody_else_waits() {
    /// The operation's name, the status of an accepted request, how many are accepted in which time, and how to make a
    /// request.
    type Door<'a> = (&'a str, u16, u32, Duration, &'a dyn Fn() -> RequestBuilder);
    let node = Node::start(&limited()).await;
    let ((ada, _), email) = (Guest::registered(&node, "Ada").await, new_address());
    let [minute, hour] = [Duration::from_mins(1), Duration::from_hours(1)];
    let nobody = |path: &str, body: Value| Guest::new(&node, "").request(POST, path).json(&body);
    let forgot = |email: &str| nobody("/api/auth/forgot-password", json!({ "email": email }));
    let register = || nobody("/api/auth/register", json!({ "name": "Ada", "email": new_address() }));
    let doors: [Door; 6] = [
        ("accounts", 201, 40, hour, &register),
        ("mails", 204, 30, hour, &|| forgot(&new_address())),
        ("mails to one address", 204, 5, 10 * minute, &|| forgot(&email)),
        ("codes", 400, 30, 10 * minute, &|| nobody("/api/auth/verify", json!({ "token": "none of ours" }))),
        ("measures", 200, 60, minute, &|| nobody("/api/auth/password-strength", json!({ "password": PASSWORD }))),
        ("downloads", 200, 5, hour, &|| ada.request(Method::GET, "/api/users/me/data")),
    ];
    for (n, (what, status, burst, per, door)) in doors.into_iter().enumerate() {
        let ask = async |net: &str| door().header("x-forwarded-for", format!("{net}.{n}")).send().await.unwrap();
        let begun = Instant::now();
        let mut taken = 0;
        let refused = within(what, async {
            loop {
                let answer = ask("203.0.113").await;
                if answer.status() == StatusCode::TOO_MANY_REQUESTS {
                    return answer;
                }
                assert_eq!(answer.status(), status, "{what}");
                taken += 1;
            }
        })
        .await;
        let retry_after = refused.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap();
        let problem: Problem = refused.json().await.unwrap();
        // While the test sends requests, some of the quota is refilled.
        let (one, took) = (per / burst, begun.elapsed());
        let again = u32::try_from(took.as_millis() / one.as_millis()).unwrap();
        assert!((burst..=burst + again).contains(&taken), "{what}: {taken}");
        let pause = problem.retry_after_ms.unwrap();
        let wait = Duration::from_millis(pause);
        assert!(wait <= one && wait + took + Duration::from_millis(1) >= one, "{what}: {wait:?}");
        assert_eq!((problem.code, retry_after), (Code::TooManyRequests, pause.div_ceil(1_000)), "{what}");
        assert_eq!(ask("198.51.100").await.status(), status, "{what}, asked for elsewhere");
    }
}

/// Sends requests one after another without a pause and counts those that are accepted. The others must contain
/// `retry_after_ms`.
async fn taken(requests: impl Iterator<Item = RequestBuilder>) -> usize {
    let mut taken = 0;
    for request in requests {
        let answer = request.send().await.unwrap();
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.headers().contains_key("retry-after"));
            assert!(answer.json::<Problem>().await.unwrap().retry_after_ms.is_some());
        } else {
            assert!(answer.status().is_success(), "{}", answer.status());
            taken += 1;
        }
    }
    taken
}

#[tokio::test]
async fn whatever_becomes_an_event_is_metered_like_a_message_and_settings_are_metered_too() {
    let alone = Node::start(&limited()).await;
    let mut nodes = vec![alone];
    if let (Some(mongo), Some(redis)) = (shared_mongo(), shared_redis()) {
        let name = format!("test_{}", Uuid::now_v7().simple());
        let settings =
            Settings::cluster(&mongo, &name, &redis, &name).with("RATE_LIMITS", "on").with("PROXY_HOPS", "1");
        nodes.push(Node::start(&settings).await);
    }
    for node in &nodes {
        const TRIES: usize = 60;
        let in_a_room = async |preserve| {
            let ada = Guest::new(node, "Ada");
            let code = ada.create(RoomType::Group, preserve).await.room.code;
            (ada, code)
        };
        let put = |person: &Guest, path: &str, body: Value| person.request(PUT, path).json(&body);
        let within_reason = |what: &str, taken: usize, begun: Instant| {
            let refilled = 5 * (usize::try_from(begun.elapsed().as_secs()).unwrap() + 1);
            assert!((20..=20 + refilled).contains(&taken), "{what}: {taken} of {TRIES}");
        };
        for preserve in [true, false] {
            let ((ada, code), begun) = (in_a_room(preserve).await, Instant::now());
            let renames =
                (0..TRIES).map(|n| put(&ada, "/api/rooms/name", json!({ "code": code, "name": n.to_string() })));
            within_reason("renames", taken(renames).await, begun);
            let mut said = 0;
            for _ in 0..20 {
                said += usize::from(ada.try_say(code, new_id(), "Hello").await.is_ok());
            }
            // Another budget would let all twenty pass at once.
            let refilled = 5 * (usize::try_from(begun.elapsed().as_secs()).unwrap() + 1);
            assert!(said <= refilled, "it is the budget of messages, and {said} were said in {:?}", begun.elapsed());
        }
        let ((ada, code), begun) = (in_a_room(false).await, Instant::now());
        let turns =
            (0..TRIES).map(|n| put(&ada, "/api/rooms/preserve", json!({ "code": code, "preserve": n % 2 == 0 })));
        // After a refusal the next request asks for the state that the room has already.
        let turned = taken(turns).await;
        assert!(turned < TRIES, "{turned} in {:?}", begun.elapsed());

        let (ada, code) = in_a_room(true).await;
        let levels = (0..TRIES).map(|n| {
            let notify = if n % 2 == 0 { "none" } else { "all" };
            put(&ada, "/api/rooms/notify", json!({ "code": code, "notify": notify }))
        });
        let changed = taken(levels).await;
        assert!(changed < TRIES, "{changed}");
        let (bob, _) = Guest::registered(node, "Bob").await;
        let names = (0..TRIES).map(|n| put(&bob, "/api/users/name", json!({ "name": format!("Bob {n}") })));
        let renamed = taken(names).await;
        assert!((30..33).contains(&renamed), "{renamed}");
        let (eve, _) = Guest::registered(node, "Eve").await;
        let mut wanted = serde_json::to_value(Preferences::default()).unwrap();
        let flips = (0..TRIES).map(|n| {
            wanted["show_read"] = json!(n % 2 == 1);
            put(&eve, "/api/users/preferences", wanted.clone())
        });
        let flipped = taken(flips).await;
        assert!((30..TRIES).contains(&flipped), "{flipped}");
    }
}

#[tokio::test]
async fn who_flips_what_they_show_loses_few_sockets_and_is_told_why() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let code = ada.create(RoomType::Group, true).await.room.code;
    let mut tab = ada.follow(code).await;
    let begun = Instant::now();
    for n in 0..100 {
        let wanted = Preferences { show_read: n % 2 == 1, ..Preferences::default() };
        let _: Profile = ada.ask(PUT, "/api/users/preferences", serde_json::to_value(wanted).unwrap()).await.unwrap();
    }
    let mut closed = 0;
    while begun.elapsed() < Duration::from_secs(5) {
        let left = Duration::from_secs(5).saturating_sub(begun.elapsed());
        match tokio::time::timeout(left, bye(&mut tab.socket)).await {
            Ok(why) => assert_eq!(why, Some(ByeReason::PreferencesChanged)),
            Err(_) => break,
        }
        closed += 1;
        tab = ada.follow(code).await;
    }
    assert!((1..=4).contains(&closed), "{closed} times in {:?}", begun.elapsed());
}
