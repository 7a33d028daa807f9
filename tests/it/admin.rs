//! The command `anonchat admin` as an operator runs it: the real program, on both stacks.

use anonchat::protocol::{ByeReason, Code, RoomType, ServerFrame};
use reqwest::Method;
use serde_json::Value;

use crate::support::{Guest, Node, Settings, cluster, within};

async fn json(settings: &Settings, args: &[&str]) -> Value {
    let (status, out, complaints) = settings.admin(args).await;
    assert_eq!(status, 0, "{args:?}: {complaints}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

fn row<'a>(rows: &'a Value, field: &str, value: &str) -> Option<&'a Value> {
    rows.as_array().unwrap().iter().find(|row| row[field] == value)
}

/// Lists, shows and deletes, which work the same on either stack, with or without running nodes.
async fn looked_at_and_deleted(settings: &Settings, kept: &str, quiet: &str, email: &str) {
    let rooms = json(settings, &["rooms", "list", "--json"]).await;
    let room = row(&rooms, "code", kept).unwrap();
    assert_eq!((&room["preserve"], &room["type"], &room["idle_days"]), (&true.into(), &"group".into(), &0.into()));
    assert!(row(&rooms, "code", quiet).is_some());
    assert_eq!(json(settings, &["rooms", "list", "--json", "--idle-days", "1"]).await, serde_json::json!([]));
    let (status, table, _) = settings.admin(&["rooms", "list"]).await;
    assert!(status == 0 && table.starts_with("CODE") && table.contains(kept), "{table}");
    // The code as a person types it.
    let shown = json(settings, &["rooms", "show", &kept.to_lowercase(), "--json"]).await;
    assert_eq!((&shown["kept_bytes"], &shown["code"]), (&"Grüße".len().into(), &kept.into()));
    let (_, text, _) = settings.admin(&["rooms", "show", kept]).await;
    assert!(text.contains("Ada") && !text.contains("Grüße"), "no message is shown: {text}");

    let accounts = json(settings, &["accounts", "list", "--json"]).await;
    let account = row(&accounts, "email", email).unwrap();
    assert_eq!((&account["name"], &account["proved"]), (&"Bob".into(), &false.into()));
    let id = account["id"].as_str().unwrap().to_owned();
    for who in [email, &id] {
        let shown = json(settings, &["accounts", "show", who, "--json"]).await;
        assert_eq!((&shown["id"], &shown["sessions"]), (&id.as_str().into(), &1.into()));
        assert!(row(&shown["rooms"], "code", quiet).is_some());
    }

    let (status, said, _) = settings.admin(&["rooms", "delete", kept]).await;
    assert!(status == 0 && said.contains(kept), "{said}");
    let (status, said, _) = settings.admin(&["accounts", "delete", email]).await;
    assert!(status == 0 && said.contains(email), "{said}");
    for args in [
        &["rooms", "delete", kept][..],
        &["rooms", "show", kept],
        &["accounts", "show", email],
        &["accounts", "delete", &id],
    ] {
        let (status, out, complaints) = settings.admin(args).await;
        assert_eq!((status, out.as_str()), (3, ""), "{args:?}");
        assert!(complaints.contains("There is no"), "{complaints}");
    }
    assert!(row(&json(settings, &["rooms", "list", "--json"]).await, "code", kept).is_none());
    assert!(row(&json(settings, &["accounts", "list", "--json"]).await, "email", email).is_none());
}

/// A preserved room with a guest, and an ephemeral room of an account with this address.
async fn inhabited(node: &Node) -> (Guest, Guest, String, [anonchat::protocol::RoomCode; 2]) {
    let ada = Guest::new(node, "Ada");
    let kept = ada.create(RoomType::Group, true).await.room.code;
    ada.say(kept, "Grüße").await;
    let (bob, email) = Guest::registered(node, "Bob").await;
    let quiet = bob.create(RoomType::Group, false).await.room.code;
    (ada, bob, email, [kept, quiet])
}

