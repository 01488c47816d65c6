//! One MJPG frame to pixels.
//!
//! Takes the bytes of a frame and the size that the camera was set to; gives RGB, row-major, without padding. Whatever is
//! not one whole baseline JPEG of that size is an error, also where a viewer would show something: what a frame lacks
//! cannot be proven good. All of the picture is in one scan, in whose data nothing stands but restarts in their order: at
//! anything else the decoder may stop, be content, and leave what the buffer held before. A hole in the middle is noticed when
//! the rest no longer fills the picture or a restart is missing; otherwise the rest of it comes out shifted and discoloured.
//! Memory is bounded by the size, time by the bytes.

use shared::limits::MAX_FRAME_SIDE;
use thiserror::Error;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::huffman;

/// Why bytes are no picture.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JpegError {
    /// They do not begin as a JPEG file, or what should be a marker is none.
    #[error("no JPEG: no marker at byte {at}")]
    Marker {
        /// Where one is expected.
        at: usize,
    },
    /// They end before the picture does.
    #[error("the JPEG breaks off: {got} bytes without an end mark")]
    Cut {
        /// Bytes that came.
        got: usize,
    },
    /// The picture's data is interrupted. A decoder goes on behind what stands there, or takes the rest of the picture as it finds it.
    #[error(
        "a JPEG with marker ff{marker:02x} within its picture's data, at byte {at}; only restarts in their order may stand there"
    )]
    Inside {
        /// Its second byte.
        marker: u8,
        /// Where it is.
        at: usize,
    },
    /// The picture's data is of some of its components alone; the others would be in another scan, which MJPG does not have.
    #[error("a JPEG whose data has {got} of {expected} components; all are expected in one scan")]
    Scan {
        /// Components of the picture.
        expected: u8,
        /// Components of the first scan.
        got: u8,
    },
    /// A kind of JPEG that no camera sends as MJPG.
    #[error("a JPEG with frame marker ff{marker:02x}; only baseline is used as MJPG")]
    Kind {
        /// The second byte of its frame's marker.
        marker: u8,
    },
    /// The picture has another size than the camera was set to.
    #[error("a JPEG of {}x{}, the camera was set to {}x{}", got.0, got.1, expected.0, expected.1)]
    Size {
        /// Width and height that the camera was set to.
        expected: (usize, usize),
        /// Width and height in the file.
        got: (usize, usize),
    },
    /// The picture's data contradicts itself.
    #[error("a damaged JPEG: {evidence}")]
    Damaged {
        /// What the decoder said.
        evidence: String,
    },
}

/// The mark at the end of a file.
const END: [u8; 2] = [0xff, 0xd9];

/// Put behind a picture's data: ones, which no Huffman table may have as a code. A decoder that comes to the end of its data
/// too early, and would go on with nothing, reads them and fails. As many as the longest code and value take, and as a
/// decoder reads ahead.
const TRAP: [u8; 32] = {
    let mut ones = [0; 32];
    let mut i = 0;
    while i < ones.len() {
        // A byte of ones in the data is followed by a zero, so that it is no marker.
        ones[i] = 0xff;
        i += 2;
    }
    ones
};

/// Decodes a frame of `width` by `height` pixels into `rgb`, whose memory is used again.
///
/// # Errors
/// [`JpegError`] when the bytes are not one whole baseline JPEG of that size. What is in `rgb` is then of no use.
pub fn decode(bytes: &[u8], width: usize, height: usize, rgb: &mut Vec<u8>) -> Result<(), JpegError> {
    let head = Head::read(bytes)?;
    let sides = 1..=MAX_FRAME_SIDE;
    if head.size != (width, height) || !sides.contains(&width) || !sides.contains(&height) {
        return Err(JpegError::Size { expected: (width, height), got: head.size });
    }
    // Behind the end mark cameras leave what was in the buffer before.
    let end = head.end(bytes)?;
    let tables: &[u8] = if head.has_tables { &[] } else { &huffman::SEGMENT };
    let whole = [&bytes[..head.scan], tables, &bytes[head.scan..end], &TRAP, &END].concat();
    // Strictly: the decoder otherwise fills what is missing with grey.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(width)
        .set_max_height(height)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&whole), options);
    rgb.resize(width * height * 3, 0);
    decoder.decode_into(rgb).map_err(|error| JpegError::Damaged { evidence: error.to_string() })
}

