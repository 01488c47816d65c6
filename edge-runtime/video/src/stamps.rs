//! Whether a driver's time-stamps are times of the clock that they claim.
//!
//! Drivers flag their stamps as monotonic; on some boards they are times of another counter, half a minute apart. A stamp
//! is compared with the time at which its frame was dequeued, over the first frames. Pure: both times are arguments, in
//! microseconds of `CLOCK_MONOTONIC`.

/// Fresh frames whose stamps are compared, before the driver is believed for good.
const TRIAL_FRAMES: u8 = 8;

/// Doubtful stamps among them that show another clock. A counter of its own is wrong on every frame; a first frame without a
/// stamp, or a thread that was held up between the frame and the look at the clock, is wrong for once.
const DOUBTS: u8 = TRIAL_FRAMES / 2;

/// How much older than its dequeuing a stamp may be, beside one frame's interval: transfer and a late wake-up. Another
/// clock is further off, as soon as the machine has run for longer than this.
const OLDEST_US: u64 = 1_000_000;

/// Stands in for the interval where the driver does not tell it: ten frames a second.
const UNKNOWN_INTERVAL_US: u64 = 100_000;

/// Where the times of frames come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamps {
    /// From the driver.
    Kernel,
    /// From the clock when the frame was dequeued, since the driver's are of another clock: late by transfer and wake-up.
    Dequeue,
}

/// Decides by the first frames which times to use.
#[derive(Debug, Clone)]
pub struct StampCheck {
    interval_us: u64,
    compared: u8,
    doubtful: u8,
    stamps: Stamps,
}

impl StampCheck {
    /// For a camera with this interval from frame to frame, if it is known.
    #[must_use]
    pub fn new(interval_us: Option<u64>) -> Self {
        Self {
            interval_us: interval_us.unwrap_or(UNKNOWN_INTERVAL_US),
            compared: 0,
            doubtful: 0,
            stamps: Stamps::Kernel,
        }
    }

    /// What has been decided so far.
    #[must_use]
    pub fn stamps(&self) -> Stamps {
        self.stamps
    }

    /// The time of a frame, never later than `dequeued_us`; of a doubtful stamp during the trial it is that. A frame is `fresh` when it was waited for: one that has lain in
    /// the queue may rightly be old, and proves nothing.
    pub fn time_of(&mut self, stamp_us: u64, dequeued_us: u64, fresh: bool) -> u64 {
        let on_trial = self.compared < TRIAL_FRAMES;
        if self.stamps == Stamps::Kernel && on_trial {
            let believable = self.believable(stamp_us, dequeued_us);
            if fresh {
                self.compared += 1;
                self.doubtful += u8::from(!believable);
                if self.doubtful >= DOUBTS {
                    self.stamps = Stamps::Dequeue;
                }
            }
            if !believable {
                return dequeued_us;
            }
        }
        match self.stamps {
            Stamps::Kernel => stamp_us.min(dequeued_us),
            Stamps::Dequeue => dequeued_us,
        }
    }

