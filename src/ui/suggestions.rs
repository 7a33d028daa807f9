//! Suggests whom to mention while somebody types `@` and a name. Nothing here reads the page.

use crate::{
    protocol::{EVERYONE, Mentions, Person, limits::NICKNAME_CHARS, sorted::sort_by_key},
    ui::{browser, live::MemberLine},
};

/// How many names are suggested at most.
const MOST: usize = 8;

/// A name that is suggested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suggestion {
    Member(Person),
    Everyone,
}

impl Suggestion {
    /// The name that stands in the text.
    pub fn name(&self) -> &str {
        match self {
            Self::Member(person) => person.name.as_str(),
            Self::Everyone => EVERYONE,
        }
    }

    /// Adds the suggestion to those whom the text mentions.
    pub fn add_to(self, mentions: &mut Mentions) {
        match self {
            Self::Member(person) => mentions.add(person),
            Self::Everyone => mentions.everyone = true,
        }
    }
}

/// What is typed of a name at the caret: the place of its `@`, and the text from there to the caret.
pub fn typed_name(text: &str, caret: usize) -> Option<(usize, &str)> {
    let before = text.get(..caret)?;
    let at = before.rfind('@')?;
    let typed = &before[at + 1..];
    // A blank at the end means that the name is complete. Then Enter sends the message.
    let is_name = !typed.contains('\n') && typed.trim() == typed && typed.chars().count() <= NICKNAME_CHARS;
    (is_name && !before[..at].ends_with(char::is_alphanumeric)).then_some((at, typed))
}

/// The members with a name of which a word begins as typed, those whose whole name does first. `everyone` is how the
/// page calls everyone in the room, if the person may mention everyone.
pub fn suggestions(members: &[MemberLine], everyone: Option<&str>, typed: &str) -> Vec<Suggestion> {
    let typed = browser::without_accents(typed);
    // Whether the whole name begins so. `None` if no word of it does.
    let begins = |name: &str| {
        let name = browser::without_accents(name);
        let is_word = |(at, _): (usize, &str)| !name[..at].ends_with(char::is_alphanumeric);
        name.match_indices(&typed).any(is_word).then(|| name.starts_with(&typed))
    };
    let others = members.iter().filter(|member| !member.is_you);
    let mut found: Vec<(bool, Suggestion)> = Vec::new();
    for member in others {
        let person = Person { id: member.id, name: member.name.clone() };
        found.extend(begins(person.name.as_str()).map(|is_whole| (is_whole, Suggestion::Member(person))));
    }
    sort_by_key(&mut found, |(is_whole, _)| !is_whole);
    let everyone = everyone.filter(|called| begins(EVERYONE).or_else(|| begins(called)).is_some());
    found.truncate(MOST - usize::from(everyone.is_some()));
    found.into_iter().map(|(_, member)| member).chain(everyone.map(|_| Suggestion::Everyone)).collect()
}

#[cfg(test)]
mod tests {
    use crate::protocol::{MemberId, Nickname};

    use super::*;

    fn line(id: u64, name: &str) -> MemberLine {
        let (id, name) = (MemberId::from_bits(id), Nickname::stored(name));
        MemberLine { is_you: id.get() == 0, id, name, is_owner: false, since: 0, connected: false }
    }

    fn names(members: &[&str], everyone: Option<&str>, typed: &str) -> Vec<String> {
        let members: Vec<MemberLine> = (0..).zip(members).map(|(id, name)| line(id, name)).collect();
        suggestions(&members, everyone, typed).iter().map(|found| found.name().to_owned()).collect()
    }

    #[test]
    fn a_name_is_typed_from_its_sign_to_the_caret() {
        for (text, expected) in [
            ("@", Some((0, ""))),
            ("Hello @Ad", Some((6, "Ad"))),
            ("(@Quiet Ot", Some((1, "Quiet Ot"))),
            ("@Ada @Bo", Some((5, "Bo"))),
            ("@Ada ", None),
            ("@ Ada", None),
            ("@Ada\nB", None),
            ("ada@exa", None),
            ("Hello", None),
            ("@abcdefghijklmnopqrstuvwxyzabcdefg", None),
        ] {
            assert_eq!(typed_name(text, text.len()), expected, "{text}");
        }
        assert_eq!(typed_name("@Adalbert", 3), Some((0, "Ad")), "up to the caret");
        assert_eq!(typed_name("@ä", 2), None, "within a letter");
    }

    #[test]
    fn members_are_found_by_the_beginning_of_a_word() {
        let members = ["Adele", "Quiet Otter", "Ótto", "Ada-Marie", "小明"];
        assert_eq!(names(&members, None, "ot"), ["Ótto", "Quiet Otter"], "whole names first, not by accents");
        assert_eq!(names(&members, None, "MAR"), ["Ada-Marie"]);
        assert_eq!(names(&members, None, "quiet o"), ["Quiet Otter"]);
        assert_eq!(names(&members, None, "小"), ["小明"]);
        assert_eq!(names(&members, None, "ade"), [""; 0], "nobody mentions themselves");
        assert_eq!(names(&members, None, "tter"), [""; 0]);
    }

    #[test]
    fn everyone_comes_last_and_by_either_name() {
        let many: Vec<String> = (0..12).map(|n| format!("P{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let all = names(&many, Some("Alle im Raum"), "");
        assert_eq!((all.len(), all[7].as_str()), (MOST, EVERYONE));
        assert_eq!(names(&many, None, "").len(), MOST);
        for (typed, is_found) in [("eve", true), ("al", true), ("ra", true), ("one", false)] {
            assert_eq!(names(&["Me"], Some("Alle im Raum"), typed) == [EVERYONE], is_found, "{typed}");
        }
    }
}
