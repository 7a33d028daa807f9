//! Requests to the server of this page, by `fetch`.

use gloo_timers::callback::Timeout;
use leptos::{ev::SubmitEvent, prelude::window};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, FormData, HtmlButtonElement, HtmlFormElement, RequestInit, Response, UrlSearchParams};

use crate::ui::browser::Answer;

/// A request is aborted if its answer is not complete after this time. The caller gets `None` and may ask again.
const PATIENCE_MS: u32 = 20_000;

/// Sends a GET request. `None` if there is no answer.
pub async fn get(address: &str) -> Option<Answer> {
    fetch(address, &request("GET")).await
}

/// Sends JSON. `None` if there is no answer.
pub async fn send(method: &str, address: &str, json: &str) -> Option<Answer> {
    let request = request(method);
    request.set_body(&JsValue::from_str(json));
    let headers = js_sys::Object::new();
    js_sys::Reflect::set(&headers, &"Content-Type".into(), &"application/json".into()).ok()?;
    request.set_headers(&headers);
    fetch(address, &request).await
}

/// Sends the fields of a form as the browser itself would, including the name and value of the pressed button.
pub fn send_form(event: &SubmitEvent, address: &'static str) -> impl Future<Output = Option<Answer>> + use<> {
    // Read before the request starts, because the reader may change the form meanwhile.
    let body = fields(event).map(JsValue::from);
    async move {
        let request = request("POST");
        request.set_body(&body?);
        fetch(address, &request).await
    }
}

fn fields(event: &SubmitEvent) -> Option<UrlSearchParams> {
    let form = event.target()?.dyn_into::<HtmlFormElement>().ok()?;
    let data = FormData::new_with_form(&form).ok()?;
    let button = event.submitter().and_then(|button| button.dyn_into::<HtmlButtonElement>().ok());
    if let Some(button) = button.filter(|button| !button.name().is_empty()) {
        data.append_with_str(&button.name(), &button.value()).ok()?;
    }
    UrlSearchParams::new_with_str_sequence_sequence(&data).ok()
}

fn request(method: &str) -> RequestInit {
    let request = RequestInit::new();
    request.set_method(method);
    request
}

async fn fetch(address: &str, request: &RequestInit) -> Option<Answer> {
    let controller = AbortController::new().ok()?;
    request.set_signal(Some(&controller.signal()));
    let _patience = Timeout::new(PATIENCE_MS, move || controller.abort());
    let response = JsFuture::from(window().fetch_with_str_and_init(address, request)).await.ok()?;
    let response = response.unchecked_into::<Response>();
    let header = |name: &str| response.headers().get(name).ok().flatten();
    let redirect = header("serverfnredirect").and_then(|_| header("location"));
    let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    Some(Answer { is_ok: response.ok(), redirect, text })
}
