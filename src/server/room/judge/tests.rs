//! Tests of the judge: which event, answer or refusal each command of a batch gets.

use litemap::LiteMap;

use uuid::Uuid;

use super::{
    super::{
        command::{Calls, Change, Found, Touch},
        entry::Entry,
    },
    *,
};
use crate::{
    protocol::{Emoji, Member, MessageBody, ReactionChange, Reason, RoomType, Target},
    server::store::{ActorId, GuestId, Joining, RoomId},
};

const EDITABLE: Millis = 1_000;

fn person(id: u64) -> Person {
    Person { id: MemberId::from_bits(id), name: Nickname::try_from(format!("Person {id}")).unwrap() }
}

fn say(member: u64, id: u128, body: &str) -> Command {
    let (id, body) = (ClientId::new(Uuid::from_u128(id)), MessageBody::try_from(body).unwrap());
    Command::Say { member: MemberId::from_bits(member), id, body, reply_to: None, calls: Calls::default() }
}

fn room_of(ids: &[u64]) -> RoomState {
    let members: LiteMap<_, _> =
        ids.iter().map(|id| (person(*id).id, Member { name: person(*id).name, since: *id })).collect();
    let owner = MemberId::from_bits(1);
    RoomState { head: 7, last_n: 3, name: None, retention: Retention::Ephemeral, peek: true, owner, members }
}

fn event(verdict: Verdict) -> Event {
    match verdict {
        Verdict::Event(event) => event,
        other => panic!("no event but {other:?}"),
    }
}

#[test]
fn a_batch_numbers_its_events_and_messages_without_holes() {
    let (state, window) = (room_of(&[1]), Window::default());
    let mut judge = Judge::new(&state, &window, EDITABLE, 50);
    assert_eq!(event(judge.judge(&say(1, 1, "a"))).seq, 8);
    assert_eq!(event(judge.judge(&Command::Join { member: person(2) })).seq, 9);
    let third = event(judge.judge(&say(2, 2, "b")));
    assert_eq!((third.seq, third.message().unwrap().n), (10, 5));
}

#[test]
fn who_is_not_in_the_log_cannot_speak() {
    let (state, window) = (room_of(&[1, 2]), Window::default());
    let mut judge = Judge::new(&state, &window, EDITABLE, 50);
    assert!(matches!(judge.judge(&say(3, 1, "a")), Verdict::Refused(p) if p.code == Code::NotAMember));
    event(judge.judge(&Command::Leave { member: person(2), removed_by: None }));
    assert!(matches!(judge.judge(&say(2, 2, "b")), Verdict::Refused(_)), "gone earlier in the same batch");
}

#[test]
fn a_retry_is_recognised_in_the_window_and_waits_within_the_batch() {
    let (mut state, mut window) = (room_of(&[1]), Window::default());
    let first = event(Judge::new(&state, &window, EDITABLE, 50).judge(&say(1, 1, "a")));
    state.apply(&first);
    window.push(Entry::of(first));
    let mut judge = Judge::new(&state, &window, EDITABLE, 60);
    assert_eq!(judge.judge(&say(1, 1, "a")), Verdict::Already(Done { seq: 8, at: 50 }));
    assert!(matches!(judge.judge(&say(1, 1, "b")), Verdict::Refused(p) if p.code == Code::IdReused));
    event(judge.judge(&say(1, 2, "c")));
    assert_eq!(judge.judge(&say(1, 2, "c")), Verdict::NextBatch);
}

#[test]
fn what_a_batch_may_still_fail_to_say_is_no_ground_to_answer_already() {
    let (state, window) = (room_of(&[1]), Window::default());
    let join = Command::Join { member: person(2) };
    let mut judge = Judge::new(&state, &window, EDITABLE, 50);
    event(judge.judge(&join));
    assert_eq!(judge.judge(&join), Verdict::NextBatch);
    assert!(matches!(judge.judge(&Command::Join { member: person(1) }), Verdict::Already(_)));
}

/// The events of a batch of these commands. Commands that wait for the next batch are left out.
fn batch(state: &RoomState, commands: &[Command]) -> Vec<EventKind> {
    let window = Window::default();
    let mut judge = Judge::new(state, &window, EDITABLE, 50);
    let mut events = Vec::new();
    for command in commands {
        if let Verdict::Event(event) = judge.judge(command) {
            events.push(event);
            events.extend(std::iter::from_fn(|| judge.next_consequence()).map(|(event, _)| event));
        }
    }
    assert!(events.iter().zip(state.head + 1..).all(|(event, seq)| event.seq == seq));
    events.into_iter().map(|event| event.kind).collect()
}

