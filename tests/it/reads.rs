//! Read positions: equal on all devices of an account, and shown to others only if both sides show theirs.

use std::time::Instant;

use anonchat::protocol::{
    ByeReason, ClientFrame, Code, MemberId, Notify, Preferences, ReadMark, RoomCode, RoomType, Seq, ServerFrame,
    Signal, limits::READ_MARK_MEMBERS,
};
use reqwest::Method;
use serde_json::json;

use super::reading::{Account, resume, settle, until_marked, view};
use crate::support::{Follower, Guest, Node, Settings, account::new_address, client::Heard, cluster, within};

const PUT: Method = Method::PUT;

fn hides_read() -> Preferences {
    Preferences { show_read: false, ..Preferences::default() }
}

fn hides_typing() -> Preferences {
    Preferences { show_typing: false, ..Preferences::default() }
}

async fn set_notify(person: &Guest, code: RoomCode, notify: Option<Notify>) -> Result<(), (u16, Code)> {
    let answer = person.tell(PUT, "/api/rooms/notify", json!({ "code": code, "notify": notify })).await;
    answer.map_err(|refused| (refused.status.as_u16(), refused.problem.code))
}

/// Receives frames until this person's own read position, reported from another device, is this seq.
async fn until_in_step(follower: &mut Follower, seq: Seq) {
    follower.hear_until(&format!("I have read up to {seq}"), |follower| follower.read == seq).await;
}

/// Whether the server has ever sent this follower the read position of another member.
fn was_told(follower: &Follower) -> bool {
    let of_others = |mark: &ReadMark| mark.member != follower.id();
    follower.signals.iter().any(|signal| matches!(signal, Signal::Read { marks } if marks.iter().any(of_others)))
}

/// Waits until the server closes the socket, and connects again. Returns the reason of the `bye`.
async fn come_back(follower: &mut Follower, node: &Node) -> Option<ByeReason> {
    let why = within("the socket is closed", async {
        loop {
            match follower.socket.next().await {
                Some(ServerFrame::Bye { reason, .. }) => return Some(reason),
                Some(_) => {}
                None => return None,
            }
        }
    })
    .await;
    resume(follower, node).await;
    why
}

#[tokio::test]
async fn the_others_see_how_far_somebody_has_read_and_so_does_whoever_comes_later() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
        let code = ada.create(RoomType::Group, preserve).await.room.code;
        let joined = bob.join(code).await;
        assert_eq!(joined.you.read, joined.head, "joining reads up to one’s own joining");
        let (mut ada, mut bob) = (ada.follow(code).await, bob.follow(code).await);
        let mut last = 0;
        for text in ["One", "Two", "Three"] {
            last = ada.say(text).await.seq;
        }
        bob.until_said("Three").await;
        assert_eq!(bob.read, joined.head, "hearing is not reading");
        bob.mark_read(last - 1).await;
        until_marked(&mut ada, bob.id(), last - 1).await;
        bob.mark_read(last).await;
        until_marked(&mut ada, bob.id(), last).await;

        let marks = [(ada.id(), last), (bob.id(), last)];
        let cyd = Guest::new(&node, "Cyd");
        let seen = cyd.join(code).await;
        assert_eq!(seen.reads.iter().map(|mark| (mark.member, mark.seq)).collect::<Vec<_>>(), sorted(&marks));
        let other_page = bob.guest.follow(code).await;
        assert_eq!((other_page.read, other_page.marks.get(&ada.id())), (last, Some(&last)));
        assert!(!other_page.marks.contains_key(&bob.id()), "one’s own is not among them");
        settle(&mut ada).await;
        assert_eq!((ada.read, ada.marks.get(&bob.id())), (last, Some(&last)), "a resume tells it too");
        bob.guest.leave(code).await;
        ada.guest.leave(code).await;
    }
}

#[tokio::test]
async fn who_has_left_is_still_told_of_to_those_who_were_there_and_to_nobody_else() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob, cyd) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"), Guest::new(&node, "Cyd"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    bob.join(code).await;
    let (mut ada, mut bob) = (ada.follow(code).await, bob.follow(code).await);
    let last = ada.say("The key is under the mat").await.seq;
    bob.until_said("The key is under the mat").await;
    bob.mark_read(last).await;
    until_marked(&mut ada, bob.id(), last).await;
    bob.guest.leave(code).await;
    let departed = view(&ada.guest, code).await.departed;
    let expected = (bob.id(), "Bob", last);
    let departed: Vec<_> =
        departed.iter().map(|reader| (reader.member.id, reader.member.name.as_str(), reader.seq)).collect();
    assert_eq!(departed, [expected]);
    assert_eq!(cyd.join(code).await.departed, [], "who comes later hears of nobody from before");
}

