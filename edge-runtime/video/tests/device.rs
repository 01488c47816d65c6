//! The whole room against a real device: the one that the environment variable `DRAEM_VIDEO` names.
//!
//! Any camera will do; with the kernel's virtual one (`vivid`) its faults are provoked too, the last of which unplugs it.
//! What depends on the camera's pace waits with a generous limit.
//!
//! With `DRAEM_VIDEO_UNPLUGGED` set besides, the camera is to be unplugged and plugged in again while the test runs.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;

use edge_video::{
    Camera, ControlError, ControlSetting, Damage, Encoding, Event, Settings, Sizes, Stamps, VideoError, list, now_us,
    wait_until_us,
};

/// A camera that is there sends a frame within this time, also in an emulated machine.
const PATIENCE_US: u64 = 10_000_000;

/// Whoever pulls the plug does so, and puts it back, within this time.
const UNPLUGGED_WITHIN_US: u64 = 60_000_000;

/// One test of the stream, since a camera has one user.
#[test]
fn a_real_camera() {
    let Some(device) = std::env::var_os("DRAEM_VIDEO") else {
        eprintln!("SKIPPED: no real camera was tested; name one as DRAEM_VIDEO=/dev/video0");
        return;
    };
    let Some(settings) = settings(device.as_ref()) else { return };
    the_list_has_it(&settings);
    frames_come_whole_in_order_and_in_time(&settings);
    running_out_of_time_harms_nothing(&settings);
    the_newest_frame_is_new(&settings);
    it_can_be_opened_again_and_again(&settings);
    every_encoding_that_it_lists_streams(&settings);
    what_it_cannot_do_is_refused_in_words(&settings);
    let virtual_camera = Camera::open(&settings).unwrap().facts().driver == "vivid";
    if virtual_camera {
        controls_are_set_and_read_back(&settings);
        damaged_frames_are_told(&settings);
        lost_frames_are_counted(&settings);
        a_camera_that_fails_for_good_has_gone(&settings);
    } else {
        eprintln!("the driver's faults were not provoked: it is not vivid");
    }
}

#[test]
fn a_camera_that_is_unplugged_and_comes_back() {
    let (Some(device), Some(_)) = (std::env::var_os("DRAEM_VIDEO"), std::env::var_os("DRAEM_VIDEO_UNPLUGGED")) else {
        eprintln!("SKIPPED: no camera was unplugged; with DRAEM_VIDEO set DRAEM_VIDEO_UNPLUGGED=1 and pull the plug");
        return;
    };
    let settings = settings(device.as_ref()).expect("a camera that can be used");
    let deadline = now_us() + UNPLUGGED_WITHIN_US;
    let mut camera = Camera::open(&settings).unwrap();
    let (mut frames, mut gone) = (0, None);
    while gone.is_none() && now_us() < deadline {
        match camera.next(now_us() + 1_000_000) {
            Ok(Event::Frame { .. }) => frames += 1,
            Ok(_) => {}
            Err(error) => gone = Some(error),
        }
    }
    let gone = gone.expect("nobody pulled the plug");
    eprintln!("after {frames} frames: {gone}");
    assert!(matches!(gone, VideoError::Gone { .. }), "{gone:?}");
    drop(camera);
    let mut opened = Camera::open(&settings);
    let mut last = String::new();
    while let Err(error) = &opened {
        let says = error.to_string();
        if says != last {
            eprintln!("{says}");
            last = says;
        }
        assert!(now_us() < deadline, "nobody put the plug back: {error}");
        wait_until_us(now_us() + 200_000);
        opened = Camera::open(&settings);
    }
    frame(&mut opened.unwrap());
}