fn left(id: u64) -> Command {
    Command::Leave { member: person(id), removed_by: None }
}

fn inherits(id: u64) -> EventKind {
    EventKind::Owner { member: person(id), by: None, why: OwnerChange::Inherited }
}

/// A room with these members, each with the seq since which they are in it. Member 1 owns it.
fn room_since(members: &[(u64, Seq)]) -> RoomState {
    let since = |(id, since): &(u64, Seq)| (person(*id).id, Member { name: person(*id).name, since: *since });
    RoomState { members: members.iter().map(since).collect(), ..room_of(&[]) }
}

#[test]
fn whoever_has_been_there_for_longest_inherits_the_room_in_the_same_batch() {
    let state = room_since(&[(1, 1), (2, 6), (3, 2), (4, 4)]);
    assert_eq!(batch(&state, &[left(1)]), [EventKind::Left { member: person(1) }, inherits(3)]);
    let both = batch(&state, &[left(3), left(1), left(4)]);
    let went = |id| EventKind::Left { member: person(id) };
    assert_eq!(both, [went(3), went(1), inherits(4), went(4), inherits(2)]);
    assert_eq!(batch(&state, &[left(4)]), [went(4)], "nobody inherits from who is no owner");
}

#[test]
fn who_goes_on_as_another_member_leaves_them_the_room() {
    let goes_on = |id, heir| Command::Become { member: person(id), heir: person(heir) };
    let went = |id| EventKind::Left { member: person(id) };
    let state = room_since(&[(1, 1), (2, 2), (3, 3)]);
    assert_eq!(batch(&state, &[goes_on(1, 3)]), [went(1), inherits(3)], "not whoever was there for longest");
    assert_eq!(batch(&state, &[goes_on(2, 3)]), [went(2)], "who has nothing leaves nothing");
    let gone = room_since(&[(3, 3)]);
    assert_eq!(batch(&gone, &[goes_on(1, 3)]), [inherits(3)]);
    assert_eq!(batch(&gone, &[goes_on(2, 3)]), []);
}

#[test]
fn an_empty_room_keeps_its_owner_until_somebody_else_is_in_it() {
    let alone = room_since(&[(1, 1)]);
    assert_eq!(batch(&alone, &[left(1)]), [EventKind::Left { member: person(1) }]);
    let empty = room_since(&[]);
    let join = |id| Command::Join { member: person(id) };
    let joined = |id| EventKind::Joined { member: person(id) };
    assert_eq!(batch(&empty, &[join(1), join(2)]), [joined(1), joined(2)], "the owner came back");
    assert_eq!(batch(&empty, &[join(2), join(1)]), [joined(2), inherits(2), joined(1)]);
}

#[test]
fn a_room_that_was_left_without_an_owner_gets_one_once() {
    let state = room_since(&[(3, 2), (4, 4)]);
    assert_eq!(batch(&state, &[Command::Inherit, Command::Inherit]), [inherits(3)]);
    assert_eq!(batch(&room_since(&[(1, 1), (3, 2)]), &[Command::Inherit]), []);
    assert_eq!(batch(&room_since(&[]), &[Command::Inherit]), []);
}

#[test]
fn only_who_owns_the_room_by_the_log_gives_it_away_or_changes_it() {
    let (state, window) = (room_since(&[(1, 1), (2, 2), (3, 3)]), Window::default());
    let give = |to, by| Command::Give { to: person(to).id, by: person(by) };
    let rename = |by| Command::Rename { name: None, by: person(by) };
    let retain = |by| Command::Retain { retention: Retention::Preserved, by: person(by) };
    let allow_peek = |by| Command::AllowPeek { peek: false, by: person(by) };
    let mut judge = Judge::new(&state, &window, EDITABLE, 50);
    for command in [give(3, 2), rename(2), retain(3), allow_peek(2)] {
        assert!(matches!(judge.judge(&command), Verdict::Refused(p) if p.code == Code::NotOwner), "{command:?}");
    }
    assert!(matches!(judge.judge(&give(9, 1)), Verdict::Refused(p) if p.reason == Some(Reason::MemberGone)));
    assert!(matches!(judge.judge(&give(1, 1)), Verdict::Already(_)));
    let given = EventKind::Owner { member: person(2), by: Some(person(1)), why: OwnerChange::Given };
    assert_eq!(event(judge.judge(&give(2, 1))).kind, given);
    for command in [give(3, 1), rename(1), retain(1), allow_peek(1)] {
        assert!(matches!(judge.judge(&command), Verdict::Refused(p) if p.code == Code::NotOwner), "{command:?}");
    }
    event(judge.judge(&left(1)));
    assert_eq!(judge.next_consequence(), None, "who gave it away leaves no heir");
    assert_eq!(judge.judge(&give(1, 2)), Verdict::NextBatch);
}

