//! When to try a device again that has gone.
//!
//! Pure: takes the time, gives the time of the next attempt.

use shared::units::Micros;

/// Wait before the first attempt. A loose plug is back at once; the kernel makes its node some tenths of a second later.
const SHORTEST: Micros = Micros::from_millis(200);

/// Longest wait: what somebody who has put the plug back stands and waits.
const LONGEST: Micros = Micros::from_millis(5_000);

/// Attempts with waits that double.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    wait: Micros,
    next: Micros,
}

impl Backoff {
    /// For a device that has gone just now.
    #[must_use]
    pub fn begin(now: Micros) -> Self {
        Self { wait: SHORTEST, next: now.saturating_add(SHORTEST) }
    }

    /// When the next attempt is due.
    #[must_use]
    pub fn due(&self) -> Micros {
        self.next
    }

    /// Notes an attempt that failed.
    pub fn failed(&mut self, now: Micros) {
        self.wait = self.wait.saturating_add(self.wait).min(LONGEST);
        self.next = now.saturating_add(self.wait);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_seconds() {
        let mut now = Micros::from_millis(1_000);
        let mut backoff = Backoff::begin(now);
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                let wait = backoff.due().saturating_sub(now);
                now = backoff.due();
                backoff.failed(now);
                wait.0 / 1_000
            })
            .collect();
        assert_eq!(waits, [200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    }

    #[test]
    fn an_attempt_that_takes_long_puts_the_next_one_off() {
        let mut backoff = Backoff::begin(Micros(0));
        backoff.failed(Micros::from_millis(9_000));
        assert_eq!(backoff.due(), Micros::from_millis(9_400));
    }
}
