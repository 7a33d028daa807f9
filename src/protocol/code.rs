//! Room codes: six characters of Crockford base32 (<https://www.crockford.com/base32.html>), 30 bits.
//!
//! A code locates a room and is not a secret to rely on: 30 bits can be guessed, so the number of wrong guesses is
//! limited.
//!
//! [`RoomCode::from_str`] is the only parser of what people type and paste. The field for a code, forms without
//! scripts, REST, the dashboard's filter and the end of a room's link all use it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::invisible::is_invisible;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 6;
/// Half of a code: the length of each group in [`RoomCode::spaced`].
const HALF: usize = LENGTH / 2;
/// The part of a room's link before the code.
const PATH: &str = "rooms/";
/// The most characters of a text that are searched. An invitation has fewer.
const READ_CHARS: usize = 2_000;
/// The most characters after [`PATH`] that are read. A code with every character percent-encoded has fewer.
const PATH_CHARS: usize = 80;

/// The six characters that identify an active room. When typed, case, look-alike characters, and text around or between
/// the characters do not matter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "K7M2QX", pattern = "^[0-9A-HJKMNP-TV-Z]{6}$")]
pub struct RoomCode([u8; LENGTH]);

/// Why a text contains no room code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCode {
    /// The text does not have six letters and digits. The value is their number.
    #[error("A room code has six characters; this has {0}.")]
    Length(usize),
    /// The text has a letter or digit that no code contains.
    #[error("“{}” is never part of a room code. Codes have digits and letters, but no U.", display_char(*.0))]
    Character(char),
}

/// A character for an error text. If it may be invisible or merge with its neighbour, its code point is added or shown
/// instead.
pub fn display_char(c: char) -> String {
    match c {
        '!'..='~' | '\u{A1}'..='\u{AC}' | '\u{AE}'..='\u{2FF}' => c.to_string(),
        _ if c.is_alphanumeric() && !is_invisible(c) => format!("{c} (U+{:04X})", u32::from(c)),
        _ => format!("U+{:04X}", u32::from(c)),
    }
}

impl RoomCode {
    /// Makes a code from the low 30 bits. The server draws them from the system's random source.
    pub fn from_bits(bits: u32) -> Self {
        let mut code = [0; LENGTH];
        for (i, c) in code.iter_mut().enumerate() {
            *c = ALPHABET[(bits >> (5 * i)) as usize & 31];
        }
        Self(code)
    }

    /// The code in canonical form: six characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("the alphabet is ASCII")
    }

    /// The code in two groups, for reading aloud: `K7M 2QX`.
    pub fn spaced(&self) -> String {
        let (a, b) = self.as_str().split_at(LENGTH / 2);
        format!("{a} {b}")
    }
}

impl FromStr for RoomCode {
    type Err = InvalidCode;

    /// Finds the code in a typed or pasted text.
    ///
    /// The text can be the code itself, a link to the room, or a sentence that contains either. If there is a link, its
    /// code is used.
    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        // The fast path: codes in stores and frames are canonical.
        if text.len() == LENGTH
            && let Ok(code) = only_code(text.chars())
        {
            return Ok(code);
        }
        let text: String = text.chars().filter(|c| !is_invisible(*c)).take(READ_CHARS).map(narrow).collect();
        let in_link = code_of_link(&text);
        if let Some(Ok(code)) = in_link {
            return Ok(code);
        }
        let of_all = only_code(text.chars().filter(|c| c.is_alphanumeric()));
        match of_all {
            Ok(code) => Ok(code),
            Err(refused) => code_among_words(&text).ok_or(in_link.and_then(Result::err).unwrap_or(refused)),
        }
    }
}

/// Reads all characters as one code.
fn only_code(characters: impl Iterator<Item = char>) -> Result<RoomCode, InvalidCode> {
    let mut code = [0; LENGTH];
    let mut length = 0;
    for c in characters {
        let canonical = canonical(c).ok_or(InvalidCode::Character(c))?;
        if let Some(slot) = code.get_mut(length) {
            *slot = canonical;
        }
        length += 1;
    }
    if length == LENGTH { Ok(RoomCode(code)) } else { Err(InvalidCode::Length(length)) }
}

/// The character of the alphabet that a typed one stands for: `O` is 0, `I` and `L` are 1.
fn canonical(c: char) -> Option<u8> {
    let c = match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        upper => upper,
    };
    u8::try_from(c).ok().filter(|c| ALPHABET.contains(c))
}

/// Converts a full-width character, as Chinese and Japanese keyboards type it, to its ASCII character.
fn narrow(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        _ => c,
    }
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}')
}

/// The code of the first room link in a text that has a valid one. If no link has one, the error of the first link.
/// `None` if the text has no room link.
fn code_of_link(text: &str) -> Option<Result<RoomCode, InvalidCode>> {
    let small = text.to_ascii_lowercase();
    let mut refused = None;
    for (at, _) in small.match_indices(PATH) {
        let behind: String = text[at + PATH.len()..].chars().take(PATH_CHARS).collect();
        match code_at_start(&decoded(&behind)) {
            Ok(code) => return Some(Ok(code)),
            Err(why) => refused = refused.or(Some(Err(why))),
        }
    }
    refused
}

