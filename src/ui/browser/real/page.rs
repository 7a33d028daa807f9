//! The page: its visibility, network and address.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use leptos::prelude::{WindowListenerHandle, document, window, window_event_listener_untyped};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{KeyboardEvent, PageTransitionEvent, VisibilityState};

use super::{Timer, after, now};
use crate::ui::browser::Moment;

/// How long a reader looks at a page without the focus after they did something in it.
const TOUCH_MS: u64 = 10_000;

/// What the server hands over with the document, as JSON. Only the server does that: the browser has no code to write it.
pub fn handed_over<T>(_: &T) -> String {
    String::new()
}

/// Whether the browser believes in a network.
pub fn is_online() -> bool {
    window().navigator().on_line()
}

/// Whether the page is not on the screen.
pub fn is_hidden() -> bool {
    document().visibility_state() == VisibilityState::Hidden
}

thread_local! {
    /// When the reader did something in the page last while another window had the focus.
    static TOUCHED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Whether the reader is likely to look at the page: it is on the screen, and has the focus. A page beside the window that
/// has the focus is looked at for as long as somebody scrolls it or points at it, and a little longer.
pub fn is_attended() -> bool {
    let is_touched = || TOUCHED.get().is_some_and(|at| now() < at + TOUCH_MS);
    !is_hidden() && (document().has_focus().unwrap_or(true) || is_touched())
}

/// The address of the site, without a path.
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Whether the main pointer is a finger.
pub fn has_coarse_pointer() -> bool {
    window().match_media("(pointer: coarse)").ok().flatten().is_some_and(|query| query.matches())
}

/// Names the page.
pub fn set_title(title: &str) {
    document().set_title(title);
}

/// Goes to another page of the site.
pub fn go(address: &str) {
    // Refused only while the page is being torn down anyway.
    let _ = window().location().assign(address);
}

/// Loads the page anew.
pub fn reload() {
    // Refused only while the page is being torn down anyway.
    let _ = window().location().reload();
}

/// Posts to an address, if there is one then, when the page is being closed or left for another. The browser sends that even
/// if nothing of the page is left, but no more than the address.
pub fn on_closing(address: impl Fn() -> Option<String> + 'static) {
    window_event_listener_untyped("pagehide", move |event| {
        if !event.unchecked_into::<PageTransitionEvent>().persisted()
            && let Some(address) = address()
        {
            // Refused only if very much is on its way: then the longer grace holds.
            let _ = window().navigator().send_beacon_with_opt_str(&address, None);
        }
    });
}

/// Loads the page anew when the browser brings it back as it was left, with "Back": what it shows may be long past.
pub fn reload_when_brought_back() {
    window_event_listener_untyped("pageshow", |event| {
        if event.unchecked_into::<PageTransitionEvent>().persisted() {
            reload();
        }
    });
}

/// Calls back when a key is pressed anywhere on the page, for as long as that lives. What the browser itself does with the
/// key it does only if the answer is no.
pub fn on_key(key: &'static str, then: impl Fn() -> bool + 'static) {
    window_event_listener_untyped("keydown", move |event| {
        if event.unchecked_ref::<KeyboardEvent>().key() == key && then() {
            event.prevent_default();
        }
    });
}

/// Listening to the page; ends when dropped.
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

/// Calls back at every moment of the page.
pub fn listen(then: impl Fn(Moment) + Clone + 'static) -> Listener {
    let on = |name: &str, moment: Moment| {
        let then = then.clone();
        window_event_listener_untyped(name, move |_| then(moment))
    };
    let mut handles = vec![
        on("online", Moment::Online),
        on("offline", Moment::Offline),
        on("pageshow", Moment::Shown),
        on("focus", Moment::Attended),
        on("blur", Moment::Attended),
    ];
    let over = Rc::new(RefCell::new(None::<Timer>));
    handles.extend(["wheel", "pointermove"].map(|name| {
        let (then, over) = (then.clone(), over.clone());
        window_event_listener_untyped(name, move |_| {
            if document().has_focus().unwrap_or(true) {
                return;
            }
            let was_attended = is_attended();
            TOUCHED.set(Some(now()));
            if !was_attended {
                then(Moment::Attended);
            }
            let then = then.clone();
            over.replace(Some(after(TOUCH_MS, move || then(Moment::Attended))));
        })
    }));
    listening(handles, move || then(if is_hidden() { Moment::Hidden } else { Moment::Shown }))
}

/// Calls back whenever the page is on the screen again.
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

/// Registers `/sw.js`, where the browser and the address allow it.
pub fn register_service_worker() {
    if window().is_secure_context() {
        // The page works without; a refusal has nobody to tell.
        let registered = window().navigator().service_worker().register("/sw.js");
        leptos::task::spawn_local(async move {
            let _ = wasm_bindgen_futures::JsFuture::from(registered).await;
        });
    }
}