#[tokio::test]
async fn with_sqlite_the_server_is_stopped_first_and_finds_what_was_done() {
    let settings = Settings::embedded();
    let (status, _, complaints) = settings.admin(&["rooms", "list"]).await;
    assert_eq!(status, 1);
    assert!(complaints.contains("DATA_DIR"), "nothing is made where nothing is: {complaints}");
    assert!(!settings.data_dir().exists());

    let mut node = Node::start(&settings).await;
    let (ada, bob, email, [kept, quiet]) = inhabited(&node).await;
    let (status, out, complaints) = settings.admin(&["rooms", "delete", &kept.to_string()]).await;
    assert_eq!((status, out.as_str()), (4, ""));
    assert!(complaints.contains("Stop the server first"), "{complaints}");
    ada.say(kept, "It goes on").await;
    assert!(node.terminate().await);
    let (_, shown, _) = settings.admin(&["rooms", "show", &kept.to_string(), "--json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["kept_bytes"], "GrüßeIt goes on".len());
    let (status, ..) = settings.admin(&["rooms", "delete", &kept.to_string()]).await;
    assert_eq!(status, 0);
    node.restart().await;
    let refused = ada.ask::<Value>(Method::GET, &format!("/api/rooms/{kept}"), ()).await.unwrap_err();
    assert_eq!(refused.problem.code, Code::RoomUnavailable);
    let cyd = Guest::new(&node, "Ada");
    let again = cyd.create(RoomType::Group, true).await.room.code;
    cyd.say(again, "Grüße").await;
    assert!(node.terminate().await);

    looked_at_and_deleted(&settings, &again.to_string(), &quiet.to_string(), &email).await;
    node.restart().await;
    assert!(!bob.is_logged_in().await);
    assert_eq!(
        bob.try_log_in(&email, crate::support::account::PASSWORD).await.unwrap_err().problem.code,
        Code::WrongCredentials
    );
}

#[tokio::test]
async fn with_mongodb_and_redis_running_nodes_learn_of_it_at_once() {
    let Some((one, two)) = cluster().await else { return };
    let (ada, bob, email, [kept, quiet]) = inhabited(&one).await;
    let mut page = ada.at(&two).follow(kept).await;
    let mut tab = bob.at(&two).follow(quiet).await;
    looked_at_and_deleted(one.settings(), &kept.to_string(), &quiet.to_string(), &email).await;
    within("whoever is in the room is told", async {
        loop {
            if let ServerFrame::Error { code, room, .. } = page.socket.next().await.unwrap() {
                assert_eq!((code, room), (Code::RoomUnavailable, Some(kept)));
                return;
            }
        }
    })
    .await;
    within("the account is logged out", async {
        loop {
            match tab.socket.next().await {
                Some(ServerFrame::Bye { reason, .. }) => return assert_eq!(reason, ByeReason::SignedOut),
                Some(_) => {}
                None => panic!("closed without a word"),
            }
        }
    })
    .await;
    for node in [&one, &two] {
        let refused = ada.at(node).ask::<Value>(Method::GET, &format!("/api/rooms/{kept}"), ()).await.unwrap_err();
        assert_eq!(refused.problem.code, Code::RoomUnavailable);
        assert!(!bob.at(node).is_logged_in().await);
    }
    // An ephemeral room, with everything that nodes and bus hold of it.
    let eve = Guest::new(&one, "Eve");
    let code = eve.create(RoomType::Group, false).await.room.code;
    let mut page = eve.follow(code).await;
    page.say("Gone in a moment").await;
    let (status, ..) = one.settings().admin(&["rooms", "delete", &code.to_string()]).await;
    assert_eq!(status, 0);
    within("she is told", async {
        while !matches!(page.socket.next().await, Some(ServerFrame::Error { code: Code::RoomUnavailable, .. })) {}
    })
    .await;
    eve.try_join(code).await.unwrap_err();
    assert_eq!(Guest::new(&two, "Eve").try_join(code).await.unwrap_err().problem.code, Code::RoomUnavailable);
}

#[tokio::test]
async fn it_says_how_it_is_used_and_refuses_what_is_no_code() {
    let settings = Settings::embedded();
    for (args, words) in [
        (&["--help"][..], "rooms"),
        (&["rooms", "--help"], "delete"),
        (&["rooms", "list", "--help"], "--idle-days"),
        (&["accounts", "delete", "--help"], "--erase-messages"),
    ] {
        let (status, help, _) = settings.admin(args).await;
        assert!(status == 0 && help.contains(words), "{args:?}: {help}");
    }
    for args in [&[][..], &["rooms"], &["rooms", "show"], &["rooms", "burn", "K7M2QX"]] {
        assert_eq!(settings.admin(args).await.0, 2, "{args:?}");
    }
    let mut node = Node::start(&settings).await;
    assert!(node.terminate().await);
    for args in [["rooms", "show", "K7M"], ["accounts", "show", "nobody"]] {
        let (status, _, complaints) = settings.admin(&args).await;
        assert!(status == 1 && complaints.contains("is no"), "{args:?}: {complaints}");
    }
}
