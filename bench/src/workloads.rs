//! The workloads W1 to W9. Each starts the servers of a contender, measures them, and records values by name.
//!
//! `README.md` describes the load of each. The table of all workloads is [`ALL`], and [`Stage`] has the helpers that
//! they share.

use std::{collections::BTreeMap, io::Write, ops::Range, thread, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use thread_priority::{
    NormalThreadSchedulePolicy::Idle, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
    thread_native_id,
};

use crate::{
    contender::{
        ANONCHAT, ANONCHAT_MONGO, ANONCHAT_NODES, Contender, FLOOR, FLOOR_BATCH, Places, SOCKETIO_CLASSIC,
        SOCKETIO_FULL, SOCKETIO_MINIMAL, SOCKETIO_MONGO, SOCKETIO_SHARDED, Servers, WS_FULL, WS_MINIMAL, WS_MONGO,
    },
    dialect,
    machine::{self, CpuMeter, MachineTimes},
    results::Values,
    swarm::{Action, Opening, Swarm, Tally, percentile},
    wire,
};

/// A workload: its name, its contenders and its measurement.
pub struct Workload {
    /// The name, such as `W1`.
    pub name: &'static str,
    /// A title for the report, one line.
    pub title: &'static str,
    /// The contenders that take part.
    pub contenders: &'static [Contender],
    /// The number of rounds by default, and with `--short`.
    pub rounds: (usize, usize),
    measure: fn(&mut Stage) -> Result<()>,
}

/// All workloads.
pub const ALL: &[Workload] = &[
    Workload {
        name: "W1",
        title: "One room of 1,000 members",
        contenders: &[FLOOR, FLOOR_BATCH, ANONCHAT, WS_MINIMAL, WS_FULL, SOCKETIO_MINIMAL, SOCKETIO_FULL],
        rounds: (10, 3),
        measure: one_room,
    },
    Workload {
        name: "W2",
        title: "1,000 rooms of 2 members",
        contenders: &[FLOOR, FLOOR_BATCH, ANONCHAT, WS_MINIMAL, WS_FULL, SOCKETIO_MINIMAL, SOCKETIO_FULL],
        rounds: (10, 3),
        measure: many_rooms,
    },
    Workload {
        name: "W3",
        title: "10,000 idle connections",
        contenders: &[FLOOR, ANONCHAT, WS_FULL, SOCKETIO_FULL],
        // Few rounds: one takes two minutes, and memory hardly differs between them.
        rounds: (3, 1),
        measure: idle,
    },
    Workload {
        name: "W4",
        title: "10,000 joins in 5 seconds",
        contenders: &[ANONCHAT, WS_FULL, SOCKETIO_FULL],
        rounds: (10, 3),
        measure: joins,
    },
    Workload {
        name: "W5",
        title: "Preserved messages, acknowledged when durable",
        contenders: &[ANONCHAT, ANONCHAT_MONGO, WS_MONGO, SOCKETIO_MONGO],
        rounds: (10, 3),
        measure: durable,
    },
    Workload {
        name: "W6",
        title: "One room of 1,000 members over 2 and 3 nodes",
        contenders: &[ANONCHAT_NODES, SOCKETIO_CLASSIC, SOCKETIO_SHARDED],
        rounds: (10, 3),
        measure: nodes,
    },
    Workload {
        name: "W7",
        title: "One room of 1,000 members, of whom 10 stop reading",
        contenders: &[FLOOR, ANONCHAT, WS_FULL, SOCKETIO_FULL],
        rounds: (10, 3),
        measure: stopped_readers,
    },
    Workload {
        name: "W8",
        title: "1,000 sockets cut at once",
        contenders: &[ANONCHAT, WS_FULL, SOCKETIO_FULL],
        rounds: (10, 3),
        measure: cut,
    },
    Workload {
        name: "W9",
        title: "One room of 100 members while 200 people log in",
        contenders: &[ANONCHAT],
        rounds: (10, 3),
        measure: crowd,
    },
];

/// The account that logs in during W9.
const PERSON: &str = r#"{"name":"Ada","email":"ada@example.org","password":"nine purple lanterns"}"#;
const CREDENTIALS: &str = r#"{"email":"ada@example.org","password":"nine purple lanterns"}"#;
const CROWD: usize = 200;

/// The highest rates to try. With a thousand readers only the floor that batches reaches the first.
const MOST_SAID: f64 = 3_000.0;
const MOST_KEPT: f64 = 100_000.0;

/// The contender that is measured, its environment, and the values found so far.
pub struct Stage<'a> {
    contender: &'a Contender,
    places: &'a Places,
    services: &'a BTreeMap<String, u32>,
    short: bool,
    /// The measured values by name.
    pub values: Values,
    /// Descriptions of what went wrong.
    pub notes: Vec<String>,
    /// The largest share of CPU time in any phase that the host took from this virtual machine (steal).
    pub steal: f64,
}

