//! Tests of tails.

use std::slice;

use super::*;

pub async fn a_tail_is_opened_once_and_then_read_as_it_stands(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    assert_eq!(b.tail(room, 0).await.unwrap(), None);

    let tail = a.open_tail(room, epoch(7), 40, 30, 0).await.unwrap();
    assert_eq!(tail, Tail { epoch: epoch(7), head: 40, n: 30, sealed_by: None, events: vec![] });

    assert_eq!(append(a, room, epoch(7), &[joined(41), said(42, 1, 1, "Hello")]).await, TailAppended::Done);
    let tail = b.open_tail(room, epoch(8), 0, 0, 0).await.unwrap();
    assert_eq!((tail.epoch, tail.head, tail.n), (epoch(7), 42, 42));
    assert_eq!(tail.events, [joined(41), said(42, 1, 1, "Hello")]);
    assert_eq!(b.tail(room, 0).await.unwrap(), Some(tail));
}

pub async fn a_tail_is_read_after_a_seq_without_holes_up_to_its_head(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    append(a, room, epoch(1), &(1..=12).map(joined).collect::<Vec<_>>()).await;

    for after in 0..=13 {
        let tail = b.tail(room, after).await.unwrap().unwrap();
        assert_eq!(tail.head, 12);
        assert_eq!(seqs(&tail), (after + 1..=12).collect::<Vec<_>>());
        assert_eq!(b.open_tail(room, epoch(1), 0, 0, after).await.unwrap(), tail);
    }
}

pub async fn texts_of_an_older_rule_are_read_back(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    let nobody = Person { id: MemberId::from_bits(1), name: Nickname::stored("\u{115F}") };
    let (id, body) = (ClientId::new(Uuid::from_u128(1)), MessageBody::stored("\u{200B}"));
    let joined = Event { seq: 1, at: 1_000, kind: EventKind::Joined { member: nobody.clone() } };
    let said = Event { seq: 2, at: 1_000, kind: EventKind::Message(Message::new(1, id, nobody, body)) };
    append(a, room, epoch(1), &[joined.clone(), said.clone()]).await;
    assert_eq!(b.tail(room, 0).await.unwrap().unwrap().events, [joined, said]);
}

pub async fn a_kind_of_a_later_version_is_kept_as_it_is(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    let later = r#"{"danced":{"with":[{"z":1.50,"a":null}],"body":"\u2028","seq":12345678901234567890123}}"#;
    let danced = Event { seq: 2, at: 1_000, kind: serde_json::from_str(later).unwrap() };
    assert_eq!(append(a, room, epoch(1), &[joined(1), danced]).await, TailAppended::Done);
    b.rewrite_tail(room, epoch(1), &[joined(1)]).await.unwrap();
    let tail = b.tail(room, 0).await.unwrap().unwrap();
    assert_eq!(serde_json::to_string(&tail.events[1].kind).unwrap(), later);
    assert_eq!(b.tail_before(room, 1, None, 9).await.unwrap()[0], tail.events[1]);
}

pub async fn what_a_tail_has_is_rewritten_and_goes_on(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.rewrite_tail(room, epoch(1), &[said(41, 1, 1, "Other")]).await.unwrap();
    assert_eq!(a.tail(room, 0).await.unwrap(), None, "none is made");
    a.open_tail(room, epoch(1), 40, 40, 0).await.unwrap();
    let events = [said(41, 1, 1, "One"), said(42, 2, 2, "Two"), said(43, 1, 3, "Three")];
    append(a, room, epoch(1), &events).await;

    b.rewrite_tail(room, epoch(2), &[said(42, 2, 2, "Of another epoch")]).await.unwrap();
    assert_eq!(a.tail(room, 0).await.unwrap().unwrap().events, events);
    b.rewrite_tail(room, epoch(1), &[said(40, 1, 9, "Gone"), said(41, 1, 1, "Other"), said(43, 1, 3, "Other")])
        .await
        .unwrap();
    let expected = [said(41, 1, 1, "Other"), said(42, 2, 2, "Two"), said(43, 1, 3, "Other")];
    let tail = Tail { epoch: epoch(1), head: 43, n: 43, sealed_by: None, events: expected.to_vec() };
    assert_eq!(a.tail(room, 0).await.unwrap(), Some(tail));

    let again = append(a, room, epoch(1), &[said(44, 1, 1, "One")]).await;
    let earlier = Earlier { index: 0, seq: 41, at: 1_041, same_body: true };
    assert_eq!(again, TailAppended::IdTaken(earlier), "an id still stands for what was said first");
    assert_eq!(append(b, room, epoch(1), &[said(44, 2, 4, "Four")]).await, TailAppended::Done);
    assert_eq!(seqs(&a.tail(room, 41).await.unwrap().unwrap()), [42, 43, 44]);
}

