//! The judge: turns commands into events, by the state that the log has and the batch so far will make.
//!
//! Pure, so that a batch which lost the race for its seqs is judged again by what the winner wrote.

use std::collections::{HashMap, HashSet};

use super::{Command, Done, names, window::Window};
use crate::protocol::{
    ClientId, Code, Event, EventKind, MemberId, Message, Millis, Nickname, Person, Problem, Retention, RoomState, Seq,
};

/// What becomes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is this event, the next of the batch.
    Event(Event),
    /// The log says so already; nothing to append.
    Already(Done),
    /// It may not be.
    Refused(Problem),
    /// It has to wait for the next batch: it depends on the outcome of this one, or stands alone.
    NextBatch,
}

/// Judges one batch.
#[derive(Debug)]
pub struct Judge<'a> {
    state: &'a RoomState,
    window: &'a Window,
    now: Millis,
    head: Seq,
    n: u64,
    /// Who came (with a name) or went in this batch.
    moved: HashMap<MemberId, Option<Nickname>>,
    ids: HashSet<(MemberId, ClientId)>,
    closed: bool,
}

impl<'a> Judge<'a> {
    /// Starts a batch after the state's head. `now` is for people to read; it never runs backwards in a log.
    pub fn new(state: &'a RoomState, window: &'a Window, now: Millis) -> Self {
        Self {
            state,
            window,
            now: now.max(window.last_at()),
            head: state.head,
            n: state.last_n,
            moved: HashMap::new(),
            ids: HashSet::new(),
            closed: false,
        }
    }

    /// Judges the next command of the batch.
    pub fn judge(&mut self, command: &Command) -> Verdict {
        if self.closed {
            return Verdict::NextBatch;
        }
        match command {
            Command::Say { member, id, body } => {
                if let Some(known) = self.window.known(*member, *id, body.as_str()) {
                    return repeated(known.seq, known.at, known.same_body);
                }
                if self.ids.contains(&(*member, *id)) {
                    return Verdict::NextBatch;
                }
                let Some(name) = self.name_of(*member) else { return Verdict::Refused(not_a_member()) };
                self.ids.insert((*member, *id));
                self.n += 1;
                let author = Person { id: *member, name };
                self.event(EventKind::Message(Message { n: self.n, id: *id, author, body: body.clone() }))
            }
            // What a batch may still fail to say is no ground to answer "already".
            Command::Join { member } | Command::Leave { member, .. } if self.moved.contains_key(&member.id) => {
                Verdict::NextBatch
            }
            Command::Join { member } => {
                if self.name_of(member.id).is_some() {
                    return self.already();
                }
                let member = self.told_apart(member);
                self.event(EventKind::Joined { member })
            }
            Command::Enter { joining } => {
                if self.state.retention == Retention::Ephemeral {
                    return Verdict::Refused(just_changed());
                }
                let member = self.told_apart(&joining.person());
                self.event(EventKind::Joined { member })
            }
            Command::Leave { member, removed_by } => {
                let Some(name) = self.name_of(member.id) else { return self.already() };
                let removed_by = removed_by.as_ref().map(|by| self.as_here(by));
                self.moved.insert(member.id, None);
                let member = Person { id: member.id, name };
                self.event(match removed_by {
                    Some(by) => EventKind::Removed { member, by },
                    None => EventKind::Left { member },
                })
            }
            Command::Rename { name, by } => {
                if self.head == self.state.head && *name == self.state.name {
                    return self.already();
                }
                self.event(EventKind::Renamed { name: name.clone(), by: self.as_here(by) })
            }
            Command::Retain { retention, by } => {
                if *retention == self.state.retention {
                    return self.already();
                }
                // What follows is kept elsewhere than what went before, so this event is a batch of its own.
                if self.head > self.state.head {
                    return Verdict::NextBatch;
                }
                self.closed = true;
                self.event(EventKind::RetentionChanged { retention: *retention, by: self.as_here(by), n: self.n })
            }
        }
    }

