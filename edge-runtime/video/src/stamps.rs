//! Whether a driver's time-stamps are times of the clock that they claim.
//!
//! Drivers flag their stamps as monotonic; on some boards they are times of another counter, half a minute apart. A stamp
//! is compared with the time at which its frame was dequeued, over the first frames. Pure: both times are arguments, in
//! microseconds of `CLOCK_MONOTONIC`.

/// Fresh frames whose stamps are compared, before the driver is believed for good. A counter of its own is wrong on every
/// frame; more than one is looked at since the first ones of some sensors have no stamp yet.
const TRIAL_FRAMES: u8 = 8;

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
    stamps: Stamps,
}

impl StampCheck {
    /// For a camera with this interval from frame to frame, if it is known.
    #[must_use]
    pub fn new(interval_us: Option<u64>) -> Self {
        Self { interval_us: interval_us.unwrap_or(UNKNOWN_INTERVAL_US), compared: 0, stamps: Stamps::Kernel }
    }

    /// What has been decided so far.
    #[must_use]
    pub fn stamps(&self) -> Stamps {
        self.stamps
    }

    /// The time of a frame, never later than `dequeued_us`. A frame is `fresh` when it was waited for: one that has lain in
    /// the queue may rightly be old, and proves nothing.
    pub fn time_of(&mut self, stamp_us: u64, dequeued_us: u64, fresh: bool) -> u64 {
        let on_trial = self.compared < TRIAL_FRAMES;
        if self.stamps == Stamps::Kernel && on_trial {
            let believable = self.believable(stamp_us, dequeued_us);
            if fresh {
                self.compared += 1;
                if !believable {
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
    fn one_fresh_frame_shows_another_clock() {
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
            assert_eq!(check.time_of(stamp, NOW, true), time, "{what}");
            assert_eq!(check.stamps(), stamps, "{what}");
        }
    }

    #[test]
    fn a_missing_stamp_is_missing_right_after_the_start_too() {
        let mut check = StampCheck::new(Some(FRAME));
        assert_eq!(check.time_of(0, 200_000, true), 200_000);
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
        check.time_of(NOW - 29_000_000, NOW, true);
        assert_eq!(check.time_of(NOW + 10, NOW + 20, true), NOW + 20);
        assert_eq!(check.stamps(), Stamps::Dequeue);
    }

    #[test]
    fn an_unknown_interval_lets_slow_cameras_run_ahead() {
        let mut check = StampCheck::new(None);
        check.time_of(NOW + UNKNOWN_INTERVAL_US, NOW, true);
        assert_eq!(check.stamps(), Stamps::Kernel);
    }
}
