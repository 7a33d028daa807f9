//! Tests for SQLite only: files, locks, the write-ahead log and batches.

use super::*;
use crate::server::text::SearchQuery;

#[tokio::test]
async fn what_was_answered_survives_a_kill_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("a/b/anonchat.db"), folder.path().join("killed.db"));
    let store = Sqlite::open(&path).unwrap();
    let (room, owner) = make_room(&store, RoomType::Group, Retention::Preserved).await;
    let said = said(1, 1, &owner.person(), client_id(), "durable");
    append(&store, &room, std::slice::from_ref(&said)).await;
    // Copies the files as a kill would leave them, with the log not yet copied into the database.
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(path.with_file_name("anonchat.db-wal"), folder.path().join("killed.db-wal")).unwrap();
    let reopened = Sqlite::open(&copy).unwrap();
    assert_eq!(reopened.events_after(room.id, 0, 10).await.unwrap(), [said]);
    assert_eq!(reopened.member(room.id, owner.member).await.unwrap(), owner);
}

#[tokio::test]
async fn a_store_dropped_without_close_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anonchat.db");
    let store = Sqlite::open(&path).unwrap();
    let (room, _) = make_room(&store, RoomType::Group, Retention::Ephemeral).await;
    drop(store);
    assert_eq!(Sqlite::open(&path).unwrap().room(room.id).await.unwrap(), room);
}

#[tokio::test]
async fn nothing_is_written_after_close() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("anonchat.db")).unwrap();
    store.close().await;
    assert!(matches!(store.ping().await, Err(StoreError::Other(_))));
}

#[tokio::test]
async fn a_second_server_is_refused_and_told_who_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anonchat.db");
    let _store = Sqlite::open(&path).unwrap();
    let refused = cause(Sqlite::open(&path));
    assert!(refused.contains("in use by another AnonChat server"), "{refused}");
    assert!(refused.contains(&std::process::id().to_string()), "{refused}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anonchat.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 1_000).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = cause(Sqlite::open(&path));
    assert!(refused.contains("newer version of AnonChat"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anonchat.db");
    let store = Sqlite::open(&path).unwrap();
    let (room, owner) = make_room(&store, RoomType::Group, Retention::Preserved).await;
    let many: Vec<_> = (1..=500).map(|seq| said(seq, seq, &owner.person(), client_id(), "fill the pages")).collect();
    append(&store, &room, &many).await;
    store.close().await;
    drop(store);
    let whole = std::fs::read(&path).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"this was never a database, but it is long enough to be read as one"] {
        std::fs::write(&path, damaged).unwrap();
        let refused = cause(Sqlite::open(&path));
        assert!(refused.contains("is damaged"), "{refused}");
    }
}

#[tokio::test]
async fn deleted_text_is_in_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("anonchat.db")).unwrap();
    let (room, owner) = make_room(&store, RoomType::Group, Retention::Ephemeral).await;
    let secret = "a secret from a preserved time ".repeat(100);
    append(&store, &room, &[said(1, 1, &owner.person(), client_id(), &secret)]).await;
    leave(&store, &owner).await;
    store.index_rooms(&[room.id], 9).await.unwrap();
    let is_on_disk = |word| is_in_a_file(folder.path(), word);
    // The second one is a term of the search index.
    assert!(is_on_disk("secret from a preserved") && is_on_disk("secret"));
    assert_eq!(store.delete_abandoned_rooms(now() + 60_000, 10).await.unwrap(), [room.id]);
    assert!(!is_on_disk("secret from a preserved") && !is_on_disk("secret"));
}

/// Whether a word is in a file of this folder.
fn is_in_a_file(folder: &std::path::Path, word: &str) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files.into_iter().any(|file| file.windows(word.len()).any(|bytes| bytes == word.as_bytes()))
}

