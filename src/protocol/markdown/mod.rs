//! The formatting of messages: a subset of Markdown, read into a flat list of blocks, each with a flat list of spans.
//!
//! A block is text, a quote, an item of a list, or lines of code. A span is a piece of the source with a style, and is
//! code, a link or plain. Styles are switched on and off along the text, so they never form a tree. The source is what
//! is stored, sent and copied. `ui/components/formatted.rs` renders the blocks, on the server and in the browser.
//!
//! Each character is read a small number of times at most, whatever the text, and nothing recurses. What is no complete
//! mark stays as it was typed, and marks count at the edges of words only: `snake_case`, `2*3*4` and `¯\_(ツ)_/¯` have
//! none. Links are found by `protocol::links`, and what looks like one keeps its `_` and `*`.

mod blocks;
mod code;
mod drawn;
mod edges;
mod source;
mod spans;
#[cfg(test)]
mod tests;

use blocks::Parser;
pub use drawn::{drawn, is_few_emoji, is_stacking};

use super::links;

/// What a preview shows in place of a hidden text.
const HIDDEN: &str = "▒▒▒";
/// The most blocks and spans of a message.
const MOST_PIECES: usize = 500;
/// Marks that a message may consist of with nothing visible between them, longest first.
const PAIRS: [&str; 7] = ["**", "__", "~~", "||", "*", "_", "`"];

/// A part of a message with lines of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block<'a> {
    /// Text, with its line breaks.
    Text(Vec<Span<'a>>),
    /// Quoted lines.
    Quote(Vec<Span<'a>>),
    /// An item of a list. The items of one list follow each other.
    Item {
        /// The number as it was typed, with its dot. Empty for an item without a number.
        number: &'a str,
        /// The text of the item.
        spans: Vec<Span<'a>>,
    },
    /// Lines of code.
    Code {
        /// The name of the language. Empty if there is none.
        language: &'a str,
        /// The lines.
        lines: &'a str,
    },
}

/// A piece of text in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// The text, a slice of the source.
    pub text: &'a str,
    /// How it is written.
    pub style: Style,
    /// What it is.
    pub kind: Kind<'a>,
}

/// What a span is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// Plain text.
    Text,
    /// Code within a line.
    Code,
    /// A link.
    Link {
        /// The target, with the scheme `http:`, `https:` or `mailto:` and never another one.
        href: String,
        /// The host or the email address that the link leads to, if the text of the link does not show it.
        host: Option<&'a str>,
    },
}

/// The styles of a span. Any of them may be combined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style(u8);

impl Style {
    /// `**bold**`
    pub const BOLD: Self = Self(1);
    /// `*italic*` or `_italic_`
    pub const ITALIC: Self = Self(2 | 4);
    /// `~~struck through~~`
    pub const STRIKE: Self = Self(8);
    /// `||hidden until it is asked for||`
    pub const SPOILER: Self = Self(16);

    /// Whether the span has this style.
    pub const fn has(self, style: Self) -> bool {
        self.0 & style.0 != 0
    }
}

/// Reads a message. One with very many marks is shown as it was typed: a page with hundreds of such messages would have
/// hundreds of thousands of elements.
pub fn blocks(text: &str) -> Vec<Block<'_>> {
    let blocks = Parser::blocks(text);
    let pieces = blocks.iter().map(|block| match block {
        Block::Text(spans) | Block::Quote(spans) | Block::Item { spans, .. } => spans.len() + 1,
        Block::Code { .. } => 1,
    });
    if pieces.sum::<usize>() > MOST_PIECES { as_typed(text) } else { blocks }
}

/// The message as one block in which only links stand out, for readers who want to see the marks.
pub fn as_typed(text: &str) -> Vec<Block<'_>> {
    let mut spans = Vec::new();
    let mut at = 0;
    let plain = |text| Span { text, style: Style::default(), kind: Kind::Text };
    for link in links(text) {
        spans.push(plain(&text[at..link.range.start]));
        at = link.range.end;
        spans.push(Span { kind: Kind::Link { href: link.href, host: None }, ..plain(&text[link.range]) });
    }
    spans.push(plain(&text[at..]));
    spans.retain(|span| !span.text.is_empty());
    vec![Block::Text(spans)]
}

/// The text without its marks, for previews and announcements. Hidden text is not in it.
pub fn plain(text: &str) -> String {
    let mut plain = String::new();
    for block in blocks(text) {
        if !plain.is_empty() {
            plain.push('\n');
        }
        let spans = match block {
            Block::Text(spans) | Block::Quote(spans) => spans,
            Block::Item { number, spans } => {
                plain.push_str(if number.is_empty() { "•" } else { number });
                plain.push(' ');
                spans
            }
            Block::Code { lines, .. } => {
                plain.push_str(lines);
                continue;
            }
        };
        let mut was_hidden = false;
        for span in spans {
            let is_hidden = span.style.has(Style::SPOILER);
            if !is_hidden {
                plain.push_str(span.text);
            } else if !was_hidden {
                plain.push_str(HIDDEN);
            }
            was_hidden = is_hidden;
        }
    }
    drawn(&plain)
}

/// What a message shows if its marks are not counted. Nothing visible is left of `** **`, which people type to send an
/// empty message. A message that has only marks, such as `**`, shows these.
pub fn without_empty_marks(text: &str) -> String {
    let mut inside = text;
    while let Some(between) = PAIRS.iter().find_map(|mark| between(inside, mark)) {
        inside = between;
    }
    plain(inside)
}

/// The text between two of these marks, if it is any.
fn between<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.strip_prefix(mark)?.strip_suffix(mark).filter(|between| !between.is_empty())
}