fn sorted(marks: &[(MemberId, Seq)]) -> Vec<(MemberId, Seq)> {
    let mut marks = marks.to_vec();
    marks.sort_unstable();
    marks
}

#[tokio::test]
async fn two_devices_of_one_account_stay_in_step() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Account::new(&node, "Ada").await, Guest::new(&node, "Bob"));
    let code = bob.create(RoomType::Group, true).await.room.code;
    ada.device.join(code).await;
    let mut bob = bob.follow(code).await;
    let mut desk = ada.device.follow(code).await;
    let mut phone = ada.other_device(&node).await.follow(code).await;
    let seqs = [bob.say("One").await.seq, bob.say("Two").await.seq, bob.say("Three").await.seq];
    desk.until_said("Three").await;
    desk.mark_read(seqs[0]).await;
    until_in_step(&mut phone, seqs[0]).await;
    phone.mark_read(seqs[1]).await;
    until_in_step(&mut desk, seqs[1]).await;
    // The slower device reports an older position.
    desk.mark_read(seqs[0]).await;
    settle(&mut desk).await;
    assert_eq!(desk.read, seqs[1]);
    let you = view(&ada.device, code).await.you;
    assert_eq!((you.read, you.unread), (seqs[1], 1));
    let said = phone.say("I have read it all").await.seq;
    let tablet = ada.other_device(&node).await.follow(code).await;
    assert_eq!(tablet.read, said, "saying something reads up to it");
    let own =
        |signal: &&Signal| matches!(signal, Signal::Read { marks } if marks.iter().any(|m| m.member == desk.id()));
    assert_eq!(desk.signals.iter().filter(own).count(), 1, "who reads is not told of it");
    assert_eq!(phone.signals.iter().filter(own).count(), 1);
}

#[tokio::test]
async fn what_is_said_by_rest_is_read_by_who_says_it() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::P2p, false).await.room.code;
    bob.join(code).await;
    let said = bob.say(code, "Hello").await.seq;
    let (ada, bob) = (view(&ada, code).await.you, view(&bob, code).await.you);
    assert_eq!((bob.read, bob.unread), (said, 0));
    assert_eq!((ada.read, ada.unread), (1, 1));
}

#[tokio::test]
async fn marks_and_devices_reach_the_other_node() {
    let Some((one, two)) = cluster().await else { return };
    let (ada, bob) = (Account::new(&one, "Ada").await, Guest::new(&two, "Bob"));
    for preserve in [true, false] {
        let code = ada.device.create(RoomType::Group, preserve).await.room.code;
        bob.join(code).await;
        let mut desk = ada.device.follow(code).await;
        let mut phone = ada.other_device(&two).await.follow(code).await;
        let mut bob = bob.follow(code).await;
        let seqs = [bob.say("One").await.seq, bob.say("Two").await.seq];
        for device in [&mut desk, &mut phone] {
            device.until_said("Two").await;
        }
        desk.mark_read(seqs[0]).await;
        until_in_step(&mut phone, seqs[0]).await;
        until_marked(&mut bob, desk.id(), seqs[0]).await;
        phone.mark_read(seqs[1]).await;
        until_in_step(&mut desk, seqs[1]).await;
        until_marked(&mut bob, desk.id(), seqs[1]).await;
        let said = desk.say("Three").await.seq;
        bob.until_said("Three").await;
        bob.mark_read(said).await;
        until_marked(&mut desk, bob.id(), said).await;
        let seen = view(&ada.device, code).await;
        assert_eq!(seen.reads, [ReadMark { member: bob.id(), seq: said }]);
        assert_eq!(view(&ada.device.at(&two), code).await.you.read, said, "each node knows");
        bob.guest.leave(code).await;
    }
}

