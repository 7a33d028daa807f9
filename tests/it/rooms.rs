//! Rooms by REST and by socket: what people can do in them, and the refusals when they cannot. Mostly on one embedded
//! node.

use std::collections::BTreeSet;

use anonchat::protocol::{
    ClientFrame, Code, Event, Language, Nickname, Retention, Role, RoomCode, RoomType, Snapshot, friendly_name,
};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use super::wire::view;
use crate::support::{
    Guest, Node, Settings,
    client::{Heard, Refused, new_id},
    count, on_both_stacks, refusal, story, until_told, within,
};

const POST: Method = Method::POST;

async fn create(guest: &Guest, body: serde_json::Value) -> Result<Snapshot, Refused> {
    guest.ask(Method::POST, "/api/rooms/create", body).await
}

async fn join_as_typed(guest: &Guest, code: &str) -> Result<Snapshot, Refused> {
    guest.ask(Method::POST, "/api/rooms/join", json!({ "code": code, "nickname": guest.name() })).await
}

async fn rename(guest: &Guest, code: RoomCode, name: Option<&str>) -> Result<(), Refused> {
    guest.ask(Method::PUT, "/api/rooms/name", json!({ "code": code, "name": name })).await
}

async fn kick(guest: &Guest, code: RoomCode, whom: &Snapshot) -> Result<(), Refused> {
    guest.ask(Method::POST, "/api/rooms/kick", json!({ "code": code, "member_id": whom.you.member_id })).await
}

#[tokio::test]
async fn two_guests_meet_by_code_and_chat_both_ways() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    let mut ada = ada.follow(code).await;
    bob.join(code).await;
    let mut bob = bob.follow(code).await;
    bob.say("Hello, Ada").await;
    ada.until_said("Hello, Ada").await;
    ada.say("Hello, Bob").await;
    bob.until_said("Hello, Bob").await;
    ada.until_said("Hello, Bob").await;
    assert_eq!(story(&ada.replica.events), ["Ada joined", "Bob joined", "Bob: Hello, Ada", "Ada: Hello, Bob"]);
    assert_eq!(story(&bob.replica.events), ["Bob joined", "Bob: Hello, Ada", "Ada: Hello, Bob"]);
}

#[tokio::test]
async fn a_room_is_made_as_asked_and_its_maker_owns_it() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let asked = json!({ "type": "p2p", "name": "  Book \n club ", "preserve": true, "nickname": " Ada  L. " });
    let made = create(&ada, asked).await.unwrap();
    assert_eq!(made.room.room_type, RoomType::P2p);
    assert_eq!(made.room.name.as_ref().unwrap().as_str(), "Book club");
    assert_eq!(made.room.retention, Retention::Preserved);
    assert_eq!((made.you.nickname.as_str(), made.you.role), ("Ada L.", Role::Owner));
    assert_eq!((made.room.owner, made.head, made.last_n), (made.you.member_id, 1, 0));
    assert_eq!(story(&made.events), ["Ada L. joined"]);
    assert_eq!(view(&ada, made.room.code).await.unwrap(), made);
    let mine = ada.list().await;
    assert_eq!((mine.len(), mine[0].code, &mine[0].name), (1, made.room.code, &made.room.name));
    assert_eq!((mine[0].room_type, mine[0].retention, mine[0].members), (RoomType::P2p, Retention::Preserved, 1));
}

#[tokio::test]
async fn a_room_made_with_nothing_but_a_type_keeps_nothing_and_its_maker_gets_a_name() {
    let node = Node::start(&Settings::embedded()).await;
    for asked in [json!({ "type": "group" }), json!({ "type": "group", "name": " ", "nickname": "\t" })] {
        let made = create(&Guest::new(&node, ""), asked).await.unwrap();
        assert_eq!((made.room.name, made.room.retention), (None, Retention::Ephemeral));
        assert!(made.you.nickname.as_str().contains(' '), "a friendly pair");
    }
}

/// Whether a name is a generated one of this language.
fn is_generated(name: &Nickname, language: Language) -> bool {
    (0..48 * 48).any(|pick| friendly_name(language, pick) == *name)
}

