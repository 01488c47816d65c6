//! Comes to terms with a driver: format, rate, controls, and what became of them.
//!
//! Takes an open node and settings, gives facts. A driver that silently gives something else is found out here.

use rustix::io::Errno;

use crate::abilities::{controls, formats};
use crate::control::{Step, plan};
use crate::encoding::Encoding;
use crate::error::{VideoError, refused, refused_control};
use crate::facts::{ControlFact, Facts, Moment};
use crate::info::{ControlInfo, FormatInfo, Sizes};
use crate::node::{Capability, Format, Node};
use crate::settings::Settings;
use crate::stamps::Stamps;

/// Sizes of one format that an error message names. Cameras have up to twenty.
const NAMED_SIZES: usize = 20;

/// A frame rate that differs by more than one part in so many is worth a warning; less is rounding.
const RATE_TOLERANCE: u64 = 100;

/// What was agreed with a driver.
pub(crate) struct Agreed {
    pub(crate) facts: Facts,
    pub(crate) has: Vec<ControlInfo>,
}

/// Sets a camera up as the settings say.
pub(crate) fn agree(node: &Node, settings: &Settings) -> Result<Agreed, VideoError> {
    let device = settings.device.as_path();
    let asked = |doing| move |source| refused(device, doing, source);
    let Capability { card, driver, bus, .. } = capturing(node, settings)?;
    let (encoding, format) = agree_format(node, settings)?;
    let interval = node.set_interval(settings.interval).map_err(asked("setting the frame rate"))?;
    if let (Some(wanted), Some(set)) = (settings.interval, interval)
        && wanted.micros().abs_diff(set.micros()) > wanted.micros() / RATE_TOLERANCE
    {
        tracing::warn!(device = %device.display(), asked = %wanted, set = %set, "the camera has another frame rate");
    }
    let has = controls(node).map_err(asked("listing its controls"))?;
    let fault = |source| VideoError::Control { device: device.to_owned(), source };
    let steps = plan(&settings.controls, &has).map_err(fault)?;
    for step in &steps {
        let name = has.iter().find(|control| control.id == step.id).map_or("", |control| control.name.as_str());
        node.set_control(step.id, step.value).map_err(|source| refused_control(device, name, step.value, source))?;
    }
    // Read again: setting one control changes others.
    let has = controls(node).map_err(asked("reading its controls"))?;
    let controls = control_facts(&has, &steps);
    for fact in &controls {
        if let Some(wanted) = fact.asked.filter(|&wanted| wanted != fact.value) {
            tracing::warn!(device = %device.display(), control = %fact.name, wanted, is = fact.value, "the camera has another value");
        }
    }
    let Format { width, height, bytes_per_row, .. } = format;
    let facts = Facts {
        card,
        driver,
        bus,
        encoding,
        width,
        height,
        bytes_per_row,
        interval,
        controls,
        stamps: Stamps::Kernel,
        moment: Moment::Unknown,
        claims_monotonic: false,
    };
    Ok(Agreed { facts, has })
}

fn capturing(node: &Node, settings: &Settings) -> Result<Capability, VideoError> {
    let device = settings.device.clone();
    let about = match node.capability() {
        Ok(about) => about,
        // A file that is no video device does not know the question.
        Err(source) if Errno::from_io_error(&source) == Some(Errno::NOTTY) => {
            return Err(VideoError::NotACamera { device, card: "this file".into() });
        }
        Err(source) => return Err(refused(&settings.device, "asking what it is", source)),
    };
    if about.only_multi_planar() {
        return Err(VideoError::MultiPlanar { device, card: about.card, driver: about.driver });
    }
    if !about.captures() {
        return Err(VideoError::NotACamera { device, card: about.card });
    }
    Ok(about)
}

/// Goes through the wanted encodings until the driver gives one in the wanted size.
fn agree_format(node: &Node, settings: &Settings) -> Result<(Encoding, Format), VideoError> {
    let device = settings.device.as_path();
    let mut given = Vec::new();
    for &encoding in &settings.encodings {
        let wanted = (encoding.fourcc(), settings.width, settings.height);
        let mut format = match node.set_format(wanted.0, wanted.1, wanted.2) {
            Ok(format) => format,
            // Most drivers answer with what they have instead; some refuse what they do not have.
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => {
                given.push(format!("no {encoding}"));
                continue;
            }
            Err(source) => return Err(refused(device, "setting the format", source)),
        };
        let got = format!("{} {}x{}", format.fourcc, format.width, format.height);
        if (format.fourcc, format.width, format.height) != wanted {
            given.push(got);
            continue;
        }
        if format.interlaced {
            return Err(VideoError::Interlaced { device: device.to_owned(), got });
        }
        format.bytes_per_row = bytes_per_row(encoding, &format);
        return Ok((encoding, format));
    }
    let has = formats(node).map_err(|source| refused(device, "listing its formats", source))?;
    let names: Vec<String> = settings.encodings.iter().map(ToString::to_string).collect();
    Err(VideoError::Format {
        device: device.to_owned(),
        asked: format!("{} {}x{}", names.join(" or "), settings.width, settings.height),
        got: if given.is_empty() { "nothing, as no encoding is named".into() } else { given.join(", ") },
        has: in_words(&has),
    })
}

