//! The page itself: visibility, focus, network state, address, title, and the events of its window.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use gloo_timers::callback::Timeout;
use js_sys::Function;
use leptos::prelude::{
    WindowListenerHandle, document, on_cleanup, request_animation_frame, window, window_event_listener_untyped,
};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{FocusOptions, HtmlElement, KeyboardEvent, PageTransitionEvent, VisibilityState};

use super::{Timer, after, now};
use crate::ui::browser::PageEvent;

/// A page without the focus counts as looked at for this long after the reader scrolled it or moved the pointer over
/// it.
const TOUCH_MS: u64 = 10_000;

/// Serialises a value into the document. Only the server does that, so this returns an empty text and keeps the
/// serialising code out of the wasm.
pub fn serialise_visit<T>(_: &T) -> String {
    String::new()
}

/// Whether the browser reports a network.
pub fn is_online() -> bool {
    window().navigator().on_line()
}

pub fn is_hidden() -> bool {
    document().visibility_state() == VisibilityState::Hidden
}

thread_local! {
    /// When the reader last scrolled the page or moved the pointer over it while another window had the focus.
    static TOUCHED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Whether the reader is likely to be looking at the page: the page is visible and has the focus. A visible page
/// without the focus counts for `TOUCH_MS` after the reader scrolled it or pointed at it.
pub fn is_likely_read() -> bool {
    let is_touched = || TOUCHED.get().is_some_and(|at| now() < at + TOUCH_MS);
    !is_hidden() && (document().has_focus().unwrap_or(true) || is_touched())
}

/// The origin of the site: scheme, host and port, without a path.
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Whether the primary pointer is a finger.
pub fn has_coarse_pointer() -> bool {
    window().match_media("(pointer: coarse)").ok().flatten().is_some_and(|query| query.matches())
}

pub fn set_title(title: &str) {
    document().set_title(title);
}

/// Shows the number of unread messages outside of the page (`public/window.js`).
pub fn show_unread(count: u64) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-unread", &count.to_string());
    }
}

/// The title of the page.
pub fn title() -> String {
    document().title()
}

/// The path of the page's address.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// The page's address on this site: path, query and fragment.
pub fn address() -> String {
    let location = window().location();
    [location.pathname(), location.search(), location.hash()].into_iter().flatten().collect()
}

/// Adds an address to the history, as that of the page which is shown.
pub fn push_address(address: &str) {
    // Fails only for another site, and after a hundred steps in ten seconds.
    let _ = window().history().and_then(|history| history.push_state_with_url(&JsValue::NULL, "", Some(address)));
}

/// Moves the focus into a page that has just replaced another one: to its heading, unless something in it has the focus
/// already.
pub fn focus_page() {
    let is_inside =
        document().active_element().is_some_and(|element| element.closest("main, dialog").ok().flatten().is_some());
    let heading = document().query_selector("main h1, [role=main] h1").ok().flatten();
    if let Some(heading) = heading.and_then(|heading| heading.dyn_into::<HtmlElement>().ok()).filter(|_| !is_inside) {
        let _ = heading.set_attribute("tabindex", "-1");
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = heading.focus_with_options(&options);
    }
}

/// Loads another page of the site.
pub fn go(address: &str) {
    // Fails only while the page is being unloaded.
    let _ = window().location().assign(address);
}

pub fn reload() {
    // Fails only while the page is being unloaded.
    let _ = window().location().reload();
}

/// The version of the build that rendered the document.
pub fn page_version() -> Option<String> {
    document().document_element()?.get_attribute("data-version")
}

/// Posts to an address when the page is closed or left for another document, until the current owner is cleaned up. The
/// address is asked for at that moment, and `None` sends nothing. A beacon reaches the server even after the page is
/// gone, but this one has no body: all data is in the address.
pub fn on_closing(address: impl Fn() -> Option<String> + 'static) {
    let handle = window_event_listener_untyped("pagehide", move |event| {
        if !event.unchecked_into::<PageTransitionEvent>().persisted()
            && let Some(address) = address()
        {
            // Refused only if too much data is queued already. Then the server waits the longer grace before the guest
            // leaves.
            let _ = window().navigator().send_beacon_with_opt_str(&address, None);
        }
    });
    on_cleanup(move || handle.remove());
}

/// Reloads the page when the browser restores it from its back/forward cache, because its content may be out of date.
pub fn reload_when_brought_back() {
    window_event_listener_untyped("pageshow", |event| {
        if event.unchecked_into::<PageTransitionEvent>().persisted() {
            reload();
        }
    });
}

