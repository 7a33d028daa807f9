//! Web addresses: how one begins, and where its path ends.

use super::{Found, Link, characters::is_foreign_letter, host::Host, text::Text};

impl Text<'_> {
    /// Looks for `http://…` or `https://…` around a colon.
    pub(super) fn address(&self, colon: usize, from: usize) -> Option<Found> {
        let scheme = ["https", "http"].into_iter().find(|scheme| self.ends_with(colon, from, scheme))?;
        let start = colon - scheme.len();
        if !self.text[colon..].starts_with("://") || self.is_within_scheme(start, from) {
            return None;
        }
        let end = match self.numbered_host(colon + 3) {
            Some(end) => end,
            None => match self.host(colon + 3) {
                Ok(host) => host.end,
                Err(end) => return Some(Found::NoLinkBefore(end)),
            },
        };
        let end = self.port(end);
        // If an `@` follows, the apparent host is really a user name with a password, and the host comes after it. No
        // link.
        let is_of_user = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()*+=:".contains(c);
        let mut rest = end;
        while self.at(rest).is_some_and(is_of_user) {
            rest += 1;
        }
        if self.at(rest) == Some('@') {
            return Some(Found::NoLinkBefore(rest + 1));
        }
        if let Some(end) = self.goes_on_unseen(end) {
            return Some(Found::NoLinkBefore(end));
        }
        let end = self.path(start, end, from);
        Some(Found::Link(Link { range: start..end, href: self.text[start..end].to_owned() }))
    }

    /// Looks for `www.…` at its first letter.
    pub(super) fn bare_address(&self, start: usize, from: usize) -> Option<Found> {
        let is_www = self.text.get(start..start + 4).is_some_and(|www| www.eq_ignore_ascii_case("www."));
        let before = self.before(start, from);
        if !is_www || before.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '/')) {
            return None;
        }
        let end = match self.host(start) {
            Ok(host) if host.end > start + 4 && host.has_top_level => self.port(host.end),
            Ok(Host { end, .. }) | Err(end) => return Some(Found::NoLinkBefore(end)),
        };
        if self.at(end) == Some('@') {
            return None;
        }
        if let Some(end) = self.goes_on_unseen(end) {
            return Some(Found::NoLinkBefore(end));
        }
        let end = self.path(start, end, from);
        Some(Found::Link(Link { range: start..end, href: format!("https://{}", &self.text[start..end]) }))
    }

    /// Whether the text before `start` makes it a part of another scheme, such as `git+https:`.
    fn is_within_scheme(&self, start: usize, from: usize) -> bool {
        match self.before(start, from) {
            Some('+' | '-' | '.') => self.before(start - 1, from).is_some_and(|c| c.is_ascii_alphanumeric()),
            Some(c) => c.is_ascii_alphanumeric(),
            None => false,
        }
    }

    /// The end of the whole address, given the end of its host: includes the path, query and fragment.
    fn path(&self, start: usize, host_end: usize, from: usize) -> usize {
        let (mut end, mut at) = (host_end, host_end);
        if !matches!(self.at(at), Some('/' | '?' | '#')) {
            return end;
        }
        let mut open = [0_usize; 3];
        let mut last = '/';
        while let Some(c) = self.at(at) {
            let next = at + c.len_utf8();
            let may_be_last = match c {
                '(' | '[' | '{' => {
                    open[bracket(c)] += 1;
                    false
                }
                ')' | ']' | '}' if open[bracket(c)] == 0 => break,
                ')' | ']' | '}' => {
                    open[bracket(c)] -= 1;
                    true
                }
                '.' | ',' | ':' | ';' | '!' | '?' | '\'' | '*' | '~' => false,
                '<' | '>' | '"' | '`' | '\\' | '^' | '|' => break,
                '#' | '0'..='9' if self.is_key(at) => break,
                '!'..='~' => true,
                // A zero-width joiner between two letters of a script belongs to the word.
                '\u{200C}' | '\u{200D}' if !last.is_ascii() && self.at(next).is_some_and(is_foreign_letter) => false,
                c if is_foreign_letter(c) => true,
                _ => break,
            };
            if may_be_last {
                end = next;
            }
            (at, last) = (next, c);
        }
        // In `_https://example.org/a_` the underscores are emphasis and not a part of the address.
        if self.before(start, from) == Some('_') {
            end = host_end + self.text[host_end..end].trim_end_matches('_').len();
        }
        end
    }
}

fn bracket(c: char) -> usize {
    match c {
        '(' | ')' => 0,
        '[' | ']' => 1,
        _ => 2,
    }
}
