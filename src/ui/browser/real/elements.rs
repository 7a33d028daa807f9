//! Elements of the page: scroll positions, focus, dialogs, and intersection with the viewport.
//!
//! The timeline is a `column-reverse` box. Its scroll position is 0 at the newest row and negative above it, so it
//! starts at the end without a script, and stays there while rows arrive or the on-screen keyboard opens. The browser's
//! own scroll anchoring is switched off in the timeline: Chromium (156) scrolls when rows are inserted above.
//! [`record_positions`] and [`restore_positions`] do the anchoring instead.

use std::ops::Range;

use leptos::prelude::document;
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    Element, Event, HtmlDialogElement, HtmlElement, HtmlTextAreaElement, IntersectionObserver,
    IntersectionObserverEntry, IntersectionObserverInit,
};

/// A row of a timeline. The lists in messages are no `ol`.
const ROW: &str = "ol > li";

/// The distance from the newest row of a timeline, in pixels.
pub fn distance_from_end(element: &Element) -> i32 {
    element.scroll_top().abs()
}

/// Scrolls a timeline to its newest row.
pub fn scroll_to_end(element: &Element) {
    element.set_scroll_top(0);
}

/// The visible rows of a timeline with their positions on the screen, taken by [`record_positions`].
pub struct RowPositions {
    rows: SendWrapper<Vec<(Element, f64)>>,
}

/// Records the positions of the visible rows before the timeline changes. Rows out of view are ignored, as they may be
/// removed. `None` if no row is visible.
pub fn record_positions(frame: &Element) -> Option<RowPositions> {
    let view = frame.get_bounding_client_rect();
    let first = frame.query_selector(ROW).ok().flatten();
    let rows =
        std::iter::successors(first, Element::next_element_sibling).map(|row| (row.get_bounding_client_rect(), row));
    let rows = rows.skip_while(|(at, _)| at.bottom() <= view.top()).take_while(|(at, _)| at.top() < view.bottom());
    let rows: Vec<_> = rows.map(|(at, row)| (row, at.bottom())).collect();
    (!rows.is_empty()).then(|| RowPositions { rows: SendWrapper::new(rows) })
}

/// Scrolls so that the recorded rows are where they were, so the text being read does not move while rows are inserted
/// elsewhere. The first recorded row that is still in the document is used. The others are spares, because a row may be
/// replaced: the day row at the top disappears when older messages of that day are inserted.
pub fn restore_positions(frame: &Element, positions: &RowPositions) {
    if let Some((row, bottom)) = positions.rows.iter().find(|(row, _)| row.is_connected()) {
        scroll(frame, row.get_bounding_client_rect().bottom() - bottom);
    }
}

/// A row of a timeline, with the distance of its top edge from the top of the viewport.
pub struct RowTop(SendWrapper<(Element, Element, f64)>);

/// Records the position of the row that contains the target of this event.
pub fn row_of(event: &Event) -> Option<RowTop> {
    let row = event.target()?.dyn_into::<Element>().ok()?.closest(ROW).ok().flatten()?;
    let frame = row.closest(".timeline__frame").ok().flatten()?;
    let top = row.get_bounding_client_rect().top();
    Some(RowTop(SendWrapper::new((frame, row, top))))
}

impl RowTop {
    /// Scrolls so that the top edge of the row is where it was.
    pub fn restore_top(&self) {
        let (frame, row, top) = &*self.0;
        scroll(frame, row.get_bounding_client_rect().top() - top);
    }
}

fn scroll(frame: &Element, down: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "pixels of a screen")]
    let down = down.round() as i32;
    // Assigning the scroll position, even without a change, stops a flick that is still scrolling.
    if down != 0 {
        frame.set_scroll_top(frame.scroll_top() + down);
    }
}

/// The index of the row of a timeline that contains the target of this event.
pub fn row_index(event: &Event) -> Option<usize> {
    let row = event.target()?.dyn_into::<Element>().ok()?.closest(ROW).ok().flatten()?;
    Some(std::iter::successors(row.previous_element_sibling(), Element::previous_element_sibling).count())
}

/// Scrolls a row of a timeline to the middle of the frame, and moves the focus to it.
pub fn focus_row(frame: &Element, index: usize) {
    let row = frame.query_selector(&format!("{ROW}:nth-child({})", index + 1)).ok().flatten();
    let Some(row) = row.and_then(|row| row.dyn_into::<HtmlElement>().ok()) else { return };
    let middle = |element: &Element| {
        let place = element.get_bounding_client_rect();
        place.top() + place.height() / 2.0
    };
    scroll(frame, middle(&row) - middle(frame));
    row.set_tab_index(-1);
    let _ = row.focus();
}

/// Whether the target of this event is an element that matches, or is within one.
pub fn is_within(event: &Event, selector: &str) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    target.is_some_and(|target| target.closest(selector).ok().flatten().is_some())
}

/// The value of the button with this selector that an event happened on.
pub fn value_of(event: &Event, selector: &str) -> Option<String> {
    event.target()?.dyn_into::<Element>().ok()?.closest(selector).ok().flatten()?.get_attribute("value")
}

/// How far the frame is scrolled, in pixels from the top of its content.
pub fn place_of(frame: &Element) -> i32 {
    frame.scroll_height() - frame.client_height() - distance_from_end(frame)
}

/// Scrolls the frame to a place that [`place_of`] returned. Content that was added at the end does not matter.
pub fn return_to_place(frame: &Element, place: i32) {
    scroll(frame, f64::from(place - place_of(frame)));
}

