//! Reading the emoji of a reaction: exactly one of the list of recommended emoji (RGI).
//!
//! The list is in the server's binary (crate `emojis`). A pattern over properties of characters would not do: it lets
//! through what no font shows as one picture, and refuses some that are written with a letter-like character (❤️).

use emojis::SkinTone;

use crate::protocol::Emoji;

/// No emoji of the list is longer, in bytes.
const BYTES: usize = 35;

/// Reads an emoji. It becomes fully qualified, and loses its skin tone, so that people who mean the same count
/// together. `None` if the text is anything else.
pub fn emoji(typed: &str) -> Option<Emoji> {
    let found = Some(typed).filter(|typed| typed.len() <= BYTES).and_then(emojis::get)?;
    let plain = found.with_skin_tone(SkinTone::Default).unwrap_or(found);
    Some(Emoji::stored(plain.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_has_one_form() {
        for (typed, read) in [
            ("👍", "👍"),
            ("👍🏽", "👍"),
            ("❤️", "❤️"),
            ("❤", "❤️"),
            ("👩🏽\u{200D}❤️\u{200D}💋\u{200D}👨🏿", "👩\u{200D}❤️\u{200D}💋\u{200D}👨"),
            ("👩\u{200D}❤\u{200D}👨", "👩\u{200D}❤️\u{200D}👨"),
            ("1️⃣", "1️⃣"),
            ("🇩🇪", "🇩🇪"),
            ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
            ("🏳️\u{200D}🌈", "🏳️\u{200D}🌈"),
        ] {
            assert_eq!(emoji(typed), Some(Emoji::stored(read)), "{}", typed.escape_unicode());
        }
    }

    #[test]
    fn what_is_not_one_emoji_is_none() {
        for typed in [
            "",
            "a",
            "1",
            "+1",
            "thumbsup",
            "👍👍",
            " 👍",
            "👍\u{200D}",
            "🇩",
            "🏽",
            "\u{FE0F}",
            "<b>",
            "👍\0",
            "ö",
            "你",
        ] {
            assert_eq!(emoji(typed), None, "{}", typed.escape_unicode());
        }
    }

    #[test]
    fn every_emoji_of_the_list_reads_as_itself_or_without_its_tone() {
        let mut longest = 0;
        for listed in emojis::iter().flat_map(|emoji| {
            let toned = emoji.skin_tones().into_iter().flatten();
            std::iter::once(emoji).chain(toned)
        }) {
            let read = emoji(listed.as_str()).unwrap();
            assert_eq!(emoji(read.as_str()), Some(read), "{}", listed.name());
            longest = longest.max(listed.as_str().len());
        }
        assert_eq!(longest, BYTES);
    }
}
