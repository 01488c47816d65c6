//! Exit codes of every command.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done; for `inspect` and `run` also when parts were rejected, which is their work; for `doctor` when nothing failed |
//! | 2 | wrong arguments, configuration or input files |
//! | 3 | the bundle is refused, or a key that it needs |
//! | 4 | the network or the hardware failed |
//! | 5 | anything else: an output that cannot be written, a fault of the program |
//!
//! `doctor` ends with the code of the first row that fails; the disk counts as hardware there. `test-gate` ends with 0 when every step was as it must
//! be, and with 4 when one was not or the test was not finished.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The command did its work.
    Done = 0,
    /// Wrong arguments, configuration or input files.
    Usage = 2,
    /// The bundle is refused, or a key that it needs.
    BundleRefused = 3,
    /// The network or the hardware failed.
    Engine = 4,
    /// Anything else: an output that cannot be written, a fault of the program.
    Internal = 5,
}

impl Exit {
    /// All of them, by code.
    pub const ALL: [Self; 5] = [Self::Done, Self::Usage, Self::BundleRefused, Self::Engine, Self::Internal];

    /// What it says, as the manual has it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => {
                "Done; for run and inspect also when parts were rejected, which is their work; for doctor when nothing \
                 failed; for test-gate when every step was as it must be."
            }
            Self::Usage => "Wrong arguments, configuration or input files.",
            Self::BundleRefused => "The bundle is refused, or a key that it needs.",
            Self::Engine => {
                "The network or the hardware failed; for doctor also the disk; for test-gate when a step was not as it \
                 must be, or the test was not finished."
            }
            Self::Internal => "Anything else: an output that cannot be written, a fault of the program.",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