/// The first encoding that can be used, in its smallest size. Nothing for a camera that must be refused, which it then was.
fn settings(device: &Path) -> Option<Settings> {
    let node = device.canonicalize().unwrap_or_else(|error| panic!("DRAEM_VIDEO={}: {error}", device.display()));
    let camera = list().into_iter().find(|camera| camera.node == node);
    let camera = camera.unwrap_or_else(|| panic!("{} is not among {:?}", node.display(), list()));
    if camera.multi_planar {
        let any = Settings {
            device: device.into(),
            encodings: Encoding::ALL.to_vec(),
            width: 640,
            height: 480,
            interval: None,
            controls: Vec::new(),
        };
        let error = Camera::open(&any).map(|_| ()).unwrap_err();
        eprintln!("{error}");
        assert!(matches!(error, VideoError::MultiPlanar { .. }), "{error}");
        return None;
    }
    let usable = camera.formats.iter().find_map(|format| Some((Encoding::from_fourcc(format.fourcc)?, format)));
    let (encoding, format) = usable.expect("it has an encoding that can be used");
    let (width, height) = match format.sizes.first().expect("the encoding has a size").sizes {
        Sizes::One(width, height) => (width, height),
        Sizes::Range(_, most, _) => most,
    };
    eprintln!("{} ({}, {}): {encoding} {width}x{height}", camera.card, camera.driver, camera.bus);
    let encodings = vec![encoding];
    Some(Settings { device: device.into(), encodings, width, height, interval: None, controls: Vec::new() })
}

fn the_list_has_it(settings: &Settings) {
    let node = settings.device.canonicalize().unwrap();
    let camera = list().into_iter().find(|camera| camera.node == node).unwrap();
    assert!(!camera.card.is_empty() && !camera.driver.is_empty() && !camera.bus.is_empty(), "{camera:?}");
    assert!(!camera.multi_planar);
    for control in &camera.controls {
        let plain = control.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        assert!(plain && !control.name.is_empty(), "{control:?}");
    }
}

fn frames_come_whole_in_order_and_in_time(settings: &Settings) {
    let mut camera = Camera::open(settings).unwrap();
    let facts = camera.facts().clone();
    assert_eq!((facts.encoding, facts.width, facts.height), (settings.encodings[0], settings.width, settings.height));
    let whole = facts.encoding.frame_bytes(facts.width, facts.height, facts.bytes_per_row);
    let (mut last, mut latest_age) = (None, 0);
    for _ in 0..30 {
        let (at, sequence, missed, length) = frame(&mut camera);
        assert!(whole.is_none_or(|whole| length >= whole), "{length} bytes of {whole:?}");
        let now = now_us();
        assert!(at <= now, "{at} is later than {now}");
        latest_age = latest_age.max(now - at);
        if let Some((earlier, number)) = last.replace((at, sequence)) {
            assert!(at >= earlier, "{at} after {earlier}");
            assert_eq!(sequence.wrapping_sub(number), missed + 1, "{number}, then {sequence}");
        }
    }
    let facts = camera.facts();
    eprintln!("stamps: {:?} of {:?}, oldest {latest_age} us; {facts:?}", facts.stamps, facts.moment);
    assert_eq!(facts.stamps, Stamps::Kernel, "stamps of another clock; on a Jetson that is right");
}

/// The stream type of the v4l crate gives the kernel a buffer that it still has after this.
fn running_out_of_time_harms_nothing(settings: &Settings) {
    let mut camera = Camera::open(settings).unwrap();
    let mut timed_out = 0;
    for _ in 0..200 {
        match camera.next(0).unwrap() {
            Event::TimedOut => timed_out += 1,
            Event::Frame { .. } | Event::Damaged { .. } => {}
        }
    }
    assert!(timed_out > 0, "every one of 200 frames was there without waiting");
    for _ in 0..10 {
        frame(&mut camera);
    }
}

fn the_newest_frame_is_new(settings: &Settings) {
    let mut camera = Camera::open(settings).unwrap();
    let interval = camera.facts().interval.map_or(100_000, edge_video::Interval::micros);
    frame(&mut camera);
    let (oldest_after, begun) = (now_us(), now_us());
    wait_until_us(begun + 8 * interval);
    // The queue is full by now: four frames, the oldest from the beginning of the pause. A driver without a free buffer
    // drops frames, so the newest one may be from the middle of the pause, but is not the oldest.
    let event = camera.newest(now_us() + PATIENCE_US).unwrap();
    let Event::Frame { timestamp_us, .. } = event else { panic!("{event:?}") };
    assert!(timestamp_us > oldest_after + interval / 2, "{timestamp_us} is from the beginning, {oldest_after}");
}

fn it_can_be_opened_again_and_again(settings: &Settings) {
    for _ in 0..5 {
        frame(&mut Camera::open(settings).unwrap());
    }
    let _first = Camera::open(settings).unwrap();
    let second = Camera::open(settings).map(|_| ());
    assert!(matches!(second, Err(VideoError::Busy { .. })), "{second:?}");
}

