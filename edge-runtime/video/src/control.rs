//! From wanted controls to the steps that set them.
//!
//! Drivers name the same control differently and ignore a value while an automatic rules it. Settings use one name for
//! each, and the automatic is switched off first. Pure: takes what is wanted and what the camera has.

use thiserror::Error;
use v4l::v4l_sys as sys;

use crate::info::{ControlInfo, ControlKind};
use crate::settings::ControlSetting;

/// A name of ours, the kernel's number, and what it needs: another control at a value.
struct Known {
    name: &'static str,
    id: u32,
    needs: Option<(u32, i64)>,
}

const MANUAL: i64 = sys::v4l2_exposure_auto_type_V4L2_EXPOSURE_MANUAL as i64;
const OFF: i64 = 0;

const fn known(name: &'static str, id: u32, needs: Option<(u32, i64)>) -> Known {
    Known { name, id, needs }
}

/// The controls of cameras that matter to inspection. Whatever else a driver has goes by the driver's own label.
const KNOWN: [Known; 20] = [
    known("auto_exposure", sys::V4L2_CID_EXPOSURE_AUTO, None),
    known("auto_gain", sys::V4L2_CID_AUTOGAIN, None),
    known("auto_white_balance", sys::V4L2_CID_AUTO_WHITE_BALANCE, None),
    known("auto_focus", sys::V4L2_CID_FOCUS_AUTO, None),
    known("exposure_dynamic_rate", sys::V4L2_CID_EXPOSURE_AUTO_PRIORITY, None),
    known("exposure_time", sys::V4L2_CID_EXPOSURE_ABSOLUTE, Some((sys::V4L2_CID_EXPOSURE_AUTO, MANUAL))),
    known("exposure", sys::V4L2_CID_EXPOSURE, Some((sys::V4L2_CID_EXPOSURE_AUTO, MANUAL))),
    known("gain", sys::V4L2_CID_GAIN, Some((sys::V4L2_CID_AUTOGAIN, OFF))),
    known("white_balance_temperature", sys::V4L2_CID_WHITE_BALANCE_TEMPERATURE, Some((WHITE_BALANCE, OFF))),
    known("red_balance", sys::V4L2_CID_RED_BALANCE, Some((WHITE_BALANCE, OFF))),
    known("blue_balance", sys::V4L2_CID_BLUE_BALANCE, Some((WHITE_BALANCE, OFF))),
    known("focus", sys::V4L2_CID_FOCUS_ABSOLUTE, Some((sys::V4L2_CID_FOCUS_AUTO, OFF))),
    known("power_line_frequency", sys::V4L2_CID_POWER_LINE_FREQUENCY, None),
    known("brightness", sys::V4L2_CID_BRIGHTNESS, None),
    known("contrast", sys::V4L2_CID_CONTRAST, None),
    known("saturation", sys::V4L2_CID_SATURATION, None),
    known("hue", sys::V4L2_CID_HUE, None),
    known("gamma", sys::V4L2_CID_GAMMA, None),
    known("sharpness", sys::V4L2_CID_SHARPNESS, None),
    known("backlight_compensation", sys::V4L2_CID_BACKLIGHT_COMPENSATION, None),
];

const WHITE_BALANCE: u32 = sys::V4L2_CID_AUTO_WHITE_BALANCE;

/// Why a control cannot be set as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ControlError {
    /// The camera has none of that name.
    #[error("there is no control {name}; the camera has {has}")]
    Missing {
        /// The name that was asked for.
        name: String,
        /// Those that there are.
        has: String,
    },
    /// The camera does not take that value.
    #[error("control {name} = {value}: {permitted}")]
    Value {
        /// The control.
        name: String,
        /// The value that was asked for.
        value: i64,
        /// Those that it takes.
        permitted: String,
    },
    /// Two settings exclude each other.
    #[error("control {name} takes effect only with {needs} = {value}, and the settings ask for {needs} = {asked}")]
    Conflict {
        /// The control.
        name: String,
        /// The control that governs it.
        needs: String,
        /// The value that it needs there.
        value: i64,
        /// The value that was asked for there.
        asked: i64,
    },
    /// The control can be read alone.
    #[error("control {name} cannot be set")]
    ReadOnly {
        /// The control.
        name: String,
    },
}

