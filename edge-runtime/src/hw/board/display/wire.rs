//! The wires to a display on SPI: the bus, and the line that tells data from commands.
//!
//! Takes commands and pixels of the display's driver, gives them to the bus in pieces that the kernel takes. It knows no
//! display.

use std::fmt::Display;
use std::iter::repeat_n;

use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use mipidsi::interface::{Interface, InterfaceKind};

use crate::hw::roles::HwFault;

/// Bytes of one write: what spidev takes in one unless it is loaded with another `bufsiz`. A whole screen of 320 by 240
/// pixels is 38 writes.
const PIECE: usize = 4096;

/// A bus and its data line.
pub(super) struct Wire<S, D> {
    spi: S,
    data: D,
    device: String,
    piece: Vec<u8>,
}

impl<S, D> Wire<S, D>
where
    S: SpiDevice<Error: Display>,
    D: OutputPin<Error: Display>,
{
    /// `device` is the bus' name in faults.
    pub fn new(spi: S, data: D, device: String) -> Self {
        Self { spi, data, device, piece: Vec::with_capacity(PIECE) }
    }

    /// Says whether what follows is data.
    fn data(&mut self, data: bool) -> Result<(), HwFault> {
        let set = if data { self.data.set_high() } else { self.data.set_low() };
        set.map_err(|error| HwFault::Panel { evidence: format!("{}: {error}", self.device) })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), HwFault> {
        // Controllers differ in what they make of a transfer without bytes.
        if bytes.is_empty() {
            return Ok(());
        }
        self.spi.write(bytes).map_err(|error| HwFault::Panel { evidence: format!("{}: {error}", self.device) })
    }

    fn write_piece(&mut self) -> Result<(), HwFault> {
        let piece = std::mem::take(&mut self.piece);
        let written = self.write(&piece);
        self.piece = piece;
        self.piece.clear();
        written
    }
}

impl<S, D> Interface for Wire<S, D>
where
    S: SpiDevice<Error: Display>,
    D: OutputPin<Error: Display>,
{
    type Word = u8;
    type Error = HwFault;

    const KIND: InterfaceKind = InterfaceKind::Serial4Line;

    fn send_command(&mut self, command: u8, args: &[u8]) -> Result<(), HwFault> {
        self.data(false)?;
        self.write(&[command])?;
        self.data(true)?;
        self.write(args)
    }

    fn send_pixels<const N: usize>(&mut self, pixels: impl IntoIterator<Item = [u8; N]>) -> Result<(), HwFault> {
        self.piece.clear();
        for pixel in pixels {
            if self.piece.len() + N > PIECE {
                self.write_piece()?;
            }
            self.piece.extend_from_slice(&pixel);
        }
        self.write_piece()
    }

    fn send_repeated_pixel<const N: usize>(&mut self, pixel: [u8; N], count: u32) -> Result<(), HwFault> {
        self.send_pixels(repeat_n(pixel, count as usize))
    }
}
