//! The report: makes the tables of `RESULTS.md` and the picture `results.svg` from `results.json`.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use anyhow::Result;
use plotters::prelude::*;

use crate::{
    results::{Estimate, Results, Workload},
    workloads,
};

/// A column of a workload's table.
struct Column {
    value: &'static str,
    head: &'static str,
    digits: usize,
    /// The factor for the shown value, such as 100 for percent.
    scale: f64,
    /// Also shows the value as a ratio to the floor's.
    to_floor: bool,
}

const fn column(value: &'static str, head: &'static str, digits: usize) -> Column {
    Column { value, head, digits, scale: 1.0, to_floor: false }
}

const fn percent(value: &'static str, head: &'static str) -> Column {
    Column { value, head, digits: 1, scale: 100.0, to_floor: false }
}

const fn beside_floor(value: &'static str, head: &'static str, digits: usize) -> Column {
    Column { value, head, digits, scale: 1.0, to_floor: true }
}

/// The tables of a workload: the title and columns of each.
fn tables(workload: &str) -> Vec<(&'static str, Vec<Column>)> {
    match workload {
        "W1" => vec![
            (
                "The rate is stepped up until the p99 of the deliveries is over 100 ms. CPU is the servers' for one delivery.",
                vec![
                    beside_floor("capacity", "capacity, messages/s", 0),
                    beside_floor("at50.cpu_us", "at 50/s: CPU, µs", 2),
                    column("at50.p50", "p50, ms", 1),
                    column("at50.p99", "p99, ms", 1),
                    beside_floor("at100.cpu_us", "at 100/s: CPU, µs", 2),
                    column("at100.p50", "p50, ms", 1),
                    column("at100.p99", "p99, ms", 1),
                ],
            ),
            (FAULTS, faults(&["at50", "at100"])),
        ],
        "W2" => vec![
            (
                "5,000 messages a second over all rooms.",
                vec![
                    beside_floor("at5000.cpu_us", "CPU, µs", 2),
                    column("at5000.p50", "p50, ms", 1),
                    column("at5000.p99", "p99, ms", 1),
                    column("at5000.p999", "p99.9, ms", 1),
                ],
            ),
            (FAULTS, faults(&["at5000"])),
        ],
        "W3" => vec![(
            "100 rooms of 100 members, who say nothing. Memory is what the server's processes wrote to and nobody shares, for \
             each connection, 5 seconds after the last was opened. “With its member” counts what REST made before, too.",
            vec![
                column("private_kib", "KiB for each", 1),
                column("private_kib_with_member", "with its member", 1),
                column("private_kib_later", "at the end", 1),
                column("resident_kib", "resident", 1),
                percent("idle.cpu_share", "CPU, % of a core"),
                column("idle.closed", "closed", 0),
            ],
        )],
        "W4" => vec![
            (
                "200 rooms with a history of 50 messages; 10,000 people come evenly within 5 seconds. Latency is from when \
                 somebody was due until the history was there.",
                vec![
                    column("join.per_second", "joins/s", 0),
                    column("join.per_cpu_second", "joins per CPU second", 0),
                    column("join.p50", "p50, ms", 1),
                    column("join.p99", "p99, ms", 1),
                    column("join.missing", "not in", 0),
                    percent("join.load_share", "load, % of its core"),
                ],
            ),
            (
                "The same people open their sockets again.",
                vec![
                    column("reopen.per_second", "reopened/s", 0),
                    column("reopen.per_cpu_second", "per CPU second", 0),
                    column("reopen.p50", "p50, ms", 1),
                    column("reopen.p99", "p99, ms", 1),
                    column("reopen.missing", "not in", 0),
                ],
            ),
        ],
        "W5" => vec![
            (
                "64 rooms of one member. The rate is stepped up until the p99 of the acks is over 10 ms (SQLite) or 20 ms \
                 (MongoDB). Nothing is acknowledged before it is durable. CPU is the server's for one message, without the \
                 database's.",
                vec![
                    column("capacity", "durable acks/s", 0),
                    column("at200.cpu_us", "at 200/s: CPU, µs", 0),
                    column("at200.ack_p50", "ack p50, ms", 1),
                    column("at200.ack_p99", "ack p99, ms", 1),
                    percent("at200.services_share", "databases, % of a core"),
                    column("disk.p50", "the disk alone: p50, ms", 1),
                    column("disk.p99", "p99, ms", 1),
                ],
            ),
            (FAULTS, faults(&["at200"])),
        ],
        "W6" => vec![
            (
                "30 messages a second, said on the first node; every second member is on another. Here: 2 nodes.",
                vec![
                    column("nodes2.cpu_us", "CPU, µs", 2),
                    column("nodes2.p50", "same node p50, ms", 1),
                    column("nodes2.p99", "p99, ms", 1),
                    column("nodes2.remote.p50", "other node p50, ms", 1),
                    column("nodes2.remote.p99", "p99, ms", 1),
                    percent("nodes2.services_share", "databases, % of a core"),
                ],
            ),
            (
                "3 nodes.",
                vec![
                    column("nodes3.cpu_us", "CPU, µs", 2),
                    column("nodes3.p50", "same node p50, ms", 1),
                    column("nodes3.p99", "p99, ms", 1),
                    column("nodes3.remote.p50", "other node p50, ms", 1),
                    column("nodes3.remote.p99", "p99, ms", 1),
                    percent("nodes3.services_share", "databases, % of a core"),
                ],
            ),
            (FAULTS, faults(&["nodes2", "nodes3"])),
        ],
        "W7" => vec![
            (
                "50 messages a second; then the same while 10 members read nothing. Latency is that of the others.",
                vec![
                    column("without.p50", "all read: p50, ms", 1),
                    column("without.p99", "p99, ms", 1),
                    column("with.p50", "10 stopped: p50, ms", 1),
                    column("with.p99", "p99, ms", 1),
                    column("with_to_without", "p99 to p99", 2),
                ],
            ),
            (FAULTS, faults(&["without", "with"])),
        ],
        "W8" => vec![(
            "20 messages a second go on while all sockets but the sender's are reset and opened again at once. AnonChat \
                 resumes after the last seq; the others join again and get the last 50. Latency is from when a message was \
                 said until a member had it, the cut included.",
            vec![
                column("cut.back_ms", "all back after, ms", 0),
                column("cut.open_p50", "half back after, ms", 0),
                column("cut.p99", "delivery p99, ms", 0),
                column("cut.max", "max, ms", 0),
                column("cut.missing", "lost", 0),
                column("cut.doubled", "doubled", 0),
                column("cut.disorder", "out of order", 0),
                column("cut.not_back", "not back", 0),
            ],
        )],
        "W9" => vec![
            (
                "50 messages a second; then the same while 200 people log in with their password at once.",
                vec![
                    column("without.p50", "alone: p50, ms", 1),
                    column("without.p99", "p99, ms", 1),
                    column("with.p50", "in the crowd: p50, ms", 1),
                    column("with.p99", "p99, ms", 1),
                    column("with_to_without", "p99 to p99", 2),
                    column("with.logged_in", "logged in", 0),
                    column("with.waiting", "of them later", 0),
                ],
            ),
            (FAULTS, faults(&["without", "with"])),
        ],
        _ => Vec::new(),
    }
}

