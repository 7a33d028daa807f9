//! Finds the links in a message's text: web addresses with `http:` or `https:`, bare `www.` addresses and email
//! addresses.
//!
//! Nothing else ever becomes clickable, whatever was typed. The host that is opened is the host that the reader sees:
//! where invisible or look-alike characters could make the two differ, there is no link.
//!
//! The search goes from left to right and stops at `:`, `w` and `@`, then looks for the ends of a link around that
//! place. Each character is examined a small number of times at most, whatever the text. There are no tables of Unicode
//! (they would be large in the wasm): only rules for ASCII, a few ranges, and the letter tests of `char`.

use std::ops::Range;

use super::invisible::is_invisible;

/// The most characters of a host: the longest name that DNS accepts.
const HOST_CHARS: usize = 253;
/// The most characters before the `@` of an email address (RFC 5321, 4.5.3.1.1).
const LOCAL_CHARS: usize = 64;

/// A link in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The bytes of the text that are shown as the link.
    pub range: Range<usize>,
    /// The URL that the link opens.
    pub href: String,
}

/// All links of a text, from left to right.
pub fn links(text: &str) -> Vec<Link> {
    Text::of(text).links()
}

/// The result of looking for a link at one place.
enum Found {
    Link(Link),
    /// The text up to this byte looked like a link and is none. The search continues after it.
    NoLinkBefore(usize),
}

/// A host name that was found in the text.
struct Host {
    end: usize,
    has_dot: bool,
    has_underscore: bool,
    /// Whether the last label can be a top-level domain: not a number, and longer than one letter.
    has_top_level: bool,
}

/// The text that is searched. In tests it counts how often a character is read.
struct Text<'a> {
    text: &'a str,
    #[cfg(test)]
    looked: std::cell::Cell<usize>,
}

