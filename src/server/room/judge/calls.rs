//! Judging whom a text mentions.

use super::{super::command::Calls, Judge};
use crate::protocol::{MemberId, Person, limits::EVERYONE_MEMBERS};

impl Judge<'_> {
    /// The people whom a text mentions: the members of the room among those that it is to mention, each once. With an
    /// edit, those whom the message mentions already stay as they are, also if they have left since.
    pub(super) fn called(&self, calls: &Calls, already: &[Person]) -> Vec<Person> {
        let mut people: Vec<Person> = Vec::new();
        for id in &calls.members {
            let known = already.iter().find(|person| person.id == *id).cloned();
            let person = known.or_else(|| Some(Person { id: *id, name: self.name_of(*id)? }));
            people.extend(person.filter(|person| !people.contains(person)));
        }
        people
    }

    /// Whether a member may mention everyone: the owner, and in a small room anybody.
    pub(super) fn can_call_everyone(&self, member: MemberId) -> bool {
        let left = self.moved.keys().filter(|id| self.state.members.contains_key(id)).count();
        let here = self.moved.values().flatten().count();
        member == self.owner || self.state.members.len() - left + here <= EVERYONE_MEMBERS
    }
}
