//! Splits the text of a block into spans.
//!
//! One walk from left to right notes where the text is cut. A mark that may begin a style is noted and does nothing
//! until its counterpart is found. Only the last such mark of each kind is remembered, so there is nothing to search. A
//! mark ends at its line, but a spoiler may have several lines.

use std::ops::Range;

use super::{
    Kind, Span, Style,
    blocks::Parser,
    edges::{Run, is_content},
};
use crate::protocol::Link;

/// Where a text is cut, and what is there instead of the bytes of the source.
struct Cut<'a> {
    at: usize,
    length: usize,
    does: Does<'a>,
}

enum Does<'a> {
    /// A mark without a counterpart is text.
    Nothing,
    /// Switches a style on or off.
    Turn(Style),
    Show(&'a str, Kind<'a>),
    /// The mark of a quoted line.
    Skip,
}

/// The kinds of marks. A style of two kinds has a bit for each.
const KINDS: [Style; 5] = [Style::BOLD, Style(2), Style(4), Style::STRIKE, Style::SPOILER];
const SPOILER: usize = 4;

/// The kinds that a run of these characters may begin or end, with the bytes of each.
fn kinds(mark: char, length: usize) -> &'static [(usize, usize)] {
    match (mark, length) {
        ('*', 1) => &[(1, 1)],
        ('*', 2) => &[(0, 2)],
        ('*', 3) => &[(1, 1), (0, 2)],
        ('_', 1) => &[(2, 1)],
        ('~', 2) => &[(3, 2)],
        ('|', 2) => &[(SPOILER, 2)],
        _ => &[],
    }
}

/// A walk through one block.
struct Walk<'a> {
    cuts: Vec<Cut<'a>>,
    /// The last mark of each kind that may begin its style, as an index of `cuts`.
    open: [Option<usize>; KINDS.len()],
    /// The last opening bracket, as an index of `cuts`.
    bracket: Option<usize>,
    /// The end of the last character that is enough for a styled text.
    content: usize,
}

impl<'a> Parser<'a> {
    /// The spans of a part of the text, which is of one block.
    pub(super) fn spans(&mut self, range: Range<usize>, is_quote: bool) -> Vec<Span<'a>> {
        let source = self.source;
        let mut walk = Walk { cuts: Vec::new(), open: [None; KINDS.len()], bracket: None, content: range.start };
        let mut at = range.start;
        let mut is_at_start = true;
        while let Some(c) = source.after(at, range.end) {
            if is_at_start && is_quote {
                let length = if source.text[at..range.end].starts_with("> ") { 2 } else { 1 };
                walk.cuts.push(Cut { at, length, does: Does::Skip });
                at += length;
                is_at_start = false;
                continue;
            }
            is_at_start = c == '\n';
            while self.codes.next_if(|code| code.outer.start < at).is_some() {}
            while self.links.next_if(|link| link.range.start < at).is_some() {}
            if let Some(code) = self.codes.next_if(|code| code.outer.start == at) {
                walk.show(code.outer.clone(), source.slice(code.inner), Kind::Code);
                at = code.outer.end;
                continue;
            }
            let limit = self.codes.peek().map_or(range.end, |code| code.outer.start.min(range.end));
            if let Some(Link { range, href }) =
                self.links.next_if(|link| link.range.start == at && link.range.end <= limit)
            {
                at = range.end;
                walk.show(range.clone(), source.slice(range), Kind::Link { href, host: None });
                continue;
            }
            match c {
                '\n' => {
                    let spoiler = walk.open[SPOILER];
                    walk.open = [None; KINDS.len()];
                    walk.open[SPOILER] = spoiler;
                    walk.bracket = None;
                    at += 1;
                }
                '*' | '_' | '~' | '|' => {
                    let length = source.run(at, range.end);
                    walk.mark(at, &self.run(c, at..at + length, &range));
                    at += length;
                }
                '[' => {
                    walk.bracket = Some(walk.cuts.len());
                    walk.cuts.push(Cut { at, length: 1, does: Does::Nothing });
                    at += 1;
                }
                ']' => at = self.named_link(&mut walk, at, limit).unwrap_or(at + 1),
                c => {
                    at += c.len_utf8();
                    if is_content(c) {
                        walk.content = at;
                    }
                }
            }
        }
        walk.spans(source.text, range)
    }

    fn run(&self, mark: char, run: Range<usize>, within: &Range<usize>) -> Run {
        let bytes = self.source.text.as_bytes();
        let is_double = |one: usize, other: usize| bytes.get(one).is_some_and(|byte| Some(byte) == bytes.get(other));
        Run {
            mark,
            length: run.len(),
            before: self.source.before(within.start, run.start),
            after: self.source.after(run.end, within.end),
            is_double_before: run.start >= within.start + 2 && is_double(run.start - 1, run.start - 2),
            is_double_after: run.end + 2 <= within.end && is_double(run.end, run.end + 1),
        }
    }

    /// Looks for `[text](address)` at its closing bracket. Returns its end. The text has no mark, no code and no link:
    /// it must not look like another address.
    fn named_link(&mut self, walk: &mut Walk<'a>, at: usize, limit: usize) -> Option<usize> {
        let open = walk.bracket.take().filter(|open| open + 1 == walk.cuts.len())?;
        let start = walk.cuts[open].at;
        if walk.content <= start || !self.source.text[at + 1..].starts_with('(') {
            return None;
        }
        let bytes = self.source.text.as_bytes();
        let is_whole = |link: &Link| {
            link.range.start == at + 2 && link.range.end < limit && bytes.get(link.range.end) == Some(&b')')
        };
        while self.links.next_if(|link| link.range.start < at).is_some() {}
        let Link { range, href } = self.links.next_if(is_whole)?;
        let host = host(self.source.slice(range.clone()));
        walk.cuts.truncate(open);
        let name = self.source.slice(start + 1..at);
        walk.show(start..range.end + 1, name, Kind::Link { href, host: Some(host) });
        Some(range.end + 1)
    }
}

