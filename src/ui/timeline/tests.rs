//! Tests of the rows that readers see. Each log is written as a short list of events.

mod holes;
mod marks;

use uuid::Uuid;

use crate::{
    protocol::{
        ClientId, Draft, DraftKind, DraftState, Edit, Event, EventKind, Language, MemberId, Mentions, Message,
        MessageBody, Nickname, Person, Problem, Retention, Target, sorted::SortedSet,
    },
    ui::texts::of,
};

use super::{
    Absence, Delivery, Marks, MessageRow, Part, Reader, Row, RowContext, RowKey, parts, rows, strip_isolates,
    typing_line,
};

const ME: u64 = 1;
const ADA: u64 = 2;
const BOB: u64 = 3;
const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn nickname(name: &str) -> Nickname {
    Nickname::try_from(name).unwrap()
}

fn person(id: u64) -> Person {
    let name = match id {
        ME => "Otter".to_owned(),
        ADA => "Ada".to_owned(),
        BOB => "Bob".to_owned(),
        other => format!("Guest {other}"),
    };
    Person { id: MemberId::from_bits(id), name: nickname(&name) }
}

fn joined(id: u64) -> EventKind {
    EventKind::Joined { member: person(id) }
}

fn left(id: u64) -> EventKind {
    EventKind::Left { member: person(id) }
}

fn said(id: u64, n: u128) -> EventKind {
    let body = MessageBody::try_from("Hello").unwrap();
    EventKind::Message(Message::new(1, ClientId::new(Uuid::from_u128(n)), person(id), body))
}

/// A log of these events at these times, in milliseconds, with seqs from 1.
fn log(events: Vec<(i64, EventKind)>) -> Vec<Event> {
    events.into_iter().zip(1..).map(|((at, kind), seq)| Event { seq, at, kind }).collect()
}

fn read(events: &[Event], outbox: &[Draft], window: usize) -> Vec<(RowKey, Row)> {
    read_in(Language::English, events, outbox, window)
}

fn read_in(language: Language, events: &[Event], outbox: &[Draft], window: usize) -> Vec<(RowKey, Row)> {
    read_with(None, language, events, outbox, window)
}

/// The rows. `companion` is the only other person of a room for two.
fn read_with(
    companion: Option<u64>,
    language: Language,
    events: &[Event],
    outbox: &[Draft],
    window: usize,
) -> Vec<(RowKey, Row)> {
    let own_ids = SortedSet::from([MemberId::from_bits(ME)]);
    let shown = events.len().saturating_sub(window)..events.len();
    let context = RowContext {
        me: &person(ME),
        own_ids: &own_ids,
        companion: companion.map(MemberId::from_bits),
        marks: &Marks::default(),
        first_unread: None,
        last_n: 9,
        is_lost_above: false,
        gap_after_lost_log: None,
        wanted_reactions: &[],
        name_of: &|_| None,
        quoted: &|_| None,
        offset: &|_| 0,
        texts: of(language),
    };
    rows(events, shown, outbox.iter(), context)
}

/// The rows as short texts: `day 0`, a notice's sentence, or for a message its author, after `^` if it opens a group
/// and before `$` if it closes one.
fn shown(events: Vec<(i64, EventKind)>) -> Vec<String> {
    shown_in(Language::English, events)
}

fn shown_in(language: Language, events: Vec<(i64, EventKind)>) -> Vec<String> {
    let row = |row: Row| match row {
        Row::Day(day) => format!("day {day}"),
        Row::Notice(sentence) => strip_isolates(&sentence),
        Row::Unread => "unread".to_owned(),
        Row::Hole(_) => "hole".to_owned(),
        Row::Message(message) => {
            let (opens, closes) = (if message.opens { "^" } else { "" }, if message.closes { "$" } else { "" });
            format!("{opens}{}{closes}", message.author.name)
        }
    };
    read_in(language, &log(events), &[], 300).into_iter().map(|(_, r)| row(r)).collect()
}

#[test]
fn messages_are_grouped_by_author_within_five_minutes_and_by_day() {
    let events = vec![
        (0, said(ADA, 1)),
        (4 * MINUTE, said(ADA, 2)),
        (9 * MINUTE, said(ADA, 3)),
        (9 * MINUTE, said(BOB, 4)),
        (DAY, said(BOB, 5)),
    ];
    assert_eq!(shown(events), ["day 0", "^Ada", "Ada$", "^Ada$", "^Bob$", "day 1", "^Bob$"]);
}

