//! Accounts: registering, changing and deleting, by REST and by forms, on real nodes with real mails.

use anonchat::protocol::{ByeReason, Code, Profile, RoomCode, RoomType, Snapshot};
use reqwest::Method;
use serde_json::{Value, json};

use super::wire::bye;
use crate::support::{
    Guest, Mailbox, Node, Settings,
    account::{OTHER_PASSWORD, PASSWORD, new_address},
    cluster, story, within,
};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

fn address(profile: &Profile) -> &str {
    profile.email.as_ref().map_or("", |email| email.as_str())
}

#[tokio::test]
async fn registering_logs_in_at_once_and_the_mail_proves_the_address() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let profile = ada.me().await.unwrap();
    assert_eq!((profile.name.as_str(), address(&profile)), ("Ada", &*email));
    assert!(!profile.verified && profile.has_password && profile.pending_email.is_none());

    let token = mails.letter(&email, 1).await.token();
    ada.tell(POST, "/api/auth/verify", json!({ "token": token })).await.unwrap();
    assert!(ada.me().await.unwrap().verified);
    ada.tell(POST, "/api/auth/verify", json!({ "token": token })).await.expect("pressed again it is proved still");
    assert!(ada.me().await.unwrap().has_password && ada.is_logged_in().await, "nothing else changed");
    for browser in [&ada, &Guest::new(&node, "")] {
        let (status, text) = browser.page(&format!("/auth/verify?token={token}")).await;
        assert!(status == 200 && text.contains("is confirmed"), "{status} {text}");
    }
    // The account changes its address.
    let new = new_address();
    let _: Profile = ada.ask(PUT, "/api/users/email", json!({ "email": new, "password": PASSWORD })).await.unwrap();
    let newer = mails.letter(&new, 1).await.token();
    ada.tell(POST, "/api/auth/verify", json!({ "token": newer })).await.unwrap();
    let again = ada.tell(POST, "/api/auth/verify", json!({ "token": token })).await.unwrap_err();
    assert_eq!(again.problem.code, Code::TokenInvalid);
}

#[tokio::test]
async fn a_link_that_proves_an_address_elsewhere_leaves_nobody_in_and_sets_a_password() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (eve, email) = Guest::registered(&node, "Ada").await;
    let token = mails.letter(&email, 1).await.token();
    let ada = Guest::new(&node, "Ada");
    let (_, text) = ada.page(&format!("/auth/verify?token={token}")).await;
    assert!(text.contains("You’re not logged in to this account here"), "{text}");
    // The form is sent twice, without scripts.
    for _ in 0..2 {
        let (_, to) = ada.send_form("/auth/verify", "verify_email", &[("token", &token)]).await;
        let (status, text) = ada.page(&to).await;
        assert!(status == 200 && text.contains("action=\"/api/ui/reset_password\""), "{to} {status} {text}");
        assert!(text.contains("Continue without a password"), "{text}");
    }
    assert!(!eve.is_logged_in().await, "whoever registered is out");
    assert_eq!(eve.try_log_in(&email, PASSWORD).await.unwrap_err().problem.code, Code::WrongCredentials);
    let body = json!({ "token": token, "new_password": OTHER_PASSWORD });
    ada.tell(POST, "/api/auth/reset-password", body.clone()).await.unwrap();
    let profile = ada.try_log_in(&email, OTHER_PASSWORD).await.unwrap();
    assert!(profile.verified && profile.has_password);
    ada.tell(POST, "/api/auth/reset-password", body).await.expect("pressed again it is set still");
    let other = json!({ "token": token, "new_password": PASSWORD });
    let refused = eve.tell(POST, "/api/auth/reset-password", other).await.unwrap_err();
    assert_eq!(refused.problem.code, Code::TokenInvalid);
    ada.tell(POST, "/api/auth/verify", json!({ "token": token })).await.expect("and the address is proved still");
    ada.try_log_in(&email, OTHER_PASSWORD).await.unwrap();
}

