//! Shows where a text mentions somebody. `crate::protocol::mentions_in` finds the names.

use crate::protocol::{EVERYONE, MemberId, Mentions, mentions_in};

/// A name that a message mentions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mentioned {
    pub name: String,
    /// Whether that is the reader.
    pub is_reader: bool,
}

/// The names that a message mentions. `is_own`: whether the reader is the author, who is not called by a mention of
/// everyone.
pub fn mentioned(mentions: &Mentions, is_own: bool, is_me: impl Fn(MemberId) -> bool) -> Box<[Mentioned]> {
    let people = mentions.people.iter();
    let people = people.map(|person| Mentioned { name: person.name.to_string(), is_reader: is_me(person.id) });
    let everyone = mentions.everyone.then(|| Mentioned { name: EVERYONE.to_owned(), is_reader: !is_own });
    people.chain(everyone).collect()
}

/// Splits a text at the names that it mentions. With a name comes whether it is the reader's.
pub fn split_at_mentions<'a>(text: &'a str, mentioned: &[Mentioned]) -> Vec<(&'a str, Option<bool>)> {
    let names: Vec<&str> = mentioned.iter().map(|mentioned| mentioned.name.as_str()).collect();
    let mut parts = Vec::new();
    let mut end = 0;
    for (range, index) in mentions_in(text, &names) {
        parts.push((&text[end..range.start], None));
        end = range.end;
        parts.push((&text[range], Some(mentioned[index].is_reader)));
    }
    parts.push((&text[end..], None));
    parts.retain(|(text, _)| !text.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use crate::protocol::{Nickname, Person};

    use super::*;

    fn person(id: u64, name: &str) -> Person {
        Person { id: MemberId::from_bits(id), name: Nickname::stored(name) }
    }

    #[test]
    fn a_text_is_split_at_its_mentions_and_the_readers_own_are_told_apart() {
        let mentions = Mentions { people: vec![person(1, "Ada"), person(2, "Bob")], everyone: true };
        let names = mentioned(&mentions, false, |id| id.get() == 2);
        let parts = split_at_mentions("@Bob and @Ada, @everyone", &names);
        let expected =
            [("@Bob", Some(true)), (" and ", None), ("@Ada", Some(false)), (", ", None), ("@everyone", Some(true))];
        assert_eq!(parts, expected);
        let own = mentioned(&mentions, true, |id| id.get() == 1);
        assert_eq!(split_at_mentions("@everyone", &own), [("@everyone", Some(false))]);
        assert_eq!(split_at_mentions("@Ada", &[]), [("@Ada", None)], "nobody was meant");
    }
}
