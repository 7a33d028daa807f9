//! The socket `/ws`: one WebSocket serves all rooms of a visitor.
//!
//! One task per socket does two things at once. It reads the client's frames and calls use cases, and it writes what is
//! queued on the socket's [`Connection`]. Answers and events of rooms are put into that queue by the engine. Timeouts,
//! the write queue and framing are in `socket/`. A stream (`stream`) is served by the same task.

use std::{collections::HashMap, future::pending, net::IpAddr, time::Duration};

use axum::{Extension, extract::State, response::Response};
use governor::{Quota, RateLimiter, clock::MonotonicClock};
use tokio::time::{Instant, sleep, timeout};
use tungstenite::Message;

use super::{handshake::Handshake, origin::SameOrigin, problem::Refusal, serving::ConnectionSlot, shell::BuildVersion};
use crate::{
    protocol::{ByeReason, ClientFrame, ClientId, Code, Language, Problem, RoomCode, ServerFrame, Target, limits},
    server::{
        app::{Actor, App, Browser, SocketAllowance, Visitor, Watch, Way},
        domain::{
            guests,
            messages::{self, Said, Speaker, Wish},
            rooms, sessions,
        },
        metrics, random,
        room::ResumePoint,
        socket::{CloseCode, Connection, Frame, Incoming},
    },
};

/// Time limit for sending the last frames of a socket.
const FAREWELL: Duration = Duration::from_secs(2);
/// Frames that a client may send at once, and per second in the long run. Beyond that, frames are not refused: the
/// socket reads them later.
const FRAMES_BURST: u32 = 200;
const FRAMES_PER_SECOND: u32 = 50;
/// Maximum number of rooms that one socket may follow.
const ROOMS: usize = 512;
/// Range of the random delay for reconnecting after a server stops, in milliseconds. It spreads the reconnects.
const RECONNECT_SPREAD_MS: u32 = 3_000;
/// Delay before reconnecting after the visitor logged in or changed preferences, in milliseconds. The response that
/// carries new cookies arrives meanwhile.
const COOKIES_ARRIVE_MS: u32 = 500;
/// Delay before a hidden page reopens a socket that was closed because the visitor had too many, in milliseconds. A
/// page that becomes visible reopens it at once.
const TOO_MANY_PAUSE_MS: u32 = 600_000;
/// Time limit for waiting until the answer to one expensive question was read, before the next one is handled.
const UNANSWERED: Duration = Duration::from_secs(5);
/// When to try again to open a socket after being refused for too many, in milliseconds.
const SOCKETS_PAUSE_MS: u64 = 10_000;
/// Interval at which an open socket marks its guest or session as active.
const SIGN_OF_LIFE: Duration = Duration::from_mins(10);

/// `GET /ws`: opens the socket. Needs a session, and an `Origin` of this site or none.
pub async fn upgrade(
    State(app): State<App>,
    _: SameOrigin,
    visitor: Visitor,
    slot: Option<Extension<ConnectionSlot>>,
    Extension(build): Extension<BuildVersion>,
    handshake: Handshake,
) -> Result<Response, Refusal> {
    let (actor, client) = (visitor.actor()?.clone(), visitor.client);
    let counted = app.open_sockets.admit(client).ok_or_else(too_many_sockets)?;
    Ok(handshake.accept(move |wire, read| async move {
        let connection = app.pulse.open(wire);
        // They count the open connection of the client and the person, and are held until the socket ends.
        let _taken = (counted, slot, app.open_sockets.hold(actor.id(), &connection, Way::Socket));
        serve(app, actor, client, build, connection, read, pending()).await;
    }))
}

pub(super) fn too_many_sockets() -> Problem {
    let detail = "Too many connections from your network. Close some tabs, or try again later.";
    Problem { retry_after_ms: Some(SOCKETS_PAUSE_MS), ..Problem::new(Code::TooManyRequests, detail) }
}