const FAULTS: &str = "Was it all there, and was the load itself the limit?";

fn faults(phases: &[&'static str]) -> Vec<Column> {
    let heads: &[(&str, &str, bool)] = &[
        ("missing", "missing", false),
        ("doubled", "doubled", false),
        ("disorder", "out of order", false),
        ("closed", "closed", false),
        ("load_share", "load, % of its core", true),
    ];
    let mut columns = Vec::new();
    for phase in phases {
        for (index, (value, head, share)) in heads.iter().enumerate() {
            let head = if index == 0 && phases.len() > 1 { format!("{phase}: {head}") } else { (*head).to_owned() };
            columns.push(Column {
                value: format!("{phase}.{value}").leak(),
                head: head.leak(),
                digits: 0,
                scale: if *share { 100.0 } else { 1.0 },
                to_floor: false,
            });
        }
    }
    columns
}

/// What a goal requires of a value.
enum Bar {
    /// At most this multiple of the best of these contenders.
    AtMost(f64, &'static [&'static str]),
    /// At least this multiple of the best of these contenders.
    AtLeast(f64, &'static [&'static str]),
    /// At most this value.
    Below(f64),
    /// At least this value.
    Above(f64),
}

struct Goal {
    workload: &'static str,
    text: &'static str,
    contender: &'static str,
    value: &'static str,
    bar: Bar,
}