#[test]
fn the_first_message_of_a_group_shows_its_author_but_not_the_readers_own_and_not_a_companion() {
    let events = log(vec![(0, said(ADA, 1)), (0, said(ADA, 2)), (0, said(ME, 3)), (0, said(BOB, 4))]);
    for (companion, expected) in [(None, vec![ADA, BOB]), (Some(ADA), vec![BOB])] {
        let signed = |(_, row): (RowKey, Row)| match row {
            Row::Message(message) => message.signed.then_some(message.author.id.get()),
            Row::Day(_) | Row::Notice(_) | Row::Unread | Row::Hole(_) => None,
        };
        let rows = read_with(companion, Language::English, &events, &[], 300);
        assert_eq!(rows.into_iter().filter_map(signed).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_notice_ends_a_group() {
    assert_eq!(
        shown(vec![(0, said(ADA, 1)), (1, joined(BOB)), (2, said(ADA, 2))]),
        ["day 0", "^Ada$", "Bob joined", "^Ada$"]
    );
}

#[test]
fn many_arrivals_in_a_row_are_one_sentence() {
    assert_eq!(shown(vec![(0, joined(ADA)), (1, joined(BOB))]), ["day 0", "Ada and Bob joined"]);
    let crowd: Vec<_> = [ADA, BOB, 4, 5, 6].into_iter().map(|id| (0, joined(id))).collect();
    assert_eq!(shown(crowd), ["day 0", "Ada, Bob and 3 others joined"]);
}

#[test]
fn who_comes_back_under_another_name_is_named_by_that() {
    let robert = EventKind::Joined { member: Person { name: nickname("Robert"), ..person(BOB) } };
    assert_eq!(shown(vec![(0, joined(BOB)), (1, left(BOB)), (2, robert.clone())]), ["day 0", "Robert joined"]);
    assert_eq!(shown(vec![(0, left(BOB)), (1, robert)]), ["day 0", "Robert left and came back"]);
}

#[test]
fn you_come_first_and_a_flapping_line_is_one_sentence() {
    let flapping = vec![
        (0, joined(ADA)),
        (1, joined(ME)),
        (2, left(BOB)),
        (3, joined(BOB)),
        (4, left(4)),
        (5, joined(5)),
        (6, left(5)),
    ];
    assert_eq!(
        shown(flapping),
        ["day 0", "You and Ada joined; Bob left and came back; Guest 5 joined and left; Guest 4 left"]
    );
}

#[test]
fn in_german_the_verb_goes_with_who_it_is_about() {
    let sentence = |events| shown_in(Language::German, events).pop().unwrap();
    assert_eq!(sentence(vec![(0, joined(ME))]), "Du bist jetzt dabei");
    assert_eq!(sentence(vec![(0, joined(ADA))]), "Ada ist jetzt dabei");
    assert_eq!(sentence(vec![(0, joined(ADA)), (1, joined(BOB))]), "Ada und Bob sind jetzt dabei");
    assert_eq!(sentence(vec![(0, joined(ADA)), (1, joined(ME))]), "Du und Ada seid jetzt dabei");
    let both = vec![(0, joined(ME)), (1, left(BOB))];
    assert_eq!(sentence(both), "Du bist jetzt dabei; Bob hat den Raum verlassen");
    let removed = EventKind::Removed { member: person(ME), by: person(ADA) };
    assert_eq!(sentence(vec![(0, removed)]), "Ada hat dich entfernt");
}

#[test]
fn what_the_owner_does_is_said_plainly() {
    let by = person(ADA);
    let events = vec![
        (0, EventKind::Removed { member: person(BOB), by: by.clone() }),
        (1, EventKind::RetentionChanged { retention: Retention::Preserved, by: by.clone(), n: 0 }),
        (2, EventKind::Renamed { name: None, by: person(ME) }),
    ];
    assert_eq!(
        shown(events),
        [
            "day 0",
            "Ada removed Bob",
            "Ada turned on saving: messages are saved from here",
            "You removed the room’s name"
        ]
    );
}

#[test]
fn a_name_in_a_notice_is_a_name_whatever_it_says() {
    let sly = Person { id: MemberId::from_bits(7), name: nickname("Bob left; Ada") };
    let events = log(vec![
        (0, joined(ME)),
        (1, EventKind::Joined { member: sly.clone() }),
        (2, EventKind::Removed { member: sly, by: person(ADA) }),
    ]);
    let notices: Vec<String> = read(&events, &[], 300)
        .into_iter()
        .filter_map(|(_, row)| if let Row::Notice(sentence) = row { Some(sentence) } else { None })
        .collect();
    let [came, removed] = notices.try_into().unwrap();
    assert_eq!(parts(&came), [Part::Words("You and "), Part::Name("Bob left; Ada"), Part::Words(" joined")]);
    assert_eq!(parts(&removed), [Part::Name("Ada"), Part::Words(" removed "), Part::Name("Bob left; Ada")]);
}

#[test]
fn a_pending_message_keeps_its_key_when_it_arrives() {
    let id = ClientId::new(Uuid::from_u128(9));
    let body = MessageBody::try_from("Hello").unwrap();
    let mut draft =
        Draft { id, kind: DraftKind::Message, body, mentions: Mentions::default(), state: DraftState::Pending };
    let events = log(vec![(0, said(ADA, 1))]);
    let (pending_key, row) = read(&events, std::slice::from_ref(&draft), 300).pop().unwrap();
    assert!(matches!(row, Row::Message(row) if row.own && row.delivery == Delivery::Pending && row.at.is_none()));
    draft.state = DraftState::Failed(Problem::room_unavailable());
    let (failed_key, row) = read(&events, &[draft], 300).pop().unwrap();
    assert!(matches!(row, Row::Message(row) if matches!(row.delivery, Delivery::Failed { .. })));
    let arrived = log(vec![(0, said(ADA, 1)), (1, said(ME, 9))]);
    let (sent_key, _) = read(&arrived, &[], 300).pop().unwrap();
    assert_eq!((pending_key, failed_key), (sent_key, sent_key));
}

#[test]
fn a_change_in_the_outbox_is_shown_in_its_message_and_a_refused_one_never_out_of_sight() {
    let events = log(vec![(0, said(ME, 1)), (0, said(ADA, 2))]);
    let body = |text: &str| MessageBody::stored(text);
    let target = |seq, n| Target { seq, id: ClientId::new(Uuid::from_u128(n)) };
    let (id, mentions) = (ClientId::new(Uuid::from_u128(9)), Mentions::default());
    let draft = |kind, text: &str, state| Draft { id, kind, body: body(text), mentions: mentions.clone(), state };
    let messages = |draft: Draft| -> Vec<MessageRow> {
        let rows = read(&events, &[draft], 300).into_iter();
        rows.filter_map(|(_, row)| if let Row::Message(row) = row { Some(row) } else { None }).collect()
    };
    let edit = |seq| DraftKind::Edit { target: target(seq, 1), after: Some(0) };
    let shown = messages(draft(edit(1), "Better", DraftState::Pending));
    assert_eq!((shown.len(), &shown[0].body, shown[0].edited), (2, &body("Better"), true));
    assert_eq!((&shown[0].delivery, &shown[1].delivery), (&Delivery::Pending, &Delivery::Sent));
    let shown = messages(draft(DraftKind::Delete(target(2, 2)), "", DraftState::Pending));
    assert!(shown.len() == 2 && shown[1].deleted.is_some() && shown[1].delivery == Delivery::Pending);

    assert_eq!(messages(draft(edit(7), "Better", DraftState::Pending))[0].body, shown[0].body, "of another life");
    let elsewhere = DraftKind::Edit { target: target(7, 7), after: Some(0) };
    assert_eq!(messages(draft(elsewhere, "Better", DraftState::Pending)).len(), 2);
    let refused = messages(draft(elsewhere, "Better", DraftState::Failed(Problem::room_unavailable())));
    assert_eq!((refused.len(), &refused[2].body), (3, &body("Better")));
    assert!(matches!(refused[2].delivery, Delivery::Failed { has_text: true, .. }));
}

#[test]
fn keys_stay_unique_over_the_lives_of_a_log_and_when_authors_reuse_an_id() {
    let mut events = log(vec![(0, joined(ADA)), (1, said(ADA, 1)), (2, joined(BOB))]);
    events.extend(log(vec![(DAY, joined(ADA)), (DAY + 1, said(BOB, 1)), (DAY + 2, joined(BOB))]));
    for window in [300, 4, 2] {
        let keys: Vec<RowKey> = read(&events, &[], window).into_iter().map(|(key, _)| key).collect();
        for (i, key) in keys.iter().enumerate() {
            assert!(!keys[..i].contains(key), "{key:?} twice");
        }
    }
}

#[test]
fn only_the_newest_events_are_shown() {
    let events = log((0..10).map(|n| (0, said(ADA, n))).collect());
    assert_eq!(read(&events, &[], 3).len(), 1 + 3);
}

#[test]
fn who_types_is_said_by_name_as_long_as_that_is_short() {
    let names = [nickname("Ada"), nickname("Bob"), nickname("Cy")];
    let texts = of(Language::English);
    assert_eq!(typing_line(texts, &[]), None);
    assert_eq!(strip_isolates(&typing_line(texts, &names[..1]).unwrap()), "Ada is typing…");
    assert_eq!(strip_isolates(&typing_line(texts, &names[..2]).unwrap()), "Ada and Bob are typing…");
    assert_eq!(typing_line(texts, &names).unwrap(), "Several people are typing…");
}

/// The message rows, as texts.
fn words(events: &[Event], quoted: impl Fn(Target) -> Option<&'static Message>) -> Vec<String> {
    let own_ids = SortedSet::from([MemberId::from_bits(ME)]);
    let context = RowContext {
        me: &person(ME),
        own_ids: &own_ids,
        companion: None,
        marks: &Marks::default(),
        first_unread: None,
        last_n: 9,
        is_lost_above: false,
        gap_after_lost_log: None,
        wanted_reactions: &[],
        name_of: &|_| None,
        quoted: &|target| quoted(target),
        offset: &|_| 0,
        texts: of(Language::English),
    };
    let row = |row: Row| match row {
        Row::Message(MessageRow { body, edited, deleted, quote, .. }) => {
            let quote = quote.map(|quote| format!("[{} {}] ", quote.author.unwrap_or_default(), quote.text));
            let edited = if edited { " (edited)" } else { "" };
            let text = deleted.map_or_else(|| body.to_string(), |deleted| strip_isolates(&deleted));
            Some(format!("{}{text}{edited}", quote.unwrap_or_default()))
        }
        _ => None,
    };
    rows(events, 0..events.len(), [].iter(), context).into_iter().filter_map(|(_, r)| row(r)).collect()
}

#[test]
fn a_message_shows_what_later_events_have_made_of_it_and_a_reply_what_it_is_to() {
    let message = |n| match said(ADA, n) {
        EventKind::Message(message) => message,
        _ => unreachable!(),
    };
    let event = |seq, message| Event { seq, at: 0, kind: EventKind::Message(message) };
    let edited = Message { edited: Some(Edit { seq: 9, at: 0, times: 1 }), ..message(1) };
    let gone = |by: u64| Message { body: MessageBody::stored(""), deleted: Some(person(by)), ..message(2) };
    let reply = |seq| Message { reply_to: Some(Target { seq, id: ClientId::new(Uuid::from_u128(1)) }), ..message(3) };
    let known: &'static Message = Box::leak(Box::new(message(1)));
    let deleted: &'static Message = Box::leak(Box::new(gone(ADA)));
    let quoted = move |target: Target| match target.seq {
        1 => Some(known),
        2 => Some(deleted),
        _ => None,
    };
    let events = [
        event(1, edited),
        event(2, gone(ADA)),
        event(3, gone(BOB)),
        event(4, reply(1)),
        event(5, reply(2)),
        event(6, reply(3)),
    ];
    assert_eq!(
        words(&events, quoted),
        [
            "Hello (edited)",
            "Message deleted",
            "Message deleted by Bob",
            "[Ada Hello] Hello",
            "[Ada Message deleted] Hello",
            "[ Earlier message] Hello",
        ]
    );
}