/// Serves a connection until it ends, at the latest when `over` returns. `read` are bytes of the client that were read
/// before.
pub(super) async fn serve(
    app: App,
    actor: Actor,
    client: IpAddr,
    build: BuildVersion,
    connection: Connection,
    read: Vec<u8>,
    over: impl Future<Output = ()>,
) {
    let _open = app.sockets.token();
    let _registered = match &actor {
        Actor::Account { session, .. } => Some(app.session_sockets.register(session.id, &connection)),
        Actor::Guest(_) => None,
    };
    connection.answer(&ServerFrame::Hello { version: build.0 });
    let mut incoming = Incoming::of(connection.clone(), read, limits::FRAME_BYTES);
    let (following, watch) = (HashMap::new(), None);
    let allowance = app.limits.of_socket();
    let mut reader = Reader {
        app: app.clone(),
        actor,
        client,
        connection: connection.clone(),
        following,
        watch,
        allowance,
        unasked: 0,
    };
    let why = tokio::select! {
        () = reader.read(&mut incoming) => None,
        why = connection.keep_writing() => why,
        () = app.stopping.cancelled() => Some(ByeReason::GoingAway),
        () = over => Some(ByeReason::Renew),
    };
    reader.count();
    drop(reader);
    if why == Some(ByeReason::GoingAway) {
        // The rooms finish the commands that this socket sent, and their acks are written, before the last frame.
        tokio::select! {
            () = app.drained.cancelled() => {}
            _ = connection.keep_writing() => {}
        }
    }
    connection.finish(why.map(bye).as_ref());
    metrics::count_socket_end(why);
    app.engine.disconnect(connection.id()).await;
    // A client that does not take the last frames in time resumes without them.
    let _ = timeout(FAREWELL, incoming.close(why.map(close_code))).await;
}

/// The code in the close frame, for clients that do not read the `bye` frame before it.
fn close_code(reason: ByeReason) -> CloseCode {
    match reason {
        ByeReason::GoingAway => CloseCode::Away,
        ByeReason::TooSlow | ByeReason::Silent | ByeReason::TooManySockets => CloseCode::Policy,
        ByeReason::SignedOut
        | ByeReason::SignedIn
        | ByeReason::PreferencesChanged
        | ByeReason::Renew
        | ByeReason::Other => CloseCode::Normal,
    }
}

fn bye(reason: ByeReason) -> Frame {
    let wait = match reason {
        ByeReason::GoingAway => 200 + random::below(RECONNECT_SPREAD_MS),
        ByeReason::SignedIn | ByeReason::PreferencesChanged => COOKIES_ARRIVE_MS,
        ByeReason::TooManySockets => TOO_MANY_PAUSE_MS,
        _ => 0,
    };
    Frame::of(&ServerFrame::Bye { reason, retry_after_ms: wait.into() })
}

/// The reading half of a socket: what it follows, and its allowances.
struct Reader {
    app: App,
    actor: Actor,
    client: IpAddr,
    connection: Connection,
    following: HashMap<RoomCode, Speaker>,
    watch: Option<Watch>,
    allowance: SocketAllowance,
    /// The connection's count of answered bytes when the last expensive question was received.
    unasked: u64,
}

