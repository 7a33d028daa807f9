//! The sentences of a timeline's notices, and the line that shows who is typing.

use litemap::LiteMap;

use crate::{
    protocol::{EventKind, MemberId, Nickname, OwnerChange, Person, Retention},
    ui::texts::{Notices, Texts},
};

use super::names::isolate_name;

/// Who joined and left in a run of consecutive events. A run becomes one sentence, so that a member whose connection
/// comes and goes does not cause twenty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComingsAndGoings {
    people: Vec<(Person, NetChange)>,
    index: LiteMap<MemberId, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NetChange {
    Joined,
    Left,
    CameAndWent,
    CameBack,
}

impl ComingsAndGoings {
    /// Adds an event to the run. Returns false if the event is neither joining nor leaving.
    pub fn add(&mut self, kind: &EventKind) -> bool {
        let (person, joined) = match kind {
            EventKind::Joined { member } => (member, true),
            EventKind::Left { member } => (member, false),
            _ => return false,
        };
        if let Some(at) = self.index.get(&person.id) {
            // Who comes back may have another name, which is the one that the others know them by.
            let (known, change) = &mut self.people[*at];
            known.name.clone_from(&person.name);
            *change = match (*change, joined) {
                (NetChange::Joined | NetChange::CameAndWent, true) => NetChange::Joined,
                (NetChange::Joined | NetChange::CameAndWent, false) => NetChange::CameAndWent,
                (NetChange::Left | NetChange::CameBack, true) => NetChange::CameBack,
                (NetChange::Left | NetChange::CameBack, false) => NetChange::Left,
            };
        } else {
            self.index.insert(person.id, self.people.len());
            self.people.push((person.clone(), if joined { NetChange::Joined } else { NetChange::Left }));
        }
        true
    }

    /// One sentence about the whole run. The names in it are marked ([`isolate_name`]).
    pub fn sentence(&self, texts: &Texts, is_me: impl Fn(MemberId) -> bool) -> String {
        let texts = &texts.notices;
        let part = |change: NetChange| {
            let all = self.people.iter().filter(|(_, of)| *of == change).map(|(person, _)| person);
            let (me, others): (Vec<_>, Vec<_>) = all.partition(|person| is_me(person.id));
            let mut names: Vec<String> = others.into_iter().map(|person| isolate_name(person.name.as_str())).collect();
            match (me.is_empty(), names.len()) {
                (true, 0) => None,
                (true, count) => Some(about_others(texts, change, count, &listed(texts, &names))),
                (false, 0) => Some(about_me(texts, change).to_owned()),
                (false, _) => {
                    names.insert(0, texts.you().to_owned());
                    Some(about_me_and_others(texts, change, &listed(texts, &names)))
                }
            }
        };
        let parts = [NetChange::Joined, NetChange::CameBack, NetChange::CameAndWent, NetChange::Left].map(part);
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

fn about_me(texts: &Notices, change: NetChange) -> &'static str {
    match change {
        NetChange::Joined => texts.you_joined(),
        NetChange::Left => texts.you_left(),
        NetChange::CameAndWent => texts.you_came_and_left(),
        NetChange::CameBack => texts.you_came_back(),
    }
}

fn about_me_and_others(texts: &Notices, change: NetChange, names: &str) -> String {
    match change {
        NetChange::Joined => texts.you_and_others_joined(names),
        NetChange::Left => texts.you_and_others_left(names),
        NetChange::CameAndWent => texts.you_and_others_came_and_left(names),
        NetChange::CameBack => texts.you_and_others_came_back(names),
    }
}

fn about_others(texts: &Notices, change: NetChange, count: usize, names: &str) -> String {
    match change {
        NetChange::Joined => texts.joined(count, names),
        NetChange::Left => texts.left(count, names),
        NetChange::CameAndWent => texts.came_and_left(count, names),
        NetChange::CameBack => texts.came_back(count, names),
    }
}

/// The sentence for an event that is neither a message nor joining or leaving. The names in it are marked
/// ([`isolate_name`]). `None` for all other events.
pub fn sentence(texts: &Texts, kind: &EventKind, is_me: impl Fn(MemberId) -> bool) -> Option<String> {
    let texts = &texts.notices;
    let name = |person: &Person| isolate_name(person.name.as_str());
    Some(match kind {
        EventKind::Removed { member, by } => match (is_me(by.id), is_me(member.id)) {
            (true, _) => texts.you_removed(&name(member)),
            (false, true) => texts.removed_you(&name(by)),
            (false, false) => texts.removed(&name(by), &name(member)),
        },
        EventKind::Renamed { name: Some(new), by } => {
            if is_me(by.id) {
                texts.you_named(&isolate_name(new.as_str()))
            } else {
                texts.named(&name(by), &isolate_name(new.as_str()))
            }
        }
        EventKind::Renamed { name: None, by } => {
            if is_me(by.id) {
                texts.you_unnamed().to_owned()
            } else {
                texts.unnamed(&name(by))
            }
        }
        EventKind::RetentionChanged { retention, by, .. } => match (retention, is_me(by.id)) {
            (Retention::Preserved, true) => texts.you_preserved().to_owned(),
            (Retention::Preserved, false) => texts.preserved(&name(by)),
            (Retention::Ephemeral, true) => texts.you_stopped_preserving().to_owned(),
            (Retention::Ephemeral, false) => texts.stopped_preserving(&name(by)),
        },
        EventKind::PeekChanged { peek, by } => match (peek, is_me(by.id)) {
            (true, true) => texts.you_allowed_peeking().to_owned(),
            (true, false) => texts.allowed_peeking(&name(by)),
            (false, true) => texts.you_stopped_peeking().to_owned(),
            (false, false) => texts.stopped_peeking(&name(by)),
        },
        EventKind::Owner { member, by: Some(by), why: OwnerChange::Given } => match (is_me(by.id), is_me(member.id)) {
            (true, _) => texts.you_gave(&name(member)),
            (false, true) => texts.gave_you(&name(by)),
            (false, false) => texts.gave(&name(by), &name(member)),
        },
        EventKind::Owner { member, .. } => {
            if is_me(member.id) {
                texts.you_inherited().to_owned()
            } else {
                texts.inherited(&name(member))
            }
        }
        EventKind::Message(_)
        | EventKind::Joined { .. }
        | EventKind::Left { .. }
        | EventKind::Edited { .. }
        | EventKind::Deleted { .. }
        | EventKind::Reacted { .. }
        | EventKind::Other(..) => return None,
    })
}

/// "Ada is typing…", or `None` if nobody is typing.
pub fn typing_line(texts: &Texts, names: &[Nickname]) -> Option<String> {
    let texts = &texts.composer;
    match names {
        [] => None,
        [one] => Some(texts.typing_one(&isolate_name(one.as_str()))),
        [one, two] => Some(texts.typing_two(&isolate_name(one.as_str()), &isolate_name(two.as_str()))),
        _ => Some(texts.typing_several().to_owned()),
    }
}

/// Joins names into a list: "Ada", "Ada and Bob", "Ada, Bob and 3 others".
pub(super) fn listed(texts: &Notices, names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => texts.list_of_two(one, two),
        [one, two, three] => texts.list_of_three(one, two, three),
        [one, two, others @ ..] => texts.list_of_more(others.len(), one, two),
    }
}
