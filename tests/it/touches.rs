//! Editing and deleting messages, on both stacks: who may, what everybody sees, and that a deleted text is nowhere.

use anonchat::protocol::{Code, Event, EventKind, Quotes, Replica, RoomCode, RoomType, Target};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    secrets::files_with,
    wire::{limited, texts, two_in_a_room, two_on, view},
};
use crate::support::{
    Follower, Guest, Mongo, Node, Redis, Settings,
    client::{new_id, target},
    on_both_stacks, poll_until, refusal,
};

/// What the timeline of a follower shows of each message.
fn shown(follower: &Follower) -> Vec<String> {
    follower.replica.events.iter().filter_map(line).collect()
}

fn line(event: &Event) -> Option<String> {
    let message = event.message()?;
    Some(match &message.deleted {
        Some(by) if by.id == message.author.id => "deleted by its author".to_owned(),
        Some(by) => format!("deleted by {}", by.name),
        None if message.edited.is_some() => format!("{} (edited)", message.body),
        None => message.body.to_string(),
    })
}

/// What history shows of each message, oldest first.
async fn history(guest: &Guest, code: RoomCode) -> Vec<String> {
    let events = guest.whole_history(code).await;
    assert!(events.iter().all(|event| !event.kind.is_touch()), "history has rows only");
    events.iter().filter_map(line).collect()
}

#[tokio::test]
async fn an_edit_and_a_deletion_are_seen_by_who_is_there_and_by_who_comes_later() {
    on_both_stacks(async |one, two| {
        for preserve in [false, true] {
            let (mut ada_there, mut bob_there) = two_on(one, two, preserve).await;
            let (ada, bob, code) = (ada_there.guest.at(one), bob_there.guest.at(two), ada_there.code);
            let mut late = bob.at(one).follow(code).await;
            let first = target(ada_there.say("One").await);
            let second = target(bob_there.say("Two").await);
            let third = target(bob_there.say("Three").await);
            late.until_said("Three").await;
            drop(late.socket);

            assert_eq!(bob_there.edit(first, "Not mine").await, Err(Code::NotAuthor));
            assert_eq!(bob_there.delete(first).await, Err(Code::NotAuthor));
            let edited = ada_there.edit(first, "Uno").await.unwrap();
            assert_eq!(ada_there.edit(first, "Uno").await, Ok(edited), "it is like that already");
            let own = bob.delete(code, second).await.unwrap();
            assert_eq!(bob_there.delete(second).await, Ok(own.seq));
            ada.delete(code, third).await.unwrap();
            let other = Target { id: new_id(), ..first };
            assert_eq!(ada_there.edit(other, "Another message").await, Err(Code::MessageGone));
            assert_eq!(refusal(bob.edit(code, second, "Back").await), (410, Code::MessageGone));

            let expected = ["Uno (edited)", "deleted by its author", "deleted by Ada"];
            for follower in [&mut ada_there, &mut bob_there] {
                follower.until("everything is known", |replica| replica.state.head > own.seq).await;
                assert_eq!(shown(follower), expected);
            }
            assert_eq!(history(&ada, code).await, expected);
            assert_eq!(history(&bob, code).await, expected);
            assert_eq!(shown(&bob.follow(code).await), expected, "in a snapshot");
            // `late` resumes. It gets the messages that it missed as they are now, and then the touches.
            let (_, after) = late.replica.resume_point();
            late.socket = bob.try_connect().await.unwrap();
            assert!(late.try_reconnect().await);
            late.until("it has resumed", |replica| replica.state.head > after).await;
            assert_eq!(shown(&late), expected);

            // The retry of a message that was changed meanwhile.
            let again = ada.try_say(code, first.id, "One").await.unwrap();
            assert_eq!(again.seq, first.seq);
            assert_eq!(bob.try_say(code, second.id, "Two").await.unwrap().seq, second.seq);
        }
    })
    .await;
}

