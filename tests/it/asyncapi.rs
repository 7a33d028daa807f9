//! The `AsyncAPI` description of the socket (`docs/asyncapi.yaml`): its frames have the fields of the code's frames,
//! and its close codes are those of docs/protocol.md.
//!
//! Each frame is made twice: with every field, and without the fields that may be left out. The first has to have
//! exactly the fields that the description names, the second exactly those that it requires. Which frames, signals,
//! kinds and words there are is asked of serde ([`Names`]), so that a new one has to be described and made here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anonchat::protocol::{
    ByeReason, ClientFrame, ClientId, Code, Companion, DepartedReader, Edit, Emoji, Epoch, Event, EventKind, MemberId,
    MemberView, Message, MessageBody, Newcomer, Nickname, Notify, OwnerChange, Person, Preview, Reaction,
    ReactionChange, ReadMark, Reason, ResetReason, Retention, Role, RoomCode, RoomName, RoomSummary, RoomType,
    RoomView, ServerFrame, Signal, Snapshot, Target, You,
};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Visitor, value::Error},
    forward_to_deserialize_any,
};
use serde_json::Value;
use uuid::Uuid;

fn text_of(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file)).unwrap()
}

fn description() -> Value {
    serde_norway::from_str(&text_of("asyncapi.yaml")).unwrap()
}

/// Reads nothing: its error has the names of an enum's variants.
struct Names;

impl<'de> Deserializer<'de> for Names {
    type Error = Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(Error::custom(names.join(" ")))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("this is no enum"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The names of an enum's variants on the wire, but not `other`, which stands for those of later versions.
fn names<T>(derived: impl FnOnce(Names) -> Result<T, Error>) -> BTreeSet<String> {
    let names = derived(Names).err().unwrap().to_string();
    names.split(' ').filter(|name| *name != "other").map(str::to_owned).collect()
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

fn target() -> Target {
    Target { seq: 1, id: id() }
}

fn reaction() -> Reaction {
    Reaction { e: Emoji::stored("👍"), n: 51, who: vec![person().id], more: vec![person().id] }
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
        EventKind::Message(Message {
            rev: u64::from(is_full),
            edited: is_full.then_some(Edit { seq: 1, at: 1, times: 1 }),
            deleted: is_full.then(person),
            reply_to: is_full.then(target),
            reactions: if is_full { vec![reaction()] } else { Vec::new() },
            mentions: if is_full { vec![person()] } else { Vec::new() },
            everyone: is_full,
            ..Message::new(1, id(), person(), body.clone())
        }),
        EventKind::Edited {
            target: target(),
            author: person(),
            body,
            mentions: if is_full { vec![person()] } else { Vec::new() },
            everyone: is_full,
        },
        EventKind::Deleted { target: target(), n: 1, by: person() },
        EventKind::Reacted {
            changes: vec![ReactionChange {
                target: target(),
                e: Emoji::stored("👍"),
                on: true,
                who: vec![person().id],
            }],
        },
        EventKind::Renamed { name: Some(RoomName::try_from("Book club").unwrap()), by: person() },
        EventKind::RetentionChanged { retention: Retention::Preserved, by: person(), n: 1 },
        EventKind::PeekChanged { peek: false, by: person() },
        EventKind::Owner { member, by: is_full.then_some(by), why: OwnerChange::Given },
    ];
    kinds.map(|kind| Event { seq: 1, at: 1, kind }).into()
}

fn summary(is_full: bool) -> RoomSummary {
    let name = person().name;
    RoomSummary {
        code: RoomCode::from_bits(1),
        room_type: RoomType::P2p,
        name: None,
        retention: Retention::Ephemeral,
        members: 2,
        other: is_full.then(|| Companion { id: Some(person().id), name: name.clone(), connected: true }),
        head: 1,
        at: 1,
        last: is_full.then(|| Preview {
            seq: 1,
            author: name.clone(),
            mine: false,
            text: "Hello".into(),
            deleted: true,
        }),
        newcomer: is_full.then(|| Newcomer { seq: 1, name: name.clone() }),
        unread: 0,
        mentioned: false,
        mention: u64::from(is_full),
        muted: false,
        notify: is_full.then_some(Notify::All),
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
            peek: true,
            owner: person().id,
            created_at: 1,
            kept_days: if is_full { 90 } else { 0 },
            edit_minutes: 15,
        },
        you: You {
            member_id: person().id,
            nickname: person().name,
            role: Role::Owner,
            read: 1,
            unread: 0,
            muted: false,
            notify: is_full.then_some(Notify::All),
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
        from: is_full.then_some(1),
        quotes: if is_full { events(true)[3..4].to_vec() } else { Vec::new() },
    }
}

/// Every frame from the server, some with several contents.
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
        ServerFrame::Reset { code, reason: ResetReason::EpochChanged },
        ServerFrame::Pong { n: 1 },
        ServerFrame::Bye { reason: ByeReason::GoingAway, retry_after_ms: 1 },
    ];
    frames.extend(events(is_full).into_iter().map(|event| ServerFrame::Event { code, event }));
    frames.push(ServerFrame::Error {
        code: Code::RoomUnavailable,
        detail: String::new(),
        id: is_full.then(id),
        room: is_full.then_some(code),
        reason: is_full.then_some(Reason::CodeLength { found: 5 }),
        retry_after_ms: is_full.then_some(1),
    });
    frames
}