impl Reader {
    /// Reads frames until the client closes the connection.
    async fn read(&mut self, incoming: &mut Incoming) {
        let per_second = std::num::NonZeroU32::new(FRAMES_PER_SECOND).expect("the constant is not zero");
        let burst = std::num::NonZeroU32::new(FRAMES_BURST).expect("the constant is not zero");
        // Creating the default clock calibrates the processor's counter, which takes long in a virtual machine.
        let pace = RateLimiter::direct_with_clock(Quota::per_second(per_second).allow_burst(burst), MonotonicClock);
        let limited = self.app.config.rate_limits == crate::server::config::RateLimits::On;
        let mut sign_of_life = Instant::now();
        while let Some(message) = incoming.next().await {
            if limited {
                pace.until_ready().await;
            }
            if sign_of_life.elapsed() >= SIGN_OF_LIFE {
                sign_of_life = Instant::now();
                match &self.actor {
                    Actor::Guest(guest) => Box::pin(guests::touch(&self.app, guest)).await,
                    Actor::Account { session, .. } => Box::pin(sessions::touch(&self.app, session)).await,
                }
            }
            let read = match &message {
                Message::Text(text) => serde_json::from_str(text.as_str()).map_err(|error| error.to_string()),
                Message::Binary(_) => Err("frames are JSON text".to_owned()),
                _ => continue,
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

    /// Handles one frame. The futures of rare frames are boxed, so that an idle socket does not reserve memory for
    /// them.
    async fn take(&mut self, frame: ClientFrame) {
        match frame {
            ClientFrame::Subscribe { code, epoch, after } => {
                self.pace().await;
                self.unasked = self.connection.answered();
                let resume = epoch.zip(after).map(|(epoch, after)| ResumePoint { epoch, after });
                if let Err(problem) = Box::pin(self.follow(code, resume)).await {
                    self.connection.answer(&ServerFrame::error(problem, None, Some(code)));
                }
            }
            ClientFrame::Unsubscribe { code } => {
                if let Some(speaker) = self.following.remove(&code) {
                    self.app.engine.unsubscribe(speaker.room, self.connection.id()).await;
                }
            }
            ClientFrame::Send { code, id, body, reply_to, mentions, everyone } => {
                let said = Said { id, body, reply_to, mentions, everyone };
                let sent = match self.following.get(&code) {
                    Some(speaker) => {
                        messages::send_from_socket(&self.app, *speaker, &self.connection, code, said).await
                    }
                    None => Err(Problem::new(Code::NotAMember, "Subscribe to the room before you send to it.")),
                };
                if let Err(problem) = sent {
                    self.connection.answer(&ServerFrame::error(problem, Some(id), Some(code)));
                }
            }
            ClientFrame::Edit { code, id, target, body, after, mentions, everyone } => {
                Box::pin(self.touch(code, id, target, Wish::Edit { body, after, mentions, everyone })).await;
            }
            ClientFrame::Delete { code, id, target } => Box::pin(self.touch(code, id, target, Wish::Delete)).await,
            ClientFrame::React { code, id, target, e, on } => {
                Box::pin(self.touch(code, id, target, Wish::React(e, on))).await;
            }
            ClientFrame::Typing { code, on } => {
                if let Some(speaker) = self.following.get(&code) {
                    self.app.engine.typing(speaker.room, self.connection.id(), on).await;
                }
            }
            ClientFrame::Leave { code } => {
                let (client, language) = (self.client, Language::default());
                let visitor =
                    Visitor { actor: Some(self.actor.clone()), client, language, browser: Browser::default() };
                match Box::pin(rooms::leave(&self.app, &visitor, code)).await {
                    Ok(()) => drop(self.following.remove(&code)),
                    Err(problem) => self.connection.answer(&ServerFrame::error(problem, None, Some(code))),
                }
            }
            ClientFrame::Read { code, seq } => {
                if let Some(speaker) = self.following.get(&code) {
                    messages::read_from_socket(&self.app, *speaker, &self.connection, seq).await;
                }
            }
            ClientFrame::Watch {} => {
                self.pace().await;
                self.watch();
            }
            ClientFrame::Ping { n } => self.connection.answer(&ServerFrame::Pong { n }),
        }
    }

    async fn touch(&mut self, code: RoomCode, id: ClientId, target: Target, wish: Wish) {
        let touched = match self.following.get(&code) {
            Some(speaker) => {
                messages::touch_from_socket(&self.app, *speaker, &self.connection, code, id, target, wish).await
            }
            None => Err(Problem::new(Code::NotAMember, "Subscribe to the room before you change its messages.")),
        };
        if let Err(problem) = touched {
            self.connection.answer(&ServerFrame::error(problem, Some(id), Some(code)));
        }
    }

    /// Waits before an expensive question (`subscribe`, `watch`) is handled: until the client has read the answer to
    /// the last one, and as long as its byte allowance is exceeded. Nothing is refused. Other frames do not wait here.
    async fn pace(&mut self) {
        // If the last question has no answer, there is nothing to wait for, so the wait is limited.
        let _ = timeout(UNANSWERED, self.connection.caught_up(self.unasked)).await;
        self.count();
        let wait = self.allowance.wait(self.client, &self.app.limits);
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }

    /// Charges the bytes that were answered so far to the socket's and the client's allowances.
    fn count(&mut self) {
        self.allowance.count(self.connection.answered(), self.client, &self.app.limits);
    }

    /// Begins to send the changes of an account's list of rooms. Guests are refused, since they are in one room at most
    /// and follow that.
    fn watch(&mut self) {
        match &self.actor {
            Actor::Account { record, .. } => match self.allowance.watch() {
                Ok(()) => self.watch = Some(self.app.watchers.hold(record.id, &self.connection)),
                Err(problem) => self.connection.answer(&ServerFrame::error(problem, None, None)),
            },
            Actor::Guest(_) => self.connection.answer(&ServerFrame::error(Problem::not_logged_in(), None, None)),
        }
    }

    async fn follow(&mut self, code: RoomCode, resume: Option<ResumePoint>) -> Result<(), Problem> {
        if self.following.len() >= ROOMS && !self.following.contains_key(&code) {
            return Err(Problem::invalid("code", format!("One socket can follow {ROOMS} rooms at most.")));
        }
        let actor = self.actor.id();
        let (room, member) = rooms::follow(&self.app, actor, self.connection.clone(), code, resume).await?;
        self.following.insert(code, Speaker { actor, room, member, client: self.client });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_closes_with_the_code_of_the_public_description() {
        let description: serde_json::Value =
            serde_norway::from_str(include_str!("../../../docs/asyncapi.yaml")).unwrap();
        let mut seen = 0;
        for close in description["x-close-codes"].as_array().unwrap() {
            for reason in close["reasons"].as_array().into_iter().flatten() {
                let code = close_code(serde_json::from_value(reason.clone()).unwrap());
                assert_eq!(u64::from(u16::from(code)), close["code"].as_u64().unwrap(), "{reason}");
                seen += 1;
            }
        }
        assert!(seen > 0, "reasons are described");
    }
}
