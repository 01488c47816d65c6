//! The table of cameras.
//!
//! Takes what was found; gives text. A camera's formats and controls have the names that a configuration wants.

use edge_video::{CameraInfo, ControlInfo, ControlKind, Encoding, FormatInfo, Intervals, SizeInfo, Survey};

use super::words::line;

/// Rates of one size that are printed; cameras list up to ten.
const RATES_SHOWN: usize = 12;

/// The table of cameras.
pub(super) fn table(found: &Survey, all: bool) -> String {
    let mut out = String::from("CAMERAS\n");
    if found.cameras.is_empty() && found.refused.is_empty() {
        out += "  none: no /dev/video* takes pictures. Is the camera plugged in, and does `dmesg` name it? A camera on a \
                ribbon cable needs its driver named in the board's configuration.\n";
    }
    for camera in &found.cameras {
        camera_table(&mut out, camera, all);
    }
    for error in &found.refused {
        line(&mut out, format_args!("  {error}"));
    }
    out
}

fn camera_table(out: &mut String, camera: &CameraInfo, all: bool) {
    let CameraInfo { node, links, card, driver, bus, multi_planar, formats, controls } = camera;
    line(out, format_args!("  {}  {card} (driver {driver}, at {bus})", node.display()));
    for link in links {
        line(out, format_args!("    device   {}", link.display()));
    }
    if *multi_planar {
        line(out, format_args!("    cannot be used: it offers nothing but V4L2's multi-planar interface"));
        return;
    }
    let mut unusable = Vec::new();
    for format in formats {
        if Encoding::from_fourcc(format.fourcc).is_none() {
            unusable.push(format.fourcc.to_string());
        }
        format_table(out, format, all);
    }
    if !unusable.is_empty() && !all {
        line(out, format_args!("    formats that cannot be used, see --all: {}", unusable.len()));
    }
    if unusable.len() == formats.len() {
        let usable = Encoding::ALL.map(|encoding| encoding.to_string()).join(", ");
        line(out, format_args!("    cannot be used: it has none of the formats {usable}"));
    }
    for control in controls.iter().filter(|control| all || settable(control)) {
        line(out, format_args!("    control  {}", control_line(control)));
    }
}

fn format_table(out: &mut String, format: &FormatInfo, all: bool) {
    let name = match Encoding::from_fourcc(format.fourcc) {
        Some(encoding) => encoding.to_string(),
        None if all => format!("{} ({}; cannot be used)", format.fourcc, format.description),
        None => return,
    };
    for SizeInfo { sizes, intervals } in &format.sizes {
        line(out, format_args!("    format   {name:<6} {:<11} {}", sizes.to_string(), rates(intervals)));
    }
    if format.sizes.is_empty() {
        line(out, format_args!("    format   {name:<6} sizes are not listed"));
    }
}

fn rates(intervals: &Intervals) -> String {
    match intervals {
        Intervals::Each(each) if each.is_empty() => "rates are not listed".into(),
        Intervals::Each(each) => {
            let shown: Vec<String> = each.iter().take(RATES_SHOWN).map(ToString::to_string).collect();
            let more = if each.len() > RATES_SHOWN { ", ..." } else { "" };
            format!("at {}{more} frames/s", shown.join(", "))
        }
        Intervals::Range(shortest, longest) => format!("at {longest} to {shortest} frames/s"),
    }
}

fn settable(control: &ControlInfo) -> bool {
    !control.read_only && control.kind != ControlKind::Beyond
}

