//! Case folding: the form in which texts are compared, for example to find a name in a message.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

const DOT_ABOVE: char = '\u{307}';

/// A text without the differences that do not make another word: case, width, and the encoding of accents.
///
/// The steps are NFKC and full Unicode case folding. The folding goes through upper case, so that `ß` becomes `ss`. The
/// Turkish `İ` and `ı` are folded to `i`, as in other languages.
pub fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|c| c.is_ascii_uppercase()) {
            text.to_ascii_lowercase().into()
        } else {
            text.into()
        };
    }
    let small =
        text.nfkc().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc();
    let mut folded = String::with_capacity(text.len());
    for c in small {
        // The dot above that remains when `İ` becomes lower case.
        if !(c == DOT_ABOVE && folded.ends_with('i')) {
            folded.push(c);
        }
    }
    folded.nfc().collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_that_are_one_have_one_form() {
        for (one, other) in [
            ("Zoë", "ZOE\u{308}"),
            ("Straße", "STRASSE"),
            ("Straße", "STRAẞE"),
            ("İbrahim", "ibrahim"),
            ("Işık", "IŞIK"),
            ("Ａｄａ", "Ada"),
            ("ＡＤＡ\u{3000}Ｌ", "ada l"),
            ("ΑΔΆΣ", "αδάς"),
            ("한", "\u{1112}\u{1161}\u{11AB}"),
            ("Й", "И\u{306}"),
            ("ﬁn", "FIN"),
            ("\u{212B}", "å"),
            ("ｱﾀﾞ", "アダ"),
        ] {
            assert_eq!(folded(one), folded(other), "{one} {other}");
        }
        for (one, other) in [("Zoe", "Zoë"), ("Ada", "Äda"), ("ı", "l")] {
            assert_ne!(folded(one), folded(other), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing_more(text in "\\PC{0,20}|[a-zA-Zßİıſςά\u{300}-\u{345}]{0,20}") {
            let once = folded(&text).into_owned();
            prop_assert_eq!(folded(&once), &*once);
        }
    }
}
