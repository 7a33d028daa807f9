//! Ownership of a room: its creator, an heir, or the member it is given to. By REST and sockets, on real nodes.

use anonchat::{
    protocol::{Code, Event, EventKind, MemberId, Reason, Role, RoomCode, RoomType, Snapshot},
    server::{
        clock,
        store::{Events as _, Members as _, Owed, Rooms as _, Store as _, sqlite::Sqlite},
    },
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Follower, Guest, Mailbox, Node, Settings,
    account::{OTHER_PASSWORD, PASSWORD, new_address},
    client::Refused,
    on_both_stacks, poll_until, story,
};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const DELETE: Method = Method::DELETE;

async fn view(person: &Guest, code: RoomCode) -> Snapshot {
    person.ask(Method::GET, &format!("/api/rooms/{code}"), ()).await.unwrap()
}

async fn rename(person: &Guest, code: RoomCode, name: &str) -> Result<(), (u16, Code)> {
    answered(person.tell(PUT, "/api/rooms/name", json!({ "code": code, "name": name })).await)
}

async fn give(person: &Guest, code: RoomCode, to: MemberId) -> Result<(), (u16, Code)> {
    answered(person.tell(POST, "/api/rooms/owner", json!({ "code": code, "member_id": to })).await)
}

async fn kick(person: &Guest, code: RoomCode, whom: MemberId) -> Result<(), (u16, Code)> {
    answered(person.tell(POST, "/api/rooms/kick", json!({ "code": code, "member_id": whom })).await)
}

fn answered(answer: Result<(), Refused>) -> Result<(), (u16, Code)> {
    answer.map_err(|refused| (refused.status.as_u16(), refused.problem.code))
}

/// The owner according to the replica of this page.
fn owner(page: &Follower) -> MemberId {
    page.replica.state.owner
}

