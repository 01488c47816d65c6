//! Exit codes, as documented in the crate's README.

use std::process::ExitCode;

/// How a command ended. A failure is an error instead, and exits with 1; clap refuses wrong usage with 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: all done.
    Done,
    /// 130: stopped by Ctrl-C, with a checkpoint from which `--resume` goes on.
    Stopped,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Stopped => Self::from(130),
        }
    }
}
