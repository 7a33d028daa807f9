//! Reactions to messages, on both stacks: who may, what everybody sees, and what a crowd of them leaves alone.

use anonchat::protocol::{Code, Event, MemberId, Message, Reaction, Replica, RoomType, Target};
use futures_util::future::join_all;

use super::wire::{limited, two_in_a_room, two_on, view};
use crate::support::{
    Follower, Guest, Node, Settings,
    client::{Refused, new_id, target},
    on_both_stacks, poll_until, refusal,
};

/// The reactions to a message: each emoji with its number, and `*` if one of these ids is among those who reacted.
fn told(message: &Message, ids: &[MemberId]) -> String {
    let reaction = |reaction: &Reaction| {
        let is_own = ids.iter().any(|id| reaction.is_by(*id));
        format!("{}{}{}", reaction.e.as_str(), reaction.n, if is_own { "*" } else { "" })
    };
    message.reactions.iter().map(reaction).collect::<Vec<_>>().join(" ")
}

/// The reactions of a message as a follower has them. Nothing if the follower does not have the message.
fn shown(follower: &Follower, of: Target) -> String {
    let message = follower.replica.events.iter().find(|event| event.seq == of.seq).and_then(Event::message);
    message.map(|message| told(message, &[follower.id()])).unwrap_or_default()
}

async fn until_shown(follower: &mut Follower, of: Target, expected: &str) {
    follower.hear_until(expected, |follower| shown(follower, of) == expected).await;
}

#[tokio::test]
async fn a_reaction_is_seen_by_who_is_there_and_by_who_comes_later_and_goes_with_the_message() {
    on_both_stacks(async |one, two| {
        for preserve in [false, true] {
            let (mut ada, mut bob) = two_on(one, two, preserve).await;
            let (code, ada_here, bob_there) = (ada.code, ada.guest.at(one), bob.guest.at(two));
            let mut late = bob_there.follow(code).await;
            let said = target(ada.say("Lunch?").await);
            late.until_said("Lunch?").await;
            drop(late.socket);

            bob.react(said, "👍🏽", true).await.unwrap();
            let again = bob.react(said, "👍", true).await.unwrap();
            assert_eq!(bob.react(said, "👍", true).await, Ok(again), "it is like that already");
            ada_here.react(code, said, "👍", true).await.unwrap();
            ada_here.react(code, said, "❤", true).await.unwrap();
            for (follower, expected) in [(&mut ada, "👍2* ❤️1*"), (&mut bob, "👍2* ❤️1")] {
                until_shown(follower, said, expected).await;
            }
            bob_there.react(code, said, "👍", false).await.unwrap();
            until_shown(&mut ada, said, "👍1* ❤️1*").await;
            let in_history = bob_there.whole_history(code).await;
            let message = in_history.iter().find(|event| event.seq == said.seq).unwrap().message().unwrap();
            assert_eq!(told(message, &[bob.id()]), "👍1 ❤️1");
            assert_eq!(shown(&bob_there.follow(code).await, said), "👍1 ❤️1", "in a snapshot");
            late.socket = bob_there.try_connect().await.unwrap();
            assert!(late.try_reconnect().await);
            until_shown(&mut late, said, "👍1 ❤️1").await;

            for (emoji, code) in [("thumbs", Code::InvalidInput), ("👍👍", Code::InvalidInput)] {
                assert_eq!(bob.react(said, emoji, true).await, Err(code));
            }
            assert_eq!(refusal(bob_there.react(code, said, "", true).await), (400, Code::InvalidInput));
            let other = Target { id: new_id(), ..said };
            assert_eq!(bob.react(other, "👍", true).await, Err(Code::MessageGone));

            ada.delete(said).await.unwrap();
            until_shown(&mut bob, said, "").await;
            assert_eq!(bob.react(said, "👍", true).await, Err(Code::MessageGone));
            assert_eq!(shown(&bob_there.follow(code).await, said), "");
        }
    })
    .await;
}

#[tokio::test]
async fn two_nodes_whose_people_react_at_once_agree() {
    on_both_stacks(async |one, two| {
        for preserve in [false, true] {
            let (mut ada, mut bob) = two_on(one, two, preserve).await;
            let (code, ada_here, bob_there) = (ada.code, ada.guest.at(one), bob.guest.at(two));
            let said = target(ada.say("Now").await);
            bob.until_said("Now").await;
            for round in 0..4 {
                let on = round % 2 == 0;
                let (here, there, heart) = tokio::join!(
                    ada_here.react(code, said, "👍", on),
                    bob_there.react(code, said, "👍", on),
                    bob_there.react(code, said, "❤️", !on),
                );
                for reacted in [here, there, heart] {
                    reacted.unwrap();
                }
            }
            let last = ada.say("Last").await.seq;
            for follower in [&mut ada, &mut bob] {
                follower.until("all is known", |replica| replica.state.head >= last).await;
            }
            assert_eq!((shown(&ada, said), shown(&bob, said)), ("❤️1".to_owned(), "❤️1*".to_owned()));
            assert_eq!(shown(&ada_here.at(two).follow(code).await, said), "❤️1");
        }
    })
    .await;
}

