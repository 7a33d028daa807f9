//! The judge: turns the commands of a batch into events, by the state of the room and the events of the batch so far.
//!
//! The judge does no I/O. If another node wins the race for the seqs, the batch is judged again with the winner's
//! events in the state.

mod calls;
mod reactions;
mod touches;

use std::collections::{HashMap, HashSet, VecDeque};

use self::reactions::Reacting;
use super::{
    command::{Change, Command, Done, Touch},
    names,
    refusals::{just_changed, member_gone, not_a_member, not_owner, too_many_for_everyone},
    window::Window,
};
use crate::protocol::{
    ClientId, Code, Event, EventKind, Member, MemberId, Message, Millis, Nickname, OwnerChange, Person, Problem,
    Retention, RoomState, Seq,
};

/// What becomes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Append this event, which is the next one of the batch.
    Event(Event),
    /// Append the event that [`Judge::reacted`] makes of all reactions of the batch.
    Reaction,
    /// The log has it already, so nothing is appended.
    Already(Done),
    Refused(Problem),
    /// Judge the command again with the next batch: it depends on the outcome of this one, or has to be alone in a
    /// batch.
    NextBatch,
}

/// What a batch has events of. It has one kind only: both stores append rows alone in a quicker way, and reactions come
/// together in one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Batched {
    Rows,
    Touches,
    Reactions,
}

impl Batched {
    fn of(command: &Command) -> Self {
        match command {
            Command::Touch(_) if command.is_reaction() => Self::Reactions,
            Command::Touch(_) => Self::Touches,
            _ => Self::Rows,
        }
    }
}

/// The judge of one batch.
#[derive(Debug)]
pub struct Judge<'a> {
    state: &'a RoomState,
    window: &'a Window,
    /// How long after it was sent a message can be edited.
    editable: Millis,
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
    /// The seqs of the messages that the events of this batch touch.
    touched: HashSet<Seq>,
    reacting: Reacting,
    /// What the batch has events of. `None` before the first.
    has: Option<Batched>,
    /// Whether the batch takes no more commands.
    closed: bool,
}

impl<'a> Judge<'a> {
    /// Starts a batch after the head of `state`. Events get the time `now`, or that of the last event if that is later.
    /// The time is for people to read and orders nothing.
    pub fn new(state: &'a RoomState, window: &'a Window, editable: Millis, now: Millis) -> Self {
        Self {
            state,
            window,
            editable,
            now: now.max(window.last_at()),
            head: state.head,
            n: state.last_n,
            moved: HashMap::new(),
            owner: state.owner,
            consequences: VecDeque::new(),
            ids: HashSet::new(),
            touched: HashSet::new(),
            reacting: Reacting::default(),
            has: None,
            closed: false,
        }
    }

    /// Judges the next command of the batch. After an event, call [`next_consequence`](Self::next_consequence) until
    /// it returns `None`.
    pub fn judge(&mut self, command: &Command) -> Verdict {
        let kind = Batched::of(command);
        if self.closed || self.has.is_some_and(|has| has != kind) {
            return Verdict::NextBatch;
        }
        let verdict = self.verdict(command);
        if matches!(verdict, Verdict::Event(_) | Verdict::Reaction) {
            self.has = Some(kind);
        }
        verdict
    }

    fn touch(&mut self, touch: &Touch) -> Verdict {
        if self.touched.contains(&touch.target.seq) {
            return Verdict::NextBatch;
        }
        let kind = match &touch.change {
            Change::Delete => self.deleted(touch),
            Change::Edit { body, after, calls } => self.edited(touch, body, *after, calls),
            Change::React { e, on } => return self.reaction(touch, e, *on).unwrap_or_else(|verdict| *verdict),
        };
        match kind {
            Ok(kind) => {
                self.touched.insert(touch.target.seq);
                self.event(kind)
            }
            Err(verdict) => *verdict,
        }
    }

    fn verdict(&mut self, command: &Command) -> Verdict {
        match command {
            Command::Touch(touch) => self.touch(touch),
            Command::Say { member, id, body, reply_to, calls } => {
                if let Some(known) = self.window.known(*member, *id, body) {
                    return repeated(known.seq, known.at, known.same_body);
                }
                if self.ids.contains(&(*member, *id)) {
                    return Verdict::NextBatch;
                }
                let Some(name) = self.name_of(*member) else { return Verdict::Refused(not_a_member()) };
                if calls.everyone && !self.can_call_everyone(*member) {
                    return Verdict::Refused(too_many_for_everyone());
                }
                self.ids.insert((*member, *id));
                self.n += 1;
                let author = Person { id: *member, name };
                let reply_to = reply_to.filter(|target| self.can_reply_to(*target));
                let message = Message::new(self.n, *id, author, body.clone());
                let (mentions, everyone) = (self.called(calls, &[]), calls.everyone);
                self.event(EventKind::Message(Message { reply_to, mentions, everyone, ..message }))
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
            Command::Rename { by, .. } | Command::AllowPeek { by, .. } | Command::Retain { by, .. }
                if by.id != self.owner =>
            {
                Verdict::Refused(not_owner())
            }
            Command::Rename { name, by } => {
                if self.head == self.state.head && *name == self.state.name {
                    return self.already();
                }
                self.event(EventKind::Renamed { name: name.clone(), by: self.as_here(by) })
            }
            Command::AllowPeek { peek, by } => {
                if self.head == self.state.head && *peek == self.state.peek {
                    return self.already();
                }
                self.event(EventKind::PeekChanged { peek: *peek, by: self.as_here(by) })
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
        Verdict::Already(self.done())
    }

    /// The answer to a command that needs no event.
    pub fn done(&self) -> Done {
        Done { seq: self.head, at: self.now }
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

/// The room's retention after this event, if the event changes it.
pub fn retention_after(event: &Event) -> Option<Retention> {
    match event.kind {
        EventKind::RetentionChanged { retention, .. } => Some(retention),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
