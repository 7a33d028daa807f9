//! External servers for tests.
//!
//! [`Redis`] and [`Mongo`] start processes that belong to one test, so that it may kill them. `shared_mongo`,
//! `shared_redis` and [`MailServer::shared`] are the servers that `script/test` runs for all tests.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::{poll_until, process::Process};

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("a bound socket has an address").port()
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        let target = to.join(path.file_name().expect("entries have names"));
        if path.is_dir() {
            std::fs::create_dir(&target).expect("a folder can be made");
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a file can be copied");
        }
    }
}

async fn listens(port: u16) {
    poll_until("the server listens", || async { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() })
        .await;
}

fn program(variable: &str, otherwise: &str) -> String {
    std::env::var(variable).ok().filter(|path| !path.is_empty()).unwrap_or_else(|| otherwise.to_owned())
}

/// The URI of the MongoDB that all tests share. `None` on a machine without one, which in CI fails the test.
pub fn shared_mongo() -> Option<String> {
    shared("TEST_MONGO_URI")
}

/// The URL of the Redis that all tests share. `None` on a machine without one, which in CI fails the test.
pub fn shared_redis() -> Option<String> {
    shared("TEST_REDIS_URL")
}

fn shared(variable: &str) -> Option<String> {
    let url = std::env::var(variable).ok().filter(|url| !url.is_empty());
    assert!(url.is_some() || std::env::var_os("CI").is_none(), "{variable} is not set; run script/test");
    if url.is_none() {
        eprintln!("left out: {variable} is not set; run script/test");
    }
    url
}

/// A redis-server process that belongs to one test. Its data survives a restart, unless it was started with
/// [`start_forgetful`](Self::start_forgetful).
pub struct Redis {
    // The first field, so that the process has ended before its folder is removed.
    process: Option<Process>,
    folder: TempDir,
    port: u16,
    appends: &'static str,
}

impl Redis {
    /// Starts a Redis that writes every change to disk. `None` on a machine without the server, never in CI.
    pub async fn start() -> Option<Self> {
        Self::start_with("yes").await
    }

    /// Starts a Redis that stores nothing on disk, as production should run it.
    pub async fn start_forgetful() -> Option<Self> {
        Self::start_with("no").await
    }

    async fn start_with(appends: &'static str) -> Option<Self> {
        shared_redis()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut redis = Self { process: None, folder, port: free_port(), appends };
        redis.restart().await;
        Some(redis)
    }

    /// The `…:news` channels that have a subscriber: one for each room that is live on a node.
    pub async fn followed(&self) -> Vec<String> {
        let client = redis::Client::open(self.url()).expect("a client");
        let mut connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
        redis::cmd("PUBSUB").arg("CHANNELS").arg("*:news").query_async(&mut connection).await.expect("Redis answers")
    }

    /// The keys whose value contains a text.
    pub async fn keys_with(&self, text: &str) -> Vec<String> {
        let client = redis::Client::open(self.url()).expect("a client");
        let mut connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.expect("Redis answers");
        let mut found = Vec::new();
        for key in keys {
            let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.expect("Redis answers");
            let (read, arguments): (&str, &[&str]) = match &*kind {
                "string" => ("GET", &[]),
                "hash" => ("HGETALL", &[]),
                "list" => ("LRANGE", &["0", "-1"]),
                "zset" => ("ZRANGE", &["0", "-1"]),
                "stream" => ("XRANGE", &["-", "+"]),
                "none" => continue,
                other => panic!("{key} is a {other}, which nobody looked into"),
            };
            let held = redis::cmd(read).arg(&key).arg(arguments).query_async::<redis::Value>(&mut connection).await;
            if format!("{:?}", held.expect("Redis answers")).contains(text) {
                found.push(key);
            }
        }
        found
    }

    /// Starts the process again, on the same port and folder.
    pub async fn restart(&mut self) {
        let mut command = Command::new(program("ANONCHAT_REDIS_SERVER", "redis-server"));
        command
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                self.appends,
                "--appendfsync",
                "always",
            ])
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.process = Some(Process::start(&mut command));
        listens(self.port).await;
    }

    /// Copies the data on disk. Redis must be stopped.
    pub fn remember(&self) -> TempDir {
        assert!(self.process.is_none(), "Redis is stopped first");
        let copy = tempfile::tempdir().expect("a temporary folder");
        copy_folder(self.folder.path(), copy.path());
        copy
    }

    /// Replaces the data on disk by an earlier copy, like a restored backup. Redis must be stopped.
    pub fn forget_since(&mut self, copy: &TempDir) {
        assert!(self.process.is_none(), "Redis is stopped first");
        self.folder = tempfile::tempdir().expect("a temporary folder");
        copy_folder(copy.path(), self.folder.path());
    }

    /// Kills the process.
    pub async fn kill(&mut self) {
        self.process.take().expect("Redis runs").kill().await;
    }

    /// Suspends the process (SIGSTOP).
    pub async fn pause(&self) {
        self.process.as_ref().expect("Redis runs").pause().await;
    }

    /// Continues the suspended process.
    pub async fn resume(&self) {
        self.process.as_ref().expect("Redis runs").resume().await;
    }

    /// The URL of this Redis.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

