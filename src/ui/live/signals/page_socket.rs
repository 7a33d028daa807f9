//! The socket of a page: owns the real socket, timer and browser events, and drives the [`Client`] with them.
//!
//! Each step ([`PageSocket::drive`]) passes the current time, performs the acts that the client returns, and sets the
//! timer to the client's next deadline. Frames are applied as they arrive. The signals follow once per animation frame,
//! so that a burst of frames costs one redraw.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    protocol::{Code, Problem, ServerFrame, Snapshot},
    ui::{
        browser::{self, Listener, PageEvent, Socket, SocketEvent, Timer},
        freshness::{Freshness, use_freshness},
    },
};

use super::{
    super::model::{Act, Client, Connection, Status},
    list::LiveList,
    rest,
    room::LiveRoom,
};

/// The one socket of a page, and what is connected to it. `Copy`, so that callbacks can capture it.
#[derive(Clone, Copy)]
pub struct PageSocket {
    inner: StoredValue<Inner>,
    /// The state of the connection, for the views.
    pub status: RwSignal<Status>,
    freshness: Freshness,
}

struct Inner {
    connection: Connection,
    room: Option<LiveRoom>,
    list: Option<LiveList>,
    socket: Option<Socket>,
    /// The timer, and the deadline that it is set to.
    timer: Option<(u64, Timer)>,
    /// Listens to browser events: network, visibility and focus.
    listener: Option<Listener>,
    /// The server's version from the last `hello`, until the next redraw passes it on.
    server_version: Option<String>,
    /// Whether a redraw is scheduled.
    drawing: bool,
}

/// Whether a refusal means that the person is not in the room, or that nobody is logged in.
fn is_outside(code: Code) -> bool {
    matches!(code, Code::RoomUnavailable | Code::NotAMember | Code::NoSession | Code::NotLoggedIn | Code::Removed)
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method alone would not do for a client of any lifetime"
)]
impl PageSocket {
    /// A page's socket that is not open yet, without listeners.
    pub fn new() -> Self {
        let inner = Inner {
            connection: Connection::new(browser::random),
            room: None,
            list: None,
            socket: None,
            timer: None,
            listener: None,
            server_version: None,
            drawing: false,
        };
        Self { inner: StoredValue::new(inner), status: RwSignal::new(Status::Connecting), freshness: use_freshness() }
    }

    pub(super) fn attach_room(self, room: &LiveRoom) {
        self.inner.update_value(|inner| inner.room = Some(*room));
    }

    pub(super) fn attach_list(self, list: LiveList) {
        self.inner.update_value(|inner| inner.list = Some(list));
    }

    /// Connects. Called once, after hydration, since the page may differ from the server's render only from then on.
    pub fn start(self) {
        if let Some(room) = self.room() {
            room.prepare();
        }
        self.drive(|client, now| client.start(browser::is_online(), now));
        let listener = browser::listen(move |event| self.on_page_event(event));
        self.inner.try_update_value(|inner| inner.listener = Some(listener));
    }

    /// Ends a wait and connects at once.
    pub fn try_now(self) {
        self.drive(|client, now| client.woke(now));
    }

    /// Drops socket, timer and listener. For a page that is about to be left by logging out, so that the end of the
    /// session is not reported as an error.
    pub fn disconnect(self) {
        self.inner.update_value(|inner| (inner.socket, inner.timer, inner.listener) = (None, None, None));
    }

    fn room(self) -> Option<LiveRoom> {
        self.inner.try_with_value(|inner| inner.room).flatten()
    }

    fn update_looking(self) {
        if let Some(room) = self.room() {
            room.update_looking();
        }
    }

    /// Reacts to a browser event. A page that becomes hidden and has nothing unsent is reloaded if the server has
    /// another version.
    fn on_page_event(self, event: PageEvent) {
        match event {
            PageEvent::Online => self.drive(|client, now| client.came_online(now)),
            PageEvent::Offline => self.drive(|client, now| client.went_offline(now)),
            PageEvent::Shown => {
                self.update_looking();
                self.drive(|client, now| client.woke(now));
            }
            PageEvent::AttentionChanged => self.update_looking(),
            PageEvent::Hidden => {
                self.update_looking();
                if self.room().is_none_or(LiveRoom::has_sent_all) {
                    self.freshness.reload_if_stale();
                }
            }
        }
    }

