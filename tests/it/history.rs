//! History: its pages, who may read them, and what is in them after a room began to keep messages or the disk was
//! almost full.

use anonchat::protocol::{
    ClientFrame, Code, CreateRoom, Event, HistoryPage, Problem, Reason, RoomCode, RoomType, ServerFrame, Snapshot,
};
use reqwest::Method;

use super::wire::{texts, two_in_a_room};
use crate::support::{
    Guest, Node, Settings,
    client::{Refused, new_id},
    story, within,
};

async fn page(guest: &Guest, query: &[(&str, String)]) -> Result<HistoryPage, Refused> {
    guest.ask(Method::GET, "/api/chats/history", query).await
}

#[tokio::test]
async fn history_is_read_page_by_page_complete_and_without_doubles_while_somebody_writes() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, bob) = two_in_a_room(&node, preserve).await;
        let (guest, code) = (bob.guest.clone(), bob.code);
        for i in 0..230 {
            let frame = ClientFrame::Send {
                code,
                id: new_id(),
                body: format!("Before {i}"),
                reply_to: None,
                mentions: Vec::new(),
                everyone: false,
            };
            ada.socket.feed(&frame).await.unwrap();
        }
        ada.socket.flush().await.unwrap();
        ada.until_said("Before 229").await;
        let writing = async {
            for i in 0..60 {
                ada.say(&format!("Meanwhile {i}")).await;
            }
        };
        let reading = async {
            let mut pages: Vec<Vec<Event>> = Vec::new();
            loop {
                let before = pages.last().and_then(|page| page.last()).map(|event| event.seq);
                let mut query = vec![("code", code.to_string()), ("limit", "50".to_owned())];
                query.extend(before.map(|before| ("before", before.to_string())));
                let page = page(&guest, &query).await.unwrap();
                pages.push(page.events);
                if !page.has_more {
                    return pages;
                }
            }
        };
        let ((), pages) = tokio::join!(writing, reading);
        assert!(pages[..pages.len() - 1].iter().all(|page| page.len() == 50), "full pages but for the last");
        let all: Vec<Event> = pages.into_iter().flatten().collect();
        assert!(all.windows(2).all(|pair| pair[0].seq == pair[1].seq + 1), "newest first, no gap and no double");
        assert_eq!(all.last().unwrap().seq, if preserve { 1 } else { 2 }, "back to the first that Bob may see");
        let before: Vec<_> = texts(&all).into_iter().filter(|text| text.starts_with("Before")).collect();
        assert!(before.iter().rev().enumerate().all(|(i, text)| *text == format!("Before {i}")));
        assert_eq!(before.len(), 230);
    }
}

#[tokio::test]
async fn a_page_of_history_has_one_to_fifty_events() {
    let node = Node::start(&Settings::embedded()).await;
    for preserve in [false, true] {
        let (mut ada, _bob) = two_in_a_room(&node, preserve).await;
        ada.say("Only this").await;
        let (guest, code) = (ada.guest.clone(), ada.code.to_string());
        let query = |name: &'static str, value: &str| vec![("code", code.clone()), (name, value.to_owned())];
        for bad in ["0", "51", "abc", "-1", "1.5", "", "99999999999999999999"] {
            let refused = page(&guest, &query("limit", bad)).await.unwrap_err();
            assert_eq!((refused.status.as_u16(), refused.problem.code), (400, Code::InvalidInput), "limit={bad}");
        }
        for bad in ["abc", "-1", "1e3"] {
            let refused = page(&guest, &query("before", bad)).await.unwrap_err();
            assert_eq!((refused.status.as_u16(), refused.problem.code), (400, Code::InvalidInput), "before={bad}");
        }
        let newest = page(&guest, &query("limit", "1")).await.unwrap();
        assert_eq!((story(&newest.events), newest.has_more), (vec!["Ada: Only this".to_owned()], true));
        let nothing = HistoryPage { events: Vec::new(), has_more: false, quotes: Vec::new() };
        for before in ["0", "1"] {
            assert_eq!(page(&guest, &query("before", before)).await.unwrap(), nothing, "before={before}");
        }
        for far in ["4", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615"] {
            let all = page(&guest, &query("before", far)).await.unwrap();
            assert_eq!((all.events.len(), all.has_more), (3, false), "before={far}");
        }
    }
}

