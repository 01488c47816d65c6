//! A display with the ST7789 controller on SPI, 240 by 320 pixels, mounted lengthwise.
//!
//! Takes states, draws them as `hmi::screen` does, and sends the areas that changed. Opening it resets the display and takes
//! some 300 ms. Whether a display is there cannot be seen: the bus has no way back.

use std::fmt::Display;

use embedded_graphics::draw_target::DrawTarget;
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use gpiocdev::line::Value;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};
use linux_embedded_hal::{Delay, SpidevDevice};
use mipidsi::options::{ColorInversion, Orientation, Rotation};
use mipidsi::{Builder, InitError, NoResetPin, models};

use super::canvas::Canvas;
use super::line::Line;
use super::wire::Wire;
use crate::config::St7789Settings;
use crate::hmi::screen::Status;
use crate::hw::roles::{HwFault, Panel};

/// Time in which reset is held low. The controller asks for 10 microseconds.
const RESET_US: u32 = 100;

/// Time that the controller needs after a reset before it takes a command, in milliseconds: 120 if it was awake.
const WAKE_MS: u32 = 120;

/// A display.
pub(super) struct St7789<S, D>
where
    S: SpiDevice<Error: Display>,
    D: OutputPin<Error: Display>,
{
    display: mipidsi::Display<Wire<S, D>, models::ST7789, NoResetPin>,
    canvas: Canvas,
    /// Reset must stay high and the backlight on while the display is used.
    _held: [Option<Line>; 2],
}

/// Opens and resets the display.
pub(super) fn open(settings: &St7789Settings) -> Result<impl Panel + use<>, HwFault> {
    let device = settings.device().display().to_string();
    let fault = |error: std::io::Error| HwFault::Panel { evidence: format!("{device}: {error}") };
    let mut spi = SpidevDevice::open(settings.device())
        .map_err(|error| HwFault::Panel { evidence: format!("{device}: cannot be opened: {error}") })?;
    let options =
        SpidevOptions::new().bits_per_word(8).max_speed_hz(settings.speed_hz()).mode(SpiModeFlags::SPI_MODE_0).build();
    spi.configure(&options).map_err(fault)?;
    let data = Line::take("display.dc", settings.dc(), Value::Inactive)?;
    let reset = match settings.reset() {
        None => None,
        Some(name) => Some(pulse(Line::take("display.reset", name, Value::Active)?)?),
    };
    let panel = start(Wire::new(spi, data, device), settings, &mut Delay)?;
    let backlight = match settings.backlight() {
        None => None,
        Some(name) => Some(Line::take("display.backlight", name, Value::Active)?),
    };
    Ok(St7789 { _held: [reset, backlight], ..panel })
}

/// Resets the controller by its line.
fn pulse(mut reset: Line) -> Result<Line, HwFault> {
    let fault = |error: super::line::LineError| HwFault::Panel { evidence: error.to_string() };
    reset.set_low().map_err(fault)?;
    Delay.delay_us(RESET_US);
    reset.set_high().map_err(fault)?;
    Delay.delay_ms(WAKE_MS);
    Ok(reset)
}

fn start<S, D>(wire: Wire<S, D>, settings: &St7789Settings, delay: &mut impl DelayNs) -> Result<St7789<S, D>, HwFault>
where
    S: SpiDevice<Error: Display>,
    D: OutputPin<Error: Display>,
{
    let rotation = if settings.rotate180() { Rotation::Deg270 } else { Rotation::Deg90 };
    let inversion = if settings.inverted() { ColorInversion::Inverted } else { ColorInversion::Normal };
    let display = Builder::new(models::ST7789, wire)
        .orientation(Orientation::new().rotate(rotation))
        .invert_colors(inversion)
        .init(delay)
        .map_err(|error| match error {
            InitError::Interface(fault) => fault,
            other => HwFault::Panel { evidence: format!("ST7789: {other:?}") },
        })?;
    Ok(St7789 { display, canvas: Canvas::new(), _held: [None, None] })
}

