//! The camera: whether it is there, opens, gives pictures in time, and does what it was asked for.
//!
//! `seen` makes rows of what was observed; the rest observes.

#[cfg(any(feature = "camera", target_arch = "aarch64"))]
pub(super) use with_cameras::{any, check};
#[cfg(not(any(feature = "camera", target_arch = "aarch64")))]
pub(super) use without_cameras::{any, check};

#[cfg(not(any(feature = "camera", target_arch = "aarch64")))]
mod without_cameras {
    use super::super::row::Row;
    use crate::cli::exit::Exit;
    use crate::config::BoardCamera;

    const FINDING: &str = "this program was built without cameras";
    const REMEDY: &str = "build it with `--features camera`, which needs libclang";

    pub(in super::super) fn any() -> Vec<Row> {
        vec![Row::look("cameras", FINDING, REMEDY)]
    }

    pub(in super::super) fn check(_: &BoardCamera) -> Vec<Row> {
        vec![Row::fail("camera", FINDING, REMEDY, Exit::Engine)]
    }
}

#[cfg(any(feature = "camera", target_arch = "aarch64"))]
mod with_cameras {
    use edge_video::{Facts, Moment, Stamps};
    use shared::units::Micros;

    use super::super::row::Row;
    use crate::app;
    use crate::cli::exit::Exit;
    use crate::config::{BoardCamera, Exposure};
    use crate::hw::clock::KernelClock;
    use crate::hw::pixels::frame_of;
    use crate::hw::roles::{Clock as _, FrameStream as _, HwFault, Picture};

    /// A slow camera needs this long for its first picture.
    const FIRST: Micros = Micros::from_millis(10_000);
    /// Pictures are counted for so long, in which the source of their times is decided too.
    const COUNTED: Micros = Micros::from_millis(2_000);

    /// Which cameras there are.
    pub(in super::super) fn any() -> Vec<Row> {
        let found = edge_video::survey();
        if found.cameras.is_empty() && found.refused.is_empty() {
            let remedy = "plug the camera in; `dmesg` names it then, and `edge-runtime probe` its formats";
            return vec![Row::look("cameras", "none: no /dev/video* takes pictures", remedy)];
        }
        let named = found.cameras.iter().map(|camera| format!("{} {}", camera.node.display(), camera.card));
        let mut rows: Vec<Row> = named.map(|camera| Row::ok("cameras", camera)).collect();
        let refused = found.refused.iter();
        rows.extend(refused.map(|error| Row::look("cameras", error.to_string(), "see the end of that line")));
        rows
    }

    /// What pictures came.
    #[derive(Debug, Default)]
    pub(super) struct Came {
        /// From the start of the stream to the first picture.
        pub first: Option<Micros>,
        /// Pictures, and the time in which they came.
        pub pictures: u64,
        pub during: Micros,
        pub missed: u64,
        pub damaged: u64,
        /// Why there are none, or no more.
        pub fault: Option<String>,
        /// Why the first one has no pixels.
        pub unreadable: Option<String>,
    }

    /// Opens the camera as the station does, and looks at what it gives.
    pub(in super::super) fn check(camera: &BoardCamera) -> Vec<Row> {
        let mut stream = match app::board::camera(camera) {
            Ok(stream) => stream,
            Err(error) => {
                let remedy = "compare with `edge-runtime probe`; a station that runs holds the camera: stop it first";
                return vec![Row::fail("camera", error.to_string(), remedy, Exit::Engine)];
            }
        };
        let mut came = Came::default();
        let began = KernelClock.now();
        while came.fault.is_none() {
            let now = KernelClock.now();
            let until = came.first.map_or(FIRST, |first| first.saturating_add(COUNTED));
            if now >= began.saturating_add(until) {
                break;
            }
            match stream.next(began.saturating_add(until)) {
                Ok(Some(picture)) => {
                    came.during = KernelClock.now().saturating_sub(began);
                    let first = came.first.is_none();
                    came.first.get_or_insert(came.during);
                    came.unreadable = if first { unreadable(&picture) } else { came.unreadable };
                }
                Ok(None) | Err(HwFault::Picture { .. }) => {}
                Err(fault) => came.fault = Some(fault.to_string()),
            }
        }
        let counts = stream.counts();
        (came.pictures, came.missed, came.damaged) = (counts.pictures, counts.missed, counts.damaged);
        let finding =
            stream.facts().map_or(String::new(), |facts| format!(", {} (driver {})", facts.card, facts.driver));
        let mut rows = vec![Row::ok("camera", format!("{}{finding}", camera.device.display()))];
        rows.push(pictures(camera, &came));
        if let Some(facts) = stream.facts() {
            rows.extend(stamps(facts, came.pictures));
            rows.push(settings(camera, facts));
        }
        rows
    }

