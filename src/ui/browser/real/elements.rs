//! Elements: scrolling, dialogs, and whether something is in view.
//!
//! The timeline is a `column-reverse` box: its scroll position is 0 at the newest row and negative above it, so it starts at
//! the end without a script, and stays there while rows come and the keyboard opens.

use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, HtmlDialogElement, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

/// How far a timeline is scrolled away from its newest row, in pixels.
pub fn distance_from_end(element: &Element) -> i32 {
    element.scroll_top().abs()
}

/// Shows the newest row.
pub fn scroll_to_end(element: &Element) {
    element.set_scroll_top(0);
}

/// The height of everything in it.
pub fn scroll_height(element: &Element) -> i32 {
    element.scroll_height()
}

/// Scrolls further from the end by that many pixels.
pub fn scroll_by(element: &Element, pixels: i32) {
    element.set_scroll_top(element.scroll_top() - pixels);
}

/// Whether this browser holds what is read in place by itself while something is added elsewhere.
pub fn anchors_scrolling() -> bool {
    web_sys::css::supports_with_value("overflow-anchor", "auto").unwrap_or(false)
}

/// Opens a dialog over the page.
pub fn show_dialog(dialog: &HtmlDialogElement) {
    if !dialog.open() {
        let _ = dialog.show_modal();
    }
}

/// Closes a dialog.
pub fn close_dialog(dialog: &HtmlDialogElement) {
    if dialog.open() {
        dialog.close();
    }
}

/// Watching an element; ends when dropped.
pub struct Watch {
    observer: SendWrapper<IntersectionObserver>,
    _callback: SendWrapper<Closure<dyn FnMut(js_sys::Array)>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Calls back when an element comes into view within `frame`, or close above it.
pub fn watch(element: &Element, frame: &Element, mut then: impl FnMut() + 'static) -> Option<Watch> {
    let callback = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
        let seen = entries.iter().any(|entry| entry.unchecked_into::<IntersectionObserverEntry>().is_intersecting());
        if seen {
            then();
        }
    });
    let options = IntersectionObserverInit::new();
    options.set_root(Some(frame));
    options.set_root_margin("200px 0px 0px 0px");
    let observer = IntersectionObserver::new_with_options(callback.as_ref().unchecked_ref(), &options).ok()?;
    observer.observe(element);
    Some(Watch { observer: SendWrapper::new(observer), _callback: SendWrapper::new(callback) })
}
