//! Tests: what is formatted and what stays as it was typed, what previews show, and how often the parser reads a
//! character.

use proptest::prelude::*;

use super::{
    source::{Source, looked_at},
    *,
};

/// Lines that have characters of marks and no formatting.
const AS_TYPED: &[&str] = &[
    "snake_case and SCREAMING_SNAKE_CASE",
    "_private and other_names",
    "__init__ and __name__",
    "a_b_c_d",
    "2*3*4",
    "2 * 3 * 4 = 24",
    "2**3**4",
    "5*x + 6*y",
    "C++ and C*",
    "f(*args, **kwargs) and g(*args, **kwargs)",
    "int *a, *b;",
    "char **argv, **envp",
    "SELECT * FROM t WHERE a LIKE '%*%'",
    "/* one */ code /* two */",
    "/*one*/ code /*two*/",
    "**/*.rs and **/*.js",
    "*.rs, *.toml and *.md",
    "rm -rf ~/a ~/b",
    "~5 or ~6 people",
    "~ about ~",
    "Hi~~ see you~~",
    "a || b || c",
    "if (a||b) { c||d }",
    "a | b | c",
    "||",
    "||||",
    "**",
    "***",
    "****",
    "* * *",
    "- - -",
    "_ _",
    "** **",
    "~~ ~~",
    "¯\\_(ツ)_/¯",
    "¯\\_(ツ)_/¯ and again ¯\\_(ツ)_/¯",
    "^_^ hello ^_^",
    "-_- what -_-",
    "(*_*) oh (*_*)",
    "*_* oh *_*",
    "*-* and *-*",
    "T_T no T_T",
    ">_< ouch >_<",
    "o_O what O_o",
    "._. well ._.",
    ";_; sad ;_;",
    "(・_・) hm (・_・)",
    "(ー_ー) hm (ー_ー)",
    "(￣_￣) and (￣_￣)",
    "ಠ_ಠ and ಠ_ಠ",
    ":* and :*",
    "\\*not italic\\* and \\_not italic\\_",
    "324234. 234234.",
    "1. One line is no list",
    "2026. A great year",
    "- One line is no list",
    "-1 and -2",
    ">",
    "> ",
    ">_>",
    ">:(",
    "a > b > c",
    "don`t and won`t",
    "It costs 3` or 4",
    "``",
    "` `",
    "```",
    "# no heading",
    "| a | b |",
    "[1] and [2]",
    "[text] (https)",
    "[text](javascript:alert)",
    "![picture](a.png)",
    "<b>bold</b> &amp;",
    "@_ada_b and #_x",
    "**a",
    "a**",
    "*a\nb*",
    "**a\nb**",
    "_a\n\nb_",
];

fn style(spans: &[Span<'_>]) -> String {
    let mut all = String::new();
    for Span { text, style, kind } in spans {
        let mut marked = (*text).to_owned();
        match kind {
            Kind::Text => {}
            Kind::Code => marked = format!("<code>{marked}</code>"),
            Kind::Link { href, host: None } if href == text => marked = format!("<a>{marked}</a>"),
            Kind::Link { href, host } => marked = format!("<a {href}>{marked} ({})</a>", host.unwrap_or_default()),
        }
        for (of, tag) in [(Style::ITALIC, "i"), (Style::BOLD, "b"), (Style::STRIKE, "s"), (Style::SPOILER, "hidden")] {
            if style.has(of) {
                marked = format!("<{tag}>{marked}</{tag}>");
            }
        }
        all += &marked;
    }
    all
}

/// The blocks as text with tags.
fn shown(text: &str) -> String {
    let block = |block: &Block<'_>| match block {
        Block::Text(spans) => style(spans),
        Block::Quote(spans) => format!("<quote>{}</quote>", style(spans)),
        Block::Item { number, spans } => format!("<item {number}>{}</item>", style(spans)),
        Block::Code { language, lines } => format!("<lines {language}>{lines}</lines>"),
    };
    blocks(text).iter().map(block).collect::<Vec<_>>().join("|")
}

