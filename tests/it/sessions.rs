//! Sessions: logging in by password and by code, logging out, the list of sessions, their cookies, and what happens to
//! the sockets of a session that has ended.

use std::time::{Duration, Instant};

use anonchat::protocol::{ByeReason, Code, Profile, RoomType, SessionView};
use reqwest::{
    Method, StatusCode,
    header::{self, HeaderValue},
};
use serde_json::json;

use super::wire::bye;
use crate::support::{
    Guest, Mailbox, Node, Settings,
    account::{OTHER_PASSWORD, PASSWORD, new_address},
    client::Follower,
    cluster,
};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

/// Asks for a code and logs in with it. `nth` is the number of that mail.
async fn log_in_by_code(person: &Guest, mails: &Mailbox, email: &str, nth: usize) -> Profile {
    person.tell(POST, "/api/auth/code", json!({ "email": email })).await.unwrap();
    let code = mails.letter(email, nth).await.code();
    person.ask(POST, "/api/auth/login-code", json!({ "email": email, "code": code })).await.unwrap()
}

#[tokio::test]
async fn a_code_that_is_sent_twice_logs_in_once() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (_, email) = Guest::proved(&node, "Ada").await;
    let phone = Guest::new(&node, "Ada");
    phone.tell(POST, "/api/auth/code", json!({ "email": email })).await.unwrap();
    let body = json!({ "email": email, "code": mails.letter(&email, 2).await.code() });
    for _ in 0..3 {
        let profile: Profile = phone.ask(POST, "/api/auth/login-code", body.clone()).await.unwrap();
        assert!(profile.verified && profile.has_password);
        assert!(phone.is_logged_in().await);
    }
    let sessions: Vec<SessionView> = phone.ask(Method::GET, "/api/auth/sessions", ()).await.unwrap();
    assert_eq!(sessions.len(), 2, "the one of the registration, and one");
    phone.tell(POST, "/api/auth/logout", json!({})).await.unwrap();
    let late = phone.ask::<Profile>(POST, "/api/auth/login-code", body).await.unwrap_err();
    assert_eq!(late.problem.code, Code::WrongCredentials, "not after a log-out");
}

#[tokio::test]
async fn logging_out_ends_the_session_and_logging_in_begins_another() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    ada.tell(POST, "/api/auth/logout", json!({})).await.unwrap();
    assert!(!ada.is_logged_in().await);
    ada.tell(POST, "/api/auth/logout", json!({})).await.expect("again changes nothing");
    let refused = ada.try_log_in(&email, "not this one").await.unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.problem.code), (401, Code::WrongCredentials));
    assert_eq!(ada.log_in(&email.to_uppercase()).await.name.as_str(), "Ada", "case does not matter in addresses");
    assert!(ada.is_logged_in().await);
}

#[tokio::test]
async fn a_new_password_by_mail_ends_all_sessions_and_their_sockets() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let code = ada.create(RoomType::Group, true).await.room.code;
    let phone = Guest::new(&node, "Ada");
    phone.log_in(&email).await;
    let (mut tab, mut other) = (ada.follow(code).await, phone.follow(code).await);

    let stranger = Guest::new(&node, "Ada");
    for _ in 0..2 {
        stranger.tell(POST, "/api/auth/forgot-password", json!({ "email": email })).await.unwrap();
    }
    let (token, later) = (mails.letter(&email, 2).await.token(), mails.letter(&email, 3).await.token());
    let reset = async |token: &str, password: &str| {
        let body = json!({ "token": token, "new_password": password });
        stranger.tell(POST, "/api/auth/reset-password", body).await.map_err(|refused| refused.problem.code)
    };
    assert_eq!(reset(&token, "password1").await, Err(Code::WeakPassword));
    assert_eq!(reset(&token, OTHER_PASSWORD).await, Ok(()), "what was refused did not use it up, nor did a later one");
    assert_eq!(reset(&token, OTHER_PASSWORD).await, Ok(()), "pressed again");
    assert_eq!(reset(&token, PASSWORD).await, Err(Code::TokenInvalid), "once");
    assert_eq!(reset(&later, PASSWORD).await, Err(Code::TokenInvalid), "all others are used up with it");
    for used in [&token, &later] {
        let page = stranger.request(Method::GET, &format!("/auth/reset-password?token={used}")).send().await.unwrap();
        assert_eq!(
            (page.status(), &page.headers()["cache-control"]),
            (StatusCode::BAD_REQUEST, &HeaderValue::from_static("no-store"))
        );
        assert!(page.text().await.unwrap().contains("This link has already been used"));
    }

    assert_eq!(bye(&mut tab.socket).await, Some(ByeReason::SignedOut));
    assert_eq!(bye(&mut other.socket).await, Some(ByeReason::SignedOut));
    assert!(!ada.is_logged_in().await && !phone.is_logged_in().await);
    assert!(ada.try_connect().await.is_none(), "nor is another socket opened");
    assert_eq!(ada.try_log_in(&email, PASSWORD).await.unwrap_err().problem.code, Code::WrongCredentials);
    let profile = ada.try_log_in(&email, OTHER_PASSWORD).await.unwrap();
    assert!(profile.verified, "whoever set it reads the address");
    assert_eq!(mails.letter(&email, 4).await.subject, "Your password was changed");
    assert_eq!(ada.rooms().await, [code]);
}

