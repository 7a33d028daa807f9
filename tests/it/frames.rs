//! The form of frames: what the server writes is what a page reads, and what a later version adds is passed over.

use anonchat::protocol::{
    ByeReason, ClientFrame, ClientId, Code, Companion, DepartedReader, Edit, Emoji, Epoch, Event, EventKind, MemberId,
    MemberView, Message, MessageBody, Newcomer, Nickname, Notify, OwnerChange, Person, Preview, Problem, Reaction,
    ReactionChange, ReadMark, Reason, Received, Replica, ResetReason, Retention, Role, RoomCode, RoomName, RoomSummary,
    RoomType, RoomView, ServerFrame, Signal, Snapshot, Target, TextKind, You,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

/// Whole numbers of the wire are below 2^53.
fn number() -> impl Strategy<Value = u64> + Clone {
    0_u64..1 << 53
}

fn code() -> impl Strategy<Value = RoomCode> {
    any::<u32>().prop_map(RoomCode::from_bits)
}

fn member() -> impl Strategy<Value = MemberId> + Clone {
    number().prop_map(MemberId::from_bits)
}

fn id() -> impl Strategy<Value = ClientId> {
    any::<u128>().prop_map(|bits| ClientId::new(Uuid::from_u128(bits)))
}

fn name() -> impl Strategy<Value = Nickname> {
    any::<String>().prop_map(Nickname::stored)
}

fn room_name() -> impl Strategy<Value = Option<RoomName>> {
    option::of(any::<String>().prop_map(RoomName::stored))
}

fn person() -> impl Strategy<Value = Person> + Clone {
    (member(), any::<String>()).prop_map(|(id, name)| Person { id, name: Nickname::stored(name) })
}

fn retention() -> impl Strategy<Value = Retention> {
    any::<bool>().prop_map(Retention::from)
}

fn room_type() -> impl Strategy<Value = RoomType> {
    select(vec![RoomType::P2p, RoomType::Group])
}

fn target() -> impl Strategy<Value = Target> {
    (number(), id()).prop_map(|(seq, id)| Target { seq, id })
}

fn reaction() -> impl Strategy<Value = Reaction> {
    let (who, more) = (vec(member(), 0..3), vec(member(), 0..3));
    (any::<String>(), any::<u32>(), who, more).prop_map(|(e, n, who, more)| Reaction {
        e: Emoji::stored(e),
        n,
        who,
        more,
    })
}

fn reaction_change() -> impl Strategy<Value = ReactionChange> {
    (target(), any::<String>(), any::<bool>(), vec(member(), 1..3)).prop_map(|(target, e, on, who)| ReactionChange {
        target,
        e: Emoji::stored(e),
        on,
        who,
    })
}

fn mentions() -> impl Strategy<Value = (Vec<Person>, bool)> {
    (vec(person(), 0..3), any::<bool>())
}

fn calls() -> impl Strategy<Value = (Vec<MemberId>, bool)> {
    (vec(member(), 0..3), any::<bool>())
}

fn notify() -> impl Strategy<Value = Option<Notify>> {
    option::of(select(Notify::ALL))
}

fn kind() -> impl Strategy<Value = EventKind> {
    let edit = (number(), any::<i64>(), any::<u32>()).prop_map(|(seq, at, times)| Edit { seq, at, times });
    let touched =
        (number(), option::of(edit), option::of(person()), option::of(target()), vec(reaction(), 0..3), mentions());
    let message = (number(), id(), person(), any::<String>(), touched).prop_map(|(n, id, author, body, touched)| {
        let (rev, edited, deleted, reply_to, reactions, (mentions, everyone)) = touched;
        EventKind::Message(Message {
            rev,
            edited,
            deleted,
            reply_to,
            reactions,
            mentions,
            everyone,
            ..Message::new(n, id, author, MessageBody::stored(body))
        })
    });
    let body = any::<String>().prop_map(MessageBody::stored);
    let changed = (retention(), person(), number());
    let owner = (person(), option::of(person()), select(vec![OwnerChange::Inherited, OwnerChange::Given]));
    prop_oneof![
        message,
        person().prop_map(|member| EventKind::Joined { member }),
        person().prop_map(|member| EventKind::Left { member }),
        (person(), person()).prop_map(|(member, by)| EventKind::Removed { member, by }),
        (room_name(), person()).prop_map(|(name, by)| EventKind::Renamed { name, by }),
        changed.prop_map(|(retention, by, n)| EventKind::RetentionChanged { retention, by, n }),
        (any::<bool>(), person()).prop_map(|(peek, by)| EventKind::PeekChanged { peek, by }),
        owner.prop_map(|(member, by, why)| EventKind::Owner { member, by, why }),
        (target(), person(), body, mentions()).prop_map(|(target, author, body, (mentions, everyone))| {
            EventKind::Edited { target, author, body, mentions, everyone }
        }),
        (target(), number(), person()).prop_map(|(target, n, by)| EventKind::Deleted { target, n, by }),
        vec(reaction_change(), 1..3).prop_map(|changes| EventKind::Reacted { changes }),
        any::<String>().prop_map(|text| later_kind(&text)),
    ]
}

/// A kind of a later version.
fn later_kind(text: &str) -> EventKind {
    serde_json::from_value(json!({"danced": {"with": [text, 1.5, null], "kind": {}}})).unwrap()
}

fn event() -> impl Strategy<Value = Event> {
    (number(), any::<i64>(), kind()).prop_map(|(seq, at, kind)| Event { seq, at, kind })
}

fn marks() -> impl Strategy<Value = Vec<ReadMark>> {
    vec((member(), number()).prop_map(|(member, seq)| ReadMark { member, seq }), 0..3)
}

fn member_view() -> impl Strategy<Value = MemberView> {
    (member(), name(), number()).prop_map(|(id, name, since)| MemberView { id, name, since })
}

prop_compose! {
    fn room_view()(
        code in code(), room_type in room_type(), name in room_name(), retention in retention(), peek in any::<bool>(),
        owner in member(), created_at in any::<i64>(), kept_days in any::<u32>(),
        edit_minutes in any::<i32>(),
    ) -> RoomView {
        RoomView { code, room_type, name, retention, peek, owner, created_at, kept_days, edit_minutes }
    }
}

prop_compose! {
    fn you()(
        member_id in member(), nickname in name(), role in select(vec![Role::Owner, Role::Member]), read in number(),
        unread in number(), muted in any::<bool>(), notify in notify(), also in vec(member(), 0..3),
    ) -> You {
        You { member_id, nickname, role, read, unread, muted, notify, also }
    }
}

prop_compose! {
    fn snapshot()(
        (room, you) in (room_view(), you()), (epoch, head, last_n) in (number(), number(), number()),
        members in vec(member_view(), 0..3), connected in vec(member(), 0..3), reads in marks(),
        departed in vec((member_view(), number()).prop_map(|(member, seq)| DepartedReader { member, seq }), 0..3),
        events in vec(event(), 0..4), has_more in any::<bool>(), leaves_after in option::of(number()),
        (expected, from, quotes) in (option::of(person()), option::of(number()), vec(event(), 0..2)),
    ) -> Snapshot {
        let epoch = Epoch::from_bits(epoch);
        Snapshot {
            room, you, epoch, head, last_n, members, connected, reads, departed, events, has_more, leaves_after, expected,
            from, quotes,
        }
    }
}

prop_compose! {
    fn summary()(
        (code, room_type, name, retention) in (code(), room_type(), room_name(), retention()),
        (members, head, at, unread) in (any::<u32>(), number(), any::<i64>(), number()),
        other in option::of(
            (option::of(member()), name(), any::<bool>())
                .prop_map(|(id, name, connected)| Companion { id, name, connected }),
        ),
        last in option::of((number(), name(), any::<bool>(), any::<String>())
            .prop_map(|(seq, author, mine, text)| Preview { seq, author, mine, deleted: text.is_empty(), text })),
        newcomer in option::of((number(), name()).prop_map(|(seq, name)| Newcomer { seq, name })),
        (mentioned, mention, muted, notify) in (any::<bool>(), number(), any::<bool>(), notify()),
    ) -> RoomSummary {
        RoomSummary {
            code, room_type, name, retention, members, other, head, at, last, newcomer, unread, mentioned, mention,
            muted, notify,
        }
    }
}

fn reason() -> impl Strategy<Value = Reason> {
    let what = || select(vec![TextKind::Name, TextKind::RoomName, TextKind::Message]);
    let (limit, found) = (0_usize..9_000, 0_usize..9_000);
    prop_oneof![
        what().prop_map(|what| Reason::Empty { what }),
        (what(), limit, found.clone()).prop_map(|(what, limit, found)| Reason::TooLong { what, limit, found }),
        found.clone().prop_map(|found| Reason::CodeLength { found }),
        any::<char>().prop_map(|character| Reason::CodeCharacter { character }),
        found.clone().prop_map(|limit| Reason::TooManyRooms { limit }),
        found.prop_map(|limit| Reason::TooManyForEveryone { limit }),
        select(vec![
            Reason::MemberGone,
            Reason::KeptTooMuch,
            Reason::DiskLow,
            Reason::NoEmail,
            Reason::OtherAddress,
            Reason::OtherPassword,
        ]),
    ]
}

fn signal() -> impl Strategy<Value = Signal> {
    prop_oneof![
        (member(), any::<bool>()).prop_map(|(member, on)| Signal::Typing { member, on }),
        vec(member(), 0..3).prop_map(|connected| Signal::Presence { connected }),
        marks().prop_map(|marks| Signal::Read { marks }),
    ]
}

fn bye_reason() -> impl Strategy<Value = ByeReason> {
    select(vec![
        ByeReason::GoingAway,
        ByeReason::TooSlow,
        ByeReason::Silent,
        ByeReason::SignedOut,
        ByeReason::SignedIn,
        ByeReason::TooManySockets,
        ByeReason::PreferencesChanged,
    ])
}

prop_compose! {
    fn resumed()(
        code in code(), (epoch, head, read) in (number(), number(), number()), events in vec(event(), 0..4),
        connected in vec(member(), 0..3), member in option::of(member()), reads in marks(),
    ) -> ServerFrame {
        ServerFrame::Resumed { code, epoch: Epoch::from_bits(epoch), head, events, connected, member, read, reads }
    }
}

prop_compose! {
    fn error()(
        (code, detail) in (select(Code::ALL), any::<String>()), id in option::of(id()), room in option::of(code()),
        reason in option::of(reason()), retry_after_ms in option::of(number()),
    ) -> ServerFrame {
        ServerFrame::Error { code, detail, id, room, reason, retry_after_ms }
    }
}

fn server_frame() -> impl Strategy<Value = ServerFrame> {
    let reset = select(vec![ResetReason::EpochChanged, ResetReason::TooFarBehind]);
    prop_oneof![
        any::<String>().prop_map(|version| ServerFrame::Hello { version }),
        (code(), snapshot()).prop_map(|(code, snapshot)| ServerFrame::Snapshot { code, snapshot: Box::new(snapshot) }),
        resumed(),
        (code(), reset).prop_map(|(code, reason)| ServerFrame::Reset { code, reason }),
        (code(), event()).prop_map(|(code, event)| ServerFrame::Event { code, event }),
        (code(), id(), number(), any::<i64>()).prop_map(|(code, id, seq, at)| ServerFrame::Ack { code, id, seq, at }),
        error(),
        (code(), signal()).prop_map(|(code, signal)| ServerFrame::Signal { code, signal }),
        vec(summary(), 0..3).prop_map(|rooms| ServerFrame::Rooms { rooms }),
        summary().prop_map(|room| ServerFrame::Summary { room: Box::new(room) }),
        any::<u64>().prop_map(|n| ServerFrame::Pong { n }),
        (bye_reason(), number()).prop_map(|(reason, retry_after_ms)| ServerFrame::Bye { reason, retry_after_ms }),
    ]
}

fn client_frame() -> impl Strategy<Value = ClientFrame> {
    prop_oneof![
        (code(), option::of(number().prop_map(Epoch::from_bits)), option::of(number()))
            .prop_map(|(code, epoch, after)| ClientFrame::Subscribe { code, epoch, after }),
        code().prop_map(|code| ClientFrame::Unsubscribe { code }),
        (code(), id(), any::<String>(), option::of(target()), calls()).prop_map(
            |(code, id, body, reply_to, (mentions, everyone))| ClientFrame::Send {
                code,
                id,
                body,
                reply_to,
                mentions,
                everyone,
            }
        ),
        (code(), id(), target(), any::<String>(), option::of(number()), calls()).prop_map(
            |(code, id, target, body, after, (mentions, everyone))| ClientFrame::Edit {
                code,
                id,
                target,
                body,
                after,
                mentions,
                everyone,
            }
        ),
        (code(), id(), target()).prop_map(|(code, id, target)| ClientFrame::Delete { code, id, target }),
        (code(), id(), target(), any::<String>(), any::<bool>())
            .prop_map(|(code, id, target, e, on)| ClientFrame::React { code, id, target, e, on }),
        (code(), any::<bool>()).prop_map(|(code, on)| ClientFrame::Typing { code, on }),
        (code(), number()).prop_map(|(code, seq)| ClientFrame::Read { code, seq }),
        Just(ClientFrame::Watch {}),
        code().prop_map(|code| ClientFrame::Leave { code }),
        any::<u64>().prop_map(|n| ClientFrame::Ping { n }),
    ]
}

/// The value after it was written and read. Fields that a later version adds make no difference.
fn sent<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).unwrap();
    let mut later: Value = serde_json::from_str(&text).unwrap();
    add_fields(&mut later);
    let read: T = serde_json::from_value(later).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
    serde_json::from_str(&text).unwrap()
}