/// Calls `then` for every press of a key on the page, until the current owner is cleaned up. If `then` returns true,
/// the browser's own action for the key is suppressed.
pub fn on_key(key: &'static str, then: impl Fn() -> bool + 'static) {
    let handle = window_event_listener_untyped("keydown", move |event| {
        if event.unchecked_ref::<KeyboardEvent>().key() == key && then() {
            event.prevent_default();
        }
    });
    on_cleanup(move || handle.remove());
}

/// Listeners for events of the page. They are removed when this is dropped.
pub struct Listener {
    handles: Vec<WindowListenerHandle>,
    visibility: SendWrapper<Closure<dyn FnMut()>>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.handles.drain(..).for_each(WindowListenerHandle::remove);
        let callback = self.visibility.as_ref().unchecked_ref();
        let _ = document().remove_event_listener_with_callback("visibilitychange", callback);
    }
}

/// Calls `then` at every [`PageEvent`] of the page.
pub fn listen(then: impl Fn(PageEvent) + Clone + 'static) -> Listener {
    let on = |name: &str, event: PageEvent| {
        let then = then.clone();
        window_event_listener_untyped(name, move |_| then(event))
    };
    let mut handles = vec![
        on("online", PageEvent::Online),
        on("offline", PageEvent::Offline),
        on("pageshow", PageEvent::Shown),
        on("focus", PageEvent::AttentionChanged),
        on("blur", PageEvent::AttentionChanged),
    ];
    let over = Rc::new(RefCell::new(None::<Timer>));
    handles.extend(["wheel", "pointermove"].map(|name| {
        let (then, over) = (then.clone(), over.clone());
        window_event_listener_untyped(name, move |_| {
            if document().has_focus().unwrap_or(true) {
                return;
            }
            let was_likely_read = is_likely_read();
            TOUCHED.set(Some(now()));
            if !was_likely_read {
                then(PageEvent::AttentionChanged);
            }
            let then = then.clone();
            over.replace(Some(after(TOUCH_MS, move || then(PageEvent::AttentionChanged))));
        })
    }));
    listening(handles, move || then(if is_hidden() { PageEvent::Hidden } else { PageEvent::Shown }))
}

/// Calls `then` whenever the page becomes visible.
pub fn when_shown(then: impl Fn() + Clone + 'static) -> Listener {
    let again = then.clone();
    let handles = vec![window_event_listener_untyped("pageshow", move |_| again())];
    listening(handles, move || {
        if !is_hidden() {
            then();
        }
    })
}

fn listening(handles: Vec<WindowListenerHandle>, on_visibility: impl FnMut() + 'static) -> Listener {
    let visibility = Closure::<dyn FnMut()>::new(on_visibility);
    let callback = visibility.as_ref().unchecked_ref();
    let _ = document().add_event_listener_with_callback("visibilitychange", callback);
    Listener { handles, visibility: SendWrapper::new(visibility) }
}

/// Calls `then` before the next frame is drawn. A hidden page draws no frames, so it waits 100 ms instead.
pub fn before_next_frame(then: impl FnOnce() + 'static) {
    if is_hidden() {
        Timeout::new(100, then).forget();
    } else {
        request_animation_frame(then);
    }
}

/// Calls `then` when the browser has nothing to draw and nobody waits for the page. Safari does not say when that is,
/// so there it waits for the second frame.
pub fn when_idle(then: impl FnOnce() + 'static) {
    let then = Closure::once_into_js(then);
    if window().request_idle_callback(then.unchecked_ref()).is_err() {
        let call = move || _ = then.unchecked_ref::<Function>().call0(&JsValue::NULL);
        before_next_frame(move || before_next_frame(call));
    }
}

/// How many rows of a timeline fill the window. A row is rarely lower than 36 pixels, and the header and the composer
/// take more than 100.
pub fn rows_of_window() -> usize {
    let height = window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a height in pixels")]
    let rows = ((height - 100.0) / 36.0) as usize;
    rows + 1
}

/// Registers the service worker `/sw.js`. Browsers allow this on secure origins only.
pub fn register_service_worker() {
    if window().is_secure_context() {
        // The page works without the service worker, so an error is ignored.
        let registered = window().navigator().service_worker().register("/sw.js");
        leptos::task::spawn_local(async move {
            let _ = wasm_bindgen_futures::JsFuture::from(registered).await;
        });
    }
}
