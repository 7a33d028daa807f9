//! The mails of a node without an SMTP server, which writes them as files into its data folder.

use std::{fs, path::PathBuf};

use super::{Settings, poll_until};

/// The folder in which an embedded node stores its mails.
pub struct Mailbox(PathBuf);

/// A mail, as its recipient sees it.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The subject.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The whole mail as it was sent.
    pub raw: String,
}

impl Mailbox {
    /// The mailbox of nodes with these settings.
    pub fn of(settings: &Settings) -> Self {
        Self(settings.data_dir().join("mail"))
    }

    /// The mails to an address so far, oldest first.
    pub fn letters(&self, to: &str) -> Vec<Letter> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
        files.retain(|path| path.extension().is_some_and(|kind| kind == "eml"));
        files.sort();
        let read =
            |path: PathBuf| String::from_utf8(fs::read(path).expect("the mail can be read")).expect("it is text");
        let to = format!("\r\nTo: {to}\r\n");
        files.into_iter().map(read).filter(|raw| raw.contains(&to)).map(Letter::of).collect()
    }

    /// The `n`th mail to an address, counted from 1. Waits until it exists.
    pub async fn letter(&self, to: &str, n: usize) -> Letter {
        poll_until(&format!("mail {n} comes"), || async { self.letters(to).len() >= n }).await;
        self.letters(to).swap_remove(n - 1)
    }
}

impl Letter {
    fn of(raw: String) -> Self {
        let subject = raw.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned();
        // A line of a part can begin with `--` too, so only the whole boundary divides them.
        let (_, boundary) = raw.split_once("boundary=\"").expect("the mail has parts");
        let (boundary, _) = boundary.split_once('"').expect("the boundary ends");
        let part = raw
            .split(&format!("\r\n--{boundary}"))
            .find(|part| part.contains("Content-Type: text/plain"))
            .expect("there is plain text");
        let (head, body) = part.split_once("\r\n\r\n").expect("a part has a head");
        let text = if head.contains("quoted-printable") { unquote(body) } else { body.to_owned() };
        Self { subject, text, raw }
    }

    /// The token in the mail's link.
    pub fn token(&self) -> String {
        let (_, token) = self.text.split_once("?token=").unwrap_or_else(|| panic!("a link: {}", self.text));
        token.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect()
    }

    /// The code of eight digits in the mail.
    pub fn code(&self) -> String {
        let is_code = |word: &&str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit());
        self.text.split_whitespace().find(is_code).unwrap_or_else(|| panic!("a code: {}", self.text)).to_owned()
    }
}

/// Decodes quoted-printable (RFC 2045, 6.7).
fn unquote(text: &str) -> String {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        if let (b'=', Some(byte)) = (first, hex) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).expect("it is text")
}