/// Adds a field to every object with several. Objects with one key may be the form of an enum, and the content of a
/// later kind is kept as it is.
fn add_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (_, field) in fields.iter_mut().filter(|(name, _)| *name != "danced") {
                add_fields(field);
            }
            if fields.len() > 1 {
                fields.insert("later".to_owned(), json!({"more": [1]}));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(add_fields),
        _ => {}
    }
}

proptest! {
    #[test]
    fn a_page_reads_what_the_server_wrote(frame in server_frame()) {
        prop_assert_eq!(sent(&frame), frame);
    }

    #[test]
    fn the_server_reads_what_a_page_wrote(frame in client_frame()) {
        prop_assert_eq!(sent(&frame), frame);
    }
}

#[test]
fn frames_look_like_this() {
    let said = r#"{"seq":5,"at":7,"kind":{"message":{"n":1,"id":"01890a5d-ac96-774b-bcce-b302099a8057","author":{"id":7,"name":"Ada"},"body":"Hello"}}}"#;
    let event: Event = serde_json::from_str(said).unwrap();
    assert_eq!(event.message().unwrap().body.as_str(), "Hello");
    let code: RoomCode = "K7M2QX".parse().unwrap();
    let frame = serde_json::to_string(&ServerFrame::Event { code, event }).unwrap();
    assert_eq!(frame, format!(r#"{{"event":{{"code":"K7M2QX","event":{said}}}}}"#));
    let typing = Signal::Typing { member: MemberId::from_bits(7), on: true };
    let frame = serde_json::to_string(&ServerFrame::Signal { code, signal: typing }).unwrap();
    assert_eq!(frame, r#"{"signal":{"code":"K7M2QX","signal":{"typing":{"member":7,"on":true}}}}"#);
    assert_eq!(serde_json::to_string(&ClientFrame::Watch {}).unwrap(), r#"{"watch":{}}"#);
}

#[test]
fn what_a_later_version_sends_is_passed_over() {
    let frame = |text: &str| serde_json::from_str::<ServerFrame>(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    for content in ["{}", "null", r#"{"a":[1.5,{"b":"\u0000\ud83d\ude00"}]}"#, r#""word""#, "[[]]"] {
        assert_eq!(frame(&format!(r#"{{"danced":{content}}}"#)), ServerFrame::Other);
        let signal = frame(&format!(r#"{{"signal":{{"code":"K7M2QX","signal":{{"danced":{content}}}}}}}"#));
        assert!(matches!(signal, ServerFrame::Signal { signal: Signal::Other, .. }));
        let kind = format!(r#"{{"danced":{content}}}"#);
        let text = format!(r#"{{"event":{{"code":"K7M2QX","event":{{"seq":5,"at":7,"kind":{kind}}}}}}}"#);
        let ServerFrame::Event { event, .. } = frame(&text) else { panic!("it is an event") };
        assert!(matches!(&event.kind, EventKind::Other(name, read) if &**name == "danced" && read.json() == content));
        assert_eq!(serde_json::to_string(&event.kind).unwrap(), kind, "a node passes it on as it came");
        for reason in [r#""danced""#, &kind] {
            let text = format!(r#"{{"error":{{"code":"danced","detail":"No.","reason":{reason}}}}}"#);
            let error = frame(&text);
            assert!(matches!(error, ServerFrame::Error { code: Code::Other, reason: Some(Reason::Other), .. }));
        }
    }
    let bye = frame(r#"{"bye":{"reason":"danced","retry_after_ms":3}}"#);
    assert_eq!(bye, ServerFrame::Bye { reason: ByeReason::Other, retry_after_ms: 3 });
    let reset = frame(r#"{"reset":{"code":"K7M2QX","reason":"danced"}}"#);
    assert!(matches!(reset, ServerFrame::Reset { reason: ResetReason::Other, .. }));
    let owner: EventKind =
        serde_json::from_str(r#"{"owner":{"member":{"id":7,"name":"Ada"},"why":"danced"}}"#).unwrap();
    assert!(matches!(owner, EventKind::Owner { why: OwnerChange::Other, .. }));
    let problem: Problem =
        serde_json::from_str(r#"{"code":"danced","detail":"No.","reason":{"empty":{"what":"danced"}}}"#).unwrap();
    assert_eq!(problem.reason, Some(Reason::Empty { what: TextKind::Other }));
    assert!(!problem.is_transient());
}

#[test]
fn a_frame_has_one_key_and_what_that_needs() {
    for text in [
        "{}",
        "[]",
        "5",
        r#""pong""#,
        r#"{"pong":{}}"#,
        r#"{"pong":null}"#,
        r#"{"pong":{"n":1},"more":{}}"#,
        r#"{"danced":{},"pong":{"n":1}}"#,
        r#"{"event":{"code":"K7M2QX","event":{"seq":1,"at":1,"kind":{"left":{}}}}}"#,
        r#"{"event":{"code":"K7M2QX","event":{"seq":1,"at":1,"kind":{}}}}"#,
        r#"{"event":{"code":"K7M2QX","event":{"seq":1,"at":1,"kind":"left"}}}"#,
        r#"{"event":{"code":"K7M2QX","event":{"at":1,"kind":{"danced":{}}}}}"#,
    ] {
        assert!(serde_json::from_str::<ServerFrame>(text).is_err(), "{text}");
    }
    for text in [r#"{"danced":{}}"#, r#""watch""#, r#"{"watch":null}"#, r#"{"ping":{"n":1},"watch":{}}"#] {
        assert!(serde_json::from_str::<ClientFrame>(text).is_err(), "{text}");
    }
    // The name of the variant that stands for all others is a name like any other.
    assert_eq!(serde_json::from_str::<ServerFrame>(r#"{"other":{"a":1}}"#).unwrap(), ServerFrame::Other);
    let other = r#"{"other":{"a":1}}"#;
    let kind: EventKind = serde_json::from_str(other).unwrap();
    assert_eq!(serde_json::to_string(&kind).unwrap(), other);
}

/// A client shows texts that were accepted by an older, weaker rule and would be refused today, and an event that it
/// does not know takes its place and changes nothing.
#[test]
fn a_replica_takes_in_what_is_older_and_what_is_later() {
    let nobody = json!({"id": 2, "name": "\u{115F}"});
    let said = json!({"seq": 1, "at": 7, "kind": {"message": {"n": 1, "id": "01890a5d-ac96-774b-bcce-b302099a8057",
        "author": nobody, "body": "\u{200B}"}}});
    let room =
        json!({"code": "K7M2QX", "type": "group", "name": "\u{34F}", "preserve": true, "owner": 1, "created_at": 5});
    let you = json!({"member_id": 1, "nickname": "Ada\u{200C}", "role": "keeper"});
    let snapshot = json!({"room": room, "you": you, "epoch": 6, "head": 1, "last_n": 1, "members": [nobody],
        "connected": [], "events": [said], "has_more": false});
    let mut replica = Replica::new(serde_json::from_value(snapshot).unwrap());
    assert_eq!((replica.you.nickname.as_str(), replica.you.role), ("Ada\u{200C}", Role::Member));
    assert_eq!(replica.events[0].message().unwrap().body.as_str(), "\u{200B}");
    let state = replica.state.clone();
    assert_eq!(replica.receive(Event { seq: 2, at: 8, kind: later_kind("x") }), Received::Applied(1));
    assert_eq!(replica.state, anonchat::protocol::RoomState { head: 2, ..state });
    let renamed: EventKind = serde_json::from_value(json!({"renamed": {"name": "\u{FFA0}", "by": nobody}})).unwrap();
    assert_eq!(replica.receive(Event { seq: 3, at: 8, kind: renamed }), Received::Applied(1));
    assert_eq!(replica.state.name.unwrap().as_str(), "\u{FFA0}");
}