#[tokio::test]
async fn of_two_who_register_with_one_address_each_logs_in_as_themselves() {
    let node = Node::start(&Settings::embedded()).await;
    let email = new_address();
    for (name, password) in [("Ada", PASSWORD), ("Bob", "six silver spoons"), ("Eve", OTHER_PASSWORD)] {
        let body = json!({ "name": name, "email": email, "password": password });
        let _: Profile = Guest::new(&node, name).ask(POST, "/api/auth/register", body).await.unwrap();
    }
    for (name, password) in [("Ada", PASSWORD), ("Eve", OTHER_PASSWORD)] {
        let profile = Guest::new(&node, name).try_log_in(&email, password).await.unwrap();
        assert_eq!(profile.name.as_str(), name, "who came later takes nobody's place");
    }
}

#[tokio::test]
async fn one_mailbox_is_one_address_however_its_host_is_spelled() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let local = new_address().split('@').next().unwrap().to_owned();
    let [typed, kept] = ["müller.example", "xn--mller-kva.example"].map(|host| format!("{local}@{host}"));
    let (ada, eve) = (Guest::new(&node, "Ada"), Guest::new(&node, "Eve"));
    assert_eq!(address(&ada.register(&typed).await), kept);
    for spelling in [&kept, &kept.to_uppercase(), &format!("{local}@mu\u{308}ller.example")] {
        assert_eq!(Guest::new(&node, "Ada").log_in(spelling).await.name.as_str(), "Ada");
    }
    ada.tell(POST, "/api/auth/verify", json!({ "token": mails.letter(&kept, 1).await.token() })).await.unwrap();
    eve.register(&format!("{local}@ｍüller.example")).await;
    assert_eq!(mails.letter(&kept, 2).await.subject, "You already have an account");
    let (_, text) = ada.page("/preferences/account").await;
    assert!(text.contains(&typed), "people read their own letters: {text}");
}

#[tokio::test]
async fn a_password_is_the_same_on_every_keyboard() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, email) = (Guest::new(&node, "Ada"), new_address());
    let body = json!({ "name": "Ada", "email": email, "password": "\u{f6}ltanker am dienstag 42" });
    let _: Profile = ada.ask(POST, "/api/auth/register", body).await.unwrap();
    let decomposed = "o\u{308}ltanker am dienstag \u{ff14}\u{ff12}";
    ada.try_log_in(&email, decomposed).await.unwrap();
    let change = json!({ "password": decomposed, "new_password": PASSWORD });
    ada.tell(PUT, "/api/users/password", change).await.expect("it confirms a change, too");
    ada.log_in(&email).await;
}

#[tokio::test]
async fn mails_speak_as_the_browser_does_until_the_account_prefers_something() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = (Guest::new(&node, "Ada"), new_address());
    let body = json!({ "name": "Ada", "email": email, "password": PASSWORD });
    let request = ada.request(POST, "/api/auth/register").header("accept-language", "de-AT,de;q=0.9,en;q=0.5");
    assert_eq!(request.json(&body).send().await.unwrap().status(), 201);
    assert!(mails.letter(&email, 1).await.text.contains("Hallo"));
    let _: Profile = ada.ask(PUT, "/api/users/preferences", json!({ "language": "en" })).await.unwrap();
    let body = json!({ "email": email });
    let request = ada.request(POST, "/api/auth/forgot-password").header("accept-language", "de").json(&body);
    assert_eq!(request.send().await.unwrap().status(), 204);
    assert!(mails.letter(&email, 2).await.text.contains("Hello"));
}

#[tokio::test]
async fn a_password_that_is_easily_guessed_is_refused_with_advice() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, email) = (Guest::new(&node, "Ada"), new_address());
    for (password, code) in [
        ("password1", Code::WeakPassword),
        ("short", Code::InvalidInput),
        (&"long ".repeat(52), Code::InvalidInput),
        (email.split('@').next().unwrap(), Code::WeakPassword),
    ] {
        let body = json!({ "name": "Ada", "email": email, "password": password });
        let refused = ada.ask::<Profile>(POST, "/api/auth/register", body).await.unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.problem.code), (400, code), "{password}");
        assert_eq!(refused.problem.field.as_deref(), Some("password"));
        assert!(refused.problem.detail.len() > 40 || code == Code::InvalidInput, "{}", refused.problem.detail);
    }
    let measure = async |password: &str| {
        let body = json!({ "password": password, "name": "Ada", "email": email });
        ada.ask::<Value>(POST, "/api/auth/password-strength", body).await.unwrap()
    };
    let (weak, strong) = (measure("password1").await, measure(PASSWORD).await);
    assert_eq!((&weak["accepted"], &strong["accepted"]), (&json!(false), &json!(true)));
    assert!(weak["score"].as_u64() < strong["score"].as_u64() && weak["advice"].is_string());
}

