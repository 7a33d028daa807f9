//! The socket of a page: owns the model ([`Client`]), the real socket, the timer and the browser events.
//!
//! Whatever happens becomes an [`Input`] and goes through [`PageSocket::step`]. A step passes it to the client with the
//! current time, performs the acts that the client returns, and sets the timer to the client's next deadline. Frames
//! are applied as they arrive. The signals follow once per animation frame, so that a burst of frames costs one redraw:
//! each registered [`Painter`] then copies its part of the model.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use crate::{
    protocol::{ClientFrame, RoomCode, ServerFrame},
    ui::{
        browser::{self, Listener, PageEvent, Socket, SocketEvent, Stream, Timer},
        device,
        long_lived::LongLived,
    },
};

use super::{
    super::model::{Act, Client, Input, Status, Way},
    rest, tab,
};

/// How long the device's copy may be out of date.
const KEEP_AFTER_MS: u64 = 1_000;

/// Shows a part of the model on the page.
pub(super) trait Painter: Send + Sync {
    /// Copies what has changed into signals.
    fn draw(&self, status: Status);

    /// The reader may have turned to the page or away from it.
    fn attend(&self) {}

    /// Lets the device keep this part of the model, if its copy is out of date.
    fn keep(&self) {}

    /// The room that is shown, if it is one.
    fn room(&self) -> Option<RoomCode> {
        None
    }
}

/// The one socket of a page, and the state that it keeps up to date. `Copy`, so that callbacks can capture it.
///
/// It belongs to the owner in which it was made. A page without navigation makes it together with its room. Rooms come
/// and go on one socket that belongs to a longer-lived owner.
#[derive(Clone, Copy)]
pub struct PageSocket {
    /// The whole state of the page.
    pub(super) client: StoredValue<Client>,
    inner: StoredValue<Inner>,
    /// The state of the connection, for the views.
    pub status: LongLived<RwSignal<Status>>,
}

/// The open connection, or the one that is being opened.
enum Line {
    Socket(Socket),
    Stream(Stream),
}

impl Line {
    fn open(way: Way, then: impl Fn(SocketEvent) + Clone + 'static) -> Option<Self> {
        match way {
            Way::Socket => Socket::open("/ws", then).map(Self::Socket),
            Way::Stream => Stream::open("/stream", then).map(Self::Stream),
        }
    }

    fn send(&self, text: &str) {
        match self {
            Self::Socket(socket) => socket.send(text),
            Self::Stream(stream) => stream.send(text),
        }
    }
}

struct Inner {
    /// The painters, each with the number by which it is removed.
    painters: Vec<(usize, Arc<dyn Painter>)>,
    /// The number of the next painter.
    next_painter: usize,
    line: Option<Line>,
    /// The timer, and the deadline that it is set to.
    timer: Option<(u64, Timer)>,
    /// Set while the device's copy is out of date.
    keeping: Option<Timer>,
    /// Listens to browser events: network, visibility and focus.
    listener: Option<Listener>,
    /// The version of the server's build, as the last `hello` announced it.
    server_version: Option<String>,
    /// Whether a redraw is scheduled.
    drawing: bool,
}

impl PageSocket {
    /// A page's socket that is not open yet, without rooms and without a list.
    pub fn new() -> Self {
        let inner = Inner {
            painters: Vec::new(),
            next_painter: 0,
            line: None,
            timer: None,
            keeping: None,
            listener: None,
            server_version: None,
            drawing: false,
        };
        Self {
            client: StoredValue::new(Client::new(browser::random)),
            inner: StoredValue::new(inner),
            status: LongLived::new(Status::Connecting),
        }
    }

    /// Lets a painter draw after each step, until the current owner is cleaned up. A room without a painter is left.
    pub(super) fn register(self, painter: Arc<dyn Painter>) {
        let number = self.inner.try_update_value(|inner| {
            inner.next_painter += 1;
            inner.painters.push((inner.next_painter, painter));
            inner.next_painter
        });
        on_cleanup(move || self.remove_painter(number));
    }

