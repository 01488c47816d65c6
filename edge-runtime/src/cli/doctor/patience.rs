//! Ends a check that does not come back.
//!
//! A device that hangs would otherwise hang the command, and with it the one who asks why the device hangs. The check's thread is left
//! behind; it ends with the program.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::row::Row;
use crate::cli::exit::Exit;

/// Gives a check's rows, or one that says that it did not end within `limit`.
pub(super) fn within(what: &str, limit: Duration, check: impl FnOnce() -> Vec<Row> + Send + 'static) -> Vec<Row> {
    let (answer, answered) = channel();
    let started = std::thread::Builder::new().name("check".to_owned()).spawn(move || {
        // Nobody listens any more when it took too long.
        let _ = answer.send(check());
    });
    if let Err(error) = started {
        let finding = format!("no thread to look: {error}");
        return vec![Row::fail(what, finding, "free memory, or end other programs", Exit::Engine)];
    }
    match answered.recv_timeout(limit) {
        Ok(rows) => rows,
        Err(RecvTimeoutError::Timeout) => {
            let finding = format!("no answer within {} s", limit.as_secs());
            let remedy = "a device hangs: `dmesg` may name it; unplug it, or switch the board off and on";
            vec![Row::fail(what, finding, remedy, Exit::Engine)]
        }
        Err(RecvTimeoutError::Disconnected) => {
            let remedy = "its last words are on standard error; please report them as a fault of the program";
            vec![Row::fail(what, "the check has failed in itself", remedy, Exit::Engine)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_hangs_or_dies_is_a_row() {
        let of = |rows: Vec<Row>| rows[0].finding.clone();
        let (end, ended) = channel::<()>();
        let hangs = move || {
            let _ = ended.recv();
            Vec::new()
        };
        assert_eq!(of(within("camera", Duration::ZERO, hangs)), "no answer within 0 s");
        drop(end);
        let patience = Duration::from_secs(60);
        assert_eq!(of(within("camera", patience, || panic!("as the test wants"))), "the check has failed in itself");
        assert_eq!(of(within("camera", patience, || vec![Row::ok("camera", "there")])), "there");
    }
}
