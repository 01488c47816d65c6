//! What a check gives: one finding, what it means, and what to do.

use serde::Serialize;

use crate::cli::exit::Exit;

/// What a finding means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Mark {
    /// As it should be.
    Ok,
    /// The station runs; somebody should look.
    Look,
    /// The station does not run, or not as configured.
    Fail,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    /// What was looked at.
    pub what: String,
    /// What was found.
    pub finding: String,
    /// What it means.
    pub mark: Mark,
    /// What a line engineer does about it; nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// How the command ends for it.
    #[serde(skip)]
    pub exit: Exit,
}

impl Row {
    /// All is well.
    pub fn ok(what: &str, finding: impl Into<String>) -> Self {
        Self { what: what.to_owned(), finding: finding.into(), mark: Mark::Ok, remedy: None, exit: Exit::Done }
    }

    /// Somebody should look.
    pub fn look(what: &str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { mark: Mark::Look, remedy: Some(remedy.into()), ..Self::ok(what, finding) }
    }

    /// The station does not run so.
    pub fn fail(what: &str, finding: impl Into<String>, remedy: impl Into<String>, exit: Exit) -> Self {
        Self { mark: Mark::Fail, remedy: Some(remedy.into()), exit, ..Self::ok(what, finding) }
    }
}
