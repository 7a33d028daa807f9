#![expect(clippy::doc_markdown, reason = "these docs are also the text of --help, which knows no markup")]
//! Floor 1: all settings, with their defaults and meanings.
//!
//! A setting comes from the environment (also from a `.env` file) or from the command line. No setting is needed to
//! run. `.env.example` lists the same settings, and a test compares names and defaults. The text of `--help` is the
//! docs of the fields.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, ValueEnum};
use secrecy::SecretString;

/// Chat by code: make a room, share six characters, talk.
#[derive(Clone, Debug, Parser)]
#[command(version, about)]
pub struct Config {
    /// Where to listen. Put a reverse proxy with TLS in front to serve the Internet.
    #[arg(long, env, default_value = "127.0.0.1:3000")]
    pub listen_addr: SocketAddr,

    /// The address that people type, such as https://chat.example.org. Needed behind a proxy. With https, cookies are
    /// Secure.
    #[arg(long, env)]
    pub public_url: Option<String>,

    /// The folder for the files of SQLite, for the secret if JWT_SECRET is not set, and for mails if SMTP_URL is not
    /// set.
    #[arg(long, env, default_value = "./data")]
    pub data_dir: PathBuf,

    /// The secret that signs log-ins and the links in mails: 32 random characters or more. Needed with REDIS_URL. Of
    /// several, separated by commas, the first signs and the others still verify. Without it, a secret is made under
    /// DATA_DIR.
    #[arg(long, env, hide_env_values = true)]
    pub jwt_secret: Option<SecretString>,

    #[command(flatten)]
    pub mail: MailConfig,

    /// The store, which has the durable state.
    #[command(flatten)]
    pub store: StoreConfig,

    /// The bus, which has the live state that nodes share.
    #[command(flatten)]
    pub bus: BusConfig,

    /// When guests leave and when rooms end.
    #[command(flatten)]
    pub room: RoomConfig,

    /// Quotas per client for making, joining and writing, and for wrong codes.
    #[arg(long, env, value_enum, default_value_t = RateLimits::On)]
    pub rate_limits: RateLimits,

    /// The number of reverse proxies in front that append to X-Forwarded-For. With 0, the client is the peer's address.
    #[arg(long, env, default_value_t = 0)]
    pub proxy_hops: usize,

    /// With SQLite, the free space on its disk in MiB below which the server stores no messages of guests, and below
    /// half of which it stores none at all. Without it, 512 or a fiftieth of the disk, whichever is less. 0 switches
    /// the check off.
    #[arg(long, env)]
    pub disk_floor_mib: Option<u64>,

    /// Where to answer GET /metrics for Prometheus, such as 127.0.0.1:9100. Without it, nothing is measured.
    #[arg(long, env)]
    pub metrics_addr: Option<SocketAddr>,

    /// How long a stopping server waits for work under way, in seconds.
    #[arg(long, env, default_value = "10", value_parser = seconds)]
    pub shutdown_seconds: Duration,

    /// What to log, as a tracing filter such as info,anonchat=debug. Message text, codes and tokens are never logged.
    #[arg(long, env, default_value = "info")]
    pub log: String,

    /// The format of the log.
    #[arg(long, env, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// The store, which has the durable state.
#[derive(Clone, Debug, Args)]
pub struct StoreConfig {
    /// The URI of MongoDB, as a replica set (one node is enough). Without it, the server uses SQLite under DATA_DIR.
    #[arg(long, env, hide_env_values = true)]
    pub mongo_uri: Option<SecretString>,

    /// The name of the database in MongoDB.
    #[arg(long, env, default_value = "anonchat")]
    pub mongo_db: String,
}

/// The bus, which has the live state that nodes share.
#[derive(Clone, Debug, Args)]
pub struct BusConfig {
    /// The URL of Redis (version 7 is tested), for more than one node. Needs MONGO_URI. Without it, live state is in
    /// this process.
    #[arg(long, env, hide_env_values = true)]
    pub redis_url: Option<SecretString>,

    /// The first part of the names of all keys and channels in Redis.
    #[arg(long, env, default_value = "anonchat")]
    pub redis_prefix: String,
}

#[derive(Clone, Debug, Args)]
pub struct MailConfig {
    /// The mail server: smtps://user:password@host, or smtp://user:password@host:587?tls=required for STARTTLS. Without
    /// it, mails are written to files under DATA_DIR/mail.
    #[arg(long, env, hide_env_values = true)]
    pub smtp_url: Option<SecretString>,

