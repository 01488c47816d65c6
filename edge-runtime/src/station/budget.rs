//! Whether verdicts can be there in time: every step from the trigger's edge to the gate, at the greatest speed.
//!
//! Takes the line's geometry and what this machine took to judge a number of pictures; gives a table, and the first limit that
//! cannot hold. It measures nothing itself.

use std::fmt;

use shared::line::Layout;
use shared::units::Micros;
use thiserror::Error;

use crate::config::{Board, Exposure};

/// From edge to gate, in times since the edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// A picture that shows the part is exposed by then.
    pub exposed: Micros,
    /// It is in memory, and known to be the nearest one, this much later.
    pub transfer: Micros,
    /// The network takes this long, but for one time in a thousand.
    pub judged: Micros,
    /// Pictures that were judged to know that.
    pub samples: usize,
    /// The network takes this long on average.
    pub usual: Micros,
    /// The gate decides then.
    pub decided: Micros,
    /// From one part to the next.
    pub pace: Micros,
}

/// Why the line's greatest speed is too much.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BudgetError {
    /// The verdict comes too late.
    #[error(
        "at board.greatest_speed_mm_s the gate decides {decided:.1} ms after the trigger and a verdict takes {needed:.1} ms: \
         slow the belt to {slower:.0} mm/s, move the gate away, or take a smaller model",
        decided = .decided.as_millis_f64(), needed = .needed.as_millis_f64(), slower = .slower_mm_s
    )]
    Late {
        /// When the gate decides.
        decided: Micros,
        /// When the verdict is there.
        needed: Micros,
        /// The speed that would do, millimetres a second.
        slower_mm_s: u64,
    },
    /// Parts come faster than they are judged.
    #[error(
        "at board.greatest_speed_mm_s a part comes every {pace:.1} ms and is judged in {usual:.1} ms on average: \
         slow the belt or take a smaller model",
        pace = .pace.as_millis_f64(), usual = .usual.as_millis_f64()
    )]
    Pace {
        /// From part to part.
        pace: Micros,
        /// How long one takes.
        usual: Micros,
    },
}

/// From frame to frame of a camera that does not say.
const USUAL_FRAME: Micros = Micros(33_334);

impl Budget {
    /// Puts a board's figures together with the times, in any order, that pictures took to be judged here: at least one.
    #[must_use]
    pub fn of(board: &Board, layout: &Layout, times: &mut [Micros]) -> Self {
        times.sort_unstable();
        let count = times.len().max(1);
        let judged = times.get((count * 999).div_ceil(1_000).saturating_sub(1)).copied().unwrap_or_default();
        let sum: u64 = times.iter().map(|time| time.0).sum();
        let camera = board.camera();
        let frame = camera.millihertz.map_or(USUAL_FRAME, |rate| Micros(1_000_000_000 / u64::from(rate.max(1))));
        let transfer = match camera.exposure {
            // The next picture shows that an earlier one was the nearest.
            Exposure::Free => Micros(frame.0 * 2),
            Exposure::Sensor => frame,
        };
        Self {
            exposed: board.latest_picture(),
            transfer,
            judged,
            samples: times.len(),
            usual: Micros(sum / count as u64),
            decided: board.time_to_judge(layout),
            pace: board.least_pace(),
        }
    }

    /// When the verdict is there.
    #[must_use]
    pub fn needed(&self) -> Micros {
        self.exposed.saturating_add(self.transfer).saturating_add(self.judged)
    }

    /// The largest speed at which this holds, from the one that it was made for, both in micrometres a second: from edge to gate and from
    /// part to part the belt takes longer in proportion as it is slower, and everything else takes as long as before.
    #[must_use]
    pub fn holds_up_to(&self, greatest_speed_um_s: f64) -> f64 {
        greatest_speed_um_s * self.reserve().min(self.pace.0 as f64 / self.usual.0.max(1) as f64)
    }

    /// How many times the verdict could take as long.
    fn reserve(&self) -> f64 {
        self.decided.0 as f64 / self.needed().0.max(1) as f64
    }

    /// Whether verdicts are there in time.
    ///
    /// # Errors
    /// [`BudgetError`], with the speed that would do.
    pub fn check(&self, greatest_speed_um_s: f64) -> Result<(), BudgetError> {
        let needed = self.needed();
        if needed > self.decided {
            let slower = greatest_speed_um_s / 1e3 * self.reserve();
            return Err(BudgetError::Late { decided: self.decided, needed, slower_mm_s: slower as u64 });
        }
        if self.usual > self.pace {
            return Err(BudgetError::Pace { pace: self.pace, usual: self.usual });
        }
        Ok(())
    }
}

/// One step a line, with the time since the edge.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Micros| format!("{:.1} ms", time.as_millis_f64());
        let there = self.exposed.saturating_add(self.transfer);
        writeln!(f, "since the trigger's edge, at the greatest speed:")?;
        writeln!(f, "{:>12}  the picture is exposed, at the latest", ms(self.exposed))?;
        writeln!(f, "{:>12}  the picture is there", ms(there))?;
        let (samples, usual) = (self.samples, ms(self.usual));
        writeln!(f, "{:>12}  judged (p99.9 of {samples} here; {usual} on average)", ms(self.needed()))?;
        writeln!(f, "{:>12}  the gate decides", ms(self.decided))?;
        writeln!(f, "{:>12}  the next part comes, at the earliest", ms(self.pace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_speed_is_the_one_at_which_the_first_limit_is_met() {
        let ms = Micros::from_millis;
        let budget = |judged, usual| Budget {
            exposed: ms(40),
            transfer: ms(60),
            judged: ms(judged),
            samples: 100,
            usual: ms(usual),
            decided: ms(400),
            pace: ms(300),
        };
        for (judged, usual, largest, why) in [
            (100, 10, 600_000.0, "the verdict takes half of the way to the gate"),
            (100, 200, 450_000.0, "parts come before their predecessors are judged"),
            (900, 10, 120_000.0, "too fast already"),
        ] {
            let budget = budget(judged, usual);
            assert!((budget.holds_up_to(300_000.0) - largest).abs() < 1.0, "{why}");
            assert_eq!(budget.check(300_000.0).is_ok(), largest >= 300_000.0, "{why}");
        }
    }
}