#[tokio::test]
async fn a_code_by_mail_logs_in_without_a_password_and_one_can_be_set() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = (Guest::new(&node, "Ada"), new_address());
    let made: Profile = ada.ask(POST, "/api/auth/register", json!({ "name": "Ada", "email": email })).await.unwrap();
    assert!(!made.has_password);
    let phone = Guest::new(&node, "Ada");
    let profile = log_in_by_code(&phone, &mails, &email, 2).await;
    assert!(profile.verified && !profile.has_password);
    assert!(!ada.is_logged_in().await, "who had not proved the address is out, since they may be somebody else");

    let set = json!({ "new_password": PASSWORD });
    let refused = phone.tell(PUT, "/api/users/password", set.clone()).await.unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.problem.code), (403, Code::NotConfirmed));
    phone.tell(POST, "/api/auth/code", json!({ "for": "confirm" })).await.unwrap();
    let code = mails.letter(&email, 3).await.code();
    phone.tell(PUT, "/api/users/password", json!({ "new_password": PASSWORD, "code": code })).await.unwrap();
    assert!(phone.me().await.unwrap().has_password);
    ada.log_in(&email).await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all_others() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let [phone, tablet] = [Guest::new(&node, "Ada"), Guest::new(&node, "Ada")];
    let login = json!({ "email": email, "password": PASSWORD });
    let agent = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";
    let request = phone.request(POST, "/api/auth/login").header(header::USER_AGENT, agent).json(&login);
    assert_eq!(request.send().await.unwrap().status(), 200);
    tablet.log_in(&email).await;

    let sessions = async || ada.ask::<Vec<SessionView>>(Method::GET, "/api/auth/sessions", ()).await.unwrap();
    let all = sessions().await;
    assert_eq!((all.len(), all.iter().filter(|session| session.current).count()), (3, 1));
    let of_phone = all.iter().find(|session| session.device == "Firefox on Android").unwrap();
    ada.tell(DELETE, &format!("/api/auth/sessions/{}", of_phone.id), json!({})).await.unwrap();
    assert!(!phone.is_logged_in().await && tablet.is_logged_in().await);

    let (eve, _) = Guest::registered(&node, "Eve").await;
    let of_ada = all.iter().find(|session| session.current).unwrap().id;
    eve.tell(DELETE, &format!("/api/auth/sessions/{of_ada}"), json!({})).await.unwrap();
    assert!(ada.is_logged_in().await, "nobody ends another’s session");

    ada.tell(DELETE, "/api/auth/sessions", json!({})).await.unwrap();
    assert!(!tablet.is_logged_in().await && ada.is_logged_in().await);
    assert_eq!(sessions().await.len(), 1);
}

