//! The stand-in for the browser on the server. It has the same functions as `real`, and each of them does nothing or
//! returns an empty value.
//!
//! There are two exceptions. `serialise_visit` serialises the page's `Visit` into the document. The text functions
//! compute their results on the server as well, and the first render uses `folded`, `without_accents` and
//! `first_letter`.

use std::ops::Range;

use leptos::{
    ev::SubmitEvent,
    web_sys::{Element, Event, HtmlDialogElement, HtmlTextAreaElement},
};
use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;
use uuid::Uuid;

use crate::protocol::{ClientId, Millis};

use super::{Answer, PageEvent, SocketEvent, sorted_by};

pub fn serialise_visit<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what a page is made of is plain data")
}

pub fn now() -> u64 {
    0
}

pub fn time() -> Millis {
    0
}

pub fn local_offset(_: Millis) -> i64 {
    0
}

pub fn today() -> Option<i64> {
    None
}

pub fn until_tomorrow() -> u64 {
    0
}
pub fn times_are_local() {}

pub fn random() -> f64 {
    0.0
}

pub fn message_id() -> ClientId {
    ClientId::new(Uuid::nil())
}

pub struct Timer;

pub fn after(_: u64, _: impl FnOnce() + 'static) -> Timer {
    Timer
}

pub fn before_next_frame(_: impl FnOnce() + 'static) {}

pub fn when_idle(_: impl FnOnce() + 'static) {}

pub fn rows_of_window() -> usize {
    25
}

pub fn on_closing(_: impl Fn() -> Option<String> + 'static) {}

pub fn is_online() -> bool {
    true
}

pub fn is_likely_read() -> bool {
    true
}

pub fn origin() -> String {
    String::new()
}

pub fn has_coarse_pointer() -> bool {
    false
}

pub fn set_title(_: &str) {}

pub fn show_unread(_: u64) {}

pub fn title() -> String {
    String::new()
}

pub fn path() -> String {
    String::new()
}

pub fn address() -> String {
    String::new()
}

pub fn push_address(_: &str) {}

pub fn focus_page() {}

pub fn go(_: &str) {}

pub fn reload() {}

pub fn page_version() -> Option<String> {
    None
}

pub fn reload_into_new_version() {}

pub fn reload_when_reachable() {}

pub fn keep_room(_: &str, _: &str) {}

pub fn forget_kept_room(_: &str) {}

pub fn keep_list(_: &str, _: &str) {}

#[expect(clippy::unused_async, reason = "asynchronous in the browser")]
pub async fn kept_visit(_: &str) -> Option<String> {
    None
}

#[expect(clippy::unused_async, reason = "asynchronous in the browser")]
pub async fn keep_outbox(_: &str, _: f64, _: &str) -> bool {
    false
}

#[expect(clippy::unused_async, reason = "asynchronous in the browser")]
pub async fn kept_outbox(_: &str, _: f64) -> Vec<String> {
    Vec::new()
}

pub fn forget_everything() {}

pub fn reload_when_brought_back() {}

pub fn encoded(_: &str) -> String {
    String::new()
}

#[expect(clippy::unused_async, reason = "asynchronous in the browser")]
pub async fn get(_: &str) -> Option<Answer> {
    None
}

#[expect(clippy::unused_async, reason = "asynchronous in the browser")]
pub async fn send(_: &str, _: &str, _: &str) -> Option<Answer> {
    None
}

pub fn send_form(_: &SubmitEvent, _: &'static str) -> impl Future<Output = Option<Answer>> + use<> {
    std::future::ready(None)
}

pub struct Listener;

pub fn listen(_: impl Fn(PageEvent) + Clone + 'static) -> Listener {
    Listener
}

pub fn when_shown(_: impl Fn() + Clone + 'static) -> Listener {
    Listener
}

pub fn register_service_worker() {}

#[expect(clippy::unused_async, reason = "asynchronous in the browser")]
pub async fn copy(_: String) -> bool {
    false
}

pub fn chime() {}

pub fn can_share() -> bool {
    false
}

#[expect(clippy::unused_async, reason = "asynchronous in the browser")]
pub async fn share(_: String, _: String) {}

pub fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

pub fn folded(text: &str) -> String {
    decomposed(text).nfkc().collect()
}

pub fn without_accents(text: &str) -> String {
    decomposed(text).chars().filter(|c| !matches!(c, '\u{300}'..='\u{36F}')).nfkc().collect()
}

fn decomposed(text: &str) -> String {
    text.nfkd().collect::<String>().to_lowercase()
}

pub fn first_letter(text: &str) -> String {
    text.graphemes(true).next().unwrap_or_default().to_owned()
}

pub fn by_language<T>(all: Vec<T>, name: impl Fn(&T) -> &str) -> Vec<T> {
    sorted_by(all, |item| without_accents(name(item)), Ord::cmp)
}

pub fn stored_text(_: &str) -> Option<String> {
    None
}

pub fn store_text(_: &str, _: &str) {}

pub fn put_shared(_: &str) {}

pub fn take_shared() -> Option<String> {
    None
}

pub fn distance_from_end(_: &Element) -> i32 {
    0
}

pub fn scroll_to_end(_: &Element) {}

pub fn distance_from_top(_: &Element, _: &str) -> Option<f64> {
    None
}

pub fn scroll_to(_: &Element, _: &str) {}

pub fn is_folded() -> bool {
    false
}

pub fn toggle_folded() -> bool {
    false
}

pub fn passed(_: &Element, _: &str) -> Option<String> {
    None
}

pub fn place_of(_: &Element) -> i32 {
    0
}

pub fn return_to_place(_: &Element, _: i32) {}

pub struct RowPositions;

pub fn record_positions(_: &Element) -> Option<RowPositions> {
    None
}

pub fn restore_positions(_: &Element, _: &RowPositions) {}

pub fn on_key(_: &'static str, _: impl Fn() -> bool + 'static) {}

pub struct Focus;

pub fn focus_into(_: &Element) -> Option<Focus> {
    None
}

pub fn give_focus_back(_: &Focus) {}

pub fn has_focus(_: &Element) -> bool {
    false
}

pub struct RowTop;

impl RowTop {
    #[expect(clippy::unused_self, reason = "there is a row in the browser")]
    pub fn restore_top(&self) {}
}

pub fn row_of(_: &Event) -> Option<RowTop> {
    None
}

pub fn row_index(_: &Event) -> Option<usize> {
    None
}

pub fn focus_row(_: &Element, _: usize) {}

pub fn is_within(_: &Event, _: &str) -> bool {
    false
}

pub fn value_of(_: &Event, _: &str) -> Option<String> {
    None
}

pub fn focus_invalid(_: &Element) {}

pub fn name_of(_: &Event) -> String {
    String::new()
}

pub fn prepend_text(_: &HtmlTextAreaElement, _: &str) {}

pub fn caret(_: &HtmlTextAreaElement) -> Option<usize> {
    None
}

pub fn replace_text(_: &HtmlTextAreaElement, _: Range<usize>, _: &str) {}

pub fn set_combobox(_: &HtmlTextAreaElement, _: &str, _: Option<&str>) {}

pub fn show_dialog(_: &HtmlDialogElement) {}

pub fn close_layer(_: &Event) {}

pub fn close_dialog(_: &HtmlDialogElement) {}

pub struct Watch;

pub fn watch(_: &Element, _: &Element, _: impl FnMut() + 'static) -> Option<Watch> {
    None
}

pub struct Socket;

impl Socket {
    pub fn open(_: &str, _: impl Fn(SocketEvent) + Clone + 'static) -> Option<Self> {
        None
    }

    #[expect(clippy::unused_self, reason = "there is a socket in the browser")]
    pub fn send(&self, _: &str) {}
}

pub struct Stream;

impl Stream {
    pub fn open(_: &str, _: impl Fn(SocketEvent) + Clone + 'static) -> Option<Self> {
        None
    }

    #[expect(clippy::unused_self, reason = "there is a stream in the browser")]
    pub fn send(&self, _: &str) {}
}