#[tokio::test]
async fn history_is_for_members() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, bob) = two_in_a_room(&node, true).await;
    let eve = Guest::new(&node, "Eve");
    let ask = async |guest: &Guest, code: RoomCode| {
        let refused = page(guest, &[("code", code.to_string())]).await.unwrap_err();
        (refused.status.as_u16(), refused.problem.code)
    };
    assert_eq!(ask(&eve, ada.code).await, (401, Code::NoSession));
    eve.create(RoomType::Group, false).await;
    let unknown = "ZZZZZZ".parse().unwrap();
    assert_eq!(ask(&eve, ada.code).await, (404, Code::RoomUnavailable));
    assert_eq!(ask(&eve, unknown).await, (404, Code::RoomUnavailable), "a wrong code looks the same");
    bob.guest.leave(bob.code).await;
    assert_eq!(ask(&bob.guest, bob.code).await, (403, Code::NotAMember));
}

#[tokio::test]
async fn while_the_disk_is_almost_full_words_are_refused_that_would_be_kept_and_nothing_is_lost() {
    // The setting is a minimum of free disk space that no disk has.
    let settings = Settings::embedded();
    let mut node = Node::start(&settings).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, true).await.room.code;
    ada.say(code, "There is room").await;
    assert!(node.terminate().await);

    let full = settings.clone().with("DISK_FLOOR_MIB", "9000000000000").logged("warn");
    let mut node = Node::start(&full).await;
    assert!(full.log().contains("the disk is almost full"), "said at start: {}", full.log());
    let ada = ada.at(&node);
    let mut page = ada.follow(code).await;
    let id = new_id();
    let low = |problem: &Problem| {
        let told = (problem.code, problem.reason, problem.retry_after_ms.is_some());
        assert_eq!(told, (Code::StoreUnavailable, Some(Reason::DiskLow), true), "{problem:?}");
    };
    low(&ada.try_say(code, id, "By REST").await.unwrap_err().problem);
    page.socket
        .send(&ClientFrame::Send {
            code,
            id,
            body: "By a socket".to_owned(),
            reply_to: None,
            mentions: Vec::new(),
            everyone: false,
        })
        .await
        .unwrap();
    within("the socket is refused", async {
        loop {
            if let ServerFrame::Error { code, detail, id: about, reason, retry_after_ms, .. } =
                page.socket.next().await.unwrap()
            {
                assert_eq!(about, Some(id));
                return low(&Problem { reason, retry_after_ms, ..Problem::new(code, detail) });
            }
        }
    })
    .await;
    let eve = Guest::new(&node, "Eve");
    let asked = CreateRoom { room_type: RoomType::Group, name: None, preserve: true, nickname: None, id: None };
    low(&eve.ask::<Snapshot>(Method::POST, "/api/rooms/create", asked).await.unwrap_err().problem);
    // Ephemeral rooms go on, and so does everything that stores no messages.
    let quiet = eve.create(RoomType::Group, false).await.room.code;
    eve.say(quiet, "Hello").await;
    low(&eve.preserve(quiet, true).await.unwrap_err().problem);
    Guest::new(&node, "Bob").join(code).await;
    assert!(node.terminate().await);

    let node = Node::start(&settings).await;
    let ada = ada.at(&node);
    let said = ada.try_say(code, id, "By a socket").await.unwrap();
    assert_eq!(said.id, id, "the same message, sent again");
}

#[tokio::test]
async fn messages_are_counted_on_when_a_room_begins_to_keep_them() {
    let mut node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    for text in ["one", "two", "three"] {
        ada.say(code, text).await;
    }
    ada.preserve(code, true).await.expect("the owner may");
    node.kill().await;
    node.restart().await;
    ada.say(code, "four").await;
    let newest = ada.history(code, None).await.events.remove(0);
    assert_eq!(newest.message().map(|message| message.n), Some(4));
}
