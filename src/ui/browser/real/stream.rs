//! A stream of Server-Sent Events from the server of this page, for networks that let no WebSocket through. Frames go
//! by `POST`, one request after the other.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{EventSource, MessageEvent};

use crate::{protocol::limits::FRAME_BYTES, ui::browser::SocketEvent};

use super::http;

/// An open stream. Dropping it closes it, and its events no longer arrive.
pub struct Stream {
    inner: SendWrapper<Rc<Inner>>,
    _on_event: SendWrapper<Closure<dyn FnMut(MessageEvent)>>,
}

struct Inner {
    source: EventSource,
    then: Box<dyn Fn(SocketEvent)>,
    /// Where to post. Empty before the stream's first event.
    address: RefCell<String>,
    /// The number of the next post.
    n: Cell<u32>,
    /// The frames to post.
    waiting: RefCell<Vec<String>>,
    is_posting: Cell<bool>,
}

impl Stream {
    /// Opens a stream at a path of this site. `None` if the browser refuses at once. Every event is passed to `then`.
    pub fn open(path: &str, then: impl Fn(SocketEvent) + Clone + 'static) -> Option<Self> {
        let inner = Rc::new(Inner {
            source: EventSource::new(path).ok()?,
            then: Box::new(then),
            address: RefCell::default(),
            n: Cell::default(),
            waiting: RefCell::default(),
            is_posting: Cell::default(),
        });
        let on_event = Closure::<dyn FnMut(MessageEvent)>::new({
            let inner = inner.clone();
            move |event: MessageEvent| inner.on_event(&event)
        });
        for name in ["address", "message", "ping", "error"] {
            let listener = on_event.as_ref().unchecked_ref();
            inner.source.add_event_listener_with_callback(name, listener).ok()?;
        }
        Some(Self { inner: SendWrapper::new(inner), _on_event: SendWrapper::new(on_event) })
    }

    /// Sends a frame, together with others if a request is under way. If it is lost, the stream is closed.
    pub fn send(&self, text: &str) {
        self.inner.waiting.borrow_mut().push(text.to_owned());
        self.inner.post();
    }
}

impl Inner {
    fn on_event(self: &Rc<Self>, event: &MessageEvent) {
        // An `error` has no text.
        let Some(text) = event.data().as_string() else { return self.fail() };
        match event.type_().as_str() {
            "address" => {
                *self.address.borrow_mut() = text;
                (self.then)(SocketEvent::Opened);
            }
            "ping" => self.post(),
            _ => (self.then)(SocketEvent::Text(text)),
        }
    }

    /// Closes the stream before the browser opens it again by itself. That would be another stream, without what this
    /// page follows.
    fn fail(&self) {
        self.source.close();
        (self.then)(SocketEvent::Closed);
    }

    /// Posts what waits, or nothing, as the answer to a ping. A request that is under way is an answer, too.
    fn post(self: &Rc<Self>) {
        if self.is_posting.replace(true) {
            return;
        }
        let inner = self.clone();
        spawn_local(async move {
            loop {
                let address = format!("{}?n={}", inner.address.borrow(), inner.n.replace(inner.n.get() + 1));
                let frames = inner.take();
                let answer = http::send("POST", &address, &frames).await;
                if inner.source.ready_state() == EventSource::CLOSED {
                    return;
                }
                if !answer.is_some_and(|answer| answer.is_ok) {
                    return inner.fail();
                }
                if inner.waiting.borrow().is_empty() {
                    inner.is_posting.set(false);
                    return;
                }
            }
        });
    }

    /// Takes as many frames as fit into one request, as a JSON array.
    fn take(&self) -> String {
        let mut waiting = self.waiting.borrow_mut();
        let (mut count, mut bytes) = (0, 2);
        for frame in waiting.iter() {
            bytes += frame.len() + 1;
            if count > 0 && bytes > FRAME_BYTES {
                break;
            }
            count += 1;
        }
        let frames: Vec<String> = waiting.drain(..count).collect();
        format!("[{}]", frames.join(","))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.inner.source.close();
    }
}