/// The distance in pixels from the top of the frame to the first element that matches. `None` if there is none.
pub fn distance_from_top(frame: &Element, selector: &str) -> Option<f64> {
    let element = frame.query_selector(selector).ok().flatten()?;
    Some(element.get_bounding_client_rect().top() - frame.get_bounding_client_rect().top())
}

/// Scrolls so that the first matching element is at the top of the frame.
pub fn scroll_to(frame: &Element, selector: &str) {
    if let Some(distance) = distance_from_top(frame, selector) {
        scroll(frame, distance);
    }
}

/// The text of the last element with this class that was scrolled over the top of the frame.
pub fn passed(frame: &Element, class: &str) -> Option<String> {
    let elements = frame.get_elements_by_class_name(class);
    let top = frame.get_bounding_client_rect().top();
    let mut elements = (0..elements.length()).rev().filter_map(|at| elements.item(at));
    elements.find(|element| element.get_bounding_client_rect().top() < top)?.text_content()
}

/// The element that had the focus before [`focus_into`] moved it.
pub struct Focus(SendWrapper<Option<HtmlElement>>);

/// Moves the focus to the first link within an element, and returns the element that had it before.
pub fn focus_into(element: &Element) -> Option<Focus> {
    let link = element.query_selector("a").ok().flatten()?.dyn_into::<HtmlElement>().ok()?;
    let before = document().active_element().and_then(|before| before.dyn_into().ok());
    link.focus().ok()?;
    Some(Focus(SendWrapper::new(before)))
}

/// Returns the focus to the element that had it before.
pub fn give_focus_back(focus: &Focus) {
    if let Some(element) = &*focus.0 {
        let _ = element.focus();
    }
}

/// Whether the focus is within an element.
pub fn has_focus(element: &Element) -> bool {
    document().active_element().is_some_and(|focused| element.contains(Some(&focused)))
}

/// Moves the focus to the first invalid field of a form (`aria-invalid`), if there is one.
pub fn focus_invalid(form: &Element) {
    let field = form.query_selector("[aria-invalid=true]").ok().flatten();
    if let Some(field) = field.and_then(|field| field.dyn_into::<HtmlElement>().ok()) {
        let _ = field.focus();
    }
}

/// The `name` of the field that sent this event. Empty if there is none.
pub fn name_of(event: &Event) -> String {
    let field = event.target().and_then(|field| field.dyn_into::<Element>().ok());
    field.and_then(|field| field.get_attribute("name")).unwrap_or_default()
}

/// Inserts a text at the start of a text area. Caret and selection keep their place in the text.
pub fn prepend_text(area: &HtmlTextAreaElement, text: &str) {
    let (start, end) = (area.selection_start(), area.selection_end());
    area.set_value(&format!("{text}{}", area.value()));
    let by = u32::try_from(text.encode_utf16().count()).unwrap_or_default();
    if let (Ok(Some(start)), Ok(Some(end))) = (start, end) {
        // Setting the selection fails only for inputs without a selection, and a text area has one.
        let _ = area.set_selection_range(start + by, end + by);
    }
}

/// The place of the caret in the text of a text area, in bytes. `None` while a part of the text is selected.
pub fn caret(area: &HtmlTextAreaElement) -> Option<usize> {
    let (start, end) = (area.selection_start().ok()??, area.selection_end().ok()??);
    if start != end {
        return None;
    }
    let text = String::from_utf16_lossy(&area.value().encode_utf16().take(start as usize).collect::<Vec<_>>());
    Some(text.len())
}

/// Replaces a part of the text of a text area, and puts the caret behind it. It is as if somebody had typed it.
pub fn replace_text(area: &HtmlTextAreaElement, part: Range<usize>, by: &str) {
    let text = area.value();
    let before = format!("{}{by}", &text[..part.start]);
    area.set_value(&format!("{before}{}", &text[part.end..]));
    let caret = u32::try_from(before.encode_utf16().count()).unwrap_or_default();
    let _ = area.set_selection_range(caret, caret);
    if let Ok(event) = Event::new("input") {
        let _ = area.dispatch_event(&event);
    }
}

/// Makes a text area the combobox of a list whose option is active, or a plain one again if the list is closed.
pub fn set_combobox(area: &HtmlTextAreaElement, list: &str, active: Option<&str>) {
    let attributes = [
        ("role", "combobox"),
        ("aria-autocomplete", "list"),
        ("aria-expanded", "true"),
        ("aria-controls", list),
        ("aria-activedescendant", active.unwrap_or_default()),
    ];
    for (name, value) in attributes {
        let _ = if active.is_some() { area.set_attribute(name, value) } else { area.remove_attribute(name) };
    }
}

/// Opens a dialog as a modal one. Does nothing if it is open.
pub fn show_dialog(dialog: &HtmlDialogElement) {
    if !dialog.open() {
        let _ = dialog.show_modal();
    }
}

/// Closes a dialog. Does nothing if it is closed.
pub fn close_dialog(dialog: &HtmlDialogElement) {
    if dialog.open() {
        dialog.close();
    }
}

/// Closes the popover or the dialog that contains the target of this event. The focus returns to where it was before.
pub fn close_layer(event: &Event) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let Some(layer) = target.and_then(|target| target.closest("[popover], dialog").ok().flatten()) else { return };
    match layer.dyn_into::<HtmlDialogElement>() {
        Ok(dialog) => dialog.close(),
        Err(popover) => _ = popover.unchecked_into::<HtmlElement>().hide_popover(),
    }
}

/// Observes an element until it is dropped.
pub struct Watch {
    observer: SendWrapper<IntersectionObserver>,
    _callback: SendWrapper<Closure<dyn FnMut(js_sys::Array)>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Calls `then` when an element comes into view within `frame`, or within 400 pixels above or below the view.
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