fn control_line(control: &ControlInfo) -> String {
    let ControlInfo { name, kind, minimum, maximum, step, default, value, inactive, .. } = control;
    let mut out = format!("{name:<29}");
    match kind {
        ControlKind::Amount if *step > 1 => out += &format!(" {minimum} to {maximum} in steps of {step}"),
        ControlKind::Amount => out += &format!(" {minimum} to {maximum}"),
        ControlKind::Switch => out += " 0 or 1",
        ControlKind::Menu(entries) => {
            let listed: Vec<String> = entries.iter().map(|(number, label)| format!("{number} {label}")).collect();
            out += &format!(" {}", listed.join(" | "));
        }
        ControlKind::Button => out += " sets off an action",
        ControlKind::Beyond => out += " cannot be set here",
    }
    if let Some(value) = value {
        out += &format!("; is {value}");
        if value != default {
            out += &format!(" (default {default})");
        }
    }
    if *inactive {
        out += "; governed by another control at present";
    }
    out
}

#[cfg(test)]
mod tests {
    use edge_video::{FourCc, Interval, Sizes};

    use super::*;

    fn webcam() -> CameraInfo {
        let at = |rates: &[u32]| Intervals::Each(rates.iter().filter_map(|&rate| Interval::new(1, rate)).collect());
        let control = |name: &str, kind, maximum, value, inactive| ControlInfo {
            id: 1,
            name: name.into(),
            label: name.into(),
            kind,
            minimum: 0,
            maximum,
            step: 1,
            default: 3,
            value,
            inactive,
            read_only: false,
        };
        let menu = ControlKind::Menu(vec![(1, "Manual Mode".into()), (3, "Aperture Priority Mode".into())]);
        CameraInfo {
            node: "/dev/video0".into(),
            links: vec!["/dev/v4l/by-path/pci-usb-0:2:1.0-video-index0".into()],
            card: "HD Webcam".into(),
            driver: "uvcvideo".into(),
            bus: "usb-1".into(),
            multi_planar: false,
            formats: vec![
                FormatInfo {
                    fourcc: FourCc(u32::from_le_bytes(*b"MJPG")),
                    description: "Motion-JPEG".into(),
                    sizes: vec![
                        SizeInfo { sizes: Sizes::One(1280, 720), intervals: at(&[30, 15]) },
                        SizeInfo { sizes: Sizes::One(640, 480), intervals: at(&[]) },
                    ],
                },
                FormatInfo { fourcc: FourCc(u32::from_le_bytes(*b"H264")), description: "H.264".into(), sizes: vec![] },
            ],
            controls: vec![
                control("auto_exposure", menu, 3, Some(3), false),
                control("exposure_time", ControlKind::Amount, 5_000, Some(157), true),
                control("lens_table", ControlKind::Beyond, 0, None, false),
            ],
        }
    }

    #[test]
    fn a_webcam_reads_like_this() {
        let found = Survey { cameras: vec![webcam()], refused: Vec::new() };
        let expected = "\
CAMERAS
  /dev/video0  HD Webcam (driver uvcvideo, at usb-1)
    device   /dev/v4l/by-path/pci-usb-0:2:1.0-video-index0
    format   MJPG   1280x720    at 30, 15 frames/s
    format   MJPG   640x480     rates are not listed
    formats that cannot be used, see --all: 1
    control  auto_exposure                 1 Manual Mode | 3 Aperture Priority Mode; is 3
    control  exposure_time                 0 to 5000; is 157 (default 3); governed by another control at present
";
        assert_eq!(table(&found, false), expected);
        let all = table(&found, true);
        assert!(all.contains("H264 (H.264; cannot be used) sizes are not listed"), "{all}");
        assert!(all.contains("lens_table                    cannot be set here"), "{all}");
    }

    #[test]
    fn what_cannot_be_used_says_so() {
        let mut bayer = webcam();
        bayer.formats.remove(0);
        let multi = CameraInfo { multi_planar: true, ..webcam() };
        let text = table(&Survey { cameras: vec![bayer, multi], refused: Vec::new() }, false);
        assert!(text.contains("cannot be used: it has none of the formats YUYV, MJPG, NV12, GREY, RGB24"), "{text}");
        assert!(text.contains("nothing but V4L2's multi-planar interface"), "{text}");
        let none = table(&Survey::default(), false);
        assert!(none.contains("Is the camera plugged in"), "{none}");
    }
}
