//! The contract of [`Search`](super::super::Search): what is found, and that the index follows the archive.

use std::ops::Range;

use super::*;
use crate::server::text::{SearchQuery, SearchTerm};

/// Texts in many scripts, with things that indexes get wrong.
const TEXTS: [&str; 42] = [
    "Die Straße nach Köln ist gesperrt",
    "die STRASSE nach Koeln",
    "Zoë and zoe\u{308} met Zoe",
    "C++ and C# and c",
    "don’t say don't",
    "see foo_bar-baz.txt or foo bar",
    "AND OR NOT NEAR",
    "NEAR(a, b) \"quoted\" a* ^b -c {d}:e",
    "Hello big world",
    "hello\n big\tworld, again",
    "a big hello to the world",
    "eﬃcient ｗｉｄｅ text",
    "İstanbul and ısı",
    "Tiếng Việt rất hay",
    "Příliš žluťoučký kůň",
    "ΑΔΆΣ και αδάς",
    "Ёлка и ёжик",
    "Съешь ещё этих мягких булок",
    "السَّلَامُ عليكم",
    "السلام في المدرسة",
    "می\u{200C}خواهم بروم",
    "שָׁלוֹם עולם",
    "שלום לכולם",
    "हिन्दी में लिखो",
    "हन्दी में",
    "আমি বাংলায় গান গাই",
    "தமிழ் மொழி",
    "悬空寺在山西",
    "空山不见人",
    "明天见",
    "明日は天気がいい",
    "ｶﾞﾗｽとガラス",
    "ラーメンを食べる",
    "안녕하세요 여러분",
    "\u{1112}\u{1161}\u{11AB}국 사람",
    "สวัสดีครับ",
    "ขอบคุณครับ",
    "ສະບາຍດີ",
    "សួស្តី",
    "မင်္ဂလာပါ",
    "Party 🎉🎉 👍🏽 5 €",
    "iPhone手机壳 1.25",
];

const QUERIES: [&str; 58] = [
    "strasse",
    "straße köln",
    "str",
    "koln",
    "zoe",
    "c",
    "c++",
    "c#",
    "don't",
    "foo_bar",
    "foo bar",
    "baz.txt",
    "and",
    "AND OR",
    "NEAR(a,",
    "a*",
    "\"quoted\"",
    "hello world",
    "\"hello big\"",
    "\"big world\"",
    "“big hello”",
    "hell",
    "ello",
    "effic",
    "wide",
    "istanbul",
    "isi",
    "tieng",
    "viet rat",
    "zlutoucky",
    "αδας",
    "елка",
    "еще",
    "булок мягких",
    "السلام",
    "المدرسه",
    "ميخواهم",
    "שלום",
    "हिन्दी",
    "में",
    "বাংলা",
    "தமிழ்",
    "悬空",
    "空",
    "空山",
    "明",
    "天気",
    "ガラス",
    "ラーメン",
    "안녕",
    "한국",
    "ครับ",
    "ບາຍ",
    "ស្តី",
    "ဂလာ",
    "🎉",
    "👍 €",
    "iphone手 1.2",
];

async fn index_all(store: &dyn Store, rooms: &[RoomId]) {
    let mut behind = rooms.to_vec();
    while !behind.is_empty() {
        behind = store.index_rooms(&behind, 7).await.unwrap();
    }
}

/// All candidates of a range, up to `limit`.
async fn candidates(store: &dyn Store, room: RoomId, terms: &[SearchTerm], seqs: Range<Seq>, limit: usize) -> Vec<Seq> {
    let (mut all, mut end) = (Vec::new(), seqs.end);
    while all.len() < limit && end > seqs.start {
        let found = store.candidates(room, terms, seqs.start..end, limit - all.len()).await.unwrap();
        assert!(found.from < end && found.from >= seqs.start, "it goes on: {found:?}");
        all.extend(found.seqs);
        end = found.from;
    }
    all
}

