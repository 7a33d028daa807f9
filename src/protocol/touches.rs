//! Touches: events that change what earlier messages show (`edited`, `deleted`, `reacted`). A touch has a seq, and is
//! no row of the timeline.
//!
//! Wherever a message is stored or shown, it is in its current state: every touch is folded into it by
//! [`Message::fold`]. The message's `rev` is the seq of the last touch that it contains. A touch up to `rev` changes
//! nothing, so a message may be read before or after a touch arrives, with the same result.

use super::{Edit, Event, EventKind, MemberId, Message, MessageBody, Millis, Seq, Target, reactions::react};

/// How long after it was sent a message can be edited, if that is possible for so many minutes. A negative number means
/// always.
pub fn editable_for(minutes: i32) -> Millis {
    if minutes < 0 { Millis::MAX } else { Millis::from(minutes) * 60_000 }
}

impl EventKind {
    /// Whether events of this kind change earlier messages, and are no rows of the timeline.
    pub fn is_touch(&self) -> bool {
        matches!(self, Self::Edited { .. } | Self::Deleted { .. } | Self::Reacted { .. })
    }

    /// The messages that an event of this kind changes. The same one may come more than once.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        let (one, changes) = match self {
            Self::Edited { target, .. } | Self::Deleted { target, .. } => (Some(*target), &[][..]),
            Self::Reacted { changes } => (None, &changes[..]),
            Self::Message(_)
            | Self::Joined { .. }
            | Self::Left { .. }
            | Self::Removed { .. }
            | Self::Renamed { .. }
            | Self::RetentionChanged { .. }
            | Self::PeekChanged { .. }
            | Self::Owner { .. }
            | Self::Other(..) => (None, &[][..]),
        };
        one.into_iter().chain(changes.iter().map(|change| change.target))
    }
}

impl Event {
    /// Folds a touch into this event, if this is the message that the touch is about. Returns whether it changed.
    pub fn fold(&mut self, touch: &Self) -> bool {
        match &mut self.kind {
            EventKind::Message(message) => message.fold(self.seq, touch),
            _ => false,
        }
    }

    /// Removes from a message what a client with these member ids is not sent: the ids of many who reacted.
    pub fn cut_for(&mut self, reader: &[MemberId]) {
        if let EventKind::Message(message) = &mut self.kind {
            for reaction in &mut message.reactions {
                reaction.cut_for(reader);
            }
        }
    }

    /// Removes the text of an `edited` event, and whom it mentions, since a later touch of the same message has made it
    /// void.
    pub fn void(&mut self) {
        if let EventKind::Edited { body, mentions, everyone, .. } = &mut self.kind {
            *body = MessageBody::stored("");
            (*mentions, *everyone) = (Vec::new(), false);
        }
    }
}

impl Message {
    /// Folds a touch into the message at `seq`. Returns whether the message changed. A deletion is final.
    pub fn fold(&mut self, seq: Seq, touch: &Event) -> bool {
        let here = Target { seq, id: self.id };
        if !touch.kind.targets().any(|target| target == here) || touch.seq <= self.rev || self.deleted.is_some() {
            return false;
        }
        self.rev = touch.seq;
        match &touch.kind {
            EventKind::Edited { body, mentions, everyone, .. } => {
                // A void edit comes with the later touch that made it void.
                if !body.as_str().is_empty() {
                    self.body.clone_from(body);
                    self.mentions.clone_from(mentions);
                    self.everyone = *everyone;
                }
                let times = self.edited.map_or(0, |edit| edit.times) + 1;
                self.edited = Some(Edit { seq: touch.seq, at: touch.at, times });
            }
            EventKind::Deleted { by, .. } => {
                self.body = MessageBody::stored("");
                (self.edited, self.reply_to) = (None, None);
                self.reactions = Vec::new();
                (self.mentions, self.everyone) = (Vec::new(), false);
                self.deleted = Some(by.clone());
            }
            EventKind::Reacted { changes } => {
                for change in changes.iter().filter(|change| change.target == here) {
                    for member in &change.who {
                        react(&mut self.reactions, &change.e, *member, change.on);
                    }
                }
            }
            _ => {}
        }
        true
    }

    /// Whether this message was sent with this text, as far as that is known: the text may have changed since.
    pub fn was_sent_as(&self, body: &MessageBody) -> bool {
        self.edited.is_some() || self.deleted.is_some() || self.body == *body
    }
}