#[tokio::test]
async fn a_generated_name_is_in_the_language_of_the_browser() {
    let node = Node::start(&Settings::embedded()).await;
    for (accepted, language) in [("de-AT,de;q=0.9", Language::German), ("fr", Language::English)] {
        let made = Guest::new(&node, "")
            .request(Method::POST, "/api/rooms/create")
            .header("accept-language", accepted)
            .json(&json!({ "type": "group" }));
        let made: Snapshot = made.send().await.unwrap().json().await.unwrap();
        assert!(is_generated(&made.you.nickname, language), "{}", made.you.nickname);
        let code = made.room.code;
        let joined = Guest::new(&node, "")
            .request(Method::POST, "/api/rooms/join")
            .header("accept-language", accepted)
            .json(&json!({ "code": code }));
        let joined: Snapshot = joined.send().await.unwrap().json().await.unwrap();
        assert!(is_generated(&joined.you.nickname, language), "{}", joined.you.nickname);
    }
    let made = create(&Guest::new(&node, ""), json!({ "type": "group" })).await.unwrap();
    assert!(is_generated(&made.you.nickname, Language::English), "no language is asked for");
}

#[tokio::test]
async fn names_that_are_too_long_are_refused_with_their_field_and_leave_no_room_behind() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let long_name = json!({ "type": "group", "name": "n".repeat(65) });
    let long_nickname = json!({ "type": "group", "nickname": "n".repeat(33) });
    for (asked, field) in [(long_name, "name"), (long_nickname, "nickname")] {
        let refused = create(&ada, asked).await.unwrap_err();
        assert_eq!((refused.problem.code, refused.problem.field.as_deref()), (Code::InvalidInput, Some(field)));
    }
    assert!(ada.cookie().is_none(), "somebody who is refused has no session yet");
}

#[tokio::test]
async fn a_code_is_read_as_people_type_it() {
    let node = Node::start(&Settings::embedded()).await;
    let code = Guest::new(&node, "Ada").create(RoomType::Group, false).await.room.code;
    let plain = code.to_string();
    let (left, right) = plain.split_at(3);
    let look_alikes = plain.replace('0', "O").replace('1', "l");
    let typed = [
        plain.to_lowercase(),
        code.spaced(),
        format!(" {left}-{right}\n"),
        plain.chars().flat_map(|c| [c, ' ']).collect(),
        look_alikes.clone(),
        look_alikes.to_lowercase().replace('l', "i"),
    ];
    for (i, typed) in typed.iter().enumerate() {
        let joined = join_as_typed(&Guest::new(&node, &format!("Guest {i}")), typed).await.unwrap();
        assert_eq!(joined.room.code, code, "{typed:?}");
    }
    let seen = view(&Guest::new(&node, "Eve"), code).await;
    assert_eq!(refusal(seen), (404, Code::RoomUnavailable), "a code alone shows nothing");
}

#[tokio::test]
async fn a_text_that_is_no_code_is_told_so() {
    let node = Node::start(&Settings::embedded()).await;
    for typed in ["", "ABC", "ABCDEFG", "ABCDEU", "ABCDÉF", "ABC\0EF", "🐈🐈🐈🐈🐈🐈"] {
        let refused = join_as_typed(&Guest::new(&node, "Ada"), typed).await.unwrap_err();
        assert_eq!((refused.status.as_u16(), refused.problem.field.as_deref()), (400, Some("code")), "{typed:?}");
    }
}

#[tokio::test]
async fn a_one_to_one_room_holds_two_and_the_third_sees_what_a_wrong_code_shows() {
    let node = Node::start(&Settings::embedded()).await;
    let code = Guest::new(&node, "Ada").create(RoomType::P2p, false).await.room.code;
    Guest::new(&node, "Bob").join(code).await;
    let full = Guest::new(&node, "Eve").try_join(code).await.unwrap_err();
    let unknown = Guest::new(&node, "Eve").try_join("ZZZZZZ".parse().unwrap()).await.unwrap_err();
    assert_eq!(full.status, 404);
    assert_eq!(full.problem, unknown.problem);
}

