//! What a broker hears of a scripted station: from a broker that says what the test wants it to say, and, where it is installed, from
//! Mosquitto, with its own clients.
//!
//! The tests with Mosquitto are left out of a plain run: `scripts/test.sh mqtt` runs them, and says so where it cannot.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper that fails fails its test")]

mod mosquitto;
mod rig;
mod scripted;

/// A wait that lasts longer means that what is waited for never comes.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Asks again and again.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..PATIENCE.as_millis() / 20 {
        if is_so() {
            return;
        }
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    panic!("never: {what}");
}
