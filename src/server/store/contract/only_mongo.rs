//! Tests for MongoDB only. The path of each contains `mongo`, so that a quick run can leave them out.

use mongodb::{
    IndexModel,
    bson::{Document, doc},
    options::IndexOptions,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::server::text::SearchQuery;

#[tokio::test]
async fn a_mongo_index_with_another_meaning_is_refused() {
    with_mongo(async |store| {
        let uri = mongo_uri().unwrap();
        let name = store.database.name().to_owned();
        assert!(Mongo::connect(&uri, &name).await.is_ok(), "the indexes as they were made");
        let events = store.database.collection::<Document>("events");
        events.drop_index("events_seq").await.unwrap();
        let options = IndexOptions::builder().name("events_seq".to_owned()).build();
        let index = IndexModel::builder().keys(doc! { "room": 1, "seq": 1 }).options(options).build();
        events.create_index(index).await.unwrap();
        let Err(StoreError::Other(refused)) = Mongo::connect(&uri, &name).await else { panic!("it was accepted") };
        assert!(refused.to_string().contains("events_seq"), "{refused}");
        assert!(refused.to_string().contains("Drop it"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn a_word_that_was_edited_or_deleted_is_in_no_document_of_mongo() {
    with_mongo(async |store| {
        let (room, owner) = make_room(&store, RoomType::Group, Retention::Preserved).await;
        let ada = owner.person();
        let texts = ["An old Zanzibar coin", "A Zanzibar plays", "Coins stay"];
        let events: Vec<_> = (1..).zip(texts).map(|(seq, text)| said(seq, seq, &ada, client_id(), text)).collect();
        append(&store, &room, &events).await;
        store.index_rooms(&[room.id], 100).await.unwrap();
        let documents = async || {
            let mut all = String::new();
            for collection in store.database.list_collection_names().await.unwrap() {
                let mut found = store.database.collection::<Document>(&collection).find(doc! {}).await.unwrap();
                while found.advance().await.unwrap() {
                    all.push_str(&format!("{:?}", found.deserialize_current().unwrap()).to_lowercase());
                }
            }
            all
        };
        assert!(documents().await.matches("zanzibar").count() >= 4, "in the archive and in the index");
        append(&store, &room, &[edited(4, &events[0], "An old coin"), deleted(5, &events[1], &ada)]).await;
        let left = documents().await;
        assert!(left.contains("coins") && !left.contains("zanzibar"), "{left}");
    })
    .await;
}

#[tokio::test]
async fn an_index_of_mongo_with_other_terms_is_made_anew() {
    with_mongo(async |store| {
        let (room, owner) = make_room(&store, RoomType::Group, Retention::Preserved).await;
        append(&store, &room, &[said(1, 1, &owner.person(), client_id(), "fish")]).await;
        store.index_rooms(&[room.id], 9).await.unwrap();
        let cursors = store.database.collection::<Document>("indexed");
        cursors.update_one(doc! {}, doc! { "$set": { "version": "other" } }).await.unwrap();
        assert!(store.indexed(&[room.id]).await.unwrap().is_empty());
        store.index_rooms(&[room.id], 9).await.unwrap();
        assert_eq!(store.indexed(&[room.id]).await.unwrap(), [(room.id, 1)]);
        let fish = SearchQuery::read("fish").unwrap().terms();
        assert_eq!(store.candidates(room.id, &fish, 0..9, 9).await.unwrap().seqs, [1]);
    })
    .await;
}

#[tokio::test]
async fn a_mongo_that_hangs_is_an_error_within_five_seconds_and_heals() {
    with_mongo(async |direct| {
        let uri = mongo_uri().unwrap();
        let address = uri.split("://").nth(1).unwrap().split(['/', ',']).next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("mongodb://{}/?directConnection=true", listener.local_addr().unwrap());
        let (open, gate) = tokio::sync::watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (address, mut gate) = (address.clone(), gate.clone());
                tokio::spawn(async move {
                    drop(gate.wait_for(|open| *open).await);
                    let mut far = TcpStream::connect(address).await.unwrap();
                    // Once the gate is shut, this connection forwards nothing more, but stays open on both sides.
                    let shut = async { drop(gate.wait_for(|open| !*open).await) };
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        () = shut => std::future::pending().await,
                    }
                });
            }
        });

        let store = Mongo::connect(&proxy, direct.database.name()).await.unwrap();
        let (room, owner) = make_room(&store, RoomType::Group, Retention::Preserved).await;
        open.send_replace(false);
        let message = [said(1, 1, &owner.person(), client_id(), "lost?")];
        let renamed = [event(1, EventKind::Renamed { name: None, by: owner.person() })];
        for _ in 0..2 {
            let started = Instant::now();
            let appends =
                join(store.append(room.id, room.epoch, &message), store.append(room.id, room.epoch, &renamed));
            let (message, renamed) = appends.await;
            assert!(matches!((message, renamed), (Err(StoreError::Other(_)), Err(StoreError::Other(_)))));
            assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        }

        open.send_replace(true);
        let deadline = Instant::now() + Duration::from_secs(10);
        while let Err(error) = store.append(room.id, room.epoch, &message).await {
            assert!(Instant::now() < deadline, "{error:?}");
        }
        assert_eq!(direct.events_after(room.id, 0, 10).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn addresses_of_older_versions_are_found_in_one_spelling_and_nobody_loses_their_way_in() {
    with_mongo(async |store| {
        let older = AccountRecord { email: Some(email("ada@m\u{fc}ller.example")), created_at: 10, ..new_account() };
        let younger =
            AccountRecord { email: Some(email("ada@xn--mller-kva.example")), created_at: 20, ..new_account() };
        let claiming = AccountRecord { claimed: Some(email("ada@m\u{fc}ller.example")), ..new_account() };
        for account in [&older, &younger, &claiming] {
            register(&store, account, None).await.unwrap();
        }
        for _ in 0..2 {
            store.bring_up_to_date(now()).await.unwrap();
            let holders = store.holders(&email("ada@xn--mller-kva.example")).await.unwrap();
            assert_eq!(holders.proved.map(|account| account.id), Some(older.id));
            let claims = [holders.first, holders.last].map(|account| account.map(|account| account.id));
            assert_eq!(claims, [Some(younger.id), Some(claiming.id)]);
        }
        assert!(store.account(claiming.id).await.unwrap().claimed_at.is_some());
    })
    .await;
}
