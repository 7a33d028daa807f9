//! The AsyncAPI description of the socket (`docs/asyncapi.yaml`): its frames have the fields of the code's frames, and
//! its close codes are those of docs/protocol.md.
//!
//! Each frame is made twice: with every field, and without the fields that may be left out. The first has to have
//! exactly the fields that the description names, the second exactly those that it requires.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anonchat::protocol::{
    ByeReason, ClientFrame, ClientId, Code, Companion, DepartedReader, Epoch, Event, EventKind, MemberId, MemberView,
    Message, MessageBody, Newcomer, Nickname, OwnerChange, Person, Preview, ReadMark, Reason, ResetReason, Retention,
    Role, RoomCode, RoomName, RoomSummary, RoomType, RoomView, ServerFrame, Signal, Snapshot, You,
};
use serde_json::{Value, json};
use uuid::Uuid;

fn text_of(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file)).unwrap()
}

fn description() -> Value {
    serde_norway::from_str(&text_of("asyncapi.yaml")).unwrap()
}

const BYES: [ByeReason; 7] = [
    ByeReason::GoingAway,
    ByeReason::TooSlow,
    ByeReason::Silent,
    ByeReason::SignedOut,
    ByeReason::SignedIn,
    ByeReason::TooManySockets,
    ByeReason::PreferencesChanged,
];

/// Does not compile when a reason is new. Then add it to [`BYES`].
fn is_listed(reason: ByeReason) -> bool {
    match reason {
        ByeReason::GoingAway
        | ByeReason::TooSlow
        | ByeReason::Silent
        | ByeReason::SignedOut
        | ByeReason::SignedIn
        | ByeReason::TooManySockets
        | ByeReason::PreferencesChanged => BYES.contains(&reason),
    }
}

fn person() -> Person {
    Person { id: MemberId::from_bits(1), name: Nickname::try_from("Ada").unwrap() }
}

fn member() -> MemberView {
    let Person { id, name } = person();
    MemberView { id, name, since: 1 }
}

fn mark() -> ReadMark {
    ReadMark { member: person().id, seq: 1 }
}

fn id() -> ClientId {
    ClientId::new(Uuid::nil())
}

/// An event of every kind that the server sends. `is_full` adds the fields that may be left out.
fn events(is_full: bool) -> Vec<Event> {
    let body = MessageBody::try_from("Hello").unwrap();
    let (member, by) = (person(), person());
    let kinds = [
        EventKind::Joined { member: person() },
        EventKind::Left { member: person() },
        EventKind::Removed { member: person(), by: person() },
        EventKind::Message(Message { n: 1, id: id(), author: person(), body }),
        EventKind::Renamed { name: Some(RoomName::try_from("Book club").unwrap()), by: person() },
        EventKind::RetentionChanged { retention: Retention::Preserved, by: person(), n: 1 },
        EventKind::Owner { member, by: is_full.then_some(by), why: OwnerChange::Given },
    ];
    let is_told = |kind: &EventKind| match kind {
        EventKind::Joined { .. }
        | EventKind::Left { .. }
        | EventKind::Removed { .. }
        | EventKind::Message(_)
        | EventKind::Renamed { .. }
        | EventKind::RetentionChanged { .. }
        | EventKind::Owner { .. } => true,
        EventKind::Unknown => false,
    };
    kinds.into_iter().filter(is_told).map(|kind| Event { seq: 1, at: 1, kind }).collect()
}

fn summary(is_full: bool) -> RoomSummary {
    let name = person().name;
    RoomSummary {
        code: RoomCode::from_bits(1),
        room_type: RoomType::P2p,
        name: None,
        retention: Retention::Ephemeral,
        members: 2,
        other: is_full.then(|| Companion { name: name.clone(), connected: true }),
        head: 1,
        at: 1,
        last: is_full.then(|| Preview { seq: 1, author: name.clone(), mine: false, text: "Hello".into() }),
        newcomer: is_full.then(|| Newcomer { seq: 1, name: name.clone() }),
        unread: 0,
        mentioned: false,
        muted: false,
    }
}

fn snapshot(is_full: bool) -> Snapshot {
    let all = |ids: Vec<MemberId>| if is_full { ids } else { Vec::new() };
    Snapshot {
        room: RoomView {
            code: RoomCode::from_bits(1),
            room_type: RoomType::Group,
            name: None,
            retention: Retention::Preserved,
            owner: person().id,
            created_at: 1,
            kept_days: if is_full { 90 } else { 0 },
        },
        you: You {
            member_id: person().id,
            nickname: person().name,
            role: Role::Owner,
            read: 1,
            unread: 0,
            muted: false,
            also: all(vec![person().id]),
        },
        epoch: Epoch::from_bits(1),
        head: 1,
        last_n: 1,
        members: vec![member()],
        connected: vec![person().id],
        reads: if is_full { vec![mark()] } else { Vec::new() },
        departed: if is_full { vec![DepartedReader { member: member(), seq: 1 }] } else { Vec::new() },
        events: events(is_full),
        has_more: false,
        leaves_after: is_full.then_some(600),
        // Only REST sends it.
        expected: None,
    }
}