    /// Runs a step of the client with the current time, performs the acts that it returns, sets the timer and schedules
    /// a redraw.
    pub(super) fn drive(self, step: impl FnOnce(&mut Client<'_>, u64) -> Vec<Act>) {
        let now = browser::now();
        let mut step = Some(step);
        let acts = self.with_client(&mut |client| step.take().map(|step| step(client, now)).unwrap_or_default());
        self.follow(acts, now);
    }

    /// Runs a step of the client. Not generic, unlike [`PageSocket::drive`], which is compiled once for each of its
    /// callers.
    fn with_client(self, step: &mut dyn FnMut(&mut Client<'_>) -> Vec<Act>) -> Option<Vec<Act>> {
        self.inner.try_update_value(|inner| {
            let mut room = inner.room.and_then(|room| room.inner.try_write_value());
            let mut list = inner.list.and_then(|list| list.list.try_write_value());
            let mut client = Client {
                connection: &mut inner.connection,
                room: room.as_deref_mut().map(|room| &mut room.session),
                list: list.as_deref_mut(),
            };
            step(&mut client)
        })
    }

    fn follow(self, acts: Option<Vec<Act>>, now: u64) {
        let Some(acts) = acts else { return };
        for act in acts {
            self.perform(act);
        }
        self.set_timer(now);
        self.draw_soon();
    }

    fn perform(self, act: Act) {
        match act {
            Act::Open => {
                let socket = Socket::open("/ws", move |event| self.on_socket_event(event));
                let opened = socket.is_some();
                self.inner.try_update_value(|inner| inner.socket = socket);
                if !opened {
                    self.drive(|client, now| client.closed(now));
                }
            }
            Act::Close => _ = self.inner.try_update_value(|inner| inner.socket = None),
            Act::Send(frame) => {
                let text = serde_json::to_string(&frame).expect("frames are plain data");
                self.inner.try_update_value(|inner| {
                    if let Some(socket) = &inner.socket {
                        socket.send(&text);
                    }
                });
            }
            Act::FetchRoom => spawn_local(self.fetch_room()),
            Act::Post { id, body } => {
                let Some(room) = self.room() else { return };
                let member = room.you.with_untracked(|you| you.member_id);
                spawn_local(async move {
                    let outcome = rest::say(room.code, member, id, body).await;
                    self.drive(|client, now| client.posted(id, outcome, now));
                });
            }
            Act::Rejoin => {
                let Some(room) = self.room() else { return };
                let nickname = room.you.with_untracked(|you| you.nickname.to_string());
                spawn_local(async move {
                    let outcome = rest::join(room.code, nickname).await;
                    self.drive(|client, now| client.rejoined(outcome, now));
                });
            }
            Act::Renew(_) => {}
        }
    }

    /// Performs [`Act::FetchRoom`]: fetches the room, or checks the login if the page has no room.
    async fn fetch_room(self) {
        let answer: Result<Option<Snapshot>, Problem> = match self.room() {
            Some(room) => rest::room(room.code).await.map(Some),
            None => rest::is_logged_in().await.map(|()| None),
        };
        match answer {
            Ok(Some(snapshot)) => self.drive(|client, now| client.room_fetched(Some(snapshot), now)),
            Err(problem) if is_outside(problem.code) => self.drive(|client, now| client.access_ended(now)),
            Ok(None) => self.drive(|client, _| {
                client.http_works();
                Vec::new()
            }),
            // The server cannot be reached over HTTP either. The next attempt to connect will show whether it is back.
            Err(_) => self.drive(|client, _| {
                client.http_fails();
                Vec::new()
            }),
        }
    }

    fn on_socket_event(self, event: SocketEvent) {
        match event {
            SocketEvent::Opened => self.drive(|client, now| client.opened(now)),
            SocketEvent::Closed => self.drive(|client, now| client.closed(now)),
            // A frame of an unknown kind comes from a later version and is ignored.
            SocketEvent::Text(text) => {
                if let Ok(frame) = serde_json::from_str::<ServerFrame>(&text) {
                    if let ServerFrame::Hello { version } = &frame {
                        self.inner.try_update_value(|inner| inner.server_version = Some(version.clone()));
                    }
                    self.drive(|client, now| client.received(frame, now));
                }
            }
        }
    }

    /// Sets the timer to the client's next deadline.
    fn set_timer(self, now: u64) {
        let mut due = None;
        self.with_client(&mut |client| {
            due = client.due();
            Vec::new()
        });
        self.inner.try_update_value(|inner| {
            if inner.timer.as_ref().map(|(at, _)| *at) != due {
                let timer = |at: u64| (at, browser::after(at.saturating_sub(now), move || self.on_timer()));
                inner.timer = due.map(timer);
            }
        });
    }

    fn on_timer(self) {
        self.inner.try_update_value(|inner| inner.timer = None);
        self.drive(|client, now| client.tick(now));
    }

    /// Schedules one redraw before the next animation frame, unless one is scheduled already.
    pub(super) fn draw_soon(self) {
        let planned = self.inner.try_update_value(|inner| std::mem::replace(&mut inner.drawing, true));
        if planned == Some(false) {
            browser::before_next_frame(move || self.draw());
        }
    }

    fn draw(self) {
        let mut status = Status::Connecting;
        let drawn = self.with_client(&mut |client| {
            status = client.status();
            Vec::new()
        });
        if drawn.is_none() {
            return;
        }
        let drawn = self.inner.try_update_value(|inner| {
            inner.drawing = false;
            (inner.room, inner.list, inner.server_version.take())
        });
        let Some((room, list, server_version)) = drawn else { return };
        put(self.status, status);
        if let Some(room) = room {
            room.draw(status);
        }
        if let Some(list) = list {
            list.draw();
        }
        if server_version.is_some() {
            put(self.freshness.server_version, server_version);
        }
    }
}

/// Sets a signal only if the value differs, so that nothing is rerendered in vain.
pub(super) fn put<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.try_with_untracked(|current| *current != value) == Some(true) {
        signal.set(value);
    }
}
