//! The panel's one drawing function, for any display of 320 by 240 pixels.
//!
//! Takes a [`Status`], draws all of it: nothing is left from an earlier picture. x right, y down. Shows the SIMULATION
//! marker, the state in large letters, the counters, the last score against its threshold with the scores before it, and
//! the last rejected part with its heatmap. It keeps nothing and decides nothing.

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::mono_font::ascii::{FONT_6X10, FONT_9X15_BOLD, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb565, RgbColor, WebColors};
use embedded_graphics::prelude::Drawable;
use embedded_graphics::primitives::{Primitive, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};
use shared::record::Record;
use shared::units::{PartId, Score};
use shared::verdict::Verdict;

use super::twice::Twice;

/// Size of the screen in pixels.
pub const SIZE: Size = Size::new(320, 240);

/// Side of the picture of the last rejected part, in pixels.
pub const THUMBNAIL_SIDE: u32 = 128;

/// How many scores the trend shows: one for every four of the 304 pixels that it is wide.
pub const TREND: usize = 76;

const BACKGROUND: Rgb565 = Rgb565::new(1, 3, 3);
const FIELD: Rgb565 = Rgb565::new(3, 7, 5);
const FAINT: Rgb565 = Rgb565::new(16, 34, 18);
const GOOD: Rgb565 = Rgb565::new(4, 44, 12);
const WARN: Rgb565 = Rgb565::new(31, 44, 2);
const BAD: Rgb565 = Rgb565::new(28, 12, 6);

/// Whether the line may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// Inspecting.
    #[default]
    Run,
    /// Not inspecting, by command; everything is rejected.
    Stop,
    /// Not inspecting, by a failure whose row in the failure table stops the line.
    Fault,
    /// Products are being changed; everything is rejected.
    Changeover,
}

/// A picture to show small: the part with its heatmap over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thumbnail {
    /// RGB, 8 bit, [`THUMBNAIL_SIDE`] squared, row-major.
    pub rgb: Vec<u8>,
    /// Which part it is.
    pub part: PartId,
}

/// Everything that the panel shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// Whether the line is a simulated one.
    pub simulation: bool,
    /// What is inspected.
    pub product: String,
    /// Whether the line may run.
    pub state: State,
    /// The code of the worst that is wrong: the reason for [`State::Fault`], or a warning while the line runs.
    pub fault: Option<&'static str>,
    /// Parts that have left.
    pub parts: u32,
    /// Parts that were proven good and let through.
    pub good: u32,
    /// Parts judged bad, and good ones too near to them.
    pub rejected: u32,
    /// Parts rejected because nothing proved them good.
    pub uninspected: u32,
    /// A part is bad when its score is greater.
    pub threshold: Score,
    /// The latest scores, oldest first; at most [`TREND`] are shown.
    pub scores: Vec<Score>,
    /// The last part judged bad.
    pub last_bad: Option<Thumbnail>,
}

impl Status {
    /// Counts a part that has left.
    pub fn count(&mut self, record: &Record) {
        let raw = record.get();
        self.parts += 1;
        match (raw.passed, raw.verdict) {
            (true, _) => self.good += 1,
            (false, Verdict::Uninspected(_)) => self.uninspected += 1,
            (false, _) => self.rejected += 1,
        }
    }

    /// Adds a score to the trend, and drops the oldest that is shown no more.
    pub fn scored(&mut self, score: Score) {
        if self.scores.len() >= TREND {
            self.scores.remove(0);
        }
        self.scores.push(score);
    }
}

/// Draws a status over the whole screen.
///
/// # Errors
/// Those of the display.
pub fn draw<D: DrawTarget<Color = Rgb565>>(status: &Status, display: &mut D) -> Result<(), D::Error> {
    display.clear(BACKGROUND)?;
    title(status, display)?;
    state(status, display)?;
    counters(status, display)?;
    last_bad(status, display)?;
    trend(status, display)
}

fn title<D: DrawTarget<Color = Rgb565>>(status: &Status, display: &mut D) -> Result<(), D::Error> {
    let name: String = status.product.chars().take(if status.simulation { 21 } else { 33 }).collect();
    if status.simulation {
        bar(Point::zero(), Size::new(SIZE.width, 22), WARN, display)?;
        text(&name, Point::new(8, 4), &FONT_9X15_BOLD, BACKGROUND, Alignment::Left, display)?;
        return text("SIMULATION", Point::new(312, 4), &FONT_9X15_BOLD, BACKGROUND, Alignment::Right, display);
    }
    bar(Point::zero(), Size::new(SIZE.width, 22), FIELD, display)?;
    text(&name, Point::new(8, 4), &FONT_9X15_BOLD, Rgb565::WHITE, Alignment::Left, display)
}

