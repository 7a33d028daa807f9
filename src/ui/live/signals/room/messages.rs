//! What the person does with messages: writing, replying, editing, deleting, copying, and what becomes of refused ones.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    protocol::{ClientId, Draft, InvalidText, Mentions, MessageBody, Person, Seq, Target, limits::MENTIONS},
    ui::{browser, timeline::RowKey},
};

use super::{
    super::{
        super::model::{Chosen, LocalRoom, RoomInput},
        page_socket::put,
    },
    LiveRoom,
};

/// What the composer is for, if not for a plain message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composing {
    /// The message that is replied to, or edited.
    pub of: Chosen,
    /// Whether it is edited.
    pub is_edit: bool,
}

impl LiveRoom {
    /// Takes what the person has composed: a message, a reply, or another text of a message. It goes into the outbox,
    /// and is sent if possible. An error means that the text is no valid message: nothing is queued, and the composer
    /// keeps its text.
    pub fn say(self, text: &str, mentions: Mentions) -> Result<(), InvalidText> {
        let body = MessageBody::try_from(text)?;
        match self.composing.get_untracked() {
            Some(Composing { of, is_edit: true }) => {
                let shown = self.chosen(RowKey::Message(of.author, of.id));
                if shown.is_none_or(|shown| shown.body != body) {
                    self.change(&of, Some(body), mentions);
                }
            }
            composing => {
                let reply_to = composing.and_then(|composing| composing.of.target);
                self.take_in(RoomInput::Say { id: browser::message_id(), body, mentions, reply_to });
                self.show_end();
                put(self.unread_above, 0);
                self.sent_count.update(|sent_count| *sent_count += 1);
            }
        }
        self.stop_composing();
        Ok(())
    }

    /// Whom a text of the composer mentions: those of the chosen whose names are in it, the author of the message that
    /// it replies to, and whoever is mentioned without a name by the message that it edits.
    pub fn mentions_of(self, text: &str, chosen: Mentions) -> Mentions {
        let mut mentions = Mentions::default();
        match self.composing.get_untracked() {
            Some(Composing { of, is_edit: true }) => mentions = of.mentions.split_by(of.body.as_str()).1,
            Some(Composing { of, .. }) if !of.own => mentions.add(Person { id: of.author, name: of.name }),
            Some(_) | None => {}
        }
        mentions.merge(chosen.split_by(text).0);
        mentions.people.truncate(MENTIONS);
        mentions
    }

    /// The message of a row, and what this person may do with it. `None` if it is deleted, or the row is none of a
    /// message.
    pub fn chosen(self, key: RowKey) -> Option<Chosen> {
        let RowKey::Message(author, id) = key else { return None };
        self.read(|room| room.chosen(author, id, browser::time())).flatten()
    }

    /// Lets the composer reply to a message, or edit it.
    pub fn compose(self, of: Chosen, is_edit: bool) {
        let replying = (!is_edit).then_some((of.author, of.id));
        self.edit(|room| room.set_replying(replying));
        self.composing.set(Some(Composing { of, is_edit }));
    }

    /// Lets the composer write a plain message again.
    pub fn stop_composing(self) {
        self.edit(|room| room.set_replying(None));
        put(self.composing, None);
    }

    /// Lets the composer edit this person's last message. Returns false if that is not possible.
    pub fn edit_last(self) -> bool {
        let last = self.read(|room| room.last_own(browser::time())).flatten();
        last.map(|last| self.compose(last, true)).is_some()
    }

    /// Changes the text of a message. `None` deletes the message.
    pub fn change(self, of: &Chosen, body: Option<MessageBody>, mentions: Mentions) {
        let (id, author, message) = (browser::message_id(), of.author, of.id);
        self.take_in(RoomInput::Change { id, author, message, body, mentions });
    }

    /// Puts an emoji to a message, or takes it away.
    pub fn react(self, target: Target, emoji: &str, on: bool) {
        let emoji = emoji.to_owned();
        self.take_in(RoomInput::React { id: browser::message_id(), target, emoji, on });
    }

    /// Puts an emoji to a message, or takes it away if it is there.
    pub fn toggle_reaction(self, of: &Chosen, emoji: &str) {
        if let Some(target) = of.target {
            self.react(target, emoji, of.reacted.iter().all(|reacted| reacted != emoji));
        }
    }

    /// Copies the text of a message, and says whether that worked.
    pub fn copy_text(self, of: Chosen) {
        spawn_local(async move {
            let is_copied = browser::copy(of.body.into()).await;
            let texts = &self.texts.common;
            self.announcement.say(if is_copied { texts.copied() } else { texts.cannot_copy() }.to_owned());
        });
    }

    /// The row of the message that a reply is to, if its author is known, and its seq.
    pub fn replied_to(self, key: RowKey) -> Option<(RowKey, Seq)> {
        let RowKey::Message(author, id) = key else { return None };
        let of = |room: &LocalRoom| {
            let (reply, _) = room.replica().find_message(author, id)?;
            let target = reply.message()?.reply_to?;
            Some((RowKey::of(room.replica().quoted(target)?), target.seq))
        };
        self.read(of).flatten()
    }

    /// Sends a refused message again.
    pub fn retry(self, id: ClientId) {
        self.take_in(RoomInput::Retry(id));
    }

    /// Moves a refused message, or a refused text of one, from the outbox into the composer.
    pub fn take_back(self, id: ClientId) {
        let draft = |room: &LocalRoom| room.replica().outbox.iter().rfind(|draft| draft.concerns(id)).cloned();
        let Some(Draft { kind, body, mentions, .. }) = self.read(draft).flatten() else { return };
        self.discard(id);
        let edited = |room: &LocalRoom| {
            let id = kind.target()?.id;
            room.replica().you.ids().find_map(|author| room.chosen(author, id, browser::time()))
        };
        match self.read(edited).flatten() {
            Some(of) => self.compose(Chosen { body, mentions, ..of }, true),
            None => self.taken_back.set(Some((body, mentions))),
        }
    }

    /// Removes a refused message from the outbox.
    pub fn discard(self, id: ClientId) {
        self.take_in(RoomInput::Discard(id));
    }
}
