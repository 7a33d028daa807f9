//! Room codes: six characters of Crockford base32 (<https://www.crockford.com/base32.html>), 30 bits.
//!
//! A code only locates a room; it is no secret to build on, which is why misses are budgeted.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 6;

/// Six characters that name one active room. Reading forgives case, spaces, hyphens and look-alikes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "K7M2QX", pattern = "^[0-9A-HJKMNP-TV-Z]{6}$")]
pub struct RoomCode([u8; LENGTH]);

/// Why a text is no room code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCode {
    /// Not six characters once spaces and hyphens are gone; has the count that was found.
    #[error("A room code has six characters; this has {0}.")]
    Length(usize),
    /// A character that no code contains.
    #[error("“{0}” is never part of a room code: codes have digits and letters, without U.")]
    Character(char),
}

impl RoomCode {
    /// Makes a code of the low 30 bits; the server draws them from the system's random source.
    pub fn from_bits(bits: u32) -> Self {
        let mut code = [0; LENGTH];
        for (i, c) in code.iter_mut().enumerate() {
            *c = ALPHABET[(bits >> (5 * i)) as usize & 31];
        }
        Self(code)
    }

    /// The canonical six characters.
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

    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        let mut code = [0; LENGTH];
        let mut length = 0;
        for c in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '‐' | '–' | '_')) {
            let canonical = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                upper => upper,
            };
            if !canonical.is_ascii() || !ALPHABET.contains(&(canonical as u8)) {
                return Err(InvalidCode::Character(c));
            }
            if let Some(slot) = code.get_mut(length) {
                *slot = canonical as u8;
            }
            length += 1;
        }
        if length == LENGTH { Ok(Self(code)) } else { Err(InvalidCode::Length(length)) }
    }
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

/// Codes are kept out of logs: a stray `{:?}` must not print one.
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

    #[test]
    fn what_is_no_code_says_why() {
        assert_eq!("ABC".parse::<RoomCode>(), Err(InvalidCode::Length(3)));
        assert_eq!("ABCDEFG".parse::<RoomCode>(), Err(InvalidCode::Length(7)));
        assert_eq!("ABCDEU".parse::<RoomCode>(), Err(InvalidCode::Character('U')));
        assert_eq!("ABCDÉF".parse::<RoomCode>(), Err(InvalidCode::Character('É')));
    }

    proptest! {
        #[test]
        fn every_code_reads_back_as_itself(bits in 0u32..1 << 30) {
            let code = RoomCode::from_bits(bits);
            prop_assert_eq!(code.as_str().parse(), Ok(code));
            prop_assert_eq!(code.spaced().to_lowercase().parse(), Ok(code));
        }

        #[test]
        fn reading_never_panics(text in ".{0,40}") {
            let _ = text.parse::<RoomCode>();
        }
    }
}