pub async fn what_a_batch_changes_is_replaced_in_the_same_step(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 40, 40, 0).await.unwrap();
    let events = [said(41, 1, 1, "One"), said(42, 2, 2, "Two"), said(43, 1, 3, "Three")];
    append(a, room, epoch(1), &events).await;
    let (gone, other) = (said(40, 1, 9, "Dropped before"), said(42, 2, 2, "Other"));
    let changed = [gone, other.clone()];
    let touch = async |seq| b.append_tail(room, epoch(1), &[joined(seq)], &changed, Bytes::new()).await.unwrap();
    assert_eq!(touch(43).await, TailAppended::Stale);
    assert_eq!(a.tail(room, 40).await.unwrap().unwrap().events, events, "all or nothing");
    assert_eq!(touch(44).await, TailAppended::Done);
    let expected = [events[0].clone(), other, events[2].clone(), joined(44)];
    let tail = Tail { epoch: epoch(1), head: 44, n: 43, sealed_by: None, events: expected.to_vec() };
    assert_eq!(a.tail(room, 40).await.unwrap(), Some(tail));
    let mut page = a.tail_before(room, 42, Some(44), 9).await.unwrap();
    page.reverse();
    assert_eq!(page, expected[1..3]);
    assert_eq!(append(a, room, epoch(1), &[said(45, 1, 5, "Five")]).await, TailAppended::Done);
    let again = append(a, room, epoch(1), &[said(46, 2, 2, "Two")]).await;
    let earlier = Earlier { index: 0, seq: 42, at: 1_042, same_body: true };
    assert_eq!(again, TailAppended::IdTaken(earlier), "an id still stands for what was said first");
}

pub async fn reactions_change_a_message_and_leave_what_was_said_in_the_tail(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 40, 40, 0).await.unwrap();
    let mut first = said(41, 1, 1, "One");
    let second = said(42, 2, 2, "Two");
    append(a, room, epoch(1), &[first.clone(), second.clone()]).await;
    let target = Target { seq: 41, id: first.message().unwrap().id };
    let react = async |bus: &dyn Bus, seq: Seq, message: &mut Event| {
        let who = vec![MemberId::from_bits(seq)];
        let change = ReactionChange { target, e: Emoji::stored("👍"), on: true, who };
        let reacted = Event { seq, at: 1_000, kind: EventKind::Reacted { changes: vec![change] } };
        message.fold(&reacted);
        let changed = [message.clone(), said(40, 1, 9, "Dropped before")];
        let appended =
            bus.append_tail(room, epoch(1), slice::from_ref(&reacted), &changed, Bytes::new()).await.unwrap();
        (appended, reacted)
    };
    let mut last = Vec::new();
    let end = 42 + TAIL_REACTED as u64 + 10;
    for seq in 43..=end {
        let (appended, reacted) = react(a, seq, &mut first).await;
        assert_eq!(appended, TailAppended::Done);
        last.push(reacted);
    }
    assert_eq!(react(b, end, &mut first.clone()).await.0, TailAppended::Stale);
    let expected = [&[first.clone(), second.clone()], &last[10..]].concat();
    let tail = Tail { epoch: epoch(1), head: end, n: 42, sealed_by: None, events: expected };
    assert_eq!(b.tail(room, 40).await.unwrap(), Some(tail), "only the oldest reactions are dropped");
    assert_eq!(b.tail(room, end - 1).await.unwrap().unwrap().events, last[last.len() - 1..]);
    assert_eq!(b.tail_before(room, 0, None, 9).await.unwrap(), [second.clone(), first.clone()], "without reactions");

    // Another change of the message, and one of its author's name, replace it with its reactions.
    for text in ["Uno", "Eins"] {
        let EventKind::Message(message) = &mut first.kind else { unreachable!() };
        message.body = MessageBody::try_from(text).unwrap();
        if text == "Uno" {
            let edited =
                b.append_tail(room, epoch(1), &[joined(end + 1)], slice::from_ref(&first), Bytes::new()).await.unwrap();
            assert_eq!(edited, TailAppended::Done);
        } else {
            b.rewrite_tail(room, epoch(1), slice::from_ref(&first)).await.unwrap();
        }
        assert_eq!(a.tail(room, 40).await.unwrap().unwrap().events[0], first);
    }
    // What is dropped is dropped with its reactions.
    let fill: Vec<Event> = (end + 2..=end + 1 + TAIL_EVENTS as u64).map(joined).collect();
    append(a, room, epoch(1), &fill).await;
    assert_eq!(b.tail(room, 0).await.unwrap().unwrap().events, fill);
}

