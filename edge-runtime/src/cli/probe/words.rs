//! Words and lines that the tables share.

use std::fmt::Write as _;

/// What to do about a device that may not be opened.
pub(super) fn in_group(group: &str) -> String {
    format!("the station's user must be in the group {group}")
}

/// Adds a line.
pub(super) fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = writeln!(out, "{text}");
}
