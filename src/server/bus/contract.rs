//! What every driver of the bus promises, as one suite that runs against each, and what only Redis can be asked.
//!
//! A story is given two handles, `a` and `b`: two nodes on one Redis, or one local bus twice.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use uuid::Uuid;

use super::*;
use crate::protocol::{ClientId, EventKind, Message, MessageBody, Nickname};

/// No event that a test waits for may take longer.
const DEADLINE: Duration = Duration::from_secs(10);

macro_rules! stories {
    ($($story:ident)*) => {
        mod local {
            $(#[tokio::test]
            async fn $story() {
                let (bus, _news) = super::LocalBus::new();
                super::stories::$story(&bus, &bus).await;
            })*
        }

        mod redis {
            $(#[tokio::test]
            async fn $story() {
                super::redis_only::with_two_nodes(async |a, b| super::stories::$story(&a.bus, &b.bus).await).await;
            })*
        }
    };
}

stories! {
    a_tail_is_opened_once_and_then_read_as_it_stands
    a_tail_is_read_after_a_seq_without_holes_up_to_its_head
    a_tail_is_read_backwards_in_pages
    an_append_that_does_not_follow_the_head_is_stale_and_writes_nothing
    two_racing_appenders_make_one_gapless_order
    a_message_id_is_taken_once_whatever_its_body_and_author
    one_taken_id_keeps_a_whole_batch_out
    a_taken_id_is_recognised_after_its_event_was_trimmed
    ids_beyond_the_limit_are_forgotten_oldest_first
    a_tail_keeps_its_newest_events_only
    a_batch_that_contradicts_itself_is_an_error
    a_tail_of_another_epoch_or_none_is_lost
    a_sealed_tail_takes_no_append
    a_seal_at_another_head_is_stale
    an_outdated_sealed_tail_is_made_anew_in_its_epoch_and_remembers_its_ids
    a_tail_is_dropped_only_at_its_exact_head
    heads_of_many_tails_come_together_and_leave_out_the_missing
    renewing_a_lease_keeps_the_later_end
    adopting_a_lease_changes_none_that_is_there
    an_ended_lease_is_handed_to_exactly_one_of_many_callers
    a_claimed_lease_is_offered_again_until_it_is_ended
    a_throttle_gives_a_burst_and_then_says_exactly_how_long_to_wait
    throttles_do_not_share_keys
    a_turn_is_taken_by_exactly_one_of_many_and_comes_again
}

fn room() -> RoomId {
    RoomId(Uuid::new_v4())
}

fn epoch(bits: u64) -> Epoch {
    Epoch::from_bits(bits)
}

fn person(id: u64) -> Person {
    Person { id: MemberId::from_bits(id), name: Nickname::try_from("Ada").unwrap() }
}

fn joined(seq: Seq) -> Event {
    Event { seq, at: 1_000, kind: EventKind::Joined { member: person(seq) } }
}

/// A message whose ordinal is its seq.
fn said(seq: Seq, author: u64, id: u128, body: &str) -> Event {
    let message = Message {
        n: seq,
        id: ClientId::new(Uuid::from_u128(id)),
        author: person(author),
        body: MessageBody::try_from(body).unwrap(),
    };
    Event { seq, at: 1_000 + i64::try_from(seq).unwrap(), kind: EventKind::Message(message) }
}

fn seqs(tail: &Tail) -> Vec<Seq> {
    tail.events.iter().map(|event| event.seq).collect()
}

async fn append(bus: &dyn Bus, room: RoomId, epoch: Epoch, events: &[Event]) -> TailAppended {
    bus.append_tail(room, epoch, events, Bytes::from_static(b"news")).await.unwrap()
}

