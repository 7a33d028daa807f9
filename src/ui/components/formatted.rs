//! The text of a message with its formatting, on the server and in the browser. `crate::protocol::markdown` reads it.
//!
//! Everything becomes elements and texts, and nothing is ever parsed as HTML. The button of a spoiler has no listener:
//! `public/messages.js` switches its `aria-expanded`, and the style shows and hides what follows it.

use leptos::{html::custom, prelude::*};

use crate::{
    protocol::markdown::{Block, Kind, Span, Style, as_typed, blocks, drawn},
    ui::{
        texts::use_locale,
        timeline::{Mentioned, split_at_mentions},
    },
};

/// Renders the text of a message as the reader wants it: formatted, or with its marks.
pub fn formatted(text: &str, mentioned: &[Mentioned]) -> AnyView {
    let locale = use_locale();
    let spoiler = locale.texts.timeline.spoiler();
    let blocks = if locale.show_marks { as_typed(text) } else { blocks(text) };
    let mut views = Vec::new();
    let mut items = Vec::new();
    for block in blocks {
        let view = match block {
            Block::Item { number, spans } => {
                let number = if number.is_empty() { "•" } else { number };
                let number = element("span", format!("{number} ").into_any());
                items.push(element("li", (number, line(spans, mentioned, spoiler)).into_any()));
                continue;
            }
            Block::Text(spans) => line(spans, mentioned, spoiler),
            Block::Quote(spans) => element("blockquote", line(spans, mentioned, spoiler)),
            Block::Code { language, lines } => {
                let language = (!language.is_empty()).then(|| language.to_owned());
                let lines = drawn(lines);
                view! { <code class="message__code message__code--block" dir="ltr" data-language=language>{lines}</code> }
                    .into_any()
            }
        };
        end_list(&mut items, &mut views);
        views.push(view);
    }
    end_list(&mut items, &mut views);
    views.into_any()
}

fn end_list(items: &mut Vec<AnyView>, views: &mut Vec<AnyView>) {
    if !items.is_empty() {
        views.push(element("ul", std::mem::take(items).into_any()));
    }
}

/// An element without attributes. Leptos compiles its code for elements once for each tag that it has a type for.
fn element(tag: &'static str, content: AnyView) -> AnyView {
    custom(tag).child(content).into_any()
}

fn line(spans: Vec<Span<'_>>, mentioned: &[Mentioned], spoiler: &'static str) -> AnyView {
    let mut views = Vec::new();
    let mut hidden = Vec::new();
    for shown in spans {
        let is_hidden = shown.style.has(Style::SPOILER);
        if !is_hidden {
            end_spoiler(&mut hidden, &mut views, spoiler);
        }
        let to = if is_hidden { &mut hidden } else { &mut views };
        to.push(span(shown, mentioned));
    }
    end_spoiler(&mut hidden, &mut views, spoiler);
    views.into_any()
}

fn end_spoiler(hidden: &mut Vec<AnyView>, views: &mut Vec<AnyView>, label: &'static str) {
    if !hidden.is_empty() {
        let button = view! { <button type="button" class="spoiler" aria-expanded="false">{label}</button> };
        views.push(button.into_any());
        views.push(element("span", std::mem::take(hidden).into_any()));
    }
}

fn span(Span { text, style, kind }: Span<'_>, mentioned: &[Mentioned]) -> AnyView {
    let text = drawn(text);
    let mut shown = match kind {
        Kind::Text if mentioned.is_empty() => text.into_any(),
        Kind::Text => with_mentions(&text, mentioned),
        Kind::Code => view! { <code class="message__code" dir="ltr">{text}</code> }.into_any(),
        Kind::Link { href, host } => {
            let dir = if host.is_some() { "auto" } else { "ltr" };
            let host = host.map(|host| element("bdi", format!(" ({host})").into_any()));
            view! { <a href=href dir=dir target="_blank" rel="noopener noreferrer nofollow">{text}{host}</a> }
                .into_any()
        }
    };
    for (of, tag) in [(Style::ITALIC, "em"), (Style::BOLD, "strong"), (Style::STRIKE, "s")] {
        if style.has(of) {
            shown = element(tag, shown);
        }
    }
    shown
}

/// A text in which the mentions look different, those of the reader more so.
fn with_mentions(text: &str, mentioned: &[Mentioned]) -> AnyView {
    let part = |(text, of_reader): (&str, Option<bool>)| {
        let text = text.to_owned();
        let Some(of_reader) = of_reader else { return text.into_any() };
        let class = if of_reader { "mention mention--own" } else { "mention" };
        view! { <bdi class=class>{text}</bdi> }.into_any()
    };
    split_at_mentions(text, mentioned).into_iter().map(part).collect::<Vec<_>>().into_any()
}
