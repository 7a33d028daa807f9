//! Splits a message into blocks, line by line.

use std::{iter::Peekable, ops::Range, vec::IntoIter};

use super::{
    Block,
    code::{Code, codes, language_and_lines},
    edges::is_visible,
    source::Source,
};
use crate::protocol::{Link, links};

/// The most digits of the number of an item.
const DIGITS: usize = 9;

/// Reads a text from left to right. Code and links were found before, and are taken when their place is reached.
pub(super) struct Parser<'a> {
    pub(super) source: Source<'a>,
    /// Code within a line.
    pub(super) codes: Peekable<IntoIter<Code>>,
    pub(super) links: Peekable<IntoIter<Link>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Text,
    Quote,
    Bullet,
    Number,
}

#[derive(Clone)]
struct Line {
    range: Range<usize>,
    shape: Shape,
    /// The bytes of its mark, with the blank after it.
    mark: usize,
}

impl<'a> Parser<'a> {
    pub(super) fn blocks(text: &'a str) -> Vec<Block<'a>> {
        let source = Source { text };
        let (fenced, codes): (Vec<Code>, Vec<Code>) = codes(source).into_iter().partition(|code| code.is_block);
        let mut parser =
            Self { source, codes: codes.into_iter().peekable(), links: links(text).into_iter().peekable() };
        let mut blocks = Vec::new();
        let mut at = 0;
        for Code { outer, inner, .. } in fenced {
            parser.prose(at..outer.start, &mut blocks);
            let (language, lines) = language_and_lines(source.slice(inner));
            blocks.push(Block::Code { language, lines });
            at = outer.end;
        }
        parser.prose(at..text.len(), &mut blocks);
        blocks
    }

    /// Adds the blocks of lines that have no fence.
    fn prose(&mut self, range: Range<usize>, blocks: &mut Vec<Block<'a>>) {
        let lines = self.lines(range);
        let mut rest = &*lines;
        while let [first, ..] = rest {
            let (same, after) = rest.split_at(rest.iter().take_while(|line| line.shape == first.shape).count());
            rest = after;
            let range = first.range.start..same.last().map_or(first.range.end, |last| last.range.end);
            match first.shape {
                Shape::Text => {
                    let text = self.source.slice(range.clone());
                    let start = range.end - text.trim_start_matches('\n').len();
                    let end = range.start + text.trim_end_matches('\n').len();
                    if start < end {
                        blocks.push(Block::Text(self.spans(start..end, false)));
                    }
                }
                Shape::Quote => blocks.push(Block::Quote(self.spans(range, true))),
                Shape::Bullet | Shape::Number => blocks.extend(same.iter().map(|line| {
                    let Range { start, end } = line.range;
                    let number = self.source.text[start..start + line.mark].trim_end().trim_start_matches('-');
                    Block::Item { number, spans: self.spans(start + line.mark..end, false) }
                })),
            }
        }
    }

    /// The lines of a part of the text, without their breaks. A list has two lines at least.
    fn lines(&self, range: Range<usize>) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let mut at = range.start;
        for text in self.source.slice(range).split('\n') {
            let before = lines.last().map_or(Shape::Text, |line| line.shape);
            let (shape, mark) = shape(text, before);
            lines.push(Line { range: at..at + text.len(), shape, mark });
            at += text.len() + 1;
        }
        let shapes: Vec<Shape> = lines.iter().map(|line| line.shape).collect();
        for (at, line) in lines.iter_mut().enumerate() {
            let is_list = matches!(line.shape, Shape::Bullet | Shape::Number);
            let is_beside = |other: Option<usize>| other.and_then(|at| shapes.get(at)) == Some(&line.shape);
            if is_list && !is_beside(at.checked_sub(1)) && !is_beside(Some(at + 1)) {
                line.shape = Shape::Text;
            }
        }
        lines
    }
}

/// The shape of a line, and the bytes of its mark.
fn shape(line: &str, before: Shape) -> (Shape, usize) {
    let has_text = |mark: usize| line[mark..].contains(is_visible);
    let digits = line.bytes().take(DIGITS + 1).take_while(u8::is_ascii_digit).count();
    if line.starts_with("> ") && (has_text(2) || before == Shape::Quote) {
        (Shape::Quote, 2)
    } else if line == ">" && before == Shape::Quote {
        (Shape::Quote, 1)
    } else if line.starts_with("- ") && has_text(2) {
        (Shape::Bullet, 2)
    } else if (1..=DIGITS).contains(&digits) && line[digits..].starts_with(". ") && has_text(digits + 2) {
        (Shape::Number, digits + 2)
    } else {
        (Shape::Text, 0)
    }
}
