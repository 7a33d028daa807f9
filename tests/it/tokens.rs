//! Tokens of sessions: forged, stolen, altered, used twice or of another kind. And what a new secret of the server
//! changes.

use anonchat::protocol::Code;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use super::wire::{cookie, shown};
use crate::support::{Guest, Mailbox, Node, Settings, account::OTHER_PASSWORD, on_both_stacks};

const POST: Method = Method::POST;
const SECRET: &str = "the secret that these tests share with their nodes";
const NEW_SECRET: &str = "the secret that replaces it after a while";

/// A key as the server derives it: HMAC-SHA-256 of the key's name with `JWT_SECRET`.
fn derived(name: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(name.as_bytes());
    mac.finalize().into_bytes().into()
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn forged_access_tokens_open_nothing() {
    let node = Node::start(&Settings::embedded().with("JWT_SECRET", SECRET)).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let token = cookie(&ada, "anonchat-access");
    let [head, claims, signature] = token.split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
    let (header, said) = (decoded(&head), decoded(&claims));
    let kid = header["kid"].as_str().unwrap().to_owned();
    let signed = |algorithm, key: &[u8], claims: &Value| {
        let header = Header { kid: Some(kid.clone()), ..Header::new(algorithm) };
        encode(&header, claims, &EncodingKey::from_secret(key)).unwrap()
    };
    let with = |field: &str, value: Value| {
        let mut claims = said.clone();
        claims[field] = value;
        claims
    };
    let without = |field: &str| {
        let mut claims = said.clone();
        claims.as_object_mut().unwrap().remove(field);
        claims
    };
    let key = derived("access");
    let open = |token: &str| format!("anonchat-access={token}");
    assert_eq!(shown(&node, &open(&token)).await.0, 200);
    assert_eq!(shown(&node, &open(&signed(Algorithm::HS256, &key, &said))).await.0, 200, "this test can sign");

    let mut forged = vec![
        ("alg none", format!("{}.{claims}.", part(&json!({ "alg": "none", "typ": "JWT", "kid": kid })))),
        (
            "alg none with its signature",
            format!("{}.{claims}.{signature}", part(&json!({ "alg": "none", "kid": kid }))),
        ),
        ("no signature", format!("{head}.{claims}.")),
        ("two parts", format!("{head}.{claims}")),
        ("another HMAC", signed(Algorithm::HS512, &key, &said)),
        ("RS256 over the same bytes", format!("{}.{claims}.{signature}", part(&json!({ "alg": "RS256", "kid": kid })))),
        ("no kid", format!("{}.{claims}.{signature}", part(&json!({ "alg": "HS256" })))),
        ("an unknown kid", format!("{}.{claims}.{signature}", part(&json!({ "alg": "HS256", "kid": "x" })))),
        ("the secret itself as key", signed(Algorithm::HS256, SECRET.as_bytes(), &said)),
        ("the key of mails", signed(Algorithm::HS256, &derived("mail"), &said)),
        ("an empty key", signed(Algorithm::HS256, b"", &said)),
        ("expired", signed(Algorithm::HS256, &key, &with("exp", json!(said["iat"].as_u64().unwrap() - 1)))),
        ("no end", signed(Algorithm::HS256, &key, &without("exp"))),
        ("wrong audience", signed(Algorithm::HS256, &key, &with("aud", json!("anonchat-admin")))),
        ("no audience", signed(Algorithm::HS256, &key, &without("aud"))),
        ("wrong issuer", signed(Algorithm::HS256, &key, &with("iss", json!("evil")))),
        ("another account", signed(Algorithm::HS256, &key, &with("sub", json!(Uuid::now_v7())))),
        ("another session", signed(Algorithm::HS256, &key, &with("sid", json!(Uuid::now_v7())))),
        ("nonsense", "nonsense".to_owned()),
        ("a great deal of nonsense", "x.".repeat(2_000)),
    ];
    for (name, text) in [("header", &head), ("claims", &claims), ("signature", &signature)] {
        for at in [0, text.len() / 2, text.len() - 2] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let flipped = String::from_utf8(bytes).unwrap();
            forged.push((name, token.replacen(text.as_str(), &flipped, 1)));
        }
    }
    for (what, token) in forged {
        assert_eq!(shown(&node, &open(&token)).await.0, 401, "{what}: {token}");
    }
}

#[tokio::test]
async fn a_token_of_one_kind_is_worth_nothing_as_another() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let verify = mails.letter(&email, 1).await.token();
    ada.tell(POST, "/api/auth/forgot-password", json!({ "email": email })).await.unwrap();
    let reset = mails.letter(&email, 2).await.token();
    let (access, refresh) = (cookie(&ada, "anonchat-access"), cookie(&ada, "anonchat-refresh"));
    for token in [&reset, &verify, &refresh] {
        assert_eq!(shown(&node, &format!("anonchat-access={token}")).await.0, 401);
    }
    for token in [&reset, &verify, &access] {
        assert_eq!(shown(&node, &format!("anonchat-refresh={token}")).await.0, 401);
        assert_eq!(shown(&node, &format!("anonchat={token}")).await.0, 401);
    }
    let stranger = Guest::new(&node, "Eve");
    let new = json!({ "token": verify, "new_password": OTHER_PASSWORD });
    let refused = stranger.tell(POST, "/api/auth/reset-password", new).await.unwrap_err();
    assert_eq!(refused.problem.code, Code::TokenInvalid);
    let refused = stranger.tell(POST, "/api/auth/verify", json!({ "token": reset })).await.unwrap_err();
    assert_eq!(refused.problem.code, Code::TokenInvalid);
    assert!(ada.is_logged_in().await);
}

