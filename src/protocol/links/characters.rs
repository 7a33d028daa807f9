//! Classes of characters: what may be in a host, in a path, and before the `@` of an email address.

use crate::protocol::invisible::is_invisible;

/// A letter or digit outside ASCII, or a mark that belongs to a letter.
pub(super) fn is_foreign_letter(c: char) -> bool {
    // Unicode counts some pictures as letters: ℹ, Ⓜ, 🅰.
    let is_picture = matches!(c, '\u{2139}' | '\u{2460}'..='\u{24FF}' | '\u{1F100}'..='\u{1F1FF}');
    !c.is_ascii() && !is_invisible(c) && !is_picture && (c.is_alphanumeric() || is_part_of_letter(c))
}

/// Marks that `char` does not count as letters: accents, tone marks, and signs that remove a vowel.
fn is_part_of_letter(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36F}'
            | '\u{483}'..='\u{487}'
            | '\u{591}'..='\u{5BD}'
            | '\u{64B}'..='\u{65F}'
            | '\u{900}'..='\u{963}'
            | '\u{966}'..='\u{DF3}'
            | '\u{E47}'..='\u{E4E}'
            | '\u{EC8}'..='\u{ECE}'
            | '\u{F18}'..='\u{F19}'
            | '\u{F35}'..='\u{F39}'
            | '\u{F71}'..='\u{FBC}'
            | '\u{1037}'..='\u{103A}'
            | '\u{17C9}'..='\u{17D3}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{3099}'..='\u{309A}'
            | '\u{FE20}'..='\u{FE2F}'
    )
}

/// A character that a host name may contain.
///
/// Browsers replace compatibility characters (full width, ligatures, letterlike symbols) by plain letters, so the link
/// would open another host than the text shows. Such a character ends the host.
pub(super) fn is_of_host(c: char) -> bool {
    match c {
        '-' | '_' => true,
        c if c.is_ascii() => c.is_ascii_alphanumeric(),
        '\u{80}'..='\u{BF}'
        | '\u{2000}'..='\u{2BFF}'
        | '\u{3131}'..='\u{33FF}'
        | '\u{F900}'..='\u{FFFF}'
        | '\u{1D400}'..='\u{1D7FF}'
        | '\u{1EE00}'..='\u{1FBFF}' => false,
        c => is_foreign_letter(c),
    }
}

pub(super) fn is_latin(c: char) -> bool {
    matches!(c, '\0'..='\u{36F}' | '\u{1E00}'..='\u{1EFF}')
}

/// A pictograph or symbol. Some host names contain one.
pub(super) fn is_symbol(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{E000}'..='\u{F8FF}' | '\u{1F000}'..='\u{1FBFF}')
}

/// A character of a script that has no spaces between words, or joins its particles to them.
pub fn is_spaceless(c: char) -> bool {
    matches!(
        c,
        '\u{E00}'..='\u{EFF}'
            | '\u{1000}'..='\u{109F}'
            | '\u{1780}'..='\u{17FF}'
            | '\u{2E80}'..='\u{D7FF}'
            | '\u{20000}'..='\u{3FFFF}'
    )
}

/// A character that may stand before the `@` of an email address.
///
/// Letters of scripts without spaces between words are excluded: there the sentence continues right up to the address,
/// so its letters would become a part of it.
pub(super) fn is_local(c: char) -> bool {
    match c {
        c if c.is_ascii() => c.is_ascii_alphanumeric() || ".!#$%&'*+-=?^_`{|}~".contains(c),
        c => !is_spaceless(c) && is_of_host(c),
    }
}