/// What stands before the pixels.
struct Head {
    /// Where the marker of the scan is.
    scan: usize,
    /// Where the scan's data begins.
    data: usize,
    /// Width and height.
    size: (usize, usize),
    has_tables: bool,
    /// Whether restarts divide the data.
    has_restarts: bool,
}

impl Head {
    /// Goes from marker to marker up to the scan.
    fn read(bytes: &[u8]) -> Result<Self, JpegError> {
        let cut = JpegError::Cut { got: bytes.len() };
        let at = |position: usize| bytes.get(position).copied().ok_or_else(|| cut.clone());
        let pair =
            |position: usize| Ok::<_, JpegError>(usize::from(at(position)?) << 8 | usize::from(at(position + 1)?));
        if pair(0)? != 0xffd8 {
            return Err(JpegError::Marker { at: 0 });
        }
        let (mut position, mut size, mut components, mut has_tables, mut has_restarts) = (2, (0, 0), 0, false, false);
        loop {
            if at(position)? != 0xff {
                return Err(JpegError::Marker { at: position });
            }
            let marker = at(position + 1)?;
            match marker {
                // A marker may be preceded by any number of these.
                0xff => {
                    position += 1;
                    continue;
                }
                0xda => {
                    let (data, got) = (position + 2 + pair(position + 2)?, at(position + 4)?);
                    if got != components {
                        return Err(JpegError::Scan { expected: components, got });
                    }
                    return Ok(Self { scan: position, data, size, has_tables, has_restarts });
                }
                0xc0 | 0xc1 => {
                    size = (pair(position + 7)?, pair(position + 5)?);
                    components = at(position + 9)?;
                }
                0xc4 => has_tables = true,
                0xdd => has_restarts = pair(position + 4)? > 0,
                0xc2 | 0xc3 | 0xc5..=0xcf => return Err(JpegError::Kind { marker }),
                0x00..=0xbf | 0xd0..=0xd9 => return Err(JpegError::Marker { at: position }),
                _ => {}
            }
            let length = pair(position + 2)?;
            if length < 2 {
                return Err(JpegError::Marker { at: position + 2 });
            }
            position += 2 + length;
        }
    }

