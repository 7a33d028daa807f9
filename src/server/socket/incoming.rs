//! The reading side of a socket: a library parses what comes in, and answers what WebSocket itself asks.

use std::io::{self, Read, Write};

use tungstenite::{
    Error, Message, WebSocket,
    protocol::{Role, WebSocketConfig},
};

use super::Connection;

/// Bytes asked of the system at once. What people type fits, and every idle socket keeps this much.
const READ_BYTES: usize = 512;

/// What a client says, frame by frame.
#[derive(Debug)]
pub struct Incoming {
    socket: WebSocket<Stream>,
}

/// The connection as the library wants it: reading gives what is there, and writing takes its turn among the frames.
#[derive(Debug)]
struct Stream(Connection);

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.wire().try_read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.control(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Incoming {
    /// What comes in on a connection, after what was `read` already. Frames and messages have at most `limit` bytes.
    pub fn of(connection: Connection, read: Vec<u8>, limit: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_frame_size(Some(limit))
            .max_message_size(Some(limit));
        Self { socket: WebSocket::from_partially_read(Stream(connection), read, Role::Server, Some(config)) }
    }

    /// The next message, and every ping or pong, to which the answer is given; `None` when the client has gone, or broke the protocol. Loses nothing if dropped while
    /// it waits.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            match self.socket.read() {
                Ok(message) => {
                    self.connection().heard();
                    // After a close the next reading answers it, and ends.
                    if !message.is_close() {
                        return Some(message);
                    }
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.connection().wire().readable().await.ok()?;
                }
                Err(_) => return None,
            }
            // A client that never pauses leaves the others their turn.
            tokio::task::consume_budget().await;
        }
    }

    /// Closes the WebSocket, after all that waits, and waits until the client has seen it.
    pub async fn close(mut self) {
        // Fails if the client closed first, and then there is nothing to say.
        let _ = self.socket.close(None);
        if self.connection().flush().await.is_ok() {
            while self.next().await.is_some() {}
        }
    }

    fn connection(&self) -> &Connection {
        &self.socket.get_ref().0
    }
}
