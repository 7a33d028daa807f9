//! The socket `/ws`: one for all rooms of a person. It reads frames, calls use cases, and writes what its queue holds.

use std::{collections::HashMap, time::Duration};

use axum::{
    extract::{
        FromRequestParts, State,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use governor::{DefaultDirectRateLimiter, Quota};
use tokio::{
    sync::oneshot,
    time::{Instant, interval_at, timeout},
};

use super::problem::{Refusal, foreign_origin};
use crate::{
    protocol::{ByeReason, ClientFrame, Code, Problem, RoomCode, ServerFrame, limits},
    server::{
        app::{Actor, App, Visitor},
        domain::{guests, messages, messages::Speaker, rooms},
        random,
        room::{Connection, Frame, Frames, ResumePoint},
    },
};

/// How often the server pings. Browsers answer by themselves, also for a tab in the background, whose own timers are slowed.
const PING: Duration = Duration::from_secs(25);
/// A client of which nothing is heard for this long is gone.
const SILENCE: Duration = Duration::from_secs(75);
/// How long a last frame may take to leave.
const FAREWELL: Duration = Duration::from_secs(2);
/// Frames a client may send at once, and a second for ever; past that its next ones are read later.
const FRAMES_BURST: u32 = 200;
const FRAMES_PER_SECOND: u32 = 50;
/// Rooms one socket may follow.
const ROOMS: usize = 512;
/// Jitter for reconnecting after a server stops, in milliseconds.
const RECONNECT_SPREAD_MS: u32 = 3_000;
/// How often an open socket counts as a sign of life of its guest.
const SIGN_OF_LIFE: Duration = Duration::from_mins(10);

/// The request comes from a page of this site, or from no page at all. Browsers attach cookies to sockets that any page
/// opens, so the origin is what tells them apart (OWASP: cross-site WebSocket hijacking).
pub struct SameOrigin;

impl FromRequestParts<App> for SameOrigin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        if is_same_origin(&parts.headers, app.config.public_url.as_deref()) {
            return Ok(Self);
        }
        Err(foreign_origin())
    }
}

fn is_same_origin(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    if public_url.is_some_and(|url| url.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
        return true;
    }
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    authority.is_some_and(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)))
}

/// `GET /ws`
pub async fn upgrade(
    State(app): State<App>,
    _: SameOrigin,
    visitor: Visitor,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let upgrade = upgrade?;
    let actor = visitor.actor()?.clone();
    let upgrade = upgrade
        .read_buffer_size(4 * 1024)
        .write_buffer_size(4 * 1024)
        .max_write_buffer_size(1024 * 1024)
        .max_frame_size(limits::FRAME_BYTES)
        .max_message_size(limits::FRAME_BYTES);
    Ok(upgrade.on_upgrade(move |socket| serve(app, actor, socket)).into_response())
}

async fn serve(app: App, actor: Actor, socket: WebSocket) {
    let _open = app.sockets.token();
    let (connection, frames) = Connection::open();
    let id = connection.id();
    let (sink, stream) = socket.split();
    connection.answer(&ServerFrame::Hello { version: env!("CARGO_PKG_VERSION").to_owned() });
    let overrun = frames.overrun();
    let mut reader = Reader { app: app.clone(), actor, connection, following: HashMap::new() };
    let (end, ending) = oneshot::channel();
    let reading = async {
        let why = tokio::select! {
            why = reader.read(stream) => why,
            () = overrun.cancelled() => Some(ByeReason::TooSlow),
            () = app.stopping.cancelled() => Some(ByeReason::GoingAway),
        };
        if why == Some(ByeReason::GoingAway) {
            // What this socket sent is finished and acknowledged before it is told to go.
            app.drained.cancelled().await;
        }
        let _ = end.send(why);
    };
    tokio::join!(reading, write(sink, frames, ending));
    app.engine.disconnect(id).await;
}

/// Writes frames as they come, many in one flush, until told to end: then what waits, and why. Ends at once when the socket
/// fails, which the reader notices by itself.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut frames: Frames,
    mut ending: oneshot::Receiver<Option<ByeReason>>,
) {
    let mut ping = interval_at(Instant::now() + PING, PING);
    let why = loop {
        let mut next = tokio::select! {
            why = &mut ending => break why.ok().flatten(),
            frame = frames.next() => frame,
            _ = ping.tick() => {
                if sink.feed(Message::Ping(Bytes::new())).await.is_err() {
                    return;
                }
                None
            }
        };
        let batch = async {
            while let Some(frame) = next {
                sink.feed(text(frame)).await?;
                next = frames.try_next();
            }
            sink.flush().await
        };
        // A reader that stands still is waited for until it is too slow, and not a moment longer.
        let written = tokio::select! {
            written = batch => written,
            why = &mut ending => break why.ok().flatten(),
        };
        if written.is_err() {
            return;
        }
    };
    let farewell = async {
        while let Some(frame) = frames.try_next() {
            sink.feed(text(frame)).await?;
        }
        if let Some(reason) = why {
            let spread = if reason == ByeReason::GoingAway { 200 + random::below(RECONNECT_SPREAD_MS) } else { 0 };
            sink.feed(text(Frame::of(&ServerFrame::Bye { reason, retry_after_ms: spread.into() }))).await?;
        }
        sink.close().await
    };
    // Whoever does not take the last frames resumes without them.
    let _ = timeout(FAREWELL, farewell).await;
}

