//! A WebSocket to the server of this page.

use leptos::prelude::window;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{MessageEvent, WebSocket};

use crate::ui::browser::SocketEvent;

/// An open WebSocket. Dropping it closes it, and its events no longer arrive.
pub struct Socket {
    inner: SendWrapper<Inner>,
}

struct Inner {
    socket: WebSocket,
    _on_signal: Closure<dyn FnMut(web_sys::Event)>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl Socket {
    /// Opens a socket at a path of this site. `None` if the browser refuses at once. Every event is passed to `then`.
    pub fn open(path: &str, then: impl Fn(SocketEvent) + Clone + 'static) -> Option<Self> {
        // "http://host" becomes "ws://host", and "https://host" becomes "wss://host".
        let origin = window().location().origin().ok()?.replacen("http", "ws", 1);
        let socket = WebSocket::new(&format!("{origin}{path}")).ok()?;
        let on_signal = Closure::<dyn FnMut(web_sys::Event)>::new({
            let then = then.clone();
            move |event: web_sys::Event| match event.type_().as_str() {
                "open" => then(SocketEvent::Opened),
                "close" => then(SocketEvent::Closed),
                _ => {}
            }
        });
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                then(SocketEvent::Text(text));
            }
        });
        socket.set_onopen(Some(on_signal.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_signal.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let inner = Inner { socket, _on_signal: on_signal, _on_message: on_message };
        Some(Self { inner: SendWrapper::new(inner) })
    }

    /// Sends a text frame. A frame that is lost because the socket just closed is sent again after the next opening.
    pub fn send(&self, text: &str) {
        let _ = self.inner.socket.send_with_str(text);
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let socket = &self.inner.socket;
        socket.set_onopen(None);
        socket.set_onclose(None);
        socket.set_onmessage(None);
        let _ = socket.close();
    }
}