/// What the driver says, or what a row takes where it says nothing or less.
fn bytes_per_row(encoding: Encoding, format: &Format) -> u32 {
    match encoding.rows(format.width, format.height) {
        Some((row, _)) => format.bytes_per_row.max(u32::try_from(row).unwrap_or(u32::MAX)),
        None => 0,
    }
}

/// The encodings that can be used with their sizes, and how many others there are.
fn in_words(formats: &[FormatInfo]) -> String {
    let usable = |format: &&FormatInfo| Encoding::from_fourcc(format.fourcc).is_some();
    let of = |format: &FormatInfo| {
        let sizes: String = format.sizes.iter().take(NAMED_SIZES).map(|size| format!(" {}", size.sizes)).collect();
        format!("{}{sizes}", format.fourcc)
    };
    let mut named: Vec<String> = formats.iter().filter(usable).map(of).collect();
    let others = formats.len() - named.len();
    if named.is_empty() {
        named.push("nothing that can be used".into());
    }
    if others > 0 {
        named.push(format!("of no use: {others} more"));
    }
    named.join("; ")
}

fn control_facts(has: &[ControlInfo], steps: &[Step]) -> Vec<ControlFact> {
    let asked = |id| steps.iter().rev().find(|step| step.id == id).map(|step| step.value);
    has.iter()
        .filter_map(|control| {
            Some(ControlFact { name: control.name.clone(), asked: asked(control.id), value: control.value? })
        })
        .collect()
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::One(width, height) => f.pad(&format!("{width}x{height}")),
            Self::Range(least, most, step) => {
                f.pad(&format!("{}x{} to {}x{} in steps of {}x{}", least.0, least.1, most.0, most.1, step.0, step.1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::FourCc;
    use crate::info::{Intervals, SizeInfo};

    #[test]
    fn what_a_camera_has_is_told_in_one_line() {
        let size = |sizes| SizeInfo { sizes, intervals: Intervals::Each(Vec::new()) };
        let format = |name: &[u8; 4], sizes| FormatInfo {
            fourcc: FourCc(u32::from_le_bytes(*name)),
            description: String::new(),
            sizes,
        };
        let formats = [
            format(b"YUYV", vec![size(Sizes::One(640, 480)), size(Sizes::One(320, 240))]),
            format(b"GREY", vec![size(Sizes::Range((16, 16), (4056, 3040), (2, 2)))]),
            format(b"RG10", vec![size(Sizes::One(640, 480))]),
        ];
        assert_eq!(
            in_words(&formats),
            "YUYV 640x480 320x240; GREY 16x16 to 4056x3040 in steps of 2x2; of no use: 1 more"
        );
        assert_eq!(in_words(&formats[2..]), "nothing that can be used; of no use: 1 more");
        assert_eq!(in_words(&[]), "nothing that can be used");
    }

    #[test]
    fn a_driver_that_tells_no_row_length_means_rows_without_padding() {
        let format = |bytes_per_row| Format {
            fourcc: Encoding::Yuyv.fourcc(),
            width: 10,
            height: 2,
            bytes_per_row,
            interlaced: false,
        };
        assert_eq!(bytes_per_row(Encoding::Yuyv, &format(0)), 20);
        assert_eq!(bytes_per_row(Encoding::Yuyv, &format(32)), 32);
        assert_eq!(bytes_per_row(Encoding::Mjpg, &format(0)), 0);
    }

    #[test]
    fn a_file_that_is_no_device_is_no_camera() {
        let settings = Settings {
            device: "/dev/null".into(),
            encodings: vec![Encoding::Yuyv],
            width: 640,
            height: 480,
            interval: None,
            controls: Vec::new(),
        };
        let error = crate::Camera::open(&settings).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "/dev/null: this file captures no pictures; `probe` lists the nodes that do");
    }
}
