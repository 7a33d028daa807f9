//! Deserialization of events and of server frames.
//!
//! An event or frame is one flat JSON object whose tag (`kind` or `type`) decides which fields it has. serde's own
//! support for tagged enums would copy the object into a generic tree first. It would also generate code for reading
//! from the tree beside the code for reading from text, for every type inside: a quarter of what a browser downloads.
//!
//! Here each object is read once into a struct with all possible fields as options ([`EventFields`], `FrameFields`).
//! Then the tag decides which of them are required. Unknown fields are skipped, and an unknown `kind` becomes
//! [`EventKind::Unknown`].

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    ByeReason, ClientId, Code, Epoch, Event, EventKind, MemberId, Message, MessageBody, Millis, OwnerChange, Person,
    ReadMark, Reason, ResetReason, Retention, RoomCode, RoomName, RoomSummary, Seq, ServerFrame, Signal, Snapshot,
};

/// The error for an object that lacks a field its tag requires.
const INCOMPLETE: &str = "a field is missing";

/// All fields of an event, or of an event's kind alone, as they are in JSON.
#[derive(Deserialize)]
pub(super) struct EventFields {
    code: Option<RoomCode>,
    seq: Option<Seq>,
    at: Option<Millis>,
    kind: Kind,
    member: Option<Person>,
    by: Option<Person>,
    n: Option<u64>,
    id: Option<ClientId>,
    author: Option<Person>,
    body: Option<MessageBody>,
    name: Option<RoomName>,
    preserve: Option<Retention>,
    why: Option<OwnerChange>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Joined,
    Left,
    Removed,
    Message,
    Renamed,
    RetentionChanged,
    Owner,
    #[serde(other)]
    Unknown,
}

impl EventFields {
    fn kind(self) -> Option<EventKind> {
        let Self { member, by, n, .. } = self;
        Some(match self.kind {
            Kind::Joined => EventKind::Joined { member: member? },
            Kind::Left => EventKind::Left { member: member? },
            Kind::Removed => EventKind::Removed { member: member?, by: by? },
            Kind::Message => {
                EventKind::Message(Message { n: n?, id: self.id?, author: self.author?, body: self.body? })
            }
            Kind::Renamed => EventKind::Renamed { name: self.name, by: by? },
            Kind::RetentionChanged => EventKind::RetentionChanged { retention: self.preserve?, by: by?, n: n? },
            Kind::Owner => EventKind::Owner { member: member?, by, why: self.why? },
            Kind::Unknown => EventKind::Unknown,
        })
    }

    fn event(self) -> Option<Event> {
        Some(Event { seq: self.seq?, at: self.at?, kind: self.kind()? })
    }
}

impl TryFrom<EventFields> for EventKind {
    type Error = &'static str;

    fn try_from(fields: EventFields) -> Result<Self, Self::Error> {
        fields.kind().ok_or(INCOMPLETE)
    }
}

impl TryFrom<EventFields> for Event {
    type Error = &'static str;

    fn try_from(fields: EventFields) -> Result<Self, Self::Error> {
        fields.event().ok_or(INCOMPLETE)
    }
}

/// The first field of a frame. It has to be `type`.
#[derive(Deserialize)]
enum First {
    #[serde(rename = "type")]
    Type,
}

/// The type of a frame.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Hello,
    Snapshot,
    Resumed,
    Reset,
    Event,
    Ack,
    Error,
    Signal,
    Rooms,
    Summary,
    Pong,
    Bye,
}

/// The fields of an `error` frame. Separate from [`FrameFields`], because `code` and `reason` have other meanings
/// there.
#[derive(Deserialize)]
struct ErrorFields {
    code: Code,
    detail: String,
    id: Option<ClientId>,
    room: Option<RoomCode>,
    reason: Option<Reason>,
    retry_after_ms: Option<u64>,
}

/// The fields of a `summary` frame.
#[derive(Deserialize)]
struct SummaryFields {
    room: Box<RoomSummary>,
}

/// The fields of all other small frames.
#[derive(Deserialize)]
struct FrameFields {
    version: Option<String>,
    code: Option<RoomCode>,
    epoch: Option<Epoch>,
    head: Option<Seq>,
    events: Option<Vec<Event>>,
    connected: Option<Vec<MemberId>>,
    read: Option<Seq>,
    reads: Option<Vec<ReadMark>>,
    reason: Option<Why>,
    id: Option<ClientId>,
    seq: Option<Seq>,
    at: Option<Millis>,
    signal: Option<SignalKind>,
    member: Option<MemberId>,
    on: Option<bool>,
    marks: Option<Vec<ReadMark>>,
    rooms: Option<Vec<RoomSummary>>,
    n: Option<u64>,
    retry_after_ms: Option<u64>,
}