/// Measures one contender once.
pub fn measure<'a>(
    workload: &Workload,
    contender: &'a Contender,
    places: &'a Places,
    services: &'a BTreeMap<String, u32>,
    short: bool,
) -> Result<Stage<'a>> {
    let mut stage = Stage { contender, places, services, short, values: Values::new(), notes: Vec::new(), steal: 0.0 };
    (workload.measure)(&mut stage).with_context(|| format!("{} {}", workload.name, contender.name))?;
    Ok(stage)
}

/// CPU times at the beginning of a phase.
struct Meter {
    servers: CpuMeter,
    services: CpuMeter,
    own: CpuMeter,
    machine: MachineTimes,
    started: u64,
}

impl Stage<'_> {
    fn swarm(&self, servers: &Servers) -> Result<Swarm> {
        Swarm::new(&servers.addresses, self.contender.dialect(), self.contender.acks())
    }

    fn set(&mut self, name: impl Into<String>, value: f64) {
        self.values.insert(name.into(), value);
    }

    fn meter(&self, servers: &Servers) -> Result<Meter> {
        let services: Vec<u32> = self.services.values().copied().collect();
        Ok(Meter {
            servers: CpuMeter::start(&servers.pids()),
            services: CpuMeter::start(&services),
            own: CpuMeter::start(&[std::process::id()]),
            machine: MachineTimes::read()?,
            started: machine::now(),
        })
    }

    /// Records the CPU use and the duration of a phase. Returns the CPU seconds of the servers.
    fn cost(&mut self, meter: &Meter, phase: &str) -> Result<f64> {
        let wall = (machine::now() - meter.started) as f64 / 1e9;
        let (servers, services, own) = (meter.servers.seconds(), meter.services.seconds(), meter.own.seconds());
        let (steal, all) = MachineTimes::read()?.since(meter.machine);
        self.steal = self.steal.max(steal);
        self.set(format!("{phase}.cpu_share"), servers / wall);
        self.set(format!("{phase}.services_share"), services / wall);
        self.set(format!("{phase}.elsewhere_share"), ((all - servers - services - own) / wall).max(0.0));
        self.set(format!("{phase}.steal"), steal);
        Ok(servers)
    }

    /// Runs actions as a phase, and records its latencies and its cost.
    fn phase(
        &mut self,
        phase: &str,
        servers: &Servers,
        swarm: &mut Swarm,
        actions: &[(u64, Action)],
        patience: f64,
    ) -> Result<()> {
        let meter = self.meter(servers)?;
        swarm.run(actions, patience)?;
        let cpu = self.cost(&meter, phase)?;
        let tally = &swarm.tally;
        if !tally.is_clean() {
            let log = servers.log();
            let log = log.lines().last().unwrap_or_default();
            self.notes.push(format!("{} {phase}: {} {log}", self.contender.name, tally.faults()));
        }
        if tally.delivered > 0 {
            self.set(format!("{phase}.cpu_us"), cpu * 1e6 / tally.delivered as f64);
        }
        for (class, delivery) in tally.delivery.iter().enumerate().filter(|(_, delivery)| !delivery.is_empty()) {
            let prefix = if class == 0 { phase.to_owned() } else { format!("{phase}.remote") };
            for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)] {
                self.set(format!("{prefix}.{name}"), percentile(delivery, share));
            }
        }
        if !tally.ack.is_empty() {
            self.set(format!("{phase}.ack_p50"), percentile(&tally.ack, 0.5));
            self.set(format!("{phase}.ack_p99"), percentile(&tally.ack, 0.99));
        }
        self.set(format!("{phase}.load_share"), tally.load_share());
        self.set(format!("{phase}.missing"), tally.missing as f64);
        self.set(format!("{phase}.doubled"), tally.doubled as f64);
        self.set(format!("{phase}.disorder"), tally.disorder as f64);
        self.set(format!("{phase}.closed"), tally.closed as f64);
        Ok(())
    }

    /// Records the ratio of the p99 of phase "with" to that of phase "without".
    fn compare_with_without(&mut self) {
        self.set("with_to_without", self.values["with.p99"] / self.values["without.p99"]);
    }

    /// Raises the rate step by step until `judge` (a p99 in milliseconds) exceeds the limit in every one of `tries`
    /// attempts. Then narrows the rate down twice. Returns the highest rate that was kept up.
    fn capacity(&mut self, swarm: &mut Swarm, steps: Steps, judge: fn(&Tally) -> f64) -> Result<f64> {
        let Steps { rates, factor, seconds, tries, limit_ms } = steps;
        let everybody: Vec<usize> = (0..swarm.clients.len()).collect();
        let (mut good, mut bad) = (0.0, f64::INFINITY);
        let mut rate = rates.start;
        while rate <= rates.end {
            let mut kept_up = false;
            for _ in 0..tries {
                let actions = swarm.steady(rate, seconds);
                swarm.run(&actions, 3.0)?;
                let tally = &swarm.tally;
                let p99 = judge(tally);
                kept_up = p99 <= limit_ms && tally.is_clean();
                eprintln!("    {rate:>8.0}/s: p99 {p99:.1} ms{}", if tally.is_clean() { "" } else { ", not clean" });
                if kept_up {
                    self.set("capacity.load_share", tally.load_share());
                    break;
                }
                if tally.load_share() > 0.95 {
                    self.notes.push(format!("{}: the load used its whole core at {rate:.0}/s", self.contender.name));
                    self.set("load_saturated", 1.0);
                }
                // New sockets, so that a backlog of the last step does not affect the next one.
                swarm.close_all();
                swarm.open_all(&everybody, Opening::Follow, 64)?;
            }
            if kept_up {
                good = rate;
            } else {
                bad = bad.min(rate);
            }
            if bad.is_infinite() {
                rate = good * factor;
            } else if bad / good.max(1.0) < 1.0 + (factor - 1.0) / 3.0 || bad < rates.start / 8.0 {
                break;
            } else {
                rate = if good > 0.0 { (good * bad).sqrt() } else { bad / 2.0 };
            }
        }
        Ok(good)
    }
}

