//! The workloads. Each starts a contender, measures it, and gives its values by name.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::{
    contender::{
        ANONCHAT, ANONCHAT_MONGO, ANONCHAT_NODES, Contender, FLOOR, FLOOR_BATCH, Places, SOCKETIO_CLASSIC,
        SOCKETIO_FULL, SOCKETIO_MINIMAL, SOCKETIO_MONGO, SOCKETIO_SHARDED, Servers, WS_FULL, WS_MINIMAL, WS_MONGO,
    },
    machine::{self, CpuMeter, MachineTimes},
    results::Values,
    swarm::{Action, Opening, Swarm, Tally, percentile},
};

/// A workload's name, who takes part, and what it measures.
pub struct Workload {
    /// Such as `W1`.
    pub name: &'static str,
    /// One line for the report.
    pub title: &'static str,
    /// Who takes part.
    pub contenders: &'static [Contender],
    /// Rounds by default, and with `--short`.
    pub rounds: (usize, usize),
    measure: fn(&mut Stage) -> Result<()>,
}

/// All of them.
pub const ALL: &[Workload] = &[Workload {
    name: "W1",
    title: "One room of 1,000 members",
    contenders: &[FLOOR, FLOOR_BATCH, ANONCHAT, WS_MINIMAL, WS_FULL, SOCKETIO_MINIMAL, SOCKETIO_FULL],
    rounds: (10, 3),
    measure: one_room,
}];

/// What a workload measures with, and where it writes what it found.
pub struct Stage<'a> {
    contender: &'a Contender,
    places: &'a Places,
    services: &'a BTreeMap<String, u32>,
    short: bool,
    /// The values.
    pub values: Values,
    /// What went wrong.
    pub notes: Vec<String>,
    /// The largest share of CPU time that the host took away in any phase.
    pub steal: f64,
}

/// Measures a contender once.
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

/// CPU time of a phase.
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

    /// Writes down what the phase cost, and gives the servers' CPU seconds.
    fn cost(&mut self, meter: &Meter, phase: &str) -> Result<f64> {
        let wall = (machine::now() - meter.started) as f64 / 1e9;
        let (servers, services, own) = (meter.servers.seconds(), meter.services.seconds(), meter.own.seconds());
        let (steal, all) = MachineTimes::read()?.since(meter.machine);
        self.steal = self.steal.max(steal);
        self.set(format!("{phase}.cpu_share"), servers / wall);
        self.set(format!("{phase}.services_share"), services / wall);
        self.set(format!("{phase}.load_cpu_share"), own / wall);
        self.set(format!("{phase}.elsewhere_share"), ((all - servers - services - own) / wall).max(0.0));
        self.set(format!("{phase}.steal"), steal);
        Ok(servers)
    }

    /// Runs actions as a phase, and writes down its latencies and what it cost.
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
            self.notes.push(format!("{} {phase}: {}", self.contender.name, tally.faults()));
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
            self.set(format!("{phase}.ack_p99"), percentile(&tally.ack, 0.99));
        }
        self.set(format!("{phase}.load_share"), tally.load_share());
        self.set(format!("{phase}.missing"), tally.missing as f64);
        self.set(format!("{phase}.doubled"), (tally.doubled + tally.disorder) as f64);
        self.set(format!("{phase}.closed"), tally.closed as f64);
        Ok(())
    }

    /// Steps a rate up until `judge` (p99 in milliseconds) is over the limit, then narrows it down twice. Gives the highest
    /// rate that was kept up.
    fn capacity(
        &mut self,
        swarm: &mut Swarm,
        from: f64,
        factor: f64,
        seconds: f64,
        limit_ms: f64,
        judge: fn(&Tally) -> f64,
    ) -> Result<f64> {
        let everybody: Vec<usize> = (0..swarm.clients.len()).collect();
        let (mut good, mut bad) = (0.0, f64::INFINITY);
        let mut rate = from;
        for _ in 0..24 {
            let actions = swarm.steady(rate, seconds);
            swarm.run(&actions, 3.0)?;
            let tally = &swarm.tally;
            let p99 = judge(tally);
            let kept_up = p99 <= limit_ms && tally.is_clean();
            if !kept_up && tally.load_share() > 0.95 {
                self.notes.push(format!("{}: the load was busy all the time at {rate:.0}/s", self.contender.name));
                self.set("load_saturated", 1.0);
            }
            if kept_up {
                good = rate;
                self.set("capacity.load_share", tally.load_share());
            } else {
                bad = bad.min(rate);
                // Nobody is held to what the last step left behind.
                swarm.close_all();
                swarm.open_all(&everybody, Opening::Follow, 64)?;
            }
            if bad.is_infinite() {
                rate = good * factor;
            } else if bad / good.max(1.0) < 1.0 + (factor - 1.0) / 3.0 || bad < from / 8.0 {
                break;
            } else {
                rate = if good > 0.0 { (good * bad).sqrt() } else { bad / 2.0 };
            }
        }
        Ok(good)
    }
}

fn p99(tally: &Tally) -> f64 {
    percentile(&tally.delivery[0], 0.99)
}

fn one_room(stage: &mut Stage) -> Result<()> {
    let servers = stage.contender.start(stage.places, 1)?;
    let mut swarm = stage.swarm(&servers)?;
    swarm.add_room(1_000);
    swarm.prepare(false)?;
    let everybody: Vec<usize> = (0..1_000).collect();
    swarm.open_all(&everybody, Opening::Follow, 64)?;
    let warm = swarm.steady(50.0, 1.0);
    swarm.run(&warm, 5.0)?;
    for rate in [50, 100] {
        let actions = swarm.steady(f64::from(rate), 8.0);
        stage.phase(&format!("at{rate}"), &servers, &mut swarm, &actions, 5.0)?;
    }
    let capacity = stage.capacity(&mut swarm, 130.0, 1.3, 4.0, 100.0, p99)?;
    stage.set("capacity", capacity);
    Ok(())
}