    fn remove_painter(self, number: Option<usize>) {
        let left = self.inner.try_update_value(|inner| {
            let at = inner.painters.iter().position(|painter| Some(painter.0) == number)?;
            let room = inner.painters.remove(at).1.room()?;
            inner.painters.iter().all(|painter| painter.1.room() != Some(room)).then_some(room)
        });
        if let Some(Some(code)) = left {
            self.step(Input::RoomLeft(code));
        }
    }

    /// The number of painters.
    #[cfg(test)]
    pub(super) fn painter_count(self) -> usize {
        self.inner.with_value(|inner| inner.painters.len())
    }

    /// Whether this room is in memory, so that it can be shown at once.
    pub fn has_room(self, code: RoomCode) -> bool {
        let is_open = |client: &Client| client.room(code).is_some_and(|room| room.ending().is_none());
        self.client.try_with_value(is_open) == Some(true)
    }

    /// Connects, if nothing has connected yet. Called after hydration, since the page may differ from the server's
    /// render only from then on.
    pub fn start(self) {
        if self.inner.try_with_value(|inner| inner.listener.is_none()) != Some(true) {
            return;
        }
        self.step(Input::Started { online: browser::is_online() });
        let listener = browser::listen(move |event| self.on_page_event(event));
        self.inner.try_update_value(|inner| inner.listener = Some(listener));
    }

    /// Ends a wait and connects at once.
    pub fn try_now(self) {
        self.step(Input::Woke);
    }

    /// Drops socket, timer and listener. For a page that is about to be left by logging out, so that the end of the
    /// session is not reported as an error.
    pub fn disconnect(self) {
        self.inner.update_value(|inner| (inner.line, inner.timer, inner.listener) = (None, None, None));
        self.inner.update_value(|inner| inner.keeping = None);
    }

    fn painters(self) -> Vec<Arc<dyn Painter>> {
        let painters = |inner: &Inner| inner.painters.iter().map(|painter| painter.1.clone()).collect();
        self.inner.try_with_value(painters).unwrap_or_default()
    }

    /// Whether the page should be loaded anew, because the server that it is connected to has another build. Not while
    /// messages are unsent: here they are sent at once, and a new page would send them when it opens their room.
    pub fn is_outdated(self) -> bool {
        let server = self.inner.try_with_value(|inner| inner.server_version.clone()).flatten();
        let may_change = |client: &Client| client.status() == Status::Live && client.has_sent_all();
        self.client.try_with_value(may_change) == Some(true)
            && server.zip(browser::page_version()).is_some_and(|(server, own)| server != own)
    }

    /// Reacts to a browser event. A page that becomes hidden is loaded anew if the server has another build.
    fn on_page_event(self, event: PageEvent) {
        match event {
            PageEvent::Online => return self.step(Input::CameOnline),
            PageEvent::Offline => return self.step(Input::WentOffline),
            PageEvent::Shown | PageEvent::AttentionChanged | PageEvent::Hidden => {}
        }
        self.painters().iter().for_each(|painter| painter.attend());
        if event == PageEvent::Hidden {
            // The page may never be shown again. The copy then says until when there was contact.
            self.client.try_update_value(Client::touch_kept);
            self.keep();
        }
        if event == PageEvent::Shown {
            self.step(Input::Woke);
        } else if event == PageEvent::Hidden && self.is_outdated() {
            browser::reload_into_new_version();
        }
    }

    /// Passes to the client what happened, with the current time. Performs the acts that it returns, sets the timer and
    /// schedules a redraw.
    pub(super) fn step(self, input: Input) {
        let now = browser::now();
        // A page in the background may get no other frame before it is closed, so what a person does is stored at once.
        // What the server sends can come in bursts, and is stored once per frame.
        let is_of_person = matches!(input, Input::InRoom(..));
        let Some(acts) = self.client.try_update_value(|client| client.step(input, now)) else { return };
        for act in acts {
            self.perform(act);
        }
        if is_of_person {
            self.store_outbox();
        }
        self.set_timer(now);
        self.draw_soon();
    }

