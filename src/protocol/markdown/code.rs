//! Finds code: text between backticks within a line, and between fences of three backticks anywhere. Nothing within
//! code is a mark or a link.

use std::ops::Range;

use super::{
    edges::{is_visible, is_within_word},
    source::Source,
};

/// What stands before and after several lines of code.
const FENCE: &str = "```";
/// The most characters of the name of a language.
const LANGUAGE_CHARS: usize = 20;

/// A piece of code.
pub(super) struct Code {
    /// With the backticks.
    pub(super) outer: Range<usize>,
    pub(super) inner: Range<usize>,
    /// Whether it has lines of its own.
    pub(super) is_block: bool,
}

/// All code of a text, from left to right.
pub(super) fn codes(source: Source<'_>) -> Vec<Code> {
    let mut codes = Vec::new();
    let mut from = 0;
    while let Some(at) = source.find_any(from, &['`']) {
        let is_block = source.text[at..].starts_with(FENCE);
        from = at + if is_block { FENCE.len() } else { 1 };
        let end = if is_block {
            source.find(from, FENCE)
        } else if is_within_word(source.before(0, at)) {
            None
        } else {
            source.find_any(from, &['`', '\n']).filter(|end| source.text[*end..].starts_with('`'))
        };
        if let Some(end) = end.filter(|end| source.slice(from..*end).contains(is_visible)) {
            let inner = from..end;
            from = end + from - at;
            codes.push(Code { outer: at..from, inner, is_block });
        }
    }
    codes
}

/// The name of the language and the lines of what stands between two fences, without the breaks at the fences.
pub(super) fn language_and_lines(code: &str) -> (&str, &str) {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "+-#._".contains(c);
    let (language, lines) = match code.split_once('\n') {
        Some((first, lines)) if lines.contains(is_visible) => {
            let name = first.trim_end();
            if name.len() <= LANGUAGE_CHARS && name.chars().all(is_of_name) { (name, lines) } else { ("", code) }
        }
        _ => ("", code),
    };
    (language, lines.trim_end_matches('\n'))
}
