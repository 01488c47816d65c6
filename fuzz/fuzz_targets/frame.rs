//! A camera's picture: raw pixels of any arrangement, or MJPG, of a size that is true or is not.
//!
//! A decoder that fails takes no memory beyond its bound; one that gives a picture gives all of it, whatever was in the buffer before.
//! What is a frame is measured and becomes the network's input. The first bytes choose; the rest is the picture.

#![no_main]

use std::alloc::System;
use std::cell::RefCell;

use edge_runtime::hw::board::jpeg::{self, JpegError};
use edge_runtime::hw::pixels::frame_of;
use edge_runtime::hw::roles::{Picture, PictureFormat};
use libfuzzer_sys::fuzz_target;
use shared::frame::{Frame, PixelFormat};
use shared::limits::{INPUT_MULTIPLE, MAX_FRAME_SIDE};
use shared::preprocess::{Crop, Fixture, Preprocess, PreprocessError, Scratch};
use shared::quality::Gauge;
use shared::units::Micros;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that decoding may allocate beyond the picture itself for each byte of the file: its copies.
const PER_BYTE: usize = 4;

/// And for each pixel of a side: rows of every component, at the largest sampling, before and behind up-sampling.
const PER_SIDE: usize = 4096;

/// And in any case: tables, and the decoder itself.
const ALWAYS: usize = 256 * 1024;

/// A larger picture is not decoded here: it takes more time and shows nothing more.
const MAX_PIXELS: usize = 1 << 20;

/// What is left of an earlier picture, in two variants.
const BEFORE: [u8; 2] = [0x55, 0xaa];

/// What the first bytes choose.
#[derive(Clone, Copy)]
struct Choice {
    kind: u8,
    width: usize,
    height: usize,
    crop: Option<Crop>,
    input: (usize, usize),
    fixture: Option<Fixture>,
    padding: usize,
}

const CHOICE_BYTES: usize = 11;

impl Choice {
    fn of(bytes: &[u8; CHOICE_BYTES]) -> Self {
        let [kind, w0, w1, h0, h1, x, y, across, down, input, padding] = *bytes;
        let side = |bits: u8| (usize::from(bits % 4) + 1) * INPUT_MULTIPLE;
        let crop = Crop { x: x.into(), y: y.into(), width: across.into(), height: down.into() };
        // Some of the fields are one pixel wide.
        let field = |bits: u8| u16::from(bits) + 1;
        let fixture = Fixture { width: field(x), height: field(y), turned: input & 32 > 0, fewest: 0, most: u32::MAX };
        Self {
            kind: kind % 8,
            width: u16::from_le_bytes([w0, w1]).into(),
            height: u16::from_le_bytes([h0, h1]).into(),
            crop: (across > 0).then_some(crop),
            input: (side(input), side(input >> 2)),
            fixture: (input & 16 > 0).then_some(fixture),
            padding: padding.into(),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first_chunk::<CHOICE_BYTES>() else { return };
    let choice = Choice::of(choice);
    let format = match choice.kind {
        0 => PixelFormat::Rgb8,
        1 => PixelFormat::Grey,
        2 => PixelFormat::Yuyv,
        3 => PixelFormat::Nv12,
        _ => return mjpg(choice, bytes),
    };
    let row = match format {
        PixelFormat::Rgb8 => 3 * choice.width,
        PixelFormat::Yuyv => 2 * choice.width,
        PixelFormat::Grey | PixelFormat::Nv12 => choice.width,
    };
    // As a driver pads rows.
    if let Ok(frame) = Frame::new(format, choice.width, choice.height, row + choice.padding, bytes) {
        used(choice, &frame);
    }
    picture(choice, PictureFormat::Pixels(format), bytes);
});

fn mjpg(choice: Choice, bytes: &[u8]) {
    // A camera that was set to the size that comes; the size that was chosen otherwise.
    let (width, height) = match size(bytes).filter(|_| choice.width == 0) {
        Some(size) => size,
        None => (choice.width, choice.height),
    };
    if width * height > MAX_PIXELS {
        return;
    }
    let decoded = BEFORE.map(|before| {
        let mut rgb = vec![before; 3 * width * height];
        let region = Region::new(MEMORY);
        let decoded = jpeg::decode(bytes, width, height, &mut rgb);
        let taken = region.change();
        let (taken, sides) = (taken.bytes_allocated, width.min(MAX_FRAME_SIDE) + height.min(MAX_FRAME_SIDE));
        // What is known before the decoder is asked is refused before anything is taken.
        let bound = match decoded {
            Ok(()) | Err(JpegError::Damaged { .. }) => PER_BYTE * bytes.len() + PER_SIDE * sides + ALWAYS,
            Err(_) => 0,
        };
        assert!(taken <= bound, "{taken} bytes were taken, at most {bound} are allowed: {width}x{height}, {decoded:?}");
        decoded.map(|()| rgb)
    });
    assert!(decoded[0] == decoded[1], "what was in the buffer before is part of the picture");
    picture(Choice { width, height, ..choice }, PictureFormat::Jpeg, bytes);
}

/// The size in the first header of a frame.
fn size(bytes: &[u8]) -> Option<(usize, usize)> {
    let header = bytes.windows(9).find(|header| header[0] == 0xff && matches!(header[1], 0xc0 | 0xc1))?;
    let pair = |at: usize| usize::from(u16::from_be_bytes([header[at], header[at + 1]]));
    Some((pair(7), pair(5)))
}

fn picture(choice: Choice, format: PictureFormat, bytes: &[u8]) {
    let Choice { width, height, .. } = choice;
    let picture = Picture { exposed_at: Micros(0), format, width, height, bytes: bytes.to_vec() };
    let mut rgb = Vec::new();
    match frame_of(&picture, &mut rgb) {
        Ok(frame) => {
            assert_eq!((frame.width(), frame.height()), (width, height));
            used(choice, &frame);
        }
        Err(why) => assert!(!why.to_string().is_empty()),
    }
}

thread_local! {
    static ROOM: RefCell<(Box<Scratch>, Box<Gauge>)> = RefCell::new((Box::new(Scratch::new()), Box::new(Gauge::new())));
}

fn used(choice: Choice, frame: &Frame<'_>) {
    let steps = Preprocess::new(choice.crop, choice.input.0, choice.input.1);
    let Ok(steps) = steps.and_then(|steps| steps.with_fixture(choice.fixture)) else { return };
    ROOM.with_borrow_mut(|(scratch, gauge)| {
        let inputs = BEFORE.map(|before| {
            let (mut memory, mut input) = (vec![before; steps.memory_bytes()], vec![before; steps.input_bytes()]);
            steps.run(frame, scratch, &mut memory, &mut input).map(|()| input)
        });
        assert_eq!(inputs[0], inputs[1], "every byte of the input is written");
        match gauge.measure(frame, steps.crop()) {
            Ok(quality) => {
                assert!((0.0..=255.0).contains(&quality.brightness), "{quality:?}");
                assert!((0.0..=1.0).contains(&quality.saturated), "{quality:?}");
                assert!(quality.sharpness >= 0.0, "{quality:?}");
                // A picture may show no part, or several.
                assert!(
                    matches!(
                        inputs[0],
                        Ok(_) | Err(PreprocessError::NoPart { .. } | PreprocessError::SeveralParts { .. })
                    ),
                    "{:?}",
                    inputs[0]
                );
            }
            Err(error) => assert_eq!(inputs[0], Err(error)),
        }
    });
}