    fn perform(self, act: Act) {
        match act {
            Act::Open(way) => {
                let line = Line::open(way, move |event| self.on_socket_event(event));
                let opened = line.is_some();
                self.inner.try_update_value(|inner| inner.line = line);
                if !opened {
                    self.step(Input::Closed);
                }
            }
            Act::Close => _ = self.inner.try_update_value(|inner| inner.line = None),
            Act::Send(frame) => {
                let text = serde_json::to_string(&frame).expect("frames are plain data");
                self.inner.try_update_value(|inner| {
                    if let Some(line) = &inner.line {
                        line.send(&text);
                    }
                });
            }
            Act::FetchRoom(code) => {
                let code = code.or_else(|| self.client.try_with_value(Client::front).flatten());
                spawn_local(async move {
                    let answer = match code {
                        Some(code) => rest::room(code).await.map(|snapshot| Some(Box::new(snapshot))),
                        None => rest::is_logged_in().await.map(|()| None),
                    };
                    self.step(Input::Fetched { code, answer });
                });
            }
            Act::Post { code, member, draft } => spawn_local(async move {
                let id = draft.id;
                let outcome = rest::post(code, member, draft).await;
                self.step(Input::Posted { code, id, outcome });
            }),
            Act::Rejoin { code, nickname } => spawn_local(async move {
                let outcome = rest::join(code, nickname.to_string()).await;
                self.step(Input::Rejoined { code, outcome });
            }),
            Act::Unfollow(code) => self.perform(Act::Send(ClientFrame::Unsubscribe { code })),
            // The model carries out `Renew` itself.
            Act::Renew(_) => {}
        }
    }

    fn on_socket_event(self, event: SocketEvent) {
        match event {
            SocketEvent::Opened => self.step(Input::Opened),
            SocketEvent::Closed => self.step(Input::Closed),
            // A frame of an unknown kind comes from a later version and is ignored.
            SocketEvent::Text(text) => {
                if let Ok(frame) = serde_json::from_str::<ServerFrame>(&text) {
                    if let ServerFrame::Hello { version } = &frame {
                        self.inner.try_update_value(|inner| inner.server_version = Some(version.clone()));
                    }
                    self.step(Input::Received(Box::new(frame)));
                }
            }
        }
    }

    /// Stores what is unsent, if it has changed.
    fn store_outbox(self) {
        let to_store = self.client.try_update_value(Client::take_to_store);
        to_store.into_iter().flatten().for_each(tab::store_outbox);
    }

    /// Sets the timer to the client's next deadline.
    fn set_timer(self, now: u64) {
        let due = self.client.try_with_value(Client::due).flatten();
        self.inner.try_update_value(|inner| {
            if inner.timer.as_ref().map(|(at, _)| *at) != due {
                let timer = |at: u64| (at, browser::after(at.saturating_sub(now), move || self.on_timer()));
                inner.timer = due.map(timer);
            }
        });
    }

    fn on_timer(self) {
        self.inner.try_update_value(|inner| inner.timer = None);
        self.step(Input::TimePassed);
    }

    /// Schedules one redraw before the next animation frame, unless one is scheduled already.
    pub(super) fn draw_soon(self) {
        let planned = self.inner.try_update_value(|inner| std::mem::replace(&mut inner.drawing, true));
        if planned == Some(false) {
            browser::before_next_frame(move || self.draw());
        }
    }

    /// Lets the device keep what changed, a second later, so that a burst of frames costs one write.
    fn keep_soon(self) {
        if self.client.try_with_value(Client::is_unkept) == Some(true) {
            self.inner.try_update_value(|inner| {
                let later = || browser::after(KEEP_AFTER_MS, move || self.keep());
                inner.keeping.get_or_insert_with(later);
            });
        }
    }

    /// Lets the device keep what changed.
    fn keep(self) {
        self.inner.try_update_value(|inner| inner.keeping = None);
        let rooms = self.client.try_update_value(Client::take_to_keep);
        rooms.iter().flatten().for_each(device::keep_room);
        self.painters().iter().for_each(|painter| painter.keep());
    }

    pub(super) fn draw(self) {
        let Some(status) = self.client.try_with_value(Client::status) else { return };
        self.store_outbox();
        self.inner.try_update_value(|inner| inner.drawing = false);
        put(*self.status, status);
        self.painters().iter().for_each(|painter| painter.draw(status));
        self.keep_soon();
    }
}

/// Sets a signal only if the value differs, so that nothing is rerendered in vain.
pub(super) fn put<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.try_with_untracked(|current| *current != value) == Some(true) {
        signal.set(value);
    }
}