const FLOOR: &[&str] = &["floor"];
const WS: &[&str] = &["ws-minimal"];
const SOCKETIO: &[&str] = &["socketio-full"];
const ON_MONGO: &[&str] = &["ws-mongo", "socketio-mongo"];

/// The performance goals of AnonChat.
const GOALS: &[Goal] = &[
    goal("W1", "CPU a delivery at 50/s, against the floor’s", "at50.cpu_us", Bar::AtMost(1.35, FLOOR)),
    goal("W1", "p99 at 50/s, against the floor’s", "at50.p99", Bar::AtMost(1.5, FLOOR)),
    goal("W1", "Capacity, against a relay with ws", "capacity", Bar::AtLeast(1.5, WS)),
    goal("W1", "CPU a delivery at 50/s, against a chat with Socket.IO", "at50.cpu_us", Bar::AtMost(0.45, SOCKETIO)),
    goal("W3", "KiB of memory a connection", "private_kib", Bar::Below(6.0)),
    goal("W4", "Joins a CPU second, against a chat with Socket.IO", "join.per_cpu_second", Bar::AtLeast(4.0, SOCKETIO)),
    goal(
        "W4",
        "Reopened sockets a CPU second, against Socket.IO’s joins",
        "reopen.per_cpu_second=join.per_cpu_second",
        Bar::AtLeast(4.0, SOCKETIO),
    ),
    goal("W5", "SQLite: durable acks a second with a p99 of at most 10 ms", "capacity", Bar::Above(20_000.0)),
    Goal {
        contender: "anonchat-mongo",
        ..goal("W5", "MongoDB: durable acks a second, against mongoose", "capacity", Bar::AtLeast(3.0, ON_MONGO))
    },
    goal("W6", "2 nodes: p99 on the other node over the same node’s, ms", "nodes2.further_ms", Bar::Below(5.0)),
    goal("W6", "3 nodes: p99 on the other nodes over the same node’s, ms", "nodes3.further_ms", Bar::Below(5.0)),
    goal("W7", "p99 beside readers that stop, against without", "with_to_without", Bar::Below(1.1)),
    goal("W8", "Lost", "cut.missing", Bar::Below(0.0)),
    goal("W8", "Doubled", "cut.doubled", Bar::Below(0.0)),
    goal("W9", "p99 beside 200 people who log in, against without", "with_to_without", Bar::Below(2.0)),
];

const fn goal(workload: &'static str, text: &'static str, value: &'static str, bar: Bar) -> Goal {
    Goal { workload, text, contender: "anonchat", value, bar }
}

/// Writes `RESULTS.md` and `results.svg` into a folder.
pub fn write(folder: &Path, results: &Results) -> Result<()> {
    fs::write(folder.join("RESULTS.md"), markdown(results)?)?;
    picture(&folder.join("results.svg"), results)
}

fn markdown(results: &Results) -> Result<String> {
    let mut text = String::from(
        "# Results\n\nWritten by `script/bench` from `results.json`; [README.md](README.md) says what is measured and how. Every \
         figure is the median over the rounds, with the 95 % interval of a bootstrap beneath; “× floor” compares with the \
         floor of the same round.\n\n![The workloads in one picture](results.svg)\n",
    );
    write_goals(&mut text, results)?;
    for known in workloads::ALL {
        let Some(workload) = results.workloads.get(known.name) else { continue };
        write!(text, "\n## {}: {}\n\n{}\n", known.name, known.title, provenance(workload))?;
        for (about, columns) in tables(known.name) {
            write_table(&mut text, workload, about, &columns)?;
        }
        write_notes(&mut text, workload)?;
    }
    text.push_str("\n## The machine\n");
    // Most workloads were measured on the same machine with the same versions, which are then listed once.
    let mut seen: Vec<(BTreeMap<String, String>, Vec<&str>)> = Vec::new();
    for (name, workload) in &results.workloads {
        let mut all = workload.machine.clone();
        all.extend(workload.versions.clone());
        match seen.iter_mut().find(|(known, _)| *known == all) {
            Some((_, names)) => names.push(name),
            None => seen.push((all, vec![name])),
        }
    }
    for (facts, names) in seen {
        write!(text, "\n{}:\n\n", names.join(", "))?;
        for (name, value) in facts {
            writeln!(text, "- {name}: {value}")?;
        }
    }
    Ok(text)
}

