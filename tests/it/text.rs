//! Text by REST and by forms, on one embedded node: what counts as blank, what a name may contain, and how codes are
//! parsed.

use anonchat::protocol::{Code, Profile, Reason, RoomCode, RoomType, Snapshot, TextKind};
use reqwest::Method;
use serde_json::json;

use crate::support::{
    Guest, Node, Settings, Watcher,
    account::{PASSWORD, new_address},
    client::{Refused, new_id},
    on_both_stacks,
};

const POST: Method = Method::POST;
const PUT: Method = Method::PUT;

/// Texts without any visible character. Those that are only white space are not among them: such a name counts as left
/// out.
fn nothing() -> impl Iterator<Item = &'static str> {
    let texts: &[&str] = include!("../data/nothing_visible.rs");
    texts.iter().copied().filter(|text| !text.trim().is_empty())
}

fn reason<T: std::fmt::Debug>(refused: Result<T, Refused>) -> (u16, Code, Option<Reason>) {
    let Refused { status, problem } = refused.unwrap_err();
    (status.as_u16(), problem.code, problem.reason)
}

fn empty(what: TextKind) -> (u16, Code, Option<Reason>) {
    (400, Code::InvalidInput, Some(Reason::Empty { what }))
}

#[tokio::test]
async fn what_shows_nothing_is_no_message() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, false).await.room.code;
    for body in nothing().chain(["** **", "|| ||", "_ _", "**\u{200B}**"]) {
        assert_eq!(
            reason(ada.try_say(code, new_id(), body).await),
            empty(TextKind::Message),
            "{}",
            body.escape_unicode()
        );
    }
    let family = "👩‍👩‍👧‍👦 می\u{200C}خواهم";
    ada.say(code, family).await;
    let said: Vec<_> =
        ada.whole_history(code).await.into_iter().filter_map(|event| Some(event.message()?.body.to_string())).collect();
    assert_eq!(said, [family]);
}

#[tokio::test]
async fn what_shows_nothing_is_no_name_at_any_door() {
    let node = Node::start(&Settings::embedded()).await;
    let (ada, email) = (Guest::new(&node, "Ada"), new_address());
    ada.register(&email).await;
    let code = ada.create(RoomType::Group, false).await.room.code;
    for name in nothing() {
        let shown = name.escape_unicode();
        let stranger = Guest::new(&node, name);
        let create = json!({ "type": "group", "nickname": name });
        assert_eq!(
            reason(stranger.ask::<Snapshot>(POST, "/api/rooms/create", create).await),
            empty(TextKind::Name),
            "{shown}"
        );
        let named = json!({ "type": "group", "nickname": "Ada", "name": name });
        assert_eq!(
            reason(stranger.ask::<Snapshot>(POST, "/api/rooms/create", named).await),
            empty(TextKind::RoomName),
            "{shown}"
        );
        assert_eq!(reason(stranger.try_join(code).await), empty(TextKind::Name), "{shown}");
        let rename = json!({ "code": code, "name": name });
        assert_eq!(reason(ada.tell(PUT, "/api/rooms/name", rename).await), empty(TextKind::RoomName), "{shown}");
        let preferences = json!({ "nickname": name });
        assert_eq!(
            reason(ada.ask::<Profile>(PUT, "/api/users/preferences", preferences).await),
            empty(TextKind::Name),
            "{shown}"
        );
    }
    let body = json!({ "name": "\u{200B}", "email": new_address(), "password": PASSWORD });
    assert_eq!(
        reason(Guest::new(&node, "").ask::<Profile>(POST, "/api/auth/register", body).await),
        empty(TextKind::Name)
    );
    let preferences = json!({ "nickname": "A\u{34F}da" });
    let profile: Profile = ada.ask(PUT, "/api/users/preferences", preferences).await.unwrap();
    assert_eq!(profile.preferences.nickname.unwrap().as_str(), "Ada");
}

