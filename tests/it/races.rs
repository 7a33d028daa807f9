//! Races about an address: several people prove it, use one code or one link, or log in while its password is reset.
//! At the end one of them has it.

use anonchat::protocol::{Code, Profile};
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    Guest, Mailbox, Node, Settings,
    account::{OTHER_PASSWORD, PASSWORD, new_address},
    on_both_stacks,
};

const POST: Method = Method::POST;

#[tokio::test]
async fn of_many_who_use_one_code_or_one_link_at_once_one_session_or_one_password_comes() {
    on_both_stacks(async |one, two| {
        let mails = Mailbox::of(one.settings());
        let (ada, email) = Guest::registered(one, "Ada").await;
        // Proved first, because logging in by code to an unproved account would remove its password.
        let proof = mails.letter(&email, 1).await.token();
        ada.tell(POST, "/api/auth/verify", json!({ "token": proof })).await.unwrap();
        ada.tell(POST, "/api/auth/logout", json!({})).await.unwrap();
        ada.tell(POST, "/api/auth/code", json!({ "email": email })).await.unwrap();
        let body = json!({ "email": email, "code": mails.letter(&email, 2).await.code() });
        let cookies = ada.cookie().unwrap();
        let use_code = async |n: usize| {
            let guest = Guest::new([one, two][n % 2], "Ada");
            let request = guest.request(POST, "/api/auth/login-code").header("cookie", &cookies);
            request.json(&body).send().await.unwrap().status()
        };
        let statuses = join_all((0..10).map(use_code)).await;
        assert!(statuses.contains(&StatusCode::OK), "{statuses:?}");
        let phone = Guest::new(one, "Ada");
        phone.log_in(&email).await;
        let sessions: Vec<Value> = phone.ask(Method::GET, "/api/auth/sessions", ()).await.unwrap();
        assert_eq!(sessions.len(), 2, "the one of the code, however often it was sent, and this one");

        ada.tell(POST, "/api/auth/forgot-password", json!({ "email": email })).await.unwrap();
        let token = mails.letter(&email, 3).await.token();
        let reset = async |n: usize| {
            let password = format!("{PASSWORD} number {n}");
            let body = json!({ "token": token, "new_password": password });
            let guest = Guest::new([one, two][n % 2], "Ada");
            guest.tell(POST, "/api/auth/reset-password", body).await.is_ok().then_some(password)
        };
        let done: Vec<String> = join_all((0..5).map(reset)).await.into_iter().flatten().collect();
        assert_eq!(done.len(), 1);
        ada.try_log_in(&email, &done[0]).await.expect("and that one is the password");
    })
    .await;
}

#[tokio::test]
async fn an_address_is_its_readers_however_many_register_with_it() {
    on_both_stacks(async |one, two| {
        let (mails, email) = (Mailbox::of(one.settings()), new_address());
        let (ada, eve) = (Guest::new(one, "Ada"), Guest::new(two, "Eve"));
        let register = async |guest: &Guest, password: &str| {
            let body = json!({ "name": guest.name(), "email": email, "password": password });
            guest.ask::<Profile>(POST, "/api/auth/register", body).await.unwrap()
        };
        let (of_ada, of_eve) = tokio::join!(register(&ada, PASSWORD), register(&eve, OTHER_PASSWORD));
        assert!(!of_ada.verified && !of_eve.verified, "both are in, and neither has proved anything");
        // The two mails can arrive in either order.
        mails.letter(&email, 2).await;
        let letters = mails.letters(&email);
        let of_ada = letters.iter().find(|letter| letter.text.contains("Ada")).unwrap().token();
        let of_eve = letters.iter().find(|letter| letter.text.contains("Eve")).unwrap().token();
        ada.tell(POST, "/api/auth/verify", json!({ "token": of_ada })).await.unwrap();
        assert!(ada.me().await.unwrap().verified);
        let refused = eve.tell(POST, "/api/auth/verify", json!({ "token": of_eve })).await.unwrap_err();
        assert_eq!(refused.problem.code, Code::TokenInvalid);
        assert_eq!(ada.log_in(&email).await.name.as_str(), "Ada");
        // A later claim of the proved address keeps the owner in, and gives access to an account of its own only.
        let late = Guest::new(two, "Late");
        register(&late, "seven orange bottles").await;
        assert_eq!(mails.letter(&email, 3).await.subject, "You already have an account");
        assert_eq!(ada.log_in(&email).await.name.as_str(), "Ada");
        late.tell(POST, "/api/auth/forgot-password", json!({ "email": email })).await.unwrap();
        let token = mails.letter(&email, 4).await.token();
        let body = json!({ "token": token, "new_password": OTHER_PASSWORD });
        ada.tell(POST, "/api/auth/reset-password", body).await.unwrap();
        assert_eq!(ada.try_log_in(&email, OTHER_PASSWORD).await.unwrap().name.as_str(), "Ada");
    })
    .await;
}