#[test]
fn who_comes_in_by_a_name_that_somebody_has_is_told_apart_and_keeps_that_name() {
    let called = |id, name: &str| Person { id: MemberId::from_bits(id), name: Nickname::try_from(name).unwrap() };
    let (mut state, window) = (room_of(&[1]), Window::default());
    let mut judge = Judge::new(&state, &window, EDITABLE, 50);
    let events: Vec<Event> = [(2, "Bob"), (3, "bob"), (4, "You")]
        .map(|(id, name)| event(judge.judge(&Command::Join { member: called(id, name) })))
        .into();
    let second = event(judge.judge(&say(3, 1, "a")));
    assert_eq!(second.message().unwrap().author, called(3, "bob (2)"));
    let kinds: Vec<_> = events.iter().map(|event| event.kind.clone()).collect();
    let joined = |id, name| EventKind::Joined { member: called(id, name) };
    assert_eq!(kinds, [joined(2, "Bob"), joined(3, "bob (2)"), joined(4, "You (2)")]);
    for event in events.iter().chain([&second]) {
        state.apply(event);
    }
    let mut judge = Judge::new(&state, &window, EDITABLE, 60);
    let leave = Command::Leave { member: called(2, "Bob"), removed_by: Some(called(3, "bob")) };
    let removed = EventKind::Removed { member: called(2, "Bob"), by: called(3, "bob (2)") };
    assert_eq!(event(judge.judge(&leave)).kind, removed, "whoever goes, the second stays the second");
    assert_eq!(event(judge.judge(&Command::Join { member: called(5, "Bob") })).kind, joined(5, "Bob"));
}

#[test]
fn a_change_of_retention_stands_alone() {
    let (state, window) = (room_of(&[1]), Window::default());
    let retain = Command::Retain { retention: Retention::Preserved, by: person(1) };
    let mut judge = Judge::new(&state, &window, EDITABLE, 50);
    event(judge.judge(&say(1, 1, "a")));
    assert_eq!(judge.judge(&retain), Verdict::NextBatch);
    let mut judge = Judge::new(&state, &window, EDITABLE, 50);
    event(judge.judge(&retain));
    assert_eq!(judge.judge(&say(1, 2, "b")), Verdict::NextBatch);
}

#[test]
fn who_comes_in_with_the_log_that_is_kept_is_refused_where_nothing_is() {
    let Person { id, name } = person(2);
    let guest = GuestId(Uuid::from_u128(2));
    let joining = Joining {
        room: RoomId(Uuid::from_u128(1)),
        room_type: RoomType::Group,
        actor: ActorId::Guest(guest),
        member: id,
        name: Some(name),
        fallback_name: person(3).name,
        newcomer: None,
        at: 0,
    };
    let enter = Command::Enter { joining: Box::new(joining) };
    let (mut state, window) = (room_of(&[1]), Window::default());
    assert!(matches!(Judge::new(&state, &window, EDITABLE, 50).judge(&enter), Verdict::Refused(_)));
    state.retention = Retention::Preserved;
    let mut judge = Judge::new(&state, &window, EDITABLE, 50);
    assert_eq!(event(judge.judge(&enter)).kind, EventKind::Joined { member: person(2) });
    assert_eq!(event(judge.judge(&say(2, 1, "a"))).seq, 9);
}

#[test]
fn time_never_runs_backwards_in_a_log() {
    let (mut state, mut window) = (room_of(&[1]), Window::default());
    let first = event(Judge::new(&state, &window, EDITABLE, 1_000).judge(&say(1, 1, "a")));
    state.apply(&first);
    window.push(Entry::of(first));
    assert_eq!(event(Judge::new(&state, &window, EDITABLE, 10).judge(&say(1, 2, "b"))).at, 1_000);
}

