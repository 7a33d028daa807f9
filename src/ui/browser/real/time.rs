//! Clocks, timers and random numbers.

use gloo_timers::callback::Timeout;
use js_sys::Date;
use send_wrapper::SendWrapper;
use uuid::Uuid;

use crate::protocol::{ClientId, Millis};

/// Milliseconds since the page began to load, by a clock that never goes back.
pub fn now() -> u64 {
    let now = web_sys::window().and_then(|window| window.performance()).map_or(0.0, |clock| clock.now());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0, and below 2^53 for ages")]
    let now = now as u64;
    now
}

/// The offset of the browser's time zone at that time, in minutes east of UTC.
pub fn local_offset(at: Millis) -> i64 {
    #[expect(clippy::cast_precision_loss, reason = "a browser's own times are doubles")]
    let date = Date::new(&wasm_bindgen::JsValue::from_f64(at as f64));
    #[expect(clippy::cast_possible_truncation, reason = "minutes of a day")]
    let west = date.get_timezone_offset() as i64;
    -west
}

/// The time by the clock of the device, which people set.
pub fn time() -> Millis {
    #[expect(clippy::cast_possible_truncation, reason = "whole milliseconds")]
    let at = Date::now() as i64;
    at
}

/// The current day in the browser's time zone, counted from 1 January 1970.
#[expect(clippy::unnecessary_wraps, reason = "on the server there is no today")]
pub fn today() -> Option<i64> {
    let at = time();
    Some((at + local_offset(at) * 60_000).div_euclid(86_400_000))
}

/// Milliseconds until midnight in the browser's time zone.
pub fn until_tomorrow() -> u64 {
    let at = time();
    let left = 86_400_000 - (at + local_offset(at) * 60_000).rem_euclid(86_400_000);
    left.unsigned_abs()
}

/// Marks the times on the page as local. The style hides times while the document says that they are UTC
/// (`data-times`).
pub fn times_are_local() {
    if let Some(root) = leptos::prelude::document().document_element() {
        // Removing an attribute does not fail.
        let _ = root.remove_attribute("data-times");
    }
}

/// A random number from 0 to 1, without 1.
pub fn random() -> f64 {
    js_sys::Math::random()
}

/// A new message id: a UUID of version 7, which is ordered by time and otherwise random.
pub fn message_id() -> ClientId {
    ClientId::new(Uuid::now_v7())
}

/// A pending call. Dropping it cancels the call.
pub struct Timer(#[expect(dead_code, reason = "kept for its drop")] SendWrapper<Timeout>);

/// Calls `then` after that many milliseconds, unless the returned timer is dropped before.
pub fn after(ms: u64, then: impl FnOnce() + 'static) -> Timer {
    let ms = u32::try_from(ms).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs());
    Timer(SendWrapper::new(Timeout::new(ms, then)))
}
