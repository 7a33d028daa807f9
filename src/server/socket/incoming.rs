//! The reading side of a socket: a library (tungstenite) parses what the client sends, and answers pings and closes.
//!
//! The library reads through `Stream`, which never blocks: it returns `WouldBlock` if nothing is there, or if this
//! socket has read enough for one turn. What the library itself writes goes out through the [`Connection`], among the
//! other frames. A client that breaks the protocol gets a close frame with the reason.

use std::io::{self, Read, Write};

use tungstenite::{
    Error, Message, Utf8Bytes, WebSocket,
    error::ProtocolError,
    protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
};

use super::{
    Connection,
    fragments::{FRAGMENTS, Fragments},
};

/// Bytes per read from the system. Enough for a typical message, and small because every idle socket holds such a
/// buffer.
const READ_BYTES: usize = 512;
/// Bytes that a socket reads before it yields to other tasks.
const TURN_BYTES: usize = 64 * 1024;
/// Bytes that are still read and dropped after a close frame to a client that broke the protocol.
const DROPPED_BYTES: usize = 1024 * 1024;

/// Reads the messages of a client.
#[derive(Debug)]
pub struct Incoming {
    socket: WebSocket<Stream>,
    /// The close frame for what the client did wrong.
    fault: Option<CloseFrame>,
}

/// The connection as the library needs it. A read returns what is there without waiting. A write is queued among the
/// frames.
#[derive(Debug)]
struct Stream {
    connection: Connection,
    fragments: Fragments,
    /// Bytes that may still be read in this turn. The library would read on until it has a whole message.
    turn: usize,
}

/// The error for a message with too many fragments.
#[derive(Debug, thiserror::Error)]
#[error("a message in too many fragments")]
struct TooManyFragments;

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.turn == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let read = self.connection.wire().try_read(buffer)?;
        // Counts at least `READ_BYTES`, since even a short read costs a system call.
        self.turn = self.turn.saturating_sub(read.max(READ_BYTES));
        self.check(&buffer[..read])?;
        Ok(read)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.connection.control(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream {
    fn check(&mut self, read: &[u8]) -> io::Result<()> {
        if self.fragments.take(read) { Ok(()) } else { Err(io::Error::other(TooManyFragments)) }
    }
}

impl Incoming {
    /// Reads from a connection, after the bytes in `read`. Frames and messages may have at most `limit` bytes.
    pub fn of(connection: Connection, read: Vec<u8>, limit: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_frame_size(Some(limit))
            .max_message_size(Some(limit));
        let mut stream = Stream { connection, fragments: Fragments::default(), turn: TURN_BYTES };
        let fault = stream.check(&read).is_err().then(too_many_fragments);
        Self { socket: WebSocket::from_partially_read(stream, read, Role::Server, Some(config)), fault }
    }

    /// The next message. Pings and pongs are returned as well; the answer to a ping is sent already. `None` if the
    /// client has gone or broke the protocol. Cancel-safe: dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Message> {
        while self.fault.is_none() {
            self.socket.get_mut().turn = TURN_BYTES;
            match self.socket.read() {
                Ok(message) => {
                    self.connection().heard();
                    // After a close, the next read sends the answer and returns an error that ends the loop.
                    if !message.is_close() {
                        return Some(message);
                    }
                }
                // More bytes may be there, but this turn is over.
                Err(Error::Io(error))
                    if error.kind() == io::ErrorKind::WouldBlock && self.socket.get_ref().turn == 0 =>
                {
                    tokio::task::yield_now().await;
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.connection().wire().readable().await.ok()?;
                }
                Err(error) => {
                    self.fault = fault(&error);
                    return None;
                }
            }
            // Yields to other tasks, even if the client never pauses.
            tokio::task::consume_budget().await;
        }
        None
    }

    /// Closes the WebSocket after everything that waits was sent, and waits until the client has seen it. The close
    /// frame has the code for what the client did wrong, or `otherwise`.
    pub async fn close(mut self, otherwise: Option<CloseCode>) {
        let fault = self.fault.take();
        let is_at_fault = fault.is_some();
        let frame = fault.or_else(|| otherwise.map(|code| CloseFrame { code, reason: Utf8Bytes::default() }));
        // Fails if the client closed first, and then no close frame is needed.
        let _ = self.socket.close(frame);
        if self.connection().flush().await.is_err() {
            return;
        }
        if is_at_fault {
            self.drop_the_rest().await;
        } else {
            while self.next().await.is_some() {}
        }
    }

    /// Reads and drops the rest of the input. The system resets a stream that is closed with unread input, and the
    /// client would not see the close frame.
    async fn drop_the_rest(&self) {
        let wire = self.connection().wire();
        let (mut dropped, mut buffer) = (0, [0; 8 * READ_BYTES]);
        while dropped < DROPPED_BYTES {
            match wire.try_read(&mut buffer) {
                Ok(0) => return,
                Ok(read) => dropped += read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if wire.readable().await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            }
            tokio::task::consume_budget().await;
        }
    }

    fn connection(&self) -> &Connection {
        &self.socket.get_ref().connection
    }
}

fn is_of_fragments(error: &io::Error) -> bool {
    let Some(error) = error.get_ref() else { return false };
    error.is::<TooManyFragments>()
}

