//! Lists of rooms: the summaries that an account gets of its rooms, by REST, by socket and on pages. Both on one
//! embedded node and on two with MongoDB and Redis.

use std::time::{Duration, Instant};

use anonchat::protocol::{
    ClientFrame, Code, CreateRoom, RoomCode, RoomName, RoomSummary, RoomType, ServerFrame, Snapshot,
    limits::PREVIEW_CHARS,
};
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Guest, Mongo, Node, Redis, Settings, client::new_id, cluster, on_both_stacks, poll_until, watcher::text, within,
};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;

/// Makes a room with a name.
async fn named(person: &Guest, room_type: RoomType, preserve: bool, name: &str) -> RoomCode {
    let body = CreateRoom { room_type, name: Some(name.to_owned()), preserve, nickname: None, id: None };
    person.ask::<Snapshot>(POST, "/api/rooms/create", body).await.unwrap().room.code
}

fn unread(room: &RoomSummary) -> (u64, &str) {
    (room.unread, text(room))
}

#[tokio::test]
async fn a_message_in_another_room_arrives_in_the_list_of_a_socket_on_another_node() {
    on_both_stacks(async |one, two| {
        let ((ada, _), bob) = (Guest::registered(one, "Ada").await, Guest::new(two, "Bob"));
        for preserve in [true, false] {
            let code = named(&ada, RoomType::Group, preserve, "Book club").await;
            bob.join(code).await;
            let mut list = ada.watch().await;
            let mut bob_there = bob.follow(code).await;
            bob_there.say("Hello,\n Ada’s friends").await;
            list.until("the message is listed", code, |room| unread(room) == (1, "Hello, Ada’s friends")).await;
            let listed = list.room(code).unwrap();
            let said = listed.last.as_ref().unwrap();
            assert_eq!((said.author.as_str(), said.mine), ("Bob", false));
            assert_eq!(listed.name.as_ref().map(RoomName::as_str), Some("Book club"));
            assert_eq!((listed.members, bool::from(listed.retention), listed.mentioned), (2, preserve, true));
            assert_eq!(list.rooms[0].code, code, "the newest is the first");

            bob_there.say(&"long ".repeat(200)).await;
            list.until("the next one, too", code, |room| room.unread == 2).await;
            assert_eq!(text(list.room(code).unwrap()).chars().count(), PREVIEW_CHARS);
            assert_eq!(ada.list().await.iter().find(|room| room.code == code), list.room(code), "REST says the same");
            bob.leave(code).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_read_on_one_device_is_not_unread_on_the_other_a_second_later() {
    on_both_stacks(async |one, two| {
        let ((ada, email), bob) = (Guest::registered(one, "Ada").await, Guest::new(one, "Bob"));
        let phone = Guest::new(two, "Ada");
        phone.log_in(&email).await;
        for preserve in [true, false] {
            let code = ada.create(RoomType::Group, preserve).await.room.code;
            bob.join(code).await;
            let mut list = phone.watch().await;
            let seq = bob.say(code, "Have you read it, Ada?").await.seq;
            list.until("it is unread", code, |room| room.unread == 1 && room.mentioned).await;

            let mut reader = ada.follow(code).await;
            reader.socket.send(&ClientFrame::Read { code, seq }).await.unwrap();
            let read = Instant::now();
            list.until("it is read", code, |room| room.unread == 0 && !room.mentioned).await;
            assert!(read.elapsed() < Duration::from_secs(1), "{:?}", read.elapsed());

            ada.say(code, "I have").await;
            list.until("what one says oneself", code, |room| text(room) == "I have").await;
            let own = list.room(code).unwrap();
            assert!(own.last.as_ref().unwrap().mine);
            list.until("it is not unread", code, |room| room.unread == 0).await;
            bob.leave(code).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_list_shows_nothing_that_was_said_after_a_removal() {
    on_both_stacks(async |one, two| {
        let ((ada, _), (eve, _)) = (Guest::registered(one, "Ada").await, Guest::registered(two, "Eve").await);
        let mut list = eve.watch().await;
        for n in 0..16 {
            let code = ada.create(RoomType::Group, n % 2 == 0).await.room.code;
            let me = eve.join(code).await.you.member_id;
            list.until_rooms("the room is listed", &[code]).await;
            ada.say(code, "Hello, Eve").await;
            ada.tell(POST, "/api/rooms/kick", json!({ "code": code, "member_id": me })).await.unwrap();
            ada.say(code, "Not for Eve").await;
            within("the room is gone", async {
                while list.room(code).is_some() {
                    assert!(list.hear().await, "the socket is open");
                    assert!(
                        list.room(code).is_none_or(|room| text(room) != "Not for Eve"),
                        "it was told after the removal"
                    );
                }
            })
            .await;
        }
    })
    .await;
}

#[tokio::test]
async fn of_a_room_that_keeps_nothing_a_list_shows_what_was_said_since_joining() {
    on_both_stacks(async |one, two| {
        let (ada, (eve, _)) = (Guest::new(one, "Ada"), Guest::registered(two, "Eve").await);
        let code = ada.create(RoomType::Group, false).await.room.code;
        ada.say(code, "Before Eve came").await;
        let mut list = eve.watch().await;
        eve.join(code).await;
        list.until_rooms("the room is listed", &[code]).await;
        list.until("who is in it", code, |room| room.members == 2).await;
        assert_eq!(unread(list.room(code).unwrap()), (0, ""));
        assert_eq!(unread(&eve.list().await[0]), (0, ""));
        ada.say(code, "With Eve there").await;
        list.until("what is said now", code, |room| text(room) == "With Eve there").await;

        // Preserved messages are visible to every member. Earlier ephemeral ones only to those who were there.
        let (joe, _) = Guest::registered(two, "Joe").await;
        ada.preserve(code, true).await.unwrap();
        joe.join(code).await;
        assert_eq!(joe.list().await[0].last, None);
        ada.say(code, "Kept").await;
        let (pat, _) = Guest::registered(one, "Pat").await;
        pat.join(code).await;
        poll_until("the list has it", || async { text(&pat.list().await[0]) == "Kept" }).await;
    })
    .await;
}

#[tokio::test]
async fn rooms_that_come_go_and_change_elsewhere_reach_a_list() {
    on_both_stacks(async |one, two| {
        let (ada, email) = Guest::registered(one, "Ada").await;
        let phone = Guest::new(two, "Ada");
        phone.log_in(&email).await;
        let mut list = phone.watch().await;
        assert_eq!(list.rooms, []);
        let begun = Instant::now();
        let own = named(&ada, RoomType::Group, false, "Mine").await;
        list.until_rooms("one that was made", &[own]).await;
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());

        let bob = Guest::new(one, "Bob");
        let made = bob.create(RoomType::Group, true).await;
        let joined = made.room.code;
        ada.join(joined).await;
        list.until_rooms("one that was joined", &[own, joined]).await;
        assert_eq!(list.rooms[0].code, joined, "newest first");

        ada.tell(PUT, "/api/rooms/name", json!({ "code": own, "name": "Ours" })).await.unwrap();
        list.until("its new name", own, |room| room.name.as_ref().is_some_and(|name| name.as_str() == "Ours")).await;
        ada.preserve(own, true).await.unwrap();
        list.until("that it keeps", own, |room| bool::from(room.retention)).await;
        Guest::new(two, "Eve").join(own).await;
        list.until("who came in", own, |room| {
            room.members == 2 && room.newcomer.as_ref().is_some_and(|newcomer| newcomer.name.as_str() == "Eve")
        })
        .await;

        let me = ada.ask::<Snapshot>(Method::GET, &format!("/api/rooms/{joined}"), ()).await.unwrap().you.member_id;
        bob.tell(POST, "/api/rooms/kick", json!({ "code": joined, "member_id": me })).await.unwrap();
        list.until_rooms("one that she was removed from", &[own]).await;
        ada.leave(own).await;
        list.until_rooms("one that she left", &[]).await;
    })
    .await;
}

#[tokio::test]
async fn a_guest_who_gets_an_account_finds_their_room_in_its_list() {
    on_both_stacks(async |one, two| {
        let (ada, email) = Guest::registered(one, "Ada").await;
        let mut list = ada.watch().await;
        let tab = Guest::new(two, "Ada’s tab");
        let bob = Guest::new(one, "Bob");
        let code = bob.create(RoomType::Group, false).await.room.code;
        let (mut bob_there, _ada_there) = (bob.follow(code).await, {
            tab.join(code).await;
            tab.follow(code).await
        });
        tab.log_in(&email).await;
        list.until_rooms("the room came with her", &[code]).await;
        bob_there.say("Still there?").await;
        list.until("what is said there", code, |room| text(room) == "Still there?").await;
    })
    .await;
}

#[tokio::test]
async fn a_list_shows_who_is_connected_in_a_room_for_two() {
    on_both_stacks(async |one, two| {
        let ((ada, _), bob) = (Guest::registered(one, "Ada").await, Guest::new(two, "Bob"));
        let code = ada.create(RoomType::P2p, false).await.room.code;
        let mut list = ada.watch().await;
        assert_eq!(list.room(code).unwrap().other, None, "she is alone");
        bob.join(code).await;
        let other = |room: &RoomSummary| room.other.as_ref().map(|other| (other.name.to_string(), other.connected));
        list.until("Bob is there", code, |room| other(room) == Some(("Bob".into(), false))).await;
        let there = bob.follow(code).await;
        list.until("Bob is connected", code, |room| other(room) == Some(("Bob".into(), true))).await;
        drop(there);
        list.until("Bob is away", code, |room| other(room) == Some(("Bob".into(), false))).await;
        bob.leave(code).await;
        list.until("Bob has left", code, |room| other(room).is_none() && room.members == 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_guests_list_is_the_one_room_and_watching_is_for_accounts() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::P2p, false).await.room.code;
    bob.join(code).await;
    ada.say(code, "Hello, Bob").await;
    let list = bob.list().await;
    assert_eq!((list.len(), list[0].code, text(&list[0]), list[0].members), (1, code, "Hello, Bob", 2));
    assert_eq!(list[0].other.as_ref().map(|other| other.name.as_str()), Some("Ada"));

    let mut socket = bob.try_connect().await.unwrap();
    socket.send(&ClientFrame::Watch {}).await.unwrap();
    let refused = within("a refusal", async {
        loop {
            if let ServerFrame::Error { code, .. } = socket.next().await.unwrap() {
                return code;
            }
        }
    });
    assert_eq!(refused.await, Code::NotLoggedIn);
}

#[tokio::test]
async fn a_list_goes_on_through_the_store_while_redis_is_down_and_heals_when_it_is_back() {
    let (Some(mongo), Some(mut redis)) = (Mongo::start().await, Redis::start_forgetful().await) else { return };
    let settings = Settings::cluster(&mongo.uri(), "lists", &redis.url(), "lists");
    let (a, b) = tokio::join!(Node::start(&settings), Node::start(&settings));
    let ((ada, _), bob, eve) = (Guest::registered(&a, "Ada").await, Guest::new(&b, "Bob"), Guest::new(&b, "Eve"));
    let kept = bob.create(RoomType::Group, true).await.room.code;
    let unkept = eve.create(RoomType::Group, false).await.room.code;
    ada.join(kept).await;
    ada.join(unkept).await;
    let (mut bob, mut eve) = (bob.follow(kept).await, eve.follow(unkept).await);
    bob.say("kept before").await;
    eve.say("not kept before").await;
    let mut list = ada.watch().await;
    list.until("both are listed", kept, |room| text(room) == "kept before").await;
    list.until("both are listed", unkept, |room| text(room) == "not kept before").await;

    redis.kill().await;
    bob.say("kept meanwhile").await;
    list.until("the store says so", kept, |room| text(room) == "kept meanwhile").await;
    assert_eq!(text(list.room(unkept).unwrap()), "not kept before", "nothing else is known, and nothing else is said");
    ada.leave(kept).await;

    redis.restart().await;
    list.until_rooms("that she left meanwhile", &[unkept]).await;
    within("the ephemeral room goes on", async {
        let mut pause = tokio::time::interval(Duration::from_millis(100));
        while eve.guest.try_say(unkept, new_id(), "not kept after").await.is_err() {
            pause.tick().await;
        }
    })
    .await;
    list.until("what is said after", unkept, |room| text(room) == "not kept after").await;
}

#[tokio::test]
async fn a_list_heals_when_the_node_that_wrote_down_the_last_message_died_at_once() {
    let Some((mut a, b)) = cluster().await else { return };
    let ((ada, _), bob) = (Guest::registered(&b, "Ada").await, Guest::new(&a, "Bob"));
    let code = bob.create(RoomType::Group, true).await.room.code;
    ada.join(code).await;
    let mut bob = bob.follow(code).await;
    for i in 0..20 {
        bob.say(&i.to_string()).await;
    }
    a.kill().await;
    assert_eq!(text(&ada.list().await[0]), "19", "whoever asks is told what the archive has");
}

#[tokio::test]
async fn nothing_of_what_an_ephemeral_room_said_is_in_redis_after_everyone_left() {
    let (Some(mongo), Some(redis)) = (Mongo::start().await, Redis::start_forgetful().await) else { return };
    let settings = Settings::cluster(&mongo.uri(), "nothing", &redis.url(), "nothing");
    let (a, b) = tokio::join!(Node::start(&settings), Node::start(&settings));
    let ((ada, _), (bob, _)) = (Guest::registered(&a, "Ada").await, Guest::registered(&b, "Bob").await);
    let code = ada.create(RoomType::P2p, false).await.room.code;
    bob.join(code).await;
    let (mut list, mut ada_there, bob_there) = (bob.watch().await, ada.follow(code).await, bob.follow(code).await);
    ada_there.say("Xylophon").await;
    list.until("it is listed", code, |room| text(room) == "Xylophon").await;
    let found = redis.keys_with("Xylophon").await;
    assert!(found.iter().any(|key| key.ends_with(":digest")), "{found:?}");
    assert!(found.iter().all(|key| key.ends_with(":digest") || key.ends_with(":tail")), "{found:?}");

    drop((ada_there, bob_there));
    ada.leave(code).await;
    bob.leave(code).await;
    // A room that is live on no node has no packets under way to Redis.
    poll_until("the room is live nowhere", || async { redis.followed().await.is_empty() }).await;
    assert_eq!(redis.keys_with("Xylophon").await, Vec::<String>::new());
}

/// Requests a page without following redirects: the status, the redirect's target and the text.
async fn page(person: &Guest, path: &str) -> (u16, String, String) {
    let mut request = person.request(Method::GET, path).header("accept", "text/html").build().unwrap();
    if let Some(cookies) = person.cookie() {
        request.headers_mut().insert("cookie", cookies);
    }
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.execute(request).await.unwrap();
    let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
    (answer.status().as_u16(), to, answer.text().await.unwrap())
}

#[tokio::test]
async fn the_dashboard_is_for_who_is_logged_in_and_comes_with_the_list() {
    let node = Node::start(&Settings::embedded().with("LEPTOS_HASH_FILES", "false")).await;
    let (guest, (ada, _)) = (Guest::new(&node, "Bob"), Guest::registered(&node, "Ada").await);
    let code = guest.create(RoomType::Group, true).await.room.code;
    for stranger in [&guest, &Guest::new(&node, "")] {
        let (status, to, _) = page(stranger, "/dashboard").await;
        assert_eq!((status, &*to), (303, "/auth/login?next=/dashboard"));
    }
    ada.join(code).await;
    guest.say(code, "Xylophon for the list").await;
    poll_until("the list has it", || async { text(&ada.list().await[0]) == "Xylophon for the list" }).await;
    let (status, _, text) = page(&ada, "/dashboard").await;
    assert!(status == 200 && text.contains("Xylophon for the list"), "{status}");
    let other = named(&ada, RoomType::Group, false, "Other").await;
    let (status, _, text) = page(&ada, &format!("/rooms/{other}")).await;
    assert!(status == 200 && text.contains("Xylophon for the list"), "the list is beside a room as well");
    let (_, _, text) = page(&guest, &format!("/rooms/{code}")).await;
    assert!(!text.contains("\"unread\""), "a guest has no list");
}
