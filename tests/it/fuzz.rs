//! Fuzz targets: every parser of outside input accepts or refuses without a panic, and an accepted value survives being
//! written and read again.
//!
//! `cargo test` runs each target with a thousand random inputs, on stable Rust. `cargo bolero test --test it
//! fuzz::NAME` runs one for as long as you like, guided by coverage. The parser of `X-Forwarded-For` is fuzzed in
//! `server/http/client.rs` with proptest.

use anonchat::{
    protocol::{
        ClientFrame, CreateRoom, Email, JoinRoom, Link, LogIn, Preferences, Register, RoomCode, SendMessage, links,
        markdown::{self, Block, Kind, Span},
    },
    server::text,
};
use bolero::check;
use serde::{Serialize, de::DeserializeOwned};

/// One example of each frame that a client sends.
const FRAMES: &[&str] = &[
    r#"{"subscribe":{"code":"K7M2QX","epoch":7,"after":41}}"#,
    r#"{"send":{"code":"K7M2QX","id":"01890a5d-ac96-774b-bcce-b302099a8057","body":"Hello, all."}}"#,
    r#"{"typing":{"code":"K7M2QX","on":true}}"#,
    r#"{"read":{"code":"K7M2QX","seq":41}}"#,
    r#"{"watch":{}}"#,
    r#"{"leave":{"code":"K7M2QX"}}"#,
    r#"{"unsubscribe":{"code":"K7M2QX"}}"#,
    r#"{"ping":{"n":1}}"#,
];

/// One example of each REST body.
const BODIES: &[&str] = &[
    r#"{"type":"group","name":"Chess","preserve":true,"nickname":"Ada"}"#,
    r#"{"code":"K7M2QX","nickname":"Ada"}"#,
    r#"{"code":"K7M2QX","id":"01890a5d-ac96-774b-bcce-b302099a8057","body":"Hello, all."}"#,
    r#"{"name":"Ada","email":"ada@example.org","password":"nine purple lanterns"}"#,
    r#"{"theme":"dark","hours":"24","notify":"mentions","language":"de"}"#,
];

/// A change of a text: its index in the list, the position and length of the replaced part, and the replacement.
type Change = (u8, u8, u8, Vec<u8>);

/// One of the texts with a part of it replaced.
fn changed(texts: &[&str], (which, from, length, instead): &Change) -> Vec<u8> {
    let text = texts[usize::from(*which) % texts.len()].as_bytes();
    let from = usize::from(*from) % (text.len() + 1);
    let to = (from + usize::from(length % 24)).min(text.len());
    [&text[..from], instead, &text[to..]].concat()
}

/// Parses bytes as a `T`. A `T` that was parsed must be equal after writing and parsing it again.
fn reads_as_itself<T: DeserializeOwned + Serialize>(bytes: &[u8]) {
    if let Ok(read) = serde_json::from_slice::<T>(bytes) {
        let written = serde_json::to_string(&read).expect("what was read can be written");
        let again: T = serde_json::from_str(&written).expect("what was written can be read");
        assert_eq!(serde_json::to_string(&again).expect("it can be written again"), written);
    }
}

#[test]
fn frames() {
    check!().with_type::<Change>().for_each(|change| reads_as_itself::<ClientFrame>(&changed(FRAMES, change)));
}

#[test]
fn commands() {
    check!().with_type::<Change>().for_each(|change| {
        let bytes = changed(BODIES, change);
        reads_as_itself::<CreateRoom>(&bytes);
        reads_as_itself::<JoinRoom>(&bytes);
        reads_as_itself::<SendMessage>(&bytes);
        reads_as_itself::<Register>(&bytes);
        reads_as_itself::<LogIn>(&bytes);
        reads_as_itself::<Preferences>(&bytes);
    });
}

