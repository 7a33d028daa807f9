//! The outbox of a room as the tab or the device stores it, so that a reload or a room that is dropped from memory
//! loses no message.
//!
//! Messages to a preserved room of an account are stored on the device, and survive a browser that is killed. All
//! others are stored in the tab, so that no disk has them. This file only makes and reads the text. `signals::tab`
//! stores it.

use serde::{Deserialize, Serialize};

use crate::protocol::{ClientId, Draft, DraftKind, DraftState, MemberId, Mentions, MessageBody, Problem, RoomCode};

use super::{Act, Ending, LocalRoom};

/// A draft in the outbox, as it is stored. A draft with a `Problem` was refused for good, and is sent again only when
/// the person retries it. Earlier versions left the kind of a plain message out. `public/store.js` reads all of it.
#[derive(Serialize, Deserialize)]
struct OutboxEntry(
    ClientId,
    MessageBody,
    Option<Problem>,
    #[serde(default)] DraftKind,
    #[serde(default, skip_serializing_if = "Mentions::is_empty")] Mentions,
);

/// What has to be stored of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToStore {
    /// The code of the room.
    pub code: RoomCode,
    /// The author of the messages.
    pub member: MemberId,
    /// The outbox as JSON, empty if it has no message. `None` if the room is over for this person, so that nothing of
    /// theirs may stay, neither in the tab nor on the device.
    pub outbox: Option<String>,
    /// Whether the outbox belongs on the device, and not into the tab.
    pub on_device: bool,
    /// Whether the device may have something of the room that must not stay there.
    pub leaves_device: bool,
}

impl LocalRoom {
    /// Puts back what was stored before a reload, and sends it, if that is possible. Only from then on is the outbox
    /// stored, so that nothing replaces the stored one unread. What the person wrote meanwhile comes after it.
    pub fn restore_stored(&mut self, stored: &[String], now: u64) -> Vec<Act> {
        let written_since = std::mem::take(&mut self.replica.outbox);
        for stored in stored {
            let entries = serde_json::from_str::<Vec<OutboxEntry>>(stored).unwrap_or_default();
            for OutboxEntry(id, body, refusal, kind, mentions) in entries {
                if written_since.iter().all(|draft| draft.id != id) {
                    self.restore(id, kind, body, mentions, refusal);
                }
            }
        }
        self.replica.outbox.extend(written_since);
        self.is_restored = true;
        self.touch();
        self.flush(now)
    }

    /// Returns what has to be stored since the last call, if anything.
    pub fn take_to_store(&mut self) -> Option<ToStore> {
        let is_changed = std::mem::take(&mut self.unstored) && self.is_restored;
        let outbox = match self.ending() {
            Some(Ending::Removed { .. } | Ending::Exited | Ending::Left | Ending::Outside) => None,
            // After an absence the person can come back and send what is in the outbox, so it stays stored.
            None | Some(Ending::Returning | Ending::Away(_)) if is_changed => Some(self.outbox_to_store()),
            None | Some(Ending::Returning | Ending::Away(_)) => return None,
        };
        let on_device = outbox.is_some() && self.is_on_device();
        let was_on_device = self.is_stored_on_device.replace(on_device);
        let leaves_device = self.has_account && !on_device && was_on_device != Some(false);
        Some(ToStore { code: self.code, member: self.replica.you.member_id, outbox, on_device, leaves_device })
    }

    fn outbox_to_store(&self) -> String {
        let refusal = |draft: &Draft| match &draft.state {
            DraftState::Failed(problem) => Some(problem.clone()),
            DraftState::Pending | DraftState::Sent(_) => None,
        };
        let entry = |draft: &Draft| {
            OutboxEntry(draft.id, draft.body.clone(), refusal(draft), draft.kind, draft.mentions.clone())
        };
        let drafts: Vec<OutboxEntry> = self.replica.outbox.iter().map(entry).collect();
        if drafts.is_empty() { String::new() } else { serde_json::to_string(&drafts).unwrap_or_default() }
    }
}