/// One control to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) id: u32,
    pub(crate) value: i64,
}

/// The name of a control in settings: ours, or the driver's label in small letters with `_` for everything else.
pub(crate) fn name_of(id: u32, label: &str) -> String {
    KNOWN.iter().find(|known| known.id == id).map_or_else(|| by_label(label), |known| known.name.to_owned())
}

/// A label as a name, in the way of `v4l2-ctl`.
fn by_label(label: &str) -> String {
    let words = label.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

/// The control of that name, by ours or by the driver's label.
pub(crate) fn find<'a>(has: &'a [ControlInfo], name: &str) -> Result<&'a ControlInfo, ControlError> {
    has.iter()
        .find(|control| control.name == name)
        .or_else(|| has.iter().find(|c| by_label(&c.label) == name))
        .ok_or_else(|| {
            let names: Vec<&str> = has.iter().filter(|c| !c.read_only).map(|c| c.name.as_str()).collect();
            let has = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            ControlError::Missing { name: name.to_owned(), has }
        })
}

/// The steps that set what is wanted, the automatics before what they govern.
pub(crate) fn plan(wanted: &[ControlSetting], has: &[ControlInfo]) -> Result<Vec<Step>, ControlError> {
    let (mut automatics, mut others) = (Vec::<Step>::new(), Vec::<Step>::new());
    for ControlSetting { name, value } in wanted {
        let control = find(has, name)?;
        check(control, *value)?;
        let step = Step { id: control.id, value: *value };
        if governs(control.id) { automatics.push(step) } else { others.push(step) }
    }
    for step in &others {
        let Some((id, value)) = needs(step.id) else { continue };
        let Some(governing) = has.iter().find(|control| control.id == id) else { continue };
        match automatics.iter().find(|automatic| automatic.id == id) {
            Some(automatic) if automatic.value != value => {
                return Err(ControlError::Conflict {
                    name: has.iter().find(|control| control.id == step.id).map_or_else(String::new, |c| c.name.clone()),
                    needs: governing.name.clone(),
                    value,
                    asked: automatic.value,
                });
            }
            Some(_) => {}
            // An automatic that cannot be set is in the state that the driver keeps it in.
            None if governing.read_only => {}
            None => {
                check(governing, value)?;
                automatics.push(Step { id, value });
            }
        }
    }
    automatics.append(&mut others);
    Ok(automatics)
}

fn needs(id: u32) -> Option<(u32, i64)> {
    KNOWN.iter().find(|known| known.id == id).and_then(|known| known.needs)
}

fn governs(id: u32) -> bool {
    KNOWN.iter().any(|known| known.needs.is_some_and(|(governing, _)| governing == id))
}

