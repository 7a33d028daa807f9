//! The fold and the replica, as properties with random logs (proptest).
//!
//! However deliveries are split, repeated or reordered, the resulting room is the same. A snapshot plus the events
//! after it equals the whole log.

use anonchat::protocol::{
    Applied, ClientId, Epoch, Event, EventKind, HistoryPage, MemberId, MemberView, Message, MessageBody, Nickname,
    OwnerChange, Person, Received, Replica, Retention, Role, RoomCode, RoomState, RoomType, RoomView, Snapshot, You,
};
use proptest::prelude::*;
use uuid::Uuid;

fn person(id: u64) -> Person {
    Person { id: MemberId::from_bits(id), name: Nickname::try_from(format!("Person {id}")).unwrap() }
}

fn kind() -> impl Strategy<Value = EventKind> {
    let who = 1u64..6;
    prop_oneof![
        3 => (who.clone(), any::<u128>()).prop_map(|(who, id)| EventKind::Message(Message::new(0, ClientId::new(Uuid::from_u128(id)), person(who), MessageBody::try_from("hello").unwrap()))),
        2 => who.clone().prop_map(|who| EventKind::Joined { member: person(who) }),
        1 => who.clone().prop_map(|who| EventKind::Left { member: person(who) }),
        1 => who.clone().prop_map(|who| EventKind::Removed { member: person(who), by: person(9) }),
        1 => who.clone().prop_map(|who| EventKind::Renamed { name: None, by: person(who) }),
        1 => (who, any::<bool>()).prop_map(|(who, given)| EventKind::Owner {
            member: person(who),
            by: given.then(|| person(9)),
            why: if given { OwnerChange::Given } else { OwnerChange::Inherited },
        }),
        1 => Just(serde_json::from_str(r#"{"danced":{"with":[1]}}"#).unwrap()),
        1 => any::<bool>().prop_map(|peek| EventKind::PeekChanged { peek, by: person(9) }),
        1 => any::<bool>().prop_map(|keep| EventKind::RetentionChanged { retention: keep.into(), by: person(9), n: 0 }),
    ]
}

/// A log as a server writes it, without holes in the seqs and message numbers.
fn log() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(kind(), 1..60).prop_map(|kinds| {
        let mut n = 0;
        let number = |(i, mut kind): (usize, EventKind)| {
            match &mut kind {
                EventKind::Message(message) => {
                    n += 1;
                    message.n = n;
                }
                EventKind::RetentionChanged { n: so_far, .. } => *so_far = n,
                _ => {}
            }
            let seq = i as u64 + 1;
            Event { seq, at: 1_000, kind }
        };
        kinds.into_iter().enumerate().map(number).collect()
    })
}

/// The room after the first `count` events, with the last `window` of them, as a server's snapshot.
fn snapshot(log: &[Event], count: usize, window: usize) -> Snapshot {
    let mut state = RoomState::of(&empty());
    for event in &log[..count] {
        assert_eq!(state.apply(event), Applied::Fresh);
    }
    let room = RoomView {
        name: state.name.clone(),
        retention: state.retention,
        peek: state.peek,
        owner: state.owner,
        ..empty().room
    };
    Snapshot {
        room,
        head: state.head,
        last_n: state.last_n,
        members: state.members.iter().map(|(id, member)| member.view(*id)).collect(),
        events: log[count.saturating_sub(window)..count].to_vec(),
        has_more: count > window,
        ..empty()
    }
}

/// A room without events.
pub fn empty() -> Snapshot {
    Snapshot {
        room: RoomView {
            code: RoomCode::from_bits(7),
            room_type: RoomType::Group,
            name: None,
            retention: Retention::Ephemeral,
            peek: true,
            owner: person(9).id,
            created_at: 0,
            kept_days: 0,
            edit_minutes: 15,
        },
        you: You {
            member_id: person(9).id,
            nickname: person(9).name,
            role: Role::Owner,
            read: 0,
            unread: 0,
            muted: false,
            notify: None,
            also: Vec::new(),
        },
        epoch: Epoch::from_bits(1),
        head: 0,
        last_n: 0,
        members: Vec::new(),
        connected: Vec::new(),
        reads: Vec::new(),
        departed: Vec::new(),
        events: Vec::new(),
        has_more: false,
        leaves_after: None,
        expected: None,
        from: None,
        quotes: Vec::new(),
    }
}

fn fed_in_order(log: &[Event]) -> Replica {
    let mut replica = Replica::new(empty());
    for event in log {
        assert_eq!(replica.receive(event.clone()), Received::Applied(1));
    }
    replica
}

proptest! {
    #[test]
    fn what_a_device_keeps_is_the_same_room_with_nothing_from_before_it_kept_messages(log in log(), most in 0usize..40) {
        let whole = fed_in_order(&log);
        let Some(kept) = whole.to_keep(most) else {
            prop_assert_eq!(whole.state.retention, Retention::Ephemeral);
            return Ok(());
        };
        prop_assert!(kept.events.len() <= most);
        let turned_on = log.iter().rposition(|event| matches!(event.kind, EventKind::RetentionChanged { .. }));
        prop_assert!(kept.events.iter().all(|event| event.seq > turned_on.unwrap_or_default() as u64));
        let replica = Replica::new(kept);
        prop_assert_eq!(&replica.state, &whole.state);
        prop_assert_eq!(replica.resume_point(), whole.resume_point());
    }

    #[test]
    fn deliveries_in_any_order_and_number_give_the_same_room(
        log in log(),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..200),
    ) {
        let whole = fed_in_order(&log);
        let mut replica = Replica::new(empty());
        for pick in order {
            replica.receive(log[pick.index(log.len())].clone());
        }
        // Resumes: delivers everything after the replica's position.
        let (_, after) = replica.resume_point();
        for event in log.iter().filter(|event| event.seq > after) {
            replica.receive(event.clone());
        }
        prop_assert_eq!(&replica.state, &whole.state);
        prop_assert_eq!(&replica.events, &whole.events);
    }

    #[test]
    fn a_snapshot_plus_the_rest_equals_the_whole(log in log(), at in any::<prop::sample::Index>(), window in 0usize..70) {
        let count = at.index(log.len() + 1);
        let mut replica = Replica::new(snapshot(&log, count, window));
        for event in &log {
            replica.receive(event.clone());
        }
        let whole = fed_in_order(&log);
        prop_assert_eq!(&replica.state, &whole.state);
        let from = count.saturating_sub(window);
        prop_assert_eq!(&replica.events[..], &whole.events[from..]);
    }

    #[test]
    fn a_reset_in_the_same_epoch_doubles_nothing_and_never_leaves_a_silent_hole(
        log in log(),
        known in any::<prop::sample::Index>(),
        window in 0usize..70,
    ) {
        let known = known.index(log.len() + 1);
        let mut replica = Replica::new(snapshot(&log, known, 10));
        replica.reset(snapshot(&log, log.len(), window));
        let seqs: Vec<u64> = replica.events.iter().map(|event| event.seq).collect();
        prop_assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{:?}", seqs);
        prop_assert_eq!(replica.state.head, log.len() as u64);
        if let Some(last) = seqs.last() {
            prop_assert_eq!(*last, log.len() as u64);
        }
    }

    #[test]
    fn a_log_that_ends_earlier_than_it_did_takes_nothing_off_the_screen_and_shows_nothing_twice(
        log in log(),
        known in any::<prop::sample::Index>(),
        back in any::<prop::sample::Index>(),
        window in 0usize..70,
    ) {
        let known = known.index(log.len() + 1);
        let mut replica = fed_in_order(&log[..known]);
        replica.reset(snapshot(&log, back.index(known + 1), window));
        prop_assert!(said(&replica.events) == said(&log[..known]), "what was said is still there");
        for event in &log {
            replica.receive(event.clone());
        }
        let whole = fed_in_order(&log);
        prop_assert_eq!(said(&replica.events), said(&whole.events));
        prop_assert_eq!(&replica.state, &whole.state);
        prop_assert_eq!(replica.events.len(), whole.events.len());
    }
}