    /// The sender of mails, such as AnonChat <chat@example.org>. Without it, no-reply at the host of PUBLIC_URL.
    #[arg(long, env)]
    pub mail_from: Option<String>,
}

/// When guests leave and when rooms end.
#[derive(Clone, Copy, Debug, Args)]
pub struct RoomConfig {
    /// How long a guest without a connection still counts as present, in seconds.
    #[arg(long, env, default_value = "600", value_parser = seconds)]
    pub guest_grace_seconds: Duration,

    /// How long a guest whose page was closed still counts as present, in seconds.
    #[arg(long, env, default_value = "60", value_parser = seconds)]
    pub guest_closed_seconds: Duration,

    /// After how many seconds a room is deleted that keeps no messages and has no members.
    #[arg(long, env, default_value = "3600", value_parser = seconds)]
    pub room_idle_seconds: Duration,

    /// After how many days without a visit a room is deleted. A room that keeps its messages is deleted only if no
    /// member has an account; a room that keeps none is deleted in any case. 0 means never.
    #[arg(long, env, default_value_t = 90)]
    pub room_kept_days: u32,

    /// For how many minutes after it was sent a message can be edited by its author. 0 means never, -1 always.
    #[arg(long, env, default_value_t = 15, allow_negative_numbers = true)]
    pub edit_minutes: i32,

    /// How many seconds it takes until a message can be found by searching. Messages of that time are indexed together.
    #[arg(long, env, default_value = "1", value_parser = seconds)]
    pub search_delay_seconds: Duration,
}

/// Whether quotas apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RateLimits {
    /// The built-in quotas apply.
    On,
    /// No quotas: for load tests on your own machine.
    Off,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines of text for people.
    Text,
    /// One JSON object per line.
    Json,
}

impl fmt::Display for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::On { "on" } else { "off" })
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Text { "text" } else { "json" })
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("“{text}” is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Settings that contradict each other, or that are invalid.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Redis without MongoDB: nodes that share a bus must share a store.
    #[error(
        "REDIS_URL is set without MONGO_URI: nodes that share a bus must share a store. Set MONGO_URI too, or neither."
    )]
    RedisWithoutMongo,
    /// Redis without a secret: nodes that share a bus must accept each other's tokens.
    #[error(
        "REDIS_URL is set without JWT_SECRET: each node would make a secret of its own, and log out whom another logged in. Set JWT_SECRET to the same 32 random characters or more on every node; `openssl rand -hex 32` makes a good one."
    )]
    RedisWithoutSecret,
    /// The public address is not an address of a server.
    #[error("PUBLIC_URL must start with http:// or https:// and have no path, such as https://chat.example.org.")]
    PublicUrl,
}

