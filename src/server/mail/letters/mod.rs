//! What letters say. One pair of templates (`templates/letter.html` and `letter.txt`) serves all letters, and each
//! language has a file with the words.

mod english;
mod german;

use std::time::Duration;

use anyhow::Context;
use askama::Template;
use linkify::LinkFinder;

use super::super::{
    keys::Keys,
    store::{Letter, MailRecord},
};
use crate::protocol::{Language, Nickname, addresses};

/// The width of plain text in characters. RFC 5322, 2.1.1, allows 78; the difference is room for the `>` of quoted
/// replies.
const WIDTH: usize = 72;

/// The words of one language that all letters share, and functions for the rest.
struct Tongue {
    /// The language's tag for HTML.
    code: &'static str,
    /// The greeting, before the reader's name if it is used.
    hello: &'static str,
    /// The line above the written-out link, which repeats the button's link.
    or_open: &'static str,
    /// The beginning of the last lines, before the host's name.
    sent_by: &'static str,
    /// The sentence that says that answers are not read.
    no_answers: &'static str,
    /// A duration in words, such as “10 minutes”.
    span: fn(Duration) -> String,
    /// The words of one letter. `life` is how long its link or code is valid, in words.
    words: fn(&Letter, life: &str) -> Words,
}

/// The words of one letter, as plain text.
struct Words {
    subject: &'static str,
    /// The paragraphs before the button or the code.
    before: Vec<String>,
    /// The button's label, if there is a button.
    button: Option<&'static str>,
    /// The paragraphs after the button or the code.
    after: Vec<String>,
}

/// The link or code that a letter delivers.
enum Lead {
    /// A URL, for the button.
    Link(String),
    /// Digits to type.
    Code(String),
}

/// A letter with everything filled in.
pub(super) struct Written {
    pub subject: String,
    pub text: String,
    pub html: String,
}

#[derive(Template)]
#[template(path = "letter.html")]
struct Html<'a> {
    tongue: &'a Tongue,
    words: &'a Words,
    hello: &'a str,
    host: &'a str,
    lead: &'a Lead,
}

#[derive(Template)]
#[template(path = "letter.txt")]
struct Text<'a> {
    tongue: &'a Tongue,
    words: &'a Words,
    hello: &'a str,
    host: &'a str,
    lead: &'a Lead,
}

/// Writes out a mail's letter. Fails if the key that its secret is derived from is gone.
pub(super) fn compose(mail: &MailRecord, keys: &Keys, url: &str, host: &str) -> anyhow::Result<Written> {
    let tongue = match mail.language {
        Language::English => &english::TONGUE,
        Language::German => &german::TONGUE,
    };
    let token = || {
        let token = keys.link_token(&mail.key, mail.id).context("the key of its link is gone")?;
        anyhow::Ok(token.reveal())
    };
    let lead = match &mail.letter {
        Letter::Verify => Lead::Link(format!("{url}{}?token={}", addresses::VERIFY_EMAIL, token()?)),
        Letter::Reset => Lead::Link(format!("{url}{}?token={}", addresses::RESET_PASSWORD, token()?)),
        Letter::KeepRoom { code } => {
            let (page, next) = (addresses::REGISTER, addresses::room(*code));
            Lead::Link(format!("{url}{page}?token={}&next={next}", token()?))
        }
        Letter::HasAccount | Letter::AddressChanged => Lead::Link(format!("{url}{}", addresses::LOG_IN)),
        Letter::PasswordChanged => Lead::Link(format!("{url}{}", addresses::FORGOT_PASSWORD)),
        Letter::LogInCode | Letter::ConfirmCode => {
            Lead::Code(keys.code(&mail.key, mail.id).context("the key of its code is gone")?)
        }
    };
    let words = (tongue.words)(&mail.letter, &(tongue.span)(mail.letter.life()));
    let hello = match harmless(&mail.name) {
        Some(name) => format!("{} {name},", tongue.hello),
        None => format!("{},", tongue.hello),
    };
    let (words, hello, lead) = (&words, hello.as_str(), &lead);
    let html = Html { tongue, words, hello, host, lead }.render().context("writing the HTML")?;
    let text = Text { tongue, words, hello, host, lead }.render().context("writing the text")?;
    Ok(Written { subject: words.subject.to_owned(), text, html })
}