/// One step in the life of a page that stays open.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// The log grows by so many events, which the page receives or misses.
    Goes { by: usize, heard: bool },
    /// The page reconnects with a snapshot of the last so many events.
    Restarts { window: usize },
    /// The log is lost and begins again with so many events, and the page gets a snapshot of them.
    IsLost { by: usize },
    /// The page requests history above its timeline as it is at this moment.
    Asks,
    /// The answer to that request arrives.
    Answers,
    /// The page forgets all but the last so many events.
    Forgets { keep: usize },
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        3 => (1usize..30, any::<bool>()).prop_map(|(by, heard)| Turn::Goes { by, heard }),
        2 => (0usize..20).prop_map(|window| Turn::Restarts { window }),
        1 => (0usize..10).prop_map(|by| Turn::IsLost { by }),
        3 => Just(Turn::Asks),
        3 => Just(Turn::Answers),
        2 => (0usize..20).prop_map(|keep| Turn::Forgets { keep }),
    ]
}

/// A timeline can be empty twice, with events between that it does not have.
#[test]
fn a_page_that_was_asked_for_before_the_head_moved_is_not_put_into_an_empty_timeline() {
    let joined = |seq| Event { seq, at: 0, kind: EventKind::Joined { member: person(seq) } };
    let log = [joined(1), joined(2)];
    let mut replica = Replica::new(snapshot(&log, 1, 0));
    let top = replica.top();
    replica.reset(snapshot(&log, 2, 0));
    assert!(!replica.prepend(top, HistoryPage { events: vec![joined(1)], has_more: false, quotes: Vec::new() }));
    assert!(replica.prepend(
        replica.top(),
        HistoryPage { events: vec![joined(2), joined(1)], has_more: false, quotes: Vec::new() }
    ));
    assert_eq!(replica.events, log);
}

