//! Detaching events from a member whose account is deleted: [`EventKind::detach_member`].
//!
//! A kind that this version does not know is searched as JSON, at every depth. A person is an object with the member's
//! `id` and a `name`. A text that a member wrote is the `body` of an object whose `author` is that person. Later
//! versions keep to these two forms. Only the found strings are replaced, and every other byte stays.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{EventKind, MemberId, MessageBody, Nickname, Person, open::Unread};

impl EventKind {
    /// Detaches an event from a member. Their name becomes `name`, and a text that they wrote becomes `instead` if that
    /// is given. Returns whether the event contains the member.
    pub fn detach_member(&mut self, member: MemberId, name: &Nickname, instead: Option<&MessageBody>) -> bool {
        // A deleted message and a void edit have no text.
        let erase = |author: &Person, body: &mut MessageBody, mentions: &mut Vec<Person>, everyone: &mut bool| {
            if let Some(instead) = instead
                && author.id == member
                && !body.as_str().is_empty()
            {
                body.clone_from(instead);
                (*mentions, *everyone) = (Vec::new(), false);
            }
        };
        let mut mentioned: &mut [Person] = &mut [];
        let people: [Option<&mut Person>; 2] = match self {
            Self::Joined { member } | Self::Left { member } => [Some(member), None],
            Self::Removed { member, by } => [Some(member), Some(by)],
            Self::Message(message) => {
                erase(&message.author, &mut message.body, &mut message.mentions, &mut message.everyone);
                mentioned = &mut message.mentions;
                [Some(&mut message.author), message.deleted.as_mut()]
            }
            Self::Renamed { by, .. } | Self::RetentionChanged { by, .. } | Self::PeekChanged { by, .. } => {
                [Some(by), None]
            }
            Self::Owner { member, by, .. } => [Some(member), by.as_mut()],
            Self::Edited { author, body, mentions, everyone, .. } => {
                erase(author, body, mentions, everyone);
                mentioned = mentions;
                [Some(author), None]
            }
            Self::Deleted { by, .. } => [Some(by), None],
            // A reaction names members by their ids alone.
            Self::Reacted { .. } => [None, None],
            Self::Other(_, content) => return detach_from_json(content, member, name, instead),
        };
        let mut told = false;
        let people = people.into_iter().flatten().chain(mentioned);
        for person in people.filter(|person| person.id == member) {
            person.name.clone_from(name);
            told = true;
        }
        told
    }
}

fn detach_from_json(content: &mut Unread, member: MemberId, name: &Nickname, instead: Option<&MessageBody>) -> bool {
    let (mut names, mut texts) = (Vec::new(), Vec::new());
    search(content.json(), member, &mut names, &mut texts);
    if names.is_empty() && texts.is_empty() {
        return false;
    }
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let name = quoted(name.as_str());
    let instead = instead.map(|instead| quoted(instead.as_str()));
    let mut found: Vec<(&str, &str)> = names.into_iter().map(|old| (old, &*name)).collect();
    found.extend(instead.iter().flat_map(|instead| texts.iter().map(move |old| (*old, &**instead))));
    found.sort_unstable_by_key(|(old, _)| old.as_ptr());
    let (mut json, mut rest) = (String::new(), content.json());
    for (old, new) in found {
        let (before, after) = rest.split_at(old.as_ptr().addr() - rest.as_ptr().addr());
        json.extend([before, new]);
        rest = &after[old.len()..];
    }
    json.push_str(rest);
    *content = serde_json::from_str(&json).expect("strings of JSON were replaced by strings");
    true
}

/// Finds the strings with a member's names, and those with texts that the member wrote.
fn search<'json>(json: &'json str, member: MemberId, names: &mut Vec<&'json str>, texts: &mut Vec<&'json str>) {
    if let Ok(values) = serde_json::from_str::<Vec<&RawValue>>(json) {
        for value in values {
            search(value.get(), member, names, texts);
        }
    } else if let Some(fields) = object(json) {
        if is_person(&fields, member) {
            names.extend(string(&fields, "name"));
        }
        let author = fields.get("author").and_then(|author| object(author.get()));
        if author.is_some_and(|author| is_person(&author, member)) {
            texts.extend(string(&fields, "body"));
        }
        for value in fields.values() {
            search(value.get(), member, names, texts);
        }
    }
}