#[tokio::test]
async fn a_guest_is_in_one_room_at_a_time_and_told_which() {
    let node = Node::start(&Settings::embedded()).await;
    let first = Guest::new(&node, "Ada").create(RoomType::Group, false).await.room.code;
    let bob = Guest::new(&node, "Bob");
    let second = bob.create(RoomType::Group, false).await.room.code;
    let refused = bob.try_join(first).await.unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.problem.code), (409, Code::AlreadyInRoom));
    assert_eq!(refused.problem.room, Some(second));
    let refused = create(&bob, json!({ "type": "p2p" })).await.unwrap_err();
    assert_eq!((refused.problem.code, refused.problem.room), (Code::AlreadyInRoom, Some(second)));
}

#[tokio::test]
async fn joining_twice_changes_nothing_and_is_no_news() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::P2p, false).await.room.code;
    let first = bob.join(code).await;
    let again: Snapshot =
        bob.ask(Method::POST, "/api/rooms/join", json!({ "code": code, "nickname": "Robert" })).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(story(&ada.whole_history(code).await), ["Ada joined", "Bob joined"]);
}

#[tokio::test]
async fn ten_reloads_are_no_news_and_leave_one_entry_in_the_member_list() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    bob.join(code).await;
    let mut ada = ada.follow(code).await;
    for _ in 0..10 {
        let page = bob.follow(code).await;
        assert_eq!(page.replica.state.members.len(), 2);
        drop(page);
    }
    let mut bob = bob.follow(code).await;
    for _ in 0..10 {
        bob.reconnect(&node).await;
    }
    bob.say("Still here").await;
    ada.until_said("Still here").await;
    assert_eq!(story(&ada.replica.events), ["Ada joined", "Bob joined", "Bob: Still here"]);
    assert_eq!(ada.replica.state.members.len(), 2);
    assert_eq!(bob.resets, 0);
}

#[tokio::test]
async fn an_owner_who_leaves_nobody_there_owns_the_room_again() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    ada.leave(code).await;
    assert_eq!(refusal(rename(&ada, code, Some("From outside")).await), (403, Code::NotAMember));
    assert_eq!(ada.join(code).await.you.role, Role::Owner);
    rename(&ada, code, Some("Ours")).await.unwrap();
}

#[tokio::test]
async fn who_was_removed_is_told_and_cannot_come_back() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::P2p, false).await.room.code;
    let joined = bob.join(code).await;
    let mut page = bob.follow(code).await;
    kick(&ada, code, &joined).await.unwrap();
    until_told(&mut page, "Ada removed Bob").await;
    assert!(!page.replica.is_member());
    ada.say(code, "Bob must not hear this").await;
    for refused in [
        refusal(bob.try_join(code).await),
        refusal(bob.try_say(code, new_id(), "But why?").await),
        refusal(view(&bob, code).await),
    ] {
        assert_eq!(refused, (403, Code::Removed));
    }
    page.socket.send(&ClientFrame::Subscribe { code, epoch: None, after: None }).await.unwrap();
    let heard = within("the subscription is refused", async {
        loop {
            match page.hear().await {
                Heard::Refused(code, _) => return code,
                Heard::Cut => panic!("the socket was cut"),
                _ => {}
            }
        }
    });
    assert_eq!(heard.await, Code::Removed);
    assert_eq!(story(&page.replica.events).last().unwrap(), "Ada removed Bob");
    // Bob's place is free, and Bob may join another room.
    Guest::new(&node, "Eve").join(code).await;
    bob.create(RoomType::P2p, false).await;
    assert_eq!(count(&story(&ada.whole_history(code).await), "Ada removed Bob"), 1);
}

#[tokio::test]
async fn only_the_owner_removes_and_nobody_removes_themselves() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let made = ada.create(RoomType::Group, false).await;
    let code = made.room.code;
    let joined = bob.join(code).await;
    assert_eq!(refusal(kick(&bob, code, &made).await), (403, Code::NotOwner));
    assert_eq!(refusal(kick(&bob, code, &joined).await), (403, Code::NotOwner));
    let refused = kick(&ada, code, &made).await.unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.problem.field.as_deref()), (400, Some("member_id")));
    assert_eq!(refusal(kick(&Guest::new(&node, "Eve"), code, &joined).await), (401, Code::NoSession));
    bob.leave(code).await;
    assert_eq!(refusal(kick(&ada, code, &joined).await), (404, Code::NotFound));
    assert_eq!(story(&ada.whole_history(code).await), ["Ada joined", "Bob joined", "Bob left"]);
}

