//! Between which two source places a result lies.

/// Two source places and how far a result lies from the one to the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Between {
    /// The place before.
    pub low: usize,
    /// The place behind; the last one is its own.
    pub high: usize,
    /// Share of the latter, 0..1.
    pub share: f32,
}

/// In which numbers the place of a result is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// Exactly; the share alone is rounded.
    Exact,
    /// From the first pixel on in 32-bit floats: the further along, the coarser the share.
    Single,
}

/// For each of the `2 n` results the places among `n` that it lies between.
pub fn doubled(n: usize, places: Places) -> Vec<Between> {
    let last = n.saturating_sub(1);
    let steps = 2 * n.max(1) - 1;
    let place = |x: usize| {
        let (low, share) = match places {
            Places::Exact => (x * last / steps, (x * last % steps) as f32 / steps as f32),
            Places::Single => {
                let place = (x * last) as f32 / steps as f32;
                // The last place is half its own and half that behind it, which is the same.
                (place as usize, if place as usize == last { 0.5 } else { place - place.floor() })
            }
        };
        Between { low, high: (low + 1).min(last), share }
    };
    (0..2 * n).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_stay_and_the_rest_lies_between() {
        for (places, end) in [(Places::Exact, 0.0), (Places::Single, 0.5)] {
            assert_eq!(doubled(1, places), [Between { low: 0, high: 0, share: end }; 2]);
            let four = doubled(4, places);
            assert_eq!((four[0].low, four[0].high, four[0].share), (0, 1, 0.0));
            assert_eq!((four[7].low, four[7].high, four[7].share), (3, 3, end));
            assert_eq!((four[1].low, four[1].high, four[1].share), (0, 1, 3.0 / 7.0));
        }
    }

    #[test]
    fn places_in_single_floats_are_the_exact_ones_to_within_their_rounding() {
        for n in (2..=256).chain([511, 512, 1024]) {
            let all = doubled(n, Places::Exact).into_iter().zip(doubled(n, Places::Single));
            for (x, (exact, single)) in all.enumerate().take(2 * n - 1) {
                let [exact, single] = [exact, single].map(|between| between.low as f64 + f64::from(between.share));
                // A step of a float near `n`: both sides are rounded.
                let rounding = n as f64 * f64::from(f32::EPSILON);
                assert!((exact - single).abs() <= rounding, "{x} of {n}: {exact} and {single}");
            }
        }
        assert_ne!(doubled(128, Places::Exact), doubled(128, Places::Single));
    }
}
