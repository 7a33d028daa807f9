//! The direction of a text: left to right, or right to left.

/// Whether a text is read from right to left. Its first letter decides, as with `dir="auto"` (Unicode TR 9, P2 and P3).
/// The result only chooses the side on which the time stands, so the Unicode blocks of the scripts in use are exact
/// enough.
pub fn is_right_to_left(text: &str) -> bool {
    let first = text.chars().find(|c| c.is_alphabetic());
    first.is_some_and(|c| {
        matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}' | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EEFF}')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_decides() {
        for (text, rtl) in
            [("Hello", false), ("مرحبا", true), ("1. שלום hello", true), ("hi שלום", false), ("👍 12", false)]
        {
            assert_eq!(is_right_to_left(text), rtl, "{text}");
        }
    }
}
