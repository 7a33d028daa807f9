//! The suite of tests that every driver of the bus must pass, and tests that only Redis can run (`only_redis`).
//!
//! Each test ("story") gets two handles, `a` and `b`. With Redis these are two nodes on one Redis server. With the
//! local bus both are the same bus.

mod digests;
mod leases;
mod only_redis;
mod posts;
mod tails;
mod turns;

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use uuid::Uuid;

use super::*;
use crate::protocol::{
    ClientId, Emoji, EventKind, Message, MessageBody, Nickname, ReactionChange, Retention, RoomName, Target,
};

/// The deadline for anything that a test waits for.
const DEADLINE: Duration = Duration::from_secs(10);
/// Makes a test of each story for each driver. Stories are grouped by the module that has them.
macro_rules! contract {
    ($($noun:ident { $($story:ident)* })*) => {
        mod local {
            $($(#[tokio::test]
            async fn $story() {
                let (bus, _news) = super::LocalBus::new();
                super::$noun::$story(&bus, &bus).await;
            })*)*
        }

        mod redis {
            $($(#[tokio::test]
            async fn $story() {
                super::only_redis::with_two_nodes(async |a, b| super::$noun::$story(&a.bus, &b.bus).await).await;
            })*)*
        }
    };
}

contract! {
    tails {
        a_tail_is_opened_once_and_then_read_as_it_stands
        a_tail_is_read_after_a_seq_without_holes_up_to_its_head
        texts_of_an_older_rule_are_read_back
        a_kind_of_a_later_version_is_kept_as_it_is
        what_a_tail_has_is_rewritten_and_goes_on
        what_a_batch_changes_is_replaced_in_the_same_step
        reactions_change_a_message_and_leave_what_was_said_in_the_tail
        a_tail_is_read_backwards_in_pages
        an_append_that_does_not_follow_the_head_is_stale_and_writes_nothing
        two_racing_appenders_make_one_gapless_order
        a_message_id_is_taken_once_whatever_its_body_and_author
        one_taken_id_keeps_a_whole_batch_out
        a_taken_id_is_recognised_after_its_event_was_trimmed
        ids_beyond_the_limit_are_forgotten_oldest_first
        a_tail_keeps_its_newest_events_only
        a_tail_keeps_no_more_bytes_than_it_may_and_always_its_last_event
        short_messages_are_never_too_heavy
        a_room_is_forgotten_wherever_its_tail_stands
        a_batch_that_contradicts_itself_is_an_error
        a_tail_of_another_epoch_or_none_is_lost
        a_sealed_tail_takes_no_append
        a_used_id_is_found_whether_the_tail_is_sealed_or_not
        a_seal_at_another_head_is_stale
        an_outdated_sealed_tail_is_made_anew_in_its_epoch_and_remembers_its_ids
        a_tail_is_dropped_only_at_its_exact_head
        heads_of_many_tails_come_together_and_leave_out_the_missing
    }
    digests {
        digests_are_read_as_they_were_put_and_come_together
        very_many_digests_come_together
        an_older_digest_does_not_replace_a_later_one_of_its_epoch
        what_an_ephemeral_room_tells_is_kept_only_with_its_tail
        each_touch_changes_an_accounts_version
    }
    leases {
        renewing_a_lease_keeps_the_later_end
        adopting_a_lease_changes_none_that_is_there
        a_lease_is_shortened_and_renewed_again
        an_ended_lease_is_handed_to_exactly_one_of_many_callers
        a_claimed_lease_is_offered_again_until_it_is_ended
    }
    posts {
        each_node_has_its_own_id_and_one_that_is_not_there_gets_no_post
    }
    turns {
        a_throttle_gives_a_burst_and_then_says_exactly_how_long_to_wait
        throttles_do_not_share_keys
        of_several_throttles_all_are_taken_or_none
        a_turn_is_taken_by_exactly_one_of_many_and_comes_again
    }
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

/// A message whose ordinal equals its seq.
fn said(seq: Seq, author: u64, id: u128, body: &str) -> Event {
    let message =
        Message::new(seq, ClientId::new(Uuid::from_u128(id)), person(author), MessageBody::try_from(body).unwrap());
    Event { seq, at: 1_000 + i64::try_from(seq).unwrap(), kind: EventKind::Message(message) }
}

fn seqs(tail: &Tail) -> Vec<Seq> {
    tail.events.iter().map(|event| event.seq).collect()
}

async fn append(bus: &dyn Bus, room: RoomId, epoch: Epoch, events: &[Event]) -> TailAppended {
    bus.append_tail(room, epoch, events, &[], Bytes::from_static(b"news")).await.unwrap()
}

/// Repeats a check until it succeeds, and fails after [`DEADLINE`].
async fn eventually(what: &str, mut comes: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !comes().await {
        assert!(begun.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
