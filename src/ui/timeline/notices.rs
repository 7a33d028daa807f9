//! Sentences about what happened besides messages.

use std::collections::BTreeMap;

use crate::protocol::{EventKind, MemberId, Nickname, Person, Retention};

/// Names spelled out in one sentence; the rest are counted.
const NAMED: usize = 2;

/// Who came and went in a run of events, so that a flapping line gives one sentence and not twenty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    people: Vec<(Person, Net)>,
    index: BTreeMap<MemberId, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Net {
    Joined,
    Left,
    CameAndWent,
    CameBack,
}

impl Traffic {
    /// Adds one more step. False if the event is about something else.
    pub fn add(&mut self, kind: &EventKind) -> bool {
        let (person, joined) = match kind {
            EventKind::Joined { member } => (member, true),
            EventKind::Left { member } => (member, false),
            _ => return false,
        };
        if let Some(at) = self.index.get(&person.id) {
            let net = &mut self.people[*at].1;
            *net = match (*net, joined) {
                (Net::Joined | Net::CameAndWent, true) => Net::Joined,
                (Net::Joined | Net::CameAndWent, false) => Net::CameAndWent,
                (Net::Left | Net::CameBack, true) => Net::CameBack,
                (Net::Left | Net::CameBack, false) => Net::Left,
            };
        } else {
            self.index.insert(person.id, self.people.len());
            self.people.push((person.clone(), if joined { Net::Joined } else { Net::Left }));
        }
        true
    }

    /// One sentence about all of it.
    pub fn sentence(&self, is_me: impl Fn(MemberId) -> bool) -> String {
        let part = |net: Net, verb: &str| {
            let mut names: Vec<String> = Vec::new();
            for (person, _) in self.people.iter().filter(|(_, of)| *of == net) {
                if is_me(person.id) { names.insert(0, "You".to_owned()) } else { names.push(person.name.to_string()) }
            }
            (!names.is_empty()).then(|| format!("{} {verb}", listed(&names)))
        };
        let parts = [
            part(Net::Joined, "joined"),
            part(Net::CameBack, "left and came back"),
            part(Net::CameAndWent, "came and left"),
            part(Net::Left, "left"),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// A sentence about one event that is neither a message nor traffic.
pub fn sentence(kind: &EventKind, is_me: impl Fn(MemberId) -> bool) -> Option<String> {
    let name = |person: &Person| if is_me(person.id) { "You".to_owned() } else { person.name.to_string() };
    let object = |person: &Person| if is_me(person.id) { "you".to_owned() } else { person.name.to_string() };
    Some(match kind {
        EventKind::Removed { member, by } => format!("{} removed {}", name(by), object(member)),
        EventKind::Renamed { name: Some(new), by } => format!("{} named the room “{new}”", name(by)),
        EventKind::Renamed { name: None, by } => format!("{} took the room’s name away", name(by)),
        EventKind::RetentionChanged { retention: Retention::Preserved, by, .. } => {
            format!("{} turned preserve on: messages are kept from here on", name(by))
        }
        EventKind::RetentionChanged { retention: Retention::Ephemeral, by, .. } => {
            format!("{} turned preserve off: messages are not kept from here on", name(by))
        }
        EventKind::Message(_) | EventKind::Joined { .. } | EventKind::Left { .. } => return None,
    })
}

/// "Ada is typing…"; nothing if nobody is.
pub fn typing_line(names: &[Nickname]) -> Option<String> {
    match names {
        [] => None,
        [one] => Some(format!("{one} is typing…")),
        [one, two] => Some(format!("{one} and {two} are typing…")),
        _ => Some("Several people are typing…".to_owned()),
    }
}

/// "Ada", "Ada and Bob", "Ada, Bob and 3 others".
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        _ => format!("{} and {} others", names[..NAMED].join(", "), names.len() - NAMED),
    }
}