impl<'a> Text<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            #[cfg(test)]
            looked: std::cell::Cell::new(0),
        }
    }

    /// The character that begins at byte `at`.
    fn at(&self, at: usize) -> Option<char> {
        #[cfg(test)]
        self.looked.set(self.looked.get() + 1);
        self.text.get(at..)?.chars().next()
    }

    /// The character that ends right before byte `at`, if it begins at byte `from` or later.
    fn before(&self, at: usize, from: usize) -> Option<char> {
        #[cfg(test)]
        self.looked.set(self.looked.get() + 1);
        self.text.get(from..at)?.chars().next_back()
    }

    /// Whether the text between `from` and `at` ends with these ASCII characters, in upper or lower case.
    fn ends_with(&self, at: usize, from: usize, what: &str) -> bool {
        let start = at.checked_sub(what.len()).filter(|start| *start >= from);
        start.and_then(|start| self.text.get(start..at)).is_some_and(|text| text.eq_ignore_ascii_case(what))
    }

    fn links(&self) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        let mut at = 0;
        // Where the previous link ended. A new link cannot begin before this byte.
        let mut from = 0;
        while let Some(c) = self.at(at) {
            let found = match c {
                ':' => self.address(at, from),
                'w' | 'W' => self.bare_address(at, from),
                '@' => self.mail_address(at, from),
                _ => None,
            };
            match found {
                Some(Found::Link(link)) => {
                    (at, from) = (link.range.end, link.range.end);
                    links.push(link);
                }
                Some(Found::NoLinkBefore(end)) => (at, from) = (end, end),
                None => at += c.len_utf8(),
            }
        }
        links
    }

    /// Looks for `http://…` or `https://…` around a colon.
    fn address(&self, colon: usize, from: usize) -> Option<Found> {
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
    fn bare_address(&self, start: usize, from: usize) -> Option<Found> {
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

    /// Looks for `ada@example.org` or `mailto:ada@example.org` around an `@`.
    fn mail_address(&self, at: usize, from: usize) -> Option<Found> {
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

    /// Whether the text before `start` makes it a part of another scheme, such as `git+https:`.
    fn is_within_scheme(&self, start: usize, from: usize) -> bool {
        match self.before(start, from) {
            Some('+' | '-' | '.') => self.before(start - 1, from).is_some_and(|c| c.is_ascii_alphanumeric()),
            Some(c) => c.is_ascii_alphanumeric(),
            None => false,
        }
    }

    /// The end of an IPv6 host in brackets, such as `[::1]`.
    fn numbered_host(&self, start: usize) -> Option<usize> {
        const LONGEST: usize = "[0000:0000:0000:0000:0000:0000:255.255.255.255]".len();
        let inside = self.text[start..].strip_prefix('[')?;
        let end = inside.bytes().take(LONGEST).position(|c| c == b']')?;
        let is_number = |c: u8| c.is_ascii_hexdigit() || matches!(c, b':' | b'.');
        let number = &inside.as_bytes()[..end];
        (number.contains(&b':') && number.iter().all(|c| is_number(*c))).then_some(start + end + 2)
    }

    /// The host name that begins at byte `start`. The error is the byte up to which there is no host.
    fn host(&self, start: usize) -> Result<Host, usize> {
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

    fn port(&self, end: usize) -> usize {
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
    fn goes_on_unseen(&self, end: usize) -> Option<usize> {
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
    fn is_key(&self, at: usize) -> bool {
        matches!(self.at(at + 1), Some('\u{FE0F}' | '\u{20E3}'))
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

/// A letter or digit outside ASCII, or a mark that belongs to a letter.
fn is_foreign_letter(c: char) -> bool {
    // Unicode counts some pictures as letters: ℹ, Ⓜ, 🅰.
    let is_picture = matches!(c, '\u{2139}' | '\u{2460}'..='\u{24FF}' | '\u{1F100}'..='\u{1F1FF}');
    !c.is_ascii() && !is_invisible(c) && !is_picture && (c.is_alphanumeric() || is_part_of_letter(c))
}

/// Marks that `char` does not count as letters: accents, tone marks, and signs that remove a vowel.
fn is_part_of_letter(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36F}'
            | '\u{483}'..='\u{487}'
            | '\u{591}'..='\u{5BD}'
            | '\u{64B}'..='\u{65F}'
            | '\u{900}'..='\u{963}'
            | '\u{966}'..='\u{DF3}'
            | '\u{E47}'..='\u{E4E}'
            | '\u{EC8}'..='\u{ECE}'
            | '\u{F18}'..='\u{F19}'
            | '\u{F35}'..='\u{F39}'
            | '\u{F71}'..='\u{FBC}'
            | '\u{1037}'..='\u{103A}'
            | '\u{17C9}'..='\u{17D3}'
            | '\u{1DC0}'..='\u{1DFF}'
            | '\u{3099}'..='\u{309A}'
            | '\u{FE20}'..='\u{FE2F}'
    )
}

/// A character that a host name may contain.
///
/// Browsers replace compatibility characters (full width, ligatures, letterlike symbols) by plain letters, so the link
/// would open another host than the text shows. Such a character ends the host.
fn is_of_host(c: char) -> bool {
    match c {
        '-' | '_' => true,
        c if c.is_ascii() => c.is_ascii_alphanumeric(),
        '\u{80}'..='\u{BF}'
        | '\u{2000}'..='\u{2BFF}'
        | '\u{3131}'..='\u{33FF}'
        | '\u{F900}'..='\u{FFFF}'
        | '\u{1D400}'..='\u{1D7FF}'
        | '\u{1EE00}'..='\u{1FBFF}' => false,
        c => is_foreign_letter(c),
    }
}

fn is_latin(c: char) -> bool {
    matches!(c, '\0'..='\u{36F}' | '\u{1E00}'..='\u{1EFF}')
}

/// A pictograph or symbol. Some host names contain one.
fn is_symbol(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{E000}'..='\u{F8FF}' | '\u{1F000}'..='\u{1FBFF}')
}

/// A character that may stand before the `@` of an email address.
///
/// Letters of scripts without spaces between words are excluded: there the sentence continues right up to the address,
/// so its letters would become a part of it.
fn is_local(c: char) -> bool {
    match c {
        c if c.is_ascii() => c.is_ascii_alphanumeric() || ".!#$%&'*+-=?^_`{|}~".contains(c),
        '\u{E00}'..='\u{EFF}'
        | '\u{1000}'..='\u{109F}'
        | '\u{1780}'..='\u{17FF}'
        | '\u{2E80}'..='\u{D7FF}'
        | '\u{20000}'..='\u{3FFFF}' => false,
        c => is_of_host(c),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The links of a text: the shown text of each and its URL.
    fn found(text: &str) -> Vec<(&str, String)> {
        links(text).into_iter().map(|link| (&text[link.range], link.href)).collect()
    }

    /// Asserts that each text has exactly this link, and that the link opens what it shows.
    fn has_one(link: &str, texts: &[&str]) {
        for text in texts {
            assert_eq!(found(text), [(link, link.to_owned())], "{}", text.escape_debug());
        }
    }

    fn has_none(texts: &[&str]) {
        for text in texts {
            assert_eq!(found(text), [], "{}", text.escape_debug());
        }
    }

    #[test]
    fn a_link_ends_before_what_belongs_to_the_sentence() {
        has_one(
            "https://example.org/a",
            &[
                "https://example.org/a",
                "„https://example.org/a“",
                "“https://example.org/a”",
                "«https://example.org/a»",
                "‹https://example.org/a›",
                "‘https://example.org/a’",
                "‚https://example.org/a‘",
                "\"https://example.org/a\"",
                "'https://example.org/a'",
                "「https://example.org/a」",
                "『https://example.org/a』",
                "（https://example.org/a）",
                "【https://example.org/a】",
                "《https://example.org/a》",
                "https://example.org/a…",
                "https://example.org/a...",
                "https://example.org/a\u{A0}? oui",
                "https://example.org/a\u{202F}!",
                "https://example.org/a\u{3000}次",
                "https://example.org/a\u{2009}x",
                "https://example.org/a\u{2028}x",
                "https://example.org/a\u{200B}",
                "https://example.org/a\u{200B}b",
                "https://example.org/a\u{200D}",
                "https://example.org/a\u{2069}",
                "https://example.org/a\u{FEFF}",
                "https://example.org/a\u{AD}",
                "https://example.org/a\u{3164}",
                "https://example.org/a\u{202E}dcba",
                "请看https://example.org/a，谢谢",
                "https://example.org/a。",
                "https://example.org/a、https",
                "https://example.org/a！",
                "https://example.org/a？",
                "https://example.org/a：",
                "https://example.org/a；",
                "https://example.org/a👍",
                "https://example.org/a 👍",
                "https://example.org/a❤️",
                "https://example.org/a🅰️",
                "https://example.org/aℹ️",
                "https://example.org/aⓂ️",
                "https://example.org/a1️⃣",
                "https://example.org/a#️⃣",
                "https://example.org/a🇩🇪",
                "https://example.org/a→",
                "https://example.org/a™",
                "https://example.org/a—but",
                "https://example.org/a–but",
                "https://example.org/a·",
                "https://example.org/a•",
                "https://example.org/a؟",
                "https://example.org/a،",
                "https://example.org/a।",
                "(https://example.org/a)",
                "(https://example.org/a).",
                "[https://example.org/a]",
                "[a](https://example.org/a)",
                "<https://example.org/a>",
                "*https://example.org/a*",
                "**https://example.org/a**",
                "_https://example.org/a_",
                "~https://example.org/a~",
                "`https://example.org/a`",
                "https://example.org/a, b",
                "https://example.org/a; b: c",
                "https://example.org/a!?",
                "See:https://example.org/a\nb",
                "…https://example.org/a",
                "...https://example.org/a",
                "ehttps https://example.org/a",
            ],
        );
    }

    #[test]
    fn what_belongs_to_an_address_stays_in_it() {
        for link in [
            "https://example.org",
            "http://example.org/",
            "HTTPS://Example.ORG/A",
            "https://example.org/a?b=1&c=(2)",
            "https://example.org/a_(b)",
            "https://example.org/Straße_(Berlin)",
            "https://ja.example.org/wiki/日本",
            "https://fa.example.org/wiki/می\u{200C}خواهم",
            "https://hi.example.org/wiki/हिन्दी",
            "https://th.example.org/wiki/น้ำ",
            "https://example.org/e\u{301}tude",
            "https://example.org/a,b;c:d!e'f*g~h",
            "https://example.org/@ada/1",
            "https://example.org/a_b_",
            "https://example.org/%E2%80%8B",
            "https://example.org/a-",
            "https://example.org/a=",
            "https://example.org/#/a/b",
            "https://example.org#top",
            "https://example.org:8080#top",
            "http://127.0.0.1:3301#x",
            "http://localhost#x",
            "https://example.org?x=1#top",
            "https://example.org/?x[1]=2",
            "http://localhost:3000/x",
            "http://nas/x",
            "http://[::1]:3000/x",
            "http://[2001:db8::1]/",
            "http://[::ffff:127.0.0.1]",
            "https://münchen.de/x",
            "https://xn--mnchen-3ya.de/x",
            "https://пример.рф/a",
            "https://例え.テスト/",
            "https://παράδειγμα.δοκιμή",
            "https://مثال.إختبار/a",
            "https://उदाहरण.परीक्षा",
            "https://abc日本.jp/a",
            "https://my_host.example.com/x",
            "https://foo_bar.tumblr.com",
            "http://_dmarc.example.org/",
        ] {
            assert_eq!(found(link), [(link, link.to_owned())], "{link}");
            assert_eq!(found(&format!("See {link}, please.")), [(link, link.to_owned())], "{link}");
        }
        let long = format!("https://example.org/{}", "a".repeat(3_000));
        assert_eq!(found(&long), [(&*long, long.clone())]);
    }

    #[test]
    fn a_link_leads_to_no_other_host_than_a_reader_sees() {
        has_one(
            "https://example.org",
            &[
                "https://example.org。明天见",
                "https://example.org，谢谢",
                "https://example.org“",
                "https://example.org”",
                "https://example.org👍",
                "https://example.org👍 a.b",
                "https://example.org1️⃣",
                "https://example.org🅰️",
                "https://example.orgをみて",
                "https://example.org谢谢",
                "https://example.org입니다",
                "https://example.org\u{200B}",
                "https://example.org\u{200B} next",
                "https://example.org\u{200B}谢谢",
                "https://example.org\\@evil.example",
                "https://example.org%2eevil.example",
                "https://example.org...and",
                "https://example.org-",
                "https://example.org:",
                "https://example.org: a",
                "https://example.org,bob",
                "https://example.org℀",
                "https://example.org／a",
            ],
        );
        has_none(&[
            "https://example.org@evil.example/",
            "https://example.org:80@evil.example",
            "https://ada:secret@evil.example",
            "https://evil.example\u{AD}.example.org",
            "https://exam\u{AD}ple.org",
            "https://evil.example\u{200B}.example.org/a",
            "https://evil.example\u{202E}gro.elpmaxe",
            "https://evil.example\u{200D}-x.example.org",
            "https://evil.example．example.org",
            "https://evil.example。example.org",
            "https://i❤.example.org",
            "www.evil.example\u{AD}.example.org",
            "ada@evil.example\u{200B}.example.org",
            "https:///evil.example",
            "https://.example.org",
            "https://",
            "https://-",
            "https://[::1",
            "http://[a]/",
        ]);
    }

    #[test]
    fn no_other_scheme_is_ever_clickable() {
        has_none(&[
            "javascript:alert(1)",
            "javascript://x/%0aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "ftp://example.org",
            "xhttps://example.org",
            "git+https://example.org",
            "view-https://example.org",
            "notes.txt",
            "example.org",
        ]);
    }

    #[test]
    fn addresses_without_a_scheme_begin_with_www() {
        for (text, link) in [
            ("www.example.org", "www.example.org"),
            ("Or www.example.org.", "www.example.org"),
            ("WWW.example.org/a”", "WWW.example.org/a"),
            ("(www.example.org:8080/a)", "www.example.org:8080/a"),
            ("www.example.org#top", "www.example.org#top"),
            ("www.пример.рф", "www.пример.рф"),
            ("请看www.example.org。", "www.example.org"),
        ] {
            assert_eq!(found(text), [(link, format!("https://{link}"))], "{text}");
        }
        has_none(&[
            "www.",
            "www.a",
            "www.2",
            "awww.example.org",
            "ftp://www.example.org",
            "www..org",
            "www. example.org",
        ]);
    }

    #[test]
    fn mail_addresses_are_links() {
        for (text, link) in [
            ("ada@example.org", "ada@example.org"),
            ("„ada@example.org“", "ada@example.org"),
            ("联系ada@example.org。谢谢", "ada@example.org"),
            ("ada@example.org”", "ada@example.org"),
            ("<ada@example.org>", "ada@example.org"),
            ("(ada@example.org)", "ada@example.org"),
            ("'ada@example.org'", "ada@example.org"),
            ("_ada@example.org_", "ada@example.org"),
            ("*ada@example.org*", "ada@example.org"),
            ("ada@example.org, bob", "ada@example.org"),
            ("ada@example.org?", "ada@example.org"),
            ("Ada.L+x@Example.org", "Ada.L+x@Example.org"),
            ("o'brien@example.org", "o'brien@example.org"),
            ("_ada@example.org", "_ada@example.org"),
            ("jörg@müller.de", "jörg@müller.de"),
            ("ada@пример.рф", "ada@пример.рф"),
            ("ada@example.org谢谢", "ada@example.org"),
            ("...ada@example.org", "ada@example.org"),
        ] {
            assert_eq!(found(text), [(link, format!("mailto:{link}"))], "{text}");
        }
        let typed = "mailto:ada@example.org";
        assert_eq!(found(typed), [(typed, typed.to_owned())]);
        has_none(&[
            "ada@example",
            "ada@localhost",
            "@ada",
            "a@b@example.org@c",
            "ada@3.50",
            "ada.@example.org",
            "a..b@example.org",
            "ssh://git@example.org",
            "ada@ex_ample.org",
            "a\u{200B}da@example.org",
            "eve\u{AD}ada@example.org",
            "a._a._a._",
        ]);
    }

    #[test]
    fn several_links_stand_beside_each_other() {
        let text = "https://a.example/x www.b.example,https://c.example|ada@d.example\nhttp://e.example";
        let shown: Vec<_> = found(text).into_iter().map(|(link, _)| link).collect();
        assert_eq!(
            shown,
            ["https://a.example/x", "www.b.example", "https://c.example", "ada@d.example", "http://e.example"]
        );
    }

    /// How often a character is read in a search of this text.
    fn looks(text: &str) -> usize {
        let text = Text::of(text);
        text.links();
        text.looked.get()
    }

    #[test]
    fn each_character_is_looked_at_a_few_times_however_a_message_is_made() {
        for part in [
            "a._",
            "a.",
            "a@",
            "a@b.",
            "@",
            "www.",
            "www.a,",
            "www.a@",
            "http://",
            "http://a,",
            "http://a@",
            "http:",
            "https://a\u{200B}",
            "https://a👍b",
            "https://a。",
            "(",
            "https://a/(",
            "a.b@c.d@",
            "mailto:",
            "日",
            "https://日",
            "x@日本",
            "\u{200D}",
            "_",
            "https://[",
            "a-",
            "http://a:1",
            "日www.",
            "日www.1",
            "x@日www.1",
            "日www.1 ",
            "http://-",
            "ada@example.org,",
            "www.example.org_",
        ] {
            for text in
                [part.repeat(1_500), format!("https://{}", part.repeat(1_500)), format!("a@{}", part.repeat(1_500))]
            {
                let length = text.chars().count();
                assert!(looks(&text) <= 10 * length, "{part}: {} looks at {length} characters", looks(&text));
            }
        }
    }

    proptest! {
        #[test]
        fn links_stand_in_order_and_lead_nowhere_else(
            text in "\\PC{0,40}|[a-z./:@w _()\u{200B}。👍é日-]{0,60}|(https?://|www\\.|@|\\.|a|ü|日|\u{AD}| ){0,24}"
        ) {
            let mut from = 0;
            for link in links(&text) {
                prop_assert!(from <= link.range.start && link.range.start < link.range.end);
                from = link.range.end;
                let shown = &text[link.range];
                let href = link.href.to_ascii_lowercase();
                prop_assert!(["http://", "https://", "mailto:"].iter().any(|scheme| href.starts_with(scheme)));
                prop_assert!(link.href.ends_with(shown) || shown.ends_with(&link.href["mailto:".len()..]));
            }
            prop_assert!(looks(&text) <= 10 * text.chars().count() + 10);
        }
    }
}
