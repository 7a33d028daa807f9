//! The host of an address: its end, its port, and whether a reader would take it for longer than it is.

use super::{
    characters::{is_latin, is_of_host, is_symbol},
    text::Text,
};
use crate::protocol::invisible::is_invisible;

/// The most characters of a host: the longest name that DNS accepts.
const HOST_CHARS: usize = 253;

/// A host name that was found in the text.
pub(super) struct Host {
    pub(super) end: usize,
    pub(super) has_dot: bool,
    pub(super) has_underscore: bool,
    /// Whether the last label can be a top-level domain: not a number, and longer than one letter.
    pub(super) has_top_level: bool,
}

impl Text<'_> {
    /// The end of an IPv6 host in brackets, such as `[::1]`.
    pub(super) fn numbered_host(&self, start: usize) -> Option<usize> {
        const LONGEST: usize = "[0000:0000:0000:0000:0000:0000:255.255.255.255]".len();
        let inside = self.text[start..].strip_prefix('[')?;
        let end = inside.bytes().take(LONGEST).position(|c| c == b']')?;
        let is_number = |c: u8| c.is_ascii_hexdigit() || matches!(c, b':' | b'.');
        let number = &inside.as_bytes()[..end];
        (number.contains(&b':') && number.iter().all(|c| is_number(*c))).then_some(start + end + 2)
    }

    /// The host name that begins at byte `start`. The error is the byte up to which there is no host.
    pub(super) fn host(&self, start: usize) -> Result<Host, usize> {
        let (mut at, mut length) = (start, 0);
        let mut part = start;
        let mut has_dot = false;
        // Where the last label changes from Latin letters to another script. In `.org` followed directly by Chinese
        // text, the host ends there.
        let mut turn = None;
        while let Some(c) = self.at(at) {
            match c {
                '.' if self.at(at + 1).is_some_and(|next| is_of_host(next) && next != '-') && at > part => {
                    (part, has_dot, turn) = (at + 1, true, None);
                }
                _ if !is_of_host(c) || self.is_key(at) => break,
                _ if turn.is_none() && at > part && !is_latin(c) && self.text[part..at].is_ascii() => turn = Some(at),
                _ => {}
            }
            at += c.len_utf8();
            length += 1;
            if length > HOST_CHARS {
                return Err(at);
            }
        }
        let end = start + self.text[start..turn.unwrap_or(at)].trim_end_matches(['-', '_']).len();
        let top = self.text.get(part..end).unwrap_or_default();
        let has_top_level = !top.is_ascii() || (top.len() > 1 && top.contains(|c: char| c.is_ascii_alphabetic()));
        let name = &self.text[start..end];
        if top.is_empty() || !name.contains(char::is_alphanumeric) {
            return Err(at);
        }
        Ok(Host { end, has_dot, has_underscore: name.contains('_'), has_top_level })
    }

    pub(super) fn port(&self, end: usize) -> usize {
        let digits = self.text[end..]
            .strip_prefix(':')
            .map_or(0, |port| port.bytes().take(5).take_while(u8::is_ascii_digit).count());
        if digits == 0 { end } else { end + 1 + digits }
    }

    /// Detects a host that a reader would take for longer than it is.
    ///
    /// After the host there may be an invisible character, a symbol, or a character that looks like a dot, with more
    /// letters behind it. Returns the byte after the first character that continues the host, or `None` if the host
    /// really ends here.
    pub(super) fn goes_on_unseen(&self, end: usize) -> Option<usize> {
        let last = self.before(end, 0)?;
        let mut at = end;
        let mut has_symbol = false;
        while let Some(c) = self.at(at).filter(|c| is_invisible(*c) || is_symbol(*c)) {
            has_symbol |= is_symbol(c);
            at += c.len_utf8();
        }
        let next = self.at(at)?;
        let behind = self.at(at + next.len_utf8());
        let is_of_name = |c: char| if last.is_ascii() { c.is_ascii_alphanumeric() } else { is_of_host(c) };
        let goes_on = match next {
            '.' => at > end && behind.is_some_and(is_of_name),
            '\u{3002}' | '\u{FF0E}' | '\u{FF61}' => behind.is_some_and(|c| c.is_ascii_alphanumeric()),
            '-' | '_' => at > end && !has_symbol,
            c if at == end || !is_of_name(c) => false,
            _ if has_symbol => self.host(at).is_ok_and(|host| host.has_dot),
            _ => true,
        };
        goes_on.then_some(at + next.len_utf8())
    }

    /// Whether the character at `at` is drawn as a keycap emoji, because a variation selector or the enclosing keycap
    /// follows.
    pub(super) fn is_key(&self, at: usize) -> bool {
        matches!(self.at(at + 1), Some('\u{FE0F}' | '\u{20E3}'))
    }
}
