//! How hot the board is, and whether it was slowed down.

use std::path::Path;

use super::row::Row;
use crate::health::readings::{Heat, Limits, MilliCelsius, Roots, Throttling};

/// Where the configuration says nothing: what it says by default.
const TOO_HOT: MilliCelsius = MilliCelsius(80_000);

/// Reads below `sys` once.
pub(super) fn check(sys: &Path, limits: Option<Limits>) -> Vec<Row> {
    let reading = Roots { sys: sys.to_owned(), ..Roots::of_machine(Path::new("/")) }.read();
    vec![temperature(reading.hottest, limits.map_or(TOO_HOT, |limits| limits.too_hot)), throttling(reading.throttling)]
}

fn temperature(hottest: Option<Heat>, too_hot: MilliCelsius) -> Row {
    const WHAT: &str = "temperature";
    match hottest {
        None => Row::ok(WHAT, "this machine tells none"),
        Some(Heat { zone, temperature }) if temperature >= too_hot => {
            let finding = format!("{temperature} at {zone}; from {too_hot} on it is too hot");
            Row::look(WHAT, finding, "check fan, heat sink and the cabinet's air")
        }
        Some(Heat { zone, temperature }) => Row::ok(WHAT, format!("{temperature} at {zone}")),
    }
}

fn throttling(told: Option<Throttling>) -> Row {
    const WHAT: &str = "throttling";
    let Some(told) = told else { return Row::ok(WHAT, "this machine tells nothing of it") };
    let words = [
        (told.low_voltage, "the supply's voltage is too low"),
        (told.now, "the processor is slowed down now"),
        (
            told.low_voltage_before && !told.low_voltage,
            "the supply's voltage was too low since the board was switched on",
        ),
        (told.before && !told.now, "the processor was slowed down since the board was switched on"),
    ];
    let words: Vec<&str> = words.into_iter().filter(|(said, _)| *said).map(|(_, words)| words).collect();
    if words.is_empty() {
        return Row::ok(WHAT, "none");
    }
    let supply = told.low_voltage || told.low_voltage_before;
    let remedy = if supply {
        "take a stronger supply and a shorter cable"
    } else {
        "check fan, heat sink and the cabinet's air"
    };
    Row::look(WHAT, words.join("; "), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::row::Mark;

    #[test]
    fn heat_and_what_slows_a_board_down_are_told() {
        let heat = |celsius| Some(Heat { zone: "cpu-thermal".to_owned(), temperature: MilliCelsius(celsius * 1_000) });
        let of = |row: Row| (row.mark, row.finding);
        assert_eq!(of(temperature(None, TOO_HOT)), (Mark::Ok, "this machine tells none".to_owned()));
        assert_eq!(of(temperature(heat(48), TOO_HOT)), (Mark::Ok, "48.0 C at cpu-thermal".to_owned()));
        assert_eq!(temperature(heat(80), TOO_HOT).mark, Mark::Look);
        let told = |now, low_voltage_before| Throttling { now, low_voltage_before, ..Throttling::default() };
        assert_eq!(throttling(None).mark, Mark::Ok);
        assert_eq!(throttling(Some(told(false, false))).mark, Mark::Ok);
        assert_eq!(
            of(throttling(Some(told(true, false)))),
            (Mark::Look, "the processor is slowed down now".to_owned())
        );
        assert_eq!(
            throttling(Some(told(true, true))).remedy.as_deref(),
            Some("take a stronger supply and a shorter cable")
        );
    }
}