/// The `Set-Cookie` headers of an answer.
fn set_cookies(answer: &reqwest::Response) -> Vec<String> {
    answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

/// One cookie of a `Cookie` header, as `name=value`.
fn pair(cookies: &str, name: &str) -> String {
    let found = cookies.split("; ").find(|pair| pair.split('=').next() == Some(name));
    found.unwrap_or_else(|| panic!("{name} in {cookies}")).to_owned()
}

#[tokio::test]
async fn any_door_renews_a_session_whose_access_token_has_run_out() {
    let node = Node::start(&Settings::embedded().with("LEPTOS_HASH_FILES", "false")).await;
    for (method, path) in
        [(Method::GET, "/api/users/me"), (Method::GET, "/"), (Method::GET, "/ws"), (POST, "/api/ui/log_out")]
    {
        let (ada, _) = Guest::registered(&node, "Ada").await;
        let refresh = pair(ada.cookie().unwrap().to_str().unwrap(), "anonchat-refresh");
        let bare = Guest::new(&node, "Ada");
        let mut request = bare.request(method, path).header("cookie", &refresh);
        if path == "/ws" {
            request = request
                .header("connection", "upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-version", "13")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        }
        let answer = request.send().await.unwrap();
        assert!(answer.status().as_u16() < 400, "{path}: {}", answer.status());
        let cookies = set_cookies(&answer);
        let of = |name: &str| cookies.iter().find(|cookie| cookie.starts_with(&format!("{name}="))).unwrap();
        if path.ends_with("log_out") {
            assert!(of("anonchat-refresh").contains("Max-Age=0"), "{cookies:?}");
            continue;
        }
        assert!(of("anonchat-access").contains("Max-Age=900"), "{path}: {cookies:?}");
        assert!(!of("anonchat-refresh").contains(&refresh), "it is another one");
    }
}

#[tokio::test]
async fn the_cookies_of_an_account_are_for_the_server_only() {
    let attributes = async |settings: Settings| {
        let node = Node::start(&settings).await;
        let body = json!({ "name": "Ada", "email": new_address(), "password": PASSWORD });
        let answer = Guest::new(&node, "Ada").request(POST, "/api/auth/register").json(&body).send().await.unwrap();
        let kept: Vec<String> =
            set_cookies(&answer).into_iter().filter(|cookie| !cookie.contains("Max-Age=0")).collect();
        let mut shown: Vec<String> = kept
            .iter()
            .map(|cookie| {
                let (pair, attributes) = cookie.split_once("; ").unwrap();
                let mut attributes: Vec<&str> = attributes.split("; ").collect();
                attributes.sort_unstable();
                format!("{}: {}", pair.split('=').next().unwrap(), attributes.join("; "))
            })
            .collect();
        shown.sort();
        shown
    };
    assert_eq!(
        attributes(Settings::embedded()).await,
        [
            "anonchat-access: HttpOnly; Max-Age=900; Path=/; SameSite=Lax",
            "anonchat-refresh: HttpOnly; Max-Age=5184000; Path=/; SameSite=Lax",
        ]
    );
    assert_eq!(
        attributes(Settings::embedded().with("PUBLIC_URL", "https://chat.example.org")).await,
        [
            "__Host-anonchat-access: HttpOnly; Max-Age=900; Path=/; SameSite=Lax; Secure",
            "__Host-anonchat-refresh: HttpOnly; Max-Age=5184000; Path=/; SameSite=Lax; Secure",
        ]
    );
}

/// The time until a follower's socket is closed because its session has ended.
async fn signed_out(follower: &mut Follower) -> Duration {
    let start = Instant::now();
    assert_eq!(bye(&mut follower.socket).await, Some(ByeReason::SignedOut));
    start.elapsed()
}

#[tokio::test]
async fn a_session_that_ends_on_one_node_loses_its_sockets_on_the_other_within_two_seconds() {
    let Some((one, two)) = cluster().await else { return };
    let mails = Mailbox::of(one.settings());
    let (ada, email) = Guest::registered(&one, "Ada").await;
    let code = ada.create(RoomType::Group, true).await.room.code;
    let phone = Guest::new(&two, "Ada");
    phone.log_in(&email).await;
    let mut there = phone.follow(code).await;
    assert!(ada.at(&two).is_logged_in().await, "a session holds on every node");

    ada.tell(DELETE, "/api/auth/sessions", json!({})).await.unwrap();
    assert!(signed_out(&mut there).await < Duration::from_secs(2));
    assert!(!phone.is_logged_in().await);

    phone.log_in(&email).await;
    let mut there = phone.follow(code).await;
    ada.tell(POST, "/api/auth/forgot-password", json!({ "email": email })).await.unwrap();
    let token = mails.letter(&email, 2).await.token();
    let body = json!({ "token": token, "new_password": OTHER_PASSWORD });
    Guest::new(&one, "Ada").tell(POST, "/api/auth/reset-password", body).await.unwrap();
    assert!(signed_out(&mut there).await < Duration::from_secs(2));
}
