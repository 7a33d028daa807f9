//! The accept loop, and the limits on connections: how many there may be, and how long they may take.
//!
//! HTTP/1.1 only. A reverse proxy in front uses nothing else towards its upstream, and with clear-text HTTP/2 any
//! client could make the server buffer whole flow-control windows for it.

use std::{
    convert::Infallible,
    io, mem,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{ConnectInfo, Request},
};
use hyper::{
    body::{Frame, Incoming, SizeHint},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
#[cfg(target_os = "linux")]
use rustix::net::sockopt;
use rustix::{
    net::SendFlags,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};
use tower::Service;

use super::event_stream::is_event_stream;
use crate::server::{
    app::{App, Counted, Counts},
    socket::{Guarded, UnderWay, Vigil},
};

/// Maximum connections of one client address, if clients connect without a proxy. Enough for a school of two hundred
/// behind one address, each with a browser's six connections.
const CLIENT_CONNECTIONS: usize = 2_000;
/// The divisor for one client's share of all connections, where the system allows only few.
const CLIENT_SHARE: usize = 4;
/// Maximum connections of all clients, if the system allows that many.
const CONNECTIONS: usize = 200_000;
/// File descriptors that are reserved for the store, the bus, mails and static files.
const OTHER_FILES: usize = 128;
/// Size of the buffer for a request's head and of that for a response. The longest request line is that of a refused
/// form without JavaScript, whose fields come back in the query.
const BUFFER_BYTES: usize = 128 * 1024;
/// The kernel closes a connection whose client has taken none of the pending bytes for this long (`TCP_USER_TIMEOUT`).
/// The timeouts in [`socket`](crate::server::socket) do not see bytes that the kernel has already accepted.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_mins(1);
/// Time limit for the last events of a stream, after the node has finished everything else.
const FAREWELL: Duration = Duration::from_secs(2);
/// The pause after accepting failed for a reason of the system.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One of the limited slots for connections. It is freed when the last clone is dropped. An upgraded socket keeps a
/// clone.
pub type ConnectionSlot = Arc<OccupiedSlot>;

/// What a connection occupies while it is open.
#[derive(Debug)]
pub struct OccupiedSlot {
    _permit: OwnedSemaphorePermit,
    _counted: Option<Counted>,
}

/// The slots for connections on this node.
struct ConnectionSlots {
    all: Arc<Semaphore>,
    each: Counts,
}

/// Why a connection gets no slot.
#[derive(Debug, PartialEq, Eq)]
enum Full {
    OfClient,
    OfAll,
}

impl ConnectionSlots {
    fn of(most: usize) -> Self {
        let each = CLIENT_CONNECTIONS.min(most.div_ceil(CLIENT_SHARE));
        Self { all: Arc::new(Semaphore::new(most)), each: Counts::up_to(each) }
    }

    /// Reserves a slot. `client` is `None` if a proxy hides the client's address; then only the total is limited.
    fn reserve(&self, client: Option<IpAddr>) -> Result<ConnectionSlot, Full> {
        let counted = match client {
            Some(client) => Some(self.each.take(client).ok_or(Full::OfClient)?),
            None => None,
        };
        let permit = Arc::clone(&self.all).try_acquire_owned().map_err(|_| Full::OfAll)?;
        Ok(Arc::new(OccupiedSlot { _permit: permit, _counted: counted }))
    }
}

/// Accepts connections until the node begins to stop. Returns when the last request of that moment has been answered,
/// except for streams, which count as open sockets then.
pub async fn serve(app: App, listener: TcpListener, router: Router) {
    let files = raise_file_limit();
    let most = files.saturating_sub(OTHER_FILES).clamp(1, CONNECTIONS);
    let slots = ConnectionSlots::of(most);
    tracing::debug!(files, most, "connections");
    let (connections, mut is_quiet) = (TaskTracker::new(), true);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = app.stopping.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                // For example, no file descriptor is left. Trying again at once does not help.
                if mem::take(&mut is_quiet) {
                    tracing::warn!(%error, "no connection can be taken");
                }
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Behind a proxy, the peer's address is the proxy's. The client is known only once the request's head is read.
        let client = (app.config.proxy_hops == 0).then(|| peer.ip());
        let slot = match slots.reserve(client) {
            Ok(slot) => slot,
            Err(Full::OfClient) => {
                refuse(&stream, "429 Too Many Requests");
                continue;
            }
            Err(Full::OfAll) => {
                if mem::take(&mut is_quiet) {
                    tracing::warn!(most, "no connection more is taken: there are as many as may be");
                }
                refuse(&stream, "503 Service Unavailable");
                continue;
            }
        };
        is_quiet = true;
        prepare(&stream);
        tokio::spawn(answer(app.clone(), stream, peer, slot, router.clone(), connections.token()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Sets socket options of a connection. Failures are ignored, because the connection works without them.
fn prepare(stream: &TcpStream) {
    // Frames are small, and must be sent without delay.
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = sockopt::set_tcp_user_timeout(stream, u32::try_from(USER_TIMEOUT.as_millis()).unwrap_or(u32::MAX));
}

/// Answers all requests of one connection. A stopping node waits for `token`.
async fn answer(
    app: App,
    stream: TcpStream,
    peer: SocketAddr,
    slot: ConnectionSlot,
    router: Router,
    mut token: TaskTrackerToken,
) {
    let vigil = Vigil::begin();
    let stream = TokioIo::new(Guarded::new(stream, vigil.clone()));
    let watching = vigil.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let under_way = vigil.answer();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(ConnectionSlot::clone(&slot));
        // `poll_ready` can be skipped, because a router is always ready.
        let answering = router.clone().call(request);
        async move {
            let Ok(response) = answering.await;
            if is_event_stream(&response) {
                under_way.begin_stream();
            }
            Ok::<_, Infallible>(response.map(|body| Answer { body, _under_way: under_way }))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(BUFFER_BYTES);
    let mut connection = std::pin::pin!(builder.serve_connection(stream, service).with_upgrades());
    let mut is_stopping = false;
    loop {
        tokio::select! {
            // An error here is a fault of the client or its network, so it is not logged.
            _ = connection.as_mut() => return,
            () = watching.expired() => return,
            () = app.stopping.cancelled(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
                if watching.is_stream() {
                    // It ends with its goodbye, which comes when the requests of others are answered.
                    drop(mem::replace(&mut token, app.sockets.token()));
                }
            }
            () = farewell(&app), if is_stopping && watching.is_stream() => return,
        }
    }
}

/// Waits until the client of a stream has had its time to take the goodbye.
async fn farewell(app: &App) {
    app.drained.cancelled().await;
    sleep(FAREWELL).await;
}

/// Sends the reason for refusing a connection, if that is possible without waiting.
fn refuse(stream: &TcpStream, status: &str) {
    const WHY: &str = "There are too many connections. Close some, or try again later.\n";
    let answer = format!(
        "HTTP/1.1 {status}\r\nretry-after: 10\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {}\r\n\r\n{WHY}",
        WHY.len(),
    );
    // A raw `send`: the buffer of a new connection is empty, but the runtime has not registered it as writable yet.
    let _ = rustix::net::send(stream, answer.as_bytes(), SendFlags::empty());
}

/// Whether accepting failed only for the one connection, so that the next can be accepted at once.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

/// Raises the limit of open files as far as the system allows. Returns the limit.
fn raise_file_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX).min((2 * CONNECTIONS) as u64);
    if limit.current.is_some_and(|current| current < most) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum });
        if let Err(error) = raised {
            tracing::warn!(%error, "the limit of open files stays as it is");
        }
    }
    let current = getrlimit(Resource::Nofile).current.unwrap_or(most);
    usize::try_from(current).unwrap_or(usize::MAX)
}