/// The parameters of a search for the capacity.
struct Steps {
    /// The first rate and the upper bound, in messages a second.
    rates: Range<f64>,
    /// The factor from one rate to the next.
    factor: f64,
    /// The duration of a step.
    seconds: f64,
    /// How many attempts a rate gets before it counts as too high.
    tries: usize,
    /// The highest acceptable latency in milliseconds.
    limit_ms: f64,
}

fn p99(tally: &Tally) -> f64 {
    percentile(&tally.delivery[0], 0.99)
}

/// The servers of a contender and a swarm whose sockets follow one room.
fn open_room(stage: &Stage, members: usize, nodes: usize) -> Result<(Servers, Swarm)> {
    let servers = stage.contender.start(stage.places, nodes)?;
    let mut swarm = stage.swarm(&servers)?;
    let room = swarm.add_room(members);
    if nodes > 1 {
        // Every second member is on another node. The members who send are on the first.
        for (index, client) in swarm.clients.iter_mut().enumerate().filter(|(index, _)| index % 2 == 1) {
            client.node = 1 + index / 2 % (nodes - 1);
            client.class = 1;
        }
        swarm.rooms[room].senders.retain(|sender| sender % 2 == 0);
    }
    swarm.prepare(false)?;
    let everybody: Vec<usize> = (0..members).collect();
    swarm.open_all(&everybody, Opening::Follow, 64)?;
    let warm = swarm.steady(25.0, 2.0);
    swarm.run(&warm, 5.0)?;
    Ok((servers, swarm))
}

