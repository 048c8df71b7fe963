//! Random choices that can be made again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A row of random numbers, always the same for the same seed (SplitMix64, by Guy Steele, Doug Lea and
/// Christine Flood). Good enough to choose with, and nothing to keep a secret with.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts a row.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Starts the `number`th of many rows that have nothing to do with each other.
    pub fn branch(seed: u64, number: u64) -> Random {
        Random(Random(seed).next().wrapping_add(number))
    }

    /// A seed that nobody has chosen.
    pub fn any_seed() -> u64 {
        // Short enough to be typed again.
        RandomState::new().hash_one(()) % 1_000_000
    }

    /// A number from 0 up to `limit` - 1. The limit must not be 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A duration of whole milliseconds, shorter than `limit_ms` milliseconds.
    pub fn milliseconds_below(&mut self, limit_ms: u64) -> Duration {
        Duration::from_millis(self.below(limit_ms))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_row_and_every_branch_another() {
        let row = |mut random: Random| [(); 4].map(|()| random.below(1_000_000));
        assert_eq!(row(Random::new(7)), row(Random::new(7)));
        let rows: std::collections::HashSet<_> = (0..100)
            .flat_map(|number| [Random::new(number), Random::branch(7, number)])
            .map(row)
            .collect();
        assert_eq!(rows.len(), 200);
    }
}
