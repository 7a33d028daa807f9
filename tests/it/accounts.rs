//! Accounts: registering, logging in and out, changing and deleting, by REST and by forms, on real nodes with real
//! mails.

use std::time::{Duration, Instant};

use anonchat::protocol::{
    ByeReason, ClientFrame, Code, Profile, Role, RoomCode, RoomType, ServerFrame, SessionView, Snapshot, You,
};
use reqwest::{
    Method, StatusCode,
    header::{self, HeaderValue},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    Guest, Mailbox, Node, Settings,
    account::{OTHER_PASSWORD, PASSWORD, new_address},
    client::{Follower, Heard, Socket},
    cluster, on_both_stacks, story, within,
};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

fn address(profile: &Profile) -> &str {
    profile.email.as_ref().map_or("", |email| email.as_str())
}

/// The reason of the `bye` frame that closes this socket.
async fn bye(socket: &mut Socket) -> Option<ByeReason> {
    within("the socket is closed", async {
        loop {
            match socket.next().await {
                Some(ServerFrame::Bye { reason, .. }) => return Some(reason),
                Some(_) => {}
                None => return None,
            }
        }
    })
    .await
}

/// Asks for a code and logs in with it. `nth` is the number of that mail.
async fn log_in_by_code(person: &Guest, mails: &Mailbox, email: &str, nth: usize) -> Profile {
    person.tell(POST, "/api/auth/code", json!({ "email": email })).await.unwrap();
    let code = mails.letter(email, nth).await.code();
    person.ask(POST, "/api/auth/login-code", json!({ "email": email, "code": code })).await.unwrap()
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
    assert!(text.contains("someone else may have created it"), "{text}");
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
async fn a_room_that_is_asked_for_twice_is_made_once() {
    on_both_stacks(async |one, two| {
        let (ada, _) = Guest::registered(one, "Ada").await;
        let guest = Guest::new(one, "Bob");
        for person in [&ada, &guest] {
            let body = json!({ "type": "group", "name": "Twice", "id": Uuid::now_v7() });
            // At the same time, so that neither request sends the cookies of the other's answer.
            let ask =
                async |node| person.at(node).ask::<Snapshot>(POST, "/api/rooms/create", body.clone()).await.unwrap();
            let (first, second) = tokio::join!(ask(one), ask(two));
            assert_eq!((first.room.code, first.you.member_id), (second.room.code, second.you.member_id));
            let third = ask(one).await;
            assert_eq!(third.room.code, first.room.code, "and a moment later");
            assert_eq!(story(&person.whole_history(first.room.code).await).len(), 1, "they joined once");
        }
        let [first, other] = [("Twice", Uuid::now_v7()), ("Other", Uuid::now_v7())]
            .map(|(name, id)| json!({ "type": "group", "name": name, "id": id }));
        let mut third = first.clone();
        third["name"] = json!("Third");
        let before = ada.rooms().await.len();
        for body in [&first, &other, &third, &first] {
            let _: Snapshot = ada.ask(POST, "/api/rooms/create", body.clone()).await.unwrap();
        }
        assert_eq!(ada.rooms().await.len(), before + 3, "other wishes are another room");
        // By the form, without scripts.
        let (_, text) = ada.page("/rooms/new").await;
        let id = text.split("name=\"id\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
        let fields = [("room_type", "group"), ("name", "By the form"), ("id", &*id)];
        let [(_, here), (_, there)] = [
            ada.send_form("/rooms/new", "create_room", &fields).await,
            ada.send_form("/rooms/new", "create_room", &fields).await,
        ];
        assert_eq!(here, there);
        assert_eq!(ada.rooms().await.len(), before + 4);
    })
    .await;
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
async fn a_guest_who_registers_keeps_the_room_what_was_said_and_owning_it() {
    let node = Node::start(&Settings::embedded().with("GUEST_GRACE_SECONDS", "1")).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let before = ada.create(RoomType::Group, true).await;
    let code = before.room.code;
    bob.join(code).await;
    let (mut tab, mut other) = (ada.follow(code).await, bob.follow(code).await);
    tab.say("As a guest").await;
    ada.register(&new_address()).await;
    assert_eq!(bye(&mut tab.socket).await, Some(ByeReason::SignedIn), "the open tab comes back with the new cookies");
    assert!(!ada.cookie().unwrap().to_str().unwrap().contains("anonchat="), "the guest’s cookie is gone");

    tab.reconnect(&node).await;
    let said = tab.say("With an account").await;
    let now: Snapshot = ada.ask(Method::GET, &format!("/api/rooms/{code}"), ()).await.unwrap();
    assert_eq!(now.you, You { read: said.seq, ..before.you });
    assert_eq!(now.you.role, Role::Owner);
    ada.tell(PUT, "/api/rooms/name", json!({ "code": code, "name": "Ours" })).await.expect("the owner still owns it");
    // Longer than an absent guest stays. When the guest Eve has left, Ada's time would be over too.
    drop(tab);
    let eve = Guest::new(&node, "Eve");
    eve.join(code).await;
    other.until("Eve is taken for absent", |replica| story(&replica.events).contains(&"Eve left".to_owned())).await;
    let said = story(&bob.whole_history(code).await);
    assert_eq!(
        said,
        [
            "Ada joined",
            "Bob joined",
            "Ada: As a guest",
            "Ada: With an account",
            "Ada named it Ours",
            "Eve joined",
            "Eve left"
        ],
        "nobody saw anything of it, and closing the tab is no leave"
    );
    assert_eq!(ada.rooms().await, [code]);
}

#[tokio::test]
async fn who_logs_in_from_a_room_that_their_account_is_in_is_in_it_once() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let code = ada.create(RoomType::Group, true).await.room.code;
    let elsewhere = Guest::new(&node, "Ada’s phone");
    elsewhere.join(code).await;
    elsewhere.log_in(&email).await;
    let you = elsewhere.ask::<Snapshot>(Method::GET, &format!("/api/rooms/{code}"), ()).await.unwrap().you;
    assert_eq!((you.nickname.as_str(), you.role), ("Ada", Role::Owner));
    assert_eq!(story(&ada.whole_history(code).await), ["Ada joined", "Ada’s phone joined", "Ada’s phone left"]);
}

#[tokio::test]
async fn who_logs_in_from_a_room_that_their_account_had_left_stays_in_it() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let bob = Guest::new(&node, "Bob");
    let code = bob.create(RoomType::P2p, true).await.room.code;
    let before = ada.join(code).await;
    ada.leave(code).await;
    let phone = Guest::new(&node, "Ada’s phone");
    let in_it = phone.join(code).await;
    phone.log_in(&email).await;
    let you = phone.ask::<Snapshot>(Method::GET, &format!("/api/rooms/{code}"), ()).await.unwrap().you;
    assert_eq!(
        (you.member_id, you.also),
        (in_it.you.member_id, vec![before.you.member_id]),
        "as the guest, and both are hers"
    );
    assert_eq!((phone.rooms().await, ada.rooms().await), (vec![code], vec![code]));
    let told = ["Bob joined", "Ada joined", "Ada left", "Ada’s phone joined"];
    assert_eq!(story(&bob.whole_history(code).await), told, "nobody saw anything of it");
    // A room that has removed the person stays closed to them.
    let removed = json!({ "code": code, "member_id": you.member_id });
    bob.tell(POST, "/api/rooms/kick", removed).await.unwrap();
    let tablet = Guest::new(&node, "Ada’s tablet");
    tablet.join(code).await;
    tablet.log_in(&email).await;
    assert!(tablet.rooms().await.is_empty());
}

#[tokio::test]
async fn an_account_is_in_many_rooms_and_a_guest_in_one() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, _) = Guest::registered(&node, "Ada").await;
    let first = ada.create(RoomType::Group, false).await.room.code;
    let second = ada.create(RoomType::P2p, true).await.room.code;
    let bob = Guest::new(&node, "Bob");
    let third = bob.create(RoomType::Group, false).await.room.code;
    ada.join(third).await;
    let mut rooms = ada.rooms().await;
    rooms.sort();
    let mut all = [first, second, third];
    all.sort();
    assert_eq!(rooms, all);
    let mut socket = ada.try_connect().await.unwrap();
    for code in all {
        socket.send(&ClientFrame::Subscribe { code, epoch: None, after: None }).await.unwrap();
        within("a snapshot comes", async {
            while !matches!(socket.next().await.unwrap(), ServerFrame::Snapshot { code: of, .. } if of == code) {}
        })
        .await;
    }
    ada.leave(first).await;
    assert_eq!(ada.rooms().await.len(), 2);
    let body = json!({ "type": "group" });
    let made: Snapshot = ada.ask(POST, "/api/rooms/create", body).await.unwrap();
    assert_eq!(made.you.nickname.as_str(), "Ada", "without another name it is the account’s");
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
async fn a_guest_is_forgotten_on_request() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = bob.create(RoomType::Group, true).await.room.code;
    ada.join(code).await;
    let cookie = ada.cookie().unwrap();
    let answer = ada.request(DELETE, "/api/users/me").send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert!(ada.cookie().is_none(), "the cookie is gone");
    let again = Guest::new(&node, "Ada").request(Method::GET, &format!("/api/rooms/{code}")).header("cookie", cookie);
    assert_eq!(again.send().await.unwrap().status(), 404, "and worth nothing");
    assert_eq!(story(&bob.whole_history(code).await), ["Bob joined", "Ada joined", "Ada left"]);
}

