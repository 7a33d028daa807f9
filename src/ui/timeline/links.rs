//! Finds the links in a message. Only the kinds of the list below ever become clickable, whatever was typed.

use linkify::{LinkFinder, LinkKind};

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Plain text.
    Text(String),
    /// A link.
    Link {
        /// Where it leads: `http:`, `https:` or `mailto:`, nothing else.
        href: String,
        /// What was typed.
        text: String,
    },
}

/// A message in parts; together they are the message.
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut finder = LinkFinder::new();
    finder.url_must_have_scheme(false).kinds(&[LinkKind::Url, LinkKind::Email]);
    let mut pieces: Vec<Piece> = Vec::new();
    for span in finder.spans(text) {
        let part = span.as_str();
        match (span.kind().and_then(|kind| href(part, kind)), pieces.last_mut()) {
            (Some(href), _) => pieces.push(Piece::Link { href, text: part.to_owned() }),
            (None, Some(Piece::Text(before))) => before.push_str(part),
            (None, _) => pieces.push(Piece::Text(part.to_owned())),
        }
    }
    pieces
}

fn href(part: &str, kind: &LinkKind) -> Option<String> {
    let starts = |prefix: &str| part.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    match kind {
        LinkKind::Url if starts("https://") || starts("http://") => Some(part.to_owned()),
        LinkKind::Url if starts("www.") => Some(format!("https://{part}")),
        LinkKind::Email => Some(format!("mailto:{part}")),
        _ => None,
    }
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