fn state<D: DrawTarget<Color = Rgb565>>(status: &Status, display: &mut D) -> Result<(), D::Error> {
    let (word, colour, ink) = match status.state {
        State::Run => ("RUN", GOOD, Rgb565::WHITE),
        State::Stop => ("STOP", WARN, BACKGROUND),
        State::Fault => ("FAULT", BAD, Rgb565::WHITE),
        State::Changeover => ("CHANGEOVER", WARN, BACKGROUND),
    };
    bar(Point::new(8, 30), Size::new(160, 56), colour, display)?;
    // Twice as large it has no room.
    if status.state == State::Changeover {
        text(word, Point::new(88, 48), &FONT_10X20, ink, Alignment::Center, display)?;
        return code(status, ink, display);
    }
    let top = if status.fault.is_some() { 28 } else { 36 };
    let mut large = Twice { display, origin: Point::new(88, top) };
    text(word, Point::zero(), &FONT_10X20, ink, Alignment::Center, &mut large)?;
    code(status, ink, display)
}

/// What is wrong, small below the state.
fn code<D: DrawTarget<Color = Rgb565>>(status: &Status, ink: Rgb565, display: &mut D) -> Result<(), D::Error> {
    status.fault.map_or(Ok(()), |code| text(code, Point::new(88, 72), &FONT_6X10, ink, Alignment::Center, display))
}

fn counters<D: DrawTarget<Color = Rgb565>>(status: &Status, display: &mut D) -> Result<(), D::Error> {
    let lines = [
        ("parts", status.parts, Rgb565::WHITE),
        ("good", status.good, Rgb565::CSS_LIGHT_GREEN),
        ("rejected", status.rejected, Rgb565::CSS_SALMON),
        ("uninspected", status.uninspected, Rgb565::CSS_GOLD),
    ];
    for (line, (label, count, colour)) in lines.into_iter().enumerate() {
        let y = 94 + 19 * line as i32;
        text(label, Point::new(8, y + 4), &FONT_6X10, FAINT, Alignment::Left, display)?;
        text(&count.to_string(), Point::new(168, y), &FONT_9X15_BOLD, colour, Alignment::Right, display)?;
    }
    Ok(())
}

fn last_bad<D: DrawTarget<Color = Rgb565>>(status: &Status, display: &mut D) -> Result<(), D::Error> {
    let corner = Point::new(184, 30);
    let area = Rectangle::new(corner, Size::new_equal(THUMBNAIL_SIDE));
    let Some(bad) = &status.last_bad else {
        bar(corner, area.size, FIELD, display)?;
        return text("no part rejected", area.center(), &FONT_6X10, FAINT, Alignment::Center, display);
    };
    let colours = bad.rgb.as_chunks::<3>().0.iter().map(|[r, g, b]| Rgb565::new(r >> 3, g >> 2, b >> 3));
    display.fill_contiguous(&area, colours)?;
    let caption = format!("part {} rejected", bad.part.0);
    text(&caption, Point::new(248, 160), &FONT_6X10, FAINT, Alignment::Center, display)
}

/// The latest scores as columns. The scale ends at twice the threshold, so that the threshold is the middle.
fn trend<D: DrawTarget<Color = Rgb565>>(status: &Status, display: &mut D) -> Result<(), D::Error> {
    let (left, top, width, height) = (8, 190, 304, 42);
    bar(Point::new(left, top), Size::new(width, height), FIELD, display)?;
    let threshold = status.threshold.get();
    let words = match status.scores.last() {
        None => "no score yet".to_owned(),
        Some(score) => format!("score {:.3}", score.get()),
    };
    text(&words, Point::new(left, 176), &FONT_6X10, Rgb565::WHITE, Alignment::Left, display)?;
    let limit = format!("threshold {threshold:.3}");
    text(&limit, Point::new(left + width as i32, 176), &FONT_6X10, FAINT, Alignment::Right, display)?;
    let latest = &status.scores[status.scores.len().saturating_sub(TREND)..];
    for (column, score) in latest.iter().enumerate() {
        let share = (score.get() / (2.0 * threshold).max(f32::MIN_POSITIVE)).clamp(0.02, 1.0);
        let tall = (share * height as f32) as u32;
        let colour = if *score > status.threshold { BAD } else { GOOD };
        let corner = Point::new(left + 4 * column as i32, top + (height - tall) as i32);
        bar(corner, Size::new(3, tall), colour, display)?;
    }
    bar(Point::new(left, top + height as i32 / 2), Size::new(width, 1), Rgb565::WHITE, display)
}

fn bar<D: DrawTarget<Color = Rgb565>>(at: Point, size: Size, colour: Rgb565, display: &mut D) -> Result<(), D::Error> {
    Rectangle::new(at, size).into_styled(PrimitiveStyle::with_fill(colour)).draw(display)
}

