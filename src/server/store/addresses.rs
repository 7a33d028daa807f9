//! Spelling of email addresses: one mailbox has one stored spelling. Hosts are stored in ASCII (IDNA, by UTS 46),
//! because mail servers expect that. For display, [`readable`] converts them back to the letters that people know.
//!
//! The Unicode tables for this are large, so only the server has them. The page sends an address as it was typed.

use unicode_normalization::UnicodeNormalization as _;

/// Converts a typed address to its stored spelling: the host in ASCII, the local part composed (NFC), no spaces around
/// it. `None` if the host is not valid.
pub fn in_ascii(text: &str) -> Option<String> {
    let (local, host) = text.trim().rsplit_once('@')?;
    let host = idna::domain_to_ascii_strict(host).ok().filter(|host| !host.is_empty())?;
    Some(format!("{}@{host}", local.nfc().collect::<String>()))
}

/// Converts a stored address for display: the host in Unicode letters. Returns an address that cannot be converted as
/// it is.
pub fn readable(address: &str) -> String {
    let Some((local, host)) = address.rsplit_once('@') else { return address.to_owned() };
    match idna::domain_to_unicode(host) {
        (host, Ok(())) => format!("{local}@{host}"),
        (_, Err(_)) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_host_is_one_address() {
        for (typed, kept) in [
            ("ada@example.org", "ada@example.org"),
            (" Ada@EXAMPLE.org ", "Ada@example.org"),
            ("ada@m\u{fc}ller.example", "ada@xn--mller-kva.example"),
            ("ada@mu\u{308}ller.example", "ada@xn--mller-kva.example"),
            ("ada@M\u{dc}LLER.example", "ada@xn--mller-kva.example"),
            ("ada@xn--mller-kva.example", "ada@xn--mller-kva.example"),
            ("ada@XN--MLLER-KVA.example", "ada@xn--mller-kva.example"),
            ("ada@\u{ff45}xample.org", "ada@example.org"),
            ("ada@exampl\u{24d4}.org", "ada@example.org"),
            ("ada@ex\u{aa}mple.org", "ada@example.org"),
            ("ada@example\u{3002}org", "ada@example.org"),
            ("ada@exam\u{ad}ple.org", "ada@example.org"),
            ("a\u{308}da@example.org", "\u{e4}da@example.org"),
            ("ada@пример.рф", "ada@xn--e1afmkfd.xn--p1ai"),
        ] {
            assert_eq!(in_ascii(typed).as_deref(), Some(kept), "{typed}");
        }
    }

    #[test]
    fn what_is_no_host_is_no_address() {
        for typed in
            ["", "ada", "ada@", "ada@exa mple.org", "ada@xn--a.org", "ada@-a.org", "ada@a_b.org", "ada@[192.0.2.1]"]
        {
            assert_eq!(in_ascii(typed), None, "{typed}");
        }
    }

    #[test]
    fn people_read_their_own_letters() {
        assert_eq!(readable("ada@xn--mller-kva.example"), "ada@m\u{fc}ller.example");
        assert_eq!(readable("ada@example.org"), "ada@example.org");
        assert_eq!(readable("nonsense"), "nonsense");
    }
}
