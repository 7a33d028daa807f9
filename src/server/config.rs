#![expect(clippy::doc_markdown, reason = "these docs are also the text of --help, which knows no markup")]
//! Floor 1: every setting, its default and its meaning. All come from the environment (a `.env` file counts) or the command
//! line; none is needed to run. `.env.example` lists the same, and a test compares the two.

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

    /// The address people type, such as https://chat.example.org; needed behind a proxy. With https, cookies are Secure.
    #[arg(long, env)]
    pub public_url: Option<String>,

    /// Where the embedded store keeps its files, and what is written here for want of a setting: a secret, and mails.
    #[arg(long, env, default_value = "./data")]
    pub data_dir: PathBuf,

    /// What proves who is logged in, and what links in mails prove: 32 random characters or more; needed with REDIS_URL.
    /// Several, separated by commas: the first signs, the others still verify. Without it, one is made under DATA_DIR.
    #[arg(long, env, hide_env_values = true)]
    pub jwt_secret: Option<SecretString>,

    /// How mails leave.
    #[command(flatten)]
    pub mail: MailConfig,

    /// Where the durable truth is kept.
    #[command(flatten)]
    pub store: StoreConfig,

    /// What nodes share.
    #[command(flatten)]
    pub bus: BusConfig,

    /// What a room does by itself.
    #[command(flatten)]
    pub room: RoomConfig,

    /// Quotas per client for making, joining and writing, and for wrong codes.
    #[arg(long, env, value_enum, default_value_t = RateLimits::On)]
    pub rate_limits: RateLimits,

    /// How many reverse proxies stand in front and append to X-Forwarded-For; 0 takes the peer's address.
    #[arg(long, env, default_value_t = 0)]
    pub proxy_hops: usize,

    /// With SQLite, how much of its disk stays free, in MiB: below that guests' words are not kept any more, below half of it
    /// nobody's. Without it, 512, or a fiftieth of a small disk; 0 is no floor.
    #[arg(long, env)]
    pub disk_floor_mib: Option<u64>,

    /// How long a stopping server lets work in flight finish, in seconds.
    #[arg(long, env, default_value = "10", value_parser = seconds)]
    pub shutdown_seconds: Duration,

    /// What to log, as a tracing filter such as info,anonchat=debug. Never message text, codes or tokens.
    #[arg(long, env, default_value = "info")]
    pub log: String,

    /// How to log.
    #[arg(long, env, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Where the durable truth is kept.
#[derive(Clone, Debug, Args)]
pub struct StoreConfig {
    /// MongoDB (a replica set; one node is enough). Without it, SQLite under DATA_DIR.
    #[arg(long, env, hide_env_values = true)]
    pub mongo_uri: Option<SecretString>,

    /// The database in MongoDB.
    #[arg(long, env, default_value = "anonchat")]
    pub mongo_db: String,
}

/// What nodes share.
#[derive(Clone, Debug, Args)]
pub struct BusConfig {
    /// Redis (7 is tested), for more than one node; needs MONGO_URI. Without it, everything is in this process.
    #[arg(long, env, hide_env_values = true)]
    pub redis_url: Option<SecretString>,

    /// What the names of all keys and channels in Redis start with.
    #[arg(long, env, default_value = "anonchat")]
    pub redis_prefix: String,
}

/// How mails leave.
#[derive(Clone, Debug, Args)]
pub struct MailConfig {
    /// The mail server: smtps://user:password@host, or smtp://user:password@host:587?tls=required for STARTTLS. Without it,
    /// mails become files under DATA_DIR/mail.
    #[arg(long, env, hide_env_values = true)]
    pub smtp_url: Option<SecretString>,

    /// Who mails are from, such as AnonChat <chat@example.org>. Without it, no-reply at the host of PUBLIC_URL.
    #[arg(long, env)]
    pub mail_from: Option<String>,
}

/// What a room does by itself.
#[derive(Clone, Copy, Debug, Args)]
pub struct RoomConfig {
    /// How long a guest without a connection still counts as there, in seconds.
    #[arg(long, env, default_value = "600", value_parser = seconds)]
    pub guest_grace_seconds: Duration,

    /// The same for a guest whose page was closed, in seconds.
    #[arg(long, env, default_value = "60", value_parser = seconds)]
    pub guest_closed_seconds: Duration,

    /// How long a room stays that keeps nothing and that nobody is in, in seconds.
    #[arg(long, env, default_value = "3600", value_parser = seconds)]
    pub room_idle_seconds: Duration,

    /// How many days a room stays that nobody visits: one that keeps what is said, if nobody in it has an account, and one that
    /// keeps nothing, whoever is in it. 0 is for ever.
    #[arg(long, env, default_value_t = 90)]
    pub room_kept_days: u32,
}

/// Whether quotas hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RateLimits {
    /// Sane defaults.
    On,
    /// None: for load tests on one's own machine.
    Off,
}

/// How to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
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

/// Settings that contradict each other.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Nodes that share a bus must share a store.
    #[error(
        "REDIS_URL is set without MONGO_URI: nodes that share a bus must share a store. Set MONGO_URI too, or neither."
    )]
    RedisWithoutMongo,
    /// Nodes that share a bus must accept each other's tokens.
    #[error(
        "REDIS_URL is set without JWT_SECRET: each node would make a secret of its own, and log out whom another logged in. Set JWT_SECRET to the same 32 random characters or more on every node; `openssl rand -hex 32` makes a good one."
    )]
    RedisWithoutSecret,
    /// The public address is not one.
    #[error("PUBLIC_URL must start with http:// or https:// and have no path, such as https://chat.example.org.")]
    PublicUrl,
}

impl Config {
    /// Refuses settings that contradict each other, and says which.
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

    /// What is dangerous about these settings, a sentence each. None of it stops the server, which may stand behind something
    /// that makes up for it.
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
        if self.disk_floor_mib == Some(0) && self.store.mongo_uri.is_none() {
            warnings.push(
                "DISK_FLOOR_MIB=0: what people say may fill the disk, and then nothing can be written.".to_owned(),
            );
        }
        warnings
    }

    /// What links to this server begin with, without a slash at the end. Never taken from a request, which anybody can write.
    pub fn base_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.listen_addr),
        }
    }

    /// Whether people come by https, so that cookies are Secure.
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