fn provenance(workload: &Workload) -> String {
    let thrown = workload.rounds.len() - workload.kept().count();
    let count = workload.kept().count();
    let mut text = format!(
        "{} UTC, commit {}{}: {count} round{} kept",
        workload.date,
        workload.commit,
        if workload.short { ", `--short`" } else { "" },
        if count == 1 { "" } else { "s" }
    );
    if thrown > 0 {
        let _ = write!(text, ", {thrown} thrown away because the host took more than 2 % of the CPU");
    }
    let mut elsewhere: Vec<f64> = workload
        .kept()
        .flat_map(|round| round.contenders.values())
        .flatten()
        .filter(|(name, _)| name.ends_with(".elsewhere_share"))
        .map(|(_, share)| *share)
        .collect();
    elsewhere.sort_by(f64::total_cmp);
    if let (Some(middle), Some(most)) = (elsewhere.get(elsewhere.len() / 2), elsewhere.last()) {
        let _ = write!(text, ". Other programs used {middle:.2} cores meanwhile (median; {most:.2} at most)");
        if *middle > 0.1 {
            text.push_str(", so **the machine was not quiet**");
        }
    }
    text.push('.');
    text
}

fn write_table(text: &mut String, workload: &Workload, about: &str, columns: &[Column]) -> Result<()> {
    let contenders: Vec<String> = workload
        .contenders()
        .into_iter()
        .filter(|name| columns.iter().any(|column| workload.estimate(name, column.value).is_some()))
        .collect();
    if contenders.is_empty() {
        return Ok(());
    }
    write!(text, "\n{about}\n\n|")?;
    for column in columns {
        write!(text, " | {}", column.head)?;
    }
    writeln!(text, " |\n|---{}|", "|--:".repeat(columns.len()))?;
    for name in contenders {
        write!(text, "| {name}")?;
        for column in columns {
            let Some(estimate) = workload.estimate(&name, column.value) else {
                text.push_str(" | –");
                continue;
            };
            write!(text, " | {}", shown(estimate, column))?;
            if column.to_floor
                && name != "floor"
                && let Some(ratio) = workload.ratio(&name, "floor", column.value)
            {
                write!(text, "<br>{:.2} × floor", ratio.median)?;
            }
        }
        text.push_str(" |\n");
    }
    Ok(())
}

fn shown(estimate: Estimate, column: &Column) -> String {
    let number = |value: f64| format!("{:.*}", column.digits, value * column.scale);
    let (median, low, high) = (number(estimate.median), number(estimate.low), number(estimate.high));
    if low == high { median } else { format!("**{median}**<br>{low}–{high}") }
}

fn write_notes(text: &mut String, workload: &Workload) -> Result<()> {
    let notes: Vec<&String> = workload.kept().flat_map(|round| &round.notes).collect();
    if notes.is_empty() {
        return Ok(());
    }
    write!(text, "\n<details><summary>What went wrong in the rounds ({})</summary>\n\n", notes.len())?;
    for note in notes {
        writeln!(text, "- {}", note.replace(['\n', '\r', '<', '>', '|'], " "))?;
    }
    text.push_str("\n</details>\n");
    Ok(())
}

fn write_goals(text: &mut String, results: &Results) -> Result<()> {
    let mut rows = String::new();
    for goal in GOALS {
        let Some(workload) = results.workloads.get(goal.workload) else { continue };
        // `own=theirs` compares a value with another value of the peers.
        let (own, theirs) = goal.value.split_once('=').unwrap_or((goal.value, goal.value));
        let Some(value) = workload.estimate(goal.contender, own) else { continue };
        let best = |names: &[&str], better: fn(f64, f64) -> f64| {
            let values = names.iter().filter_map(|name| Some(workload.estimate(name, theirs)?.median));
            values.reduce(better)
        };
        let (bar, reached) = match goal.bar {
            Bar::AtMost(share, names) => {
                let Some(best) = best(names, f64::min) else { continue };
                (format!("≤ {}", short(best * share)), value.median <= best * share)
            }
            Bar::AtLeast(times, names) => {
                let Some(best) = best(names, f64::max) else { continue };
                (format!("≥ {}", short(best * times)), value.median >= best * times)
            }
            Bar::Above(least) => (format!("≥ {}", short(least)), value.median >= least),
            Bar::Below(most) => (format!("≤ {}", short(most)), value.median <= most),
        };
        let verdict = if reached { "reached" } else { "**not reached**" };
        writeln!(rows, "| {} | {} | {bar} | {} | {verdict} |", goal.workload, goal.text, short(value.median))?;
    }
    if !rows.is_empty() {
        write!(text, "\n## Goals\n\n| | goal | bar | AnonChat | |\n|---|---|--:|--:|---|\n{rows}")?;
    }
    Ok(())
}

