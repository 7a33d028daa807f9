//! The contenders, and how their servers are started and stopped.

use std::{
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{
    dialect::Dialect,
    machine::{self, LOAD_CORE, SERVER_CORE},
    wire,
};

/// The program of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The floor: writes each message to every member, and nothing else.
    Floor {
        /// How many milliseconds messages are gathered before they are written.
        gather_ms: u64,
    },
    /// AnonChat.
    AnonChat,
    /// Node.js with `ws`.
    Ws {
        /// With seqs, validation, membership and acks.
        full: bool,
    },
    /// Node.js with Socket.IO.
    SocketIo {
        /// With seqs, validation, membership and acks.
        full: bool,
        /// How nodes communicate: `none`, `classic` or `sharded`.
        adapter: &'static str,
    },
}

/// A server that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Contender {
    /// The name in the report.
    pub name: &'static str,
    /// The program that runs.
    pub program: Program,
    /// Whether it stores messages in MongoDB.
    pub mongo: bool,
    /// Whether it runs on several nodes with Redis.
    pub redis: bool,
}

const fn contender(name: &'static str, program: Program) -> Contender {
    Contender { name, program, mongo: false, redis: false }
}

/// One `write` for each member and message.
pub const FLOOR: Contender = contender("floor", Program::Floor { gather_ms: 0 });
/// One `write` for each member and 2 ms.
pub const FLOOR_BATCH: Contender = contender("floor-batch", Program::Floor { gather_ms: 2 });
/// AnonChat on one node with SQLite.
pub const ANONCHAT: Contender = contender("anonchat", Program::AnonChat);
/// AnonChat on one node with MongoDB.
pub const ANONCHAT_MONGO: Contender = Contender { name: "anonchat-mongo", mongo: true, ..ANONCHAT };
/// AnonChat on several nodes with MongoDB and Redis.
pub const ANONCHAT_NODES: Contender = Contender { mongo: true, redis: true, ..ANONCHAT };
/// `ws` that only forwards messages.
pub const WS_MINIMAL: Contender = contender("ws-minimal", Program::Ws { full: false });
/// `ws` with the features of a chat.
pub const WS_FULL: Contender = contender("ws-full", Program::Ws { full: true });
/// `ws` with the features of a chat, storing messages in MongoDB.
pub const WS_MONGO: Contender = Contender { name: "ws-mongo", mongo: true, ..WS_FULL };
/// Socket.IO that only forwards messages.
pub const SOCKETIO_MINIMAL: Contender =
    contender("socketio-minimal", Program::SocketIo { full: false, adapter: "none" });
/// Socket.IO with the features of a chat.
pub const SOCKETIO_FULL: Contender = contender("socketio-full", Program::SocketIo { full: true, adapter: "none" });
/// Socket.IO with the features of a chat, storing messages in MongoDB.
pub const SOCKETIO_MONGO: Contender = Contender { name: "socketio-mongo", mongo: true, ..SOCKETIO_FULL };
/// Socket.IO on several nodes with the classic Redis adapter.
pub const SOCKETIO_CLASSIC: Contender = Contender {
    name: "socketio-classic",
    program: Program::SocketIo { full: true, adapter: "classic" },
    mongo: false,
    redis: true,
};
/// Socket.IO on several nodes with the sharded Redis adapter.
pub const SOCKETIO_SHARDED: Contender = Contender {
    name: "socketio-sharded",
    program: Program::SocketIo { full: true, adapter: "sharded" },
    ..SOCKETIO_CLASSIC
};

/// The paths and addresses that contenders need.
#[derive(Debug)]
pub struct Places {
    /// The root of the repository.
    pub root: PathBuf,
    /// The binary of AnonChat's server.
    pub anonchat: PathBuf,
    /// The URI of a running MongoDB, if there is one.
    pub mongo: Option<String>,
    /// The URL of a running Redis, if there is one.
    pub redis: Option<String>,
}

impl Contender {
    /// The wire protocol of the contender.
    pub fn dialect(&self) -> Dialect {
        match self.program {
            Program::AnonChat => Dialect::AnonChat,
            Program::Floor { .. } | Program::Ws { .. } => Dialect::Plain,
            Program::SocketIo { .. } => Dialect::SocketIo,
        }
    }

    /// Whether the contender acknowledges messages.
    pub fn acks(&self) -> bool {
        match self.program {
            Program::Floor { .. } => false,
            Program::AnonChat => true,
            Program::Ws { full } | Program::SocketIo { full, .. } => full,
        }
    }

