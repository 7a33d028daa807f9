//! The HTML document around every page: `<html>` with the appearance, `<head>` with scripts and styles, and the body.
//!
//! `shell` is the document of the hydrated application. The pages of `auth` and `preferences` call `document` with a
//! body of their own. All of it is rendered on the server only.

use std::{collections::HashMap, sync::OnceLock};

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{HashedStylesheet, MetaTags};

use crate::{
    protocol::{Page, RoomSummary, Theme, Visit},
    visit::Appearance,
};

use super::{
    App, manifest,
    splash::splash,
    texts::{Locale, Texts, use_texts},
    title,
};

/// The script in the head of every page.
const HEAD_SCRIPT: &str = include_str!("head.js");

/// Provides the appearance and the language of the page that is being rendered.
pub fn provide_appearance(appearance: Appearance) {
    provide_context(appearance);
    provide_context(Locale::new(appearance));
}

/// The version of the build that renders the page.
#[derive(Clone)]
struct BuildVersion(String);

/// Provides the version of the build, for the page that is being rendered. The page compares it with that of `hello`.
pub fn provide_build_version(version: String) {
    provide_context(BuildVersion(version));
}

/// A mark of whose browser this is. `None` if the server could not determine it.
#[derive(Clone)]
struct TabMark(Option<String>);

/// Provides the mark of whose browser this is, for the page that is being rendered. Empty for an unknown visitor.
pub fn provide_tab_mark(mark: Option<String>) {
    provide_context(TabMark(mark));
}

/// The script that removes drafts of another person from the tab's storage. `None` without a mark.
fn tab_script() -> Option<String> {
    let TabMark(mark) = use_context()?;
    // Debug formatting is safe as JavaScript: the mark consists of letters, digits, `-` and `_`.
    Some(format!("{}({:?})", include_str!("tab.js").trim_end(), mark?))
}

/// The public URL of the site.
#[derive(Clone)]
struct PublicUrl(Option<String>);

/// Provides the public URL, for the page that is being rendered.
pub fn provide_public_url(url: Option<String>) {
    provide_context(PublicUrl(url));
}

/// What messengers show of a pasted link (<https://ogp.me>). The links of rooms all show the same, whether or not there
/// is such a room. Messengers load the picture only from an absolute address.
fn link_preview(texts: &Texts, page: &Page) -> impl IntoView + use<> {
    let document = &texts.document;
    let (title, text) = match page {
        Page::Room { .. } => (document.invitation(), document.invitation_text()),
        _ => ("AnonChat", document.description()),
    };
    let url = use_context().and_then(|PublicUrl(url)| url);
    let picture = url.map(|url| format!("{}/icons/link.png", url.trim_end_matches('/')));
    let tag = |property: &'static str, content: String| {
        view! { <meta content=content/> }.attr("property", property).into_any()
    };
    let tags = [("og:type", "website"), ("og:site_name", "AnonChat"), ("og:title", title), ("og:description", text)];
    let tags = tags.map(|(property, content)| tag(property, content.to_owned()));
    tags.into_iter().chain(picture.map(|picture| tag("og:image", picture))).collect_view()
}

/// The document of the application. Its body is hydrated in the browser.
pub fn shell(options: &LeptosOptions) -> impl IntoView + use<> {
    let texts = use_texts();
    let Visit { page, rooms, .. } = use_context().unwrap_or_default();
    let unread = rooms.iter().flatten().map(RoomSummary::waiting).sum();
    let title = title::element(&title::of_page(texts, &page, unread));
    let head = view! {
        {link_preview(texts, &page)}
        <script type="module" nonce=use_nonce()>{start_script(options)}</script>
        <MetaTags/>
    };
    let splash = (page == Page::Shell).then(splash);
    document(options, title.into_any(), head.into_any(), view! { <App/> {splash} }.into_any())
}

