//! What of a text a reader can see.

use icu_properties::props::{
    BinaryProperty as _, DefaultIgnorableCodePoint, EnumeratedProperty as _, GeneralCategory, GeneralCategoryGroup,
    PrependedConcatenationMark,
};

/// Whether a reader sees nothing of a text: blanks, fillers, marks without a letter, and characters that only direct others.
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(shows_by_itself)
}

/// A combining mark: it stands on, below or behind the letter before it.
pub fn is_mark(c: char) -> bool {
    !c.is_ascii() && GeneralCategoryGroup::Mark.contains(GeneralCategory::for_char(c))
}

/// A mark that takes no room of its own, so that several stand over each other.
pub(super) fn is_stacking_mark(c: char) -> bool {
    is_mark(c) && GeneralCategory::for_char(c) != GeneralCategory::SpacingMark
}

/// A character that nobody sees, wherever it stands. Some of them change how the letters around them look, which is for
/// [`super::names`] to tell.
pub(super) fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    match GeneralCategory::for_char(c) {
        GeneralCategory::Control => true,
        // Signs of Arabic and Syriac that stand around numbers are format characters that one sees.
        GeneralCategory::Format => !PrependedConcatenationMark::for_char(c),
        _ => DefaultIgnorableCodePoint::for_char(c) || is_stand_in(c) || is_noncharacter(c),
    }
}

/// A character that takes room and shows nothing: white space, and letters that fill a place.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{2800}' | '\u{3164}' | '\u{FFA0}')
}

fn shows_by_itself(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_graphic();
    }
    !(is_space(c) || is_mark(c) || is_hidden(c) || GeneralCategory::for_char(c) == GeneralCategory::Format)
}

/// Symbols that stand for something and are drawn as nothing: an object that is not there, a head of a note without ink.
pub(super) fn is_stand_in(c: char) -> bool {
    matches!(c, '\u{FFFC}' | '\u{1D159}')
}

/// Code points that are no characters and never will be (Unicode, 23.7).
pub(super) fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDEF}') || u32::from(c) & 0xFFFE == 0xFFFE
}