fn one_room(stage: &mut Stage) -> Result<()> {
    let (servers, mut swarm) = open_room(stage, 1_000, 1)?;
    for rate in [50, 100] {
        let actions = swarm.steady(f64::from(rate), 8.0);
        stage.phase(&format!("at{rate}"), &servers, &mut swarm, &actions, 5.0)?;
    }
    let steps = Steps { rates: 130.0..MOST_SAID, factor: 1.3, seconds: 4.0, tries: 1, limit_ms: 100.0 };
    let capacity = stage.capacity(&mut swarm, steps, p99)?;
    stage.set("capacity", capacity);
    Ok(())
}

fn many_rooms(stage: &mut Stage) -> Result<()> {
    let servers = stage.contender.start(stage.places, 1)?;
    let mut swarm = stage.swarm(&servers)?;
    for _ in 0..1_000 {
        swarm.add_room(2);
    }
    swarm.prepare(false)?;
    let everybody: Vec<usize> = (0..2_000).collect();
    swarm.open_all(&everybody, Opening::Follow, 64)?;
    let warm = swarm.steady(1_000.0, 1.0);
    swarm.run(&warm, 5.0)?;
    let actions = swarm.steady(5_000.0, 8.0);
    stage.phase("at5000", &servers, &mut swarm, &actions, 5.0)
}

fn idle(stage: &mut Stage) -> Result<()> {
    let servers = stage.contender.start(stage.places, 1)?;
    let mut swarm = stage.swarm(&servers)?;
    for _ in 0..100 {
        swarm.add_room(100);
    }
    let bare = machine::memory(&servers.pids())?;
    swarm.prepare(false)?;
    let prepared = machine::memory(&servers.pids())?;
    let everybody: Vec<usize> = (0..swarm.clients.len()).collect();
    swarm.open_all(&everybody, Opening::Follow, 64)?;
    swarm.idle(5.0)?;
    let open = machine::memory(&servers.pids())?;
    let each = |after: u64, before: u64| after.saturating_sub(before) as f64 / 1024.0 / everybody.len() as f64;
    stage.set("private_kib", each(open.0, prepared.0));
    stage.set("resident_kib", each(open.1, prepared.1));
    stage.set("private_kib_with_member", each(open.0, bare.0));
    let meter = stage.meter(&servers)?;
    swarm.idle(if stage.short { 40.0 } else { 120.0 })?;
    stage.cost(&meter, "idle")?;
    stage.set("idle.closed", swarm.tally.closed as f64);
    let later = machine::memory(&servers.pids())?;
    stage.set("private_kib_later", each(later.0, prepared.0));
    Ok(())
}

/// Opens the connections of these people within five seconds, one after another at even distances.
fn arrivals(people: &[usize], opening: Opening) -> Vec<(u64, Action)> {
    let at = |index: usize| (index as f64 / people.len() as f64 * 5e9) as u64;
    people.iter().enumerate().map(|(index, &person)| (at(index), Action::Open(person, opening))).collect()
}