#[tokio::test]
async fn the_owner_renames_a_room_and_everyone_sees_it() {
    let settings = Settings::embedded();
    let mut node = Node::start(&settings).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    bob.join(code).await;
    let mut page = bob.follow(code).await;
    rename(&ada, code, Some(" Book  club ")).await.unwrap();
    rename(&ada, code, Some("Book club")).await.unwrap();
    assert_eq!(refusal(rename(&bob, code, Some("Bob’s")).await), (403, Code::NotOwner));
    let refused = rename(&ada, code, Some(&"n".repeat(65))).await.unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.problem.field.as_deref()), (400, Some("name")));
    rename(&ada, code, None).await.unwrap();
    rename(&ada, code, Some("Chess club")).await.unwrap();
    until_told(&mut page, "Ada named it Chess club").await;
    let told = ["Bob joined", "Ada named it Book club", "Ada took its name away", "Ada named it Chess club"];
    assert_eq!(story(&page.replica.events), told);
    assert_eq!(page.replica.state.name.as_ref().unwrap().as_str(), "Chess club");
    node.kill().await;
    node.restart().await;
    assert_eq!(view(&bob, code).await.unwrap().room.name.unwrap().as_str(), "Chess club", "the name outlives the log");
}

#[tokio::test]
async fn the_owner_turns_preserve_on_and_off_and_everyone_is_told() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    bob.join(code).await;
    let mut page = bob.follow(code).await;
    bob.say(code, "Unkept").await;
    assert_eq!(refusal(bob.preserve(code, true).await), (403, Code::NotOwner));
    ada.preserve(code, true).await.unwrap();
    ada.preserve(code, true).await.unwrap();
    bob.say(code, "Kept").await;
    until_told(&mut page, "Bob: Kept").await;
    assert_eq!(page.replica.state.retention, Retention::Preserved);
    ada.preserve(code, false).await.unwrap();
    ada.preserve(code, false).await.unwrap();
    bob.say(code, "Unkept again").await;
    ada.preserve(code, true).await.unwrap();
    bob.say(code, "Kept again").await;
    until_told(&mut page, "Bob: Kept again").await;
    let told = [
        "Bob joined",
        "Bob: Unkept",
        "Ada turned preserve on",
        "Bob: Kept",
        "Ada turned preserve off",
        "Bob: Unkept again",
        "Ada turned preserve on",
        "Bob: Kept again",
    ];
    assert_eq!(story(&page.replica.events), told);
    assert!(page.replica.events.iter().zip(2..).all(|(event, seq)| event.seq == seq), "no gap where the log moved");
    assert_eq!((page.resets, page.replica.state.retention), (0, Retention::Preserved));
    // History has all preserved events in order. Ephemeral events it may also have, for members who were there.
    let history = bob.whole_history(code).await;
    assert!(history.is_sorted_by_key(|event| event.seq));
    let kept: Vec<String> =
        story(&history).into_iter().filter(|line| !line.contains("Unkept") && line != "Bob joined").collect();
    assert_eq!(
        kept,
        told.iter().filter(|line| !line.contains("Unkept") && **line != "Bob joined").copied().collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn the_code_of_an_abandoned_room_is_unknown_after_a_while() {
    let node = Node::start(&Settings::embedded().with("ROOM_IDLE_SECONDS", "0.5")).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    let inhabited = bob.create(RoomType::Group, false).await.room.code;
    ada.leave(code).await;
    assert_eq!(refusal(view(&ada, code).await), (403, Code::NotAMember), "it waits for a while");
    within("the room is gone", async {
        while refusal(view(&ada, code).await) != (404, Code::RoomUnavailable) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(refusal(ada.try_join(code).await), (404, Code::RoomUnavailable));
    assert!(view(&bob, inhabited).await.is_ok(), "a room with somebody in it stays");
}

#[tokio::test]
async fn of_ten_who_join_a_one_to_one_room_at_once_one_gets_in() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::P2p, false).await.room.code;
    let tries: Vec<_> = (0..10).map(|i| Guest::new(&node, &format!("Guest {i}"))).collect();
    let joins = tries.iter().map(|guest| guest.try_join(code));
    let joined = futures_util::future::join_all(joins).await;
    let (inside, outside): (Vec<_>, Vec<_>) = joined.into_iter().partition(Result::is_ok);
    assert_eq!(inside.len(), 1);
    for refused in outside {
        assert_eq!(refusal(refused), (404, Code::RoomUnavailable));
    }
    assert_eq!(view(&ada, code).await.unwrap().members.len(), 2);
    assert_eq!(ada.whole_history(code).await.len(), 2);
}

#[tokio::test]
async fn who_was_removed_from_a_room_does_not_leave_another_for_it() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    let joined = bob.join(code).await;
    kick(&ada, code, &joined).await.unwrap();
    let own = bob.create(RoomType::Group, false).await.room.code;
    let other = Guest::new(&node, "Eve").create(RoomType::Group, false).await.room.code;
    let join = async |code: RoomCode| {
        let typed = [("code", &*code.to_string()), ("leave", &*own.to_string())];
        bob.send_form(&format!("/rooms/{code}"), "join_room", &typed).await
    };
    join(code).await;
    assert_eq!(bob.rooms().await, [own], "and is still in it");
    join(other).await;
    assert_eq!(bob.rooms().await, [other], "where they may come in, they leave for it");
}

