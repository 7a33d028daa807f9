//! What both drivers of the bus need to append to a tail. [`Batch`] checks the events before they reach a tail, and
//! [`Remembered`] is what a tail stores of each message to recognise a retry.

use std::collections::HashSet;

use anyhow::anyhow;
use sha2::{Digest, Sha256};

use super::Result;
use crate::{
    protocol::{ClientId, Event, MemberId, Message, MessageBody, Millis, Seq},
    server::store::Earlier,
};

/// The key by which a tail recognises a message: the author, and the id that the author's client gave the message.
pub(super) type MessageKey = (MemberId, ClientId);

/// The key of a message.
pub(super) fn key_of(message: &Message) -> MessageKey {
    (message.author.id, message.id)
}

/// Events that were checked to be a piece of a log: consecutive seqs, and no message twice.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    /// The events; never empty.
    pub events: &'a [Event],
    /// The seq that the tail's head must have.
    pub follows: Seq,
    /// The seq of the tail's head after the append.
    pub head: Seq,
    /// The ordinal of the last message at the end of the batch, if an event of the batch states it.
    pub n: Option<u64>,
}

impl<'a> Batch<'a> {
    /// Checks that the seqs are consecutive and start above 0, and that no message is in the batch twice. A message
    /// that is in it twice could not be answered: `IdTaken` would name a seq at which nothing is stored.
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

/// What a tail stores of a message. It outlives the message's event in the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remembered {
    seq: Seq,
    at: Millis,
    /// The first half of the SHA-256 of the body. It tells different bodies apart, and does not contain the text.
    digest: u128,
}

impl Remembered {
    /// What to store of the message in this event.
    pub fn of(event: &Event, message: &Message) -> Self {
        Self { seq: event.seq, at: event.at, digest: digest(&message.body) }
    }

    /// The answer for a batch whose event at `index` has the same id again, with the body `again`.
    pub fn earlier(&self, index: usize, again: &MessageBody) -> Earlier {
        Earlier { index, seq: self.seq, at: self.at, same_body: self.digest == digest(again) }
    }

    /// The text form, for a driver that stores text.
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
