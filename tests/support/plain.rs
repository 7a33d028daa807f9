//! A browser without scripts: it asks for pages, and sends their forms by itself.

use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};

use super::Guest;

impl Guest {
    /// A page, wherever its address leads to: its status and its text.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let answer = self.request(Method::GET, path).header("accept", "text/html").send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("a page is text"))
    }

    /// Where the address of a page leads to, if it leads on.
    pub async fn led_on(&self, path: &str) -> Option<String> {
        let request = self.request(Method::GET, path).header("accept", "text/html");
        location(&without_redirects(self, request).await)
    }

    /// Sends a form of a page: its status, and where that leads to.
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

/// Sends a request as it is, and keeps the cookies of the answer.
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
