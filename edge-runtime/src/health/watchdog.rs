//! Proof of life for whoever would restart the station: given only while camera, network and gate all go on.
//!
//! Takes what each of them has done so far; gives whether a ping is due. A thread that hangs stops the pings, and systemd
//! restarts the station. [`Notifier`] is the thin part that talks to systemd, and says nothing where there is none.

use std::time::Duration;

use sd_notify::NotifyState;
use shared::units::Micros;

/// The network may take this long for a picture before it counts as hanging.
const JUDGING_MOST: Micros = Micros::from_millis(8_000);

/// What each has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Turns of the camera's thread.
    pub camera: u64,
    /// Turns of the gate's thread.
    pub gate: u64,
    /// Since when the oldest picture is being judged, if one is.
    pub judging_since: Option<Micros>,
}

/// When the next ping is due, and what was done at the last one.
#[derive(Debug, Clone)]
pub struct Progress {
    every: Micros,
    due: Micros,
    last: Done,
}

impl Progress {
    /// Pings this often while all is well.
    #[must_use]
    pub fn new(every: Micros, now: Micros) -> Self {
        Self { every, due: now.saturating_add(every), last: Done::default() }
    }

    /// Whether to ping now. A thread that has done nothing since the last ping holds it up.
    pub fn due(&mut self, now: Micros, done: Done) -> bool {
        if now < self.due {
            return false;
        }
        let judges = done.judging_since.is_none_or(|since| now.saturating_sub(since) < JUDGING_MOST);
        let all = judges && done.camera != self.last.camera && done.gate != self.last.gate;
        if all {
            self.due = now.saturating_add(self.every);
            self.last = done;
        }
        all
    }
}

/// Talks to systemd.
#[derive(Debug, Default)]
pub struct Notifier;

impl Notifier {
    /// How often systemd wants to hear of the station: half of its patience. `None` where nobody waits.
    #[must_use]
    pub fn interval(&self) -> Option<Micros> {
        let micros = |patience: Duration| u64::try_from(patience.as_micros()).unwrap_or(u64::MAX);
        sd_notify::watchdog_enabled().map(|patience| Micros(micros(patience) / 2))
    }

    /// The station is ready.
    pub fn ready(&self) {
        self.say(&[NotifyState::Ready]);
    }

    /// The station lives.
    pub fn ping(&self) {
        self.say(&[NotifyState::Watchdog]);
    }

    /// The station ends.
    pub fn stopping(&self) {
        self.say(&[NotifyState::Stopping]);
    }

    /// A line for `systemctl status`.
    pub fn status(&self, text: &str) {
        self.say(&[NotifyState::Status(text)]);
    }

    fn say(&self, states: &[NotifyState<'_>]) {
        if let Err(error) = sd_notify::notify(states) {
            tracing::warn!(%error, "systemd does not hear");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_needs_all_of_them() {
        let ms = Micros::from_millis;
        let done = |camera, gate, since: Option<u64>| Done { camera, gate, judging_since: since.map(ms) };
        let mut progress = Progress::new(ms(5_000), ms(0));
        for (at, seen, expected, why) in [
            (4_999, done(10, 10, None), false, "not yet"),
            (5_000, done(10, 10, None), true, "all have gone on"),
            (10_000, done(20, 10, None), false, "the gate hangs"),
            (10_100, done(20, 11, None), true, "and goes on"),
            (15_100, done(20, 30, None), false, "the camera hangs"),
            (15_200, done(21, 31, Some(7_000)), false, "the network hangs"),
            (15_300, done(22, 32, Some(15_000)), true, "it has begun another picture"),
        ] {
            assert_eq!(progress.due(ms(at), seen), expected, "{why}");
        }
    }
}