/// Every frame from the client.
fn client_frames(is_full: bool) -> Vec<ClientFrame> {
    let code = RoomCode::from_bits(1);
    let (epoch, after) = (is_full.then(|| Epoch::from_bits(1)), is_full.then_some(1));
    let mentions = || if is_full { vec![person().id] } else { Vec::new() };
    let everyone = is_full;
    vec![
        ClientFrame::Subscribe { code, epoch, after },
        ClientFrame::Unsubscribe { code },
        ClientFrame::Send {
            code,
            id: id(),
            body: "Hello".into(),
            reply_to: is_full.then(target),
            mentions: mentions(),
            everyone,
        },
        ClientFrame::Edit {
            code,
            id: id(),
            target: target(),
            body: "Hello".into(),
            after,
            mentions: mentions(),
            everyone,
        },
        ClientFrame::Delete { code, id: id(), target: target() },
        ClientFrame::React { code, id: id(), target: target(), e: "👍".into(), on: true },
        ClientFrame::Typing { code, on: true },
        ClientFrame::Read { code, seq: 1 },
        ClientFrame::Watch {},
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

/// How many of the described fields a value has.
#[derive(Clone, Copy)]
enum Extent {
    /// All of them.
    Full,
    /// Those that are required.
    Bare,
    /// Those that are required, and any of the others.
    Any,
}

fn strings(list: &Value) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Adds how a value differs from its schema.
fn compare(description: &Value, schema: &Value, value: &Value, extent: Extent, at: &str, wrong: &mut Vec<String>) {
    let schema = followed(description, schema);
    let types = &schema["type"];
    if types.is_null() {
        // Left open, such as the reason of a refusal.
        return;
    }
    let is_of_enum = schema["enum"].as_array().is_none_or(|all| all.contains(value));
    if !is_of_enum || (*types != type_of(value) && !strings(types).contains(type_of(value))) {
        wrong.push(format!("{at} is {value}, which is not described"));
    }
    for item in value.as_array().into_iter().flatten() {
        compare(description, &schema["items"], item, extent, &format!("{at}[]"), wrong);
    }
    let Some(fields) = value.as_object() else { return };
    let (given, named, required) = (keys(value), keys(&schema["properties"]), strings(&schema["required"]));
    let is_right = match extent {
        // The kinds and the signals: one key of those that are described.
        _ if schema["maxProperties"] == 1 => given.len() == 1 && given.is_subset(&named),
        Extent::Full => given == named,
        Extent::Bare => given == required,
        Extent::Any => given.is_subset(&named) && given.is_superset(&required),
    };
    if !is_right {
        wrong.push(format!("{at} has {given:?}, and is described with {named:?}, of which it needs {required:?}"));
    }
    for (name, field) in fields.iter().filter(|(name, _)| named.contains(name.as_str())) {
        compare(description, &schema["properties"][name], field, extent, &format!("{at}.{name}"), wrong);
    }
}

/// The only key of a frame.
fn name_of(frame: &Value) -> &str {
    let names = keys(frame);
    assert_eq!(names.len(), 1, "{frame}");
    names.first().unwrap()
}

#[test]
fn every_frame_has_exactly_the_fields_that_are_described() {
    let description = description();
    let messages = &description["components"]["messages"];
    for (is_full, extent) in [(true, Extent::Full), (false, Extent::Bare)] {
        let mut wrong = Vec::new();
        for frame in [in_json(client_frames(is_full)), in_json(server_frames(is_full))].concat() {
            let name = name_of(&frame);
            compare(&description, &messages[name]["payload"], &frame, extent, name, &mut wrong);
        }
        wrong.dedup();
        assert_eq!(wrong, Vec::<String>::new());
    }
}

/// The messages that an operation names, by way of the channel.
fn messages_of<'a>(description: &'a Value, operation: &str) -> BTreeSet<&'a str> {
    let links = description["operations"][operation]["messages"].as_array().unwrap();
    let found = links.iter().map(|message| {
        let name = message["$ref"].as_str().unwrap().strip_prefix("#/channels/socket/messages/").unwrap();
        let message = &description["channels"]["socket"]["messages"][name]["$ref"];
        assert_eq!(*message, format!("#/components/messages/{name}"));
        name
    });
    found.collect()
}

