//! An OLED display with the SSD1306 controller on I2C, 128 by 64 pixels.
//!
//! Takes states, draws them as `hmi::oled` does, and sends the rectangle that changed. A display that was unplugged, or has
//! lost power for a moment, answers again dark and without its settings, and cannot be asked: so now and then a picture goes
//! out whole and with all settings.

use std::cell::RefCell;
use std::fmt::Display;
use std::rc::Rc;

use embedded_graphics::framebuffer::{Framebuffer, buffer_size};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::pixelcolor::raw::{BigEndian, RawU1};
use embedded_hal::i2c::{ErrorType, I2c, Operation};
use linux_embedded_hal::I2cdev;
use ssd1306::command::AddrMode;
use ssd1306::mode::{BufferedGraphicsMode, DisplayConfig};
use ssd1306::prelude::{DisplayRotation, DisplaySize128x64, I2CInterface};
use ssd1306::{I2CDisplayInterface, Ssd1306};

use crate::config::Ssd1306Settings;
use crate::hmi::oled;
use crate::hmi::screen::Status;
use crate::hw::roles::{HwFault, Panel};

const WIDTH: usize = oled::SIZE.width as usize;
const HEIGHT: usize = oled::SIZE.height as usize;
const BYTES: usize = buffer_size::<BinaryColor>(WIDTH, HEIGHT);

/// Every so many pictures one goes out whole and with all settings: after three seconds of a line that runs, at five pictures
/// a second, and half a minute of one that stands. It takes a tenth of a second of the bus at 100 kHz.
const RENEW_EVERY: u32 = 16;

type Pixels = Framebuffer<BinaryColor, RawU1, BigEndian, WIDTH, HEIGHT, BYTES>;

/// A bus that keeps what was said when it failed: the driver only tells that it did.
struct Heard<B> {
    bus: B,
    said: Rc<RefCell<String>>,
}

impl<B: I2c> ErrorType for Heard<B> {
    type Error = B::Error;
}

impl<B: I2c<Error: Display>> I2c for Heard<B> {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), B::Error> {
        self.bus.transaction(address, operations).inspect_err(|error| *self.said.borrow_mut() = error.to_string())
    }
}

/// A display.
///
/// # Invariants
/// The driver's memory, and with `known` the display, holds `shown`. `known` does not hold while a picture is on its way, so
/// that one that was sent in part is sent whole the next time.
pub(super) struct Oled<B> {
    display: Ssd1306<I2CInterface<Heard<B>>, DisplaySize128x64, BufferedGraphicsMode<DisplaySize128x64>>,
    shown: Pixels,
    known: bool,
    pictures: u32,
    said: Rc<RefCell<String>>,
    place: String,
}

/// Opens and initialises the display.
pub(super) fn open(settings: &Ssd1306Settings) -> Result<Oled<I2cdev>, HwFault> {
    let device = settings.device().display();
    let bus = I2cdev::new(settings.device())
        .map_err(|error| HwFault::Panel { evidence: format!("{device}: cannot be opened: {error}") })?;
    Oled::start(bus, settings)
}

impl<B: I2c<Error: Display>> Oled<B> {
    fn start(bus: B, settings: &Ssd1306Settings) -> Result<Self, HwFault> {
        let said = Rc::default();
        let bus = Heard { bus, said: Rc::clone(&said) };
        let interface = I2CDisplayInterface::new_custom_address(bus, settings.address());
        let rotation = if settings.rotate180() { DisplayRotation::Rotate180 } else { DisplayRotation::Rotate0 };
        let display = Ssd1306::new(interface, DisplaySize128x64, rotation).into_buffered_graphics_mode();
        let place = format!("{} at {:#04x}", settings.device().display(), settings.address());
        let mut oled = Self { display, shown: Pixels::new(), known: false, pictures: 0, said, place };
        let started = oled.display.init();
        started.map_err(|_| oled.fault())?;
        Ok(oled)
    }

    fn fault(&self) -> HwFault {
        HwFault::Panel { evidence: format!("{}: {}", self.place, self.said.borrow()) }
    }

    fn send(&mut self, next: Pixels, whole: bool) -> Result<(), HwFault> {
        let differing = next.data().iter().zip(self.shown.data()).enumerate();
        for (place, (new, _)) in differing.filter(|(_, (new, old))| whole || new != old) {
            let (left, y) = (place % (WIDTH / 8) * 8, place / (WIDTH / 8));
            for bit in 0..8 {
                self.display.set_pixel((left + bit) as u32, y as u32, new & (0x80 >> bit) != 0);
            }
        }
        self.shown = next;
        self.display.flush().map_err(|_| self.fault())
    }
}