/// Renders a document. The appearance is in attributes of `<html>`, so that the style applies it before anything is
/// drawn.
pub fn document(options: &LeptosOptions, title: AnyView, head: AnyView, body: AnyView) -> impl IntoView + use<> {
    let appearance = use_context::<Appearance>().unwrap_or_default();
    let texts = use_texts();
    // While the reader's time zone is unknown, the style hides times until the scripts have set it.
    let times = with_context(|visit: &Visit| visit.local.is_none()).unwrap_or_default().then_some("utc");
    let version = use_context::<BuildVersion>().map(|BuildVersion(version)| version);
    let colour_scheme = if appearance.theme == Theme::System { "light dark" } else { appearance.theme.as_str() };
    let theme_colours = manifest::GROUNDS.map(|(scheme, colour)| match appearance.theme {
        Theme::System => {
            let media = format!("(prefers-color-scheme: {scheme})");
            Some(view! { <meta name="theme-color" content=colour/> }.attr("media", media).into_any())
        }
        chosen => (chosen.as_str() == scheme).then(|| view! { <meta name="theme-color" content=colour/> }.into_any()),
    });
    view! {
        <!DOCTYPE html>
        <html
            lang=appearance.language.as_str()
            data-version=version
            data-theme=appearance.theme.as_str()
            data-accent=appearance.accent.as_str()
            data-text-size=appearance.text_size.as_str()
            data-times=times
            data-hours=if appearance.has_twelve_hours() { "12" } else { "24" }
            data-show-marks=appearance.show_marks.to_string()
        >
            <head>
                <meta charset="utf-8"/>
                {title}
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content"/>
                <meta name="color-scheme" content=colour_scheme/>
                <script nonce=use_nonce()>{HEAD_SCRIPT}</script>
                {theme_colours.into_iter().flatten().collect_view()}
                <meta name="description" content=texts.document.description()/>
                <meta name="format-detection" content="telephone=no"/>
                // Drawing waits until `#end` is parsed. A page drawn in parts would move what is centred or aligned to
                // an end. Meanwhile the browser shows the previous page.
                <link rel="expect" href="#end" blocking="render"/>
                <HashedStylesheet options=options.clone() id="leptos"/>
                <link rel="manifest" href=manifest::address(appearance)/>
                <link rel="icon" href="/favicon.ico" sizes="32x32"/>
                <link rel="icon" href="/icons/icon.svg" type="image/svg+xml"/>
                <link rel="apple-touch-icon" href="/icons/apple-touch-icon.png"/>
                {tab_script().map(|script| view! { <script nonce=use_nonce()>{script}</script> })}
                {head}
            </head>
            <body>
                {body}
                <div id="end" hidden></div>
            </body>
        </html>
    }
}

/// The script that loads the wasm and hydrates the page. Leptos' own `HydrationScripts` would load it before the first
/// drawing.
fn start_script(options: &LeptosOptions) -> String {
    let file = |kind: &str| {
        let hash = hashes(options).get(kind).map(|hash| format!(".{hash}")).unwrap_or_default();
        format!("/{}/{}{hash}.{kind}", options.site_pkg_dir, options.output_name)
    };
    format!("{}({:?}, {:?})", include_str!("start.js").trim_end(), file("js"), file("wasm"))
}

/// The hashes in the names of the built files, by file extension. cargo-leptos writes them to a file beside the binary.
fn hashes(options: &LeptosOptions) -> &'static HashMap<String, String> {
    static HASHES: OnceLock<HashMap<String, String>> = OnceLock::new();
    HASHES.get_or_init(|| {
        let binary = std::env::current_exe().unwrap_or_default();
        let written = std::fs::read_to_string(binary.with_file_name(options.hash_file.as_ref())).unwrap_or_default();
        let line = |line: &str| line.split_once(':').map(|(kind, hash)| (kind.to_owned(), hash.trim().to_owned()));
        written.lines().filter_map(line).collect()
    })
}

#[cfg(test)]
mod tests {
    use crate::protocol::addresses;

    #[test]
    fn the_script_of_every_page_names_the_page_that_forgets_a_guest() {
        assert!(super::HEAD_SCRIPT.contains(&format!("location.pathname === {:?}", addresses::GUEST)));
    }

    #[test]
    fn the_shell_replaces_the_address_at_which_the_app_opens_by_that_of_the_list() {
        let start = include_str!("start.js");
        let replaces = start.lines().find(|line| line.contains("history.replaceState")).unwrap_or_default();
        let names = |address: &str, after: char| replaces.contains(&format!("{address}{after}"));
        assert!(names(addresses::OPEN, '"') && names(addresses::DASHBOARD, '$'), "{replaces}");
    }

    #[test]
    fn the_lines_that_are_called_in_a_document_are_an_expression() {
        for lines in [include_str!("tab.js"), include_str!("start.js")] {
            let code = lines.lines().find(|line| !line.starts_with("//")).unwrap_or_default();
            assert!(code.starts_with("((") && lines.trim_end().ends_with("})"), "what follows them is their call");
        }
    }
}