fn joins(stage: &mut Stage) -> Result<()> {
    let servers = stage.contender.start(stage.places, 1)?;
    let mut swarm = stage.swarm(&servers)?;
    for room in 0..200 {
        swarm.add_room(51);
        swarm.rooms[room].senders.truncate(1);
    }
    // Preserved rooms, because a person who joins an ephemeral room gets no earlier messages.
    swarm.prepare_owners(true)?;
    let owners: Vec<usize> = swarm.rooms.iter().map(|room| room.members[0]).collect();
    swarm.open_all(&owners, Opening::Follow, 64)?;
    let members: Vec<Vec<usize>> = swarm
        .rooms
        .iter_mut()
        .map(|room| {
            let members = room.members.clone();
            room.members.truncate(1);
            members
        })
        .collect();
    let history = swarm.steady(1_000.0, 10.0);
    swarm.run(&history, 60.0)?;
    if swarm.tally.missing > 0 {
        bail!("the history could not be made: {}", swarm.tally.faults());
    }
    // One person of each room in turns, as strangers would arrive.
    let people: Vec<usize> = (1..51).flat_map(|index| members.iter().map(move |members| members[index])).collect();
    stage.joining("join", &servers, &mut swarm, &people, Opening::Join)?;
    if stage.contender.dialect() == dialect::Dialect::AnonChat {
        for &person in &people {
            swarm.cut(person);
        }
        swarm.idle(3.0)?;
        stage.joining("reopen", &servers, &mut swarm, &people, Opening::Follow)?;
    }
    Ok(())
}

impl Stage<'_> {
    fn joining(
        &mut self,
        phase: &str,
        servers: &Servers,
        swarm: &mut Swarm,
        people: &[usize],
        opening: Opening,
    ) -> Result<()> {
        let meter = self.meter(servers)?;
        swarm.run(&arrivals(people, opening), 30.0)?;
        let cpu = self.cost(&meter, phase)?;
        let tally = &swarm.tally;
        if tally.opened < tally.openings || !tally.is_clean() {
            let (opened, wanted) = (tally.opened, tally.openings);
            self.notes.push(format!(
                "{} {phase}: {opened} of {wanted} came in; {}",
                self.contender.name,
                tally.faults()
            ));
        }
        let seconds = (tally.last_open - tally.started).max(1) as f64 / 1e9;
        self.set(format!("{phase}.per_second"), tally.opened as f64 / seconds);
        self.set(format!("{phase}.per_cpu_second"), tally.opened as f64 / cpu);
        self.set(format!("{phase}.p50"), percentile(&tally.open, 0.5));
        self.set(format!("{phase}.p99"), percentile(&tally.open, 0.99));
        self.set(format!("{phase}.missing"), (tally.openings - tally.opened) as f64);
        self.set(format!("{phase}.load_share"), tally.load_share());
        Ok(())
    }
}

/// How long the disk takes to sync 4 KiB, in the file system of all databases: the p50 and p99 in milliseconds.
fn disk() -> Result<(f64, f64)> {
    let mut file = tempfile::tempfile()?;
    let mut times = Histogram::<u64>::new(3)?;
    for _ in 0..200 {
        let before = machine::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.record((machine::now() - before) / 1000)?;
    }
    Ok((percentile(&times, 0.5), percentile(&times, 0.99)))
}

fn durable(stage: &mut Stage) -> Result<()> {
    let (disk_p50, disk_p99) = disk()?;
    stage.set("disk.p50", disk_p50);
    stage.set("disk.p99", disk_p99);
    let servers = stage.contender.start(stage.places, 1)?;
    let mut swarm = stage.swarm(&servers)?;
    for _ in 0..64 {
        swarm.add_room(1);
    }
    swarm.prepare(true)?;
    let everybody: Vec<usize> = (0..64).collect();
    swarm.open_all(&everybody, Opening::Follow, 64)?;
    let warm = swarm.steady(64.0, 2.0);
    swarm.run(&warm, 10.0)?;
    let actions = swarm.steady(200.0, 8.0);
    stage.phase("at200", &servers, &mut swarm, &actions, 10.0)?;
    let limit_ms = if stage.contender.mongo { 20.0 } else { 10.0 };
    let steps = Steps { rates: 300.0..MOST_KEPT, factor: 1.6, seconds: 8.0, tries: 2, limit_ms };
    let capacity = stage.capacity(&mut swarm, steps, |tally| percentile(&tally.ack, 0.99))?;
    stage.set("capacity", capacity);
    Ok(())
}