impl<'a> Walk<'a> {
    fn show(&mut self, range: Range<usize>, text: &'a str, kind: Kind<'a>) {
        self.content = range.end;
        self.cuts.push(Cut { at: range.start, length: range.len(), does: Does::Show(text, kind) });
    }

    /// Ends or begins the styles of a mark.
    fn mark(&mut self, mut at: usize, run: &Run) {
        let (can_open, can_close) = (run.can_open(), run.can_close());
        for &(kind, length) in kinds(run.mark, run.length) {
            let open = self.open[kind].filter(|open| can_close && self.content > self.cuts[*open].at);
            if let Some(open) = open {
                self.open[kind] = None;
                self.cuts[open].does = Does::Turn(KINDS[kind]);
                self.cuts.push(Cut { at, length, does: Does::Turn(KINDS[kind]) });
            } else if can_open {
                self.open[kind] = Some(self.cuts.len());
                self.cuts.push(Cut { at, length, does: Does::Nothing });
            }
            at += length;
        }
    }

    /// The text between the cuts, and what is shown at them.
    fn spans(self, text: &'a str, range: Range<usize>) -> Vec<Span<'a>> {
        let mut spans = Vec::new();
        let mut style = Style::default();
        let mut from = range.start;
        for Cut { at, length, does } in self.cuts {
            if matches!(does, Does::Nothing) {
                continue;
            }
            push(&mut spans, &text[from..at], style, Kind::Text);
            from = at + length;
            match does {
                Does::Turn(kind) => style = Style(style.0 ^ kind.0),
                Does::Show(shown, kind) => push(&mut spans, shown, style, kind),
                Does::Nothing | Does::Skip => {}
            }
        }
        push(&mut spans, &text[from..range.end], style, Kind::Text);
        spans
    }
}

fn push<'a>(spans: &mut Vec<Span<'a>>, text: &'a str, style: Style, kind: Kind<'a>) {
    if !text.is_empty() {
        spans.push(Span { text, style, kind });
    }
}

/// The host of a web address with its port, or a whole email address.
fn host(address: &str) -> &str {
    let address = address.strip_prefix("mailto:").unwrap_or(address);
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    address.split(['/', '?', '#']).next().unwrap_or(address)
}