#[tokio::test]
async fn two_nodes_that_change_one_message_at_once_agree() {
    on_both_stacks(async |one, two| {
        for preserve in [false, true] {
            let (mut ada_there, mut bob_there) = two_on(one, two, preserve).await;
            let (ada, bob, code) = (ada_there.guest.at(one), bob_there.guest.at(two), ada_there.code);
            for round in 0..10 {
                let said = target(bob_there.say(&format!("Round {round}")).await);
                ada_there.until_said(&format!("Round {round}")).await;
                let here = bob.at(one);
                let (deleted, here, there, said_then) = tokio::join!(
                    ada.delete(code, said),
                    here.edit(code, said, "By one node"),
                    bob.edit(code, said, "By the other"),
                    ada.say(code, "Then"),
                );
                deleted.unwrap();
                for edited in [here, there] {
                    if let Err(refused) = edited {
                        let code = refused.problem.code;
                        assert!(matches!(code, Code::MessageGone | Code::TooManyRequests), "{refused:?}");
                    }
                }
                bob_there.until("all is known", |replica| replica.state.head >= said_then.seq).await;
            }
            let last = ada.say(code, "Last").await.seq;
            for follower in [&mut ada_there, &mut bob_there] {
                follower.until("all is known", |replica| replica.state.head >= last).await;
                let shown = shown(follower);
                assert_eq!(shown.iter().filter(|line| *line == "deleted by Ada").count(), 10, "{shown:?}");
                assert_eq!(shown, history(&bob, code).await);
            }
            assert_eq!(shown(&ada.at(two).follow(code).await), shown(&ada_there));
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_is_no_news_and_a_deleted_message_is_not_unread() {
    on_both_stacks(async |one, two| {
        let (ada, _) = Guest::registered(one, "Ada").await;
        let bob = Guest::new(two, "Bob");
        let code = bob.create(RoomType::Group, true).await.room.code;
        ada.join(code).await;
        let mut bob = bob.follow(code).await;
        let first = target(bob.say("Where is Ada?").await);
        let second = target(bob.say("Two").await);
        let third = target(bob.say("Three").await);
        let list = async || ada.list().await.into_iter().next().unwrap();
        poll_until("three are unread", || async { list().await.unread == 3 }).await;
        let at = list().await.at;
        bob.edit(second, "Zwei").await.unwrap();
        bob.delete(third).await.unwrap();
        poll_until("two are unread", || async { list().await.unread == 2 }).await;
        let room = list().await;
        let shown = room.last.unwrap();
        assert_eq!((shown.seq, shown.text.as_str(), shown.deleted, room.mentioned), (third.seq, "", true, true));
        assert_eq!(room.at, at, "the room keeps its place in the list");
        bob.delete(first).await.unwrap();
        poll_until("nobody calls Ada", || async { !list().await.mentioned }).await;
        assert_eq!(view(&ada, code).await.unwrap().you.unread, 1);
        bob.edit(second, "Due").await.unwrap_err();
        assert_eq!(list().await.unread, 1);
    })
    .await;
}

#[tokio::test]
async fn a_message_far_up_is_changed_too() {
    let mut node = Node::start(&Settings::embedded()).await;
    let (ada, _) = two_in_a_room(&node, true).await;
    let (guest, code) = (ada.guest.clone(), ada.code);
    let (first, second) = (target(guest.say(code, "First").await), target(guest.say(code, "Second").await));
    join_all((0..300).map(|i| guest.say(code, if i % 2 == 0 { "even" } else { "odd" }))).await;
    // After a start, the room has its last 200 events in memory.
    node.kill().await;
    node.restart().await;
    guest.edit(code, first, "Primero").await.unwrap();
    guest.delete(code, second).await.unwrap();
    let nobody = Target { seq: 90_000, id: new_id() };
    assert_eq!(refusal(guest.delete(code, nobody).await), (410, Code::MessageGone));
    let history = guest.whole_history(code).await;
    assert_eq!(texts(&history)[..2], ["Primero", ""]);
    assert_eq!(texts(&history).len(), 302);
}

#[tokio::test]
async fn what_was_archived_is_deleted_also_when_the_room_keeps_nothing_any_more() {
    on_both_stacks(async |one, two| {
        let (ada, bob) = (Guest::new(one, "Ada"), Guest::new(two, "Bob"));
        let code = ada.create(RoomType::Group, true).await.room.code;
        bob.join(code).await;
        let mut page = bob.follow(code).await;
        let kept = target(page.say("Kept").await);
        ada.preserve(code, false).await.unwrap();
        page.until("nothing is kept", |replica| !replica.room_keeps_messages()).await;
        assert_eq!(page.edit(kept, "Changed").await, Err(Code::KeptElsewhere));
        page.delete(kept).await.unwrap();
        let passing = target(page.say("Passing").await);
        ada.preserve(code, true).await.unwrap();
        page.until("it is kept again", Replica::room_keeps_messages).await;
        assert_eq!(page.delete(passing).await, Err(Code::MessageGone), "it was never kept");
        assert_eq!(shown(&page), ["deleted by its author", "Passing"]);
        assert_eq!(history(&ada, code).await[0], "deleted by its author");
    })
    .await;
}

/// What a reply of this follower's timeline shows of the message that it is to.
fn quoted(follower: &Follower, reply: &str) -> Option<String> {
    let mut messages = follower.replica.events.iter().filter_map(Event::message);
    let reply = messages.find(|message| message.body.as_str() == reply).unwrap();
    let message = follower.replica.quoted(reply.reply_to.unwrap())?;
    Some(format!("{}: {}", message.author.name, message.body))
}

#[tokio::test]
async fn a_reply_shows_what_it_is_to_as_that_is_now() {
    on_both_stacks(async |one, two| {
        for preserve in [false, true] {
            let (mut page, mut other) = two_on(one, two, preserve).await;
            let (ada, bob, code) = (page.guest.at(one), other.guest.at(two), page.code);
            let first = target(page.say("Lunch?").await);
            let far = target(page.say("Far up").await);
            other.until_said("Far up").await;
            other.reply(first, "Yes").await;
            other.reply(Target { id: new_id(), ..first }, "To another message").await;
            other.reply(Target { seq: 90_000, ..first }, "To nothing").await;
            page.until_said("To nothing").await;
            assert_eq!(quoted(&page, "Yes").unwrap(), "Ada: Lunch?");
            let plain = |text: &str| {
                let mut messages = page.replica.events.iter().filter_map(Event::message);
                messages.any(|message| message.body.as_str() == text && message.reply_to.is_none())
            };
            assert!(plain("To another message") && plain("To nothing"));

            // Beyond a snapshot and a page, with more text than a quote has.
            page.edit(far, &"word ".repeat(100)).await.unwrap();
            for i in 0..60 {
                page.say(&i.to_string()).await;
            }
            other.reply(far, "Late").await;
            let late = bob.follow(code).await;
            let shown = quoted(&late, "Late").unwrap();
            assert!(
                shown.starts_with("Ada: word word") && shown.ends_with('…') && shown.chars().count() <= 145,
                "{shown}"
            );
            let page_of_history = bob.history(code, None).await;
            assert_eq!(page_of_history.quotes.iter().map(|quote| quote.seq).collect::<Vec<_>>(), [far.seq]);
            let ask = json!({ "code": code, "seqs": format!("{},{},90000", first.seq, far.seq) });
            let asked: Quotes = bob.ask(Method::GET, "/api/messages", ask).await.unwrap();
            assert_eq!(asked.quotes.len(), 2);

            let mut late = late;
            page.delete(far).await.unwrap();
            late.until("it is deleted", |replica| replica.quoted(far).is_some_and(|quote| quote.deleted.is_some()))
                .await;
            assert_eq!(quoted(&late, "Late").unwrap(), "Ada: ");
            // Who was not there sees nothing of a message that was not kept.
            let eve = Guest::new(one, "Eve");
            eve.join(code).await;
            ada.say(code, "Welcome").await;
            let ask = json!({ "code": code, "seqs": first.seq.to_string() });
            let asked: Quotes = eve.ask(Method::GET, "/api/messages", ask).await.unwrap();
            assert_eq!(asked.quotes.len(), usize::from(preserve));
            for wrong in ["", "x", &vec!["1"; 21].join(",")] {
                let ask = json!({ "code": code, "seqs": wrong });
                let refused = eve.ask::<Quotes>(Method::GET, "/api/messages", ask).await;
                assert_eq!(refusal(refused), (400, Code::InvalidInput), "{wrong}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn changes_have_a_limit_of_their_own() {
    let node = Node::start(&limited()).await;
    let (ada, _) = two_in_a_room(&node, false).await;
    let (guest, code) = (ada.guest.clone(), ada.code);
    let said = target(guest.say(code, "One").await);
    let tried = join_all((0..25).map(|_| guest.delete(code, said))).await;
    let limited =
        tried.iter().filter(|tried| tried.as_ref().is_err_and(|refused| refused.problem.code == Code::TooManyRequests));
    assert!((4..=5).contains(&limited.count()), "{tried:?}");
}

const CANARY: &str = "Xylophon-5f1c";
const CHANGED: &str = "Wolpertinger-77ab";
const STAYS: &str = "Quetzal-31d0";

/// Says a message, changes it twice, and deletes it, in a room of each retention. An account follows, so that lists
/// show the room. Another message stays.
async fn say_and_delete(one: &Node, two: &Node) {
    let (ada, _) = Guest::registered(one, "Ada").await;
    for preserve in [false, true] {
        let bob = Guest::new(two, "Bob");
        let code = bob.create(RoomType::Group, preserve).await.room.code;
        ada.join(code).await;
        let mut page = bob.follow(code).await;
        page.say(STAYS).await;
        let said = target(page.say(CANARY).await);
        poll_until("the list shows it", || async {
            ada.list().await.iter().any(|room| room.last.as_ref().is_some_and(|last| last.text == CANARY))
        })
        .await;
        page.react(said, "👍", true).await.unwrap();
        page.edit(said, CHANGED).await.unwrap();
        page.react(said, "👍", false).await.unwrap();
        page.delete(said).await.unwrap();
        poll_until("the list shows that it is deleted", || async {
            ada.list().await.iter().all(|room| room.last.as_ref().is_none_or(|last| last.deleted))
        })
        .await;
        let history: Value = bob.ask(Method::GET, "/api/chats/history", json!({ "code": code })).await.unwrap();
        for text in [CANARY, CHANGED] {
            assert!(!history.to_string().contains(text));
            assert!(!serde_json::to_string(&view(&ada, code).await.unwrap()).unwrap().contains(text));
        }
        assert!(history.to_string().contains(STAYS));
    }
}

#[tokio::test]
async fn a_deleted_text_is_in_no_file() {
    let settings = Settings::embedded().logged("trace");
    let node = Node::start(&settings).await;
    say_and_delete(&node, &node).await;
    let folder = settings.data_dir();
    for text in [CANARY, CHANGED] {
        poll_until("the text is in no file", || async { files_with(&folder, text).is_empty() }).await;
        assert!(!settings.log().contains(text));
    }
    assert!(!files_with(&folder, STAYS).is_empty(), "this test can see");
}

#[tokio::test]
async fn a_deleted_text_is_in_no_collection_of_mongo_and_in_no_memory_of_redis() {
    let (Some(mongo), Some(redis)) = (Mongo::start().await, Redis::start_forgetful().await) else { return };
    let settings = || Settings::cluster(&mongo.uri(), "canary", &redis.url(), "canary");
    let (one, two) = (Node::start(&settings()).await, Node::start(&settings()).await);
    // What Redis dumps is then readable.
    let mut plain = redis::Client::open(redis.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut set = redis::cmd("CONFIG");
    set.arg("SET").arg("rdbcompression").arg("no").query_async::<()>(&mut plain).await.unwrap();
    say_and_delete(&one, &two).await;

    let database = mongodb::Client::with_uri_str(mongo.uri()).await.unwrap().database("canary");
    let mut stored = String::new();
    for name in database.list_collection_names().await.unwrap() {
        let mut all =
            database.collection::<mongodb::bson::Document>(&name).find(mongodb::bson::Document::new()).await.unwrap();
        while all.advance().await.unwrap() {
            stored += &all.deserialize_current().unwrap().to_string();
        }
    }
    for text in [CANARY, CHANGED] {
        assert!(!stored.contains(text), "{text}");
        // The digest for lists is written a moment after the deletion.
        poll_until("the text is in no memory", || async { !dumped(&plain).await.contains(text) }).await;
    }
    assert!(stored.contains(STAYS) && dumped(&plain).await.contains(STAYS), "this test can see");
}

/// The raw memory of all values: also what was removed from a stream and is still among its neighbours.
async fn dumped(redis: &redis::aio::MultiplexedConnection) -> String {
    let (mut redis, mut dumped) = (redis.clone(), Vec::new());
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut redis).await.unwrap();
    for key in keys {
        // A key may expire meanwhile.
        let value: Option<Vec<u8>> = redis::cmd("DUMP").arg(key).query_async(&mut redis).await.unwrap();
        dumped.extend(value.unwrap_or_default());
    }
    String::from_utf8_lossy(&dumped).into_owned()
}

#[tokio::test]
async fn a_deleted_account_leaves_its_name_on_no_touch() {
    on_both_stacks(async |one, two| {
        let (ada, _) = Guest::registered(one, "Wolpertinger").await;
        let code = ada.create(RoomType::Group, true).await.room.code;
        let bob = Guest::new(two, "Bob");
        bob.join(code).await;
        let mut page = ada.follow(code).await;
        let own = target(page.say("One").await);
        page.edit(own, "Uno").await.unwrap();
        let others = target(bob.say(code, "Two").await);
        page.delete(others).await.unwrap();
        let taken: Value = ada.ask(Method::GET, "/api/users/me/data", ()).await.unwrap();
        let said: Vec<&str> = taken["messages"].as_array().unwrap().iter().filter_map(|m| m["body"].as_str()).collect();
        assert_eq!(said, ["Uno"], "what was deleted, and what was changed, is not stored");
        let erase = json!({ "password": crate::support::account::PASSWORD, "messages": "erase" });
        ada.ask::<()>(Method::DELETE, "/api/users/me", erase).await.unwrap();
        let events = bob.whole_history(code).await;
        let told = serde_json::to_string(&events).unwrap();
        assert!(!told.contains("Wolpertinger") && !told.contains("Uno"), "{told}");
        assert_eq!(events.iter().filter_map(line).collect::<Vec<_>>()[1], "deleted by Deleted account");
        let mut there = bob.follow(code).await;
        there.until("the room is open", |replica| !replica.events.is_empty()).await;
        let is_named =
            |event: &Event| matches!(&event.kind, EventKind::Message(m) if m.author.name.as_str() == "Wolpertinger");
        assert!(!there.replica.events.iter().any(is_named));
    })
    .await;
}
