//! The beginning of a text, for previews. A text is cut between grapheme clusters (UAX 29), the characters that a
//! reader sees, and never within one.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::protocol::{Event, EventKind, MessageBody, limits::PREVIEW_CHARS, markdown};

/// A message with the [`preview`] of its text, without its reactions and mentions, for replies to it. `None` if the
/// event is no message.
pub fn quote(event: &Event) -> Option<Event> {
    let mut quote = event.clone();
    let EventKind::Message(message) = &mut quote.kind else { return None };
    message.body = MessageBody::stored(preview(&message.body));
    message.reactions = Vec::new();
    (message.mentions, message.everyone) = (Vec::new(), false);
    Some(quote)
}

/// The beginning of a message without its formatting, as one line of at most [`PREVIEW_CHARS`] characters. White space
/// becomes single spaces, and a cut is marked by `…`.
pub fn preview(body: &MessageBody) -> String {
    let plain = markdown::plain(body.as_str());
    let line = plain.split_whitespace().flat_map(|word| [" ", word]).skip(1);
    let mut line: String = line.flat_map(str::chars).take(PREVIEW_CHARS + 1).collect();
    if line.chars().count() > PREVIEW_CHARS {
        line.truncate(end_of_whole(&line, PREVIEW_CHARS - 1));
        line.push('…');
    }
    line
}

/// The byte index after the last grapheme cluster that ends within `limit` characters. If the first cluster alone is
/// longer, it is cut, because otherwise nothing would be left.
fn end_of_whole(text: &str, limit: usize) -> usize {
    let mut count = 0;
    let whole = text.graphemes(true).take_while(|shown| {
        count += shown.chars().count();
        count <= limit
    });
    match whole.map(str::len).sum() {
        0 => text.char_indices().nth(limit).map_or(text.len(), |(at, _)| at),
        end => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        preview(&MessageBody::stored(text))
    }

    #[test]
    fn a_preview_is_one_line_that_says_when_it_is_cut() {
        assert_eq!(line("  Hello,\n\n\tall.  "), "Hello, all.");
        let whole = "𝕏".repeat(PREVIEW_CHARS);
        assert_eq!(line(&whole), whole);
        let cut = line(&"𝕏".repeat(PREVIEW_CHARS + 1));
        assert_eq!((cut.chars().count(), cut.chars().last()), (PREVIEW_CHARS, Some('…')));
    }

    #[test]
    fn a_preview_has_no_formatting_and_no_hidden_text() {
        assert_eq!(line("> *Hello*,\n**all**: ||the end||"), "Hello, all: ▒▒▒");
        assert_eq!(line(&format!("||{}||", "secret ".repeat(40).trim_end())), "▒▒▒");
    }

    #[test]
    fn a_preview_is_not_cut_within_a_picture_or_a_letter() {
        for (picture, before) in [
            ("🇩🇪", 138),
            ("👩‍👩‍👧‍👦", 137),
            ("👍🏽", 138),
            ("e\u{301}", 138),
            ("🏴\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F}", 135),
            ("한\u{11AB}", 138),
            ("क्षि", 137),
            ("\u{1112}\u{1161}\u{11AB}", 137),
        ] {
            let before = "x".repeat(before);
            assert_eq!(line(&format!("{before}{picture}z")), format!("{before}…"), "{picture}");
            let room = &before[picture.chars().count()..];
            assert!(
                line(&format!("{room}{picture}{}", "z".repeat(200))).starts_with(&format!("{room}{picture}")),
                "{picture}"
            );
        }
        let crowd = "👩\u{200D}".repeat(100);
        assert_eq!(line(&crowd).chars().count(), PREVIEW_CHARS);
    }
}