impl<S, D> Panel for St7789<S, D>
where
    S: SpiDevice<Error: Display>,
    D: OutputPin<Error: Display>,
{
    fn show(&mut self, status: &Status) -> Result<(), HwFault> {
        for area in self.canvas.draw(status) {
            self.display.fill_contiguous(&area, self.canvas.colours(&area))?;
        }
        self.canvas.sent();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::convert::Infallible;
    use std::io;
    use std::rc::Rc;

    use embedded_graphics::pixelcolor::raw::ToBytes;
    use embedded_hal::digital;
    use embedded_hal::spi::{ErrorType, Operation};
    use linux_embedded_hal::SPIError;

    use super::*;
    use crate::config::{DisplaySettings, display_settings};
    use crate::hw::sim::panel::SimPanel;

    /// The controller's side of the wires: its memory, 320 by 240 as it is mounted, filled by the commands that a picture
    /// takes.
    #[derive(Default)]
    struct Controller {
        is_data: bool,
        command: u8,
        args: Vec<u8>,
        window: [[u16; 2]; 2],
        taken: usize,
        memory: Vec<[u8; 2]>,
        commands: Vec<(u8, Vec<u8>)>,
        writes: usize,
        unplugged: bool,
    }

    impl Controller {
        fn take(&mut self, bytes: &[u8]) {
            assert!(!bytes.is_empty() && bytes.len() <= 4096, "a write of {} bytes", bytes.len());
            self.writes += 1;
            if !self.is_data {
                assert_eq!(bytes.len(), 1, "a command is one byte");
                self.commands.push((bytes[0], Vec::new()));
                (self.command, self.taken) = (bytes[0], 0);
                self.args.clear();
            } else if self.command == 0x2c {
                bytes.as_chunks::<2>().0.iter().for_each(|&pixel| self.put(pixel));
            } else {
                self.args.extend(bytes);
                self.commands.last_mut().unwrap().1.extend(bytes);
                if let (0x2a | 0x2b, &[a, b, c, d]) = (self.command, &self.args[..]) {
                    let axis = usize::from(self.command - 0x2a);
                    self.window[axis] = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
                }
            }
        }

        fn put(&mut self, pixel: [u8; 2]) {
            let [[left, right], [top, bottom]] = self.window.map(|axis| axis.map(usize::from));
            assert!(right < 320 && bottom < 240, "window {:?}", self.window);
            let columns = right - left + 1;
            let (x, y) = (left + self.taken % columns, top + self.taken / columns);
            assert!(y <= bottom, "more pixels than the window has");
            self.memory.resize(320 * 240, [0; 2]);
            self.memory[y * 320 + x] = pixel;
            self.taken += 1;
        }
    }

    #[derive(Clone, Default)]
    struct Wires(Rc<RefCell<Controller>>);

    impl ErrorType for Wires {
        type Error = SPIError;
    }

    impl SpiDevice for Wires {
        fn transaction(&mut self, operations: &mut [Operation<'_, u8>]) -> Result<(), SPIError> {
            let mut controller = self.0.borrow_mut();
            if controller.unplugged {
                return Err(io::Error::from_raw_os_error(5).into());
            }
            for operation in operations {
                let Operation::Write(bytes) = operation else { panic!("{operation:?} from a display") };
                controller.take(bytes);
            }
            Ok(())
        }
    }

    impl digital::ErrorType for Wires {
        type Error = Infallible;
    }

    impl OutputPin for Wires {
        fn set_low(&mut self) -> Result<(), Infallible> {
            self.0.borrow_mut().is_data = false;
            Ok(())
        }

        fn set_high(&mut self) -> Result<(), Infallible> {
            self.0.borrow_mut().is_data = true;
            Ok(())
        }
    }

    struct NoDelay;

    impl DelayNs for NoDelay {
        fn delay_ns(&mut self, _: u32) {}
    }

    fn display(more: &str) -> (St7789<Wires, Wires>, Rc<RefCell<Controller>>) {
        let lines = format!("kind = \"st7789\"\ndevice = \"/dev/spidev0.0\"\ndc = \"GPIO25\"\n{more}");
        let DisplaySettings::St7789(settings) = display_settings(&lines) else { panic!("another kind") };
        let wires = Wires::default();
        let controller = Rc::clone(&wires.0);
        let wire = Wire::new(wires.clone(), wires, "/dev/spidev0.0".to_owned());
        (start(wire, &settings, &mut NoDelay).unwrap(), controller)
    }

    fn status(parts: u32) -> Status {
        Status { parts, ..Status::default() }
    }

    #[test]
    fn it_shows_what_the_twin_shows() {
        let (mut display, controller) = display("");
        let mut twin = SimPanel::default();
        for parts in [1, 2, 1_000_000_000] {
            display.show(&status(parts)).unwrap();
            twin.show(&status(parts)).unwrap();
            let expected: Vec<u8> = twin.screen().rgb();
            let shown: Vec<u8> = controller
                .borrow()
                .memory
                .iter()
                .flat_map(|&pixel| {
                    let raw = embedded_graphics::pixelcolor::raw::RawU16::from(u16::from_be_bytes(pixel));
                    let colour = embedded_graphics::pixelcolor::Rgb565::from(raw);
                    embedded_graphics::pixelcolor::Rgb888::from(colour).to_be_bytes()
                })
                .collect();
            assert!(shown == expected, "{parts} parts");
        }
    }

    #[test]
    fn a_whole_picture_is_some_forty_writes_and_a_counter_a_few() {
        let (mut display, controller) = display("");
        let mut writes = |parts| {
            controller.borrow_mut().writes = 0;
            display.show(&status(parts)).unwrap();
            controller.borrow().writes
        };
        assert!((38..50).contains(&writes(10)));
        assert!((1..15).contains(&writes(11)));
        assert_eq!(writes(11), 0);
    }

    #[test]
    fn rotation_and_inversion_reach_the_controller() {
        let sent = |more: &str| {
            let (_, controller) = display(more);
            let commands = controller.borrow().commands.clone();
            let rotation = commands.iter().find(|(command, _)| *command == 0x36).unwrap().1[0] & 0xe0;
            (rotation, commands.iter().any(|(command, _)| *command == 0x21))
        };
        assert_eq!(sent(""), (0x60, true), "rows and columns exchanged, columns mirrored");
        assert_eq!(sent("rotate180 = true"), (0xa0, true), "rows and columns exchanged, rows mirrored");
        assert_eq!(sent("inverted = false"), (0x60, false));
    }

    #[test]
    fn a_bus_that_fails_is_named_and_the_next_picture_is_whole() {
        let (mut display, controller) = display("");
        display.show(&status(10)).unwrap();
        controller.borrow_mut().unplugged = true;
        let fault = display.show(&status(11)).unwrap_err().to_string();
        assert_eq!(fault, "panel: /dev/spidev0.0: Input/output error (os error 5)");
        *controller.borrow_mut() = Controller::default();
        display.show(&status(11)).unwrap();
        assert_eq!(controller.borrow().taken, 320 * 240);
    }
}
