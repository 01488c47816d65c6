//! Whether the gate's thread can run before all others, on a core of its own, and keep its memory.
//!
//! Asks for it as the station does, on the check's own thread, and lets the memory go again.

use rustix::mm::munlockall;
use rustix::process::{Resource, getrlimit};

use super::row::Row;
use crate::hw::realtime::{Wanted, keep_memory, leave_core, run_first};

/// What a service has that a shell has not.
const REMEDY: &str = "the service's unit allows it (LimitRTPRIO, LimitMEMLOCK); to ask as the service: sudo systemd-run --pipe --wait \
                      -p User=draem -p LimitRTPRIO=60 -p LimitMEMLOCK=infinity edge-runtime doctor --config FILE";

/// Asks for what the configuration asks for, or for the least where it does not.
pub(super) fn check(wanted: Wanted) -> Vec<Row> {
    let limit = |resource| match getrlimit(resource).current {
        None => "no limit".to_owned(),
        Some(limit) => format!("limit {limit}"),
    };
    let memory = keep_memory();
    // What was not locked needs no unlocking.
    let _ = munlockall();
    let priority = wanted.priority.unwrap_or(1);
    let first = match run_first(priority) {
        Ok(()) => {
            Row::ok("real-time priority", format!("SCHED_FIFO {priority} is granted ({})", limit(Resource::Rtprio)))
        }
        Err(refusal) => Row::look("real-time priority", format!("{refusal} ({})", limit(Resource::Rtprio)), REMEDY),
    };
    let memory = match memory {
        Ok(()) => Row::ok("locked memory", format!("granted ({})", limit(Resource::Memlock))),
        Err(refusal) => Row::look("locked memory", format!("{refusal} ({} bytes)", limit(Resource::Memlock)), REMEDY),
    };
    let core = wanted.core.map(|core| match leave_core(core) {
        Ok(()) => Row::ok("gate's core", format!("the other threads leave core {core}")),
        Err(refusal) => Row::look("gate's core", refusal, "another board.realtime.gate_core, or none"),
    });
    [first, memory].into_iter().chain(core).collect()
}