fn text<D: DrawTarget<Color = Rgb565>>(
    words: &str,
    at: Point,
    font: &MonoFont<'_>,
    colour: Rgb565,
    alignment: Alignment,
    display: &mut D,
) -> Result<(), D::Error> {
    let style = TextStyleBuilder::new().alignment(alignment).baseline(Baseline::Top).build();
    Text::with_text_style(words, at, MonoTextStyle::new(font, colour), style).draw(display).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::sim::panel::Framebuffer;

    fn status() -> Status {
        Status {
            simulation: true,
            product: "caps".to_owned(),
            parts: 1_000,
            good: 940,
            rejected: 50,
            uninspected: 10,
            threshold: Score::new(0.25).unwrap(),
            scores: [0.05, 0.1, 0.4].map(|score| Score::new(score).unwrap()).to_vec(),
            last_bad: Some(Thumbnail {
                rgb: vec![128; (THUMBNAIL_SIDE * THUMBNAIL_SIDE * 3) as usize],
                part: PartId(7),
            }),
            ..Status::default()
        }
    }

    fn drawn(status: &Status) -> Framebuffer {
        let mut screen = Framebuffer::default();
        let Ok(()) = draw(status, &mut screen);
        screen
    }

    /// The colour at a place, as the display would show it.
    fn at(screen: &Framebuffer, x: usize, y: usize) -> [u8; 3] {
        let start = (y * SIZE.width as usize + x) * 3;
        screen.rgb()[start..start + 3].try_into().unwrap()
    }

    #[test]
    fn each_state_has_its_colour() {
        let colour = |state| at(&drawn(&Status { state, ..status() }), 10, 32);
        let [run, stop, fault, changeover] = [State::Run, State::Stop, State::Fault, State::Changeover].map(colour);
        assert!(run[1] > run[0] && run[1] > run[2], "green: {run:?}");
        assert!(stop[0] > 200 && stop[1] > 150, "amber: {stop:?}");
        assert!(fault[0] > 200 && fault[1] < 80, "red: {fault:?}");
        assert_eq!(changeover, stop, "amber");
    }

    #[test]
    fn a_real_line_does_not_say_simulation() {
        let (simulated, real) = (drawn(&status()), drawn(&Status { simulation: false, ..status() }));
        assert_ne!(at(&simulated, 160, 1), at(&real, 160, 1));
    }

    #[test]
    fn every_part_of_the_status_changes_the_picture() {
        let usual = drawn(&status());
        let others = [
            Status { parts: 1_001, ..status() },
            Status { good: 941, ..status() },
            Status { rejected: 51, ..status() },
            Status { uninspected: 11, ..status() },
            Status { product: "rings".to_owned(), ..status() },
            Status { threshold: Score::new(0.5).unwrap(), ..status() },
            Status { scores: vec![], ..status() },
            Status { last_bad: None, ..status() },
            Status { state: State::Fault, fault: Some("MODEL_FAULT"), ..status() },
            Status { state: State::Fault, fault: Some("CAMERA_FAULT"), ..status() },
            Status { state: State::Changeover, ..status() },
            Status { state: State::Stop, ..status() },
        ];
        assert_ne!(drawn(&others[10]), drawn(&others[11]), "the state's word");
        for (index, other) in others.iter().enumerate() {
            assert_ne!(drawn(other), usual, "case {index}");
        }
        assert_ne!(drawn(&others[8]), drawn(&others[9]), "the fault's code");
    }

    #[test]
    fn numbers_that_are_too_large_do_not_harm() {
        let many = Status {
            parts: u32::MAX,
            product: "x".repeat(300),
            scores: vec![Score::new(1.0).unwrap(); 500],
            threshold: Score::default(),
            ..status()
        };
        assert_ne!(drawn(&many), Framebuffer::default());
    }

    /// Compares with the drawing that was looked at and accepted. A change that is meant: look at the file that the failure
    /// names, and put it in the golden one's place.
    #[test]
    fn the_panel_looks_as_it_was_accepted() {
        let side = THUMBNAIL_SIDE as usize;
        let stripes = |i: usize| [(i % side * 2) as u8, (i / side * 2) as u8, if i % 16 < 8 { 60 } else { 160 }];
        let golden = Status {
            product: "crown cap".to_owned(),
            scores: (0..90u16).map(|i| Score::new(f32::from(i * 37 % 100) / 256.0).unwrap()).collect(),
            last_bad: Some(Thumbnail { rgb: (0..side * side).flat_map(stripes).collect(), part: PartId(961) }),
            ..status()
        };
        let screen = drawn(&golden);
        let accepted = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/panel.png");
        let expected = image::open(&accepted).map(|picture| picture.to_rgb8().into_raw()).unwrap_or_default();
        if screen.rgb() != expected {
            let got = std::env::temp_dir().join("draem-panel-got.png");
            std::fs::write(&got, screen.png().unwrap()).unwrap();
            panic!("{} is not {}", got.display(), accepted.display());
        }
    }
}
