//! The document around the application.

use std::{collections::HashMap, sync::OnceLock};

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags};

use crate::protocol::Visit;

use super::{App, title};

/// The document, rendered on the server only.
pub fn shell(options: &LeptosOptions) -> impl IntoView + use<> {
    let title = title::of_page(&use_context::<Visit>().unwrap_or_default().page);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <title>{title}</title>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" content="#ffffff" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#16181d" media="(prefers-color-scheme: dark)"/>
                <meta name="description" content="Chat by code: make a room, share six characters, talk. No account."/>
                <meta name="format-detection" content="telephone=no"/>
                <HashedStylesheet options=options.clone() id="leptos"/>
                <link rel="manifest" href="/manifest.json"/>
                <link rel="icon" href="/favicon.ico" sizes="32x32"/>
                <link rel="icon" href="/icons/icon.svg" type="image/svg+xml"/>
                <link rel="apple-touch-icon" href="/icons/apple-touch-icon.png"/>
                <script type="module" nonce=use_nonce()>{start_script(options)}</script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Starts the browser's half. Leptos' own `HydrationScripts` would fetch it ahead of the first picture.
fn start_script(options: &LeptosOptions) -> String {
    let file = |kind: &str| {
        let hash = hashes(options).get(kind).map(|hash| format!(".{hash}")).unwrap_or_default();
        format!("/{}/{}{hash}.{kind}", options.site_pkg_dir, options.output_name)
    };
    format!("{}({:?}, {:?})", include_str!("start.js").trim_end(), file("js"), file("wasm"))
}

/// What cargo-leptos wrote down beside the binary: the hash in the name of each kind of file.
fn hashes(options: &LeptosOptions) -> &'static HashMap<String, String> {
    static HASHES: OnceLock<HashMap<String, String>> = OnceLock::new();
    HASHES.get_or_init(|| {
        let binary = std::env::current_exe().unwrap_or_default();
        let written = std::fs::read_to_string(binary.with_file_name(options.hash_file.as_ref())).unwrap_or_default();
        let line = |line: &str| line.split_once(':').map(|(kind, hash)| (kind.to_owned(), hash.trim().to_owned()));
        written.lines().filter_map(line).collect()
    })
}