fn every_encoding_that_it_lists_streams(settings: &Settings) {
    let node = settings.device.canonicalize().unwrap();
    let camera = list().into_iter().find(|camera| camera.node == node).unwrap();
    for encoding in camera.formats.iter().filter_map(|format| Encoding::from_fourcc(format.fourcc)) {
        let mut camera = Camera::open(&Settings { encodings: vec![encoding], ..settings.clone() }).unwrap();
        let (_, _, _, length) = frame(&mut camera);
        eprintln!("{encoding}: {length} bytes, {} a row", camera.facts().bytes_per_row);
    }
}

fn what_it_cannot_do_is_refused_in_words(settings: &Settings) {
    let odd = Settings { width: 33, height: 17, ..settings.clone() };
    let error = Camera::open(&odd).map(|_| ()).unwrap_err().to_string();
    eprintln!("{error}");
    assert!(error.contains("33x17") && error.contains("the driver gives") && error.contains("it has"), "{error}");
    let error = refused_control(settings, "warp_drive", 1);
    assert!(matches!(error, ControlError::Missing { .. }), "{error}");
    eprintln!("{error}");
    let error = refused_control(settings, "brightness", 1_000_000);
    assert!(matches!(error, ControlError::Value { .. } | ControlError::Missing { .. }), "{error}");
    eprintln!("{error}");
}

fn controls_are_set_and_read_back(settings: &Settings) {
    let wanted = [("brightness", 100), ("gain", 77)];
    let controls = wanted.iter().map(|&(name, value)| ControlSetting { name: name.into(), value }).collect();
    let camera = Camera::open(&Settings { controls, ..settings.clone() }).unwrap();
    for (name, value) in [("brightness", 100), ("gain", 77), ("auto_gain", 0)] {
        let fact = camera.facts().controls.iter().find(|fact| fact.name == name).unwrap();
        assert_eq!((fact.asked, fact.value), (Some(value), value), "{name}");
    }
}

fn damaged_frames_are_told(settings: &Settings) {
    let mut camera = Camera::open(settings).unwrap();
    frame(&mut camera);
    camera.set_control("inject_v4l2_buf_flag_error", 1).unwrap();
    let damaged = (0..20).any(|_| {
        matches!(camera.next(now_us() + PATIENCE_US).unwrap(), Event::Damaged { damage: Damage::Flagged, .. })
    });
    assert!(damaged, "none of 20 frames was damaged");
    frame(&mut camera);
}

fn lost_frames_are_counted(settings: &Settings) {
    let mut camera = Camera::open(settings).unwrap();
    camera.set_control("percentage_of_dropped_buffers", 50).unwrap();
    let missed: u32 = (0..20).map(|_| frame(&mut camera).2).sum();
    camera.set_control("percentage_of_dropped_buffers", 0).unwrap();
    eprintln!("{missed} frames missed beside 20");
    assert!(missed > 3, "{missed}");
}

fn a_camera_that_fails_for_good_has_gone(settings: &Settings) {
    for fault in ["inject_fatal_streaming_error", "disconnect"] {
        let mut camera = Camera::open(settings).unwrap();
        frame(&mut camera);
        // No buffer is held, so that it is noticed by waiting.
        while !matches!(camera.next(0).unwrap(), Event::TimedOut) {}
        camera.set_control(fault, 1).unwrap();
        let gone = (0..20).find_map(|_| camera.next(now_us() + PATIENCE_US).map(|_| ()).err());
        let gone = gone.unwrap_or_else(|| panic!("{fault}: 20 more frames"));
        eprintln!("{fault}: {gone}");
        assert!(matches!(gone, VideoError::Gone { .. }) && gone.is_absent(), "{fault}: {gone:?}");
    }
}

fn refused_control(settings: &Settings, name: &str, value: i64) -> ControlError {
    let controls = vec![ControlSetting { name: name.into(), value }];
    match Camera::open(&Settings { controls, ..settings.clone() }).map(|_| ()) {
        Err(VideoError::Control { source, .. }) => source,
        other => panic!("{other:?}"),
    }
}

/// The next whole frame: time, number, missed before it, bytes.
fn frame(camera: &mut Camera) -> (u64, u32, u32, usize) {
    match camera.next(now_us() + PATIENCE_US).unwrap() {
        Event::Frame { timestamp_us, sequence, missed, bytes } => (timestamp_us, sequence, missed, bytes.len()),
        other => panic!("{other:?}"),
    }
}
