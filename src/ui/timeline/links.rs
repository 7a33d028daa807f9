//! Splits a message into plain text and links. `crate::protocol::links` finds the links.

use crate::protocol::{Link, links};

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
}

/// Splits a message. The parts joined together are the whole message.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let plain = |pieces: &mut Vec<Piece>, part: &str| {
        if !part.is_empty() {
            pieces.push(Piece::Text(part.to_owned()));
        }
    };
    for Link { range, href } in links(text) {
        plain(&mut pieces, &text[at..range.start]);
        at = range.end;
        pieces.push(Piece::Link { href, text: text[range].to_owned() });
    }
    plain(&mut pieces, &text[at..]);
    pieces
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
    fn no_other_scheme_is_ever_clickable() {
        for text in
            ["javascript:alert(1)", "javascript://x/%0aalert(1)", "data:text/html,x", "file:///etc/passwd", "notes.txt"]
        {
            assert_eq!(pieces(text), [plain(text)], "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_message(text in "\\PC{0,40}|[a-z./:@w ]{0,40}") {
            let joined: String = pieces(&text).into_iter().map(|piece| match piece {
                Piece::Text(text) | Piece::Link { text, .. } => text,
            }).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
