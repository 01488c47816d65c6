//! The table of findings, for people and for programs.
//!
//! Takes rows; gives text, JSON, and how the command ends. It checks nothing.

use serde::Serialize;

use super::row::{Mark, Row};
use crate::cli::exit::Exit;

/// Columns that the names take.
const NAME: usize = 24;

/// A row as people read it: one line, and one for what to do.
pub(super) fn text(row: &Row) -> String {
    let mark = match row.mark {
        Mark::Ok => "OK",
        Mark::Look => "LOOK",
        Mark::Fail => "FAIL",
    };
    let lines = |text: &str, indent: usize| text.trim_end().replace('\n', &format!("\n{:indent$}", ""));
    let mut text = format!("{mark:<6}{:<NAME$}{}\n", row.what, lines(&row.finding, NAME + 6));
    if let Some(remedy) = &row.remedy {
        text += &format!("{:6}{:<NAME$}{}\n", "", "  what to do", lines(remedy, NAME + 6));
    }
    text
}

/// How many rows are how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    ok: usize,
    look: usize,
    fail: usize,
}

/// Counts marks.
pub(super) fn counts(rows: &[Row]) -> Counts {
    let of = |mark| rows.iter().filter(|row| row.mark == mark).count();
    Counts { ok: of(Mark::Ok), look: of(Mark::Look), fail: of(Mark::Fail) }
}

/// The last line.
pub(super) fn summary(rows: &[Row]) -> String {
    let Counts { ok, look, fail } = counts(rows);
    let outcome =
        if fail > 0 { "the station does not run like this" } else { "nothing of this keeps the station from running" };
    format!("{ok} OK, {look} to look at, {fail} failed: {outcome}\n")
}

/// How the command ends: as the first row that fails.
pub(super) fn exit(rows: &[Row]) -> Exit {
    rows.iter().find(|row| row.mark == Mark::Fail).map_or(Exit::Done, |row| row.exit)
}

/// What `--json` writes.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    /// When it was asked, UTC.
    pub at: String,
    /// Of the program.
    pub software: &'static str,
    /// The station's name.
    pub station: Option<&'a str>,
    /// SHA-256 of the configuration's text.
    pub config_sha256: Option<String>,
    /// How many rows are how.
    pub counts: Counts,
    /// All of them.
    pub rows: &'a [Row],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_like_this_and_the_first_failure_tells_how_it_ends() {
        let rows = [
            Row::ok("configuration", "station.toml: Line 1, a board"),
            Row::look("disk", "tmpfs", "take a disk that\nkeeps"),
            Row::fail("camera", "none", "plug it in", Exit::Engine),
            Row::fail("bundle", "none", "install it", Exit::BundleRefused),
        ];
        let expected = "\
OK    configuration           station.toml: Line 1, a board
LOOK  disk                    tmpfs
        what to do            take a disk that
                              keeps
FAIL  camera                  none
        what to do            plug it in
FAIL  bundle                  none
        what to do            install it
1 OK, 1 to look at, 2 failed: the station does not run like this
";
        assert_eq!(rows.iter().map(text).collect::<String>() + &summary(&rows), expected);
        assert_eq!((exit(&rows), exit(&rows[..2])), (Exit::Engine, Exit::Done));
        let json = serde_json::to_value(&rows[1]).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"what": "disk", "finding": "tmpfs", "mark": "LOOK", "remedy": "take a disk that\nkeeps"})
        );
    }
}