/// A room whose window has a message of member 2 at seq 8, said at the time 50.
fn with_a_message() -> (RoomState, Window, Event) {
    let (mut state, mut window) = (room_of(&[1, 2, 3]), Window::default());
    let said = event(Judge::new(&state, &window, EDITABLE, 50).judge(&say(2, 1, "a")));
    state.apply(&said);
    window.push(Entry::of(said.clone()));
    (state, window, said)
}

fn change(member: u64, of: &Event, change: Change) -> Command {
    let target = Target { seq: of.seq, id: of.message().unwrap().id };
    Command::Touch(Touch { member: MemberId::from_bits(member), also: Vec::new(), target, change, found: None })
}

fn edit(member: u64, of: &Event, body: &str) -> Command {
    change(
        member,
        of,
        Change::Edit { body: MessageBody::try_from(body).unwrap(), after: None, calls: Calls::default() },
    )
}

fn delete(member: u64, of: &Event) -> Command {
    change(member, of, Change::Delete)
}

/// The code of the refusal.
fn refused(verdict: Verdict) -> Code {
    match verdict {
        Verdict::Refused(problem) => problem.code,
        other => panic!("not refused but {other:?}"),
    }
}

/// Judges a command alone, and takes its event into the log.
fn happens(state: &mut RoomState, window: &mut Window, command: &Command, now: Millis) -> Event {
    let event = event(Judge::new(state, window, EDITABLE, now).judge(command));
    state.apply(&event);
    window.push(Entry::of(event.clone()));
    event
}

#[test]
fn the_author_edits_and_the_author_and_the_owner_delete() {
    let (state, window, said) = with_a_message();
    let judge = |command: &Command| Judge::new(&state, &window, EDITABLE, 60).judge(command);
    assert!(matches!(event(judge(&edit(2, &said, "b"))).kind, EventKind::Edited { .. }));
    assert_eq!(refused(judge(&edit(1, &said, "b"))), Code::NotAuthor);
    assert_eq!(refused(judge(&delete(3, &said))), Code::NotAuthor);
    assert_eq!(refused(judge(&delete(9, &said))), Code::NotAMember);
    for (member, by) in [(1, 1), (2, 2)] {
        let EventKind::Deleted { n, by: told, .. } = event(judge(&delete(member, &said))).kind else { panic!() };
        assert_eq!((n, told), (4, person(by)));
    }
    // The author has another member id since.
    let Command::Touch(touch) = delete(3, &said) else { panic!() };
    let own = Command::Touch(Touch { also: vec![person(2).id], ..touch });
    let EventKind::Deleted { by, .. } = event(judge(&own)).kind else { panic!() };
    assert_eq!(by, person(2), "it is their own");
}

#[test]
fn what_is_as_it_should_be_needs_no_event() {
    let (mut state, mut window, said) = with_a_message();
    let judge =
        |state: &RoomState, window: &Window, command: &Command| Judge::new(state, window, EDITABLE, 60).judge(command);
    assert!(matches!(judge(&state, &window, &edit(2, &said, "a")), Verdict::Already(Done { seq: 8, .. })));
    let edited = happens(&mut state, &mut window, &edit(2, &said, "b"), 60);
    assert!(matches!(judge(&state, &window, &edit(2, &said, "b")), Verdict::Already(done) if done.seq == edited.seq));
    let deleted = happens(&mut state, &mut window, &delete(2, &said), 60);
    assert!(matches!(judge(&state, &window, &delete(1, &said)), Verdict::Already(done) if done.seq == deleted.seq));
    assert_eq!(refused(judge(&state, &window, &edit(2, &said, "c"))), Code::MessageGone);
    assert!(matches!(judge(&state, &window, &say(2, 1, "a")), Verdict::Already(Done { seq: 8, .. })), "a late retry");
}

