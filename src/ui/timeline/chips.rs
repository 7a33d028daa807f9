//! The chips below a message: each emoji with the number of those who reacted with it, and who they are.
//!
//! What this person wants and the server has not confirmed is shown as if it were done.

use crate::protocol::{Draft, DraftKind, MemberId, Message, Reaction, Target, sorted::SortedSet};

use super::names::isolate_name;

/// The most names that a chip has.
const NAMED: usize = 20;

/// One emoji below a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    pub emoji: String,
    /// How many people reacted with it.
    pub count: usize,
    /// Whether the reader of this page is one of them.
    pub mine: bool,
    /// The names of the others, as far as they are known and there is space, and the number of the rest.
    pub names: String,
}

/// The emoji that this person has at a message, with what they want of it (`wanted`).
pub fn reacted(message: &Message, target: Target, own_ids: &SortedSet<MemberId>, wanted: &[Draft]) -> Vec<String> {
    let own = message.reactions.iter().filter(|reaction| is_own(reaction, own_ids));
    let mut emoji: Vec<String> = own.map(|reaction| reaction.e.as_str().to_owned()).collect();
    for draft in wanted {
        if let DraftKind::React { target: of, on } = draft.kind
            && of == target
        {
            emoji.retain(|emoji| emoji != draft.body.as_str());
            if on {
                emoji.push(draft.body.as_str().to_owned());
            }
        }
    }
    emoji
}

fn is_own(reaction: &Reaction, own_ids: &SortedSet<MemberId>) -> bool {
    reaction.who.iter().chain(&reaction.more).any(|id| own_ids.contains(id))
}

/// The chips of a message, in the order in which the emoji were first used. `mine` is what [`reacted`] returned.
pub fn chips(
    message: &Message,
    mut mine: Vec<String>,
    own_ids: &SortedSet<MemberId>,
    name_of: &dyn Fn(MemberId) -> Option<String>,
) -> Vec<Chip> {
    let mut chips = Vec::new();
    for reaction in &message.reactions {
        let emoji = reaction.e.as_str();
        let is_mine = mine.iter().position(|mine| mine == emoji).map(|at| mine.remove(at)).is_some();
        let others = reaction.n as usize - usize::from(is_own(reaction, own_ids));
        let who = reaction.who.iter().filter(|id| !own_ids.contains(id)).filter_map(|id| name_of(*id));
        let names: Vec<String> = who.take(NAMED).map(|name| isolate_name(&name)).collect();
        let rest = others - names.len().min(others);
        let names = names.join(", ");
        let names = if rest > 0 { format!("{names} +{rest}") } else { names };
        let count = others + usize::from(is_mine);
        if count > 0 {
            chips.push(Chip { emoji: emoji.to_owned(), count, mine: is_mine, names });
        }
    }
    chips.extend(mine.into_iter().map(|emoji| Chip { emoji, count: 1, mine: true, names: String::new() }));
    chips
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        protocol::{ClientId, DraftState, Emoji, Mentions, MessageBody, Nickname, Person},
        ui::timeline::strip_isolates,
    };

    const ME: u64 = 1;

    fn id(bits: u64) -> MemberId {
        MemberId::from_bits(bits)
    }

    /// The chips of a message with these reactions, with these wishes: emoji, number, `*` if it is the reader's, names.
    fn told(reactions: &[(&str, u32, &[u64])], wishes: &[(&str, bool)]) -> Vec<String> {
        let author = Person { id: id(2), name: Nickname::try_from("Ada").unwrap() };
        let message_id = ClientId::new(Uuid::from_u128(1));
        let target = Target { seq: 5, id: message_id };
        let reaction = |(e, n, who): &(&str, u32, &[u64])| {
            let who = who.iter().copied().map(id).collect();
            Reaction { e: Emoji::stored(*e), n: *n, who, more: Vec::new() }
        };
        let message = Message {
            reactions: reactions.iter().map(reaction).collect(),
            ..Message::new(1, message_id, author, MessageBody::stored("Hello"))
        };
        let wish = |(emoji, on): &(&str, bool)| Draft {
            id: ClientId::new(Uuid::from_u128(9)),
            kind: DraftKind::React { target, on: *on },
            body: MessageBody::stored(*emoji),
            mentions: Mentions::default(),
            state: DraftState::Pending,
        };
        let (own_ids, wanted): (_, Vec<Draft>) = (SortedSet::from([id(ME)]), wishes.iter().map(wish).collect());
        let mine = reacted(&message, target, &own_ids, &wanted);
        let name_of = |member: MemberId| (member.get() < 90).then(|| format!("Person {}", member.get()));
        let chips = chips(&message, mine, &own_ids, &name_of);
        let line = |Chip { emoji, count, mine, names }: Chip| {
            format!("{emoji}{count}{} {}", if mine { "*" } else { "" }, strip_isolates(&names)).trim_end().to_owned()
        };
        chips.into_iter().map(line).collect()
    }

    #[test]
    fn a_chip_has_the_number_and_the_names_and_whether_it_is_the_readers() {
        let reactions: [(&str, u32, &[u64]); 3] = [("👍", 2, &[3, ME]), ("❤️", 1, &[4]), ("🙏", 70, &[90, 5])];
        assert_eq!(told(&reactions, &[]), ["👍2* Person 3", "❤️1 Person 4", "🙏70 Person 5 +69"]);
        assert_eq!(told(&[("👍", 1, &[ME])], &[]), ["👍1*"]);
    }

    #[test]
    fn what_is_wanted_is_shown_as_if_it_were_done() {
        let reactions: [(&str, u32, &[u64]); 2] = [("👍", 2, &[3, ME]), ("😂", 1, &[ME])];
        let wishes = [("👍", false), ("😂", false), ("❤️", true)];
        assert_eq!(told(&reactions, &wishes), ["👍1 Person 3", "❤️1*"]);
        assert_eq!(told(&reactions, &[("👍", true)]), ["👍2* Person 3", "😂1*"], "it is so already");
        assert_eq!(told(&[("👍", 1, &[3])], &[("👍", true)]), ["👍2* Person 3"]);
    }
}
