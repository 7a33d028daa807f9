//! The wire: the system's stream under a WebSocket.
//!
//! The stream of a plain TCP connection is taken out of the HTTP library and used directly. Any other stream is
//! connected to one end of a socket pair by a task that copies both ways.

use std::io::{self, IoSlice};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rustix::net::SendFlags;
use tokio::net::{TcpStream, UnixStream};

use super::Guarded;

/// A stream that several tasks may write to while one reads, without a lock.
#[derive(Debug)]
pub enum Wire {
    /// The client's TCP connection itself.
    Tcp(TcpStream),
    /// One end of a socket pair. A task copies between the other end and the real stream.
    Pair(UnixStream),
}

/// Runs the same code for either kind of stream.
macro_rules! with {
    ($wire:expr, $stream:ident => $work:expr) => {
        match $wire {
            Wire::Tcp($stream) => $work,
            Wire::Pair($stream) => $work,
        }
    };
}

impl Wire {
    /// The wire under an upgraded HTTP connection, and the bytes that the HTTP parser had read after the request.
    ///
    /// # Errors
    ///
    /// If the stream is not plain TCP and the system has no socket pair left for it.
    pub fn under(upgraded: Upgraded) -> io::Result<(Self, Vec<u8>)> {
        match upgraded.downcast::<TokioIo<Guarded>>() {
            Ok(parts) => Ok((Self::Tcp(parts.io.into_inner().into_inner()), parts.read_buf.to_vec())),
            Err(upgraded) => {
                let (near, mut far) = UnixStream::pair()?;
                tokio::spawn(async move {
                    // If one side ends, so does the other. An error needs no other handling.
                    let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(upgraded), &mut far).await;
                });
                Ok((Self::Pair(near), Vec::new()))
            }
        }
    }

    /// Reads the bytes that are there, without waiting.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if nothing is there yet.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        with!(self, stream => stream.try_read(buffer))
    }

    /// Writes as many bytes as the system takes, by the system call alone. It neither checks nor updates the readiness
    /// that the runtime has recorded for the stream. [`try_write_vectored`](Self::try_write_vectored) does: its
    /// `WouldBlock` makes [`writable`](Self::writable) wait.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if it takes nothing now.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(with!(self, stream => rustix::net::send(stream, bytes, SendFlags::empty()))?)
    }

    /// Writes as many bytes of several buffers as the system takes.
    ///
    /// # Errors
    ///
    /// `WouldBlock` if it takes nothing now.
    pub fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        with!(self, stream => stream.try_write_vectored(pieces))
    }

    /// Waits until a read may succeed.
    ///
    /// # Errors
    ///
    /// If the stream failed.
    pub async fn readable(&self) -> io::Result<()> {
        with!(self, stream => stream.readable().await)
    }

    /// Waits until a write may succeed.
    ///
    /// # Errors
    ///
    /// If the stream failed.
    pub async fn writable(&self) -> io::Result<()> {
        with!(self, stream => stream.writable().await)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::{body::Body, http::Response};
    use hyper::{server::conn::http1::Builder, service::service_fn};
    use tokio::{
        io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex},
        net::TcpListener,
        sync::mpsc,
    };

    use super::{super::Vigil, *};

    /// The wire under an upgraded connection, served as the server does it.
    async fn upgraded(
        mut client: impl AsyncRead + AsyncWrite + Unpin,
        server: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ) -> Wire {
        let (opened, mut wires) = mpsc::channel(1);
        let service = service_fn(move |mut request| {
            let (upgrade, opened) = (hyper::upgrade::on(&mut request), opened.clone());
            tokio::spawn(async move { opened.send(Wire::under(upgrade.await.unwrap()).unwrap().0).await.unwrap() });
            let switching =
                Response::builder().status(101).header("connection", "upgrade").header("upgrade", "websocket");
            async { Ok::<_, Infallible>(switching.body(Body::empty()).unwrap()) }
        });
        tokio::spawn(async move {
            Builder::new().serve_connection(TokioIo::new(server), service).with_upgrades().await.unwrap();
        });
        client.write_all(b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.unwrap());
        }
        wires.recv().await.unwrap()
    }

    #[tokio::test]
    async fn a_connection_that_spoke_http_is_the_wire_itself() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let server = Guarded::new(listener.accept().await.unwrap().0, Vigil::begin());
        assert!(matches!(upgraded(client, server).await, Wire::Tcp(_)));
    }

    #[tokio::test]
    async fn a_stream_that_is_not_plain_tcp_is_carried_over_a_pair() {
        let (mut client, server) = duplex(4096);
        let wire = upgraded(&mut client, server).await;
        assert!(matches!(wire, Wire::Pair(_)));
        assert_eq!(wire.send(b"down").unwrap(), 4);
        let mut down = [0; 4];
        client.read_exact(&mut down).await.unwrap();
        client.write_all(b"up").await.unwrap();
        wire.readable().await.unwrap();
        let mut up = [0; 2];
        assert_eq!(wire.try_read(&mut up).unwrap(), 2);
        assert_eq!((&down, &up), (b"down", b"up"));
    }
}
