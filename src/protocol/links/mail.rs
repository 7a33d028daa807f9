//! Email addresses, with or without `mailto:`.

use super::{Found, Link, characters::is_local, text::Text};
use crate::protocol::invisible::is_invisible;

/// The most characters before the `@` of an email address (RFC 5321, 4.5.3.1.1).
const LOCAL_CHARS: usize = 64;

impl Text<'_> {
    /// Looks for `ada@example.org` or `mailto:ada@example.org` around an `@`.
    pub(super) fn mail_address(&self, at: usize, from: usize) -> Option<Found> {
        let mut start = at;
        let mut length = 0;
        while let Some(c) = self.before(start, from).filter(|c| is_local(*c)) {
            start -= c.len_utf8();
            length += 1;
            if length > LOCAL_CHARS {
                return None;
            }
        }
        // An invisible character ended the local part. A reader does not see it and would read a longer address. No
        // link.
        if let Some(invisible) = self.before(start, from).filter(|c| is_invisible(*c))
            && self.before(start - invisible.len_utf8(), from).is_some_and(|c| is_local(c) || is_invisible(c))
        {
            return None;
        }
        let host = match self.host(at + 1) {
            Ok(host) if host.has_dot && host.has_top_level && !host.has_underscore => host,
            Ok(_) => return None,
            Err(end) => return Some(Found::NoLinkBefore(end)),
        };
        let is_emphasised = self.at(host.end) == Some('_');
        let local = self.text[start..at]
            .trim_start_matches(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && (c != '_' || is_emphasised));
        let start = at - local.len();
        if local.is_empty() || local.ends_with('.') || local.contains("..") || self.ends_with(start, from, "//") {
            return None;
        }
        if self.at(host.end) == Some('@') {
            return Some(Found::NoLinkBefore(host.end + 1));
        }
        if let Some(end) = self.goes_on_unseen(host.end) {
            return Some(Found::NoLinkBefore(end));
        }
        let href = format!("mailto:{}", &self.text[start..host.end]);
        let scheme = "mailto:";
        let start = if self.ends_with(start, from, scheme) { start - scheme.len() } else { start };
        Some(Found::Link(Link { range: start..host.end, href }))
    }
}
