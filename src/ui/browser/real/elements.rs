//! Elements: scrolling, dialogs, and whether something is in view.
//!
//! The timeline is a `column-reverse` box: its scroll position is 0 at the newest row and negative above it, so it starts at
//! the end without a script, and stays there while rows come and the keyboard opens. The browser’s own anchoring is off in
//! it: Chromium (156) takes rows that are added above for a reason to scroll.

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

/// Where the newest row of a timeline stands on the screen.
pub struct Place {
    row: SendWrapper<Element>,
    bottom: f64,
}

/// Remembers where the newest row stands, before the timeline changes.
pub fn place(frame: &Element) -> Option<Place> {
    let row = frame.query_selector("ol > li:last-child").ok().flatten()?;
    let bottom = row.get_bounding_client_rect().bottom();
    Some(Place { row: SendWrapper::new(row), bottom })
}

/// Scrolls so that it stands there again: what is read stays in place while something is added elsewhere.
pub fn keep_place(frame: &Element, place: &Place) {
    if place.row.is_connected() {
        let moved = place.row.get_bounding_client_rect().bottom() - place.bottom;
        #[expect(clippy::cast_possible_truncation, reason = "pixels of a screen")]
        frame.set_scroll_top(frame.scroll_top() + moved.round() as i32);
    }
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
