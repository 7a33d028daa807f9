//! What is drawn of a text: not more marks above a letter than any language needs, and emoji alone in large.

use crate::protocol::invisible::is_invisible;

/// The most combining marks that are drawn on one character.
const STACKED: usize = 4;
/// The most emoji that are drawn in large.
const FEW: usize = 3;

/// The text with at most four combining marks on each character. Without this, letters with sixty marks cover the lines
/// around them.
pub fn drawn(text: &str) -> String {
    let mut stacked = 0;
    let is_drawn = |c: &char| {
        if is_stacking(*c) {
            stacked += 1;
        } else if !is_invisible(*c) {
            stacked = 0;
        }
        stacked <= STACKED || !is_stacking(*c)
    };
    text.chars().filter(is_drawn).collect()
}

/// Whether this is a combining mark above or below a letter, in the blocks of Unicode whose marks are piled up.
///
/// A test of the server's `text` module compares the ranges with Unicode's data.
pub fn is_stacking(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{34E}'
            | '\u{350}'..='\u{36F}'
            | '\u{483}'..='\u{489}'
            | '\u{591}'..='\u{5BD}'
            | '\u{610}'..='\u{61A}'
            | '\u{64B}'..='\u{65F}'
            | '\u{6D6}'..='\u{6DC}'
            | '\u{E34}'..='\u{E3A}'
            | '\u{E47}'..='\u{E4E}'
            | '\u{1AB0}'..='\u{1ACE}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{20D0}'..='\u{20F0}'
            | '\u{3099}'..='\u{309A}'
            | '\u{FE20}'..='\u{FE2F}'
    )
}

/// Whether a text consists of one to three emoji.
///
/// A test of the server's `text` module compares this with Unicode's data.
pub fn is_few_emoji(text: &str) -> bool {
    const JOINER: char = '\u{200D}';
    const EMOJI_STYLE: char = '\u{FE0F}';
    const KEYCAP: char = '\u{20E3}';
    let is_regional = |c: char| matches!(c, '\u{1F1E6}'..='\u{1F1FF}');
    let mut count = 0;
    let mut is_joined = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\n' => {}
            JOINER if count > 0 => {
                is_joined = true;
                continue;
            }
            // What changes the emoji before it: its style, the tone of its skin, and the letters of a flag.
            EMOJI_STYLE | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}' if count > 0 => {}
            '0'..='9' | '#' | '*' => {
                let _ = chars.next_if_eq(&EMOJI_STYLE);
                if chars.next_if_eq(&KEYCAP).is_none() {
                    return false;
                }
                count += 1;
            }
            c if is_regional(c) => {
                let _ = chars.next_if(|c| is_regional(*c));
                count += 1;
            }
            c if is_pictograph(c) || !c.is_ascii() && chars.peek() == Some(&EMOJI_STYLE) => {
                count += usize::from(!is_joined);
            }
            _ => return false,
        }
        is_joined = false;
    }
    (1..=FEW).contains(&count)
}

/// A character that is an emoji without a variation selector.
fn is_pictograph(c: char) -> bool {
    matches!(
        c,
        '\u{231A}' | '\u{231B}' | '\u{23E9}'..='\u{23F3}' | '\u{25FD}' | '\u{25FE}' | '\u{2600}'..='\u{27BF}'
            | '\u{2B1B}' | '\u{2B1C}' | '\u{2B50}' | '\u{2B55}' | '\u{1F000}'..='\u{1F0FF}' | '\u{1F18E}'
            | '\u{1F191}'..='\u{1F19A}' | '\u{1F200}'..='\u{1FAFF}'
    )
}
