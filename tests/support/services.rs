//! MongoDB and Redis as processes of a test's own, to be killed, and those that `script/test` runs for all.

use std::{net::TcpListener, process::Stdio};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{node::signal, poll_until};

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("a bound socket has an address").port()
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

/// A redis-server of a test's own. With `persist`, a restart keeps what it had.
pub struct Redis {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Redis {
    /// Starts one; `None` on a machine without it (never in CI).
    pub async fn start() -> Option<Self> {
        shared_redis()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut redis = Self { folder, port: free_port(), process: None };
        redis.restart().await;
        Some(redis)
    }

    /// Starts it again.
    pub async fn restart(&mut self) {
        let process = Command::new(program("ANONCHAT_REDIS_SERVER", "redis-server"))
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
            ])
            .arg("--dir")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server starts");
        self.process = Some(process);
        listens(self.port).await;
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
