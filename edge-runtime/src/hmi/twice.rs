//! Everything twice as large.
//!
//! Takes drawing at the usual size, gives it to a display in squares of four pixels from an origin on. The built-in fonts end
//! at 20 pixels, and a line's state is to be read from afar.

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, Point};
use embedded_graphics::primitives::Rectangle;

/// A display on which everything is drawn twice as large, from an origin on.
pub(super) struct Twice<'a, D> {
    /// Where it is drawn.
    pub display: &'a mut D,
    /// Where its upper left corner lies there.
    pub origin: Point,
}

impl<D: DrawTarget> Dimensions for Twice<'_, D> {
    fn bounding_box(&self) -> Rectangle {
        let all = self.display.bounding_box();
        Rectangle::new((all.top_left - self.origin) / 2, all.size / 2)
    }
}

impl<D: DrawTarget> DrawTarget for Twice<'_, D> {
    type Color = D::Color;
    type Error = D::Error;

    fn draw_iter<I: IntoIterator<Item = Pixel<D::Color>>>(&mut self, pixels: I) -> Result<(), D::Error> {
        let origin = self.origin;
        let four = pixels.into_iter().flat_map(move |Pixel(at, colour)| {
            [(0, 0), (1, 0), (0, 1), (1, 1)]
                .map(|(x, y)| Pixel(Point::new(origin.x + at.x * 2 + x, origin.y + at.y * 2 + y), colour))
        });
        self.display.draw_iter(four)
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::mock_display::MockDisplay;
    use embedded_graphics::pixelcolor::{Rgb565, RgbColor};

    use super::*;

    #[test]
    fn large_letters_are_the_small_ones_doubled() {
        let mut display = MockDisplay::new();
        let mut twice = Twice { display: &mut display, origin: Point::new(1, 2) };
        twice.draw_iter([Pixel(Point::new(0, 0), Rgb565::RED), Pixel(Point::new(1, 1), Rgb565::BLUE)]).unwrap();
        display.assert_pattern(&["     ", "     ", " RR  ", " RR  ", "   BB", "   BB"]);
    }
}