#[tokio::test]
async fn a_message_has_so_many_reactions_and_one_person_a_few_of_them() {
    let node = Node::start(&Settings::embedded()).await;
    let (mut ada, mut bob) = two_in_a_room(&node, false).await;
    let said = target(ada.say("One").await);
    let emoji = [
        "😀", "😃", "😄", "😁", "😆", "😅", "🤣", "😂", "🙂", "🙃", "😉", "😊", "😇", "🥰", "😍", "🤩", "😘", "😗",
        "☺️", "😚",
    ];
    let mut people = Vec::new();
    for five in emoji.chunks(5) {
        let guest = Guest::new(&node, "Guest");
        guest.join(ada.code).await;
        for reacted in join_all(five.iter().map(|e| guest.react(ada.code, said, e, true))).await {
            reacted.unwrap();
        }
        people.push(guest);
    }
    assert_eq!(refusal(people[0].react(ada.code, said, "😚", true).await), (409, Code::TooManyReactions), "a sixth");
    assert_eq!(bob.react(said, "👍", true).await, Err(Code::TooManyReactions), "a twenty-first");
    bob.react(said, "😚", true).await.unwrap();
    people[0].react(ada.code, said, "😀", false).await.unwrap();
    bob.react(said, "👍", true).await.unwrap();
    ada.until("all is known", |replica| {
        let message = replica.events.iter().rev().find_map(Event::message);
        let reactions = message.map(|message| &message.reactions[..]).unwrap_or_default();
        reactions.len() == 20 && reactions.last().is_some_and(|reaction| reaction.e.as_str() == "👍")
    })
    .await;
}

#[tokio::test]
async fn of_a_crowd_the_first_are_named_and_everybody_finds_their_own() {
    on_both_stacks(async |one, two| {
        for preserve in [false, true] {
            let (mut ada, _) = two_on(one, two, preserve).await;
            let guests: Vec<Guest> = (0..60).map(|i| Guest::new(two, &format!("Guest {i}"))).collect();
            join_all(guests.iter().map(|guest| guest.join(ada.code))).await;
            let said = target(ada.say("Who is in?").await);
            for reacted in join_all(guests.iter().map(|guest| guest.react(ada.code, said, "👍", true))).await {
                reacted.unwrap();
            }
            until_shown(&mut ada, said, "👍60").await;
            let find = |events: &[Event]| events.iter().find(|event| event.seq == said.seq).cloned().unwrap();
            for guest in &guests {
                let (page, history) = (view(guest, ada.code).await.unwrap(), guest.history(ada.code, None).await);
                let own = page.you.member_id;
                for event in [find(&page.events), find(&history.events)] {
                    let reaction = &event.message().unwrap().reactions[0];
                    assert_eq!((reaction.n, reaction.who.len()), (60, 50));
                    assert!(reaction.is_by(own));
                    assert!(reaction.more.iter().all(|id| *id == own), "nobody else's id");
                }
            }
            for reacted in join_all(guests.iter().map(|guest| guest.react(ada.code, said, "👍", false))).await {
                reacted.unwrap();
            }
            until_shown(&mut ada, said, "").await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_reaction_makes_nothing_unread_and_leaves_a_list_alone() {
    on_both_stacks(async |one, two| {
        let (ada, _) = Guest::registered(one, "Ada").await;
        let bob = Guest::new(two, "Bob");
        let code = bob.create(RoomType::Group, true).await.room.code;
        ada.join(code).await;
        let mut bob = bob.follow(code).await;
        let said = target(bob.say("One").await);
        let list = async || ada.list().await.into_iter().next().unwrap();
        poll_until("it is unread", || async { list().await.unread == 1 }).await;
        let before = list().await;
        let reacted = bob.react(said, "👍", true).await.unwrap();
        let mut page = ada.follow(code).await;
        until_shown(&mut page, said, "👍1").await;
        assert_eq!(page.replica.state.head, reacted);
        assert_eq!(view(&ada, code).await.unwrap().you.unread, 1);
        assert_eq!((list().await.unread, list().await.at), (1, before.at));
    })
    .await;
}

#[tokio::test]
async fn what_was_said_in_another_time_of_the_room_takes_no_reaction() {
    on_both_stacks(async |one, two| {
        let (ada, bob) = (Guest::new(one, "Ada"), Guest::new(two, "Bob"));
        let code = ada.create(RoomType::Group, true).await.room.code;
        bob.join(code).await;
        let mut page = bob.follow(code).await;
        let kept = target(page.say("Kept").await);
        page.react(kept, "👍", true).await.unwrap();
        ada.preserve(code, false).await.unwrap();
        page.until("nothing is kept", |replica| !replica.room_keeps_messages()).await;
        assert_eq!(page.react(kept, "❤️", true).await, Err(Code::KeptElsewhere));
        let passing = target(page.say("Passing").await);
        page.react(passing, "👍", true).await.unwrap();
        ada.preserve(code, true).await.unwrap();
        page.until("it is kept again", Replica::room_keeps_messages).await;
        assert_eq!(page.react(passing, "❤️", true).await, Err(Code::MessageGone), "it was never kept");
        assert_eq!(shown(&page, kept), "👍1*");
    })
    .await;
}

#[tokio::test]
async fn reactions_have_a_limit_of_their_own() {
    let node = Node::start(&limited()).await;
    let (mut ada, _) = two_in_a_room(&node, false).await;
    let said = target(ada.say("One").await);
    let tried = join_all((0..25).map(|_| ada.guest.react(ada.code, said, "👍", true))).await;
    let is_limited = |refused: &Refused| refused.problem.code == Code::TooManyRequests;
    let limited = tried.iter().filter(|tried| tried.as_ref().is_err_and(is_limited)).count();
    assert!((4..=5).contains(&limited), "{tried:?}");
    ada.delete(said).await.unwrap();
}
