//! Email addresses: the type [`Email`], which checks the form of an address and brings it into lower case.
//!
//! The check follows the parts of RFC 5321 that mail providers use, plus letters beyond ASCII (RFC 6531). Sending mail
//! and proving an address are not here.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest address in bytes that mail can be delivered to (RFC 5321, 4.5.3.1.3, without the angle brackets).
const EMAIL_BYTES: usize = 254;
/// The longest part before the `@`, in bytes (RFC 5321, 4.5.3.1.1).
const LOCAL_BYTES: usize = 64;
/// The longest part of a host name between two dots, in bytes (RFC 1035, 2.3.4).
const LABEL_BYTES: usize = 63;

/// The text is not an email address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This isn’t an email address. It should look like name@example.org.")]
pub struct InvalidEmail;

/// An email address, in lower case.
///
/// Lower case, because people type the same address in different cases and no current provider tells cases apart. Only
/// the form is checked: a mail with a link or code proves that somebody reads the address. Quoted local parts and
/// numeric hosts (`"a b"@example.org`, `a@[192.0.2.1]`) are refused, because nobody has such an address and both are
/// ways to smuggle text past a filter.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "ada@example.org")]
pub struct Email(String);

impl Email {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address without the part from `+` to `@`: most providers deliver both to the same mailbox. Limits count by
    /// it.
    pub fn mailbox(&self) -> String {
        let (local, host) = self.0.rsplit_once('@').unwrap_or_default();
        format!("{}@{host}", local.split('+').next().unwrap_or_default())
    }
}

impl TryFrom<&str> for Email {
    type Error = InvalidEmail;

    fn try_from(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim().to_lowercase();
        let (local, host) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        // The characters of RFC 5321's atoms, and letters beyond ASCII (RFC 6531).
        let is_local = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        let is_host = |c: char| c.is_alphanumeric() || c == '-';
        let dotted = |part: &str| part.split('.').all(|piece| !piece.is_empty());
        let is_label = |label: &str| {
            (1..=LABEL_BYTES).contains(&label.len())
                && label.chars().all(is_host)
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let well_formed = text.len() <= EMAIL_BYTES
            && (1..=LOCAL_BYTES).contains(&local.len())
            && local.chars().all(is_local)
            && dotted(local)
            && host.contains('.')
            && host.split('.').all(is_label);
        if well_formed { Ok(Self(text)) } else { Err(InvalidEmail) }
    }
}

impl TryFrom<String> for Email {
    type Error = InvalidEmail;

    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        Self::try_from(text.as_str())
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Prints the length only, so that no address reaches a log.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Email({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trimmed_and_in_lower_case() {
        assert_eq!(
            Email::try_from(" Ada.Lovelace+chat@Example.ORG\n").unwrap().as_str(),
            "ada.lovelace+chat@example.org"
        );
        assert!(Email::try_from("ünal@müller.example").is_ok());
    }

    #[test]
    fn a_mailbox_has_many_addresses() {
        for address in ["ada@example.org", "ada+@example.org", "ADA+chat+2@example.org"] {
            assert_eq!(Email::try_from(address).unwrap().mailbox(), "ada@example.org");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        for text in [
            "",
            "ada",
            "ada@",
            "@example.org",
            "ada@localhost",
            "a b@example.org",
            "ada@exa mple.org",
            "ada@-a.org",
            "ada@a..org",
            ".ada@example.org",
            "ada@example.org\r\nBcc: x@y.org",
            "\"a\"@example.org",
            "a@[192.0.2.1]",
            "<a@example.org>",
            "a@b@example.org",
            "a@example.org,b@example.org",
            &long,
        ] {
            assert_eq!(Email::try_from(text), Err(InvalidEmail), "{text}");
        }
    }
}