/// A frame of every type from the server, some with several contents.
fn server_frames(is_full: bool) -> Vec<ServerFrame> {
    let (code, epoch) = (RoomCode::from_bits(1), Epoch::from_bits(1));
    let mut frames = vec![
        ServerFrame::Hello { version: "0.2.0".into() },
        ServerFrame::Snapshot { code, snapshot: Box::new(snapshot(is_full)) },
        ServerFrame::Resumed {
            code,
            epoch,
            head: 1,
            events: events(is_full),
            connected: vec![person().id],
            member: is_full.then(|| person().id),
            read: 1,
            reads: if is_full { vec![mark()] } else { Vec::new() },
        },
        ServerFrame::Ack { code, id: id(), seq: 1, at: 1 },
        ServerFrame::Signal { code, signal: Signal::Typing { member: person().id, on: true } },
        ServerFrame::Signal { code, signal: Signal::Presence { connected: vec![person().id] } },
        ServerFrame::Signal { code, signal: Signal::Read { marks: vec![mark()] } },
        ServerFrame::Rooms { rooms: vec![summary(is_full)] },
        ServerFrame::Summary { room: Box::new(summary(is_full)) },
        ServerFrame::Pong { n: 1 },
    ];
    frames.extend(
        [ResetReason::EpochChanged, ResetReason::TooFarBehind].map(|reason| ServerFrame::Reset { code, reason }),
    );
    frames.extend(events(is_full).into_iter().map(|event| ServerFrame::Event { code, event }));
    frames.extend(Code::ALL.iter().map(|problem| ServerFrame::Error {
        code: *problem,
        detail: String::new(),
        id: is_full.then(id),
        room: is_full.then_some(code),
        reason: is_full.then_some(Reason::CodeLength { found: 5 }),
        retry_after_ms: is_full.then_some(1),
    }));
    frames.extend(BYES.map(|reason| ServerFrame::Bye { reason, retry_after_ms: 1 }));
    frames
}

/// A frame of every type from the client.
fn client_frames(is_full: bool) -> Vec<ClientFrame> {
    let code = RoomCode::from_bits(1);
    let (epoch, after) = (is_full.then(|| Epoch::from_bits(1)), is_full.then_some(1));
    vec![
        ClientFrame::Subscribe { code, epoch, after },
        ClientFrame::Send { code, id: id(), body: "Hello".into() },
        ClientFrame::Typing { code, on: true },
        ClientFrame::Read { code, seq: 1 },
        ClientFrame::Watch,
        ClientFrame::Leave { code },
        ClientFrame::Ping { n: 1 },
    ]
}

fn in_json<T: serde::Serialize>(frames: Vec<T>) -> Vec<Value> {
    frames.into_iter().map(|frame| serde_json::to_value(frame).unwrap()).collect()
}

/// The schema with its `$ref` followed.
fn followed<'a>(description: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => followed(description, description.pointer(&reference[1..]).unwrap()),
        None => schema,
    }
}

/// The fields that an object schema describes.
#[derive(Default)]
struct Fields<'a> {
    named: BTreeMap<&'a str, &'a Value>,
    required: BTreeSet<&'a str>,
}

/// Collects the fields of a schema, of all parts of its `allOf`, and of the case of its `oneOf` that has the value's
/// tag.
fn collect<'a>(description: &'a Value, schema: &'a Value, value: &Value, fields: &mut Fields<'a>) {
    let schema = followed(description, schema);
    let named = schema["properties"].as_object().into_iter().flatten();
    fields.named.extend(named.map(|(name, field)| (name.as_str(), field)));
    fields.required.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(description, part, value, fields);
    }
    for case in schema["oneOf"].as_array().into_iter().flatten() {
        let tags = followed(description, case)["properties"].as_object().unwrap();
        if tags.iter().any(|(name, tag)| !tag["const"].is_null() && tag["const"] == value[name]) {
            collect(description, case, value, fields);
        }
    }
}

