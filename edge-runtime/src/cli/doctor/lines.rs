//! GPIO: chips, and whether each configured line is there, free, and reads.
//!
//! Inputs are requested one by one as the station requests them, and let go. Outputs are looked up and never requested: a request drives
//! them.

use super::row::Row;
use crate::cli::exit::Exit;
use crate::cli::probe::{ChipSeen, chips as seen};
use crate::config::Lines;
use crate::hw::board::lines::{LinesError, Looked, look};

const GROUP: &str = "the station's user must be in the group gpio";

/// Whether there are chips that may be asked. `needed` says that the station cannot be without.
pub(super) fn chips(needed: bool) -> Vec<Row> {
    rows_of(seen(), needed)
}

fn rows_of(found: Vec<ChipSeen>, needed: bool) -> Vec<Row> {
    const WHAT: &str = "GPIO chips";
    let wrong = |finding: String, remedy: &str| match needed {
        true => Row::fail(WHAT, finding, remedy, Exit::Engine),
        false => Row::look(WHAT, finding, remedy),
    };
    if found.is_empty() {
        return vec![wrong("none: no /dev/gpiochip*".to_owned(), "the kernel must have its GPIO character device")];
    }
    let row = |chip: ChipSeen| match chip.refusal {
        None => Row::ok(WHAT, format!("{}, {} named lines", chip.path.display(), chip.named)),
        Some(refusal) => wrong(format!("{}: {refusal}", chip.path.display()), GROUP),
    };
    found.into_iter().map(row).collect()
}

/// Every configured line.
pub(super) fn check(lines: &Lines) -> Vec<Row> {
    let looked = look(lines);
    // One row is enough for what is wrong with all of them.
    if matches!(looked.first(), Some(Looked { found: Err(LinesError::NoChips { .. }), .. })) {
        return vec![Row::fail("lines", format!("none of {} is there", looked.len()), GROUP, Exit::Engine)];
    }
    let mut rows: Vec<Row> = looked.into_iter().map(row_of).collect();
    if lines.run_ok.is_none() {
        let remedy = "without it the station can only divert, and cannot stop the belt: wire board.lines.run_ok";
        rows.push(Row::look("line run_ok", "not wired", remedy));
    }
    rows
}

fn row_of(looked: Looked) -> Row {
    let what = format!("line {}", looked.key.rsplit('.').next().unwrap_or(looked.key));
    match looked.found {
        Ok((place, level)) => {
            let state = match level {
                None => "free, and not touched: it is an output",
                Some(true) => "reads ON",
                Some(false) => "reads off",
            };
            let (chip, offset) = (place.chip.display(), place.offset);
            Row::ok(&what, format!("{} is line {offset} of {chip}; {state}", looked.name))
        }
        Err(error) => {
            let remedy = match &error {
                LinesError::NoChips { .. } => GROUP,
                LinesError::NotFound { .. } => {
                    "correct the name; a chip that may not be asked has no names: see the chips above"
                }
                LinesError::Ambiguous { .. } => "name it by chip and number",
                LinesError::Busy { .. } => "if that is draem-edge, the station runs: stop it, then ask again",
                LinesError::Refused { .. } => "the chip may not do this: try another line, or another bias",
            };
            Row::fail(&what, error.to_string(), remedy, Exit::Engine)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::row::Mark;
    use crate::hw::board::lines::Place;

    #[test]
    fn lines_say_where_they_are_and_who_holds_them() {
        let place = || Place { chip: "/dev/gpiochip0".into(), offset: 17 };
        let of = |key, found| row_of(Looked { key, name: "GPIO17".to_owned(), found });
        let row = of("board.lines.trigger", Ok((place(), Some(true))));
        assert_eq!(
            (row.what.as_str(), row.finding.as_str()),
            ("line trigger", "GPIO17 is line 17 of /dev/gpiochip0; reads ON")
        );
        assert!(of("board.lines.reject", Ok((place(), None))).finding.ends_with("not touched: it is an output"));
        let busy = LinesError::Busy {
            key: "board.lines.reject",
            name: "GPIO17".to_owned(),
            chip: place().chip,
            holder: "draem-edge".to_owned(),
        };
        let row = of("board.lines.reject", Err(busy));
        assert!(row.mark == Mark::Fail && row.finding.contains("in use by draem-edge"), "{row:?}");
    }

    #[test]
    fn chips_are_needed_where_a_board_is_configured() {
        let marks = |found, needed| rows_of(found, needed).iter().map(|row| row.mark).collect::<Vec<_>>();
        assert_eq!(marks(Vec::new(), true), [Mark::Fail]);
        assert_eq!(marks(Vec::new(), false), [Mark::Look]);
        let chip = |refusal: Option<&str>| ChipSeen {
            path: "/dev/gpiochip0".into(),
            named: 2,
            refusal: refusal.map(Into::into),
        };
        assert_eq!(marks(vec![chip(None), chip(Some("denied"))], true), [Mark::Ok, Mark::Fail]);
    }
}
