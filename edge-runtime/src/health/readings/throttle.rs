//! Whether the kernel slows the processor down, as far as it tells.
//!
//! Takes the contents of its files; gives what they say together. A Raspberry Pi's firmware has a word of flags, other boards have cooling
//! devices, x86 processors have counters. It reads no file.

/// What the kernel tells of a processor that was slowed down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Throttling {
    /// It is slower than it could be now, for its heat or its supply.
    pub now: bool,
    /// It was so at some time since the board was switched on.
    pub before: bool,
    /// The supply's voltage is too low now.
    pub low_voltage: bool,
    /// It was so at some time since the board was switched on.
    pub low_voltage_before: bool,
}

impl Throttling {
    /// What both say together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            now: self.now || other.now,
            before: self.before || other.before,
            low_voltage: self.low_voltage || other.low_voltage,
            low_voltage_before: self.low_voltage_before || other.low_voltage_before,
        }
    }
}

/// Bits of the firmware's word: capped, throttled, and above the soft limit of temperature; the lowest is the voltage.
const SLOWED: u32 = 0b1110;
const LOW_VOLTAGE: u32 = 0b0001;
/// The same bits lie this much higher for any time since the start.
const SINCE_START: u32 = 16;

/// A Raspberry Pi's `get_throttled`: a number in hexadecimal.
pub(super) fn firmware(text: &str) -> Option<Throttling> {
    let text = text.trim();
    let word = u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()?;
    let is = |bits| word & bits != 0;
    Some(Throttling {
        now: is(SLOWED),
        before: is(SLOWED << SINCE_START),
        low_voltage: is(LOW_VOLTAGE),
        low_voltage_before: is(LOW_VOLTAGE << SINCE_START),
    })
}

/// Cooling devices as the contents of their files `type` and `cur_state`; those that slow the processor have a state above 0 while they do.
pub(super) fn cooling(devices: impl IntoIterator<Item = (String, String)>) -> Option<Throttling> {
    let of_processor = |kind: &str| kind == "Processor" || kind.contains("cpufreq");
    let states = devices.into_iter().filter(|(kind, _)| of_processor(kind.trim()));
    let states = states.filter_map(|(_, state)| state.trim().parse::<i64>().ok());
    states.map(|state| Throttling { now: state > 0, ..Throttling::default() }).reduce(Throttling::and)
}

/// Counters of x86 processors: how often each core was slowed since the start.
pub(super) fn counters(counts: impl IntoIterator<Item = String>) -> Option<Throttling> {
    let counts = counts.into_iter().filter_map(|count| count.trim().parse::<u64>().ok());
    counts.map(|count| Throttling { before: count > 0, ..Throttling::default() }).reduce(Throttling::and)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_firmwares_word_is_taken_apart() {
        let of = |now, before, low_voltage, low_voltage_before| {
            Some(Throttling { now, before, low_voltage, low_voltage_before })
        };
        for (text, expected) in [
            ("0\n", of(false, false, false, false)),
            ("50005\n", of(true, true, true, true)),
            ("0x50000", of(false, true, false, true)),
            ("8", of(true, false, false, false)),
            ("20000", of(false, true, false, false)),
            ("", None),
            ("throttled=0x0", None),
        ] {
            assert_eq!(firmware(text), expected, "{text}");
        }
    }

    #[test]
    fn cooling_devices_of_the_processor_and_counters_tell_it_elsewhere() {
        let devices = |of: &[(&str, &str)]| {
            cooling(of.iter().map(|&(kind, state)| (kind.to_owned(), state.to_owned()))).map(|told| told.now)
        };
        assert_eq!(devices(&[]), None);
        assert_eq!(devices(&[("pwm-fan", "3"), ("thermal-devfreq-0", "1")]), None, "a fan slows nothing down");
        assert_eq!(devices(&[("thermal-cpufreq-0\n", "0\n"), ("pwm-fan", "3")]), Some(false));
        assert_eq!(devices(&[("Processor", "0"), ("Processor", "2")]), Some(true));
        let counts = |of: &[&str]| counters(of.iter().map(|&count| count.to_owned())).map(|told| told.before);
        assert_eq!(counts(&[]), None);
        assert_eq!(counts(&["0\n", "0\n"]), Some(false));
        assert_eq!(counts(&["0\n", "17\n"]), Some(true));
    }
}