    /// Somebody who comes in, by a name that nobody else here has.
    fn told_apart(&mut self, member: &Person) -> Person {
        let moved = self.moved.values().flatten();
        let stayed = self.state.members.iter().filter(|(id, _)| !self.moved.contains_key(id));
        let name = names::told_apart(&member.name, stayed.map(|(_, member)| &member.name).chain(moved));
        self.moved.insert(member.id, Some(name.clone()));
        Person { id: member.id, name }
    }

    /// Somebody by the name that they have here, which may be another one than they asked for.
    fn as_here(&self, person: &Person) -> Person {
        Person { id: person.id, name: self.name_of(person.id).unwrap_or_else(|| person.name.clone()) }
    }

    fn name_of(&self, member: MemberId) -> Option<Nickname> {
        match self.moved.get(&member) {
            Some(moved) => moved.clone(),
            None => self.state.members.get(&member).map(|member| member.name.clone()),
        }
    }

    fn already(&self) -> Verdict {
        Verdict::Already(Done { seq: self.head, at: self.now })
    }

    fn event(&mut self, kind: EventKind) -> Verdict {
        self.head += 1;
        Verdict::Event(Event { seq: self.head, at: self.now, kind })
    }
}

/// What a message id that was used before answers: the original's place, or that it may not be reused.
pub fn repeated(seq: Seq, at: Millis, same_body: bool) -> Verdict {
    if same_body {
        Verdict::Already(Done { seq, at })
    } else {
        let detail = "A message with this id but another text is in the room already. Nothing was sent; use a new id.";
        Verdict::Refused(Problem::new(Code::IdReused, detail))
    }
}

/// The refusal for somebody whom the log does not have in the room.
pub fn not_a_member() -> Problem {
    Problem::new(Code::NotAMember, "You are not in this room. Join it again to go on.")
}

/// The refusal for somebody who wants in as the room is just turned into one that keeps nothing: another try is told of
/// another way.
fn just_changed() -> Problem {
    Problem {
        retry_after_ms: Some(1_000),
        ..Problem::new(Code::Overloaded, "This room was changed just now. Try again in a second.")
    }
}