pub async fn a_tail_is_read_backwards_in_pages(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    assert!(b.tail_before(room, 0, None, 10).await.unwrap().is_empty(), "there is no tail");
    a.open_tail(room, epoch(1), 40, 0, 0).await.unwrap();
    assert!(b.tail_before(room, 0, None, 10).await.unwrap().is_empty(), "nothing is in it");
    let events: Vec<_> = (41..=52).map(joined).collect();
    append(a, room, epoch(1), &events).await;

    assert_eq!(b.tail_before(room, 0, None, 1).await.unwrap(), events[11..]);
    let page = async |from, before, limit| {
        let events = b.tail_before(room, from, before, limit).await.unwrap();
        events.iter().map(|event| event.seq).collect::<Vec<_>>()
    };
    assert_eq!(page(0, None, 3).await, [52, 51, 50]);
    assert_eq!(page(0, Some(50), 3).await, [49, 48, 47]);
    assert_eq!(page(48, Some(50), 3).await, [49, 48]);
    assert_eq!(page(0, Some(43), 3).await, [42, 41]);
    assert_eq!(page(51, Some(1_000), 3).await, [52, 51]);
    for (from, before, limit) in [(0, Some(41), 3), (0, Some(0), 3), (50, Some(50), 3), (53, None, 3), (0, None, 0)] {
        assert!(page(from, before, limit).await.is_empty(), "{from} {before:?} {limit}");
    }
}

pub async fn an_append_that_does_not_follow_the_head_is_stale_and_writes_nothing(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    assert_eq!(append(a, room, epoch(1), &[joined(1), joined(2)]).await, TailAppended::Done);

    for first in [1, 2, 4] {
        let late = [said(first, 1, 1, "Late"), joined(first + 1)];
        assert_eq!(append(b, room, epoch(1), &late).await, TailAppended::Stale);
    }
    let tail = b.tail(room, 0).await.unwrap().unwrap();
    assert_eq!((tail.head, tail.n, seqs(&tail)), (2, 0, vec![1, 2]));
    assert_eq!(append(b, room, epoch(1), &[said(3, 1, 1, "Now")]).await, TailAppended::Done);
}

