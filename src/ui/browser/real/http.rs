//! Requests to the server of this page, by `gloo-net`.

use gloo_net::http::{Method, Request, RequestBuilder};
use gloo_timers::callback::Timeout;
use leptos::ev::SubmitEvent;
use wasm_bindgen::JsCast;
use web_sys::{AbortController, FormData, HtmlButtonElement, HtmlFormElement, UrlSearchParams};

use crate::ui::browser::Answer;

/// A request is aborted if its answer is not complete after this time. The caller gets `None` and may ask again.
const PATIENCE_MS: u32 = 20_000;

/// Sends a GET request. `None` if there is no answer.
pub async fn get(address: &str) -> Option<Answer> {
    let (limit, request) = request(Method::GET, address)?;
    limit.send(request.build().ok()?).await
}

/// A text as a value in the query of an address.
pub fn encoded(text: &str) -> String {
    js_sys::encode_uri_component(text).into()
}

/// Sends JSON. `None` if there is no answer.
pub async fn send(method: &str, address: &str, json: &str) -> Option<Answer> {
    let (limit, request) = request(method.parse().ok()?, address)?;
    limit.send(request.header("Content-Type", "application/json").body(json).ok()?).await
}

/// Sends the fields of a form as the browser itself would, including the name and value of the pressed button.
pub fn send_form(event: &SubmitEvent, address: &'static str) -> impl Future<Output = Option<Answer>> + use<> {
    // Read before the request starts, because the reader may change the form meanwhile.
    let body = fields(event);
    async move {
        let (limit, request) = request(Method::POST, address)?;
        limit.send(request.body(body?).ok()?).await
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

fn request(method: Method, address: &str) -> Option<(TimeLimit, RequestBuilder)> {
    let controller = AbortController::new().ok()?;
    let signal = controller.signal();
    // Never abort with a reason: a reason that is not an `Error` makes gloo-net 0.6 panic (ranile/gloo#477).
    let timer = Timeout::new(PATIENCE_MS, move || controller.abort());
    Some((TimeLimit { _timer: timer }, RequestBuilder::new(address).method(method).abort_signal(Some(&signal))))
}

/// Aborts a request after [`PATIENCE_MS`]. Dropping it ends the limit.
struct TimeLimit {
    _timer: Timeout,
}

impl TimeLimit {
    /// Sends the request, and reads its answer to the end within the limit.
    async fn send(self, request: Request) -> Option<Answer> {
        let response = request.send().await.ok()?;
        let headers = response.headers();
        let redirect = headers.get("serverfnredirect").and_then(|_| headers.get("location"));
        let text = response.text().await.ok()?;
        Some(Answer { is_ok: response.ok(), redirect, text })
    }
}
