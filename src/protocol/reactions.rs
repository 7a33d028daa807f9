//! Reactions to messages: who put which emoji to a message.
//!
//! A message has one [`Reaction`] for each emoji, in the order of first use. The server knows everybody who reacted. A
//! client is sent the first 50 by name, the number of all, and whether it is one of the others.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MemberId, limits::NAMED_REACTIONS};

/// One emoji, as the server accepts it: of the list of recommended emoji (RGI), fully qualified, and without a skin
/// tone. The server checks it, and a client shows what it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, example = "👍")]
pub struct Emoji(String);

impl Emoji {
    /// Wraps an emoji that the server has accepted. Checks nothing.
    pub fn stored(emoji: impl Into<String>) -> Self {
        Self(emoji.into())
    }

    /// The emoji.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The members who put one emoji to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reaction {
    /// The emoji.
    pub e: Emoji,
    /// How many members reacted with it.
    pub n: u32,
    /// The members who reacted first, up to 50. Fewer if some of them took their reaction away.
    pub who: Vec<MemberId>,
    /// The other members who reacted. Of these, a client is sent only its own ids. Left out if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<MemberId>,
}

impl Reaction {
    /// Whether this member is known to have reacted.
    pub fn is_by(&self, member: MemberId) -> bool {
        self.who.contains(&member) || self.more.contains(&member)
    }

    /// Removes what a client with these ids is not sent.
    pub fn cut_for(&mut self, reader: &[MemberId]) {
        self.more.retain(|member| reader.contains(member));
    }
}

/// Puts a member's emoji to the reactions of a message, or takes it away. Does nothing if that is done already.
pub fn react(reactions: &mut Vec<Reaction>, e: &Emoji, member: MemberId, on: bool) {
    let Some(at) = reactions.iter().position(|reaction| reaction.e == *e) else {
        if on {
            reactions.push(Reaction { e: e.clone(), n: 1, who: vec![member], more: Vec::new() });
        }
        return;
    };
    let reaction = &mut reactions[at];
    let known = reaction.who.len() + reaction.more.len();
    match (reaction.is_by(member), on) {
        (true, true) => {}
        (false, true) => {
            reaction.n += 1;
            let list = if reaction.who.len() < NAMED_REACTIONS { &mut reaction.who } else { &mut reaction.more };
            list.push(member);
        }
        (false, false) if known == reaction.n as usize => {}
        // A member who is not known here is one of those whom a client is not sent.
        (_, false) if reaction.n == 1 => _ = reactions.remove(at),
        (_, false) => {
            reaction.n -= 1;
            reaction.who.retain(|id| *id != member);
            reaction.more.retain(|id| *id != member);
        }
    }
}