#[test]
fn a_message_is_edited_in_its_time_not_too_often_and_as_its_author_saw_it() {
    let (mut state, mut window, said) = with_a_message();
    let body = |text: &str| MessageBody::try_from(text).unwrap();
    let after = |after| change(2, &said, Change::Edit { body: body("z"), after: Some(after), calls: Calls::default() });
    assert_eq!(refused(Judge::new(&state, &window, EDITABLE, 60).judge(&after(7))), Code::EditedMeanwhile);
    assert_eq!(refused(Judge::new(&state, &window, EDITABLE, 1_051).judge(&edit(2, &said, "b"))), Code::TooLate);
    assert_eq!(refused(Judge::new(&state, &window, 0, 51).judge(&edit(2, &said, "b"))), Code::TooLate);
    let for_ever = Millis::MAX;
    let mut now = 100;
    let mut seq = 0;
    for text in ["b", "c", "d", "e", "f", "g", "h", "i", "j", "k"] {
        let judge = |now, command: &Command| Judge::new(&state, &window, for_ever, now).judge(command);
        let edited = event(judge(
            now,
            &change(2, &said, Change::Edit { body: body(text), after: Some(seq), calls: Calls::default() }),
        ));
        (now, seq) = (now + 5_000, edited.seq);
        state.apply(&edited);
        window.push(Entry::of(edited));
        if text == "b" {
            let judge = Judge::new(&state, &window, for_ever, now - 1).judge(&edit(2, &said, "c"));
            assert!(matches!(judge, Verdict::Refused(problem) if problem.retry_after_ms == Some(1)));
        }
    }
    assert_eq!(refused(Judge::new(&state, &window, for_ever, now).judge(&edit(2, &said, "l"))), Code::TooLate);
    event(Judge::new(&state, &window, EDITABLE, now).judge(&delete(2, &said)));
}

/// A message that mentions members, and perhaps everyone.
fn call(member: u64, id: u128, calls: &Calls) -> Command {
    let Command::Say { member, id, body, reply_to, .. } = say(member, id, "a") else { unreachable!() };
    Command::Say { member, id, body, reply_to, calls: calls.clone() }
}

fn calls(members: &[u64]) -> Calls {
    Calls { members: members.iter().map(|id| MemberId::from_bits(*id)).collect(), everyone: false }
}

/// Whom a message or an edit mentions.
fn mentioned(event: &Event) -> (&[Person], bool) {
    match &event.kind {
        EventKind::Message(Message { mentions, everyone, .. }) | EventKind::Edited { mentions, everyone, .. } => {
            (mentions, *everyone)
        }
        other => panic!("{other:?} mentions nobody"),
    }
}

#[test]
fn members_are_mentioned_once_and_by_their_name_and_others_are_dropped() {
    let (mut state, mut window) = (room_of(&[1, 2, 3]), Window::default());
    let said = happens(&mut state, &mut window, &call(2, 1, &calls(&[3, 9, 1, 3])), 50);
    assert_eq!(mentioned(&said), (&[person(3), person(1)][..], false));
    // Those who joined or left in the same batch count as they are then.
    let mut judge = Judge::new(&state, &window, EDITABLE, 60);
    event(judge.judge(&Command::Join { member: person(4) }));
    event(judge.judge(&Command::Leave { member: person(3), removed_by: None }));
    let said = event(judge.judge(&call(2, 2, &calls(&[3, 4]))));
    assert_eq!(mentioned(&said).0, [person(4)]);
}

#[test]
fn an_edit_keeps_who_has_left_and_is_repeated_safely() {
    let (mut state, mut window) = (room_of(&[1, 2, 3]), Window::default());
    let said = happens(&mut state, &mut window, &call(2, 1, &calls(&[3])), 50);
    happens(&mut state, &mut window, &Command::Leave { member: person(3), removed_by: None }, 50);
    let body = |text: &str| MessageBody::try_from(text).unwrap();
    let to =
        |text, calls: &Calls| change(2, &said, Change::Edit { body: body(text), after: None, calls: calls.clone() });
    let again = Judge::new(&state, &window, EDITABLE, 60).judge(&to("a", &calls(&[3])));
    assert!(matches!(again, Verdict::Already(_)), "{again:?}");
    let edited = happens(&mut state, &mut window, &to("b", &calls(&[1, 3])), 60);
    assert_eq!(mentioned(&edited).0, [person(1), person(3)]);
    let fewer = event(Judge::new(&state, &window, Millis::MAX, 9_000).judge(&to("b", &calls(&[]))));
    assert_eq!(mentioned(&fewer).0, [], "also if the text is the same");
}

