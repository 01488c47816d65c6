//! Whether an input keeps the light that its frame was taken in.
//!
//! Where the light of good pictures differs so much that a defect's contrast in a bright one is that of grain in a dark one, all
//! levels of an input are multiplied so that their mean is always the same. Knows one picture at a time, and no picture before it.

use core::fmt;

/// What becomes of an input's light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exposure {
    /// Levels stay as the camera gave them.
    #[default]
    AsTaken,
    /// Levels are multiplied so that their mean is 100 of 255, by four or by a quarter at most.
    Evened,
}

/// Mean of an evened input's levels, of 255: bright patches of twice the mean keep their structure.
const LEVEL: u32 = 100;

/// Levels are multiplied by this at most, and divided: what is darker is no picture of a part, and would be all noise.
const LARGEST_GAIN: u32 = 4;

/// Bits behind the point of a gain.
const GAIN_BITS: u32 = 16;
const ONE: u64 = 1 << GAIN_BITS;

impl Exposure {
    /// Both, each at its version of the preprocessing less one.
    const BY_VERSION: [Self; 2] = [Self::AsTaken, Self::Evened];

    /// The newest version of the preprocessing that this program computes.
    pub const NEWEST_VERSION: u16 = Self::BY_VERSION.len() as u16;

    /// The version of the preprocessing by which a manifest names it. A model keeps to the version that it was trained with; any
    /// change of one byte of an input is a new one.
    pub const fn version(self) -> u16 {
        match self {
            Self::AsTaken => 1,
            Self::Evened => 2,
        }
    }

    /// What a version means; `None` for one that this program does not know.
    pub fn of_version(version: u16) -> Option<Self> {
        Self::BY_VERSION.into_iter().find(|exposure| exposure.version() == version)
    }

    /// Does it to an input, whose levels may be in any order. Black stays black.
    pub(super) fn apply(self, levels: &mut [u8]) {
        if self == Self::AsTaken {
            return;
        }
        let sum: u64 = levels.iter().map(|&level| u64::from(level)).sum();
        if sum == 0 {
            return;
        }
        let wanted = u64::from(LEVEL) * levels.len() as u64;
        let gain = (wanted * ONE / sum).clamp(ONE / u64::from(LARGEST_GAIN), ONE * u64::from(LARGEST_GAIN));
        let table: [u8; 256] =
            core::array::from_fn(|level| ((level as u64 * gain + ONE / 2) >> GAIN_BITS).min(255) as u8);
        levels.iter_mut().for_each(|level| *level = table[usize::from(*level)]);
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsTaken => f.write_str("as taken"),
            Self::Evened => write!(f, "evened, to a mean of {LEVEL} of 255"),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    fn evened(levels: &[u8]) -> Vec<u8> {
        let mut levels = levels.to_vec();
        Exposure::Evened.apply(&mut levels);
        levels
    }

    #[test]
    fn more_light_and_less_give_one_picture() {
        let picture =
            |percent: u32| -> Vec<u8> { (0..900u32).map(|at| ((40 + at % 50) * percent / 100) as u8).collect() };
        let usual = evened(&picture(100));
        let mean = usual.iter().map(|&level| u32::from(level)).sum::<u32>() / 900;
        assert!(mean.abs_diff(LEVEL) <= 1, "{mean}");
        for percent in [50, 80, 150, 200] {
            let other = evened(&picture(percent));
            // Half a level of a darker picture is lost before, and multiplied.
            let apart = usual.iter().zip(&other).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
            assert!(apart <= 4, "{percent} %: {apart}");
        }
    }

    #[test]
    fn what_is_nearly_black_or_white_is_not_made_up() {
        assert_eq!(evened(&[0; 48]), [0; 48]);
        assert_eq!(evened(&[3; 48]), [12; 48]);
        assert_eq!(evened(&[255; 48]), [100; 48]);
        // One bright pixel among dark ones stays the brightest there can be.
        let mut dark = [30; 48];
        dark[7] = 200;
        let got = evened(&dark);
        assert_eq!((got[7], got[8]), (255, 89));
    }

    #[test]
    fn a_version_names_one_exposure() {
        for exposure in Exposure::BY_VERSION {
            assert_eq!(Exposure::of_version(exposure.version()), Some(exposure));
            assert!(exposure.version() <= Exposure::NEWEST_VERSION);
        }
        assert_eq!(Exposure::of_version(0), None);
        assert_eq!(Exposure::of_version(Exposure::NEWEST_VERSION + 1), None);
        let mut levels = [1, 2, 250];
        Exposure::AsTaken.apply(&mut levels);
        assert_eq!(levels, [1, 2, 250]);
    }
}