fn nodes(stage: &mut Stage) -> Result<()> {
    for nodes in [2, 3] {
        let (servers, mut swarm) = open_room(stage, 1_000, nodes)?;
        let actions = swarm.steady(30.0, 8.0);
        let phase = format!("nodes{nodes}");
        stage.phase(&phase, &servers, &mut swarm, &actions, 5.0)?;
        let (here, elsewhere) = (stage.values[&format!("{phase}.p99")], stage.values[&format!("{phase}.remote.p99")]);
        stage.set(format!("{phase}.further_ms"), elsewhere - here);
    }
    Ok(())
}

fn stopped_readers(stage: &mut Stage) -> Result<()> {
    let (servers, mut swarm) = open_room(stage, 1_000, 1)?;
    // Long enough to fill all buffers on the way to a client that does not read.
    let seconds = if stage.short { 20.0 } else { 30.0 };
    let actions = swarm.steady(50.0, seconds);
    stage.phase("without", &servers, &mut swarm, &actions, 5.0)?;
    let stopped: Vec<usize> = (0..1_000).step_by(100).collect();
    for &index in &stopped {
        swarm.clients[index].mute = true;
    }
    swarm.rooms[0].senders.retain(|sender| sender % 100 != 0);
    swarm.open_all(&stopped, Opening::Follow, 10)?;
    stage.phase("with", &servers, &mut swarm, &actions, 5.0)?;
    stage.compare_with_without();
    Ok(())
}

fn cut(stage: &mut Stage) -> Result<()> {
    let (servers, mut swarm) = open_room(stage, 1_000, 1)?;
    // One member keeps sending and is not cut.
    swarm.rooms[0].senders.truncate(1);
    let at = 3_000_000_000;
    let mut actions = swarm.steady(20.0, 10.0);
    actions.extend((1..1_000).map(|index| (at, Action::Cut(index))));
    actions.extend((1..1_000).map(|index| (at, Action::Open(index, Opening::Resume))));
    actions.sort_by_key(|(after, _)| *after);
    stage.phase("cut", &servers, &mut swarm, &actions, 20.0)?;
    let tally = &swarm.tally;
    let back = tally.last_open.saturating_sub(tally.started + at) as f64 / 1e6;
    stage.set("cut.back_ms", back);
    stage.set("cut.open_p50", percentile(&tally.open, 0.5));
    stage.set("cut.not_back", (tally.openings - tally.opened) as f64);
    Ok(())
}

fn crowd(stage: &mut Stage) -> Result<()> {
    let (servers, mut swarm) = open_room(stage, 100, 1)?;
    let door = servers.addresses[0];
    let ask = move |path, body| wire::ask(door, &dialect::post(path, body), Duration::from_mins(1));
    ensure!(ask("/api/auth/register", PERSON)? == 201, "nobody could register");
    let actions = swarm.steady(50.0, 8.0);
    stage.phase("without", &servers, &mut swarm, &actions, 5.0)?;
    let people: Vec<_> = (0..CROWD)
        .map(|_| {
            thread::spawn(move || -> Result<u16> {
                // These threads share the load's core. With the lowest priority they do not delay its clock.
                set_thread_priority_and_policy(
                    thread_native_id(),
                    ThreadPriority::Min,
                    ThreadSchedulePolicy::Normal(Idle),
                )?;
                ask("/api/auth/login", CREDENTIALS)
            })
        })
        .collect();
    stage.phase("with", &servers, &mut swarm, &actions, 5.0)?;
    let waiting = people.iter().filter(|person| !person.is_finished()).count();
    stage.set("with.waiting", waiting as f64);
    let answers: Vec<u16> = people
        .into_iter()
        .map(|person| person.join().expect("asking does not panic"))
        .collect::<Result<_>>()
        .context("a log-in was not answered")?;
    stage.set("with.logged_in", answers.iter().filter(|status| **status == 200).count() as f64);
    stage.compare_with_without();
    Ok(())
}
