//! Events: a connection as Server-Sent Events, for clients that cannot open a WebSocket.
//!
//! Such a connection is like every other: it speaks WebSocket over one end of a socket pair. This file is the client at
//! the other end. [`Events`] turns the frames that are written there into events, and [`of_client`] turns the texts
//! that the client posts into frames to be written there.

use std::io::{self, Cursor};

use bytes::{Buf, Bytes, BytesMut};
use tokio::net::unix::OwnedReadHalf;
use tungstenite::protocol::frame::{
    Frame as WebSocketFrame, FrameHeader,
    coding::{Control, Data, OpCode},
};

/// Bytes per read. Every idle stream holds such a buffer.
const READ_BYTES: usize = 4 * 1024;

/// The frames of a server as events. They are read only as somebody asks for them, so a client that does not read its
/// events has a backlog, as with a socket.
#[derive(Debug)]
pub struct Events {
    far: OwnedReadHalf,
    /// What was read and is not turned into events yet: the start of a header.
    read: BytesMut,
    /// Bytes that are still to come of the present frame's text.
    rest: u64,
    is_over: bool,
}

impl Events {
    /// The events of the connection whose other end this is.
    pub fn of(far: OwnedReadHalf) -> Self {
        Self { far, read: BytesMut::new(), rest: 0, is_over: false }
    }

    /// The next bytes of events. A long frame comes in several parts. `None` after the close frame, or if the
    /// connection is gone.
    pub async fn next(&mut self) -> Option<Bytes> {
        let mut events = Vec::new();
        while !self.is_over {
            self.far.readable().await.ok()?;
            self.read.reserve(READ_BYTES);
            match self.far.try_read_buf(&mut self.read) {
                Ok(0) => self.is_over = true,
                Ok(_) => self.turn(&mut events),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.is_over = true,
            }
            if !events.is_empty() {
                return Some(events.into());
            }
        }
        None
    }

    /// Turns what was read into events.
    fn turn(&mut self, events: &mut Vec<u8>) {
        loop {
            if self.rest > 0 {
                let part = usize::try_from(self.rest).unwrap_or(usize::MAX).min(self.read.len());
                events.extend_from_slice(&self.read.split_to(part));
                self.rest -= part as u64;
                if self.rest > 0 {
                    return;
                }
                events.extend_from_slice(b"\n\n");
            }
            let mut header = Cursor::new(&self.read);
            let Ok(Some((FrameHeader { opcode, .. }, length))) = FrameHeader::parse(&mut header) else { return };
            let header = usize::try_from(header.position()).unwrap_or_default();
            self.read.advance(header);
            match opcode {
                // JSON in one line, so it needs no further `data:`.
                OpCode::Data(_) => {
                    events.extend_from_slice(b"data:");
                    self.rest = length;
                }
                // Pings of the server are empty.
                OpCode::Control(Control::Ping) => events.extend_from_slice(b"event:ping\ndata:\n\n"),
                OpCode::Control(_) => {
                    self.is_over = true;
                    return;
                }
            }
        }
    }
}

/// The frames of a client that has posted these texts. Without any, it is a pong: the client is there.
pub fn of_client<'a>(texts: impl IntoIterator<Item = &'a str>) -> Bytes {
    let mut bytes = Vec::new();
    for text in texts {
        write(&mut bytes, OpCode::Data(Data::Text), text);
    }
    if bytes.is_empty() {
        write(&mut bytes, OpCode::Control(Control::Pong), "");
    }
    bytes.into()
}

fn write(bytes: &mut Vec<u8>, opcode: OpCode, text: &str) {
    // A client has to mask. This mask changes nothing, since no proxy reads these bytes.
    let header = FrameHeader { opcode, mask: Some([0; 4]), ..FrameHeader::default() };
    let frame = WebSocketFrame::from_payload(header, Bytes::copy_from_slice(text.as_bytes()));
    frame.format(bytes).expect("a vector takes all that is written to it");
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt, net::UnixStream};

    use super::*;
    use crate::{
        protocol::ServerFrame,
        server::socket::{CloseCode, Connection, Frame, Incoming, Wire},
    };

    /// A connection, and its events.
    fn open() -> (Connection, Events) {
        let (near, far) = UnixStream::pair().unwrap();
        // The half for writing closes its side when it is dropped, which would end the connection.
        let (reading, writing) = far.into_split();
        writing.forget();
        (Connection::open(Wire::Pair(near)), Events::of(reading))
    }

    async fn text_of(events: &mut Events) -> String {
        let mut text = Vec::new();
        while let Some(part) = events.next().await {
            text.extend_from_slice(&part);
        }
        String::from_utf8(text).unwrap()
    }

    #[tokio::test]
    async fn frames_are_events_in_order_however_long_and_the_close_frame_is_the_end() {
        let (connection, mut events) = open();
        let long = "x".repeat(70_000);
        connection.answer(&ServerFrame::Pong { n: 1 });
        connection.ping(&Frame::ping());
        connection.push(&Frame::together(&[Frame::text("{}"), Frame::text(long.clone()), Frame::text("[]")]));
        let incoming = Incoming::of(connection, Vec::new(), 1_024);
        let closing = tokio::spawn(incoming.close(Some(CloseCode::Normal)));
        let expected =
            format!("data:{{\"pong\":{{\"n\":1}}}}\n\nevent:ping\ndata:\n\ndata:{{}}\n\ndata:{long}\n\ndata:[]\n\n");
        assert_eq!(text_of(&mut events).await, expected);
        drop(events);
        closing.await.unwrap();
    }

    #[tokio::test]
    async fn a_connection_that_is_gone_is_the_end() {
        let (connection, mut events) = open();
        connection.answer(&ServerFrame::Pong { n: 1 });
        drop(connection);
        assert_eq!(text_of(&mut events).await, "data:{\"pong\":{\"n\":1}}\n\n");
    }

    #[tokio::test]
    async fn what_a_client_posts_is_read_as_its_messages() {
        let (near, mut far) = UnixStream::pair().unwrap();
        let mut incoming = Incoming::of(Connection::open(Wire::Pair(near)), Vec::new(), 100_000);
        let long = "x".repeat(70_000);
        let posted = of_client(["{}", &long]);
        let posting = tokio::spawn(async move {
            far.write_all(&posted).await.unwrap();
            far.write_all(&of_client([])).await.unwrap();
        });
        for expected in ["{}", &long] {
            assert_eq!(incoming.next().await.unwrap().into_text().unwrap().as_str(), expected);
        }
        assert!(incoming.next().await.unwrap().is_pong());
        assert!(incoming.next().await.is_none());
        posting.await.unwrap();
    }
}