#[test]
fn in_a_large_room_only_the_owner_mentions_everyone() {
    let everyone = Calls { everyone: true, ..Calls::default() };
    let fifteen: Vec<u64> = (1..=15).collect();
    let (state, window) = (room_of(&fifteen), Window::default());
    let mut judge = Judge::new(&state, &window, EDITABLE, 50);
    assert_eq!(mentioned(&event(judge.judge(&call(2, 1, &everyone)))), (&[][..], true));
    event(judge.judge(&Command::Join { member: person(16) }));
    assert_eq!(refused(judge.judge(&call(2, 2, &everyone))), Code::NotOwner);
    assert!(mentioned(&event(judge.judge(&call(1, 3, &everyone)))).1, "the owner");
    event(judge.judge(&Command::Leave { member: person(9), removed_by: None }));
    event(judge.judge(&call(2, 4, &everyone)));
    event(judge.judge(&call(2, 2, &everyone)));

    let sixteen: Vec<u64> = (1..=16).collect();
    let (mut state, mut window) = (room_of(&sixteen), Window::default());
    let said = happens(&mut state, &mut window, &say(2, 1, "a"), 50);
    let body = MessageBody::try_from("b").unwrap();
    let edit = change(2, &said, Change::Edit { body, after: None, calls: everyone });
    assert_eq!(refused(Judge::new(&state, &window, EDITABLE, 60).judge(&edit)), Code::NotOwner, "nor by an edit");
}

#[test]
fn a_batch_has_only_touches_or_none_and_each_message_once() {
    let (state, window, said) = with_a_message();
    let mut judge = Judge::new(&state, &window, EDITABLE, 60);
    event(judge.judge(&edit(2, &said, "b")));
    assert_eq!(judge.judge(&delete(2, &said)), Verdict::NextBatch);
    assert_eq!(judge.judge(&say(2, 2, "c")), Verdict::NextBatch);
    let mut judge = Judge::new(&state, &window, EDITABLE, 60);
    event(judge.judge(&say(2, 2, "c")));
    assert_eq!(judge.judge(&edit(2, &said, "b")), Verdict::NextBatch);
}

#[test]
fn a_message_before_the_window_is_judged_as_it_was_read_and_with_what_came_since() {
    let (mut state, _, said) = with_a_message();
    let mut window = Window::default();
    state.retention = Retention::Preserved;
    let found = |read_at| Some(Found { event: Some(Box::new(said.clone())), read_at });
    let with = |found: Option<Found>| match delete(2, &said) {
        Command::Touch(touch) => Command::Touch(Touch { found, ..touch }),
        other => other,
    };
    assert_eq!(refused(Judge::new(&state, &window, EDITABLE, 60).judge(&with(None))), Code::Overloaded);
    let nothing = Some(Found { event: None, read_at: 8 });
    assert_eq!(refused(Judge::new(&state, &window, EDITABLE, 60).judge(&with(nothing))), Code::MessageGone);
    let deleted = happens(&mut state, &mut window, &with(found(8)), 60);
    let again = Judge::new(&state, &window, EDITABLE, 60).judge(&with(found(8)));
    assert!(matches!(again, Verdict::Already(done) if done.seq == deleted.seq), "{again:?}");
    assert_eq!(refused(Judge::new(&state, &window, EDITABLE, 60).judge(&with(found(7)))), Code::Overloaded);
    let mut other = said.clone();
    if let EventKind::Message(message) = &mut other.kind {
        message.id = ClientId::new(Uuid::from_u128(77));
    }
    let other = Some(Found { event: Some(Box::new(other)), read_at: 8 });
    assert_eq!(refused(Judge::new(&state, &window, EDITABLE, 60).judge(&with(other))), Code::MessageGone);
}

#[test]
fn a_message_of_another_time_can_be_deleted_only_where_it_is() {
    let (mut state, mut window, said) = with_a_message();
    let preserve = |retention| Command::Retain { retention, by: person(1) };
    happens(&mut state, &mut window, &preserve(Retention::Preserved), 60);
    let judge =
        |state: &RoomState, window: &Window, command: &Command| Judge::new(state, window, EDITABLE, 60).judge(command);
    assert_eq!(refused(judge(&state, &window, &delete(2, &said))), Code::MessageGone, "it was said in the tail");
    let kept = happens(&mut state, &mut window, &say(2, 2, "kept"), 60);
    event(judge(&state, &window, &edit(2, &kept, "changed")));
    happens(&mut state, &mut window, &preserve(Retention::Ephemeral), 60);
    assert_eq!(refused(judge(&state, &window, &edit(2, &kept, "changed"))), Code::KeptElsewhere);
    event(judge(&state, &window, &delete(2, &kept)));
}

fn react(member: u64, of: &Event, emoji: &str, on: bool) -> Command {
    change(member, of, Change::React { e: Emoji::stored(emoji), on })
}

