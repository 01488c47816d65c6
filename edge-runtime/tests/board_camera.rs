//! The board's camera against a real device, from the kernel's buffers to a measured picture: the device that the
//! environment variable `DRAEM_VIDEO` names, with the first encoding that it lists.
//!
//! With `DRAEM_VIDEO_UNPLUGGED` set besides, it is to be unplugged and plugged in again while the test runs.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use edge_runtime::hw::board::camera::BoardCamera;
use edge_runtime::hw::board::jpeg;
use edge_runtime::hw::roles::{FrameStream, HwFault, Picture, PictureFormat};
use edge_video::{Encoding, Settings, Sizes, now_us};
use shared::frame::{Frame, PixelFormat};
use shared::quality::{Gauge, Quality};
use shared::units::Micros;

/// A camera that is there sends a picture within this time, also in an emulated machine.
const PATIENCE: Micros = Micros::from_millis(10_000);

fn camera() -> Option<BoardCamera> {
    let device = std::env::var_os("DRAEM_VIDEO")?;
    let node = std::fs::canonicalize(&device).unwrap();
    let about = edge_video::list().into_iter().find(|camera| camera.node == node).unwrap();
    let usable = about.formats.iter().find_map(|format| Some((Encoding::from_fourcc(format.fourcc)?, format)));
    let (encoding, format) = usable.unwrap();
    let (width, height) = match format.sizes[0].sizes {
        Sizes::One(width, height) => (width, height),
        Sizes::Range(_, most, _) => most,
    };
    let settings = Settings {
        device: device.into(),
        encodings: vec![encoding],
        width,
        height,
        interval: None,
        controls: Vec::new(),
    };
    Some(BoardCamera::open(settings).unwrap())
}

fn after(time: Micros) -> Micros {
    Micros(now_us()).saturating_add(time)
}

fn picture(camera: &mut BoardCamera) -> Picture {
    camera.next(after(PATIENCE)).unwrap().expect("a picture in time")
}

/// The pixels as a station sees them.
fn measured(gauge: &mut Gauge, picture: &Picture) -> Quality {
    let Picture { format, width, height, bytes, .. } = picture;
    let mut rgb = Vec::new();
    let (format, stride, bytes) = match format {
        PictureFormat::Jpeg => {
            jpeg::decode(bytes, *width, *height, &mut rgb).unwrap();
            (PixelFormat::Rgb8, width * 3, &rgb)
        }
        PictureFormat::Pixels(format) => {
            let stride = match format {
                PixelFormat::Rgb8 => width * 3,
                PixelFormat::Yuyv => width * 2,
                PixelFormat::Grey | PixelFormat::Nv12 => *width,
            };
            (*format, stride, bytes)
        }
    };
    gauge.measure(&Frame::new(format, *width, *height, stride, bytes).unwrap(), None).unwrap()
}

#[test]
fn pictures_come_whole_and_can_be_measured() {
    let Some(mut camera) = camera() else {
        eprintln!("SKIPPED: no real camera was tested; name one as DRAEM_VIDEO=/dev/video0");
        return;
    };
    let (mut gauge, mut last) = (Box::new(Gauge::new()), Micros(0));
    for _ in 0..10 {
        let picture = picture(&mut camera);
        assert!(picture.exposed_at >= last && picture.exposed_at <= Micros(now_us()));
        last = picture.exposed_at;
        let quality = measured(&mut gauge, &picture);
        eprintln!("{:?} {}x{} at {}: {quality:?}", picture.format, picture.width, picture.height, last.0);
        assert!(quality.brightness > 1.0 && quality.sharpness > 0.0, "{quality:?}");
    }
    assert_eq!(camera.counts().damaged, 0);
}

#[test]
fn it_comes_back_after_it_was_unplugged_without_a_restart() {
    if std::env::var_os("DRAEM_VIDEO_UNPLUGGED").is_none() {
        eprintln!("SKIPPED: no camera was unplugged; with DRAEM_VIDEO set DRAEM_VIDEO_UNPLUGGED=1 and pull the plug");
        return;
    }
    let mut camera = camera().expect("DRAEM_VIDEO");
    let deadline = after(Micros::from_millis(60_000));
    let mut faults = Vec::new();
    while camera.counts().reopened == 0 {
        assert!(Micros(now_us()) < deadline, "the plug was not pulled, or not put back: {faults:?}");
        match camera.next(after(Micros::from_millis(500))) {
            Ok(_) => {}
            Err(HwFault::Camera { evidence }) => faults.push(evidence),
            Err(other) => panic!("{other}"),
        }
    }
    picture(&mut camera);
    eprintln!("{faults:?}, {:?}", camera.counts());
    assert_eq!(faults.len(), 1, "told once: {faults:?}");
    assert!(camera.facts().is_some());
}
