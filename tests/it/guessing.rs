//! Guessing: how often somebody may try passwords and codes for one address, and how many mails an address gets.

use std::collections::BTreeSet;

use anonchat::protocol::{Code, Profile};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::wire::{limited, looks};
use crate::support::{
    Guest, Mailbox, Node, Settings,
    account::{OTHER_PASSWORD, PASSWORD, new_address},
};

const POST: Method = Method::POST;

/// Tries to log in from a client address. Returns the status and `retry_after_ms`.
async fn try_from(node: &Node, client: &str, email: &str, password: &str) -> (u16, Option<u64>) {
    let request = Guest::new(node, "").request(POST, "/api/auth/login").header("x-forwarded-for", client);
    let answer = request.json(&json!({ "email": email, "password": password })).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json::<Value>().await.unwrap()["retry_after_ms"].as_u64())
}

#[tokio::test]
async fn who_guesses_passwords_waits_and_the_owner_elsewhere_does_not() {
    let node = Node::start(&limited()).await;
    let ada = Guest::new(&node, "Ada");
    let (email, nobody) = (new_address(), new_address());
    let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
    let made = ada.request(POST, "/api/auth/register").header("x-forwarded-for", "203.0.113.9").json(&body).send();
    assert_eq!(made.await.unwrap().status(), 201);
    let mut told = Vec::new();
    for email in [&email, &nobody] {
        let mut answers = Vec::new();
        for _ in 0..8 {
            let (status, pause) = try_from(&node, "203.0.113.1", email, "not this one").await;
            answers.push((status, pause.is_some()));
        }
        told.push(answers);
    }
    assert_eq!(told[0][..5], [(401, false); 5]);
    assert_eq!(told[0][5..], [(429, true); 3]);
    assert_eq!(told[0], told[1], "the same for an address that nobody has");
    let (status, pause) = try_from(&node, "203.0.113.1", &email, PASSWORD).await;
    assert_eq!(status, 429, "from there not even the right one");
    assert!((1_000..=60_000).contains(&pause.unwrap()));
    assert_eq!(try_from(&node, "203.0.113.2", &email, PASSWORD).await.0, 200, "the owner is not locked out");
    // Attempts at the same moment are all counted.
    let tries = join_all((0..30).map(|_| try_from(&node, "203.0.113.3", &email, "not this one"))).await;
    assert_eq!(tries.iter().filter(|(status, _)| *status == 401).count(), 5);
}

