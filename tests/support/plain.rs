//! A browser without scripts: methods of [`Guest`] that request pages and send forms to server functions.

use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};

use super::Guest;

impl Guest {
    /// Requests a page and follows redirects. Returns the status and the HTML.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let answer = self.request(Method::GET, path).header("accept", "text/html").send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a page is text"))
    }

    /// The target of the redirect that this path answers with, if it answers with one.
    pub async fn led_on(&self, path: &str) -> Option<String> {
        let request = self.request(Method::GET, path).header("accept", "text/html");
        location(&without_redirects(self, request).await)
    }

    /// Sends a form to a server function, as the page `page` would without scripts. Returns the status and the target
    /// of the redirect.
    pub async fn send_form(&self, page: &str, function: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let request = self.request(Method::POST, &format!("/api/ui/{function}")).form(fields);
        let request = request.header("accept", "text/html").header("referer", format!("http://site{page}"));
        let answer = without_redirects(self, request).await;
        (answer.status().as_u16(), location(&answer).unwrap_or_default())
    }
}

fn location(answer: &Response) -> Option<String> {
    answer.headers().get("location").map(|to| to.to_str().expect("an address is text").to_owned())
}

/// Sends a request without following redirects, and stores the cookies of the answer.
async fn without_redirects(guest: &Guest, request: RequestBuilder) -> Response {
    let mut request = request.build().expect("a request");
    if let Some(cookies) = guest.cookie() {
        request.headers_mut().insert("cookie", cookies);
    }
    let client = Client::builder().redirect(Policy::none()).build().expect("a client");
    let answer = client.execute(request).await.expect("an answer");
    guest.keep_cookies(&answer);
    answer
}
