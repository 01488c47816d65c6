//! The clocks: the one that decides, and the one on the wall that dates records.

use std::path::Path;
use std::time::Duration;

use shared::units::Micros;
use shared::wall::WallTime;

use super::row::Row;
use crate::hw::clock::{KernelClock, WallClock};
use crate::hw::roles::Clock as _;

/// Both clocks are read this far apart.
const APART: Duration = Duration::from_millis(200);

/// A clock that is set while one looks jumps by more; what two readings take, and slewing, is less.
const JUMP_US: i64 = 20_000;

/// No build of this program is older: a wall clock that shows less was never set. Seconds since 1970 of 2026-01-01, in microseconds.
const BUILT_AFTER: WallTime = WallTime(1_767_225_600_000_000);

/// Reads both twice. `root` is the file system's.
pub(super) fn check(root: &Path) -> Vec<Row> {
    let read = || (KernelClock.now(), WallClock.now());
    let first = read();
    std::thread::park_timeout(APART);
    let second = read();
    // systemd's own client leaves this file when it has heard the time; other clients leave no such sign.
    let heard = root.join("run/systemd/timesync/synchronized").exists();
    vec![steady(first, second), set(second.1), synchronised(heard)]
}

fn steady(first: (Micros, WallTime), second: (Micros, WallTime)) -> Row {
    const WHAT: &str = "clocks";
    let (Some(monotonic), wall) = (second.0.0.checked_sub(first.0.0), second.1.0 - first.1.0) else {
        let finding = "the kernel's monotonic clock runs backwards";
        return Row::look(WHAT, finding, "update kernel and firmware; no time can be relied on");
    };
    let apart = wall - i64::try_from(monotonic).unwrap_or(i64::MAX);
    if apart.abs() > JUMP_US {
        let finding = format!("the wall clock jumped by {} ms while the monotonic one ran on", apart / 1_000);
        return Row::look(
            WHAT,
            finding,
            "records are dated wrongly while it does; parts are not affected. Is the time being set?",
        );
    }
    Row::ok(WHAT, "the monotonic clock runs, and the wall clock with it")
}

fn set(wall: WallTime) -> Row {
    const WHAT: &str = "wall clock";
    if wall < BUILT_AFTER {
        let remedy = "set the time, or let the board hear it (NTP); records are dated by it, and kept by their age";
        return Row::look(WHAT, format!("{wall}, which is before this program was written"), remedy);
    }
    Row::ok(WHAT, wall.to_string())
}

fn synchronised(heard: bool) -> Row {
    const WHAT: &str = "time synchronised";
    if heard {
        return Row::ok(WHAT, "by systemd-timesyncd");
    }
    Row::look(
        WHAT,
        "unknown: systemd-timesyncd has not heard the time",
        "ask `timedatectl`, or `chronyc tracking` where chrony runs",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::row::Mark;

    #[test]
    fn clocks_that_jump_run_back_or_were_never_set_are_seen() {
        let at = |monotonic, wall| (Micros(monotonic), WallTime(wall));
        for (second, mark) in [
            (at(300_000, 1_200_000), Mark::Ok),
            (at(300_000, 1_215_000), Mark::Ok),
            (at(300_000, 3_601_200_000), Mark::Look),
            (at(300_000, 0), Mark::Look),
            (at(99_999, 1_200_000), Mark::Look),
        ] {
            assert_eq!(steady(at(100_000, 1_000_000), second).mark, mark, "{second:?}");
        }
        let of = |text: &str| set(text.parse().unwrap());
        assert_eq!(of("2026-01-01").mark, Mark::Ok);
        let never = of("1970-01-01T00:03");
        assert_eq!(never.mark, Mark::Look);
        assert!(never.finding.starts_with("1970-01-01T00:03:00"), "{}", never.finding);
        assert_eq!((synchronised(true).mark, synchronised(false).mark), (Mark::Ok, Mark::Look));
    }
}