#[tokio::test]
async fn past_ten_codes_in_an_hour_a_mailbox_gets_none_and_no_answer_tells() {
    let settings = limited();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = Guest::proved(&node, "Ada").await;
    let tagged = email.replace('@', "+other@");
    // One client address may ask for five codes, so every five requests use another.
    let ask = async |n: usize| {
        let request = Guest::new(&node, "").request(POST, "/api/auth/code");
        let body = json!({ "email": if n == 10 { &tagged } else { &email } });
        let request = request.header("x-forwarded-for", format!("203.0.113.{}", n / 5)).json(&body);
        looks(request, &[&email, &tagged]).await
    };
    let mut seen = BTreeSet::new();
    for n in 0..10 {
        seen.insert(ask(n).await);
    }
    mails.letter(&email, 11).await;
    for n in 10..15 {
        seen.insert(ask(n).await);
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    // The quota for the browser that proved the address is separate, and links are not counted as codes.
    ada.tell(POST, "/api/auth/code", json!({ "email": email })).await.unwrap();
    mails.letter(&email, 12).await;
    let stranger = Guest::new(&node, "");
    stranger.tell(POST, "/api/auth/forgot-password", json!({ "email": email })).await.unwrap();
    assert!(mails.letter(&email, 13).await.text.contains("?token="));
    assert_eq!((mails.letters(&email).len(), mails.letters(&tagged).len()), (13, 0));
}

#[tokio::test]
async fn a_mailbox_gets_five_letters_and_five_good_links_and_nobody_voids_one() {
    let settings = limited();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let email = new_address();
    let from = |n: usize, path: &str, body: Value| {
        let request = Guest::new(&node, "").request(POST, path);
        request.header("x-forwarded-for", format!("203.0.113.{n}")).json(&body).send()
    };
    for n in 0..9 {
        let body = json!({ "name": "Eve", "email": email });
        assert_eq!(from(n, "/api/auth/register", body).await.unwrap().status(), 201);
    }
    for n in 0..9 {
        let answer = from(n, "/api/auth/forgot-password", json!({ "email": email })).await.unwrap();
        assert_eq!(answer.status(), 204);
    }
    mails.letter(&email, 10).await;
    let letters = mails.letters(&email);
    let links = letters.iter().filter(|letter| letter.text.contains("/auth/reset-password"));
    let links: Vec<String> = links.map(crate::support::mailbox::Letter::token).collect();
    assert_eq!((letters.len(), links.len()), (10, 5));
    // The first link works as well as the last. Requests by others do not replace it.
    let body = json!({ "token": links[0], "new_password": OTHER_PASSWORD });
    assert_eq!(from(20, "/api/auth/reset-password", body).await.unwrap().status(), 204);
    Guest::new(&node, "Ada").try_log_in(&email, OTHER_PASSWORD).await.unwrap();
}

#[tokio::test]
async fn past_thirty_tries_in_an_hour_no_code_for_an_address_is_judged_but_in_a_browser_that_was_in_before() {
    let settings = limited();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = Guest::proved(&node, "Ada").await;
    let ask = async |guest: &Guest, client: u8| {
        let body = json!({ "email": email });
        let request = guest.request(POST, "/api/auth/code").header("x-forwarded-for", format!("203.0.113.{client}"));
        assert_eq!(request.json(&body).send().await.unwrap().status(), 204);
    };
    let type_code = async |guest: &Guest, client: u8, code: &str| {
        let body = json!({ "email": email, "code": code });
        let request =
            guest.request(POST, "/api/auth/login-code").header("x-forwarded-for", format!("203.0.113.{client}"));
        request.json(&body).send().await.unwrap().status().as_u16()
    };
    for client in 0..6 {
        let eve = Guest::new(&node, "Eve");
        ask(&eve, client).await;
        let code = mails.letter(&email, usize::from(client) + 2).await.code();
        let wrong = if code == "00000000" { "00000001" } else { "00000000" };
        for _ in 0..5 {
            assert_eq!(type_code(&eve, client, wrong).await, 401);
        }
    }
    let phone = Guest::new(&node, "Ada");
    ask(&phone, 7).await;
    let code = mails.letter(&email, 8).await.code();
    assert_eq!(type_code(&phone, 7, &code).await, 401, "a right one is as wrong as any");
    ask(&ada, 8).await;
    let code = mails.letter(&email, 9).await.code();
    assert_eq!(type_code(&ada, 8, &code).await, 200, "strangers use up nothing of hers");
    phone.log_in(&email).await;
}

#[tokio::test]
async fn a_link_that_is_none_and_a_picture_on_another_site_take_no_tries() {
    let node = Node::start(&limited()).await;
    let picture = |path: &str| {
        let request = Guest::new(&node, "").request(Method::GET, path);
        request.header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "no-cors").send()
    };
    let token = "A".repeat(43);
    for n in 0..40 {
        let page = if n % 2 == 0 { "verify" } else { "reset-password" };
        assert_eq!(picture(&format!("/auth/{page}?token={token}")).await.unwrap().status(), 400);
        assert_eq!(Guest::new(&node, "").page(&format!("/auth/{page}?token=x")).await.0, 400);
    }
    let refused = Guest::new(&node, "").tell(POST, "/api/auth/verify", json!({ "token": token })).await.unwrap_err();
    assert_eq!(refused.problem.code, Code::TokenInvalid, "a try is left");
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let led = ada.request(Method::GET, "/api/users/me/data").header("sec-fetch-site", "cross-site").send();
    assert_eq!(led.await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_code_is_good_for_five_tries_in_the_browser_that_asked_for_it() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (_, email) = Guest::registered(&node, "Ada").await;
    let (phone, eve) = (Guest::new(&node, "Ada"), Guest::new(&node, "Eve"));
    let ask = async |guest: &Guest| guest.tell(POST, "/api/auth/code", json!({ "email": email })).await.unwrap();
    let try_code = async |guest: &Guest, code: &str| {
        let body = json!({ "email": email, "code": code });
        guest.ask::<Profile>(POST, "/api/auth/login-code", body).await.map_err(|refused| refused.problem.code)
    };
    let wrong = |code: &str| if code == "00000000" { "00000001" } else { "00000000" };
    ask(&phone).await;
    let code = mails.letter(&email, 2).await.code();
    assert_eq!(try_code(&eve, &code).await.unwrap_err(), Code::WrongCredentials, "it is worth nothing elsewhere");
    // Eve asks for codes for Ada's address and guesses wrongly. Her attempts do not use up Ada's.
    ask(&eve).await;
    let of_eve = mails.letter(&email, 3).await.code();
    for _ in 0..5 {
        assert_eq!(try_code(&eve, wrong(&of_eve)).await.unwrap_err(), Code::WrongCredentials);
    }
    assert_eq!(try_code(&eve, &of_eve).await.unwrap_err(), Code::WrongCredentials, "five tries are all there are");
    for _ in 0..4 {
        assert_eq!(try_code(&phone, wrong(&code)).await.unwrap_err(), Code::WrongCredentials);
    }
    assert!(try_code(&phone, &code).await.is_ok());
    assert!(try_code(&phone, &code).await.is_ok(), "pressed again, in the same browser");
    assert_eq!(try_code(&eve, &code).await.unwrap_err(), Code::WrongCredentials);
    ask(&phone).await;
    let older = mails.letter(&email, 4).await.code();
    ask(&phone).await;
    let newer = mails.letter(&email, 5).await.code();
    if older != newer {
        assert_eq!(try_code(&phone, &older).await.unwrap_err(), Code::WrongCredentials, "a newer one voids the older");
    }
    assert!(try_code(&phone, &newer).await.is_ok());
}
