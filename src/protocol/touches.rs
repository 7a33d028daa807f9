//! Touches: events that change what an earlier message shows (`edited`, `deleted`). A touch has a seq, and is no row of
//! the timeline.
//!
//! Wherever a message is stored or shown, it is in its current state: every touch is folded into it by
//! [`Message::fold`]. The message's `rev` is the seq of the last touch that it contains. A touch up to `rev` changes
//! nothing, so a message may be read before or after a touch arrives, with the same result.

use super::{Edit, Event, EventKind, Message, MessageBody, Millis, Seq, Target};

/// How long after it was sent a message can be edited, if that is possible for so many minutes. A negative number means
/// always.
pub fn editable_for(minutes: i32) -> Millis {
    if minutes < 0 { Millis::MAX } else { Millis::from(minutes) * 60_000 }
}

impl EventKind {
    /// Whether events of this kind change an earlier message, and are no row of the timeline.
    pub fn is_touch(&self) -> bool {
        self.target().is_some()
    }

    /// The message that an event of this kind changes.
    pub fn target(&self) -> Option<Target> {
        match self {
            Self::Edited { target, .. } | Self::Deleted { target, .. } => Some(*target),
            Self::Message(_)
            | Self::Joined { .. }
            | Self::Left { .. }
            | Self::Removed { .. }
            | Self::Renamed { .. }
            | Self::RetentionChanged { .. }
            | Self::PeekChanged { .. }
            | Self::Owner { .. }
            | Self::Other(..) => None,
        }
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

    /// Removes the text of an `edited` event that a later touch of the same message has made void.
    pub fn void(&mut self) {
        if let EventKind::Edited { body, .. } = &mut self.kind {
            *body = MessageBody::stored("");
        }
    }
}

impl Message {
    /// Folds a touch into the message at `seq`. Returns whether the message changed. A deletion is final.
    pub fn fold(&mut self, seq: Seq, touch: &Event) -> bool {
        let is_target = touch.kind.target() == Some(Target { seq, id: self.id });
        if !is_target || touch.seq <= self.rev || self.deleted.is_some() {
            return false;
        }
        self.rev = touch.seq;
        match &touch.kind {
            EventKind::Edited { body, .. } => {
                // A void edit comes with the later touch that made it void.
                if !body.as_str().is_empty() {
                    self.body.clone_from(body);
                }
                let times = self.edited.map_or(0, |edit| edit.times) + 1;
                self.edited = Some(Edit { seq: touch.seq, at: touch.at, times });
            }
            EventKind::Deleted { by, .. } => {
                self.body = MessageBody::stored("");
                (self.edited, self.reply_to) = (None, None);
                self.deleted = Some(by.clone());
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
