//! Elements: scrolling, dialogs, and whether something is in view.
//!
//! The timeline is a `column-reverse` box: its scroll position is 0 at the newest row and negative above it, so it starts at
//! the end without a script, and stays there while rows come and the keyboard opens. The browser’s own anchoring is off in
//! it: Chromium (156) takes rows that are added above for a reason to scroll.

use leptos::prelude::document;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    Element, Event, HtmlDialogElement, HtmlElement, HtmlTextAreaElement, IntersectionObserver,
    IntersectionObserverEntry, IntersectionObserverInit,
};

/// How far a timeline is scrolled away from its newest row, in pixels.
pub fn distance_from_end(element: &Element) -> i32 {
    element.scroll_top().abs()
}

/// Shows the newest row.
pub fn scroll_to_end(element: &Element) {
    element.set_scroll_top(0);
}

/// Where the rows of a timeline that are in view stand on the screen.
pub struct Place {
    rows: SendWrapper<Vec<(Element, f64)>>,
}

/// Remembers where the rows in view stand, before the timeline changes. Those out of view may come and go.
pub fn place(frame: &Element) -> Option<Place> {
    let view = frame.get_bounding_client_rect();
    let first = frame.query_selector("ol > li").ok().flatten();
    let rows =
        std::iter::successors(first, Element::next_element_sibling).map(|row| (row.get_bounding_client_rect(), row));
    let rows = rows.skip_while(|(at, _)| at.bottom() <= view.top()).take_while(|(at, _)| at.top() < view.bottom());
    let rows: Vec<_> = rows.map(|(at, row)| (row, at.bottom())).collect();
    (!rows.is_empty()).then(|| Place { rows: SendWrapper::new(rows) })
}

/// Scrolls so that they stand there again: what is read stays in place while something is added elsewhere. One row is
/// enough, but not any: a day at the top gives way to an earlier one.
pub fn keep_place(frame: &Element, place: &Place) {
    if let Some((row, bottom)) = place.rows.iter().find(|(row, _)| row.is_connected()) {
        scroll(frame, row.get_bounding_client_rect().bottom() - bottom);
    }
}

/// A row of a timeline, and how far below the top of the page it began.
pub struct RowPlace(SendWrapper<(Element, Element, f64)>);

/// Remembers where the row stands in which something was pressed.
pub fn row_of(event: &Event) -> Option<RowPlace> {
    let row = event.target()?.dyn_into::<Element>().ok()?.closest("li").ok().flatten()?;
    let frame = row.closest(".timeline__frame").ok().flatten()?;
    let top = row.get_bounding_client_rect().top();
    Some(RowPlace(SendWrapper::new((frame, row, top))))
}

impl RowPlace {
    /// Scrolls so that it begins there again.
    pub fn keep_top(&self) {
        let (frame, row, top) = &*self.0;
        scroll(frame, row.get_bounding_client_rect().top() - top);
    }
}

fn scroll(frame: &Element, down: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "pixels of a screen")]
    let down = down.round() as i32;
    // Setting it at all would end a flick of the finger.
    if down != 0 {
        frame.set_scroll_top(frame.scroll_top() + down);
    }
}

/// How far below the top of the view something begins; `None` if it is not there.
pub fn distance_from_top(frame: &Element, selector: &str) -> Option<f64> {
    let element = frame.query_selector(selector).ok().flatten()?;
    Some(element.get_bounding_client_rect().top() - frame.get_bounding_client_rect().top())
}

/// Scrolls so that it begins at the top of the view.
pub fn scroll_to(frame: &Element, selector: &str) {
    if let Some(distance) = distance_from_top(frame, selector) {
        scroll(frame, distance);
    }
}

/// Where the focus was.
pub struct Focus(SendWrapper<Option<HtmlElement>>);

/// Moves the focus to the first link within an element, and says where it was.
pub fn focus_into(element: &Element) -> Option<Focus> {
    let link = element.query_selector("a").ok().flatten()?.dyn_into::<HtmlElement>().ok()?;
    let before = document().active_element().and_then(|before| before.dyn_into().ok());
    link.focus().ok()?;
    Some(Focus(SendWrapper::new(before)))
}

/// Gives the focus back to where it was.
pub fn give_focus_back(focus: &Focus) {
    if let Some(element) = &*focus.0 {
        let _ = element.focus();
    }
}

/// Whether the focus is within an element.
pub fn has_focus(element: &Element) -> bool {
    document().active_element().is_some_and(|focused| element.contains(Some(&focused)))
}

/// Moves the focus to the first field of a form that is wrong, if one is.
pub fn focus_invalid(form: &Element) {
    let field = form.query_selector("[aria-invalid=true]").ok().flatten();
    if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlElement>().ok()) {
        let _ = field.focus();
    }
}

/// The name of the field that an event is about.
pub fn name_of(event: &Event) -> String {
    let field = event.target().and_then(|field| field.dyn_into::<Element>().ok());
    field.and_then(|field| field.get_attribute("name")).unwrap_or_default()
}

/// Puts a text before what is in an area. The caret, or what is selected, stays with the same letters.
pub fn put_before(area: &HtmlTextAreaElement, text: &str) {
    let (start, end) = (area.selection_start(), area.selection_end());
    area.set_value(&format!("{text}{}", area.value()));
    let by = u32::try_from(text.encode_utf16().count()).unwrap_or_default();
    if let (Ok(Some(start)), Ok(Some(end))) = (start, end) {
        // Refused only to elements that have no selection.
        let _ = area.set_selection_range(start + by, end + by);
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

/// Calls back when an element comes into view within `frame`, or close above or below it.
pub fn watch(element: &Element, frame: &Element, mut then: impl FnMut() + 'static) -> Option<Watch> {
    let callback = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
        let seen = entries.iter().any(|entry| entry.unchecked_into::<IntersectionObserverEntry>().is_intersecting());
        if seen {
            then();
        }
    });
    let options = IntersectionObserverInit::new();
    options.set_root(Some(frame));
    options.set_root_margin("400px 0px");
    let observer = IntersectionObserver::new_with_options(callback.as_ref().unchecked_ref(), &options).ok()?;
    observer.observe(element);
    Some(Watch { observer: SendWrapper::new(observer), _callback: SendWrapper::new(callback) })
}
