//! Mentions: the members whom a text calls, by `@` and the name that they had at that moment.
//!
//! Who is mentioned is said by ids beside the text ([`Message::mentions`]). The text only shows it, so a name that
//! changes, or that two members have, calls nobody else.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{MemberId, Message, Person, limits::MENTIONS};

/// What stands for everyone in the room after an `@`, in every language.
pub const EVERYONE: &str = "everyone";

/// Whom a text mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mentions {
    /// The members, with their names at that time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Person>,
    /// Whether the text mentions everyone in the room.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub everyone: bool,
}

impl Mentions {
    /// Whether nobody is mentioned.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty() && !self.everyone
    }

    /// The ids of the members.
    pub fn ids(&self) -> Vec<MemberId> {
        self.people.iter().map(|person| person.id).collect()
    }

    /// Adds a member, once.
    pub fn add(&mut self, person: Person) {
        if self.people.iter().all(|known| known.id != person.id) {
            self.people.push(person);
        }
    }

    /// Adds others, each once.
    pub fn merge(&mut self, others: Self) {
        for person in others.people {
            self.add(person);
        }
        self.everyone |= others.everyone;
    }

    /// Those whose name is in the text after an `@`, as many as a message can mention, and the others.
    pub fn split_by(self, text: &str) -> (Self, Self) {
        let mut names: Vec<&str> = self.people.iter().map(|person| person.name.as_str()).collect();
        names.push(EVERYONE);
        let found = mentions_in(text, &names);
        let is_said = |name: &str| found.iter().any(|(_, at)| names[*at] == name);
        let (mut said, mut unsaid) = (Self::default(), Self::default());
        (said.everyone, unsaid.everyone) =
            if is_said(EVERYONE) { (self.everyone, false) } else { (false, self.everyone) };
        for person in &self.people {
            let is_said = is_said(person.name.as_str()) && said.people.len() < MENTIONS;
            if is_said { &mut said } else { &mut unsaid }.people.push(person.clone());
        }
        (said, unsaid)
    }
}

/// Finds the names that stand in a text after an `@`: where, with the `@`, and the index of the name. Of several names
/// that fit, the longest counts. A name does not count if a letter or a digit follows it, or stands before the `@`.
pub fn mentions_in(text: &str, names: &[&str]) -> Vec<(Range<usize>, usize)> {
    // Scripts without spaces have none around a name either, so only these characters continue a word.
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut end = 0;
    for (at, _) in text.match_indices('@').filter(|_| !names.is_empty()) {
        if at < end || text[..at].ends_with(is_of_word) {
            continue;
        }
        let rest = &text[at + 1..];
        let stands = |name: &str| rest.strip_prefix(name).is_some_and(|after| !after.starts_with(is_of_word));
        let fitting = (0..names.len()).filter(|index| stands(names[*index]));
        if let Some(index) = fitting.max_by_key(|index| names[*index].len()) {
            end = at + 1 + names[index].len();
            found.push((at..end, index));
        }
    }
    found
}

impl Message {
    /// Whom the message mentions.
    pub fn mentioned(&self) -> Mentions {
        Mentions { people: self.mentions.clone(), everyone: self.everyone }
    }

    /// Whether the message mentions a person who has these member ids, and is by somebody else.
    pub fn calls(&self, is_me: impl Fn(MemberId) -> bool) -> bool {
        !is_me(self.author.id) && (self.everyone || self.mentions.iter().any(|person| is_me(person.id)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::Nickname;

    fn person(id: u64, name: &str) -> Person {
        Person { id: MemberId::from_bits(id), name: Nickname::stored(name) }
    }

    fn found<'a>(text: &'a str, names: &[&str]) -> Vec<&'a str> {
        mentions_in(text, names).into_iter().map(|(range, _)| &text[range]).collect()
    }

    #[test]
    fn a_name_after_an_at_sign_is_found_whole() {
        let names = ["Ada", "Ada (2)", "Zoë", "小明", "C++", "Quiet Otter"];
        for (text, expected) in [
            ("@Ada", vec!["@Ada"]),
            ("Hello @Ada, and (@Zoë)!", vec!["@Ada", "@Zoë"]),
            ("@Ada (2)?", vec!["@Ada (2)"]),
            ("@Ada (3)", vec!["@Ada"]),
            ("@小明在吗", vec!["@小明"]),
            ("@C++: @Quiet Otter", vec!["@C++", "@Quiet Otter"]),
            ("@Ada@Zoë", vec!["@Ada"]),
            ("@@Ada", vec!["@Ada"]),
            ("@Adam @Ada_ ada@Ada @ada Ada @ Ada", vec![]),
        ] {
            assert_eq!(found(text, &names), expected, "{text}");
        }
        assert_eq!(found("@Ada", &[]), [""; 0]);
    }

    #[test]
    fn who_is_still_in_the_text_is_mentioned() {
        let mut mentions = Mentions { people: vec![person(1, "Ada"), person(2, "Bob")], everyone: true };
        mentions.merge(Mentions { people: vec![person(2, "Bob"), person(3, "Ada")], everyone: false });
        assert_eq!(mentions.ids().len(), 3, "each once");
        let (said, unsaid) = mentions.split_by("@Ada, come");
        assert_eq!((said.ids(), said.everyone), (vec![MemberId::from_bits(1), MemberId::from_bits(3)], false));
        assert_eq!((unsaid.ids(), unsaid.everyone), (vec![MemberId::from_bits(2)], true));
        assert!(unsaid.split_by("@everyone").0.everyone);
    }

    #[test]
    fn a_message_mentions_only_so_many() {
        let people: Vec<Person> = (0..30).map(|id| person(id, &format!("P{id}"))).collect();
        let names: Vec<&str> = people.iter().map(|person| person.name.as_str()).collect();
        let text = format!("@{}", names.join(" @"));
        let (said, unsaid) = Mentions { people, everyone: false }.split_by(&text);
        assert_eq!((said.people.len(), unsaid.people.len()), (MENTIONS, 10));
    }

    proptest! {
        #[test]
        fn what_is_found_is_an_at_sign_and_a_name(text in "[@abÄ (2]{0,40}", names in proptest::collection::vec("[abÄ]{1,3}", 0..4)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut end = 0;
            for (range, index) in mentions_in(&text, &names) {
                prop_assert!(range.start >= end);
                prop_assert_eq!(&text[range.clone()], format!("@{}", names[index]));
                end = range.end;
            }
        }
    }
}
