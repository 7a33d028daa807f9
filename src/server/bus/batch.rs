//! What both drivers ask of a batch before it reaches a tail, and what a tail remembers of its messages.

use std::collections::HashSet;

use anyhow::anyhow;
use sha2::{Digest, Sha256};

use super::Result;
use crate::{
    protocol::{ClientId, Event, MemberId, Message, MessageBody, Millis, Seq},
    server::store::Earlier,
};

/// What a message is recognised by: who said it, and the id their client gave it.
pub(super) type MessageKey = (MemberId, ClientId);

/// The key of a message.
pub(super) fn key_of(message: &Message) -> MessageKey {
    (message.author.id, message.id)
}

/// A batch that is in itself a piece of a log.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    /// Its events; never empty.
    pub events: &'a [Event],
    /// The seq that has to be the tail's head.
    pub follows: Seq,
    /// The seq that is the head afterwards.
    pub head: Seq,
    /// The ordinal of the last message up to its end, if it says it.
    pub n: Option<u64>,
}

impl<'a> Batch<'a> {
    /// Checks that the events follow one another, and that no message is in the batch twice: `IdTaken` would then have to
    /// name a seq at which nothing is stored.
    pub fn of(events: &'a [Event]) -> Result<Self> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            return Err(anyhow!("a batch without events").into());
        };
        if first.seq == 0 || events.windows(2).any(|pair| pair[1].seq != pair[0].seq + 1) {
            return Err(anyhow!("the seqs of a batch do not follow one another").into());
        }
        let mut keys = HashSet::new();
        if !events.iter().filter_map(Event::message).all(|message| keys.insert(key_of(message))) {
            return Err(anyhow!("a batch has one message id twice").into());
        }
        let n = events.iter().rev().find_map(Event::ordinal);
        Ok(Self { events, follows: first.seq - 1, head: last.seq, n })
    }
}

/// What a tail keeps of a message, longer than the message itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    seq: Seq,
    at: Millis,
    /// The first half of the body's SHA-256: enough to tell another body, and not the text.
    digest: u128,
}

impl Remembered {
    /// What to keep of the message in this event.
    pub fn of(event: &Event, message: &Message) -> Self {
        Self { seq: event.seq, at: event.at, digest: digest(&message.body) }
    }

    /// What to tell somebody whose event at `index` has the id again.
    pub fn earlier(&self, index: usize, again: &MessageBody) -> Earlier {
        Earlier { index, seq: self.seq, at: self.at, same_body: self.digest == digest(again) }
    }

    /// As text, for a driver that keeps text.
    pub fn to_text(self) -> String {
        format!("{}|{}|{:032x}", self.seq, self.at, self.digest)
    }

    /// Reads [`to_text`](Self::to_text) back.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split('|');
        Some(Self {
            seq: parts.next()?.parse().ok()?,
            at: parts.next()?.parse().ok()?,
            digest: u128::from_str_radix(parts.next()?, 16).ok()?,
        })
    }
}

fn digest(body: &MessageBody) -> u128 {
    let hash = Sha256::digest(body.as_str());
    hash.iter().take(16).fold(0, |digest, byte| digest << 8 | u128::from(*byte))
}