impl<B: I2c<Error: Display>> Panel for Oled<B> {
    fn show(&mut self, status: &Status) -> Result<(), HwFault> {
        let mut next = Pixels::new();
        let Ok(()) = oled::draw(status, &mut next);
        self.pictures = self.pictures.wrapping_add(1);
        let known = std::mem::take(&mut self.known);
        let renew = self.pictures.is_multiple_of(RENEW_EVERY);
        if renew {
            // Not `init`, which would show an empty picture in between.
            self.display.init_with_addr_mode(AddrMode::Horizontal).map_err(|_| self.fault())?;
        }
        self.send(next, renew || !known)?;
        self.known = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use embedded_hal::i2c::ErrorKind;

    use super::*;
    use crate::config::{DisplaySettings, display_settings};
    use crate::hmi::screen::State;

    /// The controller's side of the bus: its memory, in pages of eight rows, filled by the commands that a picture takes.
    #[derive(Default)]
    struct Controller {
        columns: [usize; 2],
        pages: [usize; 2],
        at: [usize; 2],
        memory: Vec<u8>,
        data: usize,
        commands: Vec<u8>,
        unplugged: bool,
    }

    impl Controller {
        fn take(&mut self, bytes: &[u8]) {
            match bytes {
                [0, 0x21, first, last] => self.columns = [*first, *last].map(usize::from),
                [0, 0x22, first, last] => {
                    self.pages = [*first, *last].map(usize::from);
                    self.at = [self.columns[0], self.pages[0]];
                }
                [0, command, ..] => self.commands.push(*command),
                [0x40, data @ ..] => data.iter().for_each(|&byte| self.put(byte)),
                other => panic!("neither command nor data: {other:?}"),
            }
        }

        fn put(&mut self, byte: u8) {
            let [column, page] = self.at;
            self.memory.resize(128 * 8, 0xaa);
            self.memory[page * 128 + column] = byte;
            self.data += 1;
            let end = column == self.columns[1];
            assert!(page <= self.pages[1], "more data than the window has");
            self.at = if end { [self.columns[0], page + 1] } else { [column + 1, page] };
        }

        fn is_on(&self, x: usize, y: usize) -> bool {
            self.memory[y / 8 * 128 + x] >> (y % 8) & 1 == 1
        }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("nobody answers")]
    struct NoAnswer;

    impl embedded_hal::i2c::Error for NoAnswer {
        fn kind(&self) -> ErrorKind {
            ErrorKind::Other
        }
    }

    #[derive(Clone, Default)]
    struct Bus(Rc<RefCell<Controller>>);

    impl ErrorType for Bus {
        type Error = NoAnswer;
    }

    impl I2c for Bus {
        fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), NoAnswer> {
            assert_eq!(address, 0x3d);
            let mut controller = self.0.borrow_mut();
            if controller.unplugged {
                return Err(NoAnswer);
            }
            for operation in operations {
                let Operation::Write(bytes) = operation else { panic!("the display is read") };
                controller.take(bytes);
            }
            Ok(())
        }
    }

    fn started(bus: &Bus) -> Result<Oled<Bus>, HwFault> {
        let lines = "kind = \"ssd1306\"\ndevice = \"/dev/i2c-1\"\naddress = 0x3d";
        let DisplaySettings::Ssd1306(settings) = display_settings(lines) else { panic!("another kind") };
        Oled::start(bus.clone(), &settings)
    }

    fn status(parts: u32) -> Status {
        Status { parts, ..Status::default() }
    }

    fn assert_shows(bus: &Bus, status: &Status) {
        let mut expected = Pixels::new();
        let Ok(()) = oled::draw(status, &mut expected);
        let controller = bus.0.borrow();
        for (x, y) in (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y))) {
            let expected = expected.data()[(y * WIDTH + x) / 8] & (0x80 >> (x % 8)) != 0;
            assert_eq!(controller.is_on(x, y), expected, "at {x}, {y}");
        }
    }

    #[test]
    fn what_is_drawn_arrives_whichever_part_of_it_changed() {
        let bus = Bus::default();
        let mut display = started(&bus).unwrap();
        for (parts, state) in [(1, State::Run), (2, State::Run), (2, State::Fault), (3_000_000_000, State::Stop)] {
            let status = Status { state, ..status(parts) };
            display.show(&status).unwrap();
            assert_shows(&bus, &status);
        }
    }

    #[test]
    fn only_what_changed_goes_over_the_bus() {
        let bus = Bus::default();
        let mut display = started(&bus).unwrap();
        let mut sent = |parts| {
            bus.0.borrow_mut().data = 0;
            display.show(&status(parts)).unwrap();
            bus.0.borrow().data
        };
        assert_eq!(sent(10), 1_024);
        assert!((1..60).contains(&sent(11)), "a digit");
        assert_eq!(sent(11), 0);
    }

    #[test]
    fn a_display_that_lost_its_memory_is_right_again_soon() {
        let bus = Bus::default();
        let mut display = started(&bus).unwrap();
        display.show(&status(10)).unwrap();
        *bus.0.borrow_mut() = Controller::default();
        for _ in 0..RENEW_EVERY {
            display.show(&status(10)).unwrap();
        }
        assert_shows(&bus, &status(10));
        assert!(bus.0.borrow().commands.contains(&0xaf), "it is switched on");
    }

    #[test]
    fn a_bus_that_fails_is_named_and_the_next_picture_is_whole() {
        let bus = Bus::default();
        let mut display = started(&bus).unwrap();
        display.show(&status(10)).unwrap();
        bus.0.borrow_mut().unplugged = true;
        let says = "panel: /dev/i2c-1 at 0x3d: nobody answers";
        assert_eq!(display.show(&status(11)).unwrap_err().to_string(), says);
        assert_eq!(started(&bus).err().unwrap().to_string(), says);
        *bus.0.borrow_mut() = Controller::default();
        display.show(&status(11)).unwrap();
        assert_shows(&bus, &status(11));
    }
}
