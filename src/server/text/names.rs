//! Cleaning names: a name is one line in one form (NFC), without invisible characters, so that two names that look the
//! same are the same.
//!
//! Invisible characters are dropped, except where a script or an emoji needs them: joiners, variation selectors, and
//! the tags of flags. Combining marks are limited in number, so that they cannot pile up on one letter.

use icu_properties::props::{
    Alphabetic, BinaryProperty as _, CanonicalCombiningClass, Emoji, EmojiModifier, EmojiPresentation,
    EnumeratedProperty as _, ExtendedPictographic, JoiningType,
};
use unicode_normalization::UnicodeNormalization as _;

use super::visible::{is_hidden, is_mark, is_space, is_stacking_mark};

const ZWNJ: char = '\u{200C}';
const ZWJ: char = '\u{200D}';
const TEXT_STYLE: char = '\u{FE0E}';
const EMOJI_STYLE: char = '\u{FE0F}';
const KEYCAP: char = '\u{20E3}';
const BLACK_FLAG: char = '\u{1F3F4}';
const END_OF_TAGS: char = '\u{E007F}';
/// Upper bound for repeating the cleaning until nothing changes. Dropping a character can bring together two others
/// that must then be dropped too.
const ROUNDS: usize = 8;

/// A typed name in the form that is stored. Empty if nothing visible was left.
pub fn cleaned_name(typed: &str) -> String {
    let mut name = cleaned_once(typed);
    for _ in 1..ROUNDS {
        let next = cleaned_once(&name);
        if next == name {
            break;
        }
        name = next;
    }
    name
}

fn cleaned_once(text: &str) -> String {
    let text: Vec<char> = text.nfc().map(|c| if is_space(c) { ' ' } else { c }).collect();
    let line: String = without_heaps(without_hidden(&text)).into_iter().nfc().collect();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Drops hidden characters, except those that change how their neighbours look.
fn without_hidden(text: &[char]) -> Vec<char> {
    let mut kept: Vec<char> = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        let rest = &text[at + 1..];
        if is_tag(c) {
            let end = text[at..].iter().position(|c| !is_tag(*c)).map_or(text.len(), |length| at + length);
            if kept.last() == Some(&BLACK_FLAG) && names_a_region(&text[at..end]) {
                kept.extend(&text[at..end]);
            }
            at = end;
            continue;
        }
        if !is_hidden(c) || is_needed(&kept, c, rest) {
            kept.push(c);
        }
        at += 1;
    }
    kept
}

/// Whether a hidden character changes how the characters before or behind it look.
fn is_needed(before: &[char], c: char, behind: &[char]) -> bool {
    let (Some(&last), next) = (before.last(), behind.first().copied()) else { return false };
    match c {
        // A symbol that is drawn as text without this selector, or the digit, `#` or `*` of a keycap.
        EMOJI_STYLE if last.is_ascii() => next == Some(KEYCAP) && Emoji::for_char(last),
        EMOJI_STYLE => Emoji::for_char(last) && !EmojiPresentation::for_char(last),
        TEXT_STYLE => EmojiPresentation::for_char(last),
        ZWJ => joins_pictures(before, next) || joins_letters(before, last, behind),
        ZWNJ => parts_letters(before, last, behind),
        // Mongolian: variation selectors, and the vowel separator.
        '\u{180B}'..='\u{180D}' | '\u{180F}' => is_mongolian(last),
        '\u{180E}' => is_mongolian(last) && next.is_some_and(is_mongolian),
        _ => false,
    }
}

fn joins_pictures(before: &[char], next: Option<char>) -> bool {
    let last = before.iter().rev().find(|c| !(**c == EMOJI_STYLE || EmojiModifier::for_char(**c)));
    last.is_some_and(|last| ExtendedPictographic::for_char(*last)) && next.is_some_and(ExtendedPictographic::for_char)
}

/// Whether a joiner is needed: within a conjunct of an Indic script, or to give a letter its joining form where no
/// joining letter follows (UAX 31, 2.3; the Unicode standard, 9.2 and 12.1).
fn joins_letters(before: &[char], last: char, behind: &[char]) -> bool {
    let next = behind.first().copied();
    if is_virama(last) {
        return next.is_none_or(|next| !is_mark(next) && !is_hidden(next));
    }
    if next.is_some_and(is_virama) && is_letter(last) {
        return true;
    }
    goes_on(before) && !comes_on(behind)
}

/// Whether a non-joiner is needed: between letters that would otherwise join (UAX 31, A1 and A2).
fn parts_letters(before: &[char], last: char, behind: &[char]) -> bool {
    if is_virama(last) {
        return behind.first().copied().is_some_and(is_letter);
    }
    goes_on(before) && comes_on(behind)
}

/// Whether the letter before joins to what follows it.
fn goes_on(before: &[char]) -> bool {
    let last = before.iter().rev().map(|c| JoiningType::for_char(*c)).find(|kind| *kind != JoiningType::Transparent);
    matches!(last, Some(JoiningType::DualJoining | JoiningType::LeftJoining))
}

/// Whether the letter behind joins to what is before it.
fn comes_on(behind: &[char]) -> bool {
    let next = behind.iter().map(|c| JoiningType::for_char(*c)).find(|kind| *kind != JoiningType::Transparent);
    matches!(next, Some(JoiningType::DualJoining | JoiningType::RightJoining | JoiningType::JoinCausing))
}

fn is_letter(c: char) -> bool {
    Alphabetic::for_char(c) && !is_mark(c)
}

fn is_virama(c: char) -> bool {
    CanonicalCombiningClass::for_char(c) == CanonicalCombiningClass::Virama
}

fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{1820}'..='\u{18AA}')
}

fn is_tag(c: char) -> bool {
    matches!(c, '\u{E0020}'..='\u{E007F}')
}

/// Whether these are the tags of a region's flag: its code in small letters and digits, and the end tag (UTS 51,
/// 1.4.9).
fn names_a_region(tags: &[char]) -> bool {
    let Some((&END_OF_TAGS, code)) = tags.split_last() else { return false };
    (3..=6).contains(&code.len())
        && code.iter().all(|c| matches!(c, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}'))
}

/// Drops combining marks that have no letter before them, that repeat the mark before, or that exceed the limit for one
/// letter.
fn without_heaps(text: Vec<char>) -> Vec<char> {
    let mut kept = Vec::with_capacity(text.len());
    let (mut height, mut has_base) = (0, false);
    for c in text {
        if is_mark(c) {
            height += usize::from(is_stacking_mark(c));
            if !has_base || height > highest(c) || (is_stacking_mark(c) && kept.last() == Some(&c)) {
                continue;
            }
        } else if !is_hidden(c) {
            (height, has_base) = (0, c != ' ');
        }
        kept.push(c);
    }
    kept
}

/// The maximum number of marks on one letter. Tibetan stacks consonants, and Hebrew and Burmese use several kinds of
/// signs.
fn highest(mark: char) -> usize {
    match mark {
        '\u{591}'..='\u{5C7}' | '\u{F00}'..='\u{FFF}' | '\u{1000}'..='\u{109F}' => 8,
        _ => 4,
    }
}
