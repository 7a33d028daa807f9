//! Which characters of a text a reader can see.

use icu_properties::props::{
    BinaryProperty as _, DefaultIgnorableCodePoint, EnumeratedProperty as _, GeneralCategory, GeneralCategoryGroup,
    PrependedConcatenationMark,
};

/// Whether nothing of a text is visible: it has only blanks, fillers, marks without a letter, and format characters.
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(shows_by_itself)
}

/// Whether this is a combining mark, which is drawn on, below or after the letter before it.
pub fn is_mark(c: char) -> bool {
    !c.is_ascii() && GeneralCategoryGroup::Mark.contains(GeneralCategory::for_char(c))
}

/// Whether this mark takes no space of its own, so that several of them are stacked.
pub(super) fn is_stacking_mark(c: char) -> bool {
    is_mark(c) && GeneralCategory::for_char(c) != GeneralCategory::SpacingMark
}

/// Whether a character is invisible wherever it stands. Some of these change how their neighbours look;
/// [`super::names`] decides which of them to keep.
pub(super) fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    match GeneralCategory::for_char(c) {
        GeneralCategory::Control => true,
        // Arabic and Syriac signs around numbers are format characters, but visible.
        GeneralCategory::Format => !PrependedConcatenationMark::for_char(c),
        _ => DefaultIgnorableCodePoint::for_char(c) || is_stand_in(c) || is_noncharacter(c),
    }
}

/// Whether a character takes space and shows nothing: white space, and letters that serve as fillers.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{2800}' | '\u{3164}' | '\u{FFA0}')
}

fn shows_by_itself(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_graphic();
    }
    !(is_space(c) || is_mark(c) || is_hidden(c) || GeneralCategory::for_char(c) == GeneralCategory::Format)
}

/// Symbols that are drawn as nothing: U+FFFC (object replacement) and U+1D159 (musical null notehead).
pub(super) fn is_stand_in(c: char) -> bool {
    matches!(c, '\u{FFFC}' | '\u{1D159}')
}

/// Code points that are permanently not characters (Unicode, 23.7).
pub(super) fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE
}