/// Reads a code at the beginning of a text: six characters, or twice three with one blank or dash between them.
fn code_at_start(text: &str) -> Result<RoomCode, InvalidCode> {
    let mut code = String::new();
    let mut rest = text.chars().filter(|c| !is_invisible(*c)).map(narrow).peekable();
    while let Some(c) = rest.next() {
        let is_between = is_dash(c) || (c == ' ' && code.len() == HALF);
        if c.is_ascii_alphanumeric() {
            code.push(c);
        } else if !is_between || code.len() == LENGTH || !rest.peek().is_some_and(char::is_ascii_alphanumeric) {
            break;
        }
    }
    only_code(code.chars())
}

/// Removes percent-encoding from a part of a URL.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        if let Some(byte) = behind.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &behind[2..];
        } else {
            bytes.push(b'%');
            rest = behind;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A run of letters and digits, and the characters between it and the next run.
struct Word {
    text: String,
    behind: String,
}

/// Finds the only code among the words of a text.
///
/// A word can be a code if it has no lowercase letter or has a digit. If any candidate has a digit, those without are
/// dropped. Two different candidates mean that there is no result.
fn code_among_words(text: &str) -> Option<RoomCode> {
    let mut words: Vec<Word> = Vec::new();
    for c in text.chars() {
        let is_new = words.last().is_none_or(|word| !word.behind.is_empty());
        match words.last_mut() {
            _ if c.is_ascii_alphanumeric() && is_new => words.push(Word { text: c.to_string(), behind: String::new() }),
            Some(word) if c.is_ascii_alphanumeric() => word.text.push(c),
            Some(word) => word.behind.push(c),
            None => {}
        }
    }
    let has_small = |text: &str| text.chars().any(|c| c.is_ascii_lowercase());
    let has_digit = |text: &str| text.chars().any(|c| c.is_ascii_digit());
    let mut found: Vec<(RoomCode, bool)> = Vec::new();
    let mut note = |text: &str| found.extend(only_code(text.chars()).ok().map(|code| (code, has_digit(text))));
    for (i, word) in words.iter().enumerate() {
        if word.text.len() == LENGTH && (has_digit(&word.text) || !has_small(&word.text)) {
            note(&word.text);
        }
        if let Some(next) = words.get(i + 1).filter(|next| (word.text.len(), next.text.len()) == (HALF, HALF))
            && (word.behind == " " || word.behind.chars().all(is_dash))
            && [word, next]
                .iter()
                .all(|half| has_digit(&half.text) || !(has_small(&word.text) || has_small(&next.text)))
        {
            note(&format!("{}{}", word.text, next.text));
        }
    }
    let has_digits = found.iter().any(|(_, has_digit)| *has_digit);
    let mut codes = found.iter().filter(|(_, has_digit)| *has_digit || !has_digits).map(|(code, _)| *code);
    let first = codes.next()?;
    codes.all(|code| code == first).then_some(first)
}

impl TryFrom<String> for RoomCode {
    type Error = InvalidCode;

    fn try_from(text: String) -> Result<Self, InvalidCode> {
        text.parse()
    }
}

impl From<RoomCode> for String {
    fn from(code: RoomCode) -> Self {
        code.as_str().to_owned()
    }
}

impl fmt::Display for RoomCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Prints a placeholder, so that a stray `{:?}` puts no code into a log.
impl fmt::Debug for RoomCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reading_forgives_case_spaces_hyphens_and_look_alikes() {
        let canonical: RoomCode = "01K7M2".parse().unwrap();
        for typed in ["01k7m2", "O1-K7M 2", "oi k7m2", " 0L–k7 m2 "] {
            assert_eq!(typed.parse(), Ok(canonical), "{typed}");
        }
    }

    fn reads(texts: &[&str]) {
        let code: RoomCode = "K7M2QX".parse().unwrap();
        for text in texts {
            assert_eq!(text.parse(), Ok(code), "{}", text.escape_unicode());
        }
    }

    #[test]
    fn what_is_not_seen_and_what_stands_around_a_code_is_passed_over() {
        reads(&[
            "\u{200B}K7M2QX",
            "\u{2068}K7M2QX\u{2069}",
            "\u{FEFF}K7M2QX",
            "K7M\u{AD}2QX\u{200E}",
            "K7M2QX\u{200D}",
            "\u{202A}K7M 2QX\u{202C}",
            "Ｋ７Ｍ２ＱＸ",
            "ｋ７ｍ－２ｑｘ",
            "K7M\u{3000}2QX",
            "K7M\u{A0}2QX",
            "K7M\u{2009}2QX",
            "K7M—2QX",
            "K7M‑2QX",
            "K7M\u{2212}2QX",
            "K7M·2QX",
            "K7M2QX.",
            "K7M2QX,",
            "„K7M2QX“",
            "\"K7M2QX\"",
            "«K7M2QX»",
            "(K7M-2QX)",
            "「K7M2QX」",
            "K7M2QX。",
            "#K7M2QX",
            "*K7M2QX*",
            "`K7M2QX`",
            "K 7 M 2 Q X",
            "K7M2QX 👍",
            "K7M\n2QX\r\n",
        ]);
    }

    #[test]
    fn a_link_gives_its_code_whatever_stands_around_it() {
        reads(&[
            "https://chat.example/rooms/K7M2QX",
            "chat.example/rooms/k7m2qx?x=1",
            " http://localhost:3000/rooms/K7M2QX/ ",
            "https://chat.example/rooms/K7M2QX.",
            "https://chat.example/rooms/K7M2QX,",
            "https://chat.example/rooms/K7M2QX!",
            "https://chat.example/rooms/K7M2QX#end",
            "https://chat.example/rooms/K7M-2QX",
            "https://chat.example/rooms/K7M%202QX",
            "https://chat.example/rooms/K7M2QX%20",
            "https://chat.example/rooms/K7M2QX%E2%80%8B",
            "https://chat.example/rooms/K7M2QX\u{200B}",
            "https://chat.example/rooms/K7M2QX—come",
            "https://chat.example/rooms/K7M2QXで会おう",
            "https://chat.example/ROOMS/k7m2qx",
            "Come: https://chat.example/rooms/K7M2QX see you",
            "<https://chat.example/rooms/K7M2QX>",
            "(https://chat.example/rooms/K7M2QX)",
            "\"https://chat.example/rooms/K7M2QX\"",
            "[room](https://chat.example/rooms/K7M2QX)",
            "[ABCDEF](https://chat.example/rooms/K7M2QX)",
            "K7M 2QX\nhttps://chat.example/rooms/K7M2QX",
            "https://chat.example/rooms/new or https://chat.example/rooms/K7M2QX",
            "https：／／chat.example／rooms／Ｋ７Ｍ２ＱＸ",
        ]);
    }

    #[test]
    fn a_code_is_found_among_words() {
        reads(&[
            "Please join K7M2QX",
            "the code is k7m2qx, see you at seven",
            "Room K7M 2QX",
            "Join with the code K7M-2QX today.",
            "the code is k7m 2qx",
            "Code:K7M2QX",
            "コードはK7M2QXです",
            "K7M2QX (again: K7M 2QX)",
        ]);
        let letters: RoomCode = "KMPQXZ".parse().unwrap();
        assert_eq!("come to KMPQXZ".parse(), Ok(letters));
        for text in ["please come", "K7M2QX or K7M2QY", "see https://chat.example/", "top 100 rooms"] {
            assert!(text.parse::<RoomCode>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_code_says_why() {
        assert_eq!("".parse::<RoomCode>(), Err(InvalidCode::Length(0)));
        assert_eq!("ABC".parse::<RoomCode>(), Err(InvalidCode::Length(3)));
        assert_eq!("ABCDEFG".parse::<RoomCode>(), Err(InvalidCode::Length(7)));
        assert_eq!("K7M 2QXA".parse::<RoomCode>(), Err(InvalidCode::Length(7)));
        assert_eq!("ABCDEU".parse::<RoomCode>(), Err(InvalidCode::Character('U')));
        assert_eq!("ABCDÉF".parse::<RoomCode>(), Err(InvalidCode::Character('É')));
        assert_eq!("https://chat.example/rooms/K7M2Q".parse::<RoomCode>(), Err(InvalidCode::Length(5)));
        assert_eq!("https://chat.example/rooms/K7M2QU".parse::<RoomCode>(), Err(InvalidCode::Character('U')));
    }

    #[test]
    fn an_error_shows_a_character_that_has_no_picture() {
        let shown = ['U', 'É', 'ж', '\u{93E}', '\u{200B}'].map(display_char);
        assert_eq!(shown, ["U", "É", "ж (U+0436)", "\u{93E} (U+093E)", "U+200B"]);
    }

    proptest! {
        #[test]
        fn every_code_reads_back_as_itself(bits in 0u32..1 << 30) {
            let code = RoomCode::from_bits(bits);
            prop_assert_eq!(code.as_str().parse(), Ok(code));
            prop_assert_eq!(code.spaced().to_lowercase().parse(), Ok(code));
        }

        #[test]
        fn every_code_is_found_in_its_link(bits in 0u32..1 << 30, before in "[a-z ]{0,9}", behind in "[ .,!?)»”。#/]{0,9}") {
            let code = RoomCode::from_bits(bits);
            prop_assert_eq!(format!("{before}https://chat.example/rooms/{code}{behind}").parse(), Ok(code));
        }

        #[test]
        fn reading_never_panics(text in ".{0,40}|[rooms/%K7M2QX -]{0,60}|\\PC{0,20}") {
            let _ = text.parse::<RoomCode>();
        }
    }
}
