//! The outbox of a room as the tab stores it, so that a reload or a room that is dropped from memory loses no message.
//!
//! This file only makes and reads the text. Session storage itself is in `signals::tab`.

use crate::protocol::{ClientId, Draft, DraftState, MemberId, MessageBody, Problem, RoomCode};

use super::{Ending, LocalRoom};

/// A message in the outbox, as session storage has it. A message with a `Problem` was refused for good, and is sent
/// again only when the person retries it.
type OutboxEntry = (ClientId, String, Option<Problem>);

/// What the tab has to store of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToStore {
    /// The code of the room.
    pub code: RoomCode,
    /// The author of the messages.
    pub member: MemberId,
    /// The outbox as JSON, empty if it has no message. `None` if the room is over for this person, so that nothing of
    /// theirs may stay in the tab.
    pub outbox: Option<String>,
}

impl LocalRoom {
    /// Puts back what the tab stored before a reload. Only from then on is the outbox stored, so that nothing replaces
    /// the stored one unread.
    pub fn restore_stored(&mut self, stored: Option<&str>) {
        let messages = stored.and_then(|stored| serde_json::from_str::<Vec<OutboxEntry>>(stored).ok());
        for (id, body, refusal) in messages.unwrap_or_default() {
            if let Ok(body) = MessageBody::try_from(body) {
                self.restore(id, body, refusal);
            }
        }
        self.is_restored = true;
        self.touch();
    }

    /// Returns what the tab has to store since the last call, if anything.
    pub fn take_to_store(&mut self) -> Option<ToStore> {
        let is_changed = std::mem::take(&mut self.unstored) && self.is_restored;
        let outbox = match self.ending() {
            Some(Ending::Removed { .. } | Ending::Exited | Ending::Left | Ending::Outside) => None,
            // After an absence the person can come back and send what is in the outbox, so it stays stored.
            None | Some(Ending::Returning | Ending::Away(_)) if is_changed => Some(self.outbox_to_store()),
            None | Some(Ending::Returning | Ending::Away(_)) => return None,
        };
        Some(ToStore { code: self.code, member: self.replica.you.member_id, outbox })
    }

    fn outbox_to_store(&self) -> String {
        let refusal = |draft: &Draft| match &draft.state {
            DraftState::Failed(problem) => Some(problem.clone()),
            DraftState::Pending | DraftState::Sent(_) => None,
        };
        let message = |draft: &Draft| (draft.id, draft.body.as_str().to_owned(), refusal(draft));
        let drafts: Vec<OutboxEntry> = self.replica.outbox.iter().map(message).collect();
        if drafts.is_empty() { String::new() } else { serde_json::to_string(&drafts).unwrap_or_default() }
    }
}
