//! The large panel's picture in memory, and what of it a display does not show yet.
//!
//! Takes states, draws them with `hmi::screen`; gives the areas that changed, since a bus takes much longer than the
//! drawing. It talks to no display.

use std::mem::swap;

use embedded_graphics::framebuffer::{Framebuffer, buffer_size};
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb565;
use embedded_graphics::pixelcolor::raw::{LittleEndian, RawU16};
use embedded_graphics::primitives::Rectangle;

use crate::hmi::screen::{self, Status};

const WIDTH: usize = screen::SIZE.width as usize;
const HEIGHT: usize = screen::SIZE.height as usize;
const ROW_BYTES: usize = 2 * WIDTH;
const BYTES: usize = buffer_size::<Rgb565>(WIDTH, HEIGHT);

/// Rows that are looked at together. Fewer make more areas, each of which costs a display on SPI some ten system calls; more
/// make areas that hold much that has not changed.
const BAND: usize = 16;

type Pixels = Framebuffer<Rgb565, RawU16, LittleEndian, WIDTH, HEIGHT, BYTES>;

/// A picture and the one before it.
///
/// # Invariants
/// `known` says that the display shows all of `shown`. It does not hold between [`Canvas::draw`] and [`Canvas::sent`], so
/// that a picture that was sent in part is sent whole the next time.
#[derive(Debug)]
pub(super) struct Canvas {
    drawn: Box<Pixels>,
    shown: Box<Pixels>,
    known: bool,
}

impl Canvas {
    /// For a display that may show anything.
    pub fn new() -> Self {
        Self { drawn: Box::new(Pixels::new()), shown: Box::new(Pixels::new()), known: false }
    }

    /// Draws a state. Gives the areas that the display lacks; they do not overlap, and there are at most fifteen.
    pub fn draw(&mut self, status: &Status) -> Vec<Rectangle> {
        let Ok(()) = screen::draw(status, &mut *self.drawn);
        let areas = if self.known { self.changes() } else { vec![Rectangle::new(Point::zero(), screen::SIZE)] };
        self.known = false;
        areas
    }

    /// Notes that the display shows all that was drawn.
    pub fn sent(&mut self) {
        swap(&mut self.drawn, &mut self.shown);
        self.known = true;
    }

    /// The colours of an area within the screen, row by row.
    pub fn colours(&self, area: &Rectangle) -> impl Iterator<Item = Rgb565> {
        let (left, columns) = (2 * area.top_left.x as usize, 2 * area.size.width as usize);
        let rows = self.drawn.data().chunks_exact(ROW_BYTES);
        rows.skip(area.top_left.y as usize)
            .take(area.size.height as usize)
            .flat_map(move |row| row[left..left + columns].as_chunks().0)
            .map(|&pixel| RawU16::from(u16::from_le_bytes(pixel)).into())
    }

    fn changes(&self) -> Vec<Rectangle> {
        let bands = self.drawn.data().chunks(BAND * ROW_BYTES).zip(self.shown.data().chunks(BAND * ROW_BYTES));
        bands.enumerate().filter_map(|(band, (new, old))| change(band * BAND, new, old)).collect()
    }
}

/// The smallest rectangle round what differs between two bands, whose first row is the screen's row `top`.
fn change(top: usize, new: &[u8], old: &[u8]) -> Option<Rectangle> {
    let mut found: Option<(usize, usize, usize, usize)> = None;
    for (row, (new, old)) in new.chunks_exact(ROW_BYTES).zip(old.chunks_exact(ROW_BYTES)).enumerate() {
        let differs = |&x: &usize| new[2 * x..2 * x + 2] != old[2 * x..2 * x + 2];
        let (Some(first), Some(last)) = ((0..WIDTH).find(differs), (0..WIDTH).rfind(differs)) else { continue };
        let (upper, left, right) =
            found.map_or((row, first, last), |(upper, left, right, _)| (upper, left.min(first), right.max(last)));
        found = Some((upper, left, right, row));
    }
    found.map(|(upper, left, right, lower)| {
        let size = Size::new((right - left + 1) as u32, (lower - upper + 1) as u32);
        Rectangle::new(Point::new(left as i32, (top + upper) as i32), size)
    })
}

#[cfg(test)]
mod tests {
    use embedded_graphics::pixelcolor::RgbColor;
    use embedded_graphics::primitives::PointsIter;

    use super::*;
    use crate::hmi::screen::State;

    fn area(left: i32, top: i32, width: u32, height: u32) -> Rectangle {
        Rectangle::new(Point::new(left, top), Size::new(width, height))
    }

    /// Puts areas on a display that shows `on`.
    fn put(canvas: &Canvas, areas: &[Rectangle], on: &mut [Rgb565]) {
        for area in areas {
            let places = area.points().map(|at| at.y as usize * WIDTH + at.x as usize);
            for (place, colour) in places.zip(canvas.colours(area)) {
                on[place] = colour;
            }
        }
    }

    #[test]
    fn the_first_picture_is_sent_whole_and_the_same_one_not_again() {
        let mut canvas = Canvas::new();
        assert_eq!(canvas.draw(&Status::default()), [area(0, 0, 320, 240)]);
        canvas.sent();
        assert_eq!(canvas.draw(&Status::default()), []);
    }

    #[test]
    fn what_failed_on_its_way_is_sent_whole() {
        let mut canvas = Canvas::new();
        canvas.draw(&Status::default());
        canvas.sent();
        canvas.draw(&Status { parts: 1, ..Status::default() });
        assert_eq!(canvas.draw(&Status::default()), [area(0, 0, 320, 240)]);
    }

    #[test]
    fn a_display_that_takes_the_areas_shows_the_picture() {
        let mut canvas = Canvas::new();
        let mut on = vec![Rgb565::RED; WIDTH * HEIGHT];
        let states = [State::Run, State::Fault, State::Stop];
        for parts in [0, 1, 9, 10, 2_000_000_000, 7] {
            let status = Status { parts, state: states[parts as usize % 3], ..Status::default() };
            let areas = canvas.draw(&status);
            put(&canvas, &areas, &mut on);
            let whole: Vec<Rgb565> = canvas.colours(&area(0, 0, 320, 240)).collect();
            assert!(on == whole, "at {parts} parts");
            canvas.sent();
        }
    }

    #[test]
    fn one_more_part_is_a_small_change() {
        let mut canvas = Canvas::new();
        canvas.draw(&Status { parts: 10, ..Status::default() });
        canvas.sent();
        let areas = canvas.draw(&Status { parts: 11, ..Status::default() });
        let pixels: u32 = areas.iter().map(|area| area.size.width * area.size.height).sum();
        assert!((1..200).contains(&pixels), "{areas:?}");
    }

    #[test]
    fn a_change_is_framed_as_tightly_as_can_be() {
        let mut new = vec![0; BAND * ROW_BYTES];
        let old = new.clone();
        assert_eq!(change(32, &new, &old), None);
        new[3 * ROW_BYTES + 2 * 7 + 1] = 1;
        assert_eq!(change(32, &new, &old), Some(area(7, 35, 1, 1)));
        new[5 * ROW_BYTES] = 1;
        new[4 * ROW_BYTES + ROW_BYTES - 1] = 1;
        assert_eq!(change(32, &new, &old), Some(area(0, 35, 320, 3)));
    }
}