/// Whether an event changes what follows it is kept in.
pub fn retention_after(event: &Event) -> Option<Retention> {
    match event.kind {
        EventKind::RetentionChanged { retention, .. } => Some(retention),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::{super::entry::Entry, *};
    use crate::{
        protocol::{Member, MessageBody, RoomType},
        server::store::{ActorId, GuestId, Joining, RoomId},
    };

    fn person(id: u64) -> Person {
        Person { id: MemberId::from_bits(id), name: Nickname::try_from(format!("Person {id}")).unwrap() }
    }

    fn say(member: u64, id: u128, body: &str) -> Command {
        let (id, body) = (ClientId::new(Uuid::from_u128(id)), MessageBody::try_from(body).unwrap());
        Command::Say { member: MemberId::from_bits(member), id, body }
    }

    fn room_of(ids: &[u64]) -> RoomState {
        let members: BTreeMap<_, _> =
            ids.iter().map(|id| (person(*id).id, Member { name: person(*id).name, since: *id })).collect();
        RoomState { head: 7, last_n: 3, name: None, retention: Retention::Ephemeral, members }
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
        let mut judge = Judge::new(&state, &window, 50);
        assert_eq!(event(judge.judge(&say(1, 1, "a"))).seq, 8);
        assert_eq!(event(judge.judge(&Command::Join { member: person(2) })).seq, 9);
        let third = event(judge.judge(&say(2, 2, "b")));
        assert_eq!((third.seq, third.message().unwrap().n), (10, 5));
    }

    #[test]
    fn who_is_not_in_the_log_cannot_speak() {
        let (state, window) = (room_of(&[1, 2]), Window::default());
        let mut judge = Judge::new(&state, &window, 50);
        assert!(matches!(judge.judge(&say(3, 1, "a")), Verdict::Refused(p) if p.code == Code::NotAMember));
        event(judge.judge(&Command::Leave { member: person(2), removed_by: None }));
        assert!(matches!(judge.judge(&say(2, 2, "b")), Verdict::Refused(_)), "gone earlier in the same batch");
    }

    #[test]
    fn a_retry_is_recognised_in_the_window_and_waits_within_the_batch() {
        let (mut state, mut window) = (room_of(&[1]), Window::default());
        let first = event(Judge::new(&state, &window, 50).judge(&say(1, 1, "a")));
        state.apply(&first);
        window.push(Entry::of(first));
        let mut judge = Judge::new(&state, &window, 60);
        assert_eq!(judge.judge(&say(1, 1, "a")), Verdict::Already(Done { seq: 8, at: 50 }));
        assert!(matches!(judge.judge(&say(1, 1, "b")), Verdict::Refused(p) if p.code == Code::IdReused));
        event(judge.judge(&say(1, 2, "c")));
        assert_eq!(judge.judge(&say(1, 2, "c")), Verdict::NextBatch);
    }

    #[test]
    fn what_a_batch_may_still_fail_to_say_is_no_ground_to_answer_already() {
        let (state, window) = (room_of(&[1]), Window::default());
        let join = Command::Join { member: person(2) };
        let mut judge = Judge::new(&state, &window, 50);
        event(judge.judge(&join));
        assert_eq!(judge.judge(&join), Verdict::NextBatch);
        assert!(matches!(judge.judge(&Command::Join { member: person(1) }), Verdict::Already(_)));
    }

    #[test]
    fn who_comes_in_by_a_name_that_somebody_has_is_told_apart_and_keeps_that_name() {
        let called = |id, name: &str| Person { id: MemberId::from_bits(id), name: Nickname::try_from(name).unwrap() };
        let (mut state, window) = (room_of(&[1]), Window::default());
        let mut judge = Judge::new(&state, &window, 50);
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
        let mut judge = Judge::new(&state, &window, 60);
        let leave = Command::Leave { member: called(2, "Bob"), removed_by: Some(called(3, "bob")) };
        let removed = EventKind::Removed { member: called(2, "Bob"), by: called(3, "bob (2)") };
        assert_eq!(event(judge.judge(&leave)).kind, removed, "whoever goes, the second stays the second");
        assert_eq!(event(judge.judge(&Command::Join { member: called(5, "Bob") })).kind, joined(5, "Bob"));
    }

    #[test]
    fn a_change_of_retention_stands_alone() {
        let (state, window) = (room_of(&[1]), Window::default());
        let retain = Command::Retain { retention: Retention::Preserved, by: person(1) };
        let mut judge = Judge::new(&state, &window, 50);
        event(judge.judge(&say(1, 1, "a")));
        assert_eq!(judge.judge(&retain), Verdict::NextBatch);
        let mut judge = Judge::new(&state, &window, 50);
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
        assert!(matches!(Judge::new(&state, &window, 50).judge(&enter), Verdict::Refused(_)));
        state.retention = Retention::Preserved;
        let mut judge = Judge::new(&state, &window, 50);
        assert_eq!(event(judge.judge(&enter)).kind, EventKind::Joined { member: person(2) });
        assert_eq!(event(judge.judge(&say(2, 1, "a"))).seq, 9);
    }

    #[test]
    fn time_never_runs_backwards_in_a_log() {
        let (mut state, mut window) = (room_of(&[1]), Window::default());
        let first = event(Judge::new(&state, &window, 1_000).judge(&say(1, 1, "a")));
        state.apply(&first);
        window.push(Entry::of(first));
        assert_eq!(event(Judge::new(&state, &window, 10).judge(&say(1, 2, "b"))).at, 1_000);
    }
}
