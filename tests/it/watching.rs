//! Sockets that watch a list of rooms: one that asks again, one that reads slowly, and many of several accounts.

use anonchat::{
    protocol::{ClientFrame, CreateRoom, Language, RoomType, SendMessage, ServerFrame},
    server::{
        app::{Actor, App, Browser, Visitor},
        boot::build,
        clock,
        config::Config,
        domain::{lists, messages, rooms},
        socket::{Connection, Frame, Wire},
        store::{SessionId, SessionRecord, TokenHash},
    },
};
use clap::Parser;
use futures_util::StreamExt;
use tokio::net::UnixStream;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};
use uuid::Uuid;

use super::registration::register;
use crate::support::{Guest, Node, Settings, Watcher, client::new_id, on_both_stacks, watcher::text, within};

#[tokio::test]
async fn a_socket_that_asks_again_is_told_the_whole_list_again_and_goes_on() {
    let node = Node::start(&Settings::embedded()).await;
    let ((ada, _), bob) = (Guest::registered(&node, "Ada").await, Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, true).await.room.code;
    bob.join(code).await;
    let mut list = ada.watch().await;
    list.socket.send(&ClientFrame::Watch {}).await.unwrap();
    within("the list again", async {
        while list.told_whole < 2 {
            assert!(list.hear().await);
        }
    })
    .await;
    bob.say(code, "Once").await;
    list.until("what is said", code, |room| text(room) == "Once").await;
    assert_eq!(list.told_whole, 2);
}

/// A new account on a node inside this process.
async fn somebody(app: &App) -> Visitor {
    let (record, at) = (register(&*app.store).await, clock::now());
    let session = SessionRecord {
        id: SessionId(Uuid::now_v7()),
        account: record.id,
        refresh: TokenHash([0; 32]),
        previous: None,
        arrived: false,
        device: "A test".into(),
        created_at: at,
        used_at: at,
        ends_at: at + 3_600_000,
    };
    let actor = Actor::Account { record: Box::new(record), session: Box::new(session) };
    Visitor {
        actor: Some(actor),
        client: [127, 0, 0, 1].into(),
        language: Language::English,
        browser: Browser::default(),
    }
}

/// A server-side connection in this process, and the client's end of its socket.
async fn connect() -> (Connection, WebSocketStream<UnixStream>) {
    let (near, far) = UnixStream::pair().unwrap();
    let connection = Connection::open(Wire::Pair(near));
    let writer = connection.clone();
    tokio::spawn(async move { writer.keep_writing().await });
    (connection, WebSocketStream::from_raw_socket(far, Role::Client, None).await)
}

async fn next_text(client: &mut WebSocketStream<UnixStream>) -> String {
    within("a frame", client.next()).await.unwrap().unwrap().into_text().unwrap().to_string()
}

#[tokio::test]
async fn a_slow_reader_is_told_the_latest_and_nothing_in_between() {
    const JUNK: usize = 4 * 1024 * 1024;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display().to_string();
    let app = build(Config::parse_from(["anonchat", "--data-dir", &data])).await.unwrap();
    let ada = somebody(&app).await;
    let account = ada.account().unwrap().0.id;
    let keeping = tokio::spawn(lists::keep(app.clone()));
    let room = CreateRoom { room_type: RoomType::Group, name: None, preserve: true, nickname: None, id: None };
    let code = rooms::create(&app, &ada, room, None).await.ok().unwrap().room;

    let ((slow, mut slow_reader), (quick, mut quick_reader)) = (connect().await, connect().await);
    slow.push(&Frame::text("x".repeat(JUNK)));
    let _watches = [app.watchers.hold(account, &slow), app.watchers.hold(account, &quick)];
    for i in 0..10 {
        let said = SendMessage {
            code: code.to_string(),
            id: new_id(),
            body: format!("message {i}"),
            reply_to: None,
            mentions: Vec::new(),
            everyone: false,
            member_id: None,
        };
        messages::send(&app, &ada, said).await.unwrap();
        while !next_text(&mut quick_reader).await.contains(&format!("message {i}")) {}
    }
    assert!(!slow.is_closed(), "who reads slowly is told less, and not put out");
    assert_eq!(next_text(&mut slow_reader).await.len(), JUNK);
    let told: ServerFrame = serde_json::from_str(&next_text(&mut slow_reader).await).unwrap();
    assert!(matches!(told, ServerFrame::Rooms { rooms } if text(&rooms[0]) == "message 9"));

    app.stopping.cancel();
    keeping.await.unwrap();
    app.engine.drain().await;
    app.store.close().await;
}

#[tokio::test]
async fn many_devices_of_many_accounts_are_told_of_what_is_theirs_only() {
    on_both_stacks(async |one, two| {
        let ((ada, _), (eve, _)) = (Guest::registered(one, "Ada").await, Guest::registered(one, "Eve").await);
        let bob = Guest::new(two, "Bob");
        let code = bob.create(RoomType::Group, true).await.room.code;
        ada.join(code).await;
        let of_eve = eve.create(RoomType::Group, true).await.room.code;
        let mut devices: Vec<Watcher> = Vec::new();
        for _ in 0..3 {
            devices.push(ada.watch().await);
        }
        let mut of_hers = eve.watch().await;
        bob.say(code, "For Ada").await;
        for device in &mut devices {
            device.until("each device is told", code, |room| text(room) == "For Ada").await;
        }
        eve.say(of_eve, "For Eve").await;
        of_hers.until("Eve is told of hers", of_eve, |room| text(room) == "For Eve").await;
        assert_eq!(of_hers.rooms.len(), 1);
    })
    .await;
}