#[test]
fn names_and_messages() {
    check!().with_type::<String>().for_each(|typed| {
        if let Ok(name) = text::nickname(typed) {
            assert!(!text::is_blank(name.as_str()), "{typed:?} is a name that nobody sees");
            assert_eq!(text::nickname(name.as_str()), Ok(name), "{typed:?}");
        }
        if let Ok(name) = text::room_name(typed) {
            assert_eq!(text::room_name(name.as_str()), Ok(name), "{typed:?}");
        }
        if let Ok(body) = text::message(typed) {
            assert!(!text::is_blank(body.as_str()), "{typed:?} is a message that nobody sees");
            assert_eq!(text::message(body.as_str()), Ok(body), "{typed:?}");
        }
    });
}

#[test]
fn addresses_of_mail() {
    check!().with_type::<String>().for_each(|typed| {
        if let Ok(email) = Email::try_from(typed.as_str()) {
            assert_eq!(Email::try_from(email.as_str()), Ok(email), "{typed:?}");
        }
    });
}

#[test]
fn codes() {
    check!().with_type::<(u32, String, String)>().for_each(|(bits, before, behind)| {
        if let Ok(code) = before.parse::<RoomCode>() {
            assert_eq!(code.as_str().parse(), Ok(code), "{before:?}");
        }
        let code = RoomCode::from_bits(*bits);
        assert_eq!(code.spaced().parse(), Ok(code));
        // A link is found between other words, unless these contain a link of their own.
        if !(before.contains("rooms") || behind.contains("rooms")) {
            let pasted = format!("{before} https://chat.example/rooms/{code} {behind}");
            assert_eq!(pasted.parse(), Ok(code), "{pasted:?}");
        }
    });
}

#[test]
fn links_of_a_message() {
    check!().with_type::<(String, String)>().for_each(|(before, behind)| {
        for said in [before.clone(), format!("{before}https://example.org/{behind}"), format!("{before}@{behind}.org")]
        {
            let mut end = 0;
            for Link { range, href } in links(&said) {
                assert!(end <= range.start && range.start < range.end, "{said:?}: {range:?} after {end}");
                assert!(said.get(range.clone()).is_some(), "{said:?}: {range:?} cuts a character");
                let scheme = href.split(':').next().unwrap_or_default().to_ascii_lowercase();
                assert!(["http", "https", "mailto"].contains(&&*scheme), "{said:?} leads to {href:?}");
                assert!(!href.contains(char::is_whitespace), "{said:?} leads to {href:?}");
                end = range.end;
            }
        }
    });
}

#[test]
fn formatting_of_a_message() {
    check!().with_type::<(String, u8, String)>().for_each(|(before, mark, behind)| {
        let marks = ["*", "**", "_", "~~", "||", "`", "```\n", "\n> ", "\n- ", "\n1. ", "[", "](https://example.org)"];
        let mark = marks[usize::from(*mark) % marks.len()];
        let said = format!("{before}{mark}{behind}{mark}{before}");
        let mut end = said.as_ptr() as usize;
        // The spans are parts of the message, in its order.
        let mut is_next = |text: &str| {
            let start = text.as_ptr() as usize;
            assert!(text.is_empty() || end <= start, "{said:?}: {text:?} comes twice");
            end = end.max(start + text.len());
        };
        for block in markdown::blocks(&said) {
            match block {
                Block::Code { language, lines } => [language, lines].into_iter().for_each(&mut is_next),
                Block::Text(spans) | Block::Quote(spans) | Block::Item { spans, .. } => {
                    for Span { text, kind, .. } in spans {
                        is_next(text);
                        let Kind::Link { href, .. } = kind else { continue };
                        let scheme = href.split(':').next().unwrap_or_default().to_ascii_lowercase();
                        assert!(["http", "https", "mailto"].contains(&&*scheme), "{said:?} leads to {href:?}");
                    }
                }
            }
        }
        assert!(end <= said.as_ptr() as usize + said.len());
        assert!(markdown::plain(&said).len() <= 3 * said.len() + 16, "{said:?}");
    });
}