/// A mongod process that belongs to one test, as a replica set with one member.
pub struct Mongo {
    // The first field, so that the process has ended before its folder is removed.
    process: Option<Process>,
    folder: TempDir,
    port: u16,
}

impl Mongo {
    /// Starts a MongoDB and waits until it accepts writes. `None` on a machine without the server, never in CI.
    pub async fn start() -> Option<Self> {
        shared_mongo()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut mongo = Self { process: None, folder, port: free_port() };
        mongo.spawn().await;
        let client = mongo.client().await;
        let host = format!("127.0.0.1:{}", mongo.port);
        let config = mongodb::bson::doc! { "_id": "rs0", "members": [{ "_id": 0, "host": host }] };
        let initiate = mongodb::bson::doc! { "replSetInitiate": config };
        client.database("admin").run_command(initiate).await.expect("the replica set is initiated");
        mongo.wait_for_primary().await;
        Some(mongo)
    }

    /// Starts the process again after a kill, and waits until it accepts writes.
    pub async fn restart(&mut self) {
        self.spawn().await;
        self.wait_for_primary().await;
    }

    async fn spawn(&mut self) {
        let mut command = Command::new(program("ANONCHAT_MONGOD", "mongod"));
        command
            .args(["--replSet", "rs0", "--bind_ip", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--wiredTigerCacheSizeGB", "0.25", "--quiet"])
            .arg("--dbpath")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.process = Some(Process::start(&mut command));
        listens(self.port).await;
    }

    async fn client(&self) -> mongodb::Client {
        let uri = format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port);
        mongodb::Client::with_uri_str(uri).await.expect("a client")
    }

    async fn wait_for_primary(&self) {
        let client = self.client().await;
        poll_until("MongoDB has a primary", || async {
            let hello = client.database("admin").run_command(mongodb::bson::doc! { "hello": 1 }).await;
            hello.is_ok_and(|answer| answer.get_bool("isWritablePrimary").unwrap_or(false))
        })
        .await;
    }

    /// Kills the process.
    pub async fn kill(&mut self) {
        self.process.take().expect("MongoDB runs").kill().await;
    }

    /// Suspends the process (SIGSTOP).
    pub async fn pause(&self) {
        self.process.as_ref().expect("MongoDB runs").pause().await;
    }

    /// Continues the suspended process.
    pub async fn resume(&self) {
        self.process.as_ref().expect("MongoDB runs").resume().await;
    }

    /// The URI of this MongoDB.
    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?replicaSet=rs0", self.port)
    }
}

/// The SMTP server that all tests share. Each test uses its own email addresses and reads only their mails.
pub struct MailServer {
    smtp: String,
    http: String,
}

/// A mail, as the SMTP server received it.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// The sender in the envelope.
    pub from: String,
    /// The recipients in the envelope.
    pub to: Vec<String>,
    /// The decoded subject.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// The `Message-ID`.
    pub message_id: String,
    /// All decoded header fields, with lowercase names.
    pub headers: std::collections::BTreeMap<String, String>,
    /// The whole mail as it was received.
    pub raw: String,
    /// The user name that the sender logged in with, if it did.
    pub user: Option<String>,
}

impl MailServer {
    /// The shared server. `None` on a machine without it, never in CI.
    pub fn shared() -> Option<Self> {
        Some(Self { smtp: shared("TEST_SMTP_URL")?, http: shared("TEST_MAILS_URL")? })
    }

    /// The value for the setting `SMTP_URL`.
    pub fn url(&self) -> &str {
        &self.smtp
    }

    /// The mails for an address that the server accepted, oldest first.
    pub async fn mails(&self, to: &str) -> Vec<Received> {
        self.ask("mails", to).await
    }

    /// The mails for an address, accepted or not, oldest first.
    pub async fn attempts(&self, to: &str) -> Vec<Received> {
        self.ask("attempts", to).await
    }

    /// Makes the server give these SMTP answers to the next mails for an address. After the last of them it accepts
    /// mails again.
    pub async fn answer(&self, to: &str, answers: &[&str]) {
        let request = reqwest::Client::new().put(format!("{}/answers", self.http)).query(&[("to", to)]).json(answers);
        assert!(request.send().await.expect("the mail server answers").status().is_success());
    }

    async fn ask(&self, what: &str, to: &str) -> Vec<Received> {
        let request = reqwest::Client::new().get(format!("{}/{what}", self.http)).query(&[("to", to)]);
        request.send().await.expect("the mail server answers").json().await.expect("it tells of mails in JSON")
    }
}