proptest! {
    #[test]
    fn whatever_comes_between_asking_for_history_and_its_answer_no_hole_is_left(turns in prop::collection::vec(turn(), 1..80)) {
        const PAGE: usize = 7;
        let mut life = 1;
        let say = |life: u64, seq: u64| Event {
            seq,
            at: 0,
            kind: EventKind::Message(Message::new(seq, ClientId::new(Uuid::from_u128(u128::from(life) << 64 | u128::from(seq))), person(9), MessageBody::try_from("hello").unwrap())),
        };
        let mut log: Vec<Event> = Vec::new();
        let mut replica = Replica::new(empty());
        let mut asked = None;
        for turn in turns {
            match turn {
                Turn::Goes { by, heard } => {
                    for _ in 0..by {
                        log.push(say(life, log.len() as u64 + 1));
                        if heard {
                            replica.receive(log.last().unwrap().clone());
                        }
                    }
                }
                Turn::Restarts { window } => {
                    replica.reset(Snapshot { epoch: Epoch::from_bits(life), ..snapshot(&log, log.len(), window) });
                }
                Turn::IsLost { by } => {
                    life += 1;
                    log = (1..=by as u64).map(|seq| say(life, seq)).collect();
                    replica.reset(Snapshot { epoch: Epoch::from_bits(life), ..snapshot(&log, by, by) });
                }
                Turn::Asks => {
                    let top = replica.top();
                    let above = log.iter().rev().filter(|event| event.seq < top.first);
                    let mut events: Vec<Event> = above.take(PAGE + 1).cloned().collect();
                    let has_more = events.len() > PAGE;
                    events.truncate(PAGE);
                    asked = replica.has_more.then_some((top, HistoryPage { events, has_more, quotes: Vec::new() }));
                }
                Turn::Answers => {
                    if let Some((top, page)) = asked.take() {
                        let fits = top == replica.top();
                        prop_assert_eq!(replica.prepend(top, page), fits);
                    }
                }
                Turn::Forgets { keep } => replica.forget_old(keep),
            }
            let shown: Vec<(u128, u64)> = replica
                .events
                .iter()
                .map(|event| (event.message().unwrap().id.uuid().as_u128() >> 64, event.seq))
                .collect();
            for pair in shown.windows(2) {
                prop_assert!(pair[0].0 < pair[1].0 || pair[1] == (pair[0].0, pair[0].1 + 1), "a hole in {:?}", shown);
            }
            let of_now = shown.iter().find(|(of, _)| *of == u128::from(life)).map(|(_, seq)| *seq);
            let begins = of_now.unwrap_or(replica.state.head + 1);
            prop_assert!(begins == 1 || replica.has_more, "what is above {begins} is never asked for: {:?}", shown);
        }
    }
}

/// The ids of the messages in a timeline, in order.
fn said(events: &[Event]) -> Vec<ClientId> {
    events.iter().filter_map(|event| event.message().map(|message| message.id)).collect()
}

#[test]
fn what_was_on_the_screen_stays_there_in_a_new_epoch_and_a_message_sent_again_is_not_shown_twice() {
    let say = |seq: u64, id: u128| Event {
        seq,
        at: 0,
        kind: EventKind::Message(Message::new(
            seq,
            ClientId::new(Uuid::from_u128(id)),
            person(9),
            MessageBody::try_from("hello").unwrap(),
        )),
    };
    let mut replica = fed_in_order(&[say(1, 1), say(2, 2)]);
    replica.queue(ClientId::new(Uuid::from_u128(3)), MessageBody::try_from("hello").unwrap());
    replica.reset(Snapshot { epoch: Epoch::from_bits(2), head: 1, events: vec![say(1, 4)], ..empty() });
    replica.receive(say(2, 2));
    replica.receive(say(3, 3));
    let ids: Vec<u128> = replica.events.iter().map(|e| e.message().unwrap().id.uuid().as_u128()).collect();
    assert_eq!(ids, [1, 2, 4, 3]);
    assert_eq!(replica.outbox.len(), 0, "what was waiting is in the log now");
}

#[test]
fn who_comes_again_is_a_member_since_then() {
    let ada = person(1);
    let kinds = [
        EventKind::Joined { member: ada.clone() },
        EventKind::Joined { member: ada.clone() },
        EventKind::Left { member: ada.clone() },
        EventKind::Joined { member: ada.clone() },
    ];
    let log = kinds.into_iter().zip(1..).map(|(kind, seq)| Event { seq, at: 0, kind });
    let mut state = RoomState::of(&empty());
    let since = log.map(|event| {
        state.apply(&event);
        state.members.get(&ada.id).map(|member| member.since)
    });
    assert_eq!(since.collect::<Vec<_>>(), [Some(1), Some(1), None, Some(4)]);
}

#[test]
fn a_snapshot_of_the_previous_build_says_of_nobody_since_when_they_are_there() {
    let mut json = serde_json::to_value(Snapshot {
        members: vec![MemberView { id: person(1).id, name: person(1).name, since: 3 }],
        ..empty()
    })
    .unwrap();
    json["members"][0].as_object_mut().unwrap().remove("since");
    let state = RoomState::of(&serde_json::from_value(json).unwrap());
    assert_eq!(state.members[&person(1).id].since, 0);
}