/// A number with three significant digits.
fn short(value: f64) -> String {
    let digits = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$}")
}

/// The panels of the picture: workload, value and title.
const PANELS: &[(&str, &str, &str)] = &[
    ("W1", "capacity", "W1 capacity, messages/s (more is better)"),
    ("W1", "at50.cpu_us", "W1 CPU for a delivery, µs (less is better)"),
    ("W2", "at5000.cpu_us", "W2 CPU for a delivery, µs (less is better)"),
    ("W3", "private_kib", "W3 memory for a connection, KiB (less is better)"),
    ("W4", "join.per_cpu_second", "W4 joins per CPU second (more is better)"),
    ("W5", "capacity", "W5 durable acks/s (more is better)"),
    ("W6", "nodes2.remote.p99", "W6 p99 on the other node, ms (less is better)"),
    ("W7", "with.p99", "W7 p99 beside stopped readers, ms (less is better)"),
    ("W8", "cut.back_ms", "W8 all back after, ms (less is better)"),
];
const PANEL: (i32, i32) = (470, 250);

fn picture(path: &Path, results: &Results) -> Result<()> {
    let panels: Vec<_> = PANELS
        .iter()
        .filter_map(|(name, value, title)| {
            let workload = results.workloads.get(*name)?;
            let bars: Vec<(String, Estimate)> = workload
                .contenders()
                .into_iter()
                .filter_map(|contender| workload.estimate(&contender, value).map(|estimate| (contender, estimate)))
                .collect();
            (!bars.is_empty()).then_some((*title, bars))
        })
        .collect();
    let rows = panels.len().div_ceil(2).max(1) as i32;
    let size = (2 * PANEL.0 as u32, (rows * PANEL.1) as u32);
    let root = SVGBackend::new(path, size).into_drawing_area();
    root.fill(&WHITE)?;
    for (index, (title, bars)) in panels.iter().enumerate() {
        let (x, y) = (index as i32 % 2 * PANEL.0, index as i32 / 2 * PANEL.1);
        root.draw(&Text::new(*title, (x + 12, y + 12), ("sans-serif", 15).into_font()))?;
        let most = bars.iter().map(|(_, estimate)| estimate.high).fold(f64::MIN_POSITIVE, f64::max);
        let step = ((PANEL.1 - 50) / bars.len() as i32).min(34);
        for (row, (name, estimate)) in bars.iter().enumerate() {
            let top = y + 40 + row as i32 * step;
            let at = |value: f64| x + 135 + (value / most * 260.0) as i32;
            let color = if name.starts_with("anonchat") {
                RGBColor(0x0f, 0x76, 0x6e)
            } else if name.starts_with("floor") {
                RGBColor(0xc8, 0xcd, 0xd3)
            } else {
                RGBColor(0x8a, 0x9b, 0xb0)
            };
            root.draw(&Text::new(name.as_str(), (x + 12, top + step / 2 - 10), ("sans-serif", 13).into_font()))?;
            let bar = [(x + 135, top), (at(estimate.median), top + step - 8)];
            root.draw(&Rectangle::new(bar, color.filled()))?;
            let middle = top + (step - 8) / 2;
            root.draw(&PathElement::new(vec![(at(estimate.low), middle), (at(estimate.high), middle)], BLACK))?;
            let label = short(estimate.median);
            let place = (at(estimate.high) + 6, middle - 6);
            root.draw(&Text::new(label, place, ("sans-serif", 13).into_font()))?;
        }
    }
    root.present()?;
    Ok(())
}