#[tokio::test]
async fn name_preferences_address_and_password_can_be_changed() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = Guest::proved(&node, "Ada").await;
    let named: Profile = ada.ask(PUT, "/api/users/name", json!({ "name": " Countess  Ada " })).await.unwrap();
    assert_eq!(named.name.as_str(), "Countess Ada");
    let wished = json!({ "theme": "dark", "language": "de", "nickname": "Ada L." });
    let chosen: Profile = ada.ask(PUT, "/api/users/preferences", wished).await.unwrap();
    assert_eq!(chosen.preferences.theme.as_str(), "dark");
    assert_eq!(chosen, ada.me().await.unwrap());
    let made: Snapshot = ada.ask(POST, "/api/rooms/create", json!({ "type": "group" })).await.unwrap();
    assert_eq!(made.you.nickname.as_str(), "Ada L.");

    let new = new_address();
    let change = |password: &str| json!({ "email": new, "password": password });
    let refused = ada.ask::<Profile>(PUT, "/api/users/email", change("wrong")).await.unwrap_err();
    assert_eq!(refused.problem.code, Code::NotConfirmed);
    let pending: Profile = ada.ask(PUT, "/api/users/email", change(PASSWORD)).await.unwrap();
    assert_eq!((address(&pending), pending.pending_email.as_ref().unwrap().as_str()), (&*email, &*new));
    let letter = mails.letter(&new, 1).await;
    assert_eq!(address(&Guest::new(&node, "Ada").log_in(&email).await), email, "until then the old one holds");
    ada.tell(POST, "/api/auth/verify", json!({ "token": letter.token() })).await.unwrap();
    let changed = ada.me().await.unwrap();
    assert_eq!((address(&changed), &changed.pending_email), (&*new, &None));
    assert!(mails.letter(&email, 2).await.raw.contains("lang=3D\"de\""), "the old one is told, in the language of now");
    assert!(Guest::new(&node, "Ada").try_log_in(&email, PASSWORD).await.is_err());

    let phone = Guest::new(&node, "Ada");
    phone.log_in(&new).await;
    let body = json!({ "new_password": OTHER_PASSWORD, "password": PASSWORD });
    ada.tell(PUT, "/api/users/password", body).await.unwrap();
    assert!(ada.is_logged_in().await && !phone.is_logged_in().await, "other sessions end");
    phone.try_log_in(&new, OTHER_PASSWORD).await.unwrap();
}

