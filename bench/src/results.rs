//! What was measured, as it is kept in `results.json`, and what can be said about it.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde::{Deserialize, Serialize};

/// The values of one contender in one round, by name.
pub type Values = BTreeMap<String, f64>;

/// All that is known.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// By workload.
    pub workloads: BTreeMap<String, Workload>,
}

/// One workload.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Workload {
    /// When it was measured, in UTC.
    pub date: String,
    /// Which commit of AnonChat, with a `+` if something was changed since.
    pub commit: String,
    /// What it ran on.
    pub machine: BTreeMap<String, String>,
    /// What ran.
    pub versions: BTreeMap<String, String>,
    /// Whether with `--short`.
    pub short: bool,
    /// Every round.
    pub rounds: Vec<Round>,
}

/// Every contender once, in random order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Round {
    /// The order.
    pub order: Vec<String>,
    /// The largest share of CPU time that the host took away while anybody was measured.
    pub steal: f64,
    /// Whether it counts.
    pub kept: bool,
    /// What was measured.
    pub contenders: BTreeMap<String, Values>,
    /// What went wrong.
    pub notes: Vec<String>,
}

/// A median, and the 95 % interval around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median over the rounds.
    pub median: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Results {
    /// Reads what was kept; nothing, if there is no such file.
    pub fn load(path: &Path) -> Result<Self> {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{} cannot be read", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps it.
    pub fn save(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, text)?)
    }
}

impl Workload {
    /// Rounds that count.
    pub fn kept(&self) -> impl Iterator<Item = &Round> {
        self.rounds.iter().filter(|round| round.kept)
    }

    /// Who took part, in the order of the report.
    pub fn contenders(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.rounds.iter().flat_map(|round| round.contenders.keys()) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let rank = |name: &str| {
            ["floor", "anonchat", "ws", "socketio"].iter().position(|start| name.starts_with(start)).unwrap_or(9)
        };
        names.sort_by_key(|name| (rank(name), name.clone()));
        names
    }

    /// A value of a contender over the rounds.
    pub fn estimate(&self, contender: &str, value: &str) -> Option<Estimate> {
        let of = |round: &Round| round.contenders.get(contender)?.get(value).copied();
        estimate(&self.kept().filter_map(of).collect::<Vec<_>>())
    }

    /// How a value of a contender compares with that of another in the same round.
    pub fn ratio(&self, contender: &str, to: &str, value: &str) -> Option<Estimate> {
        let of = |round: &Round| {
            let (own, other) = (round.contenders.get(contender)?.get(value)?, round.contenders.get(to)?.get(value)?);
            (*other > 0.0).then_some(own / other)
        };
        estimate(&self.kept().filter_map(of).collect::<Vec<_>>())
    }
}

/// The median, with a bootstrap of 2,000 samples; always the same for the same values.
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    if values.is_empty() {
        return None;
    }
    let mut chance = SmallRng::seed_from_u64(values.len() as u64);
    let mut medians: Vec<f64> = (0..2_000)
        .map(|_| median((0..values.len()).map(|_| values[chance.random_range(0..values.len())]).collect()))
        .collect();
    medians.sort_by(f64::total_cmp);
    Some(Estimate { median: median(values.to_vec()), low: medians[49], high: medians[1949] })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_the_median_and_is_the_same_every_time() {
        let values = [3.0, 1.0, 2.0, 10.0, 2.5];
        let first = estimate(&values).unwrap();
        assert_eq!(Some(first), estimate(&values));
        assert!((first.median - 2.5).abs() < 1e-9 && first.low <= first.median && first.median <= first.high);
        assert_eq!(estimate(&[]), None);
    }

    #[test]
    fn a_ratio_compares_within_a_round_and_leaves_thrown_rounds_out() {
        let round = |own: f64, floor: f64, kept| Round {
            kept,
            contenders: BTreeMap::from([
                ("anonchat".to_owned(), Values::from([("cpu".to_owned(), own)])),
                ("floor".to_owned(), Values::from([("cpu".to_owned(), floor)])),
            ]),
            ..Round::default()
        };
        let rounds = vec![round(2.0, 1.0, true), round(40.0, 20.0, true), round(9.0, 1.0, false)];
        let workload = Workload { rounds, ..Workload::default() };
        let ratio = workload.ratio("anonchat", "floor", "cpu").unwrap();
        assert!((ratio.median - 2.0).abs() < 1e-9 && (ratio.high - 2.0).abs() < 1e-9);
    }
}
