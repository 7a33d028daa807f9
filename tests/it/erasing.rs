//! What is erased from a log that is open on a node, and what the node keeps of it besides.

use std::{sync::Arc, time::Duration};

use anonchat::{
    protocol::{ClientId, EventKind, MessageBody},
    server::{
        bus::{Bus, Digest, LastMentions, LastMessage, LocalBus},
        random,
        room::{Calls, Command, Engine, Timing},
        store::{Gone, Store, sqlite::Sqlite},
    },
};

use crate::{later::new_room, support::poll_until};

#[tokio::test]
async fn a_message_that_is_erased_does_not_stay_in_what_lists_show_of_the_room() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("test.sqlite")).unwrap());
    let (bus, news) = LocalBus::new();
    let bus: Arc<dyn Bus> = Arc::new(bus);
    let hour = Duration::from_hours(1);
    let timing = Timing { guest_grace: hour, guest_closed: hour, room_kept_days: 90, edit_minutes: 15 };
    let engine = Engine::start(Arc::clone(&store), Arc::clone(&bus), news, drop, timing);
    let (room, owner) = new_room();
    store.create_room(&room, &owner, None).await.unwrap();
    let body = |text: &str| MessageBody::try_from(text).unwrap();
    let say = Command::Say {
        member: owner.member,
        id: ClientId::new(random::uuid()),
        body: body("Xylophon"),
        reply_to: None,
        calls: Calls::default(),
    };
    engine.command(room.id, say).await.unwrap();

    // No member has an account, so that the room writes no digest by itself. It has one from earlier.
    let mut tail = bus.tail(room.id, 0).await.unwrap().unwrap();
    let said = tail.events.last().unwrap().clone();
    let message = said.message().unwrap();
    let digest = Digest {
        epoch: tail.epoch,
        head: tail.head,
        n: tail.n,
        retention: room.retention,
        name: None,
        members: 1,
        at: said.at,
        message: Some(LastMessage {
            seq: said.seq,
            n: message.n,
            author: message.author.clone(),
            text: "Xylophon".to_owned(),
            deleted: false,
        }),
        newcomer: None,
        mentions: LastMentions::default(),
        pair: Vec::new(),
        here: None,
        gone: Gone::default(),
    };
    bus.put_digest(room.id, &digest).await.unwrap();

    if let EventKind::Message(message) = &mut tail.events.last_mut().unwrap().kind {
        message.body = body("Erased.");
    }
    bus.rewrite_tail(room.id, tail.epoch, &tail.events).await.unwrap();
    engine.reread(room.id).await;
    poll_until("lists show what the log has now", || async {
        let digests = bus.digests(&[room.id]).await.unwrap();
        let (_, Digest { message: Some(message), .. }) = &digests[0] else { return false };
        message.text == "Erased."
    })
    .await;
}
