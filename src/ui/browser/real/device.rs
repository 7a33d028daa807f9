//! Functions of the device: clipboard, sound, share sheet, and session storage, which lasts as long as the tab.

use gloo_timers::callback::Timeout;
use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AudioContext, HtmlElement, Navigator, ShareData, Storage};

/// Writes a text to the clipboard. Returns false if the browser refuses.
pub async fn copy(text: String) -> bool {
    if window().is_secure_context() {
        let written = window().navigator().clipboard().write_text(&text);
        return JsFuture::from(written).await.is_ok();
    }
    copy_by_selection(&text)
}

/// Copies by selecting a temporary text area. Works on plain http, where the Clipboard API is not available.
fn copy_by_selection(text: &str) -> bool {
    let Some(document) = window().document() else { return false };
    let Some(body) = document.body() else { return false };
    let Some(area) =
        document.create_element("textarea").ok().and_then(|area| area.dyn_into::<web_sys::HtmlTextAreaElement>().ok())
    else {
        return false;
    };
    area.set_value(text);
    area.set_class_name("visually-hidden");
    // The temporary area goes into the open dialog, if there is one. Elements outside of a modal dialog cannot be
    // selected.
    let place = document.query_selector("dialog[open]").ok().flatten();
    let place = place.and_then(|dialog| dialog.dyn_into::<HtmlElement>().ok()).unwrap_or(body);
    if place.append_child(&area).is_err() {
        return false;
    }
    area.select();
    let copied = document
        .dyn_ref::<web_sys::HtmlDocument>()
        .and_then(|document| document.exec_command("copy").ok())
        .unwrap_or(false);
    area.remove();
    copied
}

/// Plays two short notes. The browser keeps silent until the reader has clicked or typed on the page.
pub fn chime() {
    // An error means that there is no sound output. Nothing depends on the sound.
    let _ = sound();
}

fn sound() -> Result<(), JsValue> {
    let context = AudioContext::new()?;
    let now = context.current_time();
    let volume = context.create_gain()?;
    volume.gain().set_value(0.06);
    volume.connect_with_audio_node(&context.destination())?;
    let note = context.create_oscillator()?;
    note.frequency().set_value(660.0);
    note.frequency().set_value_at_time(880.0, now + 0.09)?;
    note.connect_with_audio_node(&volume)?;
    note.start()?;
    note.stop_with_when(now + 0.2)?;
    // A browser limits how many audio contexts a page may have open, so this one is closed after a second.
    Timeout::new(1_000, move || _ = context.close()).forget();
    Ok(())
}

/// Whether the browser can open a share sheet.
pub fn can_share() -> bool {
    js_sys::Reflect::has(&window().navigator(), &JsValue::from_str("share")).unwrap_or(false)
}

/// Opens the share sheet with a title and a link.
pub async fn share(title: String, url: String) {
    let data = ShareData::new();
    data.set_title(&title);
    data.set_url(&url);
    let navigator: Navigator = window().navigator();
    // An error also means that the reader closed the sheet, so it is ignored.
    let _ = JsFuture::from(navigator.share_with_data(&data)).await;
}

fn storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

/// Reads the text that [`store_text`] stored under this name in this tab.
pub fn stored_text(name: &str) -> Option<String> {
    storage()?.get_item(name).ok().flatten()
}

/// Whether the panel of members is folded away. The root has an attribute for it, which the style and head.js know.
pub fn is_folded() -> bool {
    document().document_element().is_some_and(|root| root.has_attribute("data-folded"))
}

/// Folds the panel of members away, or unfolds it, in all rooms of this tab. Returns whether it is folded now.
pub fn toggle_folded() -> bool {
    let is_folded = document().document_element().is_some_and(|root| root.toggle_attribute("data-folded") == Ok(true));
    store_text("anonchat.folded", if is_folded { "yes" } else { "" });
    is_folded
}

/// The name of the entry for a text that another app has shared (`public/window.js`).
const SHARED: &str = "anonchat.draft.shared";

/// Takes the text that another app has shared with this one, if there is one.
pub fn take_shared() -> Option<String> {
    let text = stored_text(SHARED)?;
    store_text(SHARED, "");
    let root = document().document_element()?;
    let _ = root.remove_attribute("data-shared");
    Some(text)
}

/// Keeps a text for the composer of the next room, like one that another app has shared.
pub fn put_shared(text: &str) {
    store_text(SHARED, text);
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-shared", "");
    }
}

/// Stores a text under a name in this tab's session storage. An empty text removes the entry.
pub fn store_text(name: &str, text: &str) {
    if let Some(storage) = storage() {
        // Storage may be full or forbidden. Then the text is lost at the next reload, and everything else works.
        let _ = if text.is_empty() { storage.remove_item(name) } else { storage.set_item(name, text) };
    }
}
