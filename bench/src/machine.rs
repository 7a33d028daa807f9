//! Access to the machine: clock, CPU cores, file limit, and the CPU time and memory of processes.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
};

use anyhow::{Context, Result};
use rustix::{
    process::{Pid, Resource, getrlimit, setrlimit},
    thread::{CpuSet, sched_setaffinity},
    time::{ClockId, clock_gettime},
};

/// The core that the servers and databases run on.
pub const SERVER_CORE: usize = 0;
/// The core that the load runs on.
pub const LOAD_CORE: usize = 1;

/// The monotonic clock in nanoseconds, the one that `timerfd` uses.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The CPU time of this process in nanoseconds.
pub fn own_cpu() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Pins this thread, and all processes that it starts afterwards, to one core.
pub fn pin(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None::<Pid>, &cores).with_context(|| format!("core {core} cannot be had: two are needed"))
}

/// Raises the limit of open files to the maximum. Child processes inherit it.
pub fn raise_file_limit() -> Result<u64> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    Ok(limit.current.unwrap_or(u64::MAX))
}

/// Measures the CPU time of processes, thread by thread.
pub struct CpuMeter {
    pids: Vec<u32>,
    threads: HashMap<(u32, u32), u64>,
    ticks: u64,
}

impl CpuMeter {
    /// Starts to measure.
    pub fn start(pids: &[u32]) -> Self {
        Self { pids: pids.to_vec(), threads: thread_times(pids), ticks: process_times(pids) }
    }

    /// The CPU seconds since the start. `schedstat` has nanoseconds, but forgets threads that have ended. If one has,
    /// the times of the processes are used, which have a resolution of 10 ms.
    pub fn seconds(&self) -> f64 {
        let now = thread_times(&self.pids);
        if self.threads.keys().any(|thread| !now.contains_key(thread)) {
            return process_times(&self.pids).saturating_sub(self.ticks) as f64 / 100.0;
        }
        let before = |thread| self.threads.get(thread).copied().unwrap_or(0);
        let spent: u64 = now.iter().map(|(thread, time)| time.saturating_sub(before(thread))).sum();
        spent as f64 / 1e9
    }
}

fn thread_times(pids: &[u32]) -> HashMap<(u32, u32), u64> {
    let mut times = HashMap::new();
    for &pid in pids {
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let Some(tid) = task.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else { continue };
            if let Some(time) = text.split_whitespace().next().and_then(|time| time.parse().ok()) {
                times.insert((pid, tid), time);
            }
        }
    }
    times
}

fn process_times(pids: &[u32]) -> u64 {
    let of = |pid: &u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which may contain spaces: state is field 3, utime 14, stime 15.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    };
    pids.iter().filter_map(of).sum()
}

/// The CPU times of the whole machine, in ticks over all cores.
#[derive(Clone, Copy)]
pub struct MachineTimes {
    busy: u64,
    steal: u64,
    total: u64,
}

impl MachineTimes {
    /// Reads the current times.
    pub fn read() -> Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().context("/proc/stat is empty")?;
        let fields: Vec<u64> = line.split_whitespace().skip(1).map_while(|field| field.parse().ok()).collect();
        let at = |index: usize| fields.get(index).copied().unwrap_or(0);
        // user nice system idle iowait irq softirq steal
        let (idle, steal) = (at(3) + at(4), at(7));
        let total: u64 = fields.iter().take(8).sum();
        Ok(Self { busy: total - idle - steal, steal, total })
    }

    /// Since `before`: the share of all cores that the host took (steal), and the CPU seconds used by all processes.
    pub fn since(self, before: Self) -> (f64, f64) {
        let total = self.total.saturating_sub(before.total).max(1) as f64;
        let steal = self.steal.saturating_sub(before.steal) as f64 / total;
        (steal, self.busy.saturating_sub(before.busy) as f64 / 100.0)
    }
}

/// The bytes of memory that only these processes use, and their resident set.
pub fn memory(pids: &[u32]) -> Result<(u64, u64)> {
    let (mut private, mut resident) = (0, 0);
    for pid in pids {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (Some(name), Some(kib)) = (words.next(), words.next()) else { continue };
            let bytes = kib.parse::<u64>().unwrap_or(0) * 1024;
            match name {
                "Private_Dirty:" => private += bytes,
                "Rss:" => resident += bytes,
                _ => {}
            }
        }
    }
    Ok((private, resident))
}

/// The processes with one of these names that have the same parent as this process: the databases of `script/services`.
pub fn siblings(names: &[&str]) -> BTreeMap<String, u32> {
    let parent = rustix::process::getppid().map_or(0, Pid::as_raw_pid);
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(text) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((head, tail)) = text.rsplit_once(')') else { continue };
        let Some((_, name)) = head.split_once('(') else { continue };
        let of = tail.split_whitespace().nth(1).and_then(|ppid| ppid.parse::<i32>().ok());
        if of == Some(parent) && names.contains(&name) {
            found.insert(name.to_owned(), pid);
        }
    }
    found
}

/// A description of the machine for the report.
pub fn describe() -> BTreeMap<String, String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let (cpu, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kib: u64 = field(&memory, "MemTotal")
        .and_then(|text| text.split_whitespace().next().and_then(|kib| kib.parse().ok()))
        .unwrap_or(0);
    BTreeMap::from([
        ("CPU".to_owned(), field(&cpu, "model name").unwrap_or_else(|| "unknown".to_owned())),
        ("Cores".to_owned(), cores.to_string()),
        ("Memory".to_owned(), format!("{} GiB", kib.div_ceil(1024 * 1024))),
        ("Kernel".to_owned(), read("/proc/sys/kernel/osrelease").trim().to_owned()),
    ])
}
