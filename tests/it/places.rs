//! Places in a room: what happens to an absent guest, and for whom a place in a room for two is kept. On both stacks.

use anonchat::protocol::{ClientFrame, Code, RoomCode, RoomType, ServerFrame, Snapshot};
use reqwest::Method;
use serde_json::json;

use crate::support::{Guest, client::Refused, count, refusal, stacks::on_both_stacks_with, story, until_told};

async fn view(guest: &Guest, code: RoomCode) -> Result<Snapshot, Refused> {
    guest.ask(Method::GET, &format!("/api/rooms/{code}"), ()).await
}

async fn give_up_place(guest: &Guest, code: RoomCode) {
    let answer = guest.request(Method::POST, "/api/rooms/free").json(&json!({"code": code})).send().await.unwrap();
    assert_eq!(answer.status(), 204);
}

/// The name of the person for whom a place is kept, as a member sees it.
async fn expected_in(guest: &Guest, code: RoomCode) -> Option<String> {
    view(guest, code).await.unwrap().expected.map(|person| person.name.to_string())
}

#[tokio::test]
async fn a_place_in_a_room_for_two_is_kept_for_a_guest_who_is_absent() {
    on_both_stacks_with(&[("GUEST_GRACE_SECONDS", "1")], async |one, two| {
        for preserve in [false, true] {
            let (ada, bob, eve) = (Guest::new(one, "Ada"), Guest::new(one, "Bob"), Guest::new(two, "Eve"));
            let code = ada.create(RoomType::P2p, preserve).await.room.code;
            let mut follower = ada.follow(code).await;
            let first = bob.join(code).await.you.member_id;
            bob.say(code, "Between us").await;
            assert_eq!(expected_in(&ada, code).await, None);
            until_told(&mut follower, "Bob left").await;
            ada.say(code, "Said to nobody").await;

            assert_eq!(expected_in(&ada, code).await.as_deref(), Some("Bob"));
            assert_eq!(refusal(eve.try_join(code).await), (404, Code::RoomUnavailable), "as a wrong code");
            let back = bob.join(code).await;
            assert_eq!((back.you.member_id, back.members.len()), (first, 2));
            assert_eq!(expected_in(&ada, code).await, None);
            let mut all =
                vec!["Ada joined", "Bob joined", "Bob: Between us", "Bob left", "Ada: Said to nobody", "Bob joined"];
            if !preserve {
                all.remove(4);
            }
            assert_eq!(story(&bob.whole_history(code).await), all[1..], "the two who were there see all of theirs");
            assert_eq!(story(&back.events), all[1..]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_later_second_person_sees_only_what_was_said_since_they_came() {
    on_both_stacks_with(&[("GUEST_GRACE_SECONDS", "1")], async |one, two| {
        for gives_up in [false, true] {
            let (ada, bob, eve) = (Guest::new(one, "Ada"), Guest::new(one, "Bob"), Guest::new(two, "Eve"));
            let code = ada.create(RoomType::P2p, true).await.room.code;
            let mut follower = ada.follow(code).await;
            bob.join(code).await;
            bob.say(code, "A secret").await;
            if gives_up {
                until_told(&mut follower, "Bob left").await;
                give_up_place(&ada, code).await;
                give_up_place(&ada, code).await;
            } else {
                bob.leave(code).await;
            }
            let shown = eve.join(code).await;
            eve.say(code, "Hello").await;
            assert_eq!((story(&shown.events), shown.has_more), (vec!["Eve joined".to_owned()], false));
            assert_eq!(story(&eve.whole_history(code).await), ["Eve joined", "Eve: Hello"]);
            let mut socket = eve.try_connect().await.unwrap();
            let (epoch, after) = (Some(shown.epoch), Some(0));
            socket.send(&ClientFrame::Subscribe { code, epoch, after }).await.unwrap();
            let told = loop {
                match socket.next().await.unwrap() {
                    ServerFrame::Resumed { events, .. } => break events,
                    ServerFrame::Snapshot { snapshot, .. } => break snapshot.events,
                    _ => {}
                }
            };
            assert_eq!(story(&told), ["Eve joined", "Eve: Hello"], "nor by asking for more");
            assert_eq!(refusal(bob.try_join(code).await), (404, Code::RoomUnavailable));
            assert_eq!(count(&story(&ada.whole_history(code).await), "Bob: A secret"), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn who_was_absent_from_a_room_that_keeps_nothing_gets_what_was_said_before_they_had_left() {
    on_both_stacks_with(&[("GUEST_GRACE_SECONDS", "1")], async |one, two| {
        let (ada, bob) = (Guest::new(one, "Ada"), Guest::new(two, "Bob"));
        let code = ada.create(RoomType::Group, false).await.room.code;
        ada.say(code, "Before Bob").await;
        let mut follower = ada.follow(code).await;
        bob.join(code).await;
        drop(bob.follow(code).await);
        ada.say(code, "While he counts as there").await;
        until_told(&mut follower, "Bob left").await;
        ada.say(code, "Missed").await;
        let back = bob.join(code).await;
        let seen = ["Bob joined", "Ada: While he counts as there", "Bob left", "Bob joined"];
        assert_eq!(story(&back.events), seen);
        assert_eq!(story(&bob.whole_history(code).await), seen);
        bob.leave(code).await;
        assert_eq!(story(&bob.join(code).await.events), ["Bob joined"], "who leaves sees nothing of that again");
    })
    .await;
}

#[tokio::test]
async fn a_guest_whose_page_was_closed_has_less_time_and_a_reload_is_no_closing() {
    on_both_stacks_with(&[("GUEST_GRACE_SECONDS", "600"), ("GUEST_CLOSED_SECONDS", "1")], async |one, two| {
        let (ada, bob, carl) = (Guest::new(one, "Ada"), Guest::new(two, "Bob"), Guest::new(one, "Carl"));
        let code = ada.create(RoomType::Group, false).await.room.code;
        let mut follower = ada.follow(code).await;
        for guest in [&bob, &carl] {
            guest.join(code).await;
        }
        let closes = async |guest: &Guest| {
            let answer = guest.request(Method::POST, &format!("/api/rooms/away?code={code}")).send().await.unwrap();
            assert_eq!(answer.status(), 204);
        };
        let page = carl.follow(code).await;
        closes(&carl).await;
        drop(page);
        let _reloaded = carl.follow(code).await;
        let page = bob.follow(code).await;
        closes(&bob).await;
        drop(page);
        until_told(&mut follower, "Bob left").await;
        assert_eq!(count(&story(&follower.replica.events), "Carl left"), 0);
    })
    .await;
}
