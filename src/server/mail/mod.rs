//! Floor 1: mail. What a letter says and looks like is in `letters/`. The ways to send a mail are `Mailer`s: over SMTP
//! or, without a mail server, into files.
//!
//! Not here: the outbox, which ensures that no mail is lost (`store::Mails`), and when mails are sent
//! (`domain/mails.rs`).

mod files;
mod letters;
mod smtp;

use std::{
    fmt,
    time::{Duration, UNIX_EPOCH},
};

use anyhow::Context;
use async_trait::async_trait;
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};
use url::{Host, Url};

pub use files::Files;
pub use smtp::Smtp;

use super::{
    config::Config,
    keys::Keys,
    store::{MailId, MailRecord},
};
use crate::protocol::Email;

#[async_trait]
pub trait Mailer: Send + Sync + 'static {
    /// Hands a mail over for good. Must return within half a minute.
    async fn send(&self, mail: &Mail) -> Result<(), Undelivered>;
}

/// The reason why a mail was not handed over. The text contains no address.
#[derive(Debug, thiserror::Error)]
pub enum Undelivered {
    /// The mail server refuses this mail permanently.
    #[error("refused: {0}")]
    Refused(String),
    /// Sending failed for now, and may succeed later.
    #[error("not now: {0}")]
    NotNow(String),
}

#[derive(Clone)]
pub struct Mail {
    /// The mail's id, the same at every attempt.
    pub id: MailId,
    pub to: Email,
    pub subject: String,
    pub text: String,
    pub html: String,
    message: Message,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail({})", self.id.0)
    }
}

/// What all letters of a node share: the sender, and the base of links.
pub struct Letterhead {
    /// The base URL of links, without a slash at the end.
    url: String,
    /// The host name of `url`, which names this server in letters.
    host: String,
    from: Mailbox,
}

impl Letterhead {
    /// The letterhead for these settings. Fails if `MAIL_FROM` or `PUBLIC_URL` cannot be used.
    pub fn of(config: &Config) -> anyhow::Result<Self> {
        let url = config.base_url();
        let host = host_name(&url).with_context(|| format!("{url} (PUBLIC_URL) names no host"))?;
        let from = config.mail.mail_from.clone().unwrap_or_else(|| format!("AnonChat <no-reply@{host}>"));
        let from = from.parse().with_context(|| {
            format!("MAIL_FROM must be an address, or a name and an address as in AnonChat <chat@example.org>; this is {from}")
        })?;
        Ok(Self { url, host, from })
    }

    /// Writes out a mail of the outbox. Fails if the mail can never be sent, for example because the key of its secret
    /// is gone.
    pub fn write(&self, record: &MailRecord, keys: &Keys) -> anyhow::Result<Mail> {
        let letter = letters::compose(record, keys, &self.url, &self.host)?;
        let message = Message::builder()
            .message_id(Some(format!("<{}@{}>", record.id.0, self.host)))
            .date(UNIX_EPOCH + Duration::from_millis(u64::try_from(record.created_at).unwrap_or_default()))
            .from(self.from.clone())
            .to(Mailbox::new(None, address(&record.to)?))
            .subject(&letter.subject)
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
            .context("putting the mail together")?;
        let letters::Written { subject, text, html } = letter;
        Ok(Mail { id: record.id, to: record.to.clone(), subject, text, html, message })
    }
}

/// The host name of a URL. `localhost` if the URL has an IP address, since addresses of mails need a name.
fn host_name(url: &str) -> Option<String> {
    match Url::parse(url).ok()?.host()? {
        Host::Domain(name) => Some(name.to_owned()),
        Host::Ipv4(_) | Host::Ipv6(_) => Some("localhost".to_owned()),
    }
}

/// The recipient's address for the mail server. The host is written in ASCII (RFC 5891), since few mail servers accept
/// other letters.
fn address(email: &Email) -> anyhow::Result<Address> {
    let (local, host) = email.as_str().rsplit_once('@').context("an address has an @")?;
    let host = Host::parse(host).context("the host of the address is none")?;
    Address::new(local, host.to_string()).context("it cannot be an address")
}

/// The header that tells other machines not to answer, because no person wrote this mail (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn letterhead(args: &[&str]) -> anyhow::Result<Letterhead> {
        Letterhead::of(&Config::try_parse_from([&["anonchat"], args].concat()).unwrap())
    }

    #[test]
    fn mails_are_from_the_public_host_if_nobody_else_is_named() {
        let from = |args: &[&str]| letterhead(args).unwrap().from.to_string();
        assert_eq!(from(&["--public-url", "https://chat.example.org:8443/"]), "AnonChat <no-reply@chat.example.org>");
        assert_eq!(from(&[]), "AnonChat <no-reply@localhost>");
        assert_eq!(from(&["--public-url", "http://[::1]:3000"]), "AnonChat <no-reply@localhost>");
        assert_eq!(from(&["--mail-from", "Our Chat <chat@example.org>"]), "Our Chat <chat@example.org>");
        assert!(letterhead(&["--mail-from", "AnonChat"]).err().unwrap().to_string().contains("MAIL_FROM"));
    }

    #[test]
    fn a_host_beyond_ascii_is_written_as_mail_servers_take_it() {
        let email = Email::try_from("ada@müller.example").unwrap();
        assert_eq!(address(&email).unwrap().to_string(), "ada@xn--mller-kva.example");
    }
}