    /// Whether a stamp can be of the same clock as the time of dequeuing. Some drivers compute their stamps and run ahead
    /// by up to one frame; stamps of the beginning of an exposure lie one frame back before the transfer has begun.
    fn believable(&self, stamp_us: u64, dequeued_us: u64) -> bool {
        let latest = dequeued_us.saturating_add(self.interval_us);
        let earliest = dequeued_us.saturating_sub(OLDEST_US.saturating_add(self.interval_us));
        stamp_us != 0 && (earliest..=latest).contains(&stamp_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 500_000_000;
    const FRAME: u64 = 33_333;

    #[test]
    fn stamps_of_another_clock_are_found_out_and_never_used() {
        for (what, stamp, stamps, time) in [
            ("a USB camera", NOW - 40_000, Stamps::Kernel, NOW - 40_000),
            ("stamped at the interrupt", NOW, Stamps::Kernel, NOW),
            ("half a frame ahead", NOW + FRAME / 2, Stamps::Kernel, NOW),
            ("one frame ahead", NOW + FRAME, Stamps::Kernel, NOW),
            ("more than a frame ahead", NOW + FRAME + 1, Stamps::Dequeue, NOW),
            ("a loaded machine", NOW - 900_000, Stamps::Kernel, NOW - 900_000),
            ("a second and a frame", NOW - 1_000_000 - FRAME, Stamps::Kernel, NOW - 1_000_000 - FRAME),
            ("older still", NOW - 1_000_001 - FRAME, Stamps::Dequeue, NOW),
            ("29 seconds behind", NOW - 29_000_000, Stamps::Dequeue, NOW),
            ("29 seconds ahead", NOW + 29_000_000, Stamps::Dequeue, NOW),
            ("wall-clock time", 1_700_000_000_000_000, Stamps::Dequeue, NOW),
            ("no stamp", 0, Stamps::Dequeue, NOW),
        ] {
            let mut check = StampCheck::new(Some(FRAME));
            for frame in (0..u64::from(TRIAL_FRAMES)).map(|number| number * FRAME) {
                let stamp = if stamp == 0 { 0 } else { stamp + frame };
                assert_eq!(check.time_of(stamp, NOW + frame, true), time + frame, "{what}");
            }
            assert_eq!(check.stamps(), stamps, "{what}");
        }
    }

    #[test]
    fn what_is_wrong_for_once_is_left_out_and_condemns_no_clock() {
        let mut check = StampCheck::new(Some(FRAME));
        for (what, stamp, dequeued, time) in [
            ("a first frame without a stamp", 0, NOW, NOW),
            ("as it should be", NOW + FRAME - 10, NOW + FRAME, NOW + FRAME - 10),
            ("two seconds of other work before the clock was read", NOW + 2 * FRAME, NOW + 2_100_000, NOW + 2_100_000),
            ("as it should be again", NOW + 3_000_000, NOW + 3_000_010, NOW + 3_000_000),
        ] {
            assert_eq!(check.time_of(stamp, dequeued, true), time, "{what}");
            assert_eq!(check.stamps(), Stamps::Kernel, "{what}");
        }
    }

    #[test]
    fn a_missing_stamp_is_missing_right_after_the_start_too() {
        let mut check = StampCheck::new(Some(FRAME));
        for dequeued in (0..u64::from(DOUBTS)).map(|number| 200_000 + number * FRAME) {
            assert_eq!(check.stamps(), Stamps::Kernel);
            assert_eq!(check.time_of(0, dequeued, true), dequeued);
        }
        assert_eq!(check.stamps(), Stamps::Dequeue);
    }

    #[test]
    fn what_lay_in_the_queue_decides_nothing() {
        let mut check = StampCheck::new(Some(FRAME));
        assert_eq!(check.time_of(NOW - 5_000_000, NOW, false), NOW, "doubtful, so not used");
        assert_eq!(check.stamps(), Stamps::Kernel);
        for frame in 1..=u64::from(TRIAL_FRAMES) {
            check.time_of(NOW + frame * FRAME - 10, NOW + frame * FRAME, true);
        }
        let late = NOW + 60_000_000;
        assert_eq!(check.time_of(late - 5_000_000, late, false), late - 5_000_000, "the driver has been believed");
        assert_eq!(check.stamps(), Stamps::Kernel);
    }

    #[test]
    fn a_decision_stands() {
        let mut check = StampCheck::new(None);
        for frame in 0..u64::from(DOUBTS) {
            check.time_of(NOW - 29_000_000 + frame, NOW + frame, true);
        }
        assert_eq!(check.time_of(NOW + 10, NOW + 20, true), NOW + 20);
        assert_eq!(check.stamps(), Stamps::Dequeue);
    }

    #[test]
    fn an_unknown_interval_lets_slow_cameras_run_ahead() {
        let mut check = StampCheck::new(None);
        for frame in (0..u64::from(TRIAL_FRAMES)).map(|number| number * 3_000_000) {
            check.time_of(NOW + frame + UNKNOWN_INTERVAL_US, NOW + frame, true);
        }
        assert_eq!(check.stamps(), Stamps::Kernel);
    }
}
