//! The measurements as they are stored in `results.json`, and the statistics over them.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde::{Deserialize, Serialize};

/// The values of one contender in one round, by name.
pub type Values = BTreeMap<String, f64>;

/// All measurements.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// The measurements of each workload.
    pub workloads: BTreeMap<String, Workload>,
}

/// The measurements of one workload.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Workload {
    /// The date of the measurement, in UTC.
    pub date: String,
    /// The commit of AnonChat, with a `+` if the working tree had changes.
    pub commit: String,
    /// The machine that it ran on.
    pub machine: BTreeMap<String, String>,
    /// The versions of all programs.
    pub versions: BTreeMap<String, String>,
    /// Whether it was measured with `--short`.
    pub short: bool,
    /// All rounds.
    pub rounds: Vec<Round>,
}

/// One round: every contender once, in random order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Round {
    /// The order of the contenders.
    pub order: Vec<String>,
    /// The largest share of CPU time that the host took during the round (steal).
    pub steal: f64,
    /// Whether the round counts.
    pub kept: bool,
    /// The values of each contender.
    pub contenders: BTreeMap<String, Values>,
    /// Descriptions of what went wrong.
    pub notes: Vec<String>,
}

/// A median with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median over the rounds.
    pub median: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Results {
    /// Reads the measurements from a file. Empty if the file does not exist.
    pub fn load(path: &Path) -> Result<Self> {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{} cannot be read", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the measurements to a file.
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
    /// The rounds that count.
    pub fn kept(&self) -> impl Iterator<Item = &Round> {
        self.rounds.iter().filter(|round| round.kept)
    }

    /// The contenders that took part, in the order of the report.
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

    /// The estimate of a contender's value over the rounds.
    pub fn estimate(&self, contender: &str, value: &str) -> Option<Estimate> {
        let of = |round: &Round| round.contenders.get(contender)?.get(value).copied();
        estimate(&self.kept().filter_map(of).collect::<Vec<_>>())
    }

    /// The estimate of the ratio of two contenders' values in the same round.
    pub fn ratio(&self, contender: &str, to: &str, value: &str) -> Option<Estimate> {
        let of = |round: &Round| {
            let (own, other) = (round.contenders.get(contender)?.get(value)?, round.contenders.get(to)?.get(value)?);
            (*other > 0.0).then_some(own / other)
        };
        estimate(&self.kept().filter_map(of).collect::<Vec<_>>())
    }
}

/// The median and its interval by a bootstrap of 2,000 samples. Deterministic: the same values give the same result.
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
