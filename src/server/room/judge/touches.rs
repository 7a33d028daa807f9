//! Judging touches: who may change which message, and until when.
//!
//! The message is found in the window. The room's task reads an older one from the archive before the command is judged
//! ([`Found`]), and the touches that came since are folded into it. A touch that another node judges by an older state
//! does no harm, because the fold goes by the order of the log.

use std::borrow::Cow;

use super::{
    super::{
        command::{Change, Done, Found, Touch},
        refusals::{
            edited_meanwhile, kept_elsewhere, message_gone, not_a_member, not_author, overloaded, too_late_to_edit,
        },
    },
    Judge, Verdict,
};
use crate::protocol::{Edit, Event, EventKind, Millis, Person, Problem, Retention, Target};

/// How often the text of a message can be changed.
const EDITS: u32 = 10;
/// The shortest pause between two changes of one message's text.
const EDIT_PAUSE: Millis = 5_000;

impl Judge<'_> {
    pub(super) fn touch(&mut self, touch: &Touch) -> Verdict {
        if self.touched.contains(&touch.target.seq) {
            return Verdict::NextBatch;
        }
        match self.kind_of(touch) {
            Ok(kind) => {
                self.touched.insert(touch.target.seq);
                self.event(kind)
            }
            Err(verdict) => *verdict,
        }
    }

    /// The event that makes the change, or the verdict on a change that needs none.
    fn kind_of(&self, touch: &Touch) -> Result<EventKind, Box<Verdict>> {
        let refused = |problem| Err(refused(problem));
        let Some(name) = self.name_of(touch.member) else { return refused(not_a_member()) };
        let (event, kept) = self.target(touch)?;
        let (target, at) = (touch.target, event.at);
        let message = event.message().filter(|message| message.id == target.id);
        let Some(message) = message else { return refused(message_gone()) };
        let already = || Err(Box::new(Verdict::Already(Done { seq: message.rev.max(target.seq), at: self.now })));
        let is_own = message.author.id == touch.member || touch.also.contains(&message.author.id);
        match &touch.change {
            Change::Delete if !is_own && touch.member != self.state.owner => refused(not_author()),
            Change::Delete if message.deleted.is_some() => already(),
            Change::Delete => {
                let by = if is_own { message.author.clone() } else { Person { id: touch.member, name } };
                Ok(EventKind::Deleted { target, n: message.n, by })
            }
            Change::Edit { .. } if !is_own => refused(not_author()),
            Change::Edit { .. } if message.deleted.is_some() => refused(message_gone()),
            Change::Edit { body, .. } if message.body == *body => already(),
            Change::Edit { .. } if kept != self.state.retention => refused(kept_elsewhere()),
            Change::Edit { body, after } => {
                let Edit { seq, at: edited_at, times } = message.edited.unwrap_or(Edit { seq: 0, at: 0, times: 0 });
                let wait = edited_at + EDIT_PAUSE - self.now;
                if after.is_some_and(|after| after != seq) {
                    refused(edited_meanwhile())
                } else if self.now - at > self.editable || times == EDITS {
                    refused(too_late_to_edit())
                } else if times > 0 && wait > 0 {
                    refused(Problem::too_many_requests(wait.cast_unsigned()))
                } else {
                    Ok(EventKind::Edited { target, author: message.author.clone(), body: body.clone() })
                }
            }
        }
    }

    /// Whether the room has this message, as far as the window shows. What the archive has before the window is not
    /// read for it, since a reply must not be overtaken by a later message: who reads the reply compares the ids.
    pub(super) fn can_reply_to(&self, target: Target) -> bool {
        match self.window.get(target.seq) {
            Some(event) => event.message().is_some_and(|message| message.id == target.id),
            None => self.state.retention == Retention::Preserved && target.seq < self.head,
        }
    }

    /// The event that a change is about, and the retention that it was appended under.
    fn target(&self, touch: &Touch) -> Result<(Cow<'_, Event>, Retention), Box<Verdict>> {
        let (seq, now) = (touch.target.seq, self.state.retention);
        let (event, kept) = match (self.window.get(seq), &touch.found) {
            (Some(event), _) => (Cow::Borrowed(event), self.window.retention_at(seq, now)),
            (None, Some(Found { event: None, .. })) => return Err(refused(message_gone())),
            (None, Some(Found { event: Some(event), read_at })) => match self.window.update(event, *read_at) {
                Some(event) => (Cow::Owned(event), Retention::Preserved),
                None => return Err(refused(overloaded())),
            },
            // The window had it when the command came.
            (None, None) => return Err(refused(overloaded())),
        };
        // What was said before the room kept its messages is not in the archive, where the touch would go.
        if (kept, now) == (Retention::Ephemeral, Retention::Preserved) {
            return Err(refused(message_gone()));
        }
        Ok((event, kept))
    }
}

fn refused(problem: Problem) -> Box<Verdict> {
    Box::new(Verdict::Refused(problem))
}
