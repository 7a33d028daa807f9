//! Static files: the hashed shell for ever, everything else asked for anew each time; and the list of the shell for the
//! service worker.

use std::path::Path;

use axum::{
    Router,
    http::{HeaderValue, Response, header},
    routing::get,
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use leptos::config::LeptosOptions;
use serde_json::json;
use sha2::{Digest, Sha256};
use tower::ServiceBuilder;
use tower_http::{
    services::{ServeDir, ServeFile},
    set_header::SetResponseHeaderLayer,
};

use super::headers::offline_policy;
use crate::server::app::App;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// Files of the site folder, and what describes them.
pub fn files(options: &LeptosOptions) -> Router<App> {
    let root = Path::new(options.site_root.as_ref());
    // What is not there today may be there after the next deployment.
    let cached = |value: HeaderValue| {
        let unless_missing =
            move |response: &Response<_>| (!response.status().is_client_error()).then(|| value.clone());
        SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, unless_missing)
    };
    let pkg = ServeDir::new(root.join(options.site_pkg_dir.as_ref())).precompressed_br().precompressed_gzip();
    let file = |name: &str, value: HeaderValue| {
        ServiceBuilder::new().layer(cached(value)).service(ServeFile::new(root.join(name)))
    };
    let shell = axum::Json(shell(options));
    Router::new()
        .nest_service("/pkg", ServiceBuilder::new().layer(cached(FOR_EVER)).service(pkg))
        .nest_service("/icons", ServiceBuilder::new().layer(cached(A_DAY)).service(ServeDir::new(root.join("icons"))))
        .route_service("/favicon.ico", file("favicon.ico", A_DAY))
        .route_service("/favicon.svg", file("favicon.svg", A_DAY))
        .route_service("/robots.txt", file("robots.txt", A_DAY))
        .route_service("/sw.js", file("sw.js", ASK_AGAIN))
        .route_service(
            "/offline.html",
            ServiceBuilder::new().layer(policed(root)).service(file("offline.html", ASK_AGAIN)),
        )
        .route_service("/offline.css", file("offline.css", ASK_AGAIN))
        .route("/shell.json", get(move || async move { ([(header::CACHE_CONTROL, ASK_AGAIN)], shell) }))
}

/// Gives the offline page a policy that lets its own lines of script run, by their digest, and no others. The page is kept
/// on the device with its headers, so there is no nonce in it.
fn policed(root: &Path) -> SetResponseHeaderLayer<Option<HeaderValue>> {
    let page = std::fs::read_to_string(root.join("offline.html")).unwrap_or_default();
    let script = page.split_once("<script>").and_then(|(_, rest)| Some(rest.split_once("</script>")?.0));
    let policy = script.map(|script| offline_policy(&BASE64_STANDARD.encode(Sha256::digest(script))));
    let policy = policy.and_then(|policy| HeaderValue::from_str(&policy).ok());
    SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, policy)
}

/// What the service worker keeps: the hashed files of the page and the offline page, under a version that changes with any
/// of them.
fn shell(options: &LeptosOptions) -> serde_json::Value {
    let root = Path::new(options.site_root.as_ref());
    let pkg = options.site_pkg_dir.as_ref();
    let mut files: Vec<String> = std::fs::read_dir(root.join(pkg))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|kind| ["js", "wasm", "css"].iter().any(|k| kind == *k)))
        .map(|name| format!("/{pkg}/{name}"))
        .collect();
    files.sort();
    files.extend(["/offline.html", "/offline.css"].map(str::to_owned));
    let mut version = Sha256::new();
    for file in &files {
        version.update(file);
        if !file.starts_with(&format!("/{pkg}/")) {
            version.update(std::fs::read(root.join(&file[1..])).unwrap_or_default());
        }
    }
    let version = BASE64_URL_SAFE_NO_PAD.encode(&version.finalize()[..9]);
    json!({ "version": version, "files": files })
}