/// The name to greet a reader by, or `None` if the name is not safe to use.
///
/// Anybody can enter a stranger's address with any name, and this server would mail that text to the stranger. So a
/// name is used only if it can hardly carry a message: at most three words, 24 characters, no digits and no link.
/// Otherwise the letter greets without a name.
fn harmless(name: &Nickname) -> Option<&str> {
    const WORDS: usize = 3;
    const CHARS: usize = 24;
    let mut finder = LinkFinder::new();
    finder.url_must_have_scheme(false);
    let name = name.as_str();
    let counts_nothing = !name.chars().any(char::is_numeric);
    let is_short = name.split_whitespace().count() <= WORDS && name.chars().count() <= CHARS;
    (counts_nothing && is_short && finder.links(name).next().is_none()).then_some(name)
}

impl Lead {
    fn link(&self) -> Option<&str> {
        if let Self::Link(link) = self { Some(link) } else { None }
    }

    fn code(&self) -> Option<&str> {
        if let Self::Code(code) = self { Some(code) } else { None }
    }
}

/// Wraps a paragraph of plain text into lines of at most [`WIDTH`] characters.
fn wrap(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut width = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 {
            let fits = width + 1 + length <= WIDTH;
            lines.push(if fits { ' ' } else { '\n' });
            width = if fits { width + 1 } else { 0 };
        }
        lines.push_str(word);
        width += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        protocol::{Email, RoomCode},
        server::store::MailId,
    };

    fn written(name: &str, language: Language, letter: Letter) -> Written {
        let keys = Keys::of("a secret of thirty-two characters").unwrap();
        let mail = MailRecord {
            id: MailId(Uuid::from_u128(7)),
            account: None,
            guest: None,
            to: Email::try_from("ada@example.org").unwrap(),
            name: Nickname::try_from(name).unwrap(),
            language,
            letter,
            key: keys.current_id().to_owned(),
            created_at: 0,
            due_at: 0,
            attempts: 0,
        };
        compose(&mail, &keys, "https://chat.example.org", "chat.example.org").unwrap()
    }

    #[test]
    fn letters_read_well_as_plain_text() {
        insta::assert_snapshot!("reset_in_english", written("Ada", Language::English, Letter::Reset).text);
        insta::assert_snapshot!("code_in_german", written("Mira", Language::German, Letter::LogInCode).text);
        let keep = Letter::KeepRoom { code: "K7M2QX".parse::<RoomCode>().unwrap() };
        insta::assert_snapshot!("keep_room_in_english", written("Ada", Language::English, keep).text);
    }

    #[test]
    fn a_name_that_could_be_more_than_one_is_left_out() {
        for name in ["Win at evil.example", "https://evil.example", "mail me@evil.example", "www.evil.example now"] {
            let written = written(name, Language::English, Letter::Verify);
            assert!(written.text.starts_with("Hello,\n"), "{}", written.text);
            assert!(!written.text.contains("evil") && !written.html.contains("evil"), "{name}");
        }
        for name in [
            "Pay 50 to DE89 3704 0044 0532",
            "Ring me ⑨⑨⑨",
            "Ada ０９００",
            "You won a lot",
            "Adaadaadaadaadaadaadaadaa",
        ] {
            let written = written(name, Language::English, Letter::HasAccount);
            assert!(written.text.starts_with("Hello,\n") && !written.html.contains(name), "{name}: {}", written.text);
        }
        for name in ["Ada 🦊", "Zoë O’Brien", "김민준", "Anne-Marie"] {
            assert!(
                written(name, Language::English, Letter::Verify).text.starts_with(&format!("Hello {name},\n")),
                "{name}"
            );
        }
        assert!(written("Dr. Ada", Language::English, Letter::Verify).text.starts_with("Hello Dr. Ada,\n"));
    }

    #[test]
    fn a_name_is_text_in_html() {
        let html = written("</p><script>&", Language::German, Letter::Verify).html;
        assert!(html.contains("Hallo &#60;/p&#62;&#60;script&#62;&#38;,"), "{html}");
    }

    #[test]
    fn lines_of_plain_text_are_short() {
        assert_eq!(wrap(&["word"; 20].join(" ")).lines().map(str::len).collect::<Vec<_>>(), [69, 29]);
        assert_eq!(wrap("one"), "one");
    }
}