#[tokio::test]
async fn who_hides_what_they_read_neither_shows_nor_sees_it() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, cyd) = (Guest::new(&node, "Ada"), Guest::new(&node, "Cyd"));
    let bob = Account::new(&node, "Bob").await;
    let code = ada.create(RoomType::Group, true).await.room.code;
    cyd.join(code).await;
    bob.device.join(code).await;
    let mut tab = bob.device.follow(code).await;
    let (mut ada, mut cyd) = (ada.follow(code).await, cyd.follow(code).await);
    let shown = ada.say("Everybody may know that you read this").await.seq;
    tab.until_said("Everybody may know that you read this").await;
    tab.mark_read(shown).await;
    until_marked(&mut ada, tab.id(), shown).await;

    bob.prefer(hides_read()).await;
    assert_eq!(come_back(&mut tab, &node).await, Some(ByeReason::PreferencesChanged));
    assert_eq!((tab.read, tab.marks.len()), (shown, 0), "who hides sees nobody’s");
    tab.signals.clear();
    let mut phone = bob.other_device(&node).await.follow(code).await;
    assert!(phone.marks.is_empty());
    let said = tab.say("I say this").await.seq;
    let hidden = ada.say("Nobody is to know that you read this").await.seq;
    for follower in [&mut tab, &mut cyd] {
        follower.until_said("Nobody is to know that you read this").await;
    }
    assert!(said < hidden);
    tab.mark_read(hidden).await;
    until_in_step(&mut phone, hidden).await;
    settle(&mut tab).await;
    // Cyd, who shows her position, reads on. Ada receives that, and keeps Bob's old position.
    cyd.mark_read(hidden).await;
    until_marked(&mut ada, cyd.id(), hidden).await;
    assert_eq!(ada.marks.get(&tab.id()), Some(&shown), "what was seen stays seen, and goes no further");
    let seen = view(&cyd.guest, code).await;
    assert_eq!(seen.reads.iter().find(|mark| mark.member == tab.id()).map(|mark| mark.seq), Some(shown));
    assert!(view(&bob.device, code).await.reads.is_empty());
    tab.say("Still here").await;
    for device in [&mut tab, &mut phone] {
        device.until_said("Still here").await;
        assert!(!was_told(device), "{:?}", device.signals);
    }

    bob.prefer(Preferences::default()).await;
    assert_eq!(come_back(&mut tab, &node).await, Some(ByeReason::PreferencesChanged));
    assert_eq!(tab.marks.get(&cyd.id()), Some(&hidden));
    let again = ada.say("Everybody may know again").await.seq;
    tab.until_said("Everybody may know again").await;
    tab.mark_read(again).await;
    until_marked(&mut ada, tab.id(), again).await;
}

#[tokio::test]
async fn who_hides_that_they_type_neither_shows_nor_sees_it() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Account::new(&node, "Bob").await);
    bob.prefer(hides_typing()).await;
    let code = ada.create(RoomType::Group, false).await.room.code;
    let cyd = Guest::new(&node, "Cyd");
    cyd.join(code).await;
    bob.device.join(code).await;
    let (mut ada, mut bob, mut cyd) = (ada.follow(code).await, bob.device.follow(code).await, cyd.follow(code).await);
    let typing = ClientFrame::Typing { code, on: true };
    bob.socket.send(&typing).await.unwrap();
    settle(&mut bob).await;
    cyd.socket.send(&typing).await.unwrap();
    let types = |signal: &Signal| matches!(signal, Signal::Typing { .. });
    let cyd_types = Signal::Typing { member: cyd.id(), on: true };
    ada.hear_until("Cyd types", |ada| ada.signals.contains(&cyd_types)).await;
    cyd.say("Typed").await;
    for follower in [&mut ada, &mut bob, &mut cyd] {
        follower.until_said("Typed").await;
    }
    assert_eq!(ada.signals.iter().filter(|signal| types(signal)).count(), 1, "{:?}", ada.signals);
    assert!(!bob.signals.iter().any(types) && !cyd.signals.iter().any(types));
}

#[tokio::test]
async fn a_preference_that_shows_nothing_else_leaves_the_sockets_alone() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Account::new(&node, "Ada").await;
    let code = ada.device.create(RoomType::Group, false).await.room.code;
    let mut tab = ada.device.follow(code).await;
    ada.prefer(Preferences { sound: true, ..Preferences::default() }).await;
    tab.say("On the same socket").await;
}

