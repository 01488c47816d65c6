//! The panel's twin: a picture in memory that can be written as PNG.
//!
//! Takes states, draws them with `hmi::screen` into [`Framebuffer`], 320 by 240 pixels, x right, y down, RGB565 as a small
//! display has. Keeps only the last picture. Drawing outside the screen is cut off, as on a display.

use std::convert::Infallible;
use std::io::Cursor;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::raw::ToBytes;
use embedded_graphics::pixelcolor::{Rgb565, Rgb888};
use image::{ExtendedColorType, ImageEncoder};

use crate::hmi::screen::{self, Status};
use crate::hw::roles::{HwFault, Panel};

/// A screen in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framebuffer {
    pixels: Vec<Rgb565>,
}

impl Default for Framebuffer {
    fn default() -> Self {
        let size = screen::SIZE;
        Self { pixels: vec![Rgb565::default(); (size.width * size.height) as usize] }
    }
}

impl Framebuffer {
    /// The colours, 8 bit RGB, row-major.
    #[must_use]
    pub fn rgb(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|&pixel| Rgb888::from(pixel).to_be_bytes()).collect()
    }

    /// The screen as a PNG file's bytes.
    ///
    /// # Errors
    /// [`HwFault::Panel`] when the encoder fails.
    pub fn png(&self) -> Result<Vec<u8>, HwFault> {
        let (mut bytes, size) = (Cursor::new(Vec::new()), screen::SIZE);
        image::codecs::png::PngEncoder::new(&mut bytes)
            .write_image(&self.rgb(), size.width, size.height, ExtendedColorType::Rgb8)
            .map_err(|error| HwFault::Panel { evidence: error.to_string() })?;
        Ok(bytes.into_inner())
    }
}

impl OriginDimensions for Framebuffer {
    fn size(&self) -> Size {
        screen::SIZE
    }
}

impl DrawTarget for Framebuffer {
    type Color = Rgb565;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb565>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let size = screen::SIZE;
        for Pixel(at, colour) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else { continue };
            if x < size.width && y < size.height {
                self.pixels[(y * size.width + x) as usize] = colour;
            }
        }
        Ok(())
    }
}

/// The display.
#[derive(Debug, Default)]
pub struct SimPanel {
    screen: Framebuffer,
}

impl SimPanel {
    /// What it shows now.
    #[must_use]
    pub fn screen(&self) -> &Framebuffer {
        &self.screen
    }
}

impl Panel for SimPanel {
    fn show(&mut self, status: &Status) -> Result<(), HwFault> {
        let Ok(()) = screen::draw(status, &mut self.screen);
        Ok(())
    }
}