#[tokio::test]
async fn an_owner_who_leaves_has_an_heir_who_may_do_what_the_owner_may() {
    on_both_stacks(async |one, two| {
        for preserve in [true, false] {
            let [ada, bob, cyd] = [Guest::new(one, "Ada"), Guest::new(two, "Bob"), Guest::new(one, "Cyd")];
            let code = ada.create(RoomType::Group, preserve).await.room.code;
            let bobs = bob.join(code).await.you.member_id;
            let cyds = cyd.join(code).await.you.member_id;
            let mut page = cyd.follow(code).await;
            ada.leave(code).await;
            page.until("there is an heir", |replica| replica.state.owner == bobs).await;
            let told = story(&page.replica.events);
            assert_eq!(&told[told.len() - 2..], ["Ada left", "Bob owns it now"], "and it is told with the leaving");
            let now = view(&bob, code).await;
            assert_eq!((now.you.role, now.room.owner), (Role::Owner, bobs));
            assert_eq!(rename(&cyd, code, "Cyd’s").await, Err((403, Code::NotOwner)));
            rename(&bob, code, "Bob’s").await.unwrap();

            // The former owner comes back and is an ordinary member.
            ada.join(code).await;
            assert_eq!(view(&ada, code).await.you.role, Role::Member);
            assert_eq!(rename(&ada, code, "Ada’s").await, Err((403, Code::NotOwner)));
            assert_eq!(kick(&ada, code, cyds).await, Err((403, Code::NotOwner)));
            kick(&bob, code, cyds).await.unwrap();
            bob.preserve(code, !preserve).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn an_owner_who_comes_back_to_an_empty_room_owns_it_still_unless_somebody_was_first() {
    on_both_stacks(async |one, _| {
        let [ada, bob] = [Guest::new(one, "Ada"), Guest::new(one, "Bob")];
        let code = ada.create(RoomType::Group, true).await.room.code;
        ada.leave(code).await;
        assert_eq!(ada.join(code).await.you.role, Role::Owner);
        ada.leave(code).await;
        bob.join(code).await;
        assert_eq!(view(&bob, code).await.you.role, Role::Owner);
        ada.join(code).await;
        assert_eq!(view(&ada, code).await.you.role, Role::Member);
        let told = ["Ada joined", "Ada left", "Ada joined", "Ada left", "Bob joined", "Bob owns it now", "Ada joined"];
        assert_eq!(story(&bob.whole_history(code).await), told);
    })
    .await;
}

#[tokio::test]
async fn in_a_room_for_two_the_other_one_inherits() {
    on_both_stacks(async |one, two| {
        let [ada, bob] = [Guest::new(one, "Ada"), Guest::new(two, "Bob")];
        let code = ada.create(RoomType::P2p, true).await.room.code;
        bob.join(code).await;
        ada.leave(code).await;
        assert_eq!(view(&bob, code).await.you.role, Role::Owner);
        rename(&bob, code, "Mine").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_owner_gives_the_room_to_somebody_who_is_in_it() {
    on_both_stacks(async |one, two| {
        for preserve in [true, false] {
            let [ada, bob, cyd] = [Guest::new(one, "Ada"), Guest::new(two, "Bob"), Guest::new(one, "Cyd")];
            let made = ada.create(RoomType::Group, preserve).await;
            let (code, adas) = (made.room.code, made.you.member_id);
            let bobs = bob.join(code).await.you.member_id;
            let cyds = cyd.join(code).await.you.member_id;
            let mut page = ada.follow(code).await;
            assert_eq!(give(&bob, code, bobs).await, Err((403, Code::NotOwner)), "nobody takes it");
            assert_eq!(give(&ada, code, MemberId::from_bits(1)).await, Err((404, Code::NotFound)));
            give(&ada, code, adas).await.expect("it is hers already");
            give(&ada, code, bobs).await.unwrap();
            assert_eq!(give(&ada, code, cyds).await, Err((403, Code::NotOwner)), "once");
            assert_eq!(kick(&ada, code, cyds).await, Err((403, Code::NotOwner)));
            assert_eq!(kick(&ada, code, bobs).await, Err((403, Code::NotOwner)));
            page.until("it is told", |replica| replica.state.owner == bobs).await;
            assert_eq!(story(&page.replica.events).last().unwrap(), "Ada gave the room to Bob");
            ada.leave(code).await;
            assert_eq!(view(&cyd, code).await.room.owner, bobs, "who gave it away leaves no heir");
            kick(&bob, code, cyds).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_gifts_at_once_one_holds_and_everybody_agrees() {
    on_both_stacks(async |one, two| {
        let [ada, bob, cyd] = [Guest::new(one, "Ada"), Guest::new(one, "Bob"), Guest::new(two, "Cyd")];
        let code = ada.create(RoomType::Group, true).await.room.code;
        let elsewhere = ada.at(two);
        let bobs = bob.join(code).await.you.member_id;
        let cyds = cyd.join(code).await.you.member_id;
        let (to_bob, to_cyd) = tokio::join!(give(&ada, code, bobs), give(&elsewhere, code, cyds));
        let winner = match (to_bob, to_cyd) {
            (Ok(()), Err((403, Code::NotOwner))) => bobs,
            (Err((403, Code::NotOwner)), Ok(())) => cyds,
            other => panic!("{other:?}"),
        };
        assert_eq!((view(&bob, code).await.room.owner, view(&cyd, code).await.room.owner), (winner, winner));
    })
    .await;
}

#[tokio::test]
async fn whoever_is_forgotten_or_absent_or_deletes_their_account_has_an_heir() {
    let node = Node::start(&Settings::embedded().with("GUEST_GRACE_SECONDS", "1")).await;
    let (bob, _) = Guest::registered(&node, "Bob").await;
    let forgotten = Guest::new(&node, "Forgotten");
    let code = forgotten.create(RoomType::Group, true).await.room.code;
    bob.join(code).await;
    forgotten.tell(DELETE, "/api/users/me", json!({})).await.unwrap();
    assert_eq!(view(&bob, code).await.you.role, Role::Owner);

    let (deleted, _) = Guest::registered(&node, "Deleted").await;
    let code = deleted.create(RoomType::Group, true).await.room.code;
    bob.join(code).await;
    let body = json!({ "password": PASSWORD });
    deleted.tell(DELETE, "/api/users/me", body).await.unwrap();
    assert_eq!(view(&bob, code).await.you.role, Role::Owner);

    let absent = Guest::new(&node, "Absent");
    let code = absent.create(RoomType::Group, false).await.room.code;
    let bobs = bob.join(code).await.you.member_id;
    let mut page = bob.follow(code).await;
    page.until("who is absent has left", |replica| replica.state.owner == bobs).await;
    assert_eq!(story(&page.replica.events), ["Bob joined", "Absent left", "Bob owns it now"]);
    assert_eq!(owner(&page), view(&bob, code).await.room.owner);
}

#[tokio::test]
async fn a_room_whose_owner_left_before_there_were_heirs_gets_one_when_it_is_opened() {
    let mut node = Node::start(&Settings::embedded()).await;
    let [ada, bob, cyd] = ["Ada", "Bob", "Cyd"].map(|name| Guest::new(&node, name));
    let made = ada.create(RoomType::Group, true).await;
    let code = made.room.code;
    bob.join(code).await;
    let head = cyd.join(code).await.head;
    assert!(node.terminate().await);
    // Writes an event as an earlier version did: the owner has left without an heir.
    let store = Sqlite::open(&node.settings().data_dir().join("anonchat.sqlite")).unwrap();
    let room = store.room_by_code(code).await.unwrap();
    let left = store.leave_room(room.id, made.you.member_id, &Owed::Left, clock::now()).await.unwrap();
    let event = Event { seq: head + 1, at: clock::now(), kind: EventKind::Left { member: left.person() } };
    store.append(room.id, room.epoch, &[event]).await.unwrap();
    store.close().await;
    drop(store);
    node.restart().await;
    assert_eq!(view(&cyd, code).await.you.role, Role::Member);
    rename(&bob, code, "Bob’s").await.unwrap();
    let told = story(&cyd.whole_history(code).await);
    assert_eq!(told[3..], ["Ada left", "Bob owns it now", "Bob named it Bob’s"]);
}

#[tokio::test]
async fn who_inherited_a_room_owns_it_after_a_power_cut() {
    for preserve in [true, false] {
        let mut node = Node::start(&Settings::embedded()).await;
        let [ada, bob] = ["Ada", "Bob"].map(|name| Guest::new(&node, name));
        let code = ada.create(RoomType::Group, preserve).await.room.code;
        bob.join(code).await;
        ada.leave(code).await;
        node.kill().await;
        node.restart().await;
        assert_eq!(view(&bob, code).await.you.role, Role::Owner, "preserve: {preserve}");
    }
}

/// The data that an account can download about itself.
async fn takeout(person: &Guest) -> Value {
    person.ask(Method::GET, "/api/users/me/data", ()).await.unwrap()
}

fn texts(takeout: &Value) -> Vec<&str> {
    takeout["messages"].as_array().unwrap().iter().map(|message| message["body"].as_str().unwrap()).collect()
}

/// Asserts that the account owns the guest's room, and that the messages of both are the account's own, to download and
/// to erase.
async fn has_lost_nothing(ada: &Guest, bob: &Guest, code: RoomCode, said: &[&str]) {
    rename(ada, code, "Mine").await.expect("she owns it");
    let mine = view(ada, code).await;
    assert_eq!((mine.you.role, mine.room.owner), (Role::Owner, mine.you.member_id));
    let all = takeout(ada).await;
    assert_eq!(texts(&all), said);
    assert_eq!((&all["rooms"][0]["is_owner"], &all["rooms"][0]["is_member"]), (&json!(true), &json!(true)));
    assert_eq!(ada.list().await[0].unread, 0, "one has read what one said oneself");
    let body = json!({ "password": PASSWORD, "messages": "erase" });
    ada.tell(DELETE, "/api/users/me", body).await.unwrap();
    let left = story(&bob.whole_history(code).await);
    assert!(left.iter().all(|line| !line.contains("Ada")), "{left:?}");
    assert!(left.iter().all(|line| !said.iter().any(|said| line.contains(said))), "{left:?}");
    assert_eq!(view(bob, code).await.you.role, Role::Owner, "and Bob inherits the room");
}

#[tokio::test]
async fn a_guest_who_owns_a_room_and_logs_in_where_the_account_is_loses_nothing() {
    on_both_stacks(async |one, two| {
        for room_type in [RoomType::Group, RoomType::P2p] {
            let ada = Guest::new(one, "Ada");
            let code = ada.create(room_type, true).await.room.code;
            ada.say(code, "said as a guest").await;
            let (laptop, email) = Guest::registered(two, "Ada L.").await;
            laptop.join(code).await;
            laptop.say(code, "said as an account").await;
            ada.log_in(&email).await;
            let bob = Guest::new(two, "Bob");
            bob.join(code).await;
            has_lost_nothing(&ada, &bob, code, &["said as a guest", "said as an account"]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_same_where_the_account_had_left_or_was_removed_by_the_guest() {
    on_both_stacks(async |one, two| {
        for removed in [false, true] {
            let ada = Guest::new(one, "Ada");
            let code = ada.create(RoomType::Group, true).await.room.code;
            let bob = Guest::new(two, "Bob");
            bob.join(code).await;
            ada.say(code, "said as a guest").await;
            let (laptop, email) = Guest::registered(two, "Ada L.").await;
            let whom = laptop.join(code).await.you.member_id;
            laptop.say(code, "said as an account").await;
            if removed {
                kick(&ada, code, whom).await.unwrap();
            } else {
                laptop.leave(code).await;
            }
            ada.log_in(&email).await;
            has_lost_nothing(&ada, &bob, code, &["said as a guest", "said as an account"]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_guest_of_an_account_that_owns_the_room_leaves_its_words_to_the_account() {
    on_both_stacks(async |one, two| {
        let (ada, email) = Guest::registered(one, "Ada").await;
        let code = ada.create(RoomType::Group, true).await.room.code;
        let bob = Guest::new(one, "Bob");
        bob.join(code).await;
        let phone = Guest::new(two, "Ada’s phone");
        phone.join(code).await;
        let mut page = phone.follow(code).await;
        page.say("phone words").await;
        phone.log_in(&email).await;
        has_lost_nothing(&phone, &bob, code, &["phone words"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_room_that_keeps_nothing_is_the_accounts_too_and_so_is_what_was_read() {
    on_both_stacks(async |one, two| {
        let ada = Guest::new(one, "Ada");
        let code = ada.create(RoomType::Group, false).await.room.code;
        let bob = Guest::new(one, "Bob");
        bob.join(code).await;
        let (laptop, email) = Guest::registered(two, "Ada L.").await;
        laptop.join(code).await;
        let mut page = ada.follow(code).await;
        let last = bob.say(code, "Hello, Ada").await;
        page.until_said("Hello, Ada").await;
        page.mark_read(last.seq).await;
        page.say("Hello, Bob").await;
        ada.log_in(&email).await;
        assert_eq!(view(&laptop, code).await.you.role, Role::Owner);
        poll_until("what the phone read is read", || async { view(&laptop, code).await.you.unread == 0 }).await;
        rename(&laptop, code, "Mine").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_account_that_was_removed_does_not_come_back_by_a_guest_who_is_no_owner() {
    let node = Node::start(&Settings::embedded()).await;
    let owner = Guest::new(&node, "Owner");
    let code = owner.create(RoomType::Group, true).await.room.code;
    let (ada, email) = Guest::registered(&node, "Ada").await;
    let whom = ada.join(code).await.you.member_id;
    kick(&owner, code, whom).await.unwrap();
    let phone = Guest::new(&node, "Ada’s phone");
    phone.join(code).await;
    phone.log_in(&email).await;
    assert!(phone.rooms().await.is_empty());
    assert_eq!(phone.try_join(code).await.unwrap_err().problem.code, Code::Removed);
    assert_eq!(story(&owner.whole_history(code).await).last().unwrap(), "Ada’s phone left");
}

#[tokio::test]
async fn the_mail_to_a_guest_brings_the_room_back_to_who_reads_it() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = Guest::proved(&node, "Ada").await;
    let phone = Guest::new(&node, "Ada’s phone");
    let code = phone.create(RoomType::Group, true).await.room.code;
    phone.say(code, "said as a guest").await;
    ada.join(code).await;
    let bob = Guest::new(&node, "Bob");
    bob.join(code).await;
    phone.tell(POST, "/api/rooms/keep", json!({ "code": code, "email": email })).await.unwrap();
    let token = mails.letter(&email, 2).await.token();
    // On another device, whose cookies do not belong to the guest.
    let laptop = Guest::new(&node, "Ada");
    let body = json!({ "email": email, "password": PASSWORD, "keep": token });
    laptop.ask::<Value>(POST, "/api/auth/login", body).await.unwrap();
    has_lost_nothing(&laptop, &bob, code, &["said as a guest"]).await;
}

#[tokio::test]
async fn a_link_that_was_mailed_to_another_hangs_nobodys_guest_on_anybody() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let eve = Guest::new(&node, "Eve");
    let made = eve.create(RoomType::Group, true).await;
    let code = made.room.code;
    eve.say(code, "I did it, and I am proud of it.").await;
    let eves = new_address();
    eve.tell(POST, "/api/rooms/keep", json!({ "code": code, "email": eves })).await.unwrap();
    let token = mails.letter(&eves, 1).await.token();

    let (victim, email) = Guest::proved(&node, "Victim").await;
    let body = json!({ "email": email, "password": PASSWORD, "keep": token });
    victim.ask::<Value>(POST, "/api/auth/login", body).await.expect("it keeps nobody out");
    assert!(victim.rooms().await.is_empty());
    assert_eq!(texts(&takeout(&victim).await), [""; 0]);
    victim.tell(POST, "/api/auth/code", json!({ "email": email })).await.unwrap();
    let digits = mails.letter(&email, 2).await.code();
    let body = json!({ "email": email, "code": digits, "keep": token });
    victim.ask::<Value>(POST, "/api/auth/login-code", body).await.unwrap();
    assert!(victim.rooms().await.is_empty());

    let newcomer = Guest::new(&node, "Newcomer");
    let body = json!({ "name": "Newcomer", "email": new_address(), "password": PASSWORD, "keep": token });
    let refused = newcomer.ask::<Value>(POST, "/api/auth/register", body).await.unwrap_err().problem;
    assert_eq!((refused.field.as_deref(), refused.reason), (Some("email"), Some(Reason::OtherAddress)));
    // The token still works for the address that it was mailed to.
    let body = json!({ "name": "Eve", "email": eves, "password": PASSWORD, "keep": token });
    newcomer.ask::<Value>(POST, "/api/auth/register", body).await.unwrap();
    assert_eq!(view(&newcomer, code).await.you.member_id, made.you.member_id);
}

#[tokio::test]
async fn registering_again_from_the_same_browser_is_the_same_account() {
    on_both_stacks(async |one, two| {
        let (ada, email) = (Guest::new(one, "Ada"), new_address());
        let code = ada.create(RoomType::Group, true).await.room.code;
        ada.register(&email).await;
        let elsewhere = ada.at(two);
        let made = elsewhere.register(&email).await;
        assert_eq!(elsewhere.rooms().await, [code]);
        let more = elsewhere.create(RoomType::Group, true).await.room.code;
        let refused = json!({ "name": "Ada", "email": email, "password": OTHER_PASSWORD });
        let refused = ada.ask::<Value>(POST, "/api/auth/register", refused).await.unwrap_err().problem;
        assert_eq!((refused.field.as_deref(), refused.reason), (Some("password"), Some(Reason::OtherPassword)));

        let mails = Mailbox::of(one.settings());
        let token = mails.letter(&email, 1).await.token();
        ada.tell(POST, "/api/auth/verify", json!({ "token": token })).await.unwrap();
        let me = ada.me().await.unwrap();
        assert_eq!((me.verified, me.created_at), (true, made.created_at));
        ada.tell(POST, "/api/auth/logout", json!({})).await.unwrap();
        ada.log_in(&email).await;
        let mut rooms = ada.rooms().await;
        rooms.sort();
        let mut both = [code, more];
        both.sort();
        assert_eq!(rooms, both, "the first mail takes nothing apart");
        // Once an address is proved, registering makes a new account, with that address or with another.
        assert_ne!(ada.register(&new_address()).await.created_at, made.created_at);
    })
    .await;
}

#[tokio::test]
async fn registering_twice_at_once_makes_one_account() {
    on_both_stacks(async |one, two| {
        // One guest sends the form twice.
        let (ada, email) = (Guest::new(one, "Ada"), new_address());
        let code = ada.create(RoomType::Group, true).await.room.code;
        let again = ada.at(two);
        let (first, second) = tokio::join!(ada.register(&email), again.register(&email));
        assert_eq!(first.created_at, second.created_at);
        assert_eq!(ada.rooms().await, [code]);

        // One page sends the form twice, from browsers without any cookies.
        let email = new_address();
        let (_, page) = Guest::new(one, "").page("/auth/register").await;
        let form = page.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let [ada, again] = [Guest::new(one, "Ada"), Guest::new(two, "Ada")];
        let typed = [("name", "Ada"), ("email", &*email), ("password", ""), ("form", form)];
        let sent = tokio::join!(
            ada.send_form("/auth/register", "register", &typed),
            again.send_form("/auth/register", "register", &typed),
        );
        assert_eq!((sent.0.0, sent.1.0), (302, 302));
        let code = again.create(RoomType::Group, true).await.room.code;
        let token = Mailbox::of(one.settings()).letter(&email, 1).await.token();
        assert_eq!(ada.rooms().await, [code]);
        again.tell(POST, "/api/auth/verify", json!({ "token": token })).await.unwrap();
        assert!(again.me().await.unwrap().verified);
        assert_eq!(again.rooms().await, [code]);

        // Another person who registers with the address gets another account.
        let eve = Guest::new(one, "Eve");
        let (_, page) = eve.page("/auth/register").await;
        assert!(!page.contains(form));
        eve.register(&email).await;
        assert!(eve.rooms().await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_guests_button_forgets_no_account() {
    let settings = Settings::embedded();
    let (node, mails) = (Node::start(&settings).await, Mailbox::of(&settings));
    let (ada, email) = (Guest::new(&node, "Ada"), new_address());
    let code = ada.create(RoomType::Group, true).await.room.code;
    // One tab shows the guest's page while the person registers without a password in another.
    assert!(ada.page("/auth/guest").await.1.contains("forget_me"));
    ada.ask::<Value>(POST, "/api/auth/register", json!({ "name": "Ada", "email": email })).await.unwrap();
    let (_, to) = ada.send_form("/auth/guest", "forget_me", &[]).await;
    assert!(!to.contains("done=forgotten"), "{to}");
    assert!(ada.is_logged_in().await);
    assert_eq!(ada.rooms().await, [code]);

    // Forgetting a guest also makes the link that was mailed to them invalid.
    let (eve, at) = (Guest::new(&node, "Eve"), new_address());
    let code = eve.create(RoomType::Group, true).await.room.code;
    eve.tell(POST, "/api/rooms/keep", json!({ "code": code, "email": at })).await.unwrap();
    let token = mails.letter(&at, 1).await.token();
    let (_, to) = eve.send_form("/auth/guest", "forget_me", &[]).await;
    assert!(to.contains("done=forgotten"), "{to}");
    let body = json!({ "name": "Eve", "email": at, "password": PASSWORD, "keep": token });
    let refused = eve.ask::<Value>(POST, "/api/auth/register", body).await.unwrap_err();
    assert_eq!(refused.problem.code, Code::TokenInvalid);
}