#[tokio::test]
async fn a_preference_holds_on_every_node() {
    let Some((one, two)) = cluster().await else { return };
    let (ada, bob) = (Guest::new(&one, "Ada"), Account::new(&one, "Bob").await);
    let code = ada.create(RoomType::Group, false).await.room.code;
    bob.device.join(code).await;
    // A room of Bob's that is not live on any node.
    bob.device.create(RoomType::Group, true).await;
    let mut ada = ada.follow(code).await;
    let mut tab = bob.other_device(&two).await.follow(code).await;
    let seq = ada.say("One").await.seq;
    tab.until_said("One").await;
    bob.prefer(hides_read()).await;
    assert_eq!(come_back(&mut tab, &two).await, Some(ByeReason::PreferencesChanged));
    tab.mark_read(seq).await;
    settle(&mut tab).await;
    // A later message of Bob's takes the same way, so an earlier mark would have arrived before it.
    tab.say("Two").await;
    ada.until_said("Two").await;
    assert!(!was_told(&ada), "{:?}", ada.signals);
    assert!(view(&ada.guest, code).await.reads.iter().all(|mark| mark.seq < seq));
}

#[tokio::test]
async fn a_large_room_tells_nothing_of_others_but_keeps_ones_own_devices_in_step() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Account::new(&node, "Ada").await, Guest::new(&node, "Bob"));
    let code = bob.create(RoomType::Group, false).await.room.code;
    ada.device.join(code).await;
    let mut others = Vec::new();
    for i in 2..=READ_MARK_MEMBERS {
        let other = Guest::new(&node, &format!("Guest {i}"));
        other.join(code).await;
        others.push(other);
    }
    let mut bob = bob.follow(code).await;
    assert_eq!(bob.replica.state.members.len(), READ_MARK_MEMBERS + 1);
    let mut desk = ada.device.follow(code).await;
    let mut phone = ada.other_device(&node).await.follow(code).await;
    let seq = bob.say("One").await.seq;
    bob.mark_read(seq).await;
    for device in [&mut desk, &mut phone] {
        device.until_said("One").await;
    }
    desk.mark_read(seq).await;
    until_in_step(&mut phone, seq).await;
    let last = bob.say("Two").await.seq;
    desk.until_said("Two").await;
    desk.mark_read(last).await;
    until_in_step(&mut phone, last).await;
    settle(&mut bob).await;
    assert!(bob.marks.is_empty() && desk.marks.is_empty());
    assert!(view(&bob.guest, code).await.reads.is_empty());
    assert!(!was_told(&bob) && !was_told(&desk) && !was_told(&phone));

    // With one member fewer, the room is small enough for read marks.
    others[0].leave(code).await;
    bob.hear_until("one has left", |bob| bob.replica.state.members.len() == READ_MARK_MEMBERS).await;
    let seq = bob.say("Three").await.seq;
    desk.until_said("Three").await;
    desk.mark_read(seq).await;
    until_marked(&mut bob, desk.id(), seq).await;
    until_in_step(&mut phone, seq).await;
}

#[tokio::test]
async fn marks_are_told_together_and_once_a_second() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Guest::new(&node, "Ada"), Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, false).await.room.code;
    bob.join(code).await;
    let (mut ada, mut bob) = (ada.follow(code).await, bob.follow(code).await);
    let begun = Instant::now();
    let mut last = 0;
    for i in 0..200 {
        last = ada.say(&i.to_string()).await.seq;
        bob.mark_read(last).await;
    }
    until_marked(&mut ada, bob.id(), last).await;
    let told = ada.signals.iter().filter(|signal| matches!(signal, Signal::Read { .. })).count();
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    assert!((1..=seconds + 2).contains(&told), "{told} signals in {seconds} s");
}

