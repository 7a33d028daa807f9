//! [`Node`]: the server's binary as a child process, with the [`Settings`] it starts with.
//!
//! A test controls the process by signals (kill, stop, pause) and reads its log and its data folder.

use std::{
    collections::BTreeMap,
    fs::File,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;

use super::{process::Process, within};

/// The environment variables that a node starts with, and its temporary folder. Clones share the folder, so a second
/// node with a clone opens the same data.
#[derive(Clone)]
pub struct Settings {
    env: BTreeMap<String, String>,
    folder: Arc<TempDir>,
    logged: bool,
}

impl Settings {
    /// One node with SQLite and the bus of one process, in a temporary folder, without rate limits.
    pub fn embedded() -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        let data = folder.path().join("data").display().to_string();
        Self { env: BTreeMap::new(), folder, logged: false }
            .with("DATA_DIR", &data)
            .with("RATE_LIMITS", "off")
            .with("LOG", "warn")
    }

    /// Nodes that share a MongoDB and a Redis.
    pub fn cluster(mongo_uri: &str, database: &str, redis_url: &str, prefix: &str) -> Self {
        Self::embedded()
            .with("MONGO_URI", mongo_uri)
            .with("MONGO_DB", database)
            .with("REDIS_URL", redis_url)
            .with("REDIS_PREFIX", prefix)
            .with("JWT_SECRET", "one secret that all nodes of a test know")
    }

    /// Adds or replaces one environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Writes the node's log at this level into a file, which [`log`](Self::log) reads.
    #[must_use]
    pub fn logged(self, level: &str) -> Self {
        Self { logged: true, ..self.with("LOG", level) }
    }

    /// All complete lines of the log so far. The last line is cut off if the node is still writing it.
    pub fn log(&self) -> String {
        let mut log = std::fs::read(self.log_file()).expect("the node logs into a file");
        log.truncate(log.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1));
        String::from_utf8(log).expect("a log is text")
    }

    /// Runs `anonchat admin` with these settings until it exits. Returns its exit status, standard output and standard
    /// error.
    pub async fn admin(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_anonchat"));
        command.arg("admin").args(args).env_clear().envs(&self.env).current_dir(env!("CARGO_MANIFEST_DIR"));
        let ended = within("the command ends", command.stdin(Stdio::null()).kill_on_drop(true).output()).await;
        let ended = ended.expect("the command starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it speaks in text");
        (ended.status.code().expect("nothing killed it"), text(ended.stdout), text(ended.stderr))
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The folder of the embedded store.
    pub fn data_dir(&self) -> PathBuf {
        self.env["DATA_DIR"].clone().into()
    }
}

/// A running server process. It is killed when this value is dropped.
pub struct Node {
    // The first field, so that the process has ended before its folder is removed.
    process: Option<Process>,
    settings: Settings,
    address: SocketAddr,
}

impl Node {
    /// Starts a node on a free port and waits until `/readyz` answers 200.
    pub async fn start(settings: &Settings) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("a bound socket has an address");
        drop(free);
        let mut node = Self { process: None, settings: settings.clone(), address };
        node.restart().await;
        node
    }

    /// Starts a stopped node again at the same address.
    pub async fn restart(&mut self) {
        assert!(self.process.is_none(), "the node runs already");
        let mut command = Command::new(env!("CARGO_BIN_EXE_anonchat"));
        if self.settings.logged {
            let file = File::options().create(true).append(true).open(self.settings.log_file());
            command.stderr(file.expect("a file for the log"));
        }
        command
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| matches!(name.as_str(), "PATH" | "HOME" | "RUST_BACKTRACE")))
            .envs(&self.settings.env)
            .env("LISTEN_ADDR", self.address.to_string())
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null());
        self.process = Some(Process::start(&mut command));
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        within("the node is ready", async {
            loop {
                pause.tick().await;
                if let Ok(answer) = reqwest::get(self.url("/readyz")).await
                    && answer.status() == 200
                {
                    return;
                }
                let exited = self.process.as_mut().and_then(Process::ended);
                assert!(exited.is_none(), "the node stopped by itself: {exited:?}");
            }
        })
        .await;
    }

    /// Kills the process at once (SIGKILL), as a power cut would.
    pub async fn kill(&mut self) {
        self.process.take().expect("the node runs").kill().await;
    }

    /// Stops the process with SIGTERM and waits for its exit. Returns whether the exit status was 0.
    pub async fn terminate(&mut self) -> bool {
        let mut process = self.process.take().expect("the node runs");
        process.signal("TERM").await;
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        within("the node stops", async {
            loop {
                pause.tick().await;
                if let Some(status) = process.ended() {
                    return status.success();
                }
            }
        })
        .await
    }

    /// Suspends the process (SIGSTOP), like a machine that sleeps.
    pub async fn pause(&self) {
        self.process.as_ref().expect("the node runs").pause().await;
    }

    /// Continues a suspended process (SIGCONT).
    pub async fn resume(&self) {
        self.process.as_ref().expect("the node runs").resume().await;
    }

    /// The settings that the node was started with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The URL of a path on this node.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The address and port that the node listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
