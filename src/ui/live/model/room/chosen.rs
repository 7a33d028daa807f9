//! One message, chosen by the person, and what they may do with it.
//!
//! The page offers what is likely to succeed. The server decides.

use crate::protocol::{
    ClientId, DraftKind, DraftState, Event, MemberId, Mentions, Message, MessageBody, Millis, Nickname, Target,
    editable_for,
};

use crate::ui::timeline::reacted;

use super::LocalRoom;

/// A message of the timeline or of the outbox, as it is shown.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub author: MemberId,
    pub id: ClientId,
    /// The name of the author.
    pub name: Nickname,
    /// Whether this person is the author.
    pub own: bool,
    pub body: MessageBody,
    /// Whom the text mentions.
    pub mentions: Mentions,
    /// Where the message is in the log. `None` if it is in the outbox, or in a log that was lost.
    pub target: Option<Target>,
    pub can_reply: bool,
    pub can_edit: bool,
    pub can_delete: bool,
    /// The emoji that this person has at the message.
    pub reacted: Vec<String>,
}

impl LocalRoom {
    /// The message of this author with this id. `None` if there is none, or if it is deleted.
    pub fn chosen(&self, author: MemberId, id: ClientId, time: Millis) -> Option<Chosen> {
        let own = self.own_ids.contains(&author);
        let is_here = self.ending().is_none();
        let Some((event, is_current)) = self.replica.find_message(author, id) else {
            let drafts = &mut self.replica.outbox.iter();
            let draft = drafts.find(|draft| own && draft.id == id && draft.kind.target().is_none())?;
            let can_edit = is_here && !matches!(draft.state, DraftState::Sent(_));
            return Some(Chosen {
                author,
                id,
                name: self.replica.you.nickname.clone(),
                own,
                body: draft.body.clone(),
                mentions: draft.mentions.clone(),
                target: None,
                can_reply: false,
                can_edit,
                can_delete: can_edit && !self.outgoing.has(id),
                reacted: Vec::new(),
            });
        };
        let message = event.message().filter(|message| message.deleted.is_none())?;
        let target = is_current.then_some(Target { seq: event.seq, id });
        let mut changes = self.replica.outbox.iter().filter(|draft| target.is_some() && draft.kind.target() == target);
        let change = changes.next_back();
        if change.is_some_and(|change| matches!(change.kind, DraftKind::Delete(_))) {
            return None;
        }
        let can_change = is_here && target.is_some();
        Some(Chosen {
            author,
            id,
            name: message.author.name.clone(),
            own,
            body: change.map_or(&message.body, |change| &change.body).clone(),
            mentions: change.map_or_else(|| message.mentioned(), |change| change.mentions.clone()),
            target,
            can_reply: can_change,
            can_edit: can_change && own && time - event.at <= editable_for(self.replica.room.edit_minutes),
            reacted: target
                .map_or_else(Vec::new, |target| reacted(message, target, &self.own_ids, self.reactions.wanted())),
            can_delete: can_change && (own || self.own_ids.contains(&self.replica.state.owner)),
        })
    }

    /// The message that the composer replied to when the room was shown before.
    pub fn replying(&self) -> Option<Chosen> {
        let (author, id) = self.replying?;
        self.chosen(author, id, 0).filter(|chosen| chosen.can_reply)
    }

    /// This person's last message, if its text can be changed.
    pub fn last_own(&self, time: Millis) -> Option<Chosen> {
        let mut drafts = self.replica.outbox.iter();
        let draft = drafts.rfind(|draft| draft.kind.target().is_none());
        let is_own = |message: &&Message| self.own_ids.contains(&message.author.id) && message.deleted.is_none();
        let said = || self.replica.events.iter().rev().filter_map(Event::message).find(is_own);
        let (author, id) = match draft {
            Some(draft) => (self.replica.you.member_id, draft.id),
            None => said().map(|message| (message.author.id, message.id))?,
        };
        self.chosen(author, id, time).filter(|chosen| chosen.can_edit)
    }
}