    /// Where the picture's data ends: at the end mark. A byte of ones in it is followed by a zero.
    fn end(&self, bytes: &[u8]) -> Result<usize, JpegError> {
        let (mut at, mut restart) = (self.data, 0xd0);
        while let Some(ones) = bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| byte == 0xff)) {
            at += ones;
            match bytes.get(at + 1).copied() {
                Some(0x00) => at += 2,
                Some(0xff) => at += 1,
                Some(0xd9) => return Ok(at),
                Some(marker) if self.has_restarts && marker == restart => {
                    restart = 0xd0 | (restart + 1) & 7;
                    at += 2;
                }
                Some(marker) => return Err(JpegError::Inside { marker, at }),
                None => break,
            }
        }
        Err(JpegError::Cut { got: bytes.len() })
    }
}

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;
    use image::{ExtendedColorType, ImageEncoder};
    use proptest::prelude::*;

    use super::*;

    const WIDTH: usize = 48;
    const HEIGHT: usize = 32;

    fn picture() -> Vec<u8> {
        (0..WIDTH * HEIGHT)
            .flat_map(|i| {
                let (x, y) = (i % WIDTH, i / WIDTH);
                [(x * 5) as u8, (y * 7) as u8, ((x + y) * 3) as u8]
            })
            .collect()
    }

    fn jpeg() -> Vec<u8> {
        let mut file = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut file, 90);
        encoder.write_image(&picture(), WIDTH as u32, HEIGHT as u32, ExtendedColorType::Rgb8).unwrap();
        file
    }

    fn decoded(bytes: &[u8]) -> Result<Vec<u8>, JpegError> {
        let mut rgb = Vec::new();
        decode(bytes, WIDTH, HEIGHT, &mut rgb).map(|()| rgb)
    }

    /// As a USB camera sends it: without the segments of Huffman tables.
    fn without_tables(file: &[u8]) -> Vec<u8> {
        let mut out = file[..2].to_vec();
        let mut at = 2;
        while file[at + 1] != 0xda {
            let length = 2 + (usize::from(file[at + 2]) << 8 | usize::from(file[at + 3]));
            if file[at + 1] != 0xc4 {
                out.extend(&file[at..at + length]);
            }
            at += length;
        }
        out.extend(&file[at..]);
        assert!(out.len() + 400 < file.len(), "the file had its tables");
        out
    }

    #[test]
    fn a_picture_comes_back_nearly_as_it_was() {
        let apart =
            decoded(&jpeg()).unwrap().iter().zip(&picture()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum::<u32>();
        assert!(apart / ((WIDTH * HEIGHT * 3) as u32) < 4, "{apart} levels in all");
    }

    #[test]
    fn the_standard_tables_are_meant_where_there_are_none() {
        assert_eq!(decoded(&without_tables(&jpeg())), decoded(&jpeg()));
    }

    /// As cameras send them: half or a quarter of the colour, restart markers, no tables. Both are [`picture`], compressed
    /// by libjpeg, since the encoder above keeps all colour.
    #[test]
    fn frames_with_less_colour_than_pixels_and_with_restarts_are_taken_and_no_part_of_one() {
        for (what, file) in
            [("4:2:2", &include_bytes!("jpeg_frames/422.jpg")[..]), ("4:2:0", include_bytes!("jpeg_frames/420.jpg"))]
        {
            let rgb = decoded(file).unwrap();
            let furthest = rgb.iter().zip(&picture()).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(furthest < Some(32), "{what}: {furthest:?} levels");
            for length in 0..file.len() {
                assert!(decoded(&file[..length]).is_err(), "{what}: {length} of {} bytes", file.len());
            }
        }
    }

    /// Where the data of a file's picture begins and ends.
    fn data(file: &[u8]) -> std::ops::Range<usize> {
        let head = Head::read(file).unwrap();
        head.data..head.end(file).unwrap()
    }

    /// Found by fuzzing: the decoder then left the rest of the picture as the buffer had been, and was content.
    #[test]
    fn a_picture_that_is_interrupted_is_an_error_and_shows_nothing_of_the_one_before() {
        let file = jpeg();
        let middle = (data(&file).start + data(&file).end) / 2;
        let at = (middle..).find(|&at| file[at - 1] != 0xff).unwrap();
        let scan = Head::read(&file).unwrap().scan;
        for (what, inside) in [
            ("an interval of restarts", &[0xff, 0xdd, 0, 4, 0, 4][..]),
            ("another scan", &file[scan..data(&file).start]),
            ("a restart where there are none", &[0xff, 0xd0]),
            ("another file", &file[..40]),
        ] {
            let interrupted = [&file[..at], inside, &file[at..]].concat();
            assert_eq!(decoded(&interrupted), Err(JpegError::Inside { marker: inside[1], at }), "{what}");
        }
    }

    #[test]
    fn restarts_out_of_their_order_and_a_scan_of_some_components_are_errors() {
        let file = include_bytes!("jpeg_frames/420.jpg").to_vec();
        let first = data(&file).start + file[data(&file)].windows(2).position(|pair| pair == [0xff, 0xd0]).unwrap();
        let mut skipped = file.clone();
        skipped[first + 1] = 0xd1;
        assert_eq!(decoded(&skipped), Err(JpegError::Inside { marker: 0xd1, at: first }));
        let mut one = file;
        let scan = Head::read(&one).unwrap().scan;
        one[scan + 4] = 1;
        assert_eq!(decoded(&one), Err(JpegError::Scan { expected: 3, got: 1 }));
    }

    #[test]
    fn what_the_camera_left_behind_the_end_does_not_matter() {
        for tail in [&[0; 4096][..], &[0xff, 0xd8, 0xff, 0xda, 1, 2, 3], &[0xaa; 7]] {
            assert_eq!(decoded(&[&jpeg(), tail].concat()), decoded(&jpeg()));
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error() {
        let file = jpeg();
        for length in 0..file.len() {
            assert!(decoded(&file[..length]).is_err(), "{length} of {} bytes", file.len());
        }
    }

    #[test]
    fn a_file_that_lacks_its_end_but_has_an_end_mark_is_an_error() {
        let file = jpeg();
        let scan = Head::read(&file).unwrap().scan;
        for length in (scan + 20..file.len() - 40).step_by(7) {
            let cut = [&file[..length], &[0xff, 0xd9]].concat();
            assert!(decoded(&cut).is_err(), "{length} of {} bytes", file.len());
        }
    }

    #[test]
    fn another_size_is_told_before_memory_is_taken() {
        let mut rgb = Vec::new();
        let error = decode(&jpeg(), 640, 480, &mut rgb).unwrap_err();
        assert_eq!(error.to_string(), "a JPEG of 48x32, the camera was set to 640x480");
        assert_eq!(rgb.capacity(), 0);
        let mut huge = jpeg();
        let at = huge.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        huge[at + 5..at + 9].fill(0xff);
        assert!(matches!(decode(&huge, 65_535, 65_535, &mut rgb), Err(JpegError::Size { .. })));
        assert_eq!(rgb.capacity(), 0);
    }

    #[test]
    fn other_kinds_of_jpeg_are_refused() {
        let mut progressive = jpeg();
        let at = progressive.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        progressive[at + 1] = 0xc2;
        assert_eq!(decoded(&progressive), Err(JpegError::Kind { marker: 0xc2 }));
        assert_eq!(decoded(b"GIF89a"), Err(JpegError::Marker { at: 0 }));
        assert_eq!(decoded(&[]), Err(JpegError::Cut { got: 0 }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn every_whole_file_is_taken_and_looks_as_to_others(
            (width, height) in (1_usize..70, 1_usize..70), quality in 1_u8..=100, seed in any::<[u8; 3]>(), flat in any::<bool>()
        ) {
            let level = |at: usize| if flat { seed[at % 3] } else { (at * usize::from(seed[0]) + at / 7 * usize::from(seed[1])) as u8 };
            let pixels: Vec<u8> = (0..width * height * 3).map(level).collect();
            let mut file = Vec::new();
            let encoder = JpegEncoder::new_with_quality(&mut file, quality);
            encoder.write_image(&pixels, width as u32, height as u32, ExtendedColorType::Rgb8).unwrap();
            let mut rgb = Vec::new();
            prop_assert_eq!(decode(&file, width, height, &mut rgb), Ok(()));
            let other = image::load_from_memory(&file).unwrap().to_rgb8();
            prop_assert_eq!(rgb, other.into_raw());
        }

        #[test]
        fn changed_bytes_never_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
            for mut file in [jpeg(), without_tables(&jpeg())] {
                for (at, byte) in &changes {
                    let at = at.index(file.len());
                    file[at] = *byte;
                }
                if let Ok(rgb) = decoded(&file) {
                    prop_assert_eq!(rgb.len(), WIDTH * HEIGHT * 3);
                }
            }
        }

        #[test]
        fn rubbish_behind_a_good_beginning_never_panics(keep in 2_usize..700, rubbish in prop::collection::vec(any::<u8>(), 0..600)) {
            let file = jpeg();
            let keep = keep.min(file.len());
            drop(decoded(&[&file[..keep], &rubbish, &[0xff, 0xd9]].concat()));
        }
    }
}
