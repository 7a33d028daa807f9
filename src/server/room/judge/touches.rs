//! Judging touches: who may change which message, and until when.
//!
//! The message is found in the window. The room's task reads an older one from the archive before the command is judged
//! ([`Found`]), and the touches that came since are folded into it. A touch that another node judges by an older state
//! does no harm, because the fold goes by the order of the log.

use std::borrow::Cow;

use super::{
    super::{
        command::{Calls, Done, Found, Touch},
        refusals::{
            edited_meanwhile, kept_elsewhere, message_gone, not_a_member, not_author, overloaded, too_late_to_edit,
            too_many_for_everyone,
        },
    },
    Judge, Verdict,
};
use crate::protocol::{
    Edit, Event, EventKind, Message, MessageBody, Millis, Nickname, Person, Problem, Retention, Seq, Target,
};

/// How often the text of a message can be changed.
const EDITS: u32 = 10;
/// The shortest pause between two changes of one message's text.
const EDIT_PAUSE: Millis = 5_000;

/// The message that a change is about.
pub(super) struct Wanted<'a> {
    /// The name of the member who asks.
    name: Nickname,
    pub event: Cow<'a, Event>,
    /// The retention that the message was appended under.
    pub kept: Retention,
}

impl Judge<'_> {
    pub(super) fn deleted(&self, touch: &Touch) -> Result<EventKind, Box<Verdict>> {
        let Wanted { name, event, .. } = self.wanted(touch)?;
        let Some(message) = event.message() else { return Err(refused(message_gone())) };
        let is_own = touch.is_by(message.author.id);
        if !is_own && touch.member != self.state.owner {
            Err(refused(not_author()))
        } else if message.deleted.is_some() {
            Err(self.is_so(touch, message))
        } else {
            let by = if is_own { message.author.clone() } else { Person { id: touch.member, name } };
            Ok(EventKind::Deleted { target: touch.target, n: message.n, by })
        }
    }

    pub(super) fn edited(
        &self,
        touch: &Touch,
        body: &MessageBody,
        after: Option<Seq>,
        calls: &Calls,
    ) -> Result<EventKind, Box<Verdict>> {
        let Wanted { event, kept, .. } = self.wanted(touch)?;
        let Some(message) = event.message() else { return Err(refused(message_gone())) };
        let Edit { seq, at: edited_at, times } = message.edited.unwrap_or(Edit { seq: 0, at: 0, times: 0 });
        let wait = edited_at + EDIT_PAUSE - self.now;
        let (mentions, everyone) = (self.called(calls, &message.mentions), calls.everyone);
        if !touch.is_by(message.author.id) {
            Err(refused(not_author()))
        } else if message.deleted.is_some() {
            Err(refused(message_gone()))
        } else if (&message.body, &message.mentions, message.everyone) == (body, &mentions, everyone) {
            Err(self.is_so(touch, message))
        } else if kept != self.state.retention {
            Err(refused(kept_elsewhere()))
        } else if after.is_some_and(|after| after != seq) {
            Err(refused(edited_meanwhile()))
        } else if self.now - event.at > self.editable || times == EDITS {
            Err(refused(too_late_to_edit()))
        } else if times > 0 && wait > 0 {
            Err(refused(Problem::too_many_requests(wait.cast_unsigned())))
        } else if everyone && !message.everyone && !self.can_call_everyone(touch.member) {
            Err(refused(too_many_for_everyone()))
        } else {
            let (target, author) = (touch.target, message.author.clone());
            Ok(EventKind::Edited { target, author, body: body.clone(), mentions, everyone })
        }
    }

    /// The verdict on a change that is made already.
    pub(super) fn is_so(&self, touch: &Touch, message: &Message) -> Box<Verdict> {
        Box::new(Verdict::Already(Done { seq: message.rev.max(touch.target.seq), at: self.now }))
    }

    /// Whether the room has this message, as far as the window shows. What the archive has before the window is not
    /// read for it, since a reply must not be overtaken by a later message: who reads the reply compares the ids.
    pub(super) fn can_reply_to(&self, target: Target) -> bool {
        match self.window.get(target.seq) {
            Some(event) => event.message().is_some_and(|message| message.id == target.id),
            None => self.state.retention == Retention::Preserved && target.seq < self.head,
        }
    }

    /// Finds the message that a change is about, for a member who is in the room.
    pub(super) fn wanted(&self, touch: &Touch) -> Result<Wanted<'_>, Box<Verdict>> {
        let Some(name) = self.name_of(touch.member) else { return Err(refused(not_a_member())) };
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
        let is_it = event.message().is_some_and(|message| message.id == touch.target.id);
        if is_it { Ok(Wanted { name, event, kept }) } else { Err(refused(message_gone())) }
    }
}

pub(super) fn refused(problem: Problem) -> Box<Verdict> {
    Box::new(Verdict::Refused(problem))
}
