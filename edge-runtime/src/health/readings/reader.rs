//! Reads what the kernel tells of the board, below folders that are handed in.
//!
//! A file that is not there is no failure: boards differ in what they have. It decides nothing.

use std::path::{Path, PathBuf};

use super::disk::Room;
use super::heat::{self, Heat};
use super::throttle::{self, Throttling};

/// Where to read.
#[derive(Debug, Clone)]
pub struct Roots {
    /// The kernel's tree of devices, `/sys`.
    pub sys: PathBuf,
    /// A folder on the disk that is to have room.
    pub disk: PathBuf,
}

/// What was read at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The hottest zone; `None` on a board that has none.
    pub hottest: Option<Heat>,
    /// Whether the processor is slowed down; `None` where the kernel does not tell.
    pub throttling: Option<Throttling>,
    /// Room on the disk; `None` when it cannot be told.
    pub room: Option<Room>,
}

impl Roots {
    /// The machine's own, with a folder on the disk.
    #[must_use]
    pub fn of_machine(disk: &Path) -> Self {
        Self { sys: PathBuf::from("/sys"), disk: disk.to_owned() }
    }

    /// Reads everything once. A sensor behind a slow bus may take its time.
    #[must_use]
    pub fn read(&self) -> Reading {
        Reading { hottest: self.hottest(), throttling: self.throttling(), room: Room::of(&self.disk) }
    }

    fn hottest(&self) -> Option<Heat> {
        heat::hottest(pairs(&self.sys.join("class/thermal"), "thermal_zone", "temp"))
    }

    fn throttling(&self) -> Option<Throttling> {
        let firmware = text(&self.sys.join("devices/platform/soc/soc:firmware/get_throttled"));
        let processors = numbered(&self.sys.join("devices/system/cpu"), "cpu");
        let counts = processors.into_iter().filter_map(|cpu| text(&cpu.join("thermal_throttle/core_throttle_count")));
        let told = [
            firmware.and_then(|word| throttle::firmware(&word)),
            throttle::cooling(pairs(&self.sys.join("class/thermal"), "cooling_device", "cur_state")),
            throttle::counters(counts),
        ];
        told.into_iter().flatten().reduce(Throttling::and)
    }
}

/// The contents of `type` and of another file in each numbered folder.
fn pairs(folder: &Path, prefix: &str, file: &str) -> Vec<(String, String)> {
    let entries = numbered(folder, prefix).into_iter();
    entries.filter_map(|entry| Some((text(&entry.join("type"))?, text(&entry.join(file))?))).collect()
}

/// Entries whose name is the prefix and a number.
fn numbered(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_numbered = |path: &PathBuf| {
        let number = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(prefix));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut found: Vec<_> = entries.map(|entry| entry.path()).filter(is_numbered).collect();
    found.sort();
    found
}

/// A file's text. Drivers whose sensor sleeps answer with an error; that is as good as no file.
fn text(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::health::readings::MilliCelsius;

    /// Puts files below a folder that stands for `/sys`.
    pub(crate) fn put(sys: &Path, files: &[(&str, &str)]) {
        for (name, content) in files {
            let path = sys.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
    }

    #[test]
    fn a_board_is_read_from_its_files() {
        let sys = tempfile::tempdir().unwrap();
        let roots = Roots { sys: sys.path().to_owned(), disk: sys.path().join("absent") };
        assert_eq!(roots.read(), Reading { hottest: None, throttling: None, room: None }, "no file is no failure");
        put(
            sys.path(),
            &[
                ("class/thermal/thermal_zone0/type", "cpu-thermal\n"),
                ("class/thermal/thermal_zone0/temp", "61300\n"),
                ("class/thermal/thermal_zone10/type", "gpu-thermal\n"),
                ("class/thermal/thermal_zone10/temp", "64800\n"),
                ("class/thermal/thermal_zone2/type", "without a temperature\n"),
                ("class/thermal/cooling_device0/type", "thermal-cpufreq-0\n"),
                ("class/thermal/cooling_device0/cur_state", "0\n"),
                ("devices/platform/soc/soc:firmware/get_throttled", "10000\n"),
                ("devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "3\n"),
                ("devices/system/cpu/cpufreq/thermal_throttle/core_throttle_count", "no processor's\n"),
            ],
        );
        let reading = Roots { disk: sys.path().to_owned(), ..roots }.read();
        let hottest = Heat { zone: "gpu-thermal".to_owned(), temperature: MilliCelsius(64_800) };
        assert_eq!(reading.hottest, Some(hottest));
        let throttling = Throttling { now: false, before: true, low_voltage: false, low_voltage_before: true };
        assert_eq!(reading.throttling, Some(throttling));
        assert!(reading.room.is_some());
    }
}
