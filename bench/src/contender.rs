//! Who is measured, and how its servers are started and stopped.

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

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `write` for every member, and nothing else.
    Floor {
        /// How long it gathers.
        gather_ms: u64,
    },
    /// Us.
    AnonChat,
    /// Node with `ws`.
    Ws {
        /// With seqs, validation, membership and acks.
        full: bool,
    },
    /// Node with socket.io.
    SocketIo {
        /// With seqs, validation, membership and acks.
        full: bool,
        /// How nodes speak with each other: `none`, `classic` or `sharded`.
        adapter: &'static str,
    },
}

/// Somebody who is measured.
#[derive(Clone, Copy, Debug)]
pub struct Contender {
    /// What the report calls it.
    pub name: &'static str,
    /// What runs.
    pub program: Program,
    /// On MongoDB.
    pub mongo: bool,
    /// On Redis, on several nodes.
    pub redis: bool,
}

const fn contender(name: &'static str, program: Program) -> Contender {
    Contender { name, program, mongo: false, redis: false }
}

/// One `write` a member and message.
pub const FLOOR: Contender = contender("floor", Program::Floor { gather_ms: 0 });
/// One `write` a member and 2 ms.
pub const FLOOR_BATCH: Contender = contender("floor-batch", Program::Floor { gather_ms: 2 });
/// Alone, on SQLite.
pub const ANONCHAT: Contender = contender("anonchat", Program::AnonChat);
/// Alone, on MongoDB.
pub const ANONCHAT_MONGO: Contender = Contender { name: "anonchat-mongo", mongo: true, ..ANONCHAT };
/// On several nodes.
pub const ANONCHAT_NODES: Contender = Contender { mongo: true, redis: true, ..ANONCHAT };
/// Hands on what it gets.
pub const WS_MINIMAL: Contender = contender("ws-minimal", Program::Ws { full: false });
/// A chat.
pub const WS_FULL: Contender = contender("ws-full", Program::Ws { full: true });
/// A chat that keeps what is said.
pub const WS_MONGO: Contender = Contender { name: "ws-mongo", mongo: true, ..WS_FULL };
/// Hands on what it gets.
pub const SOCKETIO_MINIMAL: Contender =
    contender("socketio-minimal", Program::SocketIo { full: false, adapter: "none" });
/// A chat.
pub const SOCKETIO_FULL: Contender = contender("socketio-full", Program::SocketIo { full: true, adapter: "none" });
/// A chat that keeps what is said.
pub const SOCKETIO_MONGO: Contender = Contender { name: "socketio-mongo", mongo: true, ..SOCKETIO_FULL };
/// On several nodes, by the classic adapter.
pub const SOCKETIO_CLASSIC: Contender = Contender {
    name: "socketio-classic",
    program: Program::SocketIo { full: true, adapter: "classic" },
    mongo: false,
    redis: true,
};
/// On several nodes, by the sharded adapter.
pub const SOCKETIO_SHARDED: Contender = Contender {
    name: "socketio-sharded",
    program: Program::SocketIo { full: true, adapter: "sharded" },
    ..SOCKETIO_CLASSIC
};

/// Where things are.
#[derive(Debug)]
pub struct Places {
    /// The checkout.
    pub root: PathBuf,
    /// AnonChat's server.
    pub anonchat: PathBuf,
    /// A MongoDB, if one runs.
    pub mongo: Option<String>,
    /// A Redis, if one runs.
    pub redis: Option<String>,
}

impl Contender {
    /// How to speak with it.
    pub fn dialect(&self) -> Dialect {
        match self.program {
            Program::AnonChat => Dialect::AnonChat,
            Program::Floor { .. } | Program::Ws { .. } => Dialect::Plain,
            Program::SocketIo { .. } => Dialect::SocketIo,
        }
    }

    /// Whether it acknowledges.
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

    /// Starts so many nodes of it on the servers' core, and waits until they are ready.
    pub fn start(&self, places: &Places, nodes: usize) -> Result<Servers> {
        let run = format!("{:08x}", rand::random::<u32>());
        let folder = tempfile::tempdir()?;
        let mut servers = Servers { children: Vec::new(), addresses: Vec::new(), folder };
        for _ in 0..nodes {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let mut command = self.command(places, port, &servers.folder, &run)?;
            let log = std::fs::File::options().create(true).append(true).open(servers.folder.path().join("log"))?;
            command.current_dir(&places.root).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
            // A child inherits the core of the thread that starts it.
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

/// Waits until the server calls itself ready.
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

/// Running servers of one contender; killed when dropped.
#[derive(Debug)]
pub struct Servers {
    children: Vec<Child>,
    /// Where they listen.
    pub addresses: Vec<SocketAddr>,
    folder: TempDir,
}

impl Servers {
    /// Their processes.
    pub fn pids(&self) -> Vec<u32> {
        self.children.iter().map(Child::id).collect()
    }

    /// What they complained about.
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
        // The pipe stays open, so that a late word does not kill the server.
        child.stdout = Some(output.into_inner());
        Ok(())
    }

    /// Asks them to stop, and insists after five seconds.
    pub fn stop(&mut self) {
        for child in &self.children {
            if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // It may have ended by itself.
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
