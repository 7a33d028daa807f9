//! Newcomers: what somebody who joins late gets of what was said before, by any door.

use anonchat::protocol::{ClientFrame, Epoch, RoomCode, RoomType, Seq, ServerFrame};

use super::wire::view;
use crate::support::{Guest, Node, Settings, story, within};

#[tokio::test]
async fn a_newcomer_sees_nothing_earlier_in_a_room_that_keeps_nothing_and_all_in_one_that_keeps() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
        let code = ada.create(RoomType::Group, preserve).await.room.code;
        ada.say(code, "Before Bob").await;
        let shown = bob.join(code).await;
        let expected: &[&str] =
            if preserve { &["Ada joined", "Ada: Before Bob", "Bob joined"] } else { &["Bob joined"] };
        assert_eq!(story(&shown.events), expected);
        assert_eq!(story(&bob.whole_history(code).await), expected);
        assert_eq!(story(&bob.follow(code).await.replica.events), expected);
    }
}

/// All frames that a socket receives up to a pong, after subscriptions that the test made up.
async fn answers(guest: &Guest, frames: impl IntoIterator<Item = ClientFrame>) -> Vec<ServerFrame> {
    let mut socket = guest.try_connect().await.expect("the socket opens");
    let mut answers = Vec::new();
    for (frame, n) in frames.into_iter().zip(0..) {
        socket.send(&frame).await.unwrap();
        let is_answer = |frame: &ServerFrame| {
            matches!(frame, ServerFrame::Resumed { .. } | ServerFrame::Snapshot { .. } | ServerFrame::Error { .. })
        };
        within(&format!("frame {n} is answered"), async {
            loop {
                let answer = socket.next().await.expect("the socket is open");
                let done = is_answer(&answer);
                answers.push(answer);
                if done {
                    return;
                }
            }
        })
        .await;
    }
    answers
}

fn every_resume(code: RoomCode, epoch: Epoch, head: Seq) -> impl Iterator<Item = ClientFrame> {
    let odd = [head + 1, head + 1_000, 1 << 53, Seq::MAX - 1, Seq::MAX];
    let afters = (0..=head).chain(odd);
    let right =
        afters.clone().map(move |after| ClientFrame::Subscribe { code, epoch: Some(epoch), after: Some(after) });
    let other = Epoch::from_bits(epoch.get() ^ 1);
    let wrong = afters.map(move |after| ClientFrame::Subscribe { code, epoch: Some(other), after: Some(after) });
    let half = [
        ClientFrame::Subscribe { code, epoch: Some(epoch), after: None },
        ClientFrame::Subscribe { code, epoch: None, after: Some(0) },
    ];
    right.chain(wrong).chain(half)
}

#[tokio::test]
async fn a_late_joiner_gets_nothing_that_was_not_kept_by_any_door() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    let mut late = Vec::new();
    ada.say(code, "SECRET one").await;
    late.push(Guest::new(&node, "During the first"));
    late[0].join(code).await;
    ada.preserve(code, true).await.unwrap();
    ada.say(code, "kept one").await;
    late.push(Guest::new(&node, "During the second"));
    late[1].join(code).await;
    for (i, guest) in late.iter().enumerate() {
        let shown = guest.follow(code).await.replica;
        let told = answers(guest, every_resume(code, shown.epoch, shown.state.head)).await;
        let text = serde_json::to_string(&told).unwrap() + &story(&guest.whole_history(code).await).join("\n");
        assert!(!text.contains("SECRET"), "guest {i}");
        assert!(text.contains("kept one"), "guest {i}");
        assert!(!serde_json::to_string(&view(guest, code).await.unwrap()).unwrap().contains("SECRET"), "guest {i}");
    }
    ada.preserve(code, false).await.unwrap();
    ada.say(code, "SECRET two").await;
    late.push(Guest::new(&node, "During the third"));
    late[2].join(code).await;
    ada.preserve(code, true).await.unwrap();
    ada.say(code, "kept two").await;
    late.push(Guest::new(&node, "During the fourth"));
    late[3].join(code).await;
    for (i, guest) in late.iter().enumerate() {
        let shown = guest.follow(code).await.replica;
        let told = answers(guest, every_resume(code, shown.epoch, shown.state.head)).await;
        let text = serde_json::to_string(&told).unwrap() + &story(&guest.whole_history(code).await).join("\n");
        assert!(!text.contains("SECRET one"), "guest {i}");
        assert_eq!(text.contains("SECRET two"), i < 2, "guest {i}");
        assert!(text.contains("kept one") && text.contains("kept two"), "guest {i}");
    }
}

#[tokio::test]
async fn a_made_up_place_to_resume_from_shows_no_more_than_a_snapshot_does() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    ada.say(code, "SECRET before").await;
    bob.join(code).await;
    ada.say(code, "for Bob").await;
    bob.leave(code).await;
    ada.say(code, "SECRET while away").await;
    bob.join(code).await;
    let shown = bob.follow(code).await.replica;
    let told = serde_json::to_string(&answers(&bob, every_resume(code, shown.epoch, shown.state.head)).await).unwrap();
    assert!(!told.contains("SECRET"));
    assert!(told.contains("Bob"), "something was told");
}

#[tokio::test]
async fn what_was_preserved_before_it_was_turned_off_is_offered_to_late_joiners() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, true).await.room.code;
    ada.say(code, "Kept").await;
    ada.preserve(code, false).await.unwrap();
    ada.say(code, "Unkept").await;
    let shown = bob.join(code).await;
    assert_eq!(story(&shown.events), ["Bob joined"]);
    assert!(shown.has_more, "history has what was kept");
    let history = ["Ada joined", "Ada: Kept", "Ada turned preserve off", "Bob joined"];
    assert_eq!(story(&bob.whole_history(code).await), history);
}
