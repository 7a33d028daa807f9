//! Measures AnonChat side by side with its peers. `README.md` says what is measured and how; `script/bench` runs it.

mod contender;
mod dialect;
mod floor;
mod machine;
mod report;
mod results;
mod swarm;
mod wire;
mod workloads;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use contender::{Contender, Places};
use rand::seq::SliceRandom;
use results::{Results, Round};

/// A round does not count if the host took more than this share of the CPU time (steal).
const STEAL: f64 = 0.02;

/// Measures AnonChat side by side with its peers.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Runs the floor: a server that only forwards messages.
    Floor {
        /// The port on 127.0.0.1.
        #[arg(long)]
        port: u16,
        /// How many milliseconds messages are gathered before they are written.
        #[arg(long, default_value_t = 0)]
        gather_ms: u64,
    },
    /// Measures, and writes the report.
    Run(Run),
    /// Writes the report again from `results.json`.
    Report {
        /// The folder of `results.json`.
        #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR")))]
        folder: PathBuf,
    },
}

#[derive(clap::Args)]
struct Run {
    /// Which workloads, such as W1 W3; all if none is named.
    workloads: Vec<String>,
    /// Runs three shorter rounds.
    #[arg(long)]
    short: bool,
    /// The number of rounds.
    #[arg(long)]
    rounds: Option<usize>,
    /// Only these contenders, such as floor,anonchat,ws; a name stands for all that start with it.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The binary of AnonChat's server.
    #[arg(long, env = "ANONCHAT_BIN")]
    anonchat: PathBuf,
    /// The folder for `results.json`, `RESULTS.md` and `results.svg`.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR")))]
    folder: PathBuf,
    /// The URI of a MongoDB (a replica set).
    #[arg(long, env = "TEST_MONGO_URI", hide_env_values = true)]
    mongo: Option<String>,
    /// The URL of a Redis.
    #[arg(long, env = "TEST_REDIS_URL", hide_env_values = true)]
    redis: Option<String>,
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Floor { port, gather_ms } => floor::serve(port, gather_ms),
        Task::Run(run) => measure(&run),
        Task::Report { folder } => report::write(&folder, &Results::load(&folder.join("results.json"))?),
    }
}

fn is_chosen(only: &[String], contender: &Contender) -> bool {
    only.is_empty()
        || only.iter().any(|name| {
            contender.name.strip_prefix(name.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
}

fn measure(run: &Run) -> Result<()> {
    machine::raise_file_limit()?;
    machine::pin(machine::LOAD_CORE)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate lies in the checkout")?;
    let anonchat = run.anonchat.canonicalize().with_context(|| format!("no server at {}", run.anonchat.display()))?;
    let places = Places { root: root.to_owned(), anonchat, mongo: run.mongo.clone(), redis: run.redis.clone() };
    let services = machine::siblings(&["mongod", "redis-server"]);
    for name in &run.workloads {
        if !workloads::ALL.iter().any(|workload| workload.name.eq_ignore_ascii_case(name)) {
            bail!("there is no workload {name}");
        }
    }
    let path = run.folder.join("results.json");
    for workload in workloads::ALL {
        if !run.workloads.is_empty() && !run.workloads.iter().any(|name| workload.name.eq_ignore_ascii_case(name)) {
            continue;
        }
        let contenders: Vec<&Contender> =
            workload.contenders.iter().filter(|contender| is_chosen(&run.only, contender)).collect();
        let wanted = run.rounds.unwrap_or(if run.short { workload.rounds.1 } else { workload.rounds.0 });
        let mut done = results::Workload {
            date: words(&places.root, "date", &["-u", "+%Y-%m-%d %H:%M"]),
            commit: commit(&places.root),
            machine: machine::describe(),
            versions: versions(&places.root),
            short: run.short,
            rounds: Vec::new(),
        };
        // A round that does not count is repeated, but not without end.
        while done.kept().count() < wanted && done.rounds.len() < wanted + wanted.div_ceil(2) {
            let mut order = contenders.clone();
            order.shuffle(&mut rand::rng());
            let mut round = Round { kept: true, ..Round::default() };
            for contender in order {
                eprintln!("==> {} round {} of {wanted}: {}", workload.name, done.rounds.len() + 1, contender.name);
                let stage = workloads::measure(workload, contender, &places, &services, run.short)?;
                for (name, value) in &stage.values {
                    eprintln!("    {name:<24} {value:.3}");
                }
                for note in &stage.notes {
                    eprintln!("    ! {note}");
                }
                round.order.push(contender.name.to_owned());
                round.steal = round.steal.max(stage.steal);
                round.contenders.insert(contender.name.to_owned(), stage.values);
                round.notes.extend(stage.notes);
            }
            round.kept = round.steal <= STEAL;
            done.rounds.push(round);
            let mut results = Results::load(&path)?;
            results.workloads.insert(workload.name.to_owned(), done.clone());
            results.save(&path)?;
            report::write(&run.folder, &results)?;
        }
    }
    Ok(())
}

/// The first line of a command's output. Empty if the command fails.
fn words(root: &Path, command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).current_dir(root).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn commit(root: &Path) -> String {
    let commit = words(root, "git", &["rev-parse", "--short", "HEAD"]);
    let changed = words(root, "git", &["status", "--porcelain", "--", "src", "Cargo.toml", "Cargo.lock"]);
    format!("{commit}{}", if changed.is_empty() { "" } else { "+" })
}

fn versions(root: &Path) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::from([
        ("rustc".to_owned(), words(root, "rustc", &["--version"])),
        ("Node".to_owned(), words(root, "node", &["--version"])),
    ]);
    for (name, variable) in [("MongoDB", "ANONCHAT_MONGOD"), ("Redis", "ANONCHAT_REDIS_SERVER")] {
        if let Ok(program) = std::env::var(variable)
            && !program.is_empty()
        {
            versions.insert(name.to_owned(), words(root, &program, &["--version"]));
        }
    }
    let lock = std::fs::read(root.join("bench/peers/package-lock.json")).unwrap_or_default();
    let lock: serde_json::Value = serde_json::from_slice(&lock).unwrap_or_default();
    for package in ["ws", "socket.io", "mongoose", "@socket.io/redis-adapter"] {
        if let Some(version) = lock["packages"][format!("node_modules/{package}")]["version"].as_str() {
            versions.insert(package.to_owned(), version.to_owned());
        }
    }
    versions
}
