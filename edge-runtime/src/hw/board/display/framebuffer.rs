//! A Linux framebuffer: HDMI, DSI, or a small display with a driver of its own.
//!
//! Takes states, draws them as `hmi::screen` does, in the middle of the screen, enlarged by the greatest whole number that
//! fits; writes the rows that changed as into a file. Pixels are RGB565 or XRGB8888, low byte first, as the kernel has them
//! on boards. It maps no memory and sets no mode.

use std::fs::{File, OpenOptions, read_to_string};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use embedded_graphics::pixelcolor::raw::ToBytes;
use embedded_graphics::pixelcolor::{Rgb565, Rgb888};
use embedded_graphics::primitives::Rectangle;

use super::canvas::Canvas;
use crate::hmi::screen::{self, Status};
use crate::hw::roles::{HwFault, Panel};

/// Where the kernel tells about framebuffers.
const FACTS: &str = "/sys/class/graphics";

/// How a pixel is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Rgb565,
    Xrgb8888,
}

impl Format {
    const fn bytes(self) -> usize {
        match self {
            Self::Rgb565 => 2,
            Self::Xrgb8888 => 4,
        }
    }

    fn put(self, colour: Rgb565, line: &mut Vec<u8>) {
        match self {
            Self::Rgb565 => line.extend(colour.to_le_bytes()),
            Self::Xrgb8888 => {
                let [blue, green, red] = Rgb888::from(colour).to_le_bytes();
                line.extend([blue, green, red, 0xff]);
            }
        }
    }
}

/// What the kernel says of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    width: usize,
    height: usize,
    stride: usize,
    format: Format,
}

impl Facts {
    /// Reads them from the files of one framebuffer.
    fn read(folder: &Path) -> Result<Self, String> {
        let read = |name: &str| {
            let path = folder.join(name);
            read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let number = |name: &str| {
            let text = read(name)?;
            text.trim().parse::<usize>().map_err(|_| format!("{}/{name} is {text:?}, not a number", folder.display()))
        };
        let format = match number("bits_per_pixel")? {
            16 => Format::Rgb565,
            32 => Format::Xrgb8888,
            bits => return Err(format!("{bits} bits a pixel; 16 and 32 are supported")),
        };
        let text = read("virtual_size")?;
        let Some((width, height)) = pair(&text, ',') else {
            return Err(format!("{}/virtual_size is {text:?}, not two numbers", folder.display()));
        };
        // The memory may be higher than the screen, for turning pages. Drivers that name no mode have it as high as the screen.
        let mode = ["mode", "modes"].into_iter().find_map(|name| visible(&read(name).ok()?));
        let (width, height) = mode.map_or((width, height), |(w, h)| (w.min(width), h.min(height)));
        Self { width, height, stride: number("stride")?, format }.checked()
    }

    fn checked(self) -> Result<Self, String> {
        let Self { width, height, stride, format } = self;
        if self.scale() == 0 {
            let (least_width, least_height) = (screen::SIZE.width, screen::SIZE.height);
            return Err(format!("{width} by {height} pixels, at least {least_width} by {least_height} are needed"));
        }
        if stride < width * format.bytes() {
            return Err(format!("rows of {stride} bytes, too short for {width} pixels"));
        }
        Ok(self)
    }

    /// How much the picture is enlarged.
    fn scale(&self) -> usize {
        (self.width / screen::SIZE.width as usize).min(self.height / screen::SIZE.height as usize)
    }

    /// Where a pixel of the panel's picture begins, in bytes.
    fn place(&self, x: usize, y: usize) -> usize {
        let middle = |whole: usize, part: u32| (whole - self.scale() * part as usize) / 2;
        let row = middle(self.height, screen::SIZE.height) + y * self.scale();
        let column = middle(self.width, screen::SIZE.width) + x * self.scale();
        row * self.stride + column * self.format.bytes()
    }
}

fn pair(text: &str, between: char) -> Option<(usize, usize)> {
    let (first, second) = text.trim().split_once(between)?;
    Some((first.parse().ok()?, second.parse().ok()?))
}

/// Width and height of the first mode, written as `U:1920x1080p-60`.
fn visible(modes: &str) -> Option<(usize, usize)> {
    let (_, mode) = modes.lines().next()?.split_once(':')?;
    let end = mode.find(|letter: char| !letter.is_ascii_digit() && letter != 'x').unwrap_or(mode.len());
    pair(&mode[..end], 'x')
}

/// A screen.
#[derive(Debug)]
pub(super) struct Screen {
    file: File,
    device: String,
    facts: Facts,
    canvas: Canvas,
    line: Vec<u8>,
}

/// Opens a framebuffer and makes it black.
pub(super) fn open(device: &Path) -> Result<Screen, HwFault> {
    let name = device.file_name().unwrap_or_default();
    Screen::open(device, &Path::new(FACTS).join(name))
}

impl Screen {
    fn open(device: &Path, facts: &Path) -> Result<Self, HwFault> {
        let name = device.display().to_string();
        let fault = |evidence: String| HwFault::Panel { evidence: format!("{name}: {evidence}") };
        let file =
            OpenOptions::new().write(true).open(device).map_err(|error| fault(format!("cannot be opened: {error}")))?;
        let facts = Facts::read(facts).map_err(fault)?;
        let row = vec![0; facts.width * facts.format.bytes()];
        for y in 0..facts.height {
            file.write_all_at(&row, (y * facts.stride) as u64).map_err(|error| fault(error.to_string()))?;
        }
        Ok(Self { file, device: name, facts, canvas: Canvas::new(), line: Vec::new() })
    }

