//! Splits a message into plain text, links and code. `crate::protocol::links` finds the links.

use crate::protocol::{Link, links};

/// What stands before and after several lines of code.
const FENCE: &str = "```";

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    Link {
        /// The target, with the scheme `http:`, `https:` or `mailto:` and never another one.
        href: String,
        /// The text as it was typed.
        text: String,
    },
    Code {
        text: String,
        /// Whether it has lines of its own.
        is_block: bool,
    },
}

/// Splits a message. The parts joined together are the whole message, without the backticks around code.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    // Where to look for the next backtick.
    let mut from = 0;
    while let Some(at) = rest[from..].find('`').map(|at| from + at) {
        let is_block = rest[at..].starts_with(FENCE);
        let mark = if is_block { FENCE } else { "`" };
        let inside = &rest[at + mark.len()..];
        let end = inside.find(mark).filter(|end| !inside[..*end].trim().is_empty());
        let Some(end) = end.filter(|end| is_block || !inside[..*end].contains('\n')) else {
            from = at + mark.len();
            continue;
        };
        let (before, code) = (&rest[..at], &inside[..end]);
        rest = &inside[end + mark.len()..];
        from = 0;
        if is_block {
            plain_and_links(&mut pieces, before.strip_suffix('\n').unwrap_or(before));
            pieces.push(Piece::Code { text: block(code).to_owned(), is_block });
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        } else {
            plain_and_links(&mut pieces, before);
            pieces.push(Piece::Code { text: code.to_owned(), is_block });
        }
    }
    plain_and_links(&mut pieces, rest);
    pieces
}

/// The lines between two fences, without the name of the language and the breaks at the fences.
fn block(code: &str) -> &str {
    let code = match code.split_once('\n') {
        Some((language, lines)) if !language.contains(' ') && !lines.trim().is_empty() => lines,
        _ => code,
    };
    code.trim_end_matches('\n')
}

fn plain_and_links(pieces: &mut Vec<Piece>, text: &str) {
    let mut at = 0;
    let plain = |pieces: &mut Vec<Piece>, part: &str| {
        if !part.is_empty() {
            pieces.push(Piece::Text(part.to_owned()));
        }
    };
    for Link { range, href } in links(text) {
        plain(pieces, &text[at..range.start]);
        at = range.end;
        pieces.push(Piece::Link { href, text: text[range].to_owned() });
    }
    plain(pieces, &text[at..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link(href: &str, text: &str) -> Piece {
        Piece::Link { href: href.to_owned(), text: text.to_owned() }
    }

    fn plain(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    #[test]
    fn addresses_become_links_and_the_rest_stays_text() {
        assert_eq!(
            pieces("See https://example.org/a?b=1&c=(2), please.\nOr www.example.org."),
            [
                plain("See "),
                link("https://example.org/a?b=1&c=(2)", "https://example.org/a?b=1&c=(2)"),
                plain(", please.\nOr "),
                link("https://www.example.org", "www.example.org"),
                plain("."),
            ]
        );
        assert_eq!(pieces("ada@example.org"), [link("mailto:ada@example.org", "ada@example.org")]);
    }

    #[test]
    fn text_between_backticks_is_code() {
        let code = |text: &str, is_block| Piece::Code { text: text.to_owned(), is_block };
        assert_eq!(
            pieces("Run `ls -a https://example.org`, then `exit`"),
            [plain("Run "), code("ls -a https://example.org", false), plain(", then "), code("exit", false)]
        );
        assert_eq!(
            pieces("So:\n```rust\nfn main() {\n    `x`\n}\n```\nDone"),
            [plain("So:"), code("fn main() {\n    `x`\n}", true), plain("Done")]
        );
        assert_eq!(pieces("```let a = 1;```"), [code("let a = 1;", true)]);
        assert_eq!(pieces("```sh```"), [code("sh", true)]);
        for text in ["It costs 3` or 4", "one ` two\nthree ` four", "``", "` `", "```\n```", "``` open", "`"] {
            assert_eq!(pieces(text), [plain(text)], "{text}");
        }
        assert_eq!(pieces("``` `a`"), [plain("``` "), code("a", false)]);
    }

    #[test]
    fn no_other_scheme_is_ever_clickable() {
        for text in
            ["javascript:alert(1)", "javascript://x/%0aalert(1)", "data:text/html,x", "file:///etc/passwd", "notes.txt"]
        {
            assert_eq!(pieces(text), [plain(text)], "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_message(text in "\\PC{0,40}|[a-z./:@w` ]{0,40}") {
            let joined: String = pieces(&text).into_iter().map(|piece| match piece {
                Piece::Text(text) | Piece::Link { text, .. } | Piece::Code { text, .. } => text,
            }).collect();
            let bare = |text: &str| text.replace(['`', ' '], "");
            prop_assert_eq!(bare(&joined), bare(&text));
        }
    }
}