#[tokio::test]
async fn a_guest_who_joins_two_rooms_at_once_is_in_one() {
    let node = Node::start(&Settings::embedded()).await;
    let bob = Guest::new(&node, "Bob");
    let own = bob.create(RoomType::Group, false).await.room.code;
    bob.leave(own).await;
    for round in 0..5 {
        let (ada, eve) = (Guest::new(&node, "Ada"), Guest::new(&node, "Eve"));
        let (first, second) =
            (ada.create(RoomType::Group, false).await.room.code, eve.create(RoomType::P2p, false).await.room.code);
        let (one, other) = tokio::join!(bob.try_join(first), bob.try_join(second));
        let ((Ok(inside), refused) | (refused, Ok(inside))) = (one, other) else {
            panic!("round {round}: nobody got in")
        };
        assert_eq!(refusal(refused), (409, Code::AlreadyInRoom), "round {round}");
        assert_eq!(bob.rooms().await, [inside.room.code], "round {round}");
        bob.leave(inside.room.code).await;
    }
}

#[tokio::test]
async fn one_guest_who_joins_many_times_at_once_is_one_member_with_one_notice() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let own = bob.create(RoomType::Group, false).await.room.code;
    bob.leave(own).await;
    let code = ada.create(RoomType::P2p, false).await.room.code;
    let joined = futures_util::future::join_all((0..10).map(|_| bob.join(code))).await;
    let ids: BTreeSet<_> = joined.iter().map(|snapshot| snapshot.you.member_id).collect();
    assert_eq!(ids.len(), 1);
    let told: Vec<Event> = ada.whole_history(code).await;
    assert_eq!(story(&told), ["Ada joined", "Bob joined"]);
}

#[tokio::test]
async fn who_is_in_a_room_learns_nothing_of_other_codes() {
    let node = Node::start(&Settings::embedded()).await;
    let other = Guest::new(&node, "Ada").create(RoomType::Group, false).await.room.code;
    let bob = Guest::new(&node, "Bob");
    bob.create(RoomType::Group, false).await;
    let taken = bob.try_join(other).await.unwrap_err();
    let unknown = bob.try_join("ZZZZZZ".parse().unwrap()).await.unwrap_err();
    assert_eq!((taken.status, taken.problem), (unknown.status, unknown.problem));
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
async fn people_of_one_name_stay_told_apart_after_a_restart() {
    for preserve in [false, true] {
        let mut node = Node::start(&Settings::embedded()).await;
        let [ada, first, second] = ["Ada", "Bob", "Bob"].map(|name| Guest::new(&node, name));
        let code = ada.create(RoomType::Group, preserve).await.room.code;
        first.join(code).await;
        assert_eq!(second.join(code).await.you.nickname.as_str(), "Bob (2)");
        assert!(node.terminate().await);
        node.restart().await;
        let names = |room: &Snapshot| -> BTreeSet<String> {
            room.members.iter().map(|member| member.name.to_string()).collect()
        };
        let seen = view(&second.at(&node), code).await.unwrap();
        assert_eq!(names(&seen), ["Ada", "Bob", "Bob (2)"].map(str::to_owned).into(), "preserve: {preserve}");
        assert_eq!(seen.you.nickname.as_str(), "Bob (2)");
    }
}