/// Adds how a value differs from its schema. A full value has every field of the schema, another one those that are
/// required.
fn compare(description: &Value, schema: &Value, value: &Value, is_full: bool, at: &str, wrong: &mut Vec<String>) {
    let schema = followed(description, schema);
    match value {
        Value::Object(given) => {
            let mut fields = Fields::default();
            collect(description, schema, value, &mut fields);
            if fields.named.is_empty() {
                // Left open, such as the reason of a refusal.
                return;
            }
            let expected = if is_full { fields.named.keys().copied().collect() } else { fields.required.clone() };
            let given_names: BTreeSet<&str> = given.keys().map(String::as_str).collect();
            if given_names != expected {
                wrong.push(format!("{at} has {given_names:?}, and is described with {expected:?}"));
            }
            for (name, field) in given {
                if let Some(schema) = fields.named.get(name.as_str()) {
                    compare(description, schema, field, is_full, &format!("{at}.{name}"), wrong);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                compare(description, &schema["items"], item, is_full, &format!("{at}[]"), wrong);
            }
        }
        _ => {
            let is_of_enum = schema["enum"].as_array().is_none_or(|all| all.contains(value));
            if !is_of_enum || (!schema["const"].is_null() && schema["const"] != *value) {
                wrong.push(format!("{at} is {value}, which is not described"));
            }
        }
    }
}

#[test]
fn every_frame_has_exactly_the_fields_that_are_described() {
    let description = description();
    let messages = description["components"]["messages"].as_object().unwrap();
    for is_full in [true, false] {
        let frames: Vec<Value> = [in_json(client_frames(is_full)), in_json(server_frames(is_full))].concat();
        let types: BTreeSet<&str> = frames.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
        assert_eq!(types, messages.keys().map(String::as_str).collect(), "each type of frame is described");
        let mut wrong = Vec::new();
        for frame in &frames {
            let name = frame["type"].as_str().unwrap();
            compare(&description, &messages[name]["payload"], frame, is_full, name, &mut wrong);
        }
        wrong.dedup();
        assert_eq!(wrong, Vec::<String>::new());
    }
}

#[test]
fn every_described_choice_is_one_of_the_code() {
    let description = description();
    let described = |pointer: &str| -> BTreeSet<String> {
        let all = description.pointer(pointer).unwrap().as_array().unwrap();
        all.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let names = |values: Vec<Value>| -> BTreeSet<String> {
        values.into_iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(described("/components/schemas/ProblemCode/enum"), names(in_json(Code::ALL.to_vec())));
    let byes = "/components/messages/bye/payload/properties/reason/enum";
    assert!(BYES.into_iter().all(is_listed));
    assert_eq!(described(byes), names(in_json(BYES.to_vec())));
    let resets = "/components/messages/reset/payload/properties/reason/enum";
    assert_eq!(described(resets), names(in_json(vec![ResetReason::EpochChanged, ResetReason::TooFarBehind])));
}

#[test]
fn every_frame_of_an_example_is_as_described() {
    let description = description();
    for (name, message) in description["components"]["messages"].as_object().unwrap() {
        for example in message["examples"].as_array().unwrap() {
            let frame = &example["payload"];
            let mut fields = Fields::default();
            collect(&description, &message["payload"], frame, &mut fields);
            let given: BTreeSet<&str> = frame.as_object().unwrap().keys().map(String::as_str).collect();
            assert!(fields.required.is_subset(&given), "{name}: {given:?}");
            assert!(given.iter().all(|field| fields.named.contains_key(field)), "{name}: {given:?}");
        }
    }
}

/// The table of docs/protocol.md: each close code, and the reasons of `bye` that it is for.
fn close_codes_of_protocol() -> BTreeMap<u64, BTreeSet<String>> {
    let text = text_of("protocol.md");
    let rows = text.lines().filter_map(|row| {
        let (code, why) = row.strip_prefix("| ")?.split_once(" | ")?;
        let code: u64 = code.parse().ok().filter(|code| (1_000..5_000).contains(code))?;
        let quoted = why.split('`').skip(1).step_by(2).map(str::to_owned);
        Some((code, quoted.collect()))
    });
    rows.collect()
}

#[test]
fn the_close_codes_are_described_alike() {
    let description = description();
    let described: BTreeMap<u64, BTreeSet<String>> = description["x-close-codes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|close| {
            let reasons = close["reasons"].as_array().into_iter().flatten();
            let reasons = reasons.map(|reason| reason.as_str().unwrap().to_owned()).collect();
            assert!(close["description"].is_string(), "{close}");
            (close["code"].as_u64().unwrap(), reasons)
        })
        .collect();
    assert_eq!(described, close_codes_of_protocol());
    let named: Vec<&String> = described.values().flatten().collect();
    let byes = in_json(BYES.to_vec());
    assert_eq!(named.len(), byes.len(), "each reason has one code");
    assert!(byes.iter().all(|bye| named.iter().any(|name| json!(name) == *bye)), "{named:?}");
}