/// The seqs of the messages that a search for this text finds, newest first.
async fn found(store: &dyn Store, room: RoomId, typed: &str) -> Vec<Seq> {
    let query = SearchQuery::read(typed).unwrap();
    let candidates = candidates(store, room, &query.terms(), 0..Seq::MAX, 1_000).await;
    assert!(candidates.is_sorted_by(|one, next| one > next), "newest first, each once: {candidates:?}");
    let mut events = store.events_at(room, &candidates).await.unwrap();
    assert_eq!(events.len(), candidates.len(), "the archive has what the index has");
    events.retain(|event| query.find(event.text()).is_some());
    events.sort_by_key(|event| std::cmp::Reverse(event.seq));
    events.iter().map(|event| event.seq).collect()
}

fn each_said(author: &Person, texts: &[&str]) -> Vec<Event> {
    (1..).zip(texts).map(|(seq, text)| said(seq, seq, author, client_id(), text)).collect()
}

pub async fn texts_of_many_scripts_are_found(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (other, stranger) = make_room(store, RoomType::Group, Retention::Preserved).await;
    append(store, &room, &each_said(&owner.person(), &TEXTS)).await;
    append(store, &other, &each_said(&stranger.person(), &TEXTS[..20])).await;
    index_all(store, &[other.id, room.id]).await;
    for typed in QUERIES {
        let query = SearchQuery::read(typed).unwrap();
        let matches = |texts: &[&str]| {
            let found = (1..).zip(texts).filter(|(_, text)| query.find(text).is_some()).map(|(seq, _)| seq);
            found.collect::<Vec<Seq>>().into_iter().rev().collect::<Vec<_>>()
        };
        let expected = matches(&TEXTS);
        assert_eq!(expected.is_empty(), typed == "ello", "{typed}");
        assert_eq!(found(store, room.id, typed).await, expected, "{typed}");
        assert_eq!(found(store, other.id, typed).await, matches(&TEXTS[..20]), "{typed}");
    }
    let unknown = RoomId(Uuid::new_v4());
    assert!(found(store, unknown, "hello").await.is_empty());
}

pub async fn candidates_are_of_a_range_and_a_few(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    append(store, &room, &each_said(&owner.person(), &["one fish"; 30])).await;
    index_all(store, &[room.id]).await;
    for typed in ["fish", "fi", "one fish"] {
        let terms = SearchQuery::read(typed).unwrap().terms();
        let of = async |seqs, limit| candidates(store, room.id, &terms, seqs, limit).await;
        assert_eq!(of(0..Seq::MAX, 3).await, [30, 29, 28], "{typed}");
        assert_eq!(of(5..8, 9).await, [7, 6, 5], "{typed}");
        assert!(of(8..8, 9).await.is_empty() && of(31..90, 9).await.is_empty(), "{typed}");
    }
}

pub async fn rooms_are_indexed_behind_their_archives_step_by_step(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let (other, stranger) = make_room(store, RoomType::Group, Retention::Preserved).await;
    assert!(store.take_unindexed().is_empty() && store.indexed(&[room.id]).await.unwrap().is_empty());
    append(store, &other, &[event(1, EventKind::Left { member: stranger.person() })]).await;
    assert!(store.take_unindexed().is_empty(), "there is no text in it");
    append(store, &room, &each_said(&owner.person(), &["fish"; 5])).await;
    assert_eq!(store.take_unindexed(), [room.id]);
    assert!(store.take_unindexed().is_empty());
    assert!(found(store, room.id, "fish").await.is_empty());
    for indexed in [3, 5] {
        let unfinished = store.index_rooms(&[room.id, RoomId(Uuid::new_v4())], 3).await.unwrap();
        assert_eq!(unfinished.contains(&room.id), indexed == 3);
        assert_eq!(store.indexed(&[room.id, other.id]).await.unwrap(), [(room.id, indexed)]);
        assert_eq!(found(store, room.id, "fish").await, (1..=indexed).rev().collect::<Vec<_>>());
    }
    assert!(store.index_rooms(&[room.id, other.id], 9).await.unwrap().is_empty());
    assert_eq!(store.indexed(&[other.id]).await.unwrap(), [(other.id, 1)]);
    append(store, &room, &[said(6, 6, &owner.person(), client_id(), "fish")]).await;
    index_all(store, &[room.id]).await;
    assert_eq!(found(store, room.id, "fish").await, [6, 5, 4, 3, 2, 1]);
}

