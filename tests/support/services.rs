//! MongoDB and Redis as processes of a test's own, to be killed, and those that `script/test` runs for all, with a mail server.

use std::{net::TcpListener, path::Path, process::Stdio};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{node::signal, poll_until};

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

/// The MongoDB that tests share, or `None` on a machine without one (never in CI).
pub fn shared_mongo() -> Option<String> {
    shared("TEST_MONGO_URI")
}

/// The Redis that tests share, or `None` on a machine without one (never in CI).
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

/// A redis-server of a test's own. A restart keeps what it had, unless it is forgetful.
pub struct Redis {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
    appends: &'static str,
}

impl Redis {
    /// Starts one; `None` on a machine without it (never in CI).
    pub async fn start() -> Option<Self> {
        Self::start_with("yes").await
    }

    /// Starts one that keeps nothing on disk, as it should be run.
    pub async fn start_forgetful() -> Option<Self> {
        Self::start_with("no").await
    }

    async fn start_with(appends: &'static str) -> Option<Self> {
        shared_redis()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut redis = Self { folder, port: free_port(), process: None, appends };
        redis.restart().await;
        Some(redis)
    }

    /// The rooms that a node has live, as the channels that it listens to.
    pub async fn followed(&self) -> Vec<String> {
        let client = redis::Client::open(self.url()).expect("a client");
        let mut connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
        redis::cmd("PUBSUB").arg("CHANNELS").arg("*:news").query_async(&mut connection).await.expect("Redis answers")
    }

    /// The keys that have a text in what they hold.
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

    /// Starts it again.
    pub async fn restart(&mut self) {
        let process = Command::new(program("ANONCHAT_REDIS_SERVER", "redis-server"))
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
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server starts");
        self.process = Some(process);
        listens(self.port).await;
    }

    /// Keeps a copy of what it has on disk, while it does not run.
    pub fn remember(&self) -> TempDir {
        assert!(self.process.is_none(), "Redis is stopped first");
        let copy = tempfile::tempdir().expect("a temporary folder");
        copy_folder(self.folder.path(), copy.path());
        copy
    }

    /// Puts a copy back, as a restored backup would, while it does not run.
    pub fn forget_since(&mut self, copy: &TempDir) {
        assert!(self.process.is_none(), "Redis is stopped first");
        self.folder = tempfile::tempdir().expect("a temporary folder");
        copy_folder(copy.path(), self.folder.path());
    }

    /// Kills it.
    pub async fn kill(&mut self) {
        self.process.take().expect("Redis runs").kill().await.expect("the process can be killed");
    }

    /// Stops its clock.
    pub async fn pause(&self) {
        signal(self.process.as_ref().expect("Redis runs"), "STOP").await;
    }

    /// Lets it go on.
    pub async fn resume(&self) {
        signal(self.process.as_ref().expect("Redis runs"), "CONT").await;
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

/// A mongod of a test's own: a replica set of one.
pub struct Mongo {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Mongo {
    /// Starts one; `None` on a machine without it (never in CI).
    pub async fn start() -> Option<Self> {
        shared_mongo()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut mongo = Self { folder, port: free_port(), process: None };
        mongo.spawn().await;
        let client = mongo.client().await;
        let host = format!("127.0.0.1:{}", mongo.port);
        let config = mongodb::bson::doc! { "_id": "rs0", "members": [{ "_id": 0, "host": host }] };
        let initiate = mongodb::bson::doc! { "replSetInitiate": config };
        client.database("admin").run_command(initiate).await.expect("the replica set is initiated");
        mongo.wait_for_primary().await;
        Some(mongo)
    }

    /// Starts it again after a kill, and waits until it takes writes.
    pub async fn restart(&mut self) {
        self.spawn().await;
        self.wait_for_primary().await;
    }

    async fn spawn(&mut self) {
        let process = Command::new(program("ANONCHAT_MONGOD", "mongod"))
            .args(["--replSet", "rs0", "--bind_ip", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--wiredTigerCacheSizeGB", "0.25", "--quiet"])
            .arg("--dbpath")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("mongod starts");
        self.process = Some(process);
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

    /// Kills it.
    pub async fn kill(&mut self) {
        self.process.take().expect("MongoDB runs").kill().await.expect("the process can be killed");
    }

    /// Stops its clock.
    pub async fn pause(&self) {
        signal(self.process.as_ref().expect("MongoDB runs"), "STOP").await;
    }

    /// Lets it go on.
    pub async fn resume(&self) {
        signal(self.process.as_ref().expect("MongoDB runs"), "CONT").await;
    }

    /// Its address.
    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?replicaSet=rs0", self.port)
    }
}

/// The mail server that tests share; each reads the mails for addresses of its own.
pub struct MailServer {
    smtp: String,
    http: String,
}

/// A mail as the server got it.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Received {
    /// The sender as the envelope has it.
    pub from: String,
    /// The readers as the envelope has them.
    pub to: Vec<String>,
    /// What it is about, decoded.
    pub subject: String,
    /// The part in plain text.
    pub text: String,
    /// The part in HTML.
    pub html: String,
    /// Its `Message-ID`.
    pub message_id: String,
    /// All header fields, by names in lower case, decoded.
    pub headers: std::collections::BTreeMap<String, String>,
    /// Everything, as it came.
    pub raw: String,
    /// Who logged in to send it.
    pub user: Option<String>,
}

impl MailServer {
    /// The shared one; `None` on a machine without it (never in CI).
    pub fn shared() -> Option<Self> {
        Some(Self { smtp: shared("TEST_SMTP_URL")?, http: shared("TEST_MAILS_URL")? })
    }

    /// Its address, for `SMTP_URL`.
    pub fn url(&self) -> &str {
        &self.smtp
    }

    /// The mails that it took for an address, the oldest first.
    pub async fn mails(&self, to: &str) -> Vec<Received> {
        self.ask("mails", to).await
    }

    /// The same, and those that it did not take.
    pub async fn attempts(&self, to: &str) -> Vec<Received> {
        self.ask("attempts", to).await
    }

    /// Has the next mails to an address answered like this, before they are taken.
    pub async fn answer(&self, to: &str, answers: &[&str]) {
        let request = reqwest::Client::new().put(format!("{}/answers", self.http)).query(&[("to", to)]).json(answers);
        assert!(request.send().await.expect("the mail server answers").status().is_success());
    }

    async fn ask(&self, what: &str, to: &str) -> Vec<Received> {
        let request = reqwest::Client::new().get(format!("{}/{what}", self.http)).query(&[("to", to)]);
        request.send().await.expect("the mail server answers").json().await.expect("it tells of mails in JSON")
    }
}