/// Waits for something that comes with time.
async fn eventually(what: &str, mut comes: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !comes().await {
        assert!(begun.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

mod stories {
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
        for (from, before, limit) in [(0, Some(41), 3), (0, Some(0), 3), (50, Some(50), 3), (53, None, 3), (0, None, 0)]
        {
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
        // A node that has not seen the message yet learns of it first.
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

    pub async fn a_batch_that_contradicts_itself_is_an_error(a: &dyn Bus, b: &dyn Bus) {
        let room = room();
        a.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
        let gap = vec![joined(1), joined(3)];
        let twice = vec![said(1, 1, 1, "Hello"), said(2, 1, 1, "Hello")];
        for batch in [vec![], vec![joined(0)], gap, twice] {
            assert!(b.append_tail(room, epoch(1), &batch, Bytes::new()).await.is_err(), "{batch:?}");
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

    fn guests(count: u64) -> Vec<(RoomId, MemberId)> {
        (0..count).map(|id| (room(), MemberId::from_bits(id))).collect()
    }

    pub async fn renewing_a_lease_keeps_the_later_end(a: &dyn Bus, b: &dyn Bus) {
        let guest = guests(1);
        a.renew_leases(&[], 100).await.unwrap();
        a.renew_leases(&guest, 100).await.unwrap();
        b.renew_leases(&guest, 50).await.unwrap();
        assert_eq!(a.claim_ended_leases(100, 500, 10).await.unwrap(), []);
        b.renew_leases(&guest, 200).await.unwrap();
        assert_eq!(a.claim_ended_leases(200, 500, 10).await.unwrap(), []);
        assert_eq!(a.claim_ended_leases(201, 500, 10).await.unwrap(), guest);
    }

    pub async fn adopting_a_lease_changes_none_that_is_there(a: &dyn Bus, b: &dyn Bus) {
        let both = guests(2);
        a.renew_leases(&both[..1], 100).await.unwrap();
        b.adopt_leases(&both, 300).await.unwrap();
        assert_eq!(a.claim_ended_leases(200, 900, 10).await.unwrap(), both[..1]);
        assert_eq!(a.claim_ended_leases(301, 900, 10).await.unwrap(), both[1..]);
    }

    pub async fn an_ended_lease_is_handed_to_exactly_one_of_many_callers(a: &dyn Bus, b: &dyn Bus) {
        let mut all = guests(50);
        a.renew_leases(&all, 100).await.unwrap();

        let claims = (0..20).map(|i| [a, b][i % 2].claim_ended_leases(101, 500, 4));
        let claimed: Vec<_> = join_all(claims).await.into_iter().map(|claim| claim.unwrap()).collect();
        assert!(claimed.iter().all(|claim| claim.len() <= 4));
        let mut claimed = claimed.concat();
        claimed.sort();
        all.sort();
        assert_eq!(claimed, all);
    }

    pub async fn a_claimed_lease_is_offered_again_until_it_is_ended(a: &dyn Bus, b: &dyn Bus) {
        let guest = guests(1);
        a.renew_leases(&guest, 100).await.unwrap();
        assert_eq!(a.claim_ended_leases(101, 200, 10).await.unwrap(), guest);
        assert_eq!(b.claim_ended_leases(200, 300, 10).await.unwrap(), []);
        assert_eq!(b.claim_ended_leases(201, 300, 10).await.unwrap(), guest);
        b.end_lease(guest[0].0, guest[0].1).await.unwrap();
        assert_eq!(a.claim_ended_leases(999, 1_000, 10).await.unwrap(), []);
    }

    pub async fn a_throttle_gives_a_burst_and_then_says_exactly_how_long_to_wait(a: &dyn Bus, b: &dyn Bus) {
        let one = Duration::from_secs(1);
        let quota = Quota { burst: 3, per: one * 3 };
        let begun = Instant::now();
        for bus in [a, b, a] {
            assert_eq!(bus.throttle("192.0.2.1", quota).await.unwrap(), None);
        }
        let wait = b.throttle("192.0.2.1", quota).await.unwrap().expect("the burst is used up");
        assert!(wait <= one && wait + begun.elapsed() + Duration::from_millis(1) >= one, "{wait:?}");

        // What was refused was not counted, so after the wait there is one, and one only.
        tokio::time::sleep(wait).await;
        assert_eq!(a.throttle("192.0.2.1", quota).await.unwrap(), None);
        assert!(a.throttle("192.0.2.1", quota).await.unwrap().is_some());
    }

    pub async fn throttles_do_not_share_keys(a: &dyn Bus, b: &dyn Bus) {
        let quota = Quota { burst: 1, per: DEADLINE };
        assert_eq!(a.throttle("one", quota).await.unwrap(), None);
        assert_eq!(b.throttle("other", quota).await.unwrap(), None);
        assert!(b.throttle("one", quota).await.unwrap().is_some());
        assert!(a.throttle("other", quota).await.unwrap().is_some());
    }

    pub async fn a_turn_is_taken_by_exactly_one_of_many_and_comes_again(a: &dyn Bus, b: &dyn Bus) {
        let turns = (0..20).map(|i| [a, b][i % 2].take_turn("tidy", DEADLINE));
        let turns = join_all(turns).await;
        assert_eq!(turns.into_iter().filter(|turn| *turn.as_ref().unwrap()).count(), 1);

        let pause = Duration::from_millis(50);
        assert!(a.take_turn("sweep", pause).await.unwrap());
        eventually("the turn comes again", async || b.take_turn("sweep", pause).await.unwrap()).await;
    }
}

/// What needs more than one node, or a Redis that fails.
mod redis_only {
    use std::{
        panic::{AssertUnwindSafe, resume_unwind},
        process::Stdio,
    };

    use ::redis::{Client, aio::MultiplexedConnection, cmd};
    use futures_util::FutureExt;
    use tempfile::TempDir;
    use tokio::{
        io::{AsyncBufReadExt, BufReader},
        net::TcpListener,
        process::{Child, Command},
        sync::mpsc,
        time::timeout,
    };

    use super::*;

    /// How soon a call has to fail while Redis is away.
    const FAILS_WITHIN: Duration = Duration::from_secs(3);

    /// A handle on the bus, and what it hears.
    pub struct Node {
        pub bus: RedisBus,
        prefix: String,
        news: mpsc::Receiver<BusNews>,
    }

    impl Node {
        async fn connect(url: &str, prefix: &str) -> Self {
            let (bus, news) = RedisBus::connect(url, prefix).await.unwrap();
            Self { bus, prefix: prefix.to_owned(), news }
        }

        async fn hear(&mut self) -> BusNews {
            timeout(DEADLINE, self.news.recv()).await.expect("news come in time").expect("the bus lives")
        }

        async fn expect(&mut self, room: RoomId, packet: impl Into<Bytes>) {
            assert_eq!(self.hear().await, BusNews::Packet(room, packet.into()));
        }
    }

    async fn raw(url: &str) -> MultiplexedConnection {
        Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    async fn keys(connection: &mut MultiplexedConnection, prefix: &str) -> Vec<String> {
        cmd("KEYS").arg(format!("{prefix}:*")).query_async(connection).await.unwrap()
    }

    /// Runs a story on two nodes of the Redis at `TEST_REDIS_URL`, and leaves nothing there.
    pub async fn with_two_nodes(story: impl AsyncFnOnce(&mut Node, &mut Node)) {
        let Ok(url) = std::env::var("TEST_REDIS_URL") else {
            assert!(std::env::var_os("CI").is_none(), "TEST_REDIS_URL has to name a Redis in CI");
            eprintln!("passed over: TEST_REDIS_URL names no Redis");
            return;
        };
        let prefix = format!("test-{}", Uuid::new_v4());
        let mut a = Node::connect(&url, &prefix).await;
        let mut b = Node::connect(&url, &prefix).await;
        let outcome = AssertUnwindSafe(story(&mut a, &mut b)).catch_unwind().await;

        let mut connection = raw(&url).await;
        for key in keys(&mut connection, &prefix).await {
            cmd("DEL").arg(key).exec_async(&mut connection).await.unwrap();
        }
        outcome.unwrap_or_else(|panic| resume_unwind(panic));
    }

    /// A Redis of the test's own, which it may kill.
    struct OwnRedis {
        port: u16,
        process: Child,
        folder: TempDir,
    }

    impl OwnRedis {
        /// `None` if there is no server to run, which is a failure in CI.
        async fn start() -> Option<Self> {
            let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
            let folder = TempDir::new().unwrap();
            match Self::run(port, &folder).await {
                Ok(process) => Some(Self { port, process, folder }),
                Err(error) => {
                    assert!(std::env::var_os("CI").is_none(), "redis-server has to be there in CI: {error}");
                    eprintln!("passed over: no redis-server: {error}");
                    None
                }
            }
        }

        async fn run(port: u16, folder: &TempDir) -> std::io::Result<Child> {
            let chosen = std::env::var("ANONCHAT_REDIS_SERVER").ok().filter(|path| !path.is_empty());
            let mut process = Command::new(chosen.as_deref().unwrap_or("redis-server"))
                .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
                .arg(folder.path())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()?;
            let mut log = BufReader::new(process.stdout.take().unwrap()).lines();
            let ready = async {
                while let Some(line) = log.next_line().await? {
                    if line.contains("Ready to accept connections") {
                        // Read on, or the server would wait for the full pipe.
                        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
                        return Ok(());
                    }
                }
                Err(std::io::Error::other("redis-server ended before it was ready"))
            };
            timeout(DEADLINE, ready).await.expect("redis-server is ready in time")?;
            Ok(process)
        }

        async fn kill(&mut self) {
            self.process.kill().await.unwrap();
        }

        async fn start_again(&mut self) {
            self.process = Self::run(self.port, &self.folder).await.unwrap();
        }

        async fn signal(&self, signal: &str) {
            let process = self.process.id().unwrap().to_string();
            assert!(Command::new("kill").args([signal, &process]).status().await.unwrap().success());
        }

        fn url(&self) -> String {
            format!("redis://127.0.0.1:{}/", self.port)
        }
    }

    async fn assert_fails_soon<T>(call: impl Future<Output = Result<T>>) {
        let begun = Instant::now();
        assert!(call.await.is_err());
        assert!(begun.elapsed() < FAILS_WITHIN, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn redis_packets_reach_who_follows_in_order_and_nobody_else() {
        with_two_nodes(async |a, b| {
            let (followed, other) = (room(), room());
            b.bus.follow(followed).await.unwrap();
            for i in 0..300_u16 {
                a.bus.publish(other, Bytes::from_static(b"not for b")).await.unwrap();
                a.bus.publish(followed, i.to_be_bytes().to_vec().into()).await.unwrap();
            }
            for i in 0..300_u16 {
                b.expect(followed, i.to_be_bytes().to_vec()).await;
            }

            b.bus.unfollow(followed).await.unwrap();
            // Commands to subscribe are kept in order, so once this one holds, the other has ended.
            b.bus.follow(other).await.unwrap();
            a.bus.publish(followed, Bytes::from_static(b"too late")).await.unwrap();
            a.bus.publish(other, Bytes::from_static(b"now for b")).await.unwrap();
            b.expect(other, "now for b").await;
            assert!(a.news.try_recv().is_err());
        })
        .await;
    }

    #[tokio::test]
    async fn redis_returns_own_packets_to_a_node_that_follows() {
        with_two_nodes(async |a, _| {
            let room = room();
            a.bus.follow(room).await.unwrap();
            a.bus.publish(room, Bytes::from_static(b"mine")).await.unwrap();
            a.expect(room, "mine").await;
        })
        .await;
    }

    #[tokio::test]
    async fn redis_publishes_one_packet_for_each_append_that_was_done_in_the_order_of_the_log() {
        with_two_nodes(async |a, b| {
            let room = room();
            b.bus.follow(room).await.unwrap();
            a.bus.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
            for head in [2, 4, 6] {
                let batch = [joined(head - 1), joined(head)];
                for expected in [TailAppended::Done, TailAppended::Stale] {
                    let packet = Bytes::from(head.to_string());
                    assert_eq!(a.bus.append_tail(room, epoch(1), &batch, packet).await.unwrap(), expected);
                }
            }
            a.bus.publish(room, Bytes::from_static(b"end")).await.unwrap();
            for packet in ["2", "4", "6", "end"] {
                b.expect(room, packet).await;
            }
        })
        .await;
    }

    #[tokio::test]
    async fn redis_follows_very_many_rooms_at_once() {
        with_two_nodes(async |a, b| {
            let rooms: Vec<_> = (0..2_500).map(|_| room()).collect();
            for done in join_all(rooms.iter().map(|room| b.bus.follow(*room))).await {
                done.unwrap();
            }
            for room in rooms.iter().step_by(100) {
                a.bus.publish(*room, Bytes::from_static(b"hello")).await.unwrap();
                b.expect(*room, "hello").await;
            }
        })
        .await;
    }

    #[tokio::test]
    async fn redis_news_that_find_the_queue_full_are_dropped_and_missed_follows() {
        with_two_nodes(async |a, b| {
            let (room, other) = (room(), room());
            b.bus.follow(room).await.unwrap();
            let capacity = b.news.max_capacity();
            for _ in 0..=capacity / 500 {
                for sent in join_all((0..500).map(|_| a.bus.publish(room, Bytes::from_static(b"flood")))).await {
                    sent.unwrap();
                }
            }
            // The answer comes behind all the packets, so by now they were queued or dropped.
            b.bus.follow(other).await.unwrap();
            assert_eq!(b.news.len(), capacity);

            for _ in 0..capacity {
                b.expect(room, "flood").await;
            }
            assert_eq!(b.hear().await, BusNews::Missed);
            a.bus.publish(room, Bytes::from_static(b"after")).await.unwrap();
            b.expect(room, "after").await;
        })
        .await;
    }

    #[tokio::test]
    async fn redis_keeps_every_key_of_a_tail_in_one_slot_and_no_longer_than_its_life() {
        with_two_nodes(async |a, b| {
            let room = room();
            a.bus.open_tail(room, epoch(1), 0, 0, 0).await.unwrap();
            append(&b.bus, room, epoch(1), &[joined(1), said(2, 1, 1, "Secret")]).await;
            b.bus.throttle("somebody", Quota { burst: 2, per: DEADLINE }).await.unwrap();
            b.bus.take_turn("tidy", DEADLINE).await.unwrap();

            let mut connection = raw(&std::env::var("TEST_REDIS_URL").unwrap()).await;
            let prefix = a.prefix.clone();
            let keys = keys(&mut connection, &prefix).await;
            assert_eq!(keys.iter().filter(|key| key.starts_with(&format!("{prefix}:{{{room}}}:"))).count(), 4);
            assert_eq!(keys.len(), 6);
            for key in keys {
                let life: i64 = cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
                assert!(life > 0 && u128::try_from(life).unwrap() <= TAIL_LIFE.as_millis(), "{key} lives {life} ms");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn redis_that_was_killed_is_an_error_soon_and_afterwards_everything_works_again() {
        let Some(mut server) = OwnRedis::start().await else { return };
        let mut a = Node::connect(&server.url(), "test").await;
        let mut b = Node::connect(&server.url(), "test").await;
        let (before, during, dropped) = (room(), room(), room());
        for room in [before, dropped] {
            b.bus.follow(room).await.unwrap();
        }
        a.bus.open_tail(before, epoch(1), 0, 0, 0).await.unwrap();
        append(&a.bus, before, epoch(1), &[joined(1)]).await;
        b.expect(before, "news").await;

        server.kill().await;
        assert_fails_soon(a.bus.ping()).await;
        assert_fails_soon(a.bus.tail(before, 0)).await;
        assert_fails_soon(a.bus.append_tail(before, epoch(1), &[joined(2)], Bytes::new())).await;
        assert_fails_soon(b.bus.follow(during)).await;
        b.bus.unfollow(dropped).await.unwrap();

        server.start_again().await;
        let returned = Instant::now();
        assert_eq!(b.hear().await, BusNews::Missed);
        eventually("the other node is back", async || a.bus.ping().await.is_ok()).await;
        assert!(returned.elapsed() < Duration::from_secs(2), "{:?}", returned.elapsed());

        // Scripts and data are gone with the server: scripts come back by themselves, tails are lost.
        assert_eq!(a.bus.tail(before, 0).await.unwrap(), None);
        assert_eq!(append(&a.bus, before, epoch(1), &[joined(2)]).await, TailAppended::Lost);
        for room in [dropped, before, during] {
            a.bus.publish(room, Bytes::from_static(b"again")).await.unwrap();
        }
        b.expect(before, "again").await;
        b.expect(during, "again").await;
        assert_eq!(a.hear().await, BusNews::Missed);
        server.kill().await;
    }

    #[tokio::test]
    async fn redis_that_hangs_is_an_error_soon_and_is_used_again_when_it_goes_on() {
        let Some(mut server) = OwnRedis::start().await else { return };
        let mut node = Node::connect(&server.url(), "test").await;
        let room = room();
        node.bus.follow(room).await.unwrap();

        server.signal("-STOP").await;
        assert_fails_soon(node.bus.publish(room, Bytes::from_static(b"lost?"))).await;
        assert_fails_soon(node.bus.ping()).await;
        server.signal("-CONT").await;

        // The connection never closed, yet it was given up: what it carried counts as missed.
        while node.hear().await != BusNews::Missed {}
        node.bus.publish(room, Bytes::from_static(b"again")).await.unwrap();
        while node.hear().await != BusNews::Packet(room, Bytes::from_static(b"again")) {}
        server.kill().await;
    }

    #[tokio::test]
    async fn redis_that_cannot_be_reached_or_read_says_what_to_do_and_never_the_password() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        for url in [format!("redis://:hunter2@{closed}/"), "rediss:/hunter2".into(), "hunter2@nowhere".into()] {
            let error = RedisBus::connect(&url, "test").await.err().expect("nothing is there");
            assert!(format!("{error:#}").contains("REDIS_URL"), "{error:#}");
            assert!(!format!("{error:#}{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
