//! Drafts: what a person has written or wants changed, and what the server has not confirmed yet. A replica's outbox
//! consists of them.

use serde::{Deserialize, Serialize};

use super::{Ack, ClientFrame, ClientId, Mentions, MessageBody, Problem, RoomCode, Seq, Target};

/// A message of this client, or a change of one, that is not in the timeline yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The id of the message or change, the same for every attempt to send it.
    pub id: ClientId,
    /// The request to the server.
    pub kind: DraftKind,
    /// The text of the message. Empty for a deletion.
    pub body: MessageBody,
    /// Whom the text mentions.
    pub mentions: Mentions,
    /// How far the draft has been sent.
    pub state: DraftState,
}

/// A request to the server. In JSON it is a part of an outbox that a client has stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftKind {
    /// To add a message.
    #[default]
    Message,
    /// To add a message that replies to an earlier one.
    Reply(Target),
    /// To change the text of an earlier message.
    Edit {
        /// The message.
        target: Target,
        /// The seq of the last edit that the author has seen, 0 for none. `None` if an edit of this client is under
        /// way.
        after: Option<Seq>,
    },
    /// To delete an earlier message.
    Delete(Target),
    /// To put the emoji that is the body of the draft to an earlier message, or to take it away. Such a draft is in no
    /// outbox.
    React {
        /// The message.
        target: Target,
        /// Whether the emoji is put to the message.
        on: bool,
    },
}

impl DraftKind {
    /// The earlier message that is to be changed.
    pub fn target(self) -> Option<Target> {
        match self {
            Self::Edit { target, .. } | Self::Delete(target) | Self::React { target, .. } => Some(target),
            Self::Message | Self::Reply(_) => None,
        }
    }

    /// The earlier message that a reply is to.
    pub fn reply_to(self) -> Option<Target> {
        match self {
            Self::Reply(target) => Some(target),
            Self::Message | Self::Edit { .. } | Self::Delete(_) | Self::React { .. } => None,
        }
    }
}

/// How far a draft has been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DraftState {
    /// The draft is not sent, or sent and not acknowledged.
    Pending,
    /// The server has acknowledged the draft. Its event has not arrived yet.
    Sent(Ack),
    /// The server has refused the draft. It stays until the person tries again or discards it.
    Failed(Problem),
}

impl Draft {
    /// Whether the draft is this message, or is about it.
    pub fn concerns(&self, message: ClientId) -> bool {
        self.id == message || self.kind.target().is_some_and(|target| target.id == message)
    }

    /// The frame that sends the draft.
    pub fn frame(&self, code: RoomCode) -> ClientFrame {
        let (id, body) = (self.id, self.body.as_str().to_owned());
        let (mentions, everyone) = (self.mentions.ids(), self.mentions.everyone);
        match self.kind {
            DraftKind::Message | DraftKind::Reply(_) => {
                ClientFrame::Send { code, id, body, reply_to: self.kind.reply_to(), mentions, everyone }
            }
            DraftKind::Edit { target, after } => {
                ClientFrame::Edit { code, id, target, body, after, mentions, everyone }
            }
            DraftKind::Delete(target) => ClientFrame::Delete { code, id, target },
            DraftKind::React { target, on } => ClientFrame::React { code, id, target, e: body, on },
        }
    }
}