/// The reasons of `reset` and of `bye`, in one enum, because both frames share the field.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Why {
    EpochChanged,
    TooFarBehind,
    GoingAway,
    TooSlow,
    Silent,
    SignedOut,
    SignedIn,
    TooManySockets,
    PreferencesChanged,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SignalKind {
    Typing,
    Presence,
    Read,
}

impl FrameFields {
    fn frame(self, tag: Type) -> Option<ServerFrame> {
        let Self { code, .. } = self;
        Some(match tag {
            Type::Hello => ServerFrame::Hello { version: self.version? },
            Type::Resumed => ServerFrame::Resumed {
                code: code?,
                epoch: self.epoch?,
                head: self.head?,
                events: self.events?,
                connected: self.connected?,
                member: self.member,
                read: self.read.unwrap_or_default(),
                reads: self.reads.unwrap_or_default(),
            },
            Type::Reset => ServerFrame::Reset {
                code: code?,
                reason: match self.reason? {
                    Why::EpochChanged => ResetReason::EpochChanged,
                    Why::TooFarBehind => ResetReason::TooFarBehind,
                    _ => return None,
                },
            },
            Type::Ack => ServerFrame::Ack { code: code?, id: self.id?, seq: self.seq?, at: self.at? },
            Type::Signal => ServerFrame::Signal {
                code: code?,
                signal: match self.signal? {
                    SignalKind::Typing => Signal::Typing { member: self.member?, on: self.on? },
                    SignalKind::Presence => Signal::Presence { connected: self.connected? },
                    SignalKind::Read => Signal::Read { marks: self.marks? },
                },
            },
            Type::Rooms => ServerFrame::Rooms { rooms: self.rooms? },
            Type::Pong => ServerFrame::Pong { n: self.n? },
            Type::Bye => ServerFrame::Bye {
                reason: match self.reason? {
                    Why::GoingAway => ByeReason::GoingAway,
                    Why::TooSlow => ByeReason::TooSlow,
                    Why::Silent => ByeReason::Silent,
                    Why::SignedOut => ByeReason::SignedOut,
                    Why::SignedIn => ByeReason::SignedIn,
                    Why::TooManySockets => ByeReason::TooManySockets,
                    Why::PreferencesChanged => ByeReason::PreferencesChanged,
                    Why::EpochChanged | Why::TooFarBehind => return None,
                },
                retry_after_ms: self.retry_after_ms?,
            },
            Type::Snapshot | Type::Event | Type::Error | Type::Summary => return None,
        })
    }
}

/// Reads the tag first, then the remaining fields as that tag requires. The server always writes `type` as the first
/// field.
impl<'de> Deserialize<'de> for ServerFrame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FrameVisitor)
    }
}

struct FrameVisitor;