pub async fn the_index_follows_edits_and_deletions(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let ada = owner.person();
    let events = each_said(&ada, &["one fish", "two fish", "red fish", "blue fish", "!", "old fish"]);
    append(store, &room, &events).await;
    // Some before they are indexed, the others afterwards.
    append(store, &room, &[edited(7, &events[0], "one bird"), deleted(8, &events[1], &ada)]).await;
    index_all(store, &[room.id]).await;
    assert_eq!(found(store, room.id, "fish").await, [6, 4, 3]);
    assert_eq!(found(store, room.id, "one bird").await, [1]);
    append(store, &room, &[edited(9, &events[2], "red bird"), deleted(10, &events[3], &ada)]).await;
    append(store, &room, &[edited(11, &events[4], "a bird"), edited(12, &events[2], "grey bird")]).await;
    assert!(store.project(room.id, room.epoch, &[deleted(90, &events[5], &ada)]).await.unwrap());
    for again in [false, true] {
        assert!(found(store, room.id, "fish").await.is_empty(), "indexed again: {again}");
        assert_eq!(found(store, room.id, "bird").await, [5, 3, 1]);
        assert!(found(store, room.id, "red").await.is_empty());
        index_all(store, &[room.id]).await;
    }
    append(store, &room, &[deleted(13, &events[0], &ada), deleted(14, &events[2], &ada)]).await;
    assert_eq!(found(store, room.id, "bird").await, [5]);
}

pub async fn a_text_that_is_deleted_while_it_is_indexed_is_not_in_the_index(store: &dyn Store) {
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let ada = owner.person();
    for n in 1..=20 {
        let fish = said(2 * n - 1, n, &ada, client_id(), "fish");
        append(store, &room, std::slice::from_ref(&fish)).await;
        let rooms = [room.id];
        let (_, ()) = join(store.index_rooms(&rooms, 100), append(store, &room, &[deleted(2 * n, &fish, &ada)])).await;
    }
    index_all(store, &[room.id]).await;
    let wanted = SearchQuery::read("fish").unwrap().terms();
    assert!(candidates(store, room.id, &wanted, 0..Seq::MAX, 100).await.is_empty());
}

pub async fn what_goes_with_an_account_or_a_room_goes_from_the_index(store: &dyn Store) {
    let account = make_account(store).await;
    let (room, owner) = make_room(store, RoomType::Group, Retention::Preserved).await;
    let me = enter(store, &joining_as(&room, account.id)).await;
    let by = |seq, person: &MemberRecord| said(seq, seq, &person.person(), client_id(), "my fish");
    let events = [by(1, &owner), by(2, &me), by(3, &me), by(4, &owner)];
    append(store, &room, &events).await;
    append(store, &room, &[deleted(5, &events[2], &me.person())]).await;
    index_all(store, &[room.id]).await;
    let erased = MessageBody::stored("Erased bird");
    store.anonymize_events(account.id, &name("Nobody"), Some(&erased)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(found(store, room.id, "fish").await, [4, 1]);
        assert_eq!(found(store, room.id, "bird").await, [2]);
        index_all(store, &[room.id]).await;
    }

    while !store.end_room(room.id, None, 2).await.unwrap() {}
    let (idle, gone) = make_room(store, RoomType::Group, Retention::Ephemeral).await;
    append(store, &idle, &each_said(&gone.person(), &["old fish"; 3])).await;
    index_all(store, &[idle.id]).await;
    assert_eq!(found(store, idle.id, "fish").await, [3, 2, 1]);
    leave(store, &gone).await;
    assert_eq!(store.delete_abandoned_rooms(now() + 60_000, 10).await.unwrap(), [idle.id]);
    let wanted = SearchQuery::read("fish").unwrap().terms();
    for room in [room.id, idle.id] {
        assert!(candidates(store, room, &wanted, 0..Seq::MAX, 9).await.is_empty());
        assert!(store.indexed(&[room]).await.unwrap().is_empty());
        assert!(store.index_rooms(&[room], 9).await.unwrap().is_empty());
    }
}
