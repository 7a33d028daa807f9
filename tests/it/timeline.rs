//! The fold of touches: in whatever order a page gets events, pages of history and snapshots, it shows what the log
//! says.

use anonchat::protocol::{
    ClientId, Emoji, Epoch, Event, EventKind, HistoryPage, MemberId, Message, MessageBody, Nickname, Person,
    ReactionChange, Replica, Retention, RoomView, Seq, Snapshot, Target, Top,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::fold::empty;

/// The most rows and touches of a snapshot, and the rows of a page.
const ROWS: usize = 5;
const TOUCHES: usize = 3;
const PAGE: usize = 4;

fn person(id: u64) -> Person {
    Person { id: MemberId::from_bits(id), name: Nickname::try_from(format!("Person {id}")).unwrap() }
}

/// What happens next in the log. The numbers choose a message and a text.
#[derive(Clone, Debug)]
enum Next {
    Say,
    Join,
    Edit(prop::sample::Index, u8),
    Delete(prop::sample::Index),
    /// So many people, from this one on, each put an emoji to a message, or take it away if it is there.
    React(prop::sample::Index, bool, std::ops::Range<u64>),
}

fn next() -> impl Strategy<Value = Next> {
    let which = any::<prop::sample::Index>;
    prop_oneof![
        4 => Just(Next::Say),
        1 => Just(Next::Join),
        4 => (which(), any::<u8>()).prop_map(|(which, text)| Next::Edit(which, text)),
        2 => which().prop_map(Next::Delete),
        4 => (which(), any::<bool>(), 0u64..12, prop_oneof![9 => 1u64..4, 1 => 45u64..60])
            .prop_map(|(which, heart, from, count)| Next::React(which, heart, from..from + count)),
    ]
}

/// The events as they were appended.
#[derive(Default)]
struct Log(Vec<Event>);

impl Log {
    fn head(&self) -> Seq {
        self.0.len() as Seq
    }

    fn append(&mut self, next: Next) {
        let said: Vec<(Seq, &Message)> =
            self.0.iter().filter_map(|event| Some((event.seq, event.message()?))).collect();
        let chosen = |which: prop::sample::Index| {
            let (seq, message) = (!said.is_empty()).then(|| said[which.index(said.len())])?;
            Some((Target { seq, id: message.id }, message))
        };
        let say = || {
            let n = said.len() as u64 + 1;
            let id = ClientId::new(Uuid::from_u128(n.into()));
            EventKind::Message(Message::new(n, id, person(9), MessageBody::stored(format!("Message {n}"))))
        };
        let kind = match next {
            Next::Say => say(),
            Next::Join => EventKind::Joined { member: person(self.head() + 1) },
            Next::Edit(which, text) => chosen(which).map_or_else(say, |(target, _)| EventKind::Edited {
                target,
                author: person(9),
                body: MessageBody::stored(format!("Text {text}")),
                mentions: vec![person(u64::from(text))],
                everyone: text % 2 == 0,
            }),
            Next::React(which, heart, who) => chosen(which).map_or_else(say, |(target, _)| {
                let e = Emoji::stored(if heart { "❤️" } else { "👍" });
                let mut now = self.0[usize::try_from(target.seq).unwrap() - 1].clone();
                for touch in &self.0 {
                    now.fold(touch);
                }
                let has = now.message().unwrap().reactions.iter().find(|reaction| reaction.e == e);
                let is_there = |id: &MemberId| has.is_some_and(|reaction| reaction.is_by(*id));
                let (off, on) = who.map(MemberId::from_bits).partition::<Vec<_>, _>(is_there);
                let change = |(on, who): (bool, Vec<MemberId>)| ReactionChange { target, e: e.clone(), on, who };
                let changes = [(true, on), (false, off)].into_iter().filter(|(_, who)| !who.is_empty());
                EventKind::Reacted { changes: changes.map(change).collect() }
            }),
            Next::Delete(which) => chosen(which).map_or_else(say, |(target, message)| EventKind::Deleted {
                target,
                n: message.n,
                by: person(9),
            }),
        };
        self.0.push(Event { seq: self.head() + 1, at: 1_000, kind });
    }

    /// The log up to a head as a server has it then: messages in their current state, void edits without their text.
    fn at(&self, head: Seq) -> Vec<Event> {
        let mut events: Vec<Event> = self.0.iter().take_while(|event| event.seq <= head).cloned().collect();
        for touch in self.0.iter().take_while(|event| event.seq <= head) {
            let Some(target) = touch.kind.targets().next() else { continue };
            let at = usize::try_from(target.seq).unwrap() - 1;
            let before = events[at].message().unwrap().edited;
            if events[at].fold(touch)
                && let Some(edit) = before.filter(|edit| events[at].message().unwrap().edited != Some(*edit))
            {
                events[usize::try_from(edit.seq).unwrap() - 1].void();
            }
        }
        events
    }

    /// The same as the page is sent it.
    fn sent(&self, head: Seq) -> Vec<Event> {
        let mut events = self.at(head);
        for event in &mut events {
            event.cut_for(&[empty().you.member_id]);
        }
        events
    }

    fn snapshot(&self, head: Seq) -> Snapshot {
        let events = self.sent(head);
        let last_n = events.iter().filter(|event| event.message().is_some()).count() as u64;
        let joined = events.iter().filter_map(|event| match &event.kind {
            EventKind::Joined { member } => Some((event.seq, member)),
            _ => None,
        });
        let members = joined
            .map(|(since, member)| anonchat::protocol::Member { name: member.name.clone(), since }.view(member.id));
        let members = members.collect();
        let (mut shown, mut from, mut has_more) = (Vec::new(), None, false);
        let (mut rows, mut touches) = (0, 0);
        for event in events.into_iter().rev() {
            let is_touch = event.kind.is_touch();
            if is_touch && (from.is_some() || rows == ROWS) {
                continue;
            }
            if is_touch && touches == TOUCHES {
                from = Some(event.seq + 1);
                continue;
            }
            if rows == ROWS {
                has_more = true;
                break;
            }
            rows += usize::from(!is_touch);
            touches += usize::from(is_touch);
            shown.push(event);
        }
        shown.reverse();
        let empty = empty();
        let room = RoomView { retention: Retention::Preserved, ..empty.room };
        Snapshot { room, head, last_n, members, events: shown, from, has_more, ..empty }
    }

    fn page(&self, before: Seq) -> HistoryPage {
        let events = self.sent(self.head());
        let mut rows = events.into_iter().rev().filter(|event| event.seq < before && !event.kind.is_touch());
        let events: Vec<Event> = rows.by_ref().take(PAGE).collect();
        HistoryPage { events, has_more: rows.next().is_some(), quotes: Vec::new() }
    }
}

/// One step in the life of a page.
#[derive(Clone, Debug)]
enum Turn {
    /// Something happens, and the page hears of it or misses it.
    Happens {
        next: Next,
        heard: bool,
    },
    /// An event arrives once more, or before others.
    Arrives(prop::sample::Index),
    /// The page resumes, at a node that has this much of what the page lacks.
    Resumes(prop::sample::Index),
    /// The page gets a snapshot of a node that has this much of what the page lacks.
    Restarts(prop::sample::Index),
    /// The page asks for history, the server reads it, and the answer arrives.
    Asks,
    Reads,
    Answers,
    /// The page forgets all but the last so many events.
    Forgets(usize),
}

fn turn() -> impl Strategy<Value = Turn> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        12 => (next(), any::<bool>()).prop_map(|(next, heard)| Turn::Happens { next, heard }),
        2 => index().prop_map(Turn::Arrives),
        2 => index().prop_map(Turn::Resumes),
        1 => index().prop_map(Turn::Restarts),
        3 => Just(Turn::Asks),
        3 => Just(Turn::Reads),
        3 => Just(Turn::Answers),
        1 => (0usize..6).prop_map(Turn::Forgets),
    ]
}