fn text(frame: Frame) -> Message {
    Message::Text(Utf8Bytes::try_from(frame.into_bytes()).expect("frames are JSON text"))
}

/// The reading half of a socket.
struct Reader {
    app: App,
    actor: Actor,
    connection: Connection,
    following: HashMap<RoomCode, Speaker>,
}

impl Reader {
    /// Reads until the client goes (`None`) or has to.
    async fn read(&mut self, mut stream: SplitStream<WebSocket>) -> Option<ByeReason> {
        let per_second = std::num::NonZeroU32::new(FRAMES_PER_SECOND).expect("the constant is not zero");
        let burst = std::num::NonZeroU32::new(FRAMES_BURST).expect("the constant is not zero");
        let pace = DefaultDirectRateLimiter::direct(Quota::per_second(per_second).allow_burst(burst));
        let limited = self.app.config.rate_limits == crate::server::config::RateLimits::On;
        let mut sign_of_life = Instant::now();
        loop {
            let message = match timeout(SILENCE, stream.next()).await {
                Err(_) => return Some(ByeReason::Silent),
                Ok(None | Some(Err(_) | Ok(Message::Close(_)))) => return None,
                Ok(Some(Ok(message))) => message,
            };
            if limited {
                pace.until_ready().await;
            }
            if sign_of_life.elapsed() >= SIGN_OF_LIFE {
                sign_of_life = Instant::now();
                let Actor::Guest(guest) = &self.actor;
                guests::touch(&self.app, guest).await;
            }
            let read = match &message {
                Message::Text(text) => serde_json::from_str(text.as_str()).map_err(|error| error.to_string()),
                Message::Binary(_) => Err("frames are JSON text".to_owned()),
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) => continue,
            };
            match read {
                Ok(frame) => self.take(frame).await,
                Err(reason) => {
                    let problem = Problem::new(Code::Malformed, format!("This frame could not be read: {reason}."));
                    self.connection.answer(&ServerFrame::error(problem, None, None));
                }
            }
        }
    }

    async fn take(&mut self, frame: ClientFrame) {
        match frame {
            ClientFrame::Subscribe { code, epoch, after } => {
                let resume = epoch.zip(after).map(|(epoch, after)| ResumePoint { epoch, after });
                if let Err(problem) = self.follow(code, resume).await {
                    self.connection.answer(&ServerFrame::error(problem, None, Some(code)));
                }
            }
            ClientFrame::Send { code, id, body } => {
                let sent = match self.following.get(&code) {
                    Some(speaker) => {
                        messages::send_from_socket(&self.app, *speaker, &self.connection, code, id, body).await
                    }
                    None => Err(Problem::new(Code::NotAMember, "Subscribe to the room before you send to it.")),
                };
                if let Err(problem) = sent {
                    self.connection.answer(&ServerFrame::error(problem, Some(id), Some(code)));
                }
            }
            ClientFrame::Typing { code, on } => {
                if let Some(speaker) = self.following.get(&code) {
                    self.app.engine.typing(speaker.room, self.connection.id(), on).await;
                }
            }
            ClientFrame::Leave { code } => {
                let visitor = Visitor { actor: Some(self.actor.clone()), client: [0, 0, 0, 0].into() };
                match rooms::leave(&self.app, &visitor, code).await {
                    Ok(()) => drop(self.following.remove(&code)),
                    Err(problem) => self.connection.answer(&ServerFrame::error(problem, None, Some(code))),
                }
            }
            ClientFrame::Ping { n } => self.connection.answer(&ServerFrame::Pong { n }),
        }
    }

    async fn follow(&mut self, code: RoomCode, resume: Option<ResumePoint>) -> Result<(), Problem> {
        if self.following.len() >= ROOMS && !self.following.contains_key(&code) {
            return Err(Problem::invalid("code", format!("One socket can follow {ROOMS} rooms at most.")));
        }
        let actor = self.actor.id();
        let (room, member) = rooms::follow(&self.app, actor, self.connection.clone(), code, resume).await?;
        self.following.insert(code, Speaker { actor, room, member });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_site_open_sockets() {
        let headers = |origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "chat.example:8080".parse().unwrap());
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            headers
        };
        assert!(is_same_origin(&headers("http://chat.example:8080"), None));
        assert!(is_same_origin(&headers("https://public.example"), Some("https://public.example/")));
        for foreign in ["null", "http://evil.example", "http://chat.example", "http://chat.example:8080.evil.example"] {
            assert!(!is_same_origin(&headers(foreign), None), "{foreign}");
        }
        assert!(is_same_origin(&HeaderMap::new(), None), "programs send no origin, and no browser’s cookies");
    }
}