impl<'de> Visitor<'de> for FrameVisitor {
    type Value = ServerFrame;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame that begins with its type")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ServerFrame, A::Error> {
        let incomplete = || A::Error::custom(INCOMPLETE);
        let First::Type = map.next_key()?.ok_or_else(incomplete)?;
        let tag: Type = map.next_value()?;
        let rest = MapAccessDeserializer::new(map);
        match tag {
            Type::Snapshot => {
                let snapshot = Box::<Snapshot>::deserialize(rest)?;
                Ok(ServerFrame::Snapshot { code: snapshot.room.code, snapshot })
            }
            Type::Event => {
                let mut fields = EventFields::deserialize(rest)?;
                let code = fields.code.take().ok_or_else(incomplete)?;
                Ok(ServerFrame::Event { code, event: fields.event().ok_or_else(incomplete)? })
            }
            Type::Error => {
                let ErrorFields { code, detail, id, room, reason, retry_after_ms } = ErrorFields::deserialize(rest)?;
                Ok(ServerFrame::Error { code, detail, id, room, reason, retry_after_ms })
            }
            Type::Summary => Ok(ServerFrame::Summary { room: SummaryFields::deserialize(rest)?.room }),
            tag => FrameFields::deserialize(rest)?.frame(tag).ok_or_else(incomplete),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_frame_is_read_as_it_was_written() {
        let ada = json!({"id": 1, "name": "Ada"});
        let room = json!({"code": "K7M2QX", "type": "p2p", "name": null, "preserve": true, "members": 2, "head": 9, "at": 7,
            "other": {"name": "Bob", "connected": true}, "last": {"seq": 8, "author": "Bob", "mine": false, "text": "Hi"},
            "newcomer": {"seq": 2, "name": "Bob"}, "unread": 3, "mentioned": true, "muted": false});
        let view =
            json!({"code": "K7M2QX", "type": "group", "name": "Chess", "preserve": false, "owner": 1, "created_at": 5});
        let you = json!({"member_id": 1, "nickname": "Ada", "role": "owner", "read": 4, "unread": 5, "muted": true});
        let said = json!({"seq": 3, "at": 7, "kind": "message", "n": 1, "id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "author": ada, "body": "Hello"});
        let code = "K7M2QX";
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let mut event = said.clone();
        event["code"] = json!(code);
        let frames = [
            ("hello", json!({"version": "0.1.0"})),
            (
                "snapshot",
                json!({"code": code, "room": view, "you": you, "epoch": 6, "head": 3, "last_n": 1,
                    "members": [{"id": 1, "name": "Ada", "since": 1}],
                    "connected": [1], "reads": [{"member": 2, "seq": 3}],
                    "departed": [{"member": {"id": 3, "name": "Bob", "since": 1}, "seq": 2}],
                    "events": [said], "has_more": true}),
            ),
            (
                "resumed",
                json!({"code": code, "epoch": 6, "head": 3, "events": [said], "connected": [1], "member": 1, "read": 2,
                    "reads": [{"member": 2, "seq": 3}]}),
            ),
            ("reset", json!({"code": code, "reason": "epoch_changed"})),
            ("reset", json!({"code": code, "reason": "too_far_behind"})),
            ("event", event),
            ("ack", json!({"code": code, "id": id, "seq": 3, "at": 7})),
            (
                "error",
                json!({"code": "too_many_requests", "detail": "No.", "id": id, "room": code, "retry_after_ms": 9}),
            ),
            ("error", json!({"code": "malformed", "detail": "No."})),
            ("signal", json!({"code": code, "signal": "typing", "member": 1, "on": true})),
            ("signal", json!({"code": code, "signal": "presence", "connected": [1, 2]})),
            ("signal", json!({"code": code, "signal": "read", "marks": [{"member": 1, "seq": 3}]})),
            ("rooms", json!({"rooms": [room]})),
            ("summary", json!({"room": room})),
            ("pong", json!({"n": 4})),
            ("bye", json!({"reason": "signed_in", "retry_after_ms": 5})),
        ];
        for (tag, fields) in frames {
            let fields = fields.to_string();
            let frame: ServerFrame = serde_json::from_str(&format!(r#"{{"type":"{tag}",{}"#, &fields[1..]))
                .unwrap_or_else(|e| panic!("{tag}: {e}"));
            let mut written = serde_json::to_value(&frame).unwrap();
            assert_eq!(written["type"].take(), json!(tag));
            written.as_object_mut().unwrap().remove("type");
            assert_eq!(written.to_string(), fields, "{tag}");
        }
    }

    /// A client shows texts that were accepted by an older, weaker rule and would be refused today.
    #[test]
    fn frames_with_texts_of_an_older_rule_are_read_and_shown() {
        let nobody = json!({"id": 2, "name": "\u{115F}"});
        let said = json!({"seq": 1, "at": 7, "kind": "message", "n": 1, "id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "author": nobody, "body": "\u{200B}"});
        let room = json!({"code": "K7M2QX", "type": "group", "name": "\u{34F}", "preserve": true, "owner": 1, "created_at": 5});
        let you = json!({"member_id": 1, "nickname": "Ada\u{200C}", "role": "owner"});
        let frame = json!({"type": "snapshot", "code": "K7M2QX", "room": room, "you": you, "epoch": 6, "head": 1, "last_n": 1,
            "members": [nobody], "connected": [], "events": [said], "has_more": false});
        let read = serde_json::from_str(&type_first(&frame)).unwrap();
        let ServerFrame::Snapshot { snapshot, .. } = read else { panic!("it is a snapshot") };
        let mut replica = super::super::Replica::new(*snapshot);
        assert_eq!(replica.you.nickname.as_str(), "Ada\u{200C}");
        assert_eq!(replica.events[0].message().unwrap().body.as_str(), "\u{200B}");

        let renamed = json!({"type": "event", "code": "K7M2QX", "seq": 2, "at": 8, "kind": "renamed", "name": "\u{FFA0}", "by": nobody});
        let ServerFrame::Event { event, .. } = serde_json::from_str(&type_first(&renamed)).unwrap() else {
            panic!("it is an event")
        };
        assert_eq!(replica.receive(event), super::super::Received::Applied(1));
        assert_eq!(replica.state.name.unwrap().as_str(), "\u{FFA0}");
    }

    /// The JSON of a frame with its `type` in front, as the server writes it.
    fn type_first(frame: &serde_json::Value) -> String {
        let mut rest = frame.clone();
        let tag = rest.as_object_mut().unwrap().remove("type").unwrap();
        format!(r#"{{"type":{tag},{}"#, &rest.to_string()[1..])
    }

    #[test]
    fn a_frame_begins_with_its_type_and_has_what_that_needs() {
        for text in [
            r#"{"n":1,"type":"pong"}"#,
            r#"{"type":"pong"}"#,
            r#"{"type":"danced","n":1}"#,
            r#"{"type":"bye","reason":"epoch_changed","retry_after_ms":1}"#,
            r#"{"type":"event","code":"K7M2QX","seq":1,"at":1,"kind":"left"}"#,
            "{}",
        ] {
            assert!(serde_json::from_str::<ServerFrame>(text).is_err(), "{text}");
        }
        let later = r#"{"type":"pong","n":1,"more":{"a":[]}}"#;
        assert_eq!(serde_json::from_str::<ServerFrame>(later).unwrap(), ServerFrame::Pong { n: 1 });
    }

    #[test]
    fn an_event_is_read_whatever_the_order_of_its_fields() {
        let texts = [
            r#"{"seq":5,"at":7,"kind":"renamed","name":null,"by":{"id":1,"name":"Ada"}}"#,
            r#"{"by":{"name":"Ada","id":1},"kind":"renamed","more":[{}],"at":7,"seq":5}"#,
        ];
        for text in texts {
            let event: Event = serde_json::from_str(text).unwrap();
            assert!(matches!(&event.kind, EventKind::Renamed { name: None, by } if by.name.as_str() == "Ada"));
            let kind: EventKind = serde_json::from_str(text).unwrap();
            assert_eq!((event.seq, event.at, event.kind), (5, 7, kind));
        }
    }

    #[test]
    fn an_event_without_what_its_kind_needs_is_refused() {
        let whole = r#"{"seq":5,"at":7,"kind":"left","member":{"id":1,"name":"Ada"}}"#;
        assert!(serde_json::from_str::<Event>(whole).is_ok());
        for part in [r#""seq":5,"#, r#""at":7,"#, r#""kind":"left","#, r#","member":{"id":1,"name":"Ada"}"#] {
            assert!(serde_json::from_str::<Event>(&whole.replace(part, "")).is_err(), "without {part}");
        }
    }

    #[test]
    fn an_event_of_a_later_build_keeps_its_place() {
        let later = r#"{"seq":5,"at":7,"kind":"danced","member":{"id":1,"name":"Ada"},"with":[{}]}"#;
        let event: Event = serde_json::from_str(later).unwrap();
        assert_eq!(event, Event { seq: 5, at: 7, kind: EventKind::Unknown });
        let frame = format!(r#"{{"type":"event","code":"K7M2QX",{}"#, &later[1..]);
        assert!(matches!(
            serde_json::from_str(&frame),
            Ok(ServerFrame::Event { event: Event { seq: 5, kind: EventKind::Unknown, .. }, .. })
        ));
    }

    #[test]
    fn an_owner_event_says_who_has_the_room_and_from_whom() {
        for text in [
            r#"{"seq":5,"at":7,"kind":"owner","member":{"id":2,"name":"Bob"},"why":"inherited"}"#,
            r#"{"seq":5,"at":7,"kind":"owner","member":{"id":2,"name":"Bob"},"by":{"id":1,"name":"Ada"},"why":"given"}"#,
        ] {
            let event: Event = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&event).unwrap(), text);
        }
        let without = r#"{"seq":5,"at":7,"kind":"owner","member":{"id":2,"name":"Bob"}}"#;
        assert!(serde_json::from_str::<Event>(without).is_err());
    }
}
