//! The judge: turns the commands of a batch into events, by the state of the room and the events of the batch so far.
//!
//! The judge does no I/O. If another node wins the race for the seqs, the batch is judged again with the winner's
//! events in the state.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Command, Done, names, window::Window};
use crate::protocol::{
    ClientId, Code, Event, EventKind, Member, MemberId, Message, Millis, Nickname, OwnerChange, Person, Problem,
    Reason, Retention, RoomState, Seq,
};

/// What becomes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Append this event, which is the next one of the batch.
    Event(Event),
    /// The log has it already, so nothing is appended.
    Already(Done),
    /// The command is refused.
    Refused(Problem),
    /// Judge the command again with the next batch: it depends on the outcome of this one, or has to be alone in a
    /// batch.
    NextBatch,
}

/// The judge of one batch.
#[derive(Debug)]
pub struct Judge<'a> {
    state: &'a RoomState,
    window: &'a Window,
    now: Millis,
    head: Seq,
    n: u64,
    /// Members who joined (`Some`) or left (`None`) in this batch.
    moved: HashMap<MemberId, Option<Member>>,
    /// The owner after the events of the batch so far.
    owner: MemberId,
    /// Events that must follow the last one in the same batch. Each comes with the command that asks for it again.
    consequences: VecDeque<(Command, EventKind)>,
    /// The ids of the messages in this batch.
    ids: HashSet<(MemberId, ClientId)>,
    /// Whether the batch takes no more commands.
    closed: bool,
}

impl<'a> Judge<'a> {
    /// Starts a batch after the head of `state`. Events get the time `now`, or that of the last event if that is later.
    /// The time is for people to read and orders nothing.
    pub fn new(state: &'a RoomState, window: &'a Window, now: Millis) -> Self {
        Self {
            state,
            window,
            now: now.max(window.last_at()),
            head: state.head,
            n: state.last_n,
            moved: HashMap::new(),
            owner: state.owner,
            consequences: VecDeque::new(),
            ids: HashSet::new(),
            closed: false,
        }
    }

    /// Judges the next command of the batch. After an event, call [`next_consequence`](Self::next_consequence) until
    /// it returns `None`.
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
            // The batch may still fail, so its events do not justify an `Already`.
            Command::Join { member } | Command::Leave { member, .. } if self.moved.contains_key(&member.id) => {
                Verdict::NextBatch
            }
            Command::Join { member } => {
                if self.name_of(member.id).is_some() {
                    return self.already();
                }
                self.come_in(member)
            }
            Command::Enter { joining } => {
                if self.state.retention == Retention::Ephemeral {
                    return Verdict::Refused(just_changed());
                }
                self.come_in(&joining.person())
            }
            Command::Leave { member, removed_by } => {
                let Some(name) = self.name_of(member.id) else { return self.already() };
                let removed_by = removed_by.as_ref().map(|by| self.as_here(by));
                self.moved.insert(member.id, None);
                self.find_heir();
                let member = Person { id: member.id, name };
                self.event(match removed_by {
                    Some(by) => EventKind::Removed { member, by },
                    None => EventKind::Left { member },
                })
            }
            Command::Become { member, heir } => {
                if self.moved.contains_key(&member.id) || self.moved.contains_key(&heir.id) {
                    return Verdict::NextBatch;
                }
                let name = self.name_of(member.id);
                if member.id == self.owner {
                    let heir = self.as_here(heir);
                    let kind = EventKind::Owner { member: heir, by: None, why: OwnerChange::Inherited };
                    if name.is_none() {
                        return self.consequence_event(kind);
                    }
                    self.consequences.push_back((command.clone(), kind));
                }
                let Some(name) = name else { return self.already() };
                self.moved.insert(member.id, None);
                self.event(EventKind::Left { member: Person { id: member.id, name } })
            }
            Command::Give { to, by } => {
                if self.moved.contains_key(to) || self.moved.contains_key(&by.id) {
                    return Verdict::NextBatch;
                }
                if by.id != self.owner {
                    return Verdict::Refused(not_owner());
                }
                let Some(name) = self.name_of(*to) else { return Verdict::Refused(member_gone()) };
                if *to == self.owner {
                    return self.already();
                }
                self.owner = *to;
                let member = Person { id: *to, name };
                self.event(EventKind::Owner { member, by: Some(self.as_here(by)), why: OwnerChange::Given })
            }
            Command::Inherit => {
                self.find_heir();
                match self.consequences.pop_front() {
                    Some((_, kind)) => self.consequence_event(kind),
                    None => self.already(),
                }
            }
            Command::Rename { by, .. } | Command::Retain { by, .. } if by.id != self.owner => {
                Verdict::Refused(not_owner())
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
                // The events after this one are stored elsewhere than those before, so it is a batch of its own.
                if self.head > self.state.head {
                    return Verdict::NextBatch;
                }
                self.closed = true;
                self.event(EventKind::RetentionChanged { retention: *retention, by: self.as_here(by), n: self.n })
            }
        }
    }

    /// The person with the name that they have in this room. It may differ from the name they asked for.
    fn as_here(&self, person: &Person) -> Person {
        Person { id: person.id, name: self.name_of(person.id).unwrap_or_else(|| person.name.clone()) }
    }

    /// The event that must follow the last one in the same batch. With it comes the command that asks for it again, in
    /// case the log takes only the event before it.
    pub fn next_consequence(&mut self) -> Option<(Event, Command)> {
        let (command, kind) = self.consequences.pop_front()?;
        match self.consequence_event(kind) {
            Verdict::Event(event) => Some((event, command)),
            _ => None,
        }
    }

    /// Makes an event of a consequence.
    fn consequence_event(&mut self, kind: EventKind) -> Verdict {
        match kind {
            EventKind::Owner { member, by, why } => {
                self.owner = member.id;
                self.event(EventKind::Owner { member, by, why })
            }
            kind => self.event(kind),
        }
    }

    /// Makes a new member with a name that nobody else in the room has.
    fn come_in(&mut self, member: &Person) -> Verdict {
        let moved = self.moved.values().flatten();
        let stayed = self.state.members.iter().filter(|(id, _)| !self.moved.contains_key(id));
        let here = stayed.map(|(_, member)| member).chain(moved).map(|member| &member.name);
        let name = names::told_apart(&member.name, here);
        self.moved.insert(member.id, Some(Member { name: name.clone(), since: self.head + 1 }));
        self.find_heir();
        self.event(EventKind::Joined { member: Person { id: member.id, name } })
    }

    /// If the owner is not in the room after the batch so far, the member who has been there for longest inherits it.
    /// The choice depends only on the log, so every node makes the same one. An empty room keeps its owner.
    fn find_heir(&mut self) {
        if self.member(self.owner).is_some() {
            return;
        }
        let stayed = self.state.members.iter().filter(|(id, _)| !self.moved.contains_key(id));
        let came = self.moved.iter().filter_map(|(id, member)| Some((id, member.as_ref()?)));
        let heir = stayed.chain(came).min_by_key(|(id, member)| (member.since, **id));
        if let Some((id, member)) = heir {
            let member = Person { id: *id, name: member.name.clone() };
            let inherited = EventKind::Owner { member, by: None, why: OwnerChange::Inherited };
            self.consequences.push_back((Command::Inherit, inherited));
        }
    }

    fn member(&self, id: MemberId) -> Option<&Member> {
        match self.moved.get(&id) {
            Some(moved) => moved.as_ref(),
            None => self.state.members.get(&id),
        }
    }

    fn name_of(&self, member: MemberId) -> Option<Nickname> {
        self.member(member).map(|member| member.name.clone())
    }

    fn already(&self) -> Verdict {
        Verdict::Already(Done { seq: self.head, at: self.now })
    }

    fn event(&mut self, kind: EventKind) -> Verdict {
        self.head += 1;
        Verdict::Event(Event { seq: self.head, at: self.now, kind })
    }
}