fn too_many_fragments() -> CloseFrame {
    let reason = Utf8Bytes::from(format!("A message may have {FRAGMENTS} fragments."));
    CloseFrame { code: CloseCode::Policy, reason }
}

/// The close frame for an error (RFC 6455, section 7.4.1). `None` if the client is gone.
fn fault(error: &Error) -> Option<CloseFrame> {
    let (code, reason) = match error {
        Error::Io(error) if is_of_fragments(error) => return Some(too_many_fragments()),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return None,
        Error::Protocol(_) => (CloseCode::Protocol, "This is not how WebSocket works (RFC 6455)."),
        Error::Utf8(_) => (CloseCode::Invalid, "Text is UTF-8."),
        Error::Capacity(_) => (CloseCode::Size, "A message is too large."),
        _ => return None,
    };
    Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{io::AsyncWriteExt, net::UnixStream, time::timeout};
    use tungstenite::protocol::frame::{
        Frame, FrameHeader,
        coding::{Control, Data, OpCode},
    };

    use super::*;
    use crate::server::socket::Wire;

    const LIMIT: usize = 1024;

    /// The reading side of a socket with these bytes read already, and the client's end of the stream.
    fn open(read: Vec<u8>) -> (Incoming, UnixStream) {
        let (near, far) = UnixStream::pair().unwrap();
        (Incoming::of(Connection::open(Wire::Pair(near)), read, LIMIT), far)
    }

    /// A client's frame as bytes on the wire.
    fn encoded(opcode: OpCode, is_last: bool, payload: &[u8]) -> Vec<u8> {
        let header = FrameHeader { is_final: is_last, opcode, mask: Some([0; 4]), ..FrameHeader::default() };
        let mut bytes = Vec::new();
        Frame::from_payload(header, payload.to_vec().into()).format(&mut bytes).unwrap();
        bytes
    }

    fn text(payload: &[u8]) -> Vec<u8> {
        encoded(OpCode::Data(Data::Text), true, payload)
    }

    /// The code of the server's close frame.
    async fn code_of(mut incoming: Incoming, client: UnixStream) -> Option<u16> {
        while incoming.next().await.is_some() {}
        let client = client.into_std().unwrap();
        client.set_nonblocking(false).unwrap();
        let mut client = WebSocket::from_raw_socket(client, Role::Client, None);
        let seen = tokio::task::spawn_blocking(move || {
            loop {
                match client.read() {
                    Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                    Ok(_) => {}
                    Err(_) => return None,
                }
            }
        });
        let _ = timeout(Duration::from_secs(2), incoming.close(None)).await;
        seen.await.unwrap()
    }

    #[tokio::test]
    async fn what_breaks_the_protocol_is_closed_with_the_code_that_says_how() {
        let begun = encoded(OpCode::Data(Data::Text), false, b"");
        let too_many = [begun, encoded(OpCode::Data(Data::Continue), false, b"").repeat(FRAGMENTS as usize)].concat();
        let unmasked = vec![0x81, 2, b'h', b'i'];
        let reserved_bit = {
            let mut frame = text(b"{}");
            frame[0] |= 0x40;
            frame
        };
        let long_ping = encoded(OpCode::Control(Control::Ping), true, &[0; 126]);
        for (bytes, code) in [
            (too_many, 1008),
            (unmasked, 1002),
            (reserved_bit, 1002),
            (long_ping, 1002),
            (encoded(OpCode::Data(Data::Continue), true, b"x"), 1002),
            (text(b"\xff\xfe"), 1007),
            (text(&[b'x'; LIMIT + 1]), 1009),
        ] {
            let (incoming, mut client) = open(Vec::new());
            client.write_all(&bytes).await.unwrap();
            assert_eq!(code_of(incoming, client).await, Some(code), "{bytes:?}");
            let (incoming, client) = open(bytes.clone());
            assert_eq!(code_of(incoming, client).await, Some(code), "with the handshake: {bytes:?}");
        }
    }

    #[tokio::test]
    async fn a_message_in_as_many_fragments_as_it_may_have_is_whole() {
        let (mut incoming, mut client) = open(encoded(OpCode::Data(Data::Text), false, b"a"));
        let more = encoded(OpCode::Data(Data::Continue), false, b"b").repeat(FRAGMENTS as usize - 2);
        client.write_all(&[more, encoded(OpCode::Data(Data::Continue), true, b"c")].concat()).await.unwrap();
        let message = incoming.next().await.unwrap().into_text().unwrap();
        assert_eq!(message.len(), FRAGMENTS as usize);
    }

    #[tokio::test]
    async fn a_client_that_never_pauses_leaves_others_their_turn() {
        let (mut incoming, mut client) = open(Vec::new());
        // The test runtime has one worker: if reading does not yield, no other task ever writes.
        let flooding = tokio::spawn(async move {
            let start = encoded(OpCode::Data(Data::Text), false, b"");
            client.write_all(&start).await.unwrap();
            let ping = encoded(OpCode::Control(Control::Ping), true, b"").repeat(10_000);
            while client.write_all(&ping).await.is_ok() {}
        });
        let reading = tokio::spawn(async move { while incoming.next().await.is_some() {} });
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        flooding.abort();
        timeout(Duration::from_secs(5), reading).await.unwrap().unwrap();
    }
}
