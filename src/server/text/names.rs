//! What a name may hold: one line in one form (NFC), without anything that a reader does not see, so that what looks like
//! another member's name is that name.

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
/// How often a name is cleaned at most until that changes nothing more: what goes can bring together what then goes, too.
const ROUNDS: usize = 8;

/// A typed name as it is kept. Empty if nothing was left.
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

/// Drops what is hidden, but for what changes how its neighbours look.
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

/// Whether a hidden character changes how those before and behind it look.
fn is_needed(before: &[char], c: char, behind: &[char]) -> bool {
    let (Some(&last), next) = (before.last(), behind.first().copied()) else { return false };
    match c {
        // A picture that is drawn as text unless this follows it, or a key.
        EMOJI_STYLE if last.is_ascii() => next == Some(KEYCAP) && Emoji::for_char(last),
        EMOJI_STYLE => Emoji::for_char(last) && !EmojiPresentation::for_char(last),
        TEXT_STYLE => EmojiPresentation::for_char(last),
        ZWJ => joins_pictures(before, next) || joins_letters(before, last, behind),
        ZWNJ => parts_letters(before, last, behind),
        // Forms of Mongolian letters, and the vowel that stands apart.
        '\u{180B}'..='\u{180D}' | '\u{180F}' => is_mongolian(last),
        '\u{180E}' => is_mongolian(last) && next.is_some_and(is_mongolian),
        _ => false,
    }
}

fn joins_pictures(before: &[char], next: Option<char>) -> bool {
    let last = before.iter().rev().find(|c| !(**c == EMOJI_STYLE || EmojiModifier::for_char(**c)));
    last.is_some_and(|last| ExtendedPictographic::for_char(*last)) && next.is_some_and(ExtendedPictographic::for_char)
}

/// A joiner within a conjunct of an Indic script, or one that lends a letter the form of one that goes on (UAX 31, 2.3;
/// the Unicode standard, 9.2 and 12.1).
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

/// A non-joiner between letters that would join (UAX 31, A1 and A2).
fn parts_letters(before: &[char], last: char, behind: &[char]) -> bool {
    if is_virama(last) {
        return behind.first().copied().is_some_and(is_letter);
    }
    goes_on(before) && comes_on(behind)
}

/// Whether the letter before joins what follows it.
fn goes_on(before: &[char]) -> bool {
    let last = before.iter().rev().map(|c| JoiningType::for_char(*c)).find(|kind| *kind != JoiningType::Transparent);
    matches!(last, Some(JoiningType::DualJoining | JoiningType::LeftJoining))
}

/// Whether the letter behind joins what is before it.
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

/// The tags of a region's flag: its code in small letters and digits, and the end (UTS 51, 1.4.9).
fn names_a_region(tags: &[char]) -> bool {
    let Some((&END_OF_TAGS, code)) = tags.split_last() else { return false };
    (3..=6).contains(&code.len())
        && code.iter().all(|c| matches!(c, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}'))
}

/// Drops marks that have no letter to stand on, that are there twice, or that would make a heap.
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

/// How many marks may stand on one letter. Tibetan stacks consonants; Hebrew and Burmese have several signs of a kind each.
fn highest(mark: char) -> usize {
    match mark {
        '\u{591}'..='\u{5C7}' | '\u{F00}'..='\u{FFF}' | '\u{1000}'..='\u{109F}' => 8,
        _ => 4,
    }
}
