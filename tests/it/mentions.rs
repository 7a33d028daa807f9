//! Mentions, on both stacks: whom a message mentions, what lists show of it, and what an edit or a deletion leaves.

use anonchat::protocol::{Ack, Code, Event, MemberId, Message, RoomCode, RoomType, Touched, limits};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Guest, Node, Settings,
    account::PASSWORD,
    client::{new_id, target},
    on_both_stacks, refusal,
};

/// Sends a message that mentions members, and perhaps everyone.
async fn call(by: &Guest, code: RoomCode, body: &str, mentions: &[MemberId], everyone: bool) -> Ack {
    by.ask(Method::POST, "/api/messages", message(code, body, mentions, everyone)).await.expect("the message is taken")
}

fn message(code: RoomCode, body: &str, mentions: &[MemberId], everyone: bool) -> Value {
    json!({ "code": code, "id": new_id(), "body": body, "mentions": mentions, "everyone": everyone })
}

/// Changes the text of a message, and whom it mentions.
async fn edit(by: &Guest, code: RoomCode, of: Ack, body: &str, mentions: &[MemberId]) {
    let change = json!({ "code": code, "id": of.id, "body": body, "mentions": mentions });
    let path = format!("/api/messages/{}", of.seq);
    by.ask::<Touched>(Method::PATCH, &path, change).await.expect("the text is changed");
}

/// Whom the messages of a room mention: their names, and whether everyone is mentioned.
async fn mentioned(reader: &Guest, code: RoomCode) -> Vec<(Vec<String>, bool)> {
    let names = |message: &Message| message.mentions.iter().map(|person| person.name.to_string()).collect();
    let events = reader.whole_history(code).await;
    events.iter().filter_map(Event::message).map(|message| (names(message), message.everyone)).collect()
}

#[tokio::test]
async fn a_mention_is_in_the_list_until_it_is_read_edited_away_or_deleted() {
    on_both_stacks(async |one, two| {
        let (ada, (bob, _)) = (Guest::new(one, "Ada"), Guest::registered(two, "Bob").await);
        for preserve in [true, false] {
            let code = ada.create(RoomType::Group, preserve).await.room.code;
            let me = bob.join(code).await.you.member_id;
            let mut list = bob.watch().await;
            let first = call(&ada, code, "Look, @Bob", &[me, MemberId::from_bits(7), me], false).await;
            list.until("a mention", code, |room| room.mention == first.seq && room.mentioned).await;
            assert_eq!(mentioned(&bob, code).await, [(vec!["Bob".to_owned()], false)]);

            // A name alone is a mark and no mention.
            ada.say(code, "Bob is quiet").await;
            list.until("a name", code, |room| room.unread == 2 && room.mention == first.seq).await;
            edit(&ada, code, first, "Look", &[]).await;
            list.until("only the name", code, |room| room.mention == 0 && room.mentioned).await;

            let second = call(&ada, code, "Hello, everyone", &[], true).await;
            list.until("everyone", code, |room| room.mention == second.seq).await;
            let third = call(&ada, code, "A reply, without a name", &[me], false).await;
            list.until("a mention without a name", code, |room| room.mention == third.seq).await;
            ada.delete(code, target(third)).await.unwrap();
            list.until("the one before", code, |room| room.mention == second.seq && room.unread == 3).await;
            edit(&ada, code, second, "Hello", &[me]).await;
            list.until("an edit adds one", code, |room| room.mention == second.seq).await;
            let shown = [(vec![], false), (vec![], false), (vec!["Bob".to_owned()], false), (vec![], false)];
            assert_eq!(mentioned(&bob, code).await, shown);

            bob.say(code, "I have read it").await;
            list.until("nothing is unread", code, |room| room.mention == 0 && !room.mentioned).await;
            ada.leave(code).await;
        }
    })
    .await;
}

#[tokio::test]
async fn in_a_large_room_only_its_owner_mentions_everyone() {
    let node = Node::start(&Settings::embedded()).await;
    let ((ada, _), bob) = (Guest::registered(&node, "Ada").await, Guest::new(&node, "Bob"));
    let code = ada.create(RoomType::Group, true).await.room.code;
    bob.join(code).await;
    call(&bob, code, "@everyone", &[], true).await;
    for n in 0..limits::EVERYONE_MEMBERS - 1 {
        Guest::new(&node, &format!("Guest {n}")).join(code).await;
    }
    let refused = async |body: Value| refusal(bob.ask::<Ack>(Method::POST, "/api/messages", body).await);
    assert_eq!(refused(message(code, "@everyone", &[], true)).await, (403, Code::NotOwner));
    let many = vec![MemberId::from_bits(7); limits::MENTIONS + 1];
    assert_eq!(refused(message(code, "Hello", &many, false)).await, (400, Code::InvalidInput));
    call(&ada, code, "@everyone", &[], true).await;
    assert_eq!(mentioned(&bob, code).await, [(vec![], true), (vec![], true)]);
}

#[tokio::test]
async fn a_name_in_a_mention_goes_with_its_account_and_a_download_has_it() {
    on_both_stacks(async |one, two| {
        let ((ada, _), (bob, _)) = (Guest::registered(one, "Ada").await, Guest::registered(two, "Bob").await);
        let code = ada.create(RoomType::Group, true).await.room.code;
        let me = bob.join(code).await.you.member_id;
        call(&ada, code, "Hello, @Bob", &[me], false).await;
        let data: Value = ada.ask(Method::GET, "/api/users/me/data", ()).await.unwrap();
        assert_eq!(data["messages"][0]["mentions"], json!([{ "id": me, "name": "Bob" }]));
        bob.tell(Method::DELETE, "/api/users/me", json!({ "password": PASSWORD })).await.unwrap();
        let names = mentioned(&ada, code).await;
        assert_eq!(names.len(), 1);
        assert_ne!(names[0].0, ["Bob"]);
    })
    .await;
}
