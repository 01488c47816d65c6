//! The drawing function of the small panel: 128 by 64 pixels of one colour, as on an SSD1306.
//!
//! Takes a [`Status`], draws all of it that such a display can show: the state in letters that can be read from a metre, the
//! SIMULATION marker, the four counters, and below them the last score as a bar against its threshold, or the failure's code.
//! x right, y down. It keeps nothing and decides nothing.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::mono_font::ascii::{
    FONT_4X6, FONT_5X8, FONT_6X10, FONT_6X13, FONT_7X13, FONT_8X13_BOLD, FONT_9X15_BOLD, FONT_9X18_BOLD,
};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::Drawable;
use embedded_graphics::primitives::{Primitive, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

use super::screen::{State, Status};
use super::twice::Twice;

/// Size of the display in pixels.
pub const SIZE: Size = Size::new(128, 64);

/// Most digits of a counter that leave room for its label.
const LABELLED: usize = 7;

/// Most digits of a counter in bold letters.
const BOLD: usize = 5;

/// Height of the field of the state and of the marker, in pixels.
const HEAD: u32 = 28;

/// The bar's field: its top and its height in pixels. The threshold's mark sticks out by two on either side.
const BAR: (i32, u32) = (54, 8);

const ON: BinaryColor = BinaryColor::On;
const OFF: BinaryColor = BinaryColor::Off;

/// Draws a status over the whole display.
///
/// # Errors
/// Those of the display.
pub fn draw<D: DrawTarget<Color = BinaryColor>>(status: &Status, display: &mut D) -> Result<(), D::Error> {
    display.clear(OFF)?;
    state(status.state, display)?;
    if status.simulation {
        marker(display)?;
    }
    counters(status, display)?;
    match status.fault {
        Some(code) => reason(code, display),
        None => score(status, display),
    }
}

/// States differ by more than their letters: a STOP is framed, a FAULT is dark on light.
fn state<D: DrawTarget<Color = BinaryColor>>(state: State, display: &mut D) -> Result<(), D::Error> {
    let (word, ink) = match state {
        State::Run => ("RUN", ON),
        State::Stop => ("STOP", ON),
        State::Fault => ("FAULT", OFF),
        // All of CHANGEOVER has no room beside the marker.
        State::Changeover => ("CHNGE", ON),
    };
    let field = Rectangle::new(Point::zero(), Size::new(6 + 18 * word.len() as u32, HEAD));
    match state {
        State::Run => {}
        State::Stop | State::Changeover => field.into_styled(PrimitiveStyle::with_stroke(ON, 1)).draw(display)?,
        State::Fault => fill(field, ON, display)?,
    }
    let mut large = Twice { display, origin: Point::new(3, -3) };
    text(word, Point::zero(), &FONT_9X18_BOLD, ink, Alignment::Left, &mut large)
}

/// In two lines, which is all the room that FAULT leaves.
fn marker<D: DrawTarget<Color = BinaryColor>>(display: &mut D) -> Result<(), D::Error> {
    let width = 29;
    let left = (SIZE.width - width) as i32;
    fill(Rectangle::new(Point::new(left, 0), Size::new(width, HEAD)), ON, display)?;
    for (line, words) in ["SIMU-", "LATION"].into_iter().enumerate() {
        let at = Point::new(left + width as i32 / 2, 5 + 10 * line as i32);
        text(words, at, &FONT_4X6, OFF, Alignment::Center, display)?;
    }
    Ok(())
}

/// Two and two, with their labels, in bold letters as long as a counter has room in them.
fn counters<D: DrawTarget<Color = BinaryColor>>(status: &Status, display: &mut D) -> Result<(), D::Error> {
    let cells = [
        ("part", status.parts, 0, 28),
        ("good", status.good, 67, 28),
        ("rej", status.rejected, 0, 39),
        ("unin", status.uninspected, 67, 39),
    ];
    for (label, count, left, top) in cells {
        let digits = count.to_string();
        if digits.len() <= LABELLED {
            text(label, Point::new(left, top + 4), &FONT_4X6, ON, Alignment::Left, display)?;
        }
        let font = if digits.len() <= BOLD { &FONT_8X13_BOLD } else { &FONT_6X13 };
        text(&digits, Point::new(left + 60, top), font, ON, Alignment::Right, display)?;
    }
    Ok(())
}

/// A failure's code, in the largest letters in which all of it has room.
fn reason<D: DrawTarget<Color = BinaryColor>>(code: &str, display: &mut D) -> Result<(), D::Error> {
    let (font, top) = match code.len() {
        0..=14 => (&FONT_9X15_BOLD, 50),
        15..=18 => (&FONT_7X13, 50),
        19..=21 => (&FONT_6X10, 53),
        _ => (&FONT_5X8, 54),
    };
    let room = (SIZE.width / font.character_size.width) as usize;
    let shown: String = code.chars().take(room).collect();
    text(&shown, Point::new(SIZE.width as i32 / 2, top), font, ON, Alignment::Center, display)
}

/// The scale ends at twice the threshold, so that the threshold is the middle.
fn score<D: DrawTarget<Color = BinaryColor>>(status: &Status, display: &mut D) -> Result<(), D::Error> {
    let (top, height) = BAR;
    let middle = SIZE.width as i32 / 2;
    let Some(score) = status.scores.last() else {
        return text("no score yet", Point::new(middle, top), &FONT_6X10, ON, Alignment::Center, display);
    };
    let whole = Rectangle::new(Point::new(0, top), Size::new(SIZE.width, height));
    whole.into_styled(PrimitiveStyle::with_stroke(ON, 1)).draw(display)?;
    let share = (score.get() / (2.0 * status.threshold.get()).max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
    let length = (share * SIZE.width as f32) as u32;
    fill(Rectangle::new(whole.top_left, Size::new(length, height)), ON, display)?;
    // Dark beside the mark, so that it is seen within the bar too.
    fill(Rectangle::new(Point::new(middle - 2, top - 2), Size::new(5, height + 4)), OFF, display)?;
    fill(Rectangle::new(Point::new(middle - 1, top - 2), Size::new(3, height + 4)), ON, display)
}

fn fill<D: DrawTarget<Color = BinaryColor>>(
    area: Rectangle,
    colour: BinaryColor,
    display: &mut D,
) -> Result<(), D::Error> {
    area.into_styled(PrimitiveStyle::with_fill(colour)).draw(display)
}

fn text<D: DrawTarget<Color = BinaryColor>>(
    words: &str,
    at: Point,
    font: &MonoFont<'_>,
    ink: BinaryColor,
    alignment: Alignment,
    display: &mut D,
) -> Result<(), D::Error> {
    let style = TextStyleBuilder::new().alignment(alignment).baseline(Baseline::Top).build();
    Text::with_text_style(words, at, MonoTextStyle::new(font, ink), style).draw(display).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::path::Path;

    use embedded_graphics::Pixel;
    use embedded_graphics::geometry::OriginDimensions;
    use image::{GrayImage, Luma};
    use shared::units::Score;
    use shared::verdict::FAILURES;

    use super::*;
    use crate::health::alarms::ALARMS;

    const WIDTH: usize = SIZE.width as usize;

    /// A display that takes no pixel outside itself.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Strict(Vec<bool>);

    impl OriginDimensions for Strict {
        fn size(&self) -> Size {
            SIZE
        }
    }

    impl DrawTarget for Strict {
        type Color = BinaryColor;
        type Error = Infallible;

        fn draw_iter<I: IntoIterator<Item = Pixel<BinaryColor>>>(&mut self, pixels: I) -> Result<(), Infallible> {
            for Pixel(at, colour) in pixels {
                let all = Rectangle::new(Point::zero(), SIZE);
                assert!(all.contains(at), "{at} lies outside the display");
                self.0[at.y as usize * WIDTH + at.x as usize] = colour.is_on();
            }
            Ok(())
        }
    }

    impl Strict {
        /// Whether the pixels of some columns and rows are all dark.
        fn is_dark(&self, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> bool {
            rows.flat_map(|y| columns.clone().map(move |x| y * WIDTH + x)).all(|place| !self.0[place])
        }
    }

    fn drawn(status: &Status) -> Strict {
        let mut display = Strict(vec![true; WIDTH * SIZE.height as usize]);
        let Ok(()) = draw(status, &mut display);
        display
    }

    /// All codes that the station knows.
    fn codes() -> impl Iterator<Item = &'static str> {
        FAILURES.iter().map(|failure| failure.code).chain(ALARMS.iter().map(|alarm| alarm.code))
    }

    fn score_of(value: f32) -> Score {
        Score::new(value).unwrap()
    }

    fn status() -> Status {
        Status {
            parts: 1_000,
            good: 940,
            rejected: 50,
            uninspected: 10,
            threshold: score_of(0.25),
            scores: vec![score_of(0.4), score_of(0.1)],
            ..Status::default()
        }
    }

    #[test]
    fn every_part_of_the_status_changes_the_picture() {
        let others = [
            Status { state: State::Stop, ..status() },
            Status { state: State::Fault, ..status() },
            Status { state: State::Changeover, ..status() },
            Status { simulation: true, ..status() },
            Status { parts: 1_001, ..status() },
            Status { good: 941, ..status() },
            Status { rejected: 51, ..status() },
            Status { uninspected: 11, ..status() },
            Status { threshold: score_of(0.5), ..status() },
            Status { scores: vec![score_of(0.2)], ..status() },
            Status { scores: vec![], ..status() },
            Status { fault: Some("MODEL_FAULT"), ..status() },
        ];
        let pictures: Vec<Strict> = [status()].iter().chain(&others).map(drawn).collect();
        for (one, picture) in pictures.iter().enumerate() {
            for (other, another) in pictures.iter().enumerate().skip(one + 1) {
                assert_ne!(picture, another, "cases {one} and {other}");
            }
        }
    }

    #[test]
    fn the_bar_passes_the_mark_only_above_the_threshold() {
        let behind_the_mark = |score: f32| {
            let picture = drawn(&Status { scores: vec![score_of(score)], ..status() });
            !picture.is_dark(67..71, 57..60)
        };
        assert_eq!([0.0, 0.25, 0.3, 0.5, 1.0].map(behind_the_mark), [false, false, true, true, true]);
    }

    #[test]
    fn the_longest_counters_stay_in_their_cells() {
        for most in [88_888, 888_888, 8_888_888, 88_888_888, u32::MAX] {
            let picture = drawn(&Status { parts: most, good: most, rejected: most, uninspected: most, ..status() });
            assert!(picture.is_dark(62..67, 28..50), "{most}: between the columns");
            assert!(picture.is_dark(0..128, 28..29), "{most}: above the counters");
            assert!(picture.is_dark(0..60, 50..52), "{most}: below the counters");
        }
    }

    #[test]
    fn every_code_of_a_failure_or_an_alarm_has_room_and_looks_different() {
        let codes = codes().chain(["A_CODE_OF_TWENTY_ONE_"]);
        let mut pictures: Vec<Strict> = Vec::new();
        for code in codes {
            let picture = drawn(&Status { state: State::Fault, fault: Some(code), ..status() });
            assert!(!pictures.contains(&picture), "{code}");
            assert!(picture.is_dark(0..128, 50..52), "{code}: touches the counters");
            pictures.push(picture);
        }
    }

    #[test]
    fn a_code_that_is_too_long_is_cut_off() {
        drawn(&Status { fault: Some("A_CODE_THAT_NO_ROW_OF_THE_FAILURE_TABLE_HAS"), ..status() });
    }

    /// Pictures one below the other, each pixel four by four, with a grey line between.
    fn sheet(pictures: &[Strict]) -> GrayImage {
        let (width, height) = (SIZE.width * 4, SIZE.height * 4 + 4);
        GrayImage::from_fn(width, height * pictures.len() as u32, |x, y| {
            let (picture, y) = (&pictures[(y / height) as usize], y % height / 4);
            let place = y as usize * WIDTH + (x / 4) as usize;
            Luma([picture.0.get(place).map_or(96, |&on| if on { 255 } else { 0 })])
        })
    }

    /// Compares with the drawings that were looked at and accepted. A change that is meant: look at the file that the failure
    /// names, and put it in the golden one's place.
    #[test]
    fn the_small_panel_looks_as_it_was_accepted() {
        let longest = codes().max_by_key(|code| code.len());
        let full = [99_999_999, 88_888_888, 77_777_777, 66_666_666];
        let got = sheet(
            &[
                status(),
                Status { state: State::Stop, scores: vec![], ..status() },
                Status { state: State::Fault, fault: Some("CAMERA_FAULT"), ..status() },
                Status {
                    simulation: true,
                    state: State::Fault,
                    fault: longest,
                    parts: full[0],
                    good: full[1],
                    rejected: full[2],
                    uninspected: full[3],
                    ..status()
                },
                Status {
                    simulation: true,
                    scores: vec![score_of(0.4)],
                    parts: u32::MAX,
                    good: 88_888,
                    rejected: 7_777_777,
                    ..status()
                },
            ]
            .map(|status| drawn(&status)),
        );
        let accepted = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/oled.png");
        let expected = image::open(&accepted).map(|picture| picture.to_luma8()).unwrap_or_default();
        if got != expected {
            let file = std::env::temp_dir().join("draem-oled-got.png");
            got.save(&file).unwrap();
            panic!("{} is not {}", file.display(), accepted.display());
        }
    }
}
