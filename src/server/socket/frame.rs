//! Frames: what clients are sent, encoded once and shared by all who get it.

use bytes::Bytes;
use serde::Serialize;
use tungstenite::protocol::frame::{
    Frame as WebSocketFrame,
    coding::{Data, OpCode},
};

/// One or more WebSocket text frames with JSON in them, as they go over the wire. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Bytes,
    count: usize,
}

impl Frame {
    /// Encodes what a client is told.
    pub fn of(said: &impl Serialize) -> Self {
        let json = serde_json::to_vec(said).expect("frames have string keys and no failing serializers");
        Self::text(json)
    }

    /// A frame with this text.
    pub fn text(text: impl Into<Bytes>) -> Self {
        Self::encoded(encode(WebSocketFrame::message(text, OpCode::Data(Data::Text), true)))
    }

    /// A frame that asks the other side for a sign of life, in the WebSocket's own way.
    pub(super) fn ping() -> Self {
        Self::encoded(encode(WebSocketFrame::ping(Bytes::new())))
    }

    /// One frame that is encoded already.
    pub(super) fn encoded(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), count: 1 }
    }

    /// Frames that leave in one write, in this order.
    pub fn together(frames: &[Self]) -> Self {
        match frames {
            [one] => one.clone(),
            several => {
                let bytes: Vec<u8> = several.iter().flat_map(|frame| &frame.bytes[..]).copied().collect();
                Self { bytes: bytes.into(), count: several.iter().map(|frame| frame.count).sum() }
            }
        }
    }

    /// The bytes on the wire.
    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many WebSocket frames these are.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

fn encode(frame: WebSocketFrame) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frame.len());
    frame.format(&mut bytes).expect("a vector takes all that is written to it");
    bytes
}
