//! Finds the links in a message's text: web addresses with `http:` or `https:`, bare `www.` addresses and email
//! addresses.
//!
//! Nothing else ever becomes clickable, whatever was typed. The host that is opened is the host that the reader sees:
//! where invisible or look-alike characters could make the two differ, there is no link.
//!
//! The search goes from left to right and stops at `:`, `w` and `@`, then looks for the ends of a link around that
//! place. Each character is examined a small number of times at most, whatever the text. There are no tables of Unicode
//! (they would be large in the wasm): only rules for ASCII, a few ranges, and the letter tests of `char`.

mod characters;
mod host;
mod mail;
#[cfg(test)]
mod tests;
mod text;
mod web;

use std::ops::Range;

pub use self::characters::is_spaceless;
use self::text::Text;

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

impl Text<'_> {
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
}