#[tokio::test]
async fn a_refresh_token_used_again_ends_the_session_for_both() {
    on_both_stacks(async |one, two| {
        let (ada, _) = Guest::registered(one, "Ada").await;
        let stolen = cookie(&ada, "anonchat-refresh");
        // Two refreshes: the stolen token is then older than the one that is accepted for another 30 s.
        for node in [one, two] {
            ada.at(node).tell(POST, "/api/auth/refresh", json!({})).await.unwrap();
        }
        assert!(ada.is_logged_in().await);
        let (status, set) = shown(two, &format!("anonchat-refresh={stolen}")).await;
        assert_eq!(status, 401);
        assert!(set.iter().all(|cookie| cookie.contains("Max-Age=0")), "{set:?}");
        assert!(!ada.is_logged_in().await, "the owner is out as well, and logs in again");
        let refused = ada.tell(POST, "/api/auth/refresh", json!({})).await.unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.problem.code), (401, Code::NotLoggedIn));
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_after_its_grace_ends_the_session() {
    let settings = Settings::embedded();
    let mut node = Node::start(&settings).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let before = format!("anonchat-refresh={}", cookie(&ada, "anonchat-refresh"));
    ada.tell(POST, "/api/auth/refresh", json!({})).await.unwrap();
    assert_eq!(shown(&node, &before).await.0, 200, "a tab may be late by a moment");
    assert!(node.terminate().await);
    let db = rusqlite::Connection::open(settings.data_dir().join("anonchat.sqlite")).unwrap();
    // Moves the time of the last refresh back by 30 s, the time during which the previous token is accepted.
    assert_eq!(db.execute("UPDATE sessions SET previous_at = previous_at - 30000", []).unwrap(), 1);
    drop(db);
    node.restart().await;
    assert!(ada.is_logged_in().await);
    assert_eq!(shown(&node, &before).await.0, 401);
    assert!(!ada.is_logged_in().await, "whoever came late may have stolen it");
}

#[tokio::test]
async fn an_altered_refresh_token_ends_the_session_that_it_names_and_no_other() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let phone = Guest::new(&node, "Ada");
    phone.log_in(&email).await;
    let mut token = cookie(&ada, "anonchat-refresh").into_bytes();
    token[40] = if token[40] == b'A' { b'B' } else { b'A' };
    let token = String::from_utf8(token).unwrap();
    assert_eq!(shown(&node, &format!("anonchat-refresh={token}")).await.0, 401);
    assert!(phone.is_logged_in().await);
}

#[tokio::test]
async fn tabs_that_renew_a_session_at_the_same_time_all_go_on() {
    on_both_stacks(async |one, two| {
        let (ada, _) = Guest::registered(one, "Ada").await;
        let refresh = format!("anonchat-refresh={}", cookie(&ada, "anonchat-refresh"));
        let tabs = join_all((0..20).map(|n| shown([one, two][n % 2], &refresh))).await;
        let mut replaced = 0;
        for (status, set) in tabs {
            assert_eq!(status, 200);
            assert!(set.iter().any(|cookie| cookie.starts_with("anonchat-access=")), "each has an access token");
            replaced += set.iter().filter(|cookie| cookie.starts_with("anonchat-refresh=")).count();
        }
        assert_eq!(replaced, 1, "one has the new refresh token, for all of them");
        assert!(ada.is_logged_in().await);
    })
    .await;
}

#[tokio::test]
async fn a_new_secret_logs_nobody_out_and_without_the_old_one_its_access_tokens_open_nothing() {
    let settings = Settings::embedded();
    let with = |secrets: &str| settings.clone().with("JWT_SECRET", secrets);
    let kid = |guest: &Guest| decoded(cookie(guest, "anonchat-access").split('.').next().unwrap())["kid"].clone();
    let mut node = Node::start(&with(SECRET)).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let phone = Guest::new(&node, "Ada");
    phone.log_in(&email).await;
    let of_old = format!("anonchat-access={}", cookie(&ada, "anonchat-access"));
    assert!(node.terminate().await);

    let mut node = Node::start(&with(&format!("{NEW_SECRET},{SECRET}"))).await;
    let ada = ada.at(&node);
    assert_eq!(shown(&node, &of_old).await.0, 200);
    ada.tell(POST, "/api/auth/refresh", json!({})).await.unwrap();
    assert_ne!(kid(&ada), kid(&phone), "the new one signs");
    assert!(node.terminate().await);

    let node = Node::start(&with(NEW_SECRET)).await;
    let (ada, phone) = (ada.at(&node), phone.at(&node));
    assert_eq!(shown(&node, &of_old).await.0, 401);
    assert_eq!(shown(&node, &format!("anonchat-access={}", cookie(&ada, "anonchat-access"))).await.0, 200);
    assert!(phone.is_logged_in().await, "its refresh token has nothing to do with the secret");
    assert_eq!(kid(&phone), kid(&ada));
}

#[tokio::test]
async fn a_refresh_token_whose_answer_was_lost_stays_good_until_the_next_one_is_used() {
    let settings = Settings::embedded();
    let mut node = Node::start(&settings).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let before = format!("anonchat-refresh={}", cookie(&ada, "anonchat-refresh"));
    for _ in 0..3 {
        // The answer, with the new token, is lost.
        let (status, set) = shown(&node, &before).await;
        assert_eq!(status, 200);
        assert!(set.iter().any(|cookie| cookie.starts_with("anonchat-refresh=")), "{set:?}");
        assert!(node.terminate().await);
        let db = rusqlite::Connection::open(settings.data_dir().join("anonchat.sqlite")).unwrap();
        // Moves the time of the last refresh back by 30 s.
        db.execute("UPDATE sessions SET previous_at = previous_at - 30000", []).unwrap();
        drop(db);
        node.restart().await;
    }
}