#[tokio::test]
async fn a_mail_keeps_a_guests_room_for_whoever_registers_with_it() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = (Guest::new(&node, "Ada"), new_address());
    let before = ada.create(RoomType::Group, true).await;
    let code = before.room.code;
    let said = ada.say(code, "As a guest").await;
    ada.tell(POST, "/api/rooms/keep", json!({ "code": code, "email": email })).await.unwrap();
    let token = mails.letter(&email, 1).await.token();
    // On another device, whose cookies do not belong to the guest.
    let laptop = Guest::new(&node, "Ada");
    let body = json!({ "name": "Ada", "email": email, "password": PASSWORD, "keep": token });
    let profile: Profile = laptop.ask(POST, "/api/auth/register", body.clone()).await.unwrap();
    assert!(profile.verified, "the link proved the address");
    let now: Snapshot = laptop.ask(Method::GET, &format!("/api/rooms/{code}"), ()).await.unwrap();
    assert_eq!(now.you, You { read: said.seq, ..before.you });
    let again = Guest::new(&node, "Eve").ask::<Profile>(POST, "/api/auth/register", body).await.unwrap_err();
    assert_eq!(again.problem.code, Code::TokenInvalid);
}

#[tokio::test]
async fn a_mail_keeps_a_guests_room_for_an_account_that_logs_in_with_it_too() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = Guest::proved(&node, "Ada").await;
    // The first mail proved the address.
    let mut nth = 1;
    for by_code in [false, true] {
        let guest = Guest::new(&node, "Ada");
        let before = guest.create(RoomType::Group, true).await;
        let code = before.room.code;
        guest.tell(POST, "/api/rooms/keep", json!({ "code": code, "email": email })).await.unwrap();
        nth += 1;
        let token = mails.letter(&email, nth).await.token();
        let next = format!("/rooms/{code}");
        // From the link in the mail to the page for logging in, without scripts.
        let laptop = Guest::new(&node, "Ada");
        let (_, text) = laptop.page(&format!("/auth/register?next={next}&token={token}")).await;
        let to_log_in = format!("/auth/login?next={next}&amp;token={token}");
        assert!(text.contains(&to_log_in), "{text}");
        let (_, text) = laptop.page(&to_log_in.replace("&amp;", "&")).await;
        assert!(text.contains("or log in to keep your room") && text.contains(&format!("value=\"{token}\"")), "{text}");
        let to = if by_code {
            let asked = [("email", &*email), ("keep", &token), ("next", &next)];
            let (_, to) = laptop.send_form("/auth/login", "request_code", &asked).await;
            assert!(laptop.page(&to).await.1.contains(&format!("value=\"{token}\"")), "{to}");
            nth += 1;
            let digits = mails.letter(&email, nth).await.code();
            let typed = [("email", &*email), ("code", &digits), ("keep", &token), ("next", &next)];
            laptop.send_form("/auth/code", "log_in_by_code", &typed).await.1
        } else {
            let typed = [("email", &*email), ("password", PASSWORD), ("keep", &token), ("next", &next)];
            laptop.send_form("/auth/login", "log_in", &typed).await.1
        };
        assert_eq!(to, next);
        let now: Snapshot = laptop.ask(Method::GET, &format!("/api/rooms/{code}"), ()).await.unwrap();
        assert_eq!((now.you.member_id, now.you.role), (before.you.member_id, Role::Owner));
        assert!(ada.rooms().await.contains(&code));
        // Logging in succeeds with a token that is used already.
        let again = json!({ "email": email, "password": PASSWORD, "keep": token });
        Guest::new(&node, "Ada").ask::<Profile>(POST, "/api/auth/login", again).await.unwrap();
    }
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

#[tokio::test]
async fn a_guest_who_registers_on_one_node_comes_back_on_the_other_as_the_account() {
    let Some((one, two)) = cluster().await else { return };
    let ada = Guest::new(&one, "Ada");
    let before = ada.create(RoomType::Group, true).await;
    let code = before.room.code;
    let mut tab = ada.at(&two).follow(code).await;
    tab.say("As a guest").await;
    ada.register(&new_address()).await;
    within("the tab is told to come back", async { while tab.hear().await != Heard::Cut {} }).await;
    tab.reconnect(&two).await;
    tab.say("With an account").await;
    assert_eq!(tab.replica.you, before.you);
    assert_eq!(story(&ada.whole_history(code).await), ["Ada joined", "Ada: As a guest", "Ada: With an account"]);
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
