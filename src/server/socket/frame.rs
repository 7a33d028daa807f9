//! Frames: what is sent to clients. A frame is encoded once and shared by all connections that it is sent to.

use bytes::Bytes;
use serde::Serialize;
use tungstenite::protocol::frame::{
    Frame as WebSocketFrame,
    coding::{Data, OpCode},
};

/// One or more WebSocket text frames with JSON, as bytes on the wire. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Frame {
    bytes: Bytes,
    count: usize,
}

impl Frame {
    /// Encodes a value as JSON in a text frame.
    pub fn of(said: &impl Serialize) -> Self {
        let json = serde_json::to_vec(said).expect("frames have string keys and no failing serializers");
        Self::text(json)
    }

    /// A text frame with this text.
    pub fn text(text: impl Into<Bytes>) -> Self {
        Self::encoded(encode(WebSocketFrame::message(text, OpCode::Data(Data::Text), true)))
    }

    /// A WebSocket ping frame.
    pub(super) fn ping() -> Self {
        Self::encoded(encode(WebSocketFrame::ping(Bytes::new())))
    }

    /// One frame that is encoded already.
    pub(super) fn encoded(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), count: 1 }
    }

    /// Joins frames, in this order, so that they are sent in one write.
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

    /// The number of WebSocket frames.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

fn encode(frame: WebSocketFrame) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frame.len());
    frame.format(&mut bytes).expect("a vector takes all that is written to it");
    bytes
}