#[test]
fn every_frame_is_described_and_made_here() {
    let description = description();
    let all = |frames: &[Value]| -> BTreeSet<String> { frames.iter().map(|frame| name_of(frame).to_owned()).collect() };
    let (client, server) = (names(ClientFrame::deserialize), names(ServerFrame::deserialize));
    assert_eq!(all(&in_json(client_frames(true))), client);
    assert_eq!(all(&in_json(server_frames(true))), server);
    assert_eq!(messages_of(&description, "fromClient"), client.iter().map(String::as_str).collect());
    assert_eq!(messages_of(&description, "fromServer"), server.iter().map(String::as_str).collect());
    let described: BTreeSet<&str> = client.union(&server).map(String::as_str).collect();
    assert_eq!(keys(&description["components"]["messages"]), described);
    assert_eq!(keys(&description["channels"]["socket"]["messages"]), described);

    let signals = server_frames(true).into_iter().filter_map(|frame| match frame {
        ServerFrame::Signal { signal, .. } => Some(signal),
        _ => None,
    });
    assert_eq!(all(&in_json(signals.collect())), names(Signal::deserialize));
    let kinds = events(true).into_iter().map(|event| event.kind).collect();
    assert_eq!(all(&in_json(kinds)), names(EventKind::deserialize));
}

#[test]
fn every_described_choice_is_one_of_the_code() {
    let description = description();
    let at = |pointer: &str| description.pointer(&format!("/components/{pointer}")).unwrap();
    for (described, names) in [
        (keys(at("schemas/Kind/properties")), names(EventKind::deserialize)),
        (keys(at("schemas/Signal/properties")), names(Signal::deserialize)),
        (strings(at("schemas/ProblemCode/enum")), names(Code::deserialize)),
        (strings(at("schemas/Room/properties/type/enum")), names(RoomType::deserialize)),
        (strings(at("schemas/Summary/properties/type/enum")), names(RoomType::deserialize)),
        (strings(at("schemas/Snapshot/properties/you/properties/role/enum")), names(Role::deserialize)),
        (strings(at("schemas/Kind/properties/owner/properties/why/enum")), names(OwnerChange::deserialize)),
        (strings(at("messages/bye/payload/properties/bye/properties/reason/enum")), names(ByeReason::deserialize)),
        (
            strings(at("messages/reset/payload/properties/reset/properties/reason/enum")),
            names(ResetReason::deserialize),
        ),
    ] {
        assert_eq!(described, names.iter().map(String::as_str).collect());
    }
}

#[test]
fn every_example_is_as_described_and_as_the_code_writes_it() {
    let description = description();
    let from_client = messages_of(&description, "fromClient");
    for (name, message) in description["components"]["messages"].as_object().unwrap() {
        assert!(message["summary"].is_string(), "{name}");
        for example in message["examples"].as_array().unwrap() {
            let frame = &example["payload"];
            let mut wrong = Vec::new();
            compare(&description, &message["payload"], frame, Extent::Any, name, &mut wrong);
            assert_eq!(wrong, Vec::<String>::new());
            let written = if from_client.contains(name.as_str()) {
                serde_json::to_value(ClientFrame::deserialize(frame).unwrap())
            } else {
                serde_json::to_value(<ServerFrame as Deserialize>::deserialize(frame).unwrap())
            };
            assert_eq!(written.unwrap(), *frame);
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
    let mut named: Vec<String> = described.into_values().flatten().collect();
    named.sort();
    assert_eq!(named, Vec::from_iter(names(ByeReason::deserialize)), "each reason has one code");
}