    fn unreadable(picture: &Picture) -> Option<String> {
        frame_of(picture, &mut Vec::new()).err().map(|error| error.to_string())
    }

    pub(super) fn pictures(camera: &BoardCamera, came: &Came) -> Row {
        const WHAT: &str = "camera: pictures";
        let cable = "check cable and power; a camera on a hub shares its wire with others";
        if let Some(fault) = &came.fault {
            return Row::fail(WHAT, fault.clone(), cable, Exit::Engine);
        }
        let Some(first) = came.first else {
            let waited = format!("none within {} s", FIRST.0 / 1_000_000);
            return match camera.exposure {
                Exposure::Sensor => {
                    Row::look(WHAT, format!("{waited}: the light barrier triggers it"), "ask again and pass a part")
                }
                Exposure::Free if came.damaged > 0 => {
                    Row::fail(WHAT, format!("{waited} but {} damaged ones", came.damaged), cable, Exit::Engine)
                }
                Exposure::Free => Row::fail(WHAT, waited, cable, Exit::Engine),
            };
        };
        if let Some(error) = &came.unreadable {
            let finding = format!("cannot be read: {error}");
            return Row::fail(
                WHAT,
                finding,
                "take another format of those that `edge-runtime probe` lists",
                Exit::Engine,
            );
        }
        let seconds = came.during.saturating_sub(first).as_millis_f64() / 1e3;
        let rate = if seconds > 0.0 { (came.pictures.saturating_sub(1)) as f64 / seconds } else { 0.0 };
        let mut finding = format!("the first after {:.0} ms, then {rate:.1} a second", first.as_millis_f64());
        if came.missed + came.damaged > 0 {
            finding += &format!("; {} missed, {} damaged", came.missed, came.damaged);
            return Row::look(WHAT, finding, cable);
        }
        let wanted = camera.millihertz.map(|rate| f64::from(rate) / 1e3).filter(|_| camera.exposure == Exposure::Free);
        match wanted {
            Some(wanted) if rate < wanted * 0.9 => {
                let remedy = "a long exposure lowers the rate: shorten exposure_time, or lower fps";
                Row::look(WHAT, format!("{finding}; fps asks for {wanted:.1}"), remedy)
            }
            _ => Row::ok(WHAT, finding),
        }
    }

    pub(super) fn stamps(facts: &Facts, pictures: u64) -> Option<Row> {
        const WHAT: &str = "camera: times";
        let moment = match facts.moment {
            Moment::ExposureStart => "the beginning of the exposure",
            Moment::FrameEnd => "the end of the transfer: count it into trigger_to_picture_ms",
            Moment::Unknown => "a moment that it does not tell",
        };
        (pictures > 0).then(|| match facts.stamps {
            Stamps::Kernel => Row::ok(WHAT, format!("the driver's, of {moment}")),
            Stamps::Dequeue => Row::look(
                WHAT,
                "the driver's are of another clock; those at which a picture is read are taken, which are later and vary",
                "widen match_within_ms, slow the belt, or take another camera",
            ),
        })
    }

    pub(super) fn settings(camera: &BoardCamera, facts: &Facts) -> Row {
        const WHAT: &str = "camera: settings";
        let mut other: Vec<String> = facts
            .controls
            .iter()
            .filter_map(|control| {
                let asked = control.asked.filter(|&asked| asked != control.value)?;
                Some(format!("{} = {} instead of {asked}", control.name, control.value))
            })
            .collect();
        let rates =
            camera.millihertz.map(|rate| f64::from(rate) / 1e3).zip(facts.interval.map(|interval| interval.rate()));
        if let Some((wanted, got)) = rates.filter(|(wanted, got)| (wanted - got).abs() > wanted * 0.01) {
            other.push(format!("fps = {got:.2} instead of {wanted:.2}"));
        }
        let format = format!("{} {}x{}", facts.encoding, facts.width, facts.height);
        if other.is_empty() {
            let asked = facts.controls.iter().filter(|control| control.asked.is_some()).count();
            return Row::ok(WHAT, format!("{format}, {asked} control(s) read back as asked for"));
        }
        let remedy = "write what the driver takes; `edge-runtime probe` lists ranges and steps";
        Row::look(WHAT, format!("{format}, but {}", other.join(", ")), remedy)
    }