#[tokio::test]
async fn of_two_who_prove_one_address_at_once_one_has_it() {
    on_both_stacks(async |one, two| {
        let mails = Mailbox::of(one.settings());
        for _ in 0..5 {
            let email = new_address();
            let people = [Guest::new(one, "Ada"), Guest::new(two, "Eve")];
            join_all(people.iter().map(|person| person.register(&email))).await;
            mails.letter(&email, 2).await;
            let letters = mails.letters(&email);
            let prove = async |person: &Guest| {
                let letter = letters.iter().find(|letter| letter.text.contains(person.name())).unwrap();
                let proved = person.tell(POST, "/api/auth/verify", json!({ "token": letter.token() })).await;
                proved.map_err(|refused| refused.problem.code)
            };
            let proved = join_all(people.iter().map(prove)).await;
            let owner = proved.iter().position(Result::is_ok).expect("one has it");
            assert_eq!(proved[1 - owner], Err(Code::TokenInvalid));
            for (n, person) in people.iter().enumerate() {
                assert_eq!(person.me().await.unwrap().verified, n == owner);
            }
            assert_eq!(people[0].log_in(&email).await.name.as_str(), people[owner].name());
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_registered_a_strangers_address_is_out_once_the_stranger_comes_in_by_mail() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (eve, email) = Guest::registered(&node, "Eve").await;
    let victim = Guest::new(&node, "Ada");
    victim.tell(POST, "/api/auth/code", json!({ "email": email })).await.unwrap();
    let code = mails.letter(&email, 2).await.code();
    let body = json!({ "email": email, "code": code });
    let profile: Profile = victim.ask(POST, "/api/auth/login-code", body).await.unwrap();
    assert!(profile.verified && !profile.has_password);
    assert!(!eve.is_logged_in().await);
    assert_eq!(eve.try_log_in(&email, PASSWORD).await.unwrap_err().problem.code, Code::WrongCredentials);
}

#[tokio::test]
async fn log_ins_that_are_under_way_while_the_password_is_reset_do_not_outlive_it() {
    on_both_stacks(async |one, two| {
        let mails = Mailbox::of(one.settings());
        let (ada, email) = Guest::registered(one, "Ada").await;
        ada.tell(POST, "/api/auth/forgot-password", json!({ "email": email })).await.unwrap();
        let token = mails.letter(&email, 2).await.token();
        let thieves: Vec<Guest> = (0..20).map(|n| Guest::new([one, two][n % 2], "Eve")).collect();
        let reset = async {
            let body = json!({ "token": token, "new_password": OTHER_PASSWORD });
            ada.tell(POST, "/api/auth/reset-password", body).await.unwrap();
        };
        tokio::join!(reset, join_all(thieves.iter().map(|thief| thief.try_log_in(&email, PASSWORD))));
        for thief in &thieves {
            assert!(!thief.is_logged_in().await, "the old password opens nothing any more");
        }
    })
    .await;
}