#[tokio::test]
async fn everything_known_of_an_account_can_be_downloaded() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let bob = Guest::new(&node, "Bob");
    let code = ada.create(RoomType::Group, true).await.room.code;
    bob.join(code).await;
    let mut page = ada.follow(code).await;
    let many: Vec<String> = (0..600).map(|i| format!("“{i}” \\ \n")).collect();
    for text in &many {
        page.say(text).await;
    }
    bob.say(code, "Not Ada’s").await;
    // Her messages also stay in a room that she has left.
    let left = Guest::new(&node, "Cyd").create(RoomType::Group, true).await.room.code;
    ada.join(left).await;
    ada.say(left, "Said and gone").await;
    ada.leave(left).await;
    let answer = ada.request(Method::GET, "/api/users/me/data").send().await.unwrap();
    assert!(answer.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let data: Value = answer.json().await.unwrap();
    assert_eq!(
        (&data["profile"]["email"], &data["profile"]["preferences"]["theme"]),
        (&json!(email), &json!("system"))
    );
    let room =
        |code: RoomCode| data["rooms"].as_array().unwrap().iter().find(|room| room["code"] == json!(code)).unwrap();
    let place = |code| [&room(code)["is_member"], &room(code)["is_owner"]].map(|is| is.as_bool().unwrap());
    assert_eq!((place(code), place(left)), ([true, true], [false, false]));
    assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
    let said = |code: RoomCode| {
        let messages =
            data["messages"].as_array().unwrap().iter().filter(move |message| message["room"] == json!(code));
        messages.map(|message| message["body"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(said(code), many.iter().map(|text| text.trim_end()).collect::<Vec<_>>());
    assert_eq!(said(left), ["Said and gone"]);
    let text = data.to_string();
    assert!(!text.contains("argon2") && !text.contains("refresh"), "no secret is in it");
}

#[tokio::test]
async fn a_deleted_account_leaves_its_rooms_and_its_name_nowhere() {
    for (preserve, erase) in [(true, false), (true, true), (false, false), (false, true)] {
        let settings = Settings::embedded();
        let node = Node::start(&settings).await;
        let (ada, email) = Guest::registered(&node, "Ada").await;
        let bob = Guest::new(&node, "Bob");
        let code = bob.create(RoomType::Group, preserve).await.room.code;
        ada.join(code).await;
        ada.say(code, "Something of mine").await;
        bob.say(code, "Something of Bob’s").await;
        let (mut tab, mut other) = (ada.follow(code).await, bob.follow(code).await);
        let body = |password: &str| json!({ "password": password, "messages": if erase { "erase" } else { "keep" } });
        let refused = ada.tell(DELETE, "/api/users/me", body("wrong")).await.unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.problem.code), (403, Code::NotConfirmed));
        ada.tell(DELETE, "/api/users/me", body(PASSWORD)).await.unwrap();
        assert_eq!(bye(&mut tab.socket).await, Some(ByeReason::SignedOut));
        assert!(!ada.is_logged_in().await);
        assert!(Guest::new(&node, "Ada").try_log_in(&email, PASSWORD).await.is_err());
        other.until("Ada has left", |replica| replica.state.members.len() == 1).await;
        let mine = if erase { "This message was deleted." } else { "Something of mine" };
        let kept = story(&bob.whole_history(code).await);
        assert_eq!(
            kept,
            [
                "Bob joined".to_owned(),
                "Deleted account joined".to_owned(),
                format!("Deleted account: {mine}"),
                "Bob: Something of Bob’s".to_owned(),
                "Deleted account left".to_owned(),
            ]
        );
        let page: Snapshot = bob.ask(Method::GET, &format!("/api/rooms/{code}"), ()).await.unwrap();
        assert_eq!(story(&page.events), kept, "also in the room that was open all the while");
        ada.register(&email).await;
        assert!(ada.rooms().await.is_empty(), "the address is free, and brings nothing back");
    }
}

#[tokio::test]
async fn a_deleted_account_is_gone_from_rooms_that_are_open_on_another_node() {
    let Some((one, two)) = cluster().await else { return };
    for preserve in [true, false] {
        let (ada, _) = Guest::registered(&one, "Ada").await;
        let bob = Guest::new(&two, "Bob");
        let code = bob.create(RoomType::Group, preserve).await.room.code;
        ada.join(code).await;
        let mut page = bob.follow(code).await;
        ada.say(code, "Something of mine").await;
        page.until_said("Something of mine").await;
        ada.tell(DELETE, "/api/users/me", json!({ "password": PASSWORD, "messages": "erase" })).await.unwrap();
        within("the room is told anew", async {
            while page.resets == 0 {
                page.hear().await;
            }
        })
        .await;
        let fresh = bob.follow(code).await;
        let told = [
            "Bob joined",
            "Deleted account joined",
            "Deleted account: This message was deleted.",
            "Deleted account left",
        ];
        assert_eq!(story(&fresh.replica.events), told);
    }
}

#[tokio::test]
async fn every_flow_works_by_the_forms_of_the_pages_without_scripts() {
    let settings = Settings::embedded().with("LEPTOS_HASH_FILES", "false");
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = (Guest::new(&node, "Ada"), new_address());
    let room = ada.create(RoomType::Group, true).await.room.code;
    let back = format!("/rooms/{room}");
    let (status, text) = ada.page(&format!("/auth/register?next={back}")).await;
    assert_eq!(status, 200);
    assert!(text.contains("action=\"/api/ui/register\"") && text.contains(&format!("value=\"{back}\"")), "{text}");
    assert!(!text.contains(".wasm"), "the page needs nothing of the browser’s half");

    // After a refusal the form contains what was typed, except the password.
    let typed = [("name", "Ada"), ("email", &*email), ("password", "password1"), ("next", &*back)];
    let (status, to) = ada.send_form("/auth/register?next=x", "register", &typed).await;
    assert!((300..400).contains(&status) && to.starts_with("/auth/register?"), "{status} {to}");
    assert!(!to.contains("password1"), "{to}");
    let (status, text) = ada.page(&to).await;
    assert_eq!(status, 200);
    assert!(text.contains("too easy to guess") && text.contains(&email) && text.contains(&back), "{text}");

    let typed = [("name", "Ada"), ("email", &*email), ("password", PASSWORD), ("next", &*back)];
    assert_eq!(ada.send_form("/auth/register", "register", &typed).await.1, back);
    assert_eq!(ada.rooms().await, [room], "the room came with her");
    let (_, text) = ada.page(&back).await;
    assert!(text.contains("</html>") && !text.contains("href=\"/auth/login"), "nobody is asked in who is in");

    // Opening the link changes nothing. The button on the page does.
    let token = mails.letter(&email, 1).await.token();
    for _ in 0..2 {
        let (status, text) = Guest::new(&node, "").page(&format!("/auth/verify?token={token}")).await;
        assert!(status == 200 && text.contains(&email) && text.contains("action=\"/api/ui/verify_email\""), "{text}");
    }
    assert!(!ada.me().await.unwrap().verified);
    let (_, to) = ada.send_form("/auth/verify", "verify_email", &[("token", &token)]).await;
    assert_eq!(ada.page(&to).await.0, 200);
    assert!(ada.me().await.unwrap().verified);
    assert_eq!(ada.page(&format!("/auth/verify?token={token}")).await.0, 200);

    assert_eq!(ada.send_form(&back, "log_out", &[]).await.1, "/");
    assert!(!ada.is_logged_in().await);
    let (_, text) = ada.page("/").await;
    assert!(text.contains("href=\"/auth/login?next=/\""), "{text}");
    let log_in = [("email", &*email), ("password", PASSWORD), ("next", "//evil.example")];
    assert_eq!(
        ada.send_form("/auth/login", "log_in", &log_in).await.1,
        "/dashboard",
        "only pages of this site are gone on to"
    );
    assert!(!ada.page("/").await.1.contains("href=\"/auth/login"));

    // Logging in by code.
    let phone = Guest::new(&node, "Ada");
    let (_, to) = phone.send_form("/auth/login", "request_code", &[("email", &email), ("next", &back)]).await;
    assert!(to.starts_with("/auth/code?"), "{to}");
    assert!(phone.page(&to).await.1.contains("action=\"/api/ui/log_in_by_code\""));
    let code = mails.letter(&email, 2).await.code();
    let typed = [("email", &*email), ("code", &*code), ("next", &*back)];
    assert_eq!(phone.send_form("/auth/code", "log_in_by_code", &typed).await.1, back);

    // A new password.
    let (_, to) = phone.send_form("/auth/forgot-password", "forgot_password", &[("email", &email)]).await;
    assert!(phone.page(&to).await.1.contains("on its way"));
    let token = mails.letter(&email, 3).await.token();
    let (_, text) = phone.page(&format!("/auth/reset-password?token={token}")).await;
    assert!(text.contains(&format!("value=\"{token}\"")), "{text}");
    let typed = [("token", &*token), ("new_password", OTHER_PASSWORD)];
    let (_, to) = phone.send_form("/auth/reset-password", "reset_password", &typed).await;
    assert!(to.starts_with("/auth/login") && phone.page(&to).await.1.contains("Your new password is set"), "{to}");
    assert!(!ada.is_logged_in().await && !phone.is_logged_in().await);

    assert_eq!(ada.page("/auth/nothing").await.0, 404);
}
