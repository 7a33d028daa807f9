//! The look and the language of a page for its visitor.
//!
//! Logged-in visitors get what their account prefers. For others the look follows the device's settings. Their language
//! is the one chosen in this browser (a cookie), else the best match for `Accept-Language`.

use std::cmp::Reverse;

use axum::http::{HeaderMap, header};
use axum_extra::extract::CookieJar;

use super::cookies::{self, Name};
use crate::{
    protocol::Language,
    server::{
        app::{Actor, Visitor},
        config::Config,
        keys::Keys,
    },
    visit::Appearance,
};

/// Maximum number of languages that are read from a header. Browsers send a handful.
const RANGES: usize = 32;

/// The look for a visitor. This is the only place that decides it. A visitor who cannot be determined at the moment
/// gets the look for anybody.
pub fn appearance(config: &Config, headers: &HeaderMap, visitor: Option<&Visitor>) -> Appearance {
    let language = language(config, headers);
    match visitor.and_then(|visitor| visitor.account().ok()) {
        Some((account, _)) => Appearance::preferred(&account.preferences, language),
        None => Appearance::plain(language),
    }
}

/// A mark of the tab's identity: different for every guest and for every session of an account, and meaningless
/// elsewhere. Empty for a visitor without a session.
pub fn tab_mark(keys: &Keys, visitor: &Visitor) -> String {
    match &visitor.actor {
        Some(Actor::Guest(guest)) => keys.tab_mark('g', guest.id.0),
        Some(Actor::Account { session, .. }) => keys.tab_mark('a', session.id.0),
        None => String::new(),
    }
}

/// The language chosen in this browser, else the best match for `Accept-Language`.
pub fn language(config: &Config, headers: &HeaderMap) -> Language {
    let jar = CookieJar::from_headers(headers);
    let chosen = cookies::read(config, &jar, Name::Language).and_then(named);
    chosen.or_else(|| asked_for(headers)).unwrap_or_default()
}

/// The language of a tag such as `de` or `de-AT`. Everything after the first hyphen is ignored.
fn named(tag: &str) -> Option<Language> {
    let primary = tag.split('-').next().unwrap_or_default();
    Language::ALL.iter().copied().find(|language| language.as_str().eq_ignore_ascii_case(primary))
}

/// The best match for `Accept-Language` (RFC 9110, 12.5.4): the language with the highest weight, and of equal weights
/// the first. Malformed entries are ignored.
fn asked_for(headers: &HeaderMap) -> Option<Language> {
    let lists = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<(&str, u16)> = lists.flat_map(|list| list.split(',')).take(RANGES).filter_map(range).collect();
    let rank = |language: &Language| {
        // `*` matches every language that the header does not name.
        let of = |wanted: Option<Language>| {
            ranges.iter().position(|(tag, _)| if wanted.is_some() { named(tag) == wanted } else { *tag == "*" })
        };
        let at = of(Some(*language)).or_else(|| of(None))?;
        let weight = ranges[at].1;
        (weight > 0).then_some((Reverse(weight), at))
    };
    Language::ALL
        .iter()
        .copied()
        .filter_map(|language| Some((rank(&language)?, language)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, language)| language)
}

/// A language range and its weight in thousandths.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| !tag.is_empty())?;
    let weight = match parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="))) {
        None => 1.0,
        Some(weight) => weight.parse::<f32>().ok().filter(|weight| (0.0..=1.0).contains(weight))?,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1000")]
    let thousandths = (weight * 1_000.0).round() as u16;
    Some((tag, thousandths))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> Option<Language> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, value.parse().unwrap());
        asked_for(&headers)
    }

    #[test]
    fn the_language_with_the_highest_weight_is_taken() {
        for (header, language) in [
            ("de", Some(Language::German)),
            ("de-AT,de;q=0.9,en;q=0.8", Some(Language::German)),
            ("en-GB,en;q=0.9,de;q=0.8", Some(Language::English)),
            ("en;q=0.3, DE-ch ; q=0.7", Some(Language::German)),
            ("fr,de;q=0.5,en;q=0.4", Some(Language::German)),
            ("de,en", Some(Language::German)),
            ("en,de", Some(Language::English)),
            ("fr,*;q=0.5", Some(Language::English)),
            ("*,de;q=0.5", Some(Language::English)),
            ("*;q=0.1,de;q=0.5", Some(Language::German)),
            ("en;q=0,*", Some(Language::German)),
            ("fr,it;q=0.5", None),
            ("de;q=0", None),
        ] {
            assert_eq!(asked(header), language, "{header}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_asked_for() {
        for header in ["", ",,;", ";q=1", "de;q=high", "de;q=2", "de;q=NaN", "deutsch", "d", "-"] {
            assert_eq!(asked(header), None, "{header}");
        }
        assert_eq!(asked("de;q=x, en;q=0.1"), Some(Language::English));
        let crowd = format!("{}de", "fr,".repeat(RANGES));
        assert_eq!(asked(&crowd), None, "nobody names so many");
        assert_eq!(asked_for(&HeaderMap::new()), None);
    }
}