/// Whether a control takes a value.
pub(crate) fn check(control: &ControlInfo, value: i64) -> Result<(), ControlError> {
    if control.read_only || control.kind == ControlKind::Beyond {
        return Err(ControlError::ReadOnly { name: control.name.clone() });
    }
    let (minimum, maximum) = (control.minimum, control.maximum);
    let (fits, permitted) = match &control.kind {
        ControlKind::Button => (true, String::new()),
        ControlKind::Menu(entries) => {
            let listed: Vec<String> = entries.iter().map(|(number, label)| format!("{number} ({label})")).collect();
            (entries.iter().any(|(number, _)| *number == value), format!("it takes {}", listed.join(", ")))
        }
        _ => ((minimum..=maximum).contains(&value), format!("it takes {minimum} to {maximum}")),
    };
    if fits { Ok(()) } else { Err(ControlError::Value { name: control.name.clone(), value, permitted }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(id: u32, label: &str, kind: ControlKind, minimum: i64, maximum: i64) -> ControlInfo {
        ControlInfo {
            id,
            name: name_of(id, label),
            label: label.into(),
            kind,
            minimum,
            maximum,
            step: 1,
            default: minimum,
            value: Some(minimum),
            inactive: false,
            read_only: false,
        }
    }

    /// As a kernel before 5.19 lists a USB camera.
    fn camera() -> Vec<ControlInfo> {
        let menu = vec![(1, "Manual Mode".to_owned()), (3, "Aperture Priority Mode".to_owned())];
        vec![
            control(sys::V4L2_CID_BRIGHTNESS, "Brightness", ControlKind::Amount, -64, 64),
            control(sys::V4L2_CID_AUTO_WHITE_BALANCE, "White Balance Temperature, Auto", ControlKind::Switch, 0, 1),
            control(
                sys::V4L2_CID_WHITE_BALANCE_TEMPERATURE,
                "White Balance Temperature",
                ControlKind::Amount,
                2800,
                6500,
            ),
            control(sys::V4L2_CID_EXPOSURE_AUTO, "Exposure, Auto", ControlKind::Menu(menu), 0, 3),
            control(sys::V4L2_CID_EXPOSURE_ABSOLUTE, "Exposure (Absolute)", ControlKind::Amount, 1, 5000),
            control(sys::V4L2_CID_GAIN, "Gain", ControlKind::Amount, 0, 100),
            control(0x0098_f900, "Trigger Mode", ControlKind::Switch, 0, 1),
        ]
    }

    fn planned(wanted: &[(&str, i64)]) -> Result<Vec<(String, i64)>, ControlError> {
        let wanted: Vec<_> = wanted.iter().map(|&(name, value)| ControlSetting { name: name.into(), value }).collect();
        let has = camera();
        let name = |id| has.iter().find(|control| control.id == id).unwrap().name.clone();
        Ok(plan(&wanted, &has)?.iter().map(|step| (name(step.id), step.value)).collect())
    }

    fn pairs(expected: &[(&str, i64)]) -> Vec<(String, i64)> {
        expected.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
    }

    #[test]
    fn automatics_go_first_whether_they_were_named_or_not() {
        for (wanted, steps) in [
            (&[("exposure_time", 100)][..], &[("auto_exposure", 1), ("exposure_time", 100)][..]),
            (&[("exposure_time", 100), ("auto_exposure", 1)], &[("auto_exposure", 1), ("exposure_time", 100)]),
            (&[("gain", 5)], &[("gain", 5)]),
            (
                &[("brightness", 0), ("white_balance_temperature", 4000)],
                &[("auto_white_balance", 0), ("brightness", 0), ("white_balance_temperature", 4000)],
            ),
            (&[("trigger_mode", 1)], &[("trigger_mode", 1)]),
            (&[("exposure_absolute", 7)], &[("auto_exposure", 1), ("exposure_time", 7)]),
        ] {
            assert_eq!(planned(wanted).unwrap(), pairs(steps), "{wanted:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        for (wanted, says) in [
            (&[("focus", 3)][..], "there is no control focus; the camera has brightness, auto_white_balance, "),
            (&[("gain", 101)], "control gain = 101: it takes 0 to 100"),
            (
                &[("auto_exposure", 0)],
                "control auto_exposure = 0: it takes 1 (Manual Mode), 3 (Aperture Priority Mode)",
            ),
            (
                &[("auto_exposure", 3), ("exposure_time", 9)],
                "control exposure_time takes effect only with auto_exposure = 1, and the settings ask for auto_exposure = 3",
            ),
        ] {
            let error = planned(wanted).unwrap_err().to_string();
            assert!(error.starts_with(says), "{wanted:?}: {error}");
        }
    }

    #[test]
    fn what_can_only_be_read_is_not_set() {
        let mut fixed = control(0x0098_f901, "Firmware", ControlKind::Amount, 0, 9);
        fixed.read_only = true;
        assert_eq!(check(&fixed, 3), Err(ControlError::ReadOnly { name: "firmware".into() }));
        let table = control(0x0098_f902, "Lens Table", ControlKind::Beyond, 0, 0);
        assert_eq!(check(&table, 0), Err(ControlError::ReadOnly { name: "lens_table".into() }));
    }
}