#[tokio::test]
async fn hostile_frames_about_reading_do_nothing() {
    let node = Node::start(&Settings::embedded()).await;
    let [ada, bob, eve] = ["Ada", "Bob", "Eve"].map(|name| Guest::new(&node, name));
    let code = ada.create(RoomType::Group, false).await.room.code;
    let elsewhere = eve.create(RoomType::Group, false).await.room.code;
    bob.join(code).await;
    let (mut ada, mut bob, mut eve) = (ada.follow(code).await, bob.follow(code).await, eve.follow(elsewhere).await);
    let first = ada.say("One").await.seq;
    let last = ada.say("Two").await.seq;
    bob.until_said("Two").await;
    bob.mark_read(first).await;
    until_marked(&mut ada, bob.id(), first).await;

    let numbers = ["0", "1", "1000000", "9007199254740992", "18446744073709551615"];
    for seq in numbers.into_iter().chain([&*first.to_string(), &*(last + 1).to_string()]) {
        bob.socket.send_text(&format!(r#"{{"read":{{"code":"{code}","seq":{seq}}}}}"#)).await.unwrap();
    }
    let malformed = ["-1", "1.5", "1e300", "18446744073709551616", "\"7\"", "null", "[]", "{\"$gt\":0}"];
    for seq in malformed {
        bob.socket.send_text(&format!(r#"{{"read":{{"code":"{code}","seq":{seq}}}}}"#)).await.unwrap();
    }
    // Read frames for rooms that the socket does not follow, whether or not the person is a member.
    bob.socket.send(&ClientFrame::Read { code: elsewhere, seq: 1 }).await.unwrap();
    eve.socket.send(&ClientFrame::Read { code, seq: last }).await.unwrap();
    eve.socket.send(&ClientFrame::Read { code: RoomCode::from_bits(7), seq: last }).await.unwrap();
    let mut refused = 0;
    within("what cannot be read is answered", async {
        while refused < malformed.len() {
            match bob.hear().await {
                Heard::Refused(Code::Malformed, None) => refused += 1,
                Heard::Refused(code, _) => panic!("{code:?}"),
                Heard::Cut => panic!("the socket was cut"),
                _ => {}
            }
        }
    })
    .await;
    settle(&mut bob).await;
    settle(&mut eve).await;
    assert_eq!((bob.read, bob.replica.you.read), (first, 2));
    assert_eq!(view(&ada.guest, code).await.reads, [ReadMark { member: bob.id(), seq: first }]);
    assert_eq!((eve.read, eve.marks.len()), (1, 0));

    bob.mark_read(last).await;
    until_marked(&mut ada, bob.id(), last).await;
    let told = ada.signals.iter().filter(|signal| matches!(signal, Signal::Read { .. }));
    assert_eq!(told.count(), 2, "what is true is told, and nothing else");
}

#[tokio::test]
async fn the_level_of_notifications_is_ones_own_and_survives_leaving_and_coming_back() {
    const MUTED: Option<Notify> = Some(Notify::None);
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Account::new(&node, "Ada").await, Guest::new(&node, "Bob"));
    let code = ada.device.create(RoomType::Group, false).await.room.code;
    assert_eq!(set_notify(&bob, code, MUTED).await, Err((401, Code::NoSession)));
    bob.join(code).await;
    for person in [&ada.device, &bob] {
        assert_eq!(view(person, code).await.you.notify, None);
        set_notify(person, code, MUTED).await.unwrap();
        set_notify(person, code, MUTED).await.unwrap();
        assert_eq!(view(person, code).await.you.notify, MUTED);
    }
    let other = ada.other_device(&node).await.follow(code).await;
    assert_eq!(other.replica.you.notify, MUTED, "on every device");
    set_notify(&ada.device, code, None).await.unwrap();
    assert!(view(&bob, code).await.you.muted && !view(&ada.device, code).await.you.muted);
    assert_eq!((view(&ada.device, code).await.you.notify, view(&bob, code).await.you.notify), (None, MUTED));

    // Muting is a short form of it.
    for (muted, notify) in [(true, MUTED), (false, None)] {
        ada.device.tell(PUT, "/api/rooms/mute", json!({ "code": code, "muted": muted })).await.unwrap();
        assert_eq!(view(&ada.device, code).await.you.notify, notify);
    }

    bob.leave(code).await;
    assert_eq!(set_notify(&bob, code, None).await, Err((403, Code::NotAMember)));
    assert_eq!(set_notify(&bob, RoomCode::from_bits(7), MUTED).await, Err((404, Code::RoomUnavailable)));
    ada.device.say(code, "While Bob is away").await;
    let back = bob.join(code).await;
    assert_eq!(back.you.notify, MUTED);
    assert_eq!(back.you.read, back.head, "up to one’s own coming back");

    bob.register(&new_address()).await;
    assert_eq!(view(&bob, code).await.you.notify, MUTED, "a guest who registers keeps it");
    let data: serde_json::Value = bob.ask(Method::GET, "/api/users/me/data", ()).await.unwrap();
    assert_eq!((&data["rooms"][0]["notify"], &data["rooms"][0]["read"].is_u64()), (&json!("none"), &true));
}