type Fields<'json> = BTreeMap<String, &'json RawValue>;

fn object(json: &str) -> Option<Fields<'_>> {
    serde_json::from_str(json).ok()
}

fn is_person(fields: &Fields<'_>, member: MemberId) -> bool {
    fields.get("id").is_some_and(|id| serde_json::from_str(id.get()).is_ok_and(|id: MemberId| id == member))
}

/// A field's JSON, if that is a string.
fn string<'json>(fields: &Fields<'json>, field: &str) -> Option<&'json str> {
    fields.get(field).map(|value| value.get()).filter(|json| json.starts_with('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody() -> Nickname {
        Nickname::stored("Deleted \"account\"")
    }

    fn erased() -> MessageBody {
        MessageBody::stored("Erased.")
    }

    /// An event's JSON, detached from member 7. `None` if that member is not in it.
    fn detached(kind: &str, instead: Option<&MessageBody>) -> Option<String> {
        let mut kind: EventKind = serde_json::from_str(kind).unwrap();
        let told = kind.detach_member(MemberId::from_bits(7), &nobody(), instead);
        told.then(|| serde_json::to_string(&kind).unwrap())
    }

    #[test]
    fn every_kind_that_is_known_loses_the_name_in_every_place() {
        let kinds = [
            r#"{"joined":{"member":{"id":7,"name":"Ada"}}}"#,
            r#"{"left":{"member":{"id":7,"name":"Ada"}}}"#,
            r#"{"removed":{"member":{"id":7,"name":"Ada"},"by":{"id":8,"name":"Bob"}}}"#,
            r#"{"removed":{"member":{"id":8,"name":"Bob"},"by":{"id":7,"name":"Ada"}}}"#,
            r#"{"message":{"n":3,"id":"01890a5d-ac96-774b-bcce-b302099a8057","author":{"id":7,"name":"Ada"},"body":"I"}}"#,
            r#"{"renamed":{"name":"Ada","by":{"id":7,"name":"Ada"}}}"#,
            r#"{"retention_changed":{"preserve":true,"by":{"id":7,"name":"Ada"},"n":3}}"#,
            r#"{"peek_changed":{"peek":false,"by":{"id":7,"name":"Ada"}}}"#,
            r#"{"owner":{"member":{"id":7,"name":"Ada"},"why":"inherited"}}"#,
            r#"{"owner":{"member":{"id":8,"name":"Bob"},"by":{"id":7,"name":"Ada"},"why":"given"}}"#,
            r#"{"message":{"n":3,"id":"01890a5d-ac96-774b-bcce-b302099a8057","author":{"id":8,"name":"Bob"},"body":"","rev":9,"deleted":{"id":7,"name":"Ada"}}}"#,
            r#"{"message":{"n":3,"id":"01890a5d-ac96-774b-bcce-b302099a8057","author":{"id":7,"name":"Ada"},"body":"","rev":9,"deleted":{"id":7,"name":"Ada"}}}"#,
            r#"{"edited":{"target":{"seq":2,"id":"01890a5d-ac96-774b-bcce-b302099a8057"},"author":{"id":7,"name":"Ada"},"body":"I"}}"#,
            r#"{"deleted":{"target":{"seq":2,"id":"01890a5d-ac96-774b-bcce-b302099a8057"},"n":1,"by":{"id":7,"name":"Ada"}}}"#,
            r#"{"message":{"n":3,"id":"01890a5d-ac96-774b-bcce-b302099a8057","author":{"id":8,"name":"Bob"},"body":"@Cyd @Ada","mentions":[{"id":9,"name":"Cyd"},{"id":7,"name":"Ada"}]}}"#,
            r#"{"edited":{"target":{"seq":2,"id":"01890a5d-ac96-774b-bcce-b302099a8057"},"author":{"id":8,"name":"Bob"},"body":"@Ada","mentions":[{"id":7,"name":"Ada"}],"everyone":true}}"#,
        ];
        for kind in kinds {
            let name = |json: &str| json.replace(r#""id":7,"name":"Ada""#, r#""id":7,"name":"Deleted \"account\"""#);
            assert_eq!(detached(kind, None), Some(name(kind)));
            let without_text = name(kind).replace(r#""body":"I""#, r#""body":"Erased.""#);
            assert_eq!(detached(kind, Some(&erased())), Some(without_text));
            let of_another = kind.replace(r#""id":7"#, r#""id":70"#);
            assert_eq!(detached(&of_another, Some(&erased())), None);
        }
    }

    #[test]
    fn with_a_text_goes_whom_it_mentions() {
        let said = r#"{"message":{"n":3,"id":"01890a5d-ac96-774b-bcce-b302099a8057","author":{"id":7,"name":"Ada"},"body":"@Bob","mentions":[{"id":8,"name":"Bob"}],"everyone":true}}"#;
        let erased_text = r#"{"message":{"n":3,"id":"01890a5d-ac96-774b-bcce-b302099a8057","author":{"id":7,"name":"Deleted \"account\""},"body":"Erased."}}"#;
        assert_eq!(detached(said, Some(&erased())).as_deref(), Some(erased_text));
        assert!(detached(said, None).unwrap().contains(r#""mentions":[{"id":8,"name":"Bob"}],"everyone":true"#));
    }

    #[test]
    fn a_kind_of_a_later_version_loses_the_name_at_every_depth_and_no_other_byte() {
        let danced = r#"{"danced":{"with":[{"z": 1.50, "id": 7, "name": "A\u0064a", "also":{"name":"Ada","id":7}},{"id":8,"name":"Ada"}], "long":123456789012345678901234567890,"name":"Ada","id":70}}"#;
        let expected = r#"{"danced":{"with":[{"z": 1.50, "id": 7, "name": "Deleted \"account\"", "also":{"name":"Deleted \"account\"","id":7}},{"id":8,"name":"Ada"}], "long":123456789012345678901234567890,"name":"Ada","id":70}}"#;
        assert_eq!(detached(danced, Some(&erased())).as_deref(), Some(expected));
        assert_eq!(detached(expected, None).as_deref(), Some(expected), "the member is in it still");
        for without in [
            r#"{"danced":{}}"#,
            r#"{"danced":[7,"Ada",null]}"#,
            r#"{"danced":7}"#,
            r#"{"danced":{"id":"7","name":"Ada"}}"#,
            r#"{"danced":{"id":7,"name":{"of":"Ada"}}}"#,
        ] {
            assert_eq!(detached(without, Some(&erased())), None, "{without}");
        }
    }

    #[test]
    fn a_text_in_a_kind_of_a_later_version_is_replaced_if_the_member_wrote_it() {
        let retold = r#"{"retold":{"now":{"body":"\"Mine\"","author":{"id":7,"name":"Ada"}},"before":{"author":{"id":8,"name":"Bob"},"body":"His"}}}"#;
        let named = retold.replace("Ada", r#"Deleted \"account\""#);
        assert_eq!(detached(retold, None), Some(named.clone()));
        assert_eq!(detached(retold, Some(&erased())), Some(named.replace(r#""\"Mine\"""#, r#""Erased.""#)));
    }

    #[test]
    fn the_names_of_kinds_are_those_of_the_wire() {
        for kind in EventKind::KNOWN {
            let error = serde_json::from_str::<EventKind>(&format!(r#"{{"{kind}":{{}}}}"#)).unwrap_err();
            assert!(error.to_string().contains("missing field"), "{kind}: {error}");
        }
        let joined: EventKind = serde_json::from_str(r#"{"joined":{"member":{"id":7,"name":"Ada"}}}"#).unwrap();
        assert_eq!(joined.known_name(), Some("joined"));
        let danced: EventKind = serde_json::from_str(r#"{"danced":{}}"#).unwrap();
        assert_eq!(danced.known_name(), None);
    }
}