/// The body of a response. Dropping it marks the request as answered.
struct Answer {
    body: Body,
    _under_way: UnderWay,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_has_a_part_of_the_places_and_gives_them_back() {
        let slots = ConnectionSlots::of(12);
        let [one, two] = [1, 2].map(|n| Some(IpAddr::from([203, 0, 113, n])));
        let taken: Vec<ConnectionSlot> = (0..3).map(|_| slots.reserve(one).unwrap()).collect();
        assert_eq!(slots.reserve(one).err(), Some(Full::OfClient));
        let others = slots.reserve(two).unwrap();
        let behind_a_proxy: Vec<ConnectionSlot> = (0..8).map(|_| slots.reserve(None).unwrap()).collect();
        assert_eq!(slots.reserve(two).err(), Some(Full::OfAll));
        drop((taken, others, behind_a_proxy));
        let all: Vec<ConnectionSlot> = (0..12).map(|_| slots.reserve(None).unwrap()).collect();
        assert_eq!(slots.reserve(None).err(), Some(Full::OfAll));
        drop(all);
        assert!(slots.reserve(one).is_ok(), "what was refused is not counted");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_gives_up_a_client_that_takes_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        prepare(&stream);
        assert_eq!(sockopt::tcp_user_timeout(&stream).unwrap(), 60_000);
        assert!(stream.nodelay().unwrap());
    }

    #[test]
    fn as_many_files_may_be_open_as_the_system_allows() {
        let most = raise_file_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(Some(most as u64), limit.current);
        assert!(limit.maximum.is_none_or(|maximum| most as u64 >= maximum.min((2 * CONNECTIONS) as u64)));
    }
}