#[tokio::test]
async fn a_code_is_read_from_whatever_was_typed_or_pasted() {
    let node = Node::start(&Settings::embedded()).await;
    let ada = Guest::new(&node, "Ada");
    let code = ada.create(RoomType::Group, true).await.room.code;
    let (one, other) = code.as_str().split_at(3);
    let wide: String = code.as_str().chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).unwrap()).collect();
    let link = format!("https://chat.example/rooms/{code}");
    let bob = Guest::new(&node, "Bob");
    for typed in [
        format!("\u{200B}{code}"),
        format!("\u{2068}{code}\u{2069}"),
        format!("\u{FEFF}{code}"),
        wide,
        format!("{one}—{other}"),
        format!("{one}\u{2011}{other}"),
        format!("{code}."),
        format!("„{code}“"),
        link.clone(),
        format!("Come: {link} see you"),
        format!("<{link}>"),
        format!("[room]({link})"),
        format!("{one} {other}\n{link}"),
        format!("{link}%20"),
    ] {
        let joined = bob.ask::<Snapshot>(POST, "/api/rooms/join", json!({ "code": typed, "nickname": "Bob" })).await;
        assert_eq!(joined.unwrap().room.code, code, "{}", typed.escape_unicode());
        // A form without scripts.
        let sent = bob.send_form("/", "join_room", &[("code", &typed), ("nickname", "Bob")]).await;
        assert_eq!(sent, (302, format!("/rooms/{code}")), "{}", typed.escape_unicode());
    }
    for end in ["%E2%80%8B", ".", "%20", "%E2%81%A9"] {
        let (status, page) = Guest::new(&node, "").page(&format!("/rooms/{code}{end}")).await;
        assert_eq!(status, 200, "{end}");
        assert!(page.contains("name=\"code\"") && page.contains(&code.spaced()), "{end}");
        let seen = ada.ask::<Snapshot>(Method::GET, &format!("/api/rooms/{code}{end}"), ()).await;
        assert_eq!(seen.unwrap().room.code, code, "{end}");
    }
}

/// Sends a message as Bob. Returns whether the list marks it as a mention, and its preview.
async fn called(list: &mut Watcher, bob: &Guest, code: RoomCode, text: &str) -> (bool, String) {
    let seq = bob.say(code, text).await.seq;
    list.until("the message is listed", code, |room| room.last.as_ref().is_some_and(|last| last.seq == seq)).await;
    let room = list.room(code).unwrap();
    (room.mentioned, room.last.clone().unwrap().text)
}

#[tokio::test]
async fn a_name_calls_in_each_of_its_forms_and_not_within_an_address() {
    on_both_stacks(async |one, two| {
        for (name, text, is_called) in [
            ("Zoë", "zoe\u{308}, come", true),
            ("Zoe\u{308}", "ZOË, come", true),
            ("Straße", "STRASSE!", true),
            ("İbrahim", "selam ibrahim", true),
            ("Ada", "https://example.org/users/ada/ and ada@example.net", false),
            ("Ada", "ada, see https://example.org", true),
        ] {
            let ((account, _), bob) = (Guest::registered(one, name).await, Guest::new(two, "Bob"));
            let code = account.create(RoomType::Group, true).await.room.code;
            bob.join(code).await;
            let mut list = account.watch().await;
            assert_eq!(called(&mut list, &bob, code, text).await.0, is_called, "{name}: {text}");
            bob.leave(code).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_preview_has_no_marks_and_nothing_hidden() {
    on_both_stacks(async |one, two| {
        let ((ada, _), bob) = (Guest::registered(one, "Ada").await, Guest::new(two, "Bob"));
        for preserve in [true, false] {
            let code = ada.create(RoomType::Group, preserve).await.room.code;
            bob.join(code).await;
            let mut list = ada.watch().await;
            let said = "> _Hi_ **Ada**\nThe end: ||he *dies*||";
            assert_eq!(called(&mut list, &bob, code, said).await, (true, "Hi Ada The end: ▒▒▒".to_owned()));
            let history = ada.whole_history(code).await;
            let body = history.iter().rev().find_map(|event| Some(event.message()?.body.to_string()));
            assert_eq!(body.as_deref(), Some(said), "the source is kept");
            bob.leave(code).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_preview_is_cut_between_pictures() {
    on_both_stacks(async |one, two| {
        let ((ada, _), bob) = (Guest::registered(one, "Ada").await, Guest::new(two, "Bob"));
        for preserve in [true, false] {
            let code = ada.create(RoomType::Group, preserve).await.room.code;
            bob.join(code).await;
            let mut list = ada.watch().await;
            for (picture, before) in [("🇩🇪", 138), ("👩‍👩‍👧‍👦", 137), ("e\u{301}", 138)] {
                let before = "x".repeat(before);
                let (_, text) = called(&mut list, &bob, code, &format!("{before}{picture}z")).await;
                assert_eq!(text, format!("{before}…"));
            }
            bob.leave(code).await;
        }
    })
    .await;
}
