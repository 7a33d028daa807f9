//! What this device keeps for an account (`public/store.js`), which `start.js` loads before hydration.
//!
//! The script decides whether anything is kept, and for whom. Without it (it did not load, or the browser stores
//! nothing) these functions return nothing, and pages work as without a copy.

use js_sys::{Array, Promise};
use leptos::task::spawn_local;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = anonchatStore, js_name = saveRoom, catch)]
    fn save_room(code: &str, snapshot: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = anonchatStore, js_name = forgetRoom, catch)]
    fn forget_room(code: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = anonchatStore, js_name = saveList, catch)]
    fn save_list(account: &str, rooms: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = anonchatStore, catch)]
    fn visit(path: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = anonchatStore, js_name = saveOutbox, catch)]
    fn save_outbox(code: &str, member: f64, messages: &str) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = anonchatStore, js_name = outboxIn, catch)]
    fn outbox_of(code: &str, member: f64) -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = anonchatStore, catch)]
    fn wipe() -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = anonchatStore, catch)]
    fn renew() -> Result<Promise, JsValue>;
    #[wasm_bindgen(js_namespace = anonchatStore, catch)]
    fn reachable() -> Result<Promise, JsValue>;
}

async fn done(promise: Result<Promise, JsValue>) -> Option<JsValue> {
    JsFuture::from(promise.ok()?).await.ok()
}

/// Starts something whose result nobody waits for.
fn start(promise: Result<Promise, JsValue>) {
    spawn_local(async move { _ = done(promise).await });
}

/// Saves the end of a room, a snapshot as JSON.
pub fn keep_room(code: &str, snapshot: &str) {
    start(save_room(code, snapshot));
}

/// Deletes the copy of a room, and what is in its outbox on this device.
pub fn forget_kept_room(code: &str) {
    start(forget_room(code));
}

/// Saves the account and its list of rooms, both as JSON.
pub fn keep_list(account: &str, rooms: &str) {
    start(save_list(account, rooms));
}

/// What is kept for the address of this page, as the JSON of a `Visit`.
pub async fn kept_visit(path: &str) -> Option<String> {
    done(visit(path)).await?.as_string()
}

/// Makes the kept outbox of a member equal to this JSON. Returns false if the device keeps nothing.
pub async fn keep_outbox(code: &str, member: f64, messages: &str) -> bool {
    done(save_outbox(code, member, messages)).await.is_some_and(|is_kept| is_kept.is_truthy())
}

/// The kept outbox of a member, as JSON, one text for each message.
pub async fn kept_outbox(code: &str, member: f64) -> Vec<String> {
    let kept = done(outbox_of(code, member)).await.map(|kept| Array::from(&kept)).unwrap_or_default();
    kept.iter().filter_map(|message| message.as_string()).collect()
}

/// Deletes everything that the device keeps. The page keeps nothing any more.
pub fn forget_everything() {
    start(wipe());
}

/// Loads the page again in the newest version, unless a form is half filled in.
pub fn reload_into_new_version() {
    start(renew());
}

/// Loads the page again as soon as the server can be reached.
pub fn reload_when_reachable() {
    spawn_local(async move {
        if done(reachable()).await.is_some() {
            super::reload();
        }
    });
}
