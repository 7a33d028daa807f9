//! Which way a text is read.

/// Whether a text is read from right to left: its first letter decides, as with `dir="auto"` (Unicode TR 9, P2 and P3). It
/// only chooses the side of the time, so the blocks of the scripts in use suffice.
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