#[tokio::test]
async fn an_edited_or_deleted_word_is_in_no_file_of_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("anonchat.db")).unwrap();
    let (room, owner) = make_room(&store, RoomType::Group, Retention::Preserved).await;
    let ada = owner.person();
    // The index has each word in lower case, in one piece.
    let words = ["zanzibar", "xylophon", "quadrille"];
    let texts = ["An old Zanzibar coin", "A Xylophon plays", "Quadrille and more", "Coins stay"];
    let events: Vec<_> = (1..).zip(texts).map(|(seq, text)| said(seq, seq, &ada, client_id(), text)).collect();
    append(&store, &room, &events).await;
    assert!(store.index_rooms(&[room.id], 100).await.unwrap().is_empty());
    assert!(words.iter().all(|word| is_in_a_file(folder.path(), word)));
    append(&store, &room, &[edited(5, &events[0], "An old coin")]).await;
    append(&store, &room, &[deleted(6, &events[1], &ada), deleted(7, &events[2], &ada)]).await;
    store.close().await;
    drop(store);
    assert!(words.iter().all(|word| !is_in_a_file(folder.path(), word)));
    assert!(is_in_a_file(folder.path(), "stay"), "other words are there");
}

#[tokio::test]
async fn an_index_of_another_version_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anonchat.db");
    let store = Sqlite::open(&path).unwrap();
    let (room, owner) = make_room(&store, RoomType::Group, Retention::Preserved).await;
    append(&store, &room, &[said(1, 1, &owner.person(), client_id(), "fish")]).await;
    store.index_rooms(&[room.id], 9).await.unwrap();
    for is_other in [false, true] {
        store.close().await;
        if is_other {
            rusqlite::Connection::open(&path)
                .unwrap()
                .execute("UPDATE search_version SET version = 'other'", [])
                .unwrap();
        }
        let store = Sqlite::open(&path).unwrap();
        let fish = SearchQuery::read("fish").unwrap().terms();
        let found = async || store.candidates(room.id, &fish, 0..9, 9).await.unwrap().seqs;
        assert_eq!(store.indexed(&[room.id]).await.unwrap().is_empty(), is_other);
        assert_eq!(found().await.is_empty(), is_other);
        store.index_rooms(&[room.id], 9).await.unwrap();
        assert_eq!(found().await, [1]);
        store.close().await;
    }
}

#[tokio::test]
async fn a_long_log_is_copied_while_writing_goes_on_and_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("anonchat.db");
    let store = Sqlite::open(&path).unwrap();
    let (room, owner) = make_room(&store, RoomType::Group, Retention::Preserved).await;
    // Each time the log begins anew, its header gets another salt.
    let salt = || std::fs::read(path.with_file_name("anonchat.db-wal")).unwrap()[16..24].to_vec();
    let (first, before) = (salt(), std::fs::metadata(&path).unwrap().len());
    let body = "🦀".repeat(4_000);
    let mut seq = 0;
    let deadline = Instant::now() + Duration::from_secs(20);
    while salt() == first {
        assert!(Instant::now() < deadline, "the log is as it was after {seq} long messages");
        let many: Vec<_> = (seq + 1..=seq + 50).map(|n| said(n, n, &owner.person(), client_id(), &body)).collect();
        append(&store, &room, &many).await;
        seq += 50;
    }
    assert!(std::fs::metadata(&path).unwrap().len() > before);
    assert_eq!(store.head(room.id).await.unwrap(), Head { seq, n: seq });
}

#[tokio::test]
async fn a_job_that_fails_is_undone_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("anonchat.db")).unwrap();
    let (taken, _) = make_room(&store, RoomType::Group, Retention::Ephemeral).await;
    // All calls wait at the same time, so they share transactions.
    let rooms: Vec<_> = (0..40).map(|_| new_room(RoomType::Group, Retention::Ephemeral)).collect();
    let rooms: Vec<_> = rooms
        .into_iter()
        .enumerate()
        .map(
            |(i, (room, owner))| {
                if i % 2 == 0 { (room, owner) } else { (RoomRecord { code: taken.code, ..room }, owner) }
            },
        )
        .collect();
    let made = join_all(rooms.iter().map(|(room, owner)| store.create_room(room, owner, None))).await;
    for (i, (made, (room, _))) in made.iter().zip(&rooms).enumerate() {
        assert_eq!(made.is_ok(), i % 2 == 0);
        assert_eq!(store.room(room.id).await.is_ok(), i % 2 == 0);
    }
}

fn cause(opened: Result<Sqlite>) -> String {
    match opened {
        Err(StoreError::Other(error)) => format!("{error:#}"),
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it opened"),
    }
}