#[test]
fn what_is_no_mark_stays_as_it_was_typed() {
    for text in AS_TYPED {
        assert_eq!(shown(text), *text, "{text}");
        assert_eq!(blocks(text), as_typed(text), "{text}");
        assert_eq!(plain(text), *text, "{text}");
        let within = format!("Look: {text} !");
        if !text.contains(['\n', '>', '-']) {
            assert_eq!(shown(&within), within);
        }
    }
}

#[test]
fn marks_at_the_edges_of_words_are_styles() {
    for (text, expected) in [
        ("**bold**", "<b>bold</b>"),
        ("a **bold** b", "a <b>bold</b> b"),
        ("*one* _two_", "<i>one</i> <i>two</i>"),
        ("(*one*), _two_.", "(<i>one</i>), <i>two</i>."),
        ("“*one*”—_two_", "“<i>one</i>”—<i>two</i>"),
        ("~~old~~ new", "<s>old</s> new"),
        ("***both***", "<b><i>both</i></b>"),
        ("_**both**_", "<b><i>both</i></b>"),
        ("**_both_**", "<b><i>both</i></b>"),
        ("**a *b* c**", "<b>a </b><b><i>b</i></b><b> c</b>"),
        ("***a** b*", "<b><i>a</i></b><i> b</i>"),
        ("***a* b**", "<b><i>a</i></b><b> b</b>"),
        ("**a _b** c_", "<b>a </b><b><i>b</i></b><i> c</i>"),
        ("**a **b**", "**a <b>b</b>"),
        ("_snake_case_", "<i>snake_case</i>"),
        ("**2*3**", "<b>2*3</b>"),
        ("**Achtung!**-Schild", "<b>Achtung!</b>-Schild"),
        ("这是**重点**内容", "这是<b>重点</b>内容"),
        ("**굵게**는", "<b>굵게</b>는"),
        ("**מודגש** *مائل*", "<b>מודגש</b> <i>مائل</i>"),
        ("*👍*", "<i>👍</i>"),
        ("**$5** *-1* _#a_ **@Ada** *\"x\"*", "<b>$5</b> <i>-1</i> <i>#a</i> <b>@Ada</b> <i>\"x\"</i>"),
        ("*a* *b*", "<i>a</i> <i>b</i>"),
        ("**`x`**", "<b><code>x</code></b>"),
        ("`**x**` _y_", "<code>**x**</code> <i>y</i>"),
        ("||hidden|| seen", "<hidden>hidden</hidden> seen"),
        ("||two\nlines||", "<hidden>two\nlines</hidden>"),
        ("||**a** `b`||", "<hidden><b>a</b></hidden><hidden> </hidden><hidden><code>b</code></hidden>"),
        ("**~~_||all||_~~**", "<hidden><s><b><i>all</i></b></s></hidden>"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn lines_have_shapes() {
    for (text, expected) in [
        ("> a\n> *b*\nc", "<quote>a\n<i>b</i></quote>|c"),
        ("a\n\n> b\n>\n> c\n\nd", "a|<quote>b\n\nc</quote>|d"),
        ("> > deep\n> >> deeper", "<quote>> deep\n>> deeper</quote>"),
        ("- a\n- **b**", "<item >a</item>|<item ><b>b</b></item>"),
        ("Buy:\n- a\n- b\nNow", "Buy:|<item >a</item>|<item >b</item>|Now"),
        ("3. a\n7. b\n007. c", "<item 3.>a</item>|<item 7.>b</item>|<item 007.>c</item>"),
        ("1. a\n- b\n- c", "1. a|<item >b</item>|<item >c</item>"),
        ("- a\n  - b\n- c", "- a\n  - b\n- c"),
        ("1. a\n\n2. b", "1. a\n\n2. b"),
        ("- a\n-b", "- a\n-b"),
        ("- *a\n- b*", "<item >*a</item>|<item >b*</item>"),
        ("> a\n- b\n- c", "<quote>a</quote>|<item >b</item>|<item >c</item>"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn text_between_backticks_is_code() {
    for (text, expected) in [
        (
            "Run `ls -a https://example.org`, then `exit`",
            "Run <code>ls -a https://example.org</code>, then <code>exit</code>",
        ),
        ("So:\n```rust\nfn main() {\n    `x`\n}\n```\nDone", "So:|<lines rust>fn main() {\n    `x`\n}</lines>|Done"),
        ("```let a = 1;```", "<lines >let a = 1;</lines>"),
        ("```sh```", "<lines >sh</lines>"),
        ("```\na\n```", "<lines >a</lines>"),
        ("```f(x)\ny```", "<lines >f(x)\ny</lines>"),
        ("```c++\n**x**\n```", "<lines c++>**x**</lines>"),
        ("``` `a`", "``` <code>a</code>"),
        ("a ```x``` *b*", "a |<lines >x</lines>| <i>b</i>"),
        ("one ` two\nthree ` four", "one ` two\nthree ` four"),
        ("``` open", "``` open"),
        ("```\n```", "```\n```"),
        ("请用`ls`列出", "请用<code>ls</code>列出"),
        ("||a ```b``` c||", "||a |<lines >b</lines>| c||"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn links_keep_their_characters_and_show_where_they_lead() {
    for (text, expected) in [
        ("https://example.org/a_b_c*d*e~~f~~g", "<a>https://example.org/a_b_c*d*e~~f~~g</a>"),
        ("_https://example.org/a_", "<i><a>https://example.org/a</a></i>"),
        ("**https://example.org/a**", "<b><a>https://example.org/a</a></b>"),
        ("||https://example.org/a||", "<hidden><a>https://example.org/a</a></hidden>"),
        ("> https://example.org/_a_", "<quote><a>https://example.org/_a_</a></quote>"),
        ("www.example.org", "<a https://www.example.org>www.example.org ()</a>"),
        ("[our page](https://example.org/a?b)", "<a https://example.org/a?b>our page (example.org)</a>"),
        (
            "See [a](https://example.org:80/(b)), [c](www.example.org#d).",
            "See <a https://example.org:80/(b)>a (example.org:80)</a>, <a https://www.example.org#d>c (www.example.org)</a>.",
        ),
        ("[Ada](mailto:ada@example.org)", "<a mailto:ada@example.org>Ada (ada@example.org)</a>"),
        ("**[a](https://example.org)**", "<b><a https://example.org>a (example.org)</a></b>"),
        ("[bank.example](https://evil.example)", "<a https://evil.example>bank.example (evil.example)</a>"),
        ("[snake_case](https://example.org)", "<a https://example.org>snake_case (example.org)</a>"),
        ("[ ](https://example.org)", "[ ](<a>https://example.org</a>)"),
        ("[https://bank.example](https://evil.example)", "[<a>https://bank.example</a>](<a>https://evil.example</a>)"),
        ("[a\nb](https://example.org)", "[a\nb](<a>https://example.org</a>)"),
        ("[a](https://ada:secret@evil.example)", "[a](https://ada:secret@evil.example)"),
        ("[a](https://example.org b)", "[a](<a>https://example.org</a> b)"),
        ("`[a](https://example.org)`", "<code>[a](https://example.org)</code>"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn a_reader_who_wants_marks_sees_all_of_them_and_the_links() {
    let text = "> **a** `https://example.org` ||b||";
    assert_eq!(as_typed("").len(), 1);
    let [Block::Text(spans)] = &*as_typed(text) else { panic!("one block") };
    assert_eq!(style(spans), "> **a** `<a>https://example.org</a>` ||b||");
}

#[test]
fn a_preview_has_no_marks_and_no_hidden_text() {
    for (text, expected) in [
        ("**Hi** _you_ ~~there~~ `x`", "Hi you there x"),
        ("The end: ||**he** dies|| and ||so on||", "The end: ▒▒▒ and ▒▒▒"),
        ("> a\n> b\nc", "a\nb\nc"),
        ("- a\n- b", "• a\n• b"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("```rust\nlet a;\n```", "let a;"),
        ("[our page](https://evil.example)", "our page"),
        ("snake_case", "snake_case"),
    ] {
        assert_eq!(plain(text), expected, "{text}");
    }
}

#[test]
fn marks_around_nothing_are_nothing() {
    for text in ["** **", "~~ ~~", "_ _", "|| ||", "` `", "*** ***", "**_ _**", "**\u{200B}**", "||\u{3164}||"] {
        assert!(!without_empty_marks(text).contains(edges::is_visible), "{text}");
    }
    for text in ["**", "***", "****", "_", "__", "||", "``", "** a **", "*", "~~~~"] {
        assert!(without_empty_marks(text).contains(edges::is_visible), "{text}");
    }
}

#[test]
fn only_some_marks_are_drawn_on_a_letter() {
    let heap = |count: usize| format!("a{}b", "\u{301}".repeat(count));
    assert_eq!(drawn(&heap(4)), heap(4));
    assert_eq!(drawn(&heap(60)), heap(4));
    let sly = "\u{301}\u{200D}".repeat(20);
    assert_eq!(drawn(&format!("a{sly}")).matches('\u{301}').count(), 4);
    for text in ["Nguyễn", "שָׁלוֹם", "مُحَمَّد", "हिन्दी", "น้ำ", "བསྒྲུབས", "👩‍👩‍👧‍👦"]
    {
        assert_eq!(drawn(text), text);
    }
    assert_eq!(plain(&heap(60)), heap(4));
}

#[test]
fn up_to_three_emoji_alone_are_large() {
    for text in
        ["👍", "👍🏽", "👩‍👩‍👧‍👦", "❤️", "🇩🇪", "1️⃣", "🏴\u{E0067}\u{E0062}\u{E007F}", "👍 👍 👍", "🇩🇪🇫🇷🇮🇹", "☺", "©️", "🏳️‍🌈"]
    {
        assert!(is_few_emoji(text), "{text}");
    }
    for text in ["", " ", "a", "1", "12", "👍👍👍👍", "👍 ok", "#", "©", "→", "\u{FE0F}", "\u{200D}", "1\u{FE0F}", "中"]
    {
        assert!(!is_few_emoji(text), "{text}");
    }
}

#[test]
fn a_message_of_very_many_marks_is_shown_as_it_was_typed() {
    let marks = |count: usize| "*a* ".repeat(count);
    assert!(blocks(&marks(200)) != as_typed(&marks(200)));
    for text in [marks(1_000), "- a\n".repeat(1_000), "`a` ".repeat(1_000), "||a||\n".repeat(600)] {
        assert_eq!(blocks(&text), as_typed(&text));
    }
}

/// Parts that attacks on other parsers repeat.
const ATTACKS: &[&str] = &[
    "> ",
    ">",
    "[",
    "]",
    "[a](",
    "[](",
    "](",
    "![",
    "[a](https://a.b",
    "~",
    "~~",
    "~~a",
    "*",
    "**",
    "*a ",
    "**a ",
    "*a_ ",
    "_",
    "_a ",
    "_*",
    "*_a",
    "***a",
    "a***",
    "|",
    "||",
    "||a ",
    "||a",
    "`",
    "``",
    "```",
    "` ",
    "`a",
    "`a\n",
    "a`",
    "``` ",
    "```\n",
    "```a",
    "- ",
    "- a\n",
    "1. ",
    "1. a\n",
    "9",
    "\n",
    "\n\n",
    "> \n",
    ">\n",
    "> a\n",
    "> *a\n",
    "a\n> ",
    "\\",
    "\\*",
    "(",
    "<",
    "&",
    " ",
    "\t",
    "\u{301}",
    "\u{200B}",
    "👍",
    "[a](https://a.b)",
    "https://a.b/*",
    "||a\n",
    "**a\n",
    "*a**b***c",
    "_`*[",
    "|_|",
    "*|*|",
];

#[test]
fn each_character_is_looked_at_a_few_times_however_a_message_is_made() {
    for part in ATTACKS {
        for before in ["", "a", "**", "||", "> ", "```", "[", "`"] {
            let text: String = before.chars().chain(part.chars().cycle()).take(4_000).collect();
            let looked = looked_at(|| _ = blocks(&text));
            assert!(looked <= 12 * text.len() + 100, "{before}{part:?}: {looked} for {} bytes", text.len());
        }
    }
}

/// The place of a slice in the text that it is of.
fn place(source: &str, part: &str) -> std::ops::Range<usize> {
    let start = part.as_ptr() as usize - source.as_ptr() as usize;
    start..start + part.len()
}

/// Whether what lies between two shown parts of a text is nothing but marks, and the address of a link with a text.
fn is_mark(between: &str) -> bool {
    let address = between.strip_prefix("](").and_then(|address| address.rfind(')'));
    let marks = &between[address.map_or(0, |end| "](".len() + end + 1)..];
    marks.chars().all(|c| c.is_whitespace() || "*_~|`[>-".contains(c))
}

/// Asserts that the shown parts are the message, in its order, without its marks.
fn is_the_message(text: &str) {
    let mut parts: Vec<&str> = Vec::new();
    for block in &blocks(text) {
        match block {
            Block::Text(spans) | Block::Quote(spans) => parts.extend(spans.iter().map(|span| span.text)),
            Block::Item { number, spans } => {
                parts.push(number);
                parts.extend(spans.iter().map(|span| span.text));
            }
            Block::Code { language, lines } => parts.extend([language, lines]),
        }
    }
    let mut at = 0;
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        let range = place(text, part);
        assert!(at <= range.start, "{text:?}: {part:?} comes twice");
        assert!(is_mark(&text[at..range.start]), "{text:?}: {:?} is lost before {part:?}", &text[at..range.start]);
        at = range.end;
    }
    assert!(is_mark(&text[at..]), "{text:?}: {:?} is lost at the end", &text[at..]);
}

/// Texts that consist mostly of marks.
fn hard() -> impl Strategy<Value = String> {
    let one = prop_oneof![
        proptest::sample::select(ATTACKS).prop_map(str::to_owned),
        "[a-c *_~|`\\[\\]()>\n.0-9-]{0,6}",
        "\\PC",
        "[éß日\u{301}\u{200B}👍 ]",
    ];
    proptest::collection::vec(one, 0..16).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn the_spans_are_the_message_without_its_marks(text in hard()) {
        is_the_message(&text);
    }

    #[test]
    fn what_has_no_mark_is_one_span(text in "[a-zA-Z0-9 éß日👍.,!?]{1,60}") {
        prop_assume!(!text.contains("www."));
        let Block::Text(spans) = &blocks(&text)[0] else { panic!("{text:?} is text") };
        prop_assert_eq!(spans.len(), 1);
    }

    #[test]
    fn no_hidden_text_is_in_a_preview(before in "[a-c *_~>\n.0-9()日👍-]{0,40}", hidden in "[a-z]{1,12}") {
        let preview = plain(&format!("{before} ||QX{hidden}|| end"));
        prop_assert!(!preview.contains("QX"), "{:?}", preview);
    }
}

#[test]
fn the_count_of_looks_counts() {
    let source = Source { text: "abc`" };
    assert_eq!(looked_at(|| assert_eq!(source.find_any(0, &['`']), Some(3))), 4);
}