fn resume(replica: &mut Replica, log: &Log, head: Seq) {
    let (_, after) = replica.resume_point();
    for event in log.sent(head).into_iter().filter(|event| event.seq > after) {
        replica.receive(event);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn any_order_of_pages_resumes_snapshots_and_live_events_gives_the_same_room(
        before in prop::collection::vec(next(), 0..20),
        turns in prop::collection::vec(turn(), 1..60),
    ) {
        let mut log = Log::default();
        for next in before {
            log.append(next);
        }
        let mut replica = Replica::new(log.snapshot(log.head()));
        let (mut asked, mut read): (Option<Top>, Option<(Top, HistoryPage)>) = (None, None);
        for turn in turns {
            let known = replica.state.head;
            let some_head = |which: prop::sample::Index| known + which.index(usize::try_from(log.head() - known).unwrap() + 1) as Seq;
            match turn {
                Turn::Happens { next, heard } => {
                    log.append(next);
                    if heard {
                        replica.receive(log.0.last().unwrap().clone());
                    }
                }
                Turn::Arrives(_) if log.0.is_empty() => {}
                Turn::Arrives(which) => _ = replica.receive(log.0[which.index(log.0.len())].clone()),
                Turn::Resumes(which) => resume(&mut replica, &log, some_head(which)),
                Turn::Restarts(which) => replica.reset(log.snapshot(some_head(which))),
                Turn::Asks => asked = replica.has_more.then(|| replica.top()),
                Turn::Reads => read = asked.take().map(|top| (top, log.page(top.first))).or(read),
                Turn::Answers => {
                    if let Some((top, page)) = read.take() {
                        replica.prepend(top, page);
                    }
                }
                Turn::Forgets(keep) => replica.forget_old(keep),
            }
        }
        resume(&mut replica, &log, log.head());
        let rows: Vec<Event> = log.sent(log.head()).into_iter().filter(|event| !event.kind.is_touch()).collect();
        let mut shown = replica.events.clone();
        // Of those whom a page is not sent, it may know more than itself.
        for event in &mut shown {
            event.cut_for(&[replica.you.member_id]);
        }
        prop_assert_eq!(&shown[..], &rows[rows.len() - shown.len()..], "the last rows, each as it is now");
        prop_assert_eq!(replica.has_more || shown.len() == rows.len(), true, "what is not here can be fetched");
        prop_assert_eq!(replica.state.head, log.head());
        let whole = Replica::new(log.snapshot(log.head()));
        prop_assert_eq!(&replica.state, &whole.state);
    }
}

/// A log, as a list of what happens in it.
fn log(nexts: &[Next]) -> Log {
    let mut log = Log::default();
    for next in nexts {
        log.append(next.clone());
    }
    log
}

#[test]
fn a_message_from_a_log_that_was_lost_is_changed_where_it_is_shown() {
    let first = log(&[Next::Say, Next::Say]);
    let mut replica = Replica::new(first.snapshot(2));
    // Message 2 is sent again into the new log, where it is the first one.
    let mut again = first.0[1].clone();
    again.seq = 1;
    let EventKind::Message(message) = &mut again.kind else { unreachable!() };
    message.n = 1;
    let target = Target { seq: 1, id: message.id };
    replica.reset(Snapshot { epoch: Epoch::from_bits(2), ..Log::default().snapshot(0) });
    replica.receive(again);
    let body = MessageBody::stored("Changed");
    replica.receive(Event {
        seq: 2,
        at: 0,
        kind: EventKind::Edited { target, author: person(9), body, mentions: Vec::new(), everyone: false },
    });
    let texts: Vec<&str> = replica.events.iter().map(Event::text).collect();
    assert_eq!(texts, ["Message 1", "Changed"]);
}