impl Config {
    /// Refuses settings that contradict each other. The error names them.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.bus.redis_url.is_some() && self.store.mongo_uri.is_none() {
            return Err(ConfigError::RedisWithoutMongo);
        }
        if self.bus.redis_url.is_some() && self.jwt_secret.is_none() {
            return Err(ConfigError::RedisWithoutSecret);
        }
        if let Some(url) = &self.public_url {
            let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            let host = host.map(|host| host.trim_end_matches('/')).ok_or(ConfigError::PublicUrl)?;
            if host.is_empty() || host.contains(['/', '?', '#', '@']) {
                return Err(ConfigError::PublicUrl);
            }
        }
        Ok(())
    }

    /// The dangers of these settings, one sentence each. They do not stop the server, since something in front of it
    /// may remove the danger.
    pub fn warnings(&self) -> Vec<String> {
        let is_reached = !self.listen_addr.ip().to_canonical().is_loopback();
        let mut warnings = Vec::new();
        if is_reached && !self.is_https() {
            warnings.push(format!(
                "LISTEN_ADDR={} can be reached from other machines, and PUBLIC_URL is no https address: cookies and what people say travel without encryption, and cookies are not Secure. Put a proxy with TLS in front, let the server listen on 127.0.0.1, and set PUBLIC_URL.",
                self.listen_addr
            ));
        }
        if self.rate_limits == RateLimits::Off {
            warnings.push(
                "RATE_LIMITS=off: anybody can guess codes and passwords as fast as this machine answers, and fill its disk. It is for load tests on your own machine.".to_owned(),
            );
        }
        if is_reached && self.proxy_hops == 0 && self.is_https() {
            warnings.push(
                "PUBLIC_URL is https, so a proxy is in front, but PROXY_HOPS is 0: all people count as one client. Set PROXY_HOPS to the number of proxies.".to_owned(),
            );
        }
        if let Some(address) = self.metrics_addr.filter(|address| !address.ip().to_canonical().is_loopback()) {
            warnings.push(format!(
                "METRICS_ADDR={address} can be reached from other machines, and answers whoever asks: it shows how much people do here. Let only your Prometheus server reach it.",
            ));
        }
        if self.disk_floor_mib == Some(0) && self.store.mongo_uri.is_none() {
            warnings.push(
                "DISK_FLOOR_MIB=0: what people say may fill the disk, and then nothing can be written.".to_owned(),
            );
        }
        warnings
    }

    /// The first part of links to this server, without a slash at the end. It is never taken from a request, whose
    /// headers anybody can choose.
    pub fn base_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.listen_addr),
        }
    }

    /// Whether people use https, so that cookies are Secure.
    pub fn is_https(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Config {
        Config::try_parse_from([&["anonchat"], args].concat()).unwrap()
    }

    #[test]
    fn redis_without_mongo_is_refused_with_the_reason() {
        let config = parse(&["--redis-url", "redis://127.0.0.1"]);
        assert!(config.check().unwrap_err().to_string().contains("MONGO_URI"));
    }

    #[test]
    fn several_nodes_without_a_common_secret_are_refused_with_the_reason() {
        let nodes = ["--redis-url", "redis://127.0.0.1", "--mongo-uri", "mongodb://127.0.0.1"];
        assert!(parse(&nodes).check().unwrap_err().to_string().contains("JWT_SECRET"));
        assert!(parse(&[&nodes[..], &["--jwt-secret", "the same on every node"]].concat()).check().is_ok());
    }

    #[test]
    fn links_begin_with_the_public_address_or_where_the_server_listens() {
        assert_eq!(parse(&[]).base_url(), "http://127.0.0.1:3000");
        assert_eq!(parse(&["--public-url", "https://chat.example.org/"]).base_url(), "https://chat.example.org");
    }

    #[test]
    fn dangerous_settings_are_warned_of_and_others_are_not() {
        let named = |args: &[&str], name: &str| {
            let warnings = parse(args).warnings();
            assert_eq!(warnings.len(), 1, "{args:?}: {warnings:?}");
            assert!(warnings[0].starts_with(name), "{warnings:?}");
        };
        assert!(parse(&[]).warnings().is_empty());
        let behind_a_proxy = ["--public-url", "https://chat.example.org", "--proxy-hops", "1"];
        assert!(parse(&behind_a_proxy).warnings().is_empty());
        assert!(parse(&[&behind_a_proxy[..], &["--listen-addr", "0.0.0.0:3000"]].concat()).warnings().is_empty());
        for address in ["0.0.0.0:3000", "[::]:3000", "192.0.2.1:80"] {
            named(&["--listen-addr", address], "LISTEN_ADDR");
            named(&["--listen-addr", address, "--public-url", "http://chat.example.org"], "LISTEN_ADDR");
        }
        for address in ["127.0.0.2:3000", "[::1]:3000"] {
            assert!(parse(&["--listen-addr", address]).warnings().is_empty(), "{address}");
        }
        named(&["--rate-limits", "off"], "RATE_LIMITS");
        named(&["--disk-floor-mib", "0"], "DISK_FLOOR_MIB");
        named(&["--metrics-addr", "0.0.0.0:9100"], "METRICS_ADDR");
        assert!(parse(&["--metrics-addr", "127.0.0.1:9100"]).warnings().is_empty());
        named(&["--listen-addr", "0.0.0.0:3000", "--public-url", "https://chat.example.org"], "PUBLIC_URL");
    }

    #[test]
    fn secrets_never_print() {
        let urls = [
            ["--redis-url", "redis://:hunter2@127.0.0.1"],
            ["--mongo-uri", "mongodb://u:hunter2@h"],
            ["--smtp-url", "smtps://u:hunter2@h"],
            ["--jwt-secret", "hunter2"],
        ];
        let config = parse(&urls.concat());
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn a_public_address_with_a_path_is_refused() {
        for bad in ["chat.example.org", "https://", "https://a/b", "ftp://a"] {
            assert!(parse(&["--public-url", bad]).check().is_err(), "{bad}");
        }
        assert!(parse(&["--public-url", "https://chat.example.org/"]).check().is_ok());
    }
}
