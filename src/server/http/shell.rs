//! Static files and their caching. Files with a hash in their name (`/pkg`) are cached for ever, pictures and
//! `robots.txt` for a day. The service worker, the other scripts without a hash and the offline page are revalidated
//! each time. `/shell.json` lists the files that the service worker stores for offline use, with the version of the
//! build.

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
    compression::CompressionLayer,
    services::{ServeDir, ServeFile},
    set_header::SetResponseHeaderLayer,
};

use super::headers::{WORKER_POLICY, offline_policy, stored_page_policy};
use crate::server::app::App;

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");
const A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// The routes for the files of the site folder.
pub fn files(options: &LeptosOptions) -> Router<App> {
    let root = Path::new(options.site_root.as_ref());
    // A missing file must not be cached, because the next deployment may have it.
    let cached = |value: HeaderValue| {
        let unless_missing =
            move |response: &Response<_>| (!response.status().is_client_error()).then(|| value.clone());
        SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, unless_missing)
    };
    let pkg = ServeDir::new(root.join(options.site_pkg_dir.as_ref())).precompressed_br().precompressed_gzip();
    let file = |name: &str, value: HeaderValue| {
        ServiceBuilder::new().layer(cached(value)).service(ServeFile::new(root.join(name)))
    };
    let folder = |name: &str| ServiceBuilder::new().layer(cached(A_DAY)).service(ServeDir::new(root.join(name)));
    let script = |name: &str| ServiceBuilder::new().layer(CompressionLayer::new()).service(file(name, ASK_AGAIN));
    let worker_policy = SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, WORKER_POLICY);
    let shell = axum::Json(shell(options));
    let scripts = SCRIPTS.into_iter().chain(LATER).map(|name| (format!("/{name}"), script(name)));
    let router = scripts.fold(Router::new(), |router, (path, script)| router.route_service(&path, script));
    router
        .nest_service("/pkg", ServiceBuilder::new().layer(cached(FOR_EVER)).service(pkg))
        .nest_service("/icons", folder("icons"))
        .nest_service("/screenshots", folder("screenshots"))
        .route_service("/favicon.ico", file("favicon.ico", A_DAY))
        .route_service("/favicon.svg", file("favicon.svg", A_DAY))
        .route_service("/robots.txt", file("robots.txt", A_DAY))
        .route_service("/sw.js", ServiceBuilder::new().layer(worker_policy).service(file("sw.js", ASK_AGAIN)))
        .route_service(
            "/offline.html",
            ServiceBuilder::new().layer(policed(root)).service(file("offline.html", ASK_AGAIN)),
        )
        .route_service("/offline.css", file("offline.css", ASK_AGAIN))
        .route("/shell.json", get(move || async move { ([(header::CACHE_CONTROL, ASK_AGAIN)], shell) }))
}

/// Sets the content security policy of the offline page: only its inline script may run, identified by its digest. A
/// nonce is not possible, because the browser stores the page with its headers and shows it later.
fn policed(root: &Path) -> SetResponseHeaderLayer<Option<HeaderValue>> {
    let page = std::fs::read_to_string(root.join("offline.html")).unwrap_or_default();
    let script = page.split_once("<script>").and_then(|(_, rest)| Some(rest.split_once("</script>")?.0));
    let policy = script.map(|script| offline_policy(&BASE64_STANDARD.encode(Sha256::digest(script))));
    let policy = policy.and_then(|policy| HeaderValue::from_str(&policy).ok());
    SetResponseHeaderLayer::overriding(header::CONTENT_SECURITY_POLICY, policy)
}

/// The version of the build: a digest of the names of the hashed files, and of the content of the others that a page
/// needs. Pages carry it, `/shell.json` and the socket's `hello` repeat it, so a page learns when it is out of date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildVersion(pub String);

/// The files of the offline page, and the scripts beside the wasm: what the shell has without a hash in its name.
const OFFLINE: [&str; 2] = ["offline.html", "offline.css"];
const SCRIPTS: [&str; 3] = ["store.js", "window.js", "messages.js"];
/// What a page loads only when it is used. The service worker keeps it from then on.
const LATER: [&str; 3] = ["emoji.js", "emoji/en.tsv", "emoji/de.tsv"];

/// The version of the build whose files are in the site folder.
pub fn build_version(options: &LeptosOptions) -> BuildVersion {
    let root = Path::new(options.site_root.as_ref());
    let mut version = Sha256::new();
    for file in hashed_files(options) {
        version.update(file);
    }
    for file in OFFLINE.into_iter().chain(SCRIPTS).chain(LATER) {
        version.update(file);
        version.update(std::fs::read(root.join(file)).unwrap_or_default());
    }
    BuildVersion(BASE64_URL_SAFE_NO_PAD.encode(&version.finalize()[..9]))
}

/// The paths of the scripts, styles and wasm that have a hash in their name.
fn hashed_files(options: &LeptosOptions) -> Vec<String> {
    let pkg = options.site_pkg_dir.as_ref();
    let mut files: Vec<String> = std::fs::read_dir(Path::new(options.site_root.as_ref()).join(pkg))
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|kind| ["js", "wasm", "css"].iter().any(|k| kind == *k)))
        .map(|name| format!("/{pkg}/{name}"))
        .collect();
    files.sort();
    files
}

/// The document of the shell, for storing: without nonces, and with the policy that allows its inline scripts by their
/// digests.
pub fn sealed(document: &str) -> (String, String) {
    let (mut sealed, mut digests) = (String::with_capacity(document.len()), Vec::new());
    let mut rest = document;
    while let Some((before, script)) = rest.split_once("<script") {
        let Some((attributes, script)) = script.split_once('>') else { break };
        let Some((code, after)) = script.split_once("</script>") else { break };
        let attributes = match attributes.split_once(" nonce=\"") {
            Some((left, right)) => format!("{left}{}", right.split_once('"').map_or("", |(_, right)| right)),
            None => attributes.to_owned(),
        };
        sealed.extend([before, "<script", &attributes, ">", code, "</script>"]);
        digests.push(BASE64_STANDARD.encode(Sha256::digest(code)));
        rest = after;
    }
    sealed.push_str(rest);
    (sealed, stored_page_policy(&digests))
}

/// The list for the service worker. The addresses of scripts without a hash contain the version, so that a page and the
/// scripts that it loads are of one build.
fn shell(options: &LeptosOptions) -> serde_json::Value {
    let BuildVersion(version) = build_version(options);
    let mut files = hashed_files(options);
    files.extend(OFFLINE.map(|file| format!("/{file}")));
    files.extend(SCRIPTS.map(|script| format!("/{script}?v={version}")));
    files.push("/shell".to_owned());
    json!({ "version": version, "files": files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_document_has_no_nonce_and_names_each_of_its_scripts() {
        let document = r#"<head><script nonce="abc">one()</script><p></p><script type="module" nonce="abc">2</script>"#;
        let (sealed, policy) = sealed(document);
        assert_eq!(sealed, r#"<head><script>one()</script><p></p><script type="module">2</script>"#);
        for code in ["one()", "2"] {
            let digest = BASE64_STANDARD.encode(Sha256::digest(code));
            assert!(policy.contains(&format!("'sha256-{digest}'")), "{policy}");
        }
    }
}
