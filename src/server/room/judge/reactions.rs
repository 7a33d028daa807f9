//! Judging reactions: who may react to which message with which emoji, and what is the net effect of all reactions of a
//! batch, which is one event.
//!
//! A reaction names the state that is wanted. It is compared with the message as the log has it and as the reactions of
//! this batch have changed it. What one of them undoes of another is in no event.

use super::{
    super::{
        command::Touch,
        refusals::{kept_elsewhere, message_gone, too_many_reactions},
    },
    Judge, Verdict,
    touches::{Wanted, refused},
};
use crate::protocol::{
    Emoji, Event, EventKind, MemberId, Reaction, ReactionChange, Seq, Target,
    limits::{REACTIONS, REACTIONS_IN_ALL, REACTIONS_OF_ONE},
    react,
};

/// The reactions of a batch.
#[derive(Debug, Default)]
pub(super) struct Reacting {
    /// The messages that the batch is about, with their reactions after it.
    messages: Vec<(Seq, Vec<Reaction>)>,
    /// What the batch changes.
    changes: Vec<(Target, Emoji, MemberId, bool)>,
}

impl Judge<'_> {
    pub(super) fn reaction(&mut self, touch: &Touch, e: &Emoji, on: bool) -> Result<Verdict, Box<Verdict>> {
        let target = touch.target;
        let known = self.reacting.messages.iter().position(|(seq, _)| *seq == target.seq);
        let Wanted { event, kept, .. } = self.wanted(touch)?;
        let message = event.message().filter(|message| message.deleted.is_none());
        let Some(message) = message else { return Err(refused(message_gone())) };
        if kept != self.state.retention {
            return Err(refused(kept_elsewhere()));
        }
        let is_so = self.is_so(touch, message);
        let fresh = known.is_none().then(|| message.reactions.clone());
        let Reacting { messages, changes } = &mut self.reacting;
        messages.extend(fresh.map(|reactions| (target.seq, reactions)));
        let at = known.unwrap_or(messages.len() - 1);
        let reactions = &mut messages[at].1;

        let is_own = |member: &MemberId| touch.is_by(*member);
        let own = |reaction: &Reaction| -> Vec<MemberId> {
            reaction.who.iter().chain(&reaction.more).copied().filter(is_own).collect()
        };
        let of_this = reactions.iter().find(|reaction| reaction.e == *e);
        let by = of_this.map(own).unwrap_or_default();
        if on != by.is_empty() {
            // What an earlier command of the batch does may still fail.
            let is_new = changes.iter().any(|(of, emoji, member, _)| (of, emoji) == (&target, e) && is_own(member));
            return if is_new { Ok(Verdict::Reaction) } else { Err(is_so) };
        }
        if on {
            let of_person = reactions.iter().filter(|reaction| !own(reaction).is_empty()).count();
            let in_all: usize = reactions.iter().map(|reaction| reaction.n as usize).sum();
            let is_full = of_this.is_none() && reactions.len() >= REACTIONS;
            if is_full || of_person >= REACTIONS_OF_ONE || in_all >= REACTIONS_IN_ALL {
                return Err(refused(too_many_reactions()));
            }
        }
        for member in if on { vec![touch.member] } else { by } {
            react(reactions, e, member, on);
            let undone = (target, e.clone(), member, !on);
            match changes.iter().position(|change| *change == undone) {
                Some(at) => _ = changes.remove(at),
                None => changes.push((target, e.clone(), member, on)),
            }
        }
        Ok(Verdict::Reaction)
    }

    /// The event of all reactions of the batch. `None` if they change nothing.
    pub fn reacted(&mut self) -> Option<Event> {
        let mut changes: Vec<ReactionChange> = Vec::new();
        for (target, e, member, on) in std::mem::take(&mut self.reacting.changes) {
            let same = changes.iter_mut().find(|change| (change.target, &change.e, change.on) == (target, &e, on));
            match same {
                Some(change) => change.who.push(member),
                None => changes.push(ReactionChange { target, e, on, who: vec![member] }),
            }
        }
        if changes.is_empty() {
            return None;
        }
        self.head += 1;
        Some(Event { seq: self.head, at: self.now, kind: EventKind::Reacted { changes } })
    }
}
