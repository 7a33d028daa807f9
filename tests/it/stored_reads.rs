//! Stored read positions: they survive kills and stops of nodes and a store that is down, and are stored soon.

use std::time::{Duration, Instant};

use anonchat::protocol::{MemberId, RoomType, Seq};
use mongodb::{
    Collection,
    bson::{Document, doc},
};

use super::reading::{Account, resume, settle, until_marked, view};
use crate::support::{Guest, Mongo, Node, Redis, Settings, poll_until};

/// A member's row in SQLite: the seq read, its message number, and the seq that is shown to others.
fn in_sqlite(settings: &Settings, member: MemberId) -> (i64, i64, i64) {
    let db = rusqlite::Connection::open(settings.data_dir().join("anonchat.sqlite")).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    let row = "SELECT read, read_n, shown FROM members WHERE member = ?";
    db.query_row(row, [member.get().cast_signed()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
}

/// The collection of members in a MongoDB that belongs to this test.
async fn members_in(mongo: &Mongo) -> Collection<Document> {
    let uri = format!("{}&serverSelectionTimeoutMS=1000", mongo.uri());
    mongodb::Client::with_uri_str(uri).await.unwrap().database("reads").collection("members")
}

/// The stored read position of a member in MongoDB.
async fn in_mongo(members: &Collection<Document>, member: MemberId) -> Option<Seq> {
    let record = members.find_one(doc! { "member": member.get().cast_signed() }).await.ok()??;
    record.get_i64("read").ok().map(i64::cast_unsigned)
}

#[tokio::test]
async fn what_an_account_read_survives_a_kill_two_seconds_later() {
    let settings = Settings::embedded();
    let mut node = Node::start(&settings).await;
    let (ada, bob) = (Account::new(&node, "Ada").await, Guest::new(&node, "Bob"));
    let code = bob.create(RoomType::Group, true).await.room.code;
    ada.device.join(code).await;
    let (mut bob, mut tab) = (bob.follow(code).await, ada.device.follow(code).await);
    for round in 1..=3 {
        for text in ["One", "Two", "Three"] {
            bob.say(&format!("{text} of {round}")).await;
        }
        let seq = bob.say(&format!("Last of {round}")).await.seq;
        tab.until_said(&format!("Last of {round}")).await;
        let read_at = Instant::now();
        tab.mark_read(seq).await;
        let kept = (seq.cast_signed(), 4 * round, seq.cast_signed());
        poll_until("it is stored", || async { in_sqlite(&settings, tab.id()) == kept }).await;
        assert!(read_at.elapsed() < Duration::from_secs(2), "{:?}", read_at.elapsed());
        node.kill().await;
        node.restart().await;
        tab = ada.device.follow(code).await;
        assert_eq!(tab.read, seq);
        resume(&mut bob, &node).await;
        assert_eq!(bob.marks.get(&tab.id()), Some(&seq), "and the others see it as before");
    }
}

#[tokio::test]
async fn what_an_account_read_survives_a_kill_of_both_nodes() {
    let (Some(mongo), Some(redis)) = (Mongo::start().await, Redis::start().await) else { return };
    let settings = Settings::cluster(&mongo.uri(), "reads", &redis.url(), "reads");
    let (mut one, mut two) = tokio::join!(Node::start(&settings), Node::start(&settings));
    let members = members_in(&mongo).await;
    let (ada, bob) = (Account::new(&one, "Ada").await, Guest::new(&two, "Bob"));
    for preserve in [true, false] {
        let code = ada.device.create(RoomType::Group, preserve).await.room.code;
        bob.at(&two).join(code).await;
        let (mut tab, mut bob) = (ada.device.follow(code).await, bob.at(&two).follow(code).await);
        let seq = bob.say("One").await.seq;
        tab.until_said("One").await;
        let read_at = Instant::now();
        tab.mark_read(seq).await;
        poll_until("it is stored", || async { in_mongo(&members, tab.id()).await == Some(seq) }).await;
        assert!(read_at.elapsed() < Duration::from_secs(2), "{:?}", read_at.elapsed());
        one.kill().await;
        two.kill().await;
        tokio::join!(one.restart(), two.restart());
        assert_eq!(ada.device.at(&two).follow(code).await.read, seq);
        bob.guest.at(&two).leave(code).await;
    }
}

#[tokio::test]
async fn what_a_guest_read_is_stored_when_they_go_and_not_before() {
    let settings = Settings::embedded();
    let node = Node::start(&settings).await;
    let (ada, bob) = (Account::new(&node, "Ada").await, Guest::new(&node, "Bob"));
    let code = bob.create(RoomType::Group, false).await.room.code;
    ada.device.join(code).await;
    let mut tab = ada.device.follow(code).await;
    let (mut bob, other_page) = (bob.follow(code).await, bob.follow(code).await);
    let seq = tab.say("One").await.seq;
    bob.until_said("One").await;
    bob.mark_read(seq).await;
    until_marked(&mut tab, bob.id(), seq).await;
    drop(other_page);
    let last = bob.say("Two").await.seq;
    tab.until_said("Two").await;
    tab.mark_read(last).await;
    // All positions that are due are stored together. So the guest's would be stored by then if it were due.
    poll_until("the account is stored", || async { in_sqlite(&settings, tab.id()).0 == last.cast_signed() }).await;
    assert_eq!(in_sqlite(&settings, bob.id()), (0, 0, 0), "the guest is there still");
    let (guest, id, kept) = (bob.guest.clone(), bob.id(), last.cast_signed());
    drop(bob);
    poll_until("the guest is stored", || async { in_sqlite(&settings, id) == (kept, 2, kept) }).await;
    assert_eq!(guest.follow(code).await.read, last);
}

#[tokio::test]
async fn a_node_that_stops_stores_what_everybody_read() {
    let mut node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = (Account::new(&node, "Ada").await, Guest::new(&node, "Bob"));
    let code = bob.create(RoomType::Group, true).await.room.code;
    ada.device.join(code).await;
    let (mut tab, mut bob) = (ada.device.follow(code).await, bob.follow(code).await);
    let seq = tab.say("One").await.seq;
    bob.until_said("One").await;
    for follower in [&mut tab, &mut bob] {
        follower.mark_read(seq).await;
        settle(follower).await;
    }
    assert!(node.terminate().await);
    node.restart().await;
    assert_eq!((ada.device.follow(code).await.read, bob.guest.follow(code).await.read), (seq, seq));
}

#[tokio::test]
async fn a_store_that_is_down_holds_up_no_mark_and_loses_none() {
    let (Some(mut mongo), Some(redis)) = (Mongo::start().await, Redis::start().await) else { return };
    let settings = Settings::cluster(&mongo.uri(), "reads", &redis.url(), "reads");
    let node = Node::start(&settings).await;
    let (ada, bob) = (Account::new(&node, "Ada").await, Guest::new(&node, "Bob"));
    let code = bob.create(RoomType::Group, false).await.room.code;
    ada.device.join(code).await;
    let (mut tab, mut bob) = (ada.device.follow(code).await, bob.follow(code).await);
    let first = bob.say("One").await.seq;
    tab.until_said("One").await;
    tab.mark_read(first).await;
    let (members, id) = (members_in(&mongo).await, tab.id());
    poll_until("it is stored", || async { in_mongo(&members, id).await == Some(first) }).await;
    mongo.kill().await;
    let mut last = first;
    for i in 0..50 {
        last = bob.say(&i.to_string()).await.seq;
        tab.hear_until("it is said", |tab| tab.replica.state.head >= last).await;
        tab.mark_read(last).await;
    }
    until_marked(&mut bob, id, last).await;
    mongo.restart().await;
    poll_until("it is stored after all", || async { in_mongo(&members, id).await == Some(last) }).await;
}

#[tokio::test]
async fn a_log_that_is_lost_takes_back_what_was_read_beyond_it() {
    let settings = Settings::embedded();
    let mut node = Node::start(&settings).await;
    let (ada, bob) = (Account::new(&node, "Ada").await, Guest::new(&node, "Bob"));
    let code = bob.create(RoomType::Group, false).await.room.code;
    ada.device.join(code).await;
    let (mut tab, mut bob) = (ada.device.follow(code).await, bob.follow(code).await);
    let mut last = 0;
    for i in 0..20 {
        last = bob.say(&i.to_string()).await.seq;
    }
    tab.hear_until("all is said", |tab| tab.replica.state.head == last).await;
    tab.mark_read(last).await;
    let kept = last.cast_signed();
    poll_until("it is stored", || async { in_sqlite(&settings, tab.id()) == (kept, 20, kept) }).await;
    node.kill().await;
    node.restart().await;
    let mut tab = ada.device.follow(code).await;
    let head = tab.replica.state.head;
    assert!(head < last, "the log was in the memory of the node");
    assert_eq!((tab.read, in_sqlite(&settings, tab.id())), (head, (head.cast_signed(), 0, head.cast_signed())));
    bob.reconnect(&node).await;
    let seq = bob.say("Anew").await.seq;
    tab.until_said("Anew").await;
    assert_eq!(view(&ada.device, code).await.you.read, head, "it is not read before it is said");
    tab.mark_read(seq).await;
    until_marked(&mut bob, tab.id(), seq).await;
    let kept = seq.cast_signed();
    poll_until("it is stored", || async { in_sqlite(&settings, tab.id()) == (kept, 1, kept) }).await;
}
