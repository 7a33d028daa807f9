//! The document around the application.

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};

use crate::protocol::Visit;

use super::{App, title};

/// The document, rendered on the server only.
pub fn shell(options: LeptosOptions) -> impl IntoView {
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
                <link rel="manifest" href="/manifest.json"/>
                <link rel="icon" href="/favicon.ico" sizes="32x32"/>
                <link rel="icon" href="/icons/icon.svg" type="image/svg+xml"/>
                <link rel="apple-touch-icon" href="/icons/apple-touch-icon.png"/>
                <HydrationScripts options=options.clone()/>
                <HashedStylesheet options id="leptos"/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}
