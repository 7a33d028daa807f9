//! Tests: which text is a link, where a link ends, and how often the search reads a character.

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
    has_none(&["www.", "www.a", "www.2", "awww.example.org", "ftp://www.example.org", "www..org", "www. example.org"]);
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
        for text in [part.repeat(1_500), format!("https://{}", part.repeat(1_500)), format!("a@{}", part.repeat(1_500))]
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