/// The verdict on a message whose id was used before: the place of the first message if the text is the same, else a
/// refusal.
pub fn repeated(seq: Seq, at: Millis, same_body: bool) -> Verdict {
    if same_body {
        Verdict::Already(Done { seq, at })
    } else {
        let detail = "A message with this id but another text is in the room already. Nothing was sent; use a new id.";
        Verdict::Refused(Problem::new(Code::IdReused, detail))
    }
}

/// The refusal for a person who is not in the room by the log.
pub fn not_a_member() -> Problem {
    Problem::new(Code::NotAMember, "You’re not in this room. Join again to continue.")
}

/// The refusal for a member who does not own the room by the log.
pub fn not_owner() -> Problem {
    Problem::new(Code::NotOwner, "Only the room’s owner can do that.")
}

/// The refusal for a command about a person who is not in the room by the log.
pub fn member_gone() -> Problem {
    Problem::new(Code::NotFound, "That person is no longer in the room.").with_reason(Reason::MemberGone)
}

/// The refusal for a person who enters while the room is turned ephemeral. When they try again, they come in by the way
/// for ephemeral rooms.
fn just_changed() -> Problem {
    Problem {
        retry_after_ms: Some(1_000),
        ..Problem::new(Code::Overloaded, "This room just changed. Try again in a second.")
    }
}

/// The room's retention after this event, if the event changes it.
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
        let owner = MemberId::from_bits(1);
        RoomState { head: 7, last_n: 3, name: None, retention: Retention::Ephemeral, owner, members }
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

    /// The events of a batch of these commands. Commands that wait for the next batch are left out.
    fn batch(state: &RoomState, commands: &[Command]) -> Vec<EventKind> {
        let window = Window::default();
        let mut judge = Judge::new(state, &window, 50);
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
        let mut judge = Judge::new(&state, &window, 50);
        for command in [give(3, 2), rename(2), retain(3)] {
            assert!(matches!(judge.judge(&command), Verdict::Refused(p) if p.code == Code::NotOwner), "{command:?}");
        }
        assert!(matches!(judge.judge(&give(9, 1)), Verdict::Refused(p) if p.reason == Some(Reason::MemberGone)));
        assert!(matches!(judge.judge(&give(1, 1)), Verdict::Already(_)));
        let given = EventKind::Owner { member: person(2), by: Some(person(1)), why: OwnerChange::Given };
        assert_eq!(event(judge.judge(&give(2, 1))).kind, given);
        for command in [give(3, 1), rename(1), retain(1)] {
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
