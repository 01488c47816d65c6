//! The hottest of the board's thermal zones.
//!
//! Takes each zone's type and temperature as sysfs has them; gives one figure. A zone that cannot be understood is none. It reads no file.

use std::fmt;

/// Thousandths of a degree Celsius, as the kernel counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MilliCelsius(pub i32);

/// In degrees.
impl fmt::Display for MilliCelsius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} C", f64::from(self.0) / 1e3)
    }
}

/// How hot it is, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heat {
    /// The zone's type, such as `cpu-thermal`.
    pub zone: String,
    /// Its temperature.
    pub temperature: MilliCelsius,
}

/// What a sensor that works can read on a board that works. Drivers give figures beyond when a sensor is switched off or broken.
const BELIEVED: std::ops::RangeInclusive<i32> = -40_000..=150_000;

/// Zones that always read the same: NVIDIA's boards have one for a chip that has no sensor.
const DUMMIES: [&str; 1] = ["PMIC-Die"];

/// The hottest of zones that are given as the contents of their files `type` and `temp`. Of two that are alike, the first.
pub(super) fn hottest(zones: impl IntoIterator<Item = (String, String)>) -> Option<Heat> {
    let understood = zones.into_iter().filter_map(|(zone, temperature)| {
        let zone = zone.trim();
        let temperature = temperature.trim().parse().ok().filter(|read| BELIEVED.contains(read))?;
        let believed = !DUMMIES.contains(&zone);
        believed.then(|| Heat { zone: zone.to_owned(), temperature: MilliCelsius(temperature) })
    });
    understood.reduce(|hottest, heat| if heat.temperature > hottest.temperature { heat } else { hottest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_zone_is_found_and_what_is_no_temperature_is_passed_over() {
        for (zones, expected, why) in [
            (&[][..], None, "a board without zones"),
            (&[("cpu-thermal\n", "48312\n")], Some(("cpu-thermal", 48_312)), "a Raspberry Pi"),
            (
                &[("CPU-therm", "51000"), ("GPU-therm", "53500"), ("AO-therm", "49000")],
                Some(("GPU-therm", 53_500)),
                "a Jetson",
            ),
            (&[("PMIC-Die", "100000"), ("CPU-therm", "51000")], Some(("CPU-therm", 51_000)), "a zone without a sensor"),
            (&[("x86_pkg_temp", "-274000"), ("acpitz", "27800")], Some(("acpitz", 27_800)), "a sensor that is off"),
            (&[("cpu-thermal", ""), ("gpu-thermal", "hot")], None, "files that say nothing"),
            (&[("outside", "-20000")], Some(("outside", -20_000)), "winter"),
        ] {
            let zones = zones.iter().map(|&(zone, temperature)| (zone.to_owned(), temperature.to_owned()));
            let found = hottest(zones).map(|heat| (heat.zone, heat.temperature.0));
            assert_eq!(found, expected.map(|(zone, temperature)| (zone.to_owned(), temperature)), "{why}");
        }
        assert_eq!(MilliCelsius(80_040).to_string(), "80.0 C");
    }
}