    fn put(&mut self, area: &Rectangle) -> io::Result<()> {
        let (facts, scale) = (self.facts, self.facts.scale());
        let left = area.top_left.x as usize;
        for row in area.rows() {
            let row_area = Rectangle::new((area.top_left.x, row).into(), (area.size.width, 1).into());
            self.line.clear();
            for colour in self.canvas.colours(&row_area) {
                (0..scale).for_each(|_| facts.format.put(colour, &mut self.line));
            }
            let start = facts.place(left, row as usize);
            for copy in 0..scale {
                self.file.write_all_at(&self.line, (start + copy * facts.stride) as u64)?;
            }
        }
        Ok(())
    }
}

impl Panel for Screen {
    fn show(&mut self, status: &Status) -> Result<(), HwFault> {
        for area in self.canvas.draw(status) {
            self.put(&area).map_err(|error| HwFault::Panel { evidence: format!("{}: {error}", self.device) })?;
        }
        self.canvas.sent();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::hw::sim::panel::SimPanel;

    /// A folder with the files of a framebuffer, and a device of that many bytes full of rubbish.
    fn framebuffer(size: &str, bits: &str, stride: usize, modes: &str, rows: usize) -> TempDir {
        let folder = TempDir::new().unwrap();
        let texts =
            [("virtual_size", size), ("bits_per_pixel", bits), ("stride", &stride.to_string()), ("modes", modes)];
        for (name, text) in texts {
            fs::write(folder.path().join(name), format!("{text}\n")).unwrap();
        }
        fs::write(folder.path().join("fb"), vec![0xaa; stride * rows]).unwrap();
        folder
    }

    fn opened(folder: &TempDir) -> Result<Screen, HwFault> {
        Screen::open(&folder.path().join("fb"), folder.path())
    }

    fn status() -> Status {
        Status { product: "caps".to_owned(), parts: 12, ..Status::default() }
    }

    /// The panel's picture as the twin draws it, 8 bit RGB.
    fn expected(status: &Status) -> Vec<[u8; 3]> {
        let mut twin = SimPanel::default();
        twin.show(status).unwrap();
        twin.screen().rgb().as_chunks().0.to_vec()
    }

    #[test]
    fn a_screen_of_the_same_size_shows_what_the_twin_shows() {
        let folder = framebuffer("320,240", "16", 640, "", 240);
        let mut screen = opened(&folder).unwrap();
        for parts in [12, 13] {
            let status = Status { parts, ..status() };
            screen.show(&status).unwrap();
            let bytes = fs::read(folder.path().join("fb")).unwrap();
            let colours: Vec<[u8; 3]> = bytes
                .as_chunks()
                .0
                .iter()
                .map(|&pixel| {
                    let raw = embedded_graphics::pixelcolor::raw::RawU16::from(u16::from_le_bytes(pixel));
                    Rgb888::from(Rgb565::from(raw)).to_be_bytes()
                })
                .collect();
            assert!(colours == expected(&status), "{parts} parts");
        }
    }

    #[test]
    fn a_larger_screen_shows_it_enlarged_in_the_middle_and_black_around() {
        // 700 by 500 pixels of a memory with two pages and padded rows: twice as large, 30 pixels left, 10 above.
        let (stride, rows) = (2_816, 1_000);
        let folder = framebuffer("700,1000", "32", stride, "U:700x500p-60", rows);
        opened(&folder).unwrap().show(&status()).unwrap();
        let bytes = fs::read(folder.path().join("fb")).unwrap();
        let expected = expected(&status());
        for y in 0..500 {
            for x in 0..700 {
                let place = y * stride + x * 4;
                let [blue, green, red] = [0, 1, 2].map(|channel| bytes[place + channel]);
                let inside = (30..670).contains(&x) && (10..490).contains(&y);
                let want = if inside { expected[(y - 10) / 2 * 320 + (x - 30) / 2] } else { [0; 3] };
                assert_eq!([red, green, blue], want, "at {x}, {y}");
            }
        }
        assert!(bytes[500 * stride..].iter().all(|&byte| byte == 0xaa), "the other page");
        assert!(bytes[2_800..stride].iter().all(|&byte| byte == 0xaa), "the padding");
    }

    #[test]
    fn a_screen_that_cannot_be_used_says_why() {
        for (size, bits, stride, modes, says) in [
            ("320,200", "16", 640, "", "320 by 200 pixels, at least 320 by 240 are needed"),
            ("320,480", "16", 640, "U:320x200p-0", "320 by 200 pixels, at least 320 by 240 are needed"),
            ("320,240", "8", 320, "", "8 bits a pixel; 16 and 32 are supported"),
            ("320,240", "32", 640, "", "rows of 640 bytes, too short for 320 pixels"),
            ("wide", "16", 640, "", "virtual_size is \"wide\\n\", not two numbers"),
        ] {
            let fault = opened(&framebuffer(size, bits, stride, modes, 240)).unwrap_err().to_string();
            assert!(fault.starts_with("panel: ") && fault.ends_with(says), "{fault}");
        }
        let folder = framebuffer("320,240", "16", 640, "", 240);
        fs::remove_file(folder.path().join("fb")).unwrap();
        let fault = opened(&folder).unwrap_err().to_string();
        assert!(fault.contains("fb: cannot be opened: No such file"), "{fault}");
    }

    #[test]
    fn a_screen_that_has_gone_is_a_fault() {
        let folder = framebuffer("320,240", "16", 640, "", 240);
        let mut screen = opened(&folder).unwrap();
        screen.file = File::open(folder.path().join("fb")).unwrap();
        assert!(screen.show(&status()).unwrap_err().to_string().contains("fb: "));
    }
}