    #[cfg(test)]
    mod tests {
        use edge_video::{ControlFact, Encoding, Interval};

        use super::*;
        use crate::cli::doctor::row::Mark;

        fn camera(exposure: Exposure) -> BoardCamera {
            BoardCamera {
                device: "/dev/video0".into(),
                format: "YUYV",
                width: 640,
                height: 480,
                millihertz: Some(30_000),
                exposure,
                trigger_to_picture: Micros(0),
                match_within: Micros(20_000),
                silent: Micros(1_000_000),
                controls: vec![("gain".to_owned(), 16)],
            }
        }

        fn facts(gain: i64, stamps: Stamps) -> Facts {
            Facts {
                card: "HD Webcam".to_owned(),
                driver: "uvcvideo".to_owned(),
                bus: "usb-1".to_owned(),
                encoding: Encoding::Yuyv,
                width: 640,
                height: 480,
                bytes_per_row: 1_280,
                interval: Interval::of_millihertz(30_000),
                controls: vec![ControlFact { name: "gain".to_owned(), asked: Some(16), value: gain }],
                stamps,
                moment: Moment::ExposureStart,
                claims_monotonic: true,
            }
        }

        #[test]
        fn what_came_is_judged_against_what_was_asked_for() {
            let came = |pictures, missed| Came {
                first: Some(Micros(300_000)),
                pictures,
                during: Micros(2_300_000),
                missed,
                ..Came::default()
            };
            let none = |damaged, fault: Option<&str>| Came { damaged, fault: fault.map(Into::into), ..Came::default() };
            let unreadable = Came { unreadable: Some("no JPEG".to_owned()), ..came(61, 0) };
            for (came, exposure, mark, part) in [
                (came(61, 0), Exposure::Free, Mark::Ok, "the first after 300 ms, then 30.0 a second"),
                (came(61, 2), Exposure::Free, Mark::Look, "2 missed, 0 damaged"),
                (came(31, 0), Exposure::Free, Mark::Look, "then 15.0 a second; fps asks for 30.0"),
                (came(3, 0), Exposure::Sensor, Mark::Ok, "1.0 a second"),
                (none(0, None), Exposure::Sensor, Mark::Look, "the light barrier triggers it"),
                (none(0, None), Exposure::Free, Mark::Fail, "none within 10 s"),
                (none(7, None), Exposure::Free, Mark::Fail, "but 7 damaged ones"),
                (none(0, Some("camera: gone")), Exposure::Free, Mark::Fail, "camera: gone"),
                (unreadable, Exposure::Free, Mark::Fail, "cannot be read: no JPEG"),
            ] {
                let row = pictures(&camera(exposure), &came);
                assert!(row.mark == mark && row.finding.contains(part), "{part}: {row:?}");
            }
        }

        #[test]
        fn what_the_driver_made_of_the_settings_and_whose_its_times_are_is_told() {
            let wanted = camera(Exposure::Free);
            assert_eq!(settings(&wanted, &facts(16, Stamps::Kernel)).mark, Mark::Ok);
            let row = settings(&wanted, &facts(20, Stamps::Kernel));
            assert_eq!((row.mark, row.finding.as_str()), (Mark::Look, "YUYV 640x480, but gain = 20 instead of 16"));
            let slow = Facts { interval: Interval::of_millihertz(15_000), ..facts(16, Stamps::Kernel) };
            assert!(settings(&wanted, &slow).finding.ends_with("fps = 15.00 instead of 30.00"));
            let of = |kind, pictures| stamps(&facts(16, kind), pictures).map(|row| row.mark);
            assert_eq!(of(Stamps::Kernel, 3), Some(Mark::Ok));
            assert_eq!(of(Stamps::Dequeue, 3), Some(Mark::Look));
            assert_eq!(of(Stamps::Kernel, 0), None, "nothing is known without a picture");
        }
    }
}