pub async fn two_racing_appenders_make_one_gapless_order(a: &dyn Bus, b: &dyn Bus) {
    const EACH: u64 = 100;
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();

    let race = async |bus: &dyn Bus, author: u64| {
        let (mut head, mut sent) = (0, 0);
        while sent < EACH {
            let next = said(head + 1, author, u128::from(sent), &sent.to_string());
            match append(bus, room, epoch(1), &[next]).await {
                TailAppended::Done => (head, sent) = (head + 1, sent + 1),
                TailAppended::Stale => head = bus.tail(room, head).await.unwrap().unwrap().head,
                other => panic!("{other:?}"),
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(race(a, 1), race(b, 2));

    let tail = a.tail(room, 0).await.unwrap().unwrap();
    assert_eq!(seqs(&tail), (1..=2 * EACH).collect::<Vec<_>>());
    for author in [1, 2] {
        let messages = tail.events.iter().filter_map(Event::message);
        let own = messages.filter(|message| message.author.id == MemberId::from_bits(author));
        let order: Vec<_> = own.map(|message| message.id.uuid().as_u128()).collect();
        assert_eq!(order, (0..u128::from(EACH)).collect::<Vec<_>>());
    }
    assert_eq!(b.tail(room, 0).await.unwrap(), Some(tail));
}

pub async fn a_message_id_is_taken_once_whatever_its_body_and_author(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    append(a, room, epoch(1), &[joined(1), said(2, 1, 9, "Hello")]).await;

    let earlier = |same_body| Earlier { index: 0, seq: 2, at: 1_002, same_body };
    let again = append(b, room, epoch(1), &[said(3, 1, 9, "Hello")]).await;
    assert_eq!(again, TailAppended::IdTaken(earlier(true)));
    let changed = append(b, room, epoch(1), &[said(3, 1, 9, "Goodbye")]).await;
    assert_eq!(changed, TailAppended::IdTaken(earlier(false)));
    // A node that has not read the message yet gets `IdTaken`, not `Stale`.
    let behind = append(b, room, epoch(1), &[said(2, 1, 9, "Hello")]).await;
    assert_eq!(behind, TailAppended::IdTaken(earlier(true)));

    assert_eq!(a.tail(room, 0).await.unwrap().unwrap().head, 2);
    let of_another = append(b, room, epoch(1), &[said(3, 2, 9, "Hello")]).await;
    assert_eq!(of_another, TailAppended::Done);
}

pub async fn one_taken_id_keeps_a_whole_batch_out(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    append(a, room, epoch(1), &[said(1, 1, 1, "One")]).await;

    let batch = [said(2, 1, 2, "Two"), joined(3), said(4, 1, 1, "One"), said(5, 1, 5, "Five")];
    let earlier = Earlier { index: 2, seq: 1, at: 1_001, same_body: true };
    assert_eq!(append(b, room, epoch(1), &batch).await, TailAppended::IdTaken(earlier));

    assert_eq!(a.tail(room, 0).await.unwrap().unwrap().head, 1);
    assert_eq!(append(b, room, epoch(1), &batch[..2]).await, TailAppended::Done);
}

pub async fn a_taken_id_is_recognised_after_its_event_was_trimmed(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    append(a, room, epoch(1), &[said(1, 1, 1, "First")]).await;
    let last = TAIL_EVENTS as u64 + 1;
    append(a, room, epoch(1), &(2..=last).map(joined).collect::<Vec<_>>()).await;
    assert_eq!(a.tail(room, 0).await.unwrap().unwrap().events[0], joined(2));

    let earlier = Earlier { index: 0, seq: 1, at: 1_001, same_body: true };
    let again = append(b, room, epoch(1), &[said(last + 1, 1, 1, "First")]).await;
    assert_eq!(again, TailAppended::IdTaken(earlier));
}

pub async fn ids_beyond_the_limit_are_forgotten_oldest_first(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    let last = TAIL_IDS as u64 + 1;
    let messages: Vec<_> = (1..=last).map(|seq| said(seq, 1, seq.into(), "Hello")).collect();
    for batch in messages.chunks(500) {
        assert_eq!(append(a, room, epoch(1), batch).await, TailAppended::Done);
    }

    let second = append(b, room, epoch(1), &[said(last + 1, 1, 2, "Hello")]).await;
    assert!(matches!(second, TailAppended::IdTaken(Earlier { seq: 2, .. })), "{second:?}");
    assert_eq!(append(b, room, epoch(1), &[said(last + 1, 1, 1, "Hello")]).await, TailAppended::Done);
}

pub async fn a_tail_keeps_its_newest_events_only(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    let last = TAIL_EVENTS as u64 + 250;
    for batch in (1..=last).map(joined).collect::<Vec<_>>().chunks(400) {
        append(a, room, epoch(1), batch).await;
    }
    let tail = b.tail(room, 0).await.unwrap().unwrap();
    assert_eq!(tail.head, last);
    assert_eq!(seqs(&tail), (251..=last).collect::<Vec<_>>());
}

pub async fn a_tail_keeps_no_more_bytes_than_it_may_and_always_its_last_event(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    let body = "\u{1F980}".repeat(4_000);
    let heavy = |seq: Seq| said(seq, 1, seq.into(), &body);
    let fit = TAIL_BYTES / weight(&heavy(1));
    let mut head = 0;
    // Batches of one event, and batches of many.
    for batch in [1, 1, 1, 30, 50, 1, 1, 90, 1] {
        let events: Vec<_> = (head + 1..=head + batch).map(heavy).collect();
        assert_eq!(append(a, room, epoch(1), &events).await, TailAppended::Done);
        head += batch;
        let tail = b.tail(room, 0).await.unwrap().unwrap();
        let kept = tail.events.len();
        assert_eq!(seqs(&tail), (head - kept as u64 + 1..=head).collect::<Vec<_>>(), "the newest, without holes");
        assert!(kept <= fit && kept >= usize::try_from(head).unwrap().min(fit / 2), "{kept} of {head}");
    }
    // A read after a seq that was dropped starts later: the caller sees the gap.
    let behind = b.tail(room, 3).await.unwrap().unwrap();
    assert!(behind.events[0].seq > 4, "{}", behind.events[0].seq);

    let earlier = append(b, room, epoch(1), &[said(head + 1, 1, 1, &body)]).await;
    assert!(
        matches!(earlier, TailAppended::IdTaken(Earlier { seq: 1, same_body: true, .. })),
        "ids are remembered longer"
    );
}

pub async fn short_messages_are_never_too_heavy(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    let last = 6 * TAIL_EVENTS as u64;
    let body = "two hundred characters, as somebody says who means it ".repeat(4);
    for batch in (1..=last).map(|seq| said(seq, 1, seq.into(), &body)).collect::<Vec<_>>().chunks(250) {
        append(a, room, epoch(1), batch).await;
    }
    let tail = b.tail(room, 0).await.unwrap().unwrap();
    assert_eq!(seqs(&tail), (last - TAIL_EVENTS as u64 + 1..=last).collect::<Vec<_>>());
}

pub async fn a_room_is_forgotten_wherever_its_tail_stands(a: &dyn Bus, b: &dyn Bus) {
    let (one, other) = (room(), room());
    for room in [one, other] {
        a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
        append(a, room, epoch(1), &[said(1, 1, 1, "Hello")]).await;
    }
    b.remove_room(one).await.unwrap();
    b.remove_room(one).await.unwrap();
    assert_eq!(a.tail(one, 0).await.unwrap(), None);
    assert_eq!(append(a, one, epoch(1), &[joined(2)]).await, TailAppended::Lost);
    assert_eq!(a.tail(other, 0).await.unwrap().unwrap().head, 1);
    // Nothing of the old tail is left, so its message ids can be used again.
    a.open_tail(one, epoch(2), 0, 0, 0).await.unwrap();
    assert_eq!(append(a, one, epoch(2), &[said(1, 1, 1, "Hello")]).await, TailAppended::Done);
}

pub async fn a_batch_that_contradicts_itself_is_an_error(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    let gap = vec![joined(1), joined(3)];
    let twice = vec![said(1, 1, 1, "Hello"), said(2, 1, 1, "Hello")];
    for batch in [vec![], vec![joined(0)], gap, twice] {
        assert!(b.append_tail(room, epoch(1), &batch, &[], Bytes::new()).await.is_err(), "{batch:?}");
    }
    assert_eq!(a.tail(room, 0).await.unwrap().unwrap().head, 0);
}

pub async fn a_tail_of_another_epoch_or_none_is_lost(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    assert_eq!(append(a, room, epoch(1), &[joined(1)]).await, TailAppended::Lost);
    assert_eq!(a.seal_tail(room, epoch(1), 0, &person(1)).await.unwrap(), TailAppended::Lost);

    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    assert_eq!(append(b, room, epoch(2), &[joined(1)]).await, TailAppended::Lost);
    assert_eq!(b.seal_tail(room, epoch(2), 0, &person(1)).await.unwrap(), TailAppended::Lost);
    assert_eq!(append(b, room, epoch(1), &[joined(1)]).await, TailAppended::Done);
}

pub async fn a_sealed_tail_takes_no_append(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    append(a, room, epoch(1), &[said(1, 1, 1, "Hello")]).await;

    assert_eq!(a.seal_tail(room, epoch(1), 1, &person(5)).await.unwrap(), TailAppended::Done);
    assert_eq!(append(b, room, epoch(1), &[joined(2)]).await, TailAppended::Sealed);
    assert_eq!(append(b, room, epoch(1), &[said(2, 1, 1, "Hello")]).await, TailAppended::Sealed);
    assert_eq!(b.seal_tail(room, epoch(1), 1, &person(6)).await.unwrap(), TailAppended::Sealed);

    let tail = b.open_tail(room, epoch(1), 1, 1, 0).await.unwrap();
    assert_eq!((tail.head, tail.sealed_by, tail.events.len()), (1, Some(person(5)), 1));
}

pub async fn a_used_id_is_found_whether_the_tail_is_sealed_or_not(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    let again = [joined(9), said(10, 2, 1, "New"), said(11, 1, 1, "Hello")];
    let earlier = async |bus: &dyn Bus, of, events: &[Event]| bus.earlier(room, of, events).await.unwrap();
    assert_eq!(earlier(a, epoch(1), &again).await, None, "there is no tail");
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    append(a, room, epoch(1), &[said(1, 1, 1, "Hello"), said(2, 3, 2, "Hi")]).await;

    let found = Some(Earlier { index: 2, seq: 1, at: 1_001, same_body: true });
    assert_eq!(earlier(b, epoch(1), &again).await, found);
    assert_eq!(earlier(b, epoch(2), &again).await, None, "of another epoch");
    assert_eq!(earlier(b, epoch(1), &again[..2]).await, None);
    assert_eq!(earlier(b, epoch(1), &again[..1]).await, None);
    let other = Some(Earlier { index: 0, seq: 2, at: 1_002, same_body: false });
    assert_eq!(earlier(b, epoch(1), &[said(3, 3, 2, "Other")]).await, other);
    a.seal_tail(room, epoch(1), 2, &person(1)).await.unwrap();
    assert_eq!(earlier(b, epoch(1), &again).await, found);
}

pub async fn a_seal_at_another_head_is_stale(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    append(a, room, epoch(1), &[joined(1)]).await;

    assert_eq!(b.seal_tail(room, epoch(1), 0, &person(1)).await.unwrap(), TailAppended::Stale);
    assert_eq!(b.tail(room, 0).await.unwrap().unwrap().sealed_by, None);
    assert_eq!(append(b, room, epoch(1), &[joined(2)]).await, TailAppended::Done);
}

pub async fn an_outdated_sealed_tail_is_made_anew_in_its_epoch_and_remembers_its_ids(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    append(a, room, epoch(1), &[said(1, 1, 1, "Hello")]).await;
    a.seal_tail(room, epoch(1), 1, &person(1)).await.unwrap();

    let tail = b.open_tail(room, epoch(2), 9, 6, 0).await.unwrap();
    assert_eq!(tail, Tail { epoch: epoch(1), head: 9, n: 6, sealed_by: None, events: vec![] });
    assert_eq!(a.tail(room, 0).await.unwrap(), Some(tail));

    let again = append(a, room, epoch(1), &[said(10, 1, 1, "Hello")]).await;
    assert!(matches!(again, TailAppended::IdTaken(Earlier { seq: 1, same_body: true, .. })), "{again:?}");
    assert_eq!(append(a, room, epoch(1), &[said(10, 1, 2, "Hello")]).await, TailAppended::Done);
}

pub async fn a_tail_is_dropped_only_at_its_exact_head(a: &dyn Bus, b: &dyn Bus) {
    let room = room();
    a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
    append(a, room, epoch(1), &[said(1, 1, 1, "Hello"), joined(2)]).await;

    for (epoch, head) in [(epoch(1), 1), (epoch(1), 3), (epoch(2), 2)] {
        b.drop_tail(room, epoch, head).await.unwrap();
        assert!(a.tail(room, 0).await.unwrap().is_some());
    }
    b.drop_tail(room, epoch(1), 2).await.unwrap();
    assert_eq!(a.tail(room, 0).await.unwrap(), None);

    a.open_tail(room, epoch(2), 0, 0, 0).await.unwrap();
    assert_eq!(append(a, room, epoch(2), &[said(1, 1, 1, "Hello")]).await, TailAppended::Done);
}

pub async fn heads_of_many_tails_come_together_and_leave_out_the_missing(a: &dyn Bus, b: &dyn Bus) {
    let (one, none, other) = (room(), room(), room());
    a.open_tail(one, epoch(1), 3, 0, 0).await.unwrap();
    b.open_tail(other, epoch(2), 0, 0, 0).await.unwrap();
    append(b, other, epoch(2), &[joined(1)]).await;

    assert_eq!(a.tail_heads(&[]).await.unwrap(), []);
    assert_eq!(a.tail_heads(&[one, none, other]).await.unwrap(), [(one, epoch(1), 3), (other, epoch(2), 1)]);
}
