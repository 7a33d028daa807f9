//! How long to wait before connecting again. The maximum wait doubles from 0.3 s to 15 s, and the actual wait is random
//! below it (full jitter), so that the clients of a node that died do not all return at once (AWS, "Exponential Backoff
//! and Jitter").

const FIRST_MS: u64 = 300;
const LONGEST_MS: u64 = 15_000;
/// The minimum wait. A shorter one would only make the status flicker.
const SHORTEST_MS: u64 = 100;

/// The wait in milliseconds after this many failures in a row. `jitter` is a random number from 0 to 1.
pub fn wait(failures: u32, jitter: f64) -> u64 {
    let ceiling = FIRST_MS.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_MS);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below 15,001"
    )]
    let chosen = (ceiling as f64 * jitter.clamp(0.0, 1.0)) as u64;
    chosen.max(SHORTEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_to_fifteen_seconds() {
        let ceilings: Vec<u64> = (1..=8).map(|failures| wait(failures, 1.0)).collect();
        assert_eq!(ceilings, [300, 600, 1_200, 2_400, 4_800, 9_600, 15_000, 15_000]);
        assert_eq!(wait(u32::MAX, 1.0), LONGEST_MS);
    }

    #[test]
    fn jitter_spreads_over_the_whole_range() {
        assert_eq!(wait(5, 0.0), SHORTEST_MS);
        assert_eq!(wait(5, 0.5), 2_400);
    }
}