/// Judges these reactions as one batch, and takes its event into the log. Returns its changes, one line for each.
fn reactions(state: &mut RoomState, window: &mut Window, commands: &[Command]) -> Vec<String> {
    let mut judge = Judge::new(state, window, EDITABLE, 60);
    for command in commands {
        let verdict = judge.judge(command);
        assert!(matches!(verdict, Verdict::Reaction | Verdict::Already(_)), "{verdict:?}");
    }
    let Some(event) = judge.reacted() else { return Vec::new() };
    state.apply(&event);
    window.push(Entry::of(event.clone()));
    let EventKind::Reacted { changes } = event.kind else { unreachable!() };
    let line = |change: &ReactionChange| {
        let who: Vec<String> = change.who.iter().map(|id| id.get().to_string()).collect();
        format!("{}{} {}", if change.on { '+' } else { '-' }, change.e.as_str(), who.join(" "))
    };
    changes.iter().map(line).collect()
}

#[test]
fn the_reactions_of_a_batch_are_one_event_with_their_net_effect() {
    let (mut state, mut window, said) = with_a_message();
    let on = |member, emoji| react(member, &said, emoji, true);
    let off = |member, emoji| react(member, &said, emoji, false);
    let batch = [on(1, "👍"), on(2, "❤️"), on(3, "👍"), on(1, "👍"), off(2, "❤️"), off(3, "😀")];
    assert_eq!(reactions(&mut state, &mut window, &batch), ["+👍 1 3"]);
    assert_eq!(reactions(&mut state, &mut window, &[off(1, "👍"), on(1, "👍")]), [""; 0]);
    assert_eq!(reactions(&mut state, &mut window, &[off(1, "👍"), on(2, "👍"), on(3, "👍")]), ["-👍 1", "+👍 2"]);
    let reaction = &window.get(said.seq).unwrap().message().unwrap().reactions[0];
    assert_eq!(reaction.who, [person(3).id, person(2).id], "oldest first");
    let head = state.head;
    let mut judge = Judge::new(&state, &window, EDITABLE, 60);
    assert!(matches!(judge.judge(&on(2, "👍")), Verdict::Already(done) if done.seq == head));
    assert_eq!(judge.judge(&on(1, "👍")), Verdict::Reaction);
    assert_eq!(judge.judge(&say(2, 2, "c")), Verdict::NextBatch, "reactions are a batch of their own");
    assert_eq!(judge.judge(&delete(2, &said)), Verdict::NextBatch);
    let mut judge = Judge::new(&state, &window, EDITABLE, 60);
    event(judge.judge(&edit(2, &said, "b")));
    assert_eq!(judge.judge(&on(1, "👍")), Verdict::NextBatch);
}

#[test]
fn who_has_another_member_id_since_reacts_once() {
    let (mut state, mut window, said) = with_a_message();
    assert_eq!(reactions(&mut state, &mut window, &[react(1, &said, "👍", true)]), ["+👍 1"]);
    let as_three = |on| {
        let Command::Touch(touch) = react(3, &said, "👍", on) else { panic!() };
        Command::Touch(Touch { also: vec![person(1).id], ..touch })
    };
    assert_eq!(reactions(&mut state, &mut window, &[as_three(true)]), [""; 0]);
    assert_eq!(reactions(&mut state, &mut window, &[as_three(false)]), ["-👍 1"]);
}

#[test]
fn a_message_takes_so_many_emoji_and_so_many_of_one_person() {
    let (mut state, mut window, said) = with_a_message();
    let emoji = |n: u64| n.to_string();
    for member in 1..=3 {
        let five: Vec<Command> = (0..5).map(|n| react(member, &said, &emoji(member * 5 + n), true)).collect();
        reactions(&mut state, &mut window, &five);
        let sixth = Judge::new(&state, &window, EDITABLE, 60).judge(&react(member, &said, "👍", true));
        assert_eq!(refused(sixth), Code::TooManyReactions);
    }
    assert_eq!(
        refused(Judge::new(&state, &window, EDITABLE, 60).judge(&react(9, &said, "👍", true))),
        Code::NotAMember
    );
    happens(&mut state, &mut window, &delete(2, &said), 60);
    for on in [true, false] {
        let gone = Judge::new(&state, &window, EDITABLE, 60).judge(&react(1, &said, "5", on));
        assert_eq!(refused(gone), Code::MessageGone);
    }
}