    fn command(&self, places: &Places, port: u16, folder: &TempDir, run: &str) -> Result<Command> {
        let mongo = || places.mongo.clone().context("this needs MongoDB: run it with script/bench");
        let redis = || places.redis.clone().context("this needs Redis: run it with script/bench");
        let database = format!("bench{run}");
        let mut command;
        match self.program {
            Program::Floor { gather_ms } => {
                command = Command::new(std::env::current_exe()?);
                command.args(["floor", "--port", &port.to_string(), "--gather-ms", &gather_ms.to_string()]);
            }
            Program::AnonChat => {
                command = Command::new(&places.anonchat);
                command
                    .env_clear()
                    .env("LEPTOS_OUTPUT_NAME", "anonchat")
                    .env("LISTEN_ADDR", format!("127.0.0.1:{port}"))
                    .env("DATA_DIR", folder.path().join("data"))
                    .env("RATE_LIMITS", "off")
                    .env("GUEST_GRACE_SECONDS", "3600")
                    .env("LOG", "warn");
                if self.mongo {
                    command.env("MONGO_URI", mongo()?).env("MONGO_DB", database);
                }
                if self.redis {
                    command.env("REDIS_URL", redis()?).env("REDIS_PREFIX", format!("bench{run}"));
                    command.env("JWT_SECRET", "one secret that all nodes of a run know");
                }
            }
            Program::Ws { full } | Program::SocketIo { full, .. } => {
                let script = if matches!(self.program, Program::Ws { .. }) { "ws.js" } else { "socketio.js" };
                command = Command::new("node");
                command.arg(places.root.join("bench/peers").join(script));
                command.args(["--port", &port.to_string(), "--mode", if full { "full" } else { "minimal" }]);
                command.env("NODE_ENV", "production");
                if let Program::SocketIo { adapter, .. } = self.program {
                    command.args(["--adapter", adapter]);
                }
                if self.redis {
                    command.args(["--redis", &redis()?]);
                }
                if self.mongo {
                    let uri = mongo()?;
                    let (server, options) = uri.split_once('?').unwrap_or((&uri, ""));
                    command.args(["--mongo", &format!("{server}{database}?{options}")]);
                }
            }
        }
        Ok(command)
    }

    /// Starts this many nodes on the core for servers, and waits until they are ready.
    pub fn start(&self, places: &Places, nodes: usize) -> Result<Servers> {
        let run = format!("{:08x}", rand::random::<u32>());
        let folder = tempfile::tempdir()?;
        let mut servers = Servers { children: Vec::new(), addresses: Vec::new(), folder };
        for _ in 0..nodes {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let mut command = self.command(places, port, &servers.folder, &run)?;
            let log = std::fs::File::options().create(true).append(true).open(servers.folder.path().join("log"))?;
            command.current_dir(&places.root).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
            // A child process inherits the core of the thread that starts it.
            machine::pin(SERVER_CORE)?;
            let child = command.spawn().with_context(|| format!("{command:?} cannot be started"));
            machine::pin(LOAD_CORE)?;
            servers.children.push(child?);
            let door = SocketAddr::from(([127, 0, 0, 1], port));
            servers.addresses.push(door);
            let ready = if self.program == Program::AnonChat { answers(door) } else { servers.says_listening() };
            if let Err(error) = ready {
                let log = std::fs::read_to_string(servers.folder.path().join("log")).unwrap_or_default();
                return Err(error.context(format!("{} did not start: {log}", self.name)));
            }
        }
        Ok(servers)
    }
}

/// Waits until `/readyz` answers 200.
fn answers(door: SocketAddr) -> Result<()> {
    let request = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        if wire::ask(door, request, Duration::from_secs(5)).is_ok_and(|status| status == 200) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    bail!("not ready after 30 seconds")
}

/// The running servers of one contender. They are killed when this value is dropped.
#[derive(Debug)]
pub struct Servers {
    children: Vec<Child>,
    /// The addresses that they listen on.
    pub addresses: Vec<SocketAddr>,
    folder: TempDir,
}

impl Servers {
    /// The process ids of the servers.
    pub fn pids(&self) -> Vec<u32> {
        self.children.iter().map(Child::id).collect()
    }

    /// What the servers wrote to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn says_listening(&mut self) -> Result<()> {
        let child = self.children.last_mut().context("a server was started")?;
        let mut output = BufReader::new(child.stdout.take().context("its output is ours")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        if line.trim() != "listening" {
            bail!("it said “{}” where it should have said “listening”", line.trim());
        }
        // Keeps the pipe open, because a later write to a closed pipe would kill the server.
        child.stdout = Some(output.into_inner());
        Ok(())
    }

    /// Stops the servers with SIGTERM, and kills them after five seconds.
    pub fn stop(&mut self) {
        for child in &self.children {
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // The process may have exited already.
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        let deadline = Instant::now() + Duration::from_secs(5);
        for child in &mut self.children {
            while matches!(child.try_wait(), Ok(None)) {
                if Instant::now() > deadline {
                    let _ = child.kill();
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
        self.children.clear();
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.stop();
    }
}
