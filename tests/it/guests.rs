//! Guests and accounts: a guest who registers or logs in keeps the room and what was said there, also by a mailed link.

use anonchat::protocol::{ByeReason, ClientFrame, Code, Profile, Role, RoomType, ServerFrame, Snapshot, You};
use reqwest::Method;
use serde_json::json;

use super::wire::bye;
use crate::support::{
    Guest, Mailbox, Node, Settings,
    account::{PASSWORD, new_address},
    client::Heard,
    cluster, story, within,
};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

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
