//! A mailer that sends mails over SMTP.
//!
//! The `lettre` library implements the protocol. Its connection pool is not used, because that reuses a connection
//! after a send was cancelled half way: the next mail would then read the answers to the previous one. So idle
//! connections are kept here, and only after a mail was sent completely.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use async_trait::async_trait;
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, TlsParameters},
    extension::ClientId,
};
use percent_encoding::percent_decode_str;
use tokio::time::timeout;
use url::{Host, Url};

use super::{Mail, Mailer, Undelivered};

/// Time limit for connecting to the server and for its first answers.
const CONNECT: Duration = Duration::from_secs(10);
/// Time limit for handing over one mail, including the connection.
const SEND: Duration = Duration::from_secs(25);
/// How long an idle connection is kept. Servers close idle ones after some minutes (RFC 5321, 4.5.3.2.7).
const IDLE: Duration = Duration::from_secs(30);
/// Maximum number of idle connections.
const KEPT: usize = 4;

/// A mail server and the idle connections to it.
pub struct Smtp {
    server: Server,
    /// The idle connections, and since when each is idle. The lock is never held across an await.
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

/// The server's address, and how to log in to it.
struct Server {
    host: String,
    port: u16,
    security: Security,
    credentials: Option<Credentials>,
}

/// How the connection is encrypted.
enum Security {
    /// Not at all: for a server on this machine or in a private network.
    None,
    /// TLS from the first byte.
    Tls(TlsParameters),
    /// STARTTLS before anything confidential is sent. Fails if the server does not offer it.
    StartTls(TlsParameters),
}

impl Smtp {
    /// The server of an `SMTP_URL`. Error texts do not repeat the URL, since it contains a password.
    pub fn of(url: &str) -> anyhow::Result<Self> {
        let server = Server::of(url).context("SMTP_URL cannot be used")?;
        Ok(Self { server, idle: Mutex::default() })
    }

    /// The server's host and port, for logs.
    pub fn address(&self) -> String {
        format!("{}:{}", self.server.host, self.server.port)
    }

    /// An idle connection that still answers.
    async fn kept(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (mut connection, since) = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if since.elapsed() < IDLE && connection.test_connected().await {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        if idle.len() < KEPT {
            idle.push((connection, Instant::now()));
        }
    }

    async fn deliver(&self, mail: &Mail) -> Result<(), Undelivered> {
        let mut connection = match self.kept().await {
            Some(connection) => connection,
            // A failure to connect or log in says nothing about this mail, so the mail is tried again.
            None => self.server.connect().await.map_err(|error| Undelivered::NotNow(reason(&error)))?,
        };
        connection.send(mail.message.envelope(), &mail.message.formatted()).await.map_err(|error| refusal(&error))?;
        self.keep(connection);
        Ok(())
    }
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Mail) -> Result<(), Undelivered> {
        match timeout(SEND, self.deliver(mail)).await {
            Ok(result) => result,
            Err(_) => Err(Undelivered::NotNow(format!("the mail server took longer than {} s", SEND.as_secs()))),
        }
    }
}

impl Server {
    fn of(url: &str) -> anyhow::Result<Self> {
        let form = "it must look like smtps://user:password@host, or smtp://user:password@host:587?tls=required";
        let url = Url::parse(url).ok().context(form)?;
        let host = match url.host().context(form)? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        ensure!(!host.is_empty() && matches!(url.path(), "" | "/") && url.fragment().is_none(), form);
        let tls = || TlsParameters::new(host.clone()).context("its host has no name that a certificate could have");
        let (security, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Security::Tls(tls()?), 465),
            ("smtp", Some("tls=required")) => (Security::StartTls(tls()?), 587),
            ("smtp", None) => (Security::None, 25),
            _ => bail!(form),
        };
        let text =
            |part| percent_decode_str(part).decode_utf8().map(String::from).context("its user or password is no text");
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) => Some(Credentials::new(text(user)?, text(password)?)),
            (_, None) => {
                bail!("it has a user and no password. What is special in a password is written as in URLs: @ as %40")
            }
        };
        ensure!(
            credentials.is_none() || !matches!(security, Security::None) || is_this_machine(&host),
            "it would send the password readable by all on the way. Use smtps://, or add ?tls=required"
        );
        Ok(Self { port: url.port().unwrap_or(port), host, security, credentials })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let us = ClientId::default();
        let tls = if let Security::Tls(tls) = &self.security { Some(tls.clone()) } else { None };
        let server = (self.host.as_str(), self.port);
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT), &us, tls, None).await?;
        if let Security::StartTls(tls) = &self.security {
            connection.starttls(tls.clone(), &us).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What a failure means for the mail that was being sent.
fn refusal(error: &Error) -> Undelivered {
    // Codes 53x are about this server's login (RFC 4954, 6), not about the mail.
    let about_us = error.status().is_some_and(|code| code.to_string().starts_with("53"));
    // `is_client`: the library refuses what the server cannot accept, such as a local part beyond ASCII.
    if (error.is_permanent() && !about_us) || error.is_client() {
        Undelivered::Refused(reason(error))
    } else {
        Undelivered::NotNow(reason(error))
    }
}

/// A failure in words. Of the server's answer only the codes are included, since the text often repeats the address.
fn reason(error: &Error) -> String {
    let Some(code) = error.status() else {
        return if error.is_response() { "the mail server's answer is no SMTP".to_owned() } else { error.to_string() };
    };
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    // An enhanced status code such as 5.1.1 (RFC 3463).
    let enhanced = said.split_whitespace().next().filter(|word| word.chars().all(|c| c.is_ascii_digit() || c == '.'));
    ["the mail server answered", &code.to_string(), enhanced.unwrap_or_default()].join(" ").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        let error = Server::of(url).err().unwrap_or_else(|| panic!("{url} is taken"));
        format!("{error:#}")
    }

    #[test]
    fn a_url_says_where_the_server_is_and_how_to_be_let_in() {
        let server = Server::of("smtp://ada:p%40ss@mail.example.org?tls=required").unwrap();
        assert_eq!((server.host.as_str(), server.port), ("mail.example.org", 587));
        assert_eq!(server.credentials, Some(Credentials::new("ada".into(), "p@ss".into())));
        assert!(matches!(server.security, Security::StartTls(_)));
        assert_eq!(Server::of("smtps://a:b@mail.example.org").unwrap().port, 465);
        assert_eq!(Server::of("smtps://a:b@mail.example.org:4650/").unwrap().port, 4650);
        assert_eq!(Server::of("smtp://[::1]:2525").unwrap().host, "::1");
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_with_what_to_do_and_without_its_password() {
        for url in [
            "mail.example.org:587",
            "hunter2",
            "https://a:hunter2@mail.example.org",
            "smtp://a:hunter2@mail.example.org?tls=opportunistic",
            "smtps://a:hunter2@mail.example.org?tls=required",
            "smtps://a:hunter2@mail.example.org/inbox",
            "smtps://a:hunter2@",
        ] {
            assert!(refused(url).contains("smtps://user:password@host"), "{url}");
            assert!(!refused(url).contains("hunter2"), "{url}");
        }
        assert!(refused("smtps://ada@mail.example.org").contains("no password"));
    }

    #[test]
    fn a_password_does_not_leave_this_machine_without_tls() {
        assert!(refused("smtp://a:hunter2@mail.example.org").contains("tls=required"));
        assert!(Server::of("smtp://a:hunter2@127.0.0.1").is_ok());
        assert!(Server::of("smtp://a:hunter2@localhost").is_ok());
        assert!(Server::of("smtp://relay.internal").is_ok(), "a relay that asks for no password");
    }
}
