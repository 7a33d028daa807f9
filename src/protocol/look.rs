//! The look of a person or a room, computed from its id: one of twelve hues, and one of eight figures.

/// The number of hues, evenly around the colour wheel.
pub const HUES: usize = 12;
const FIGURES: usize = 8;

/// How a person or a room is drawn. The same id looks the same everywhere, and nothing of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The hue, below [`HUES`].
    pub hue: usize,
    /// The figure, below eight.
    pub figure: usize,
}

impl Look {
    /// The look of a number. Any two bits of it may be all that differs, so it is mixed first (the finaliser of
    /// `SplitMix64`).
    #[expect(clippy::cast_possible_truncation, reason = "the numbers are below 12 and 8")]
    pub const fn of(number: u64) -> Self {
        let mixed = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let mixed = mixed ^ (mixed >> 31);
        Self { hue: (mixed % HUES as u64) as usize, figure: (mixed / HUES as u64 % FIGURES as u64) as usize }
    }
}
