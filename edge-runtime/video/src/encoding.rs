//! How frames are arranged, by the kernel's four letters, and how long they last.
//!
//! Five encodings can be used; cameras list more. Sizes are in pixels and bytes.

use std::fmt;

/// Four letters that name an arrangement of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FourCc(pub u32);

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The highest bit says "big-endian" and belongs to no letter.
        let letters = (self.0 & 0x7fff_ffff).to_le_bytes();
        let text: String = letters.iter().map(|&b| if b.is_ascii_graphic() { char::from(b) } else { ' ' }).collect();
        f.pad(text.trim_end())
    }
}

/// The arrangements that a station can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Two pixels in four bytes: Y0 U Y1 V.
    Yuyv,
    /// A JPEG file a frame.
    Mjpg,
    /// A plane of Y, below it a plane of U V pairs at half width and height.
    Nv12,
    /// One byte a pixel.
    Grey,
    /// Three bytes a pixel: red, green, blue.
    Rgb24,
}

impl Encoding {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Yuyv, Self::Mjpg, Self::Nv12, Self::Grey, Self::Rgb24];

    /// The kernel's name for it.
    #[must_use]
    pub const fn fourcc(self) -> FourCc {
        FourCc(u32::from_le_bytes(match self {
            Self::Yuyv => *b"YUYV",
            Self::Mjpg => *b"MJPG",
            Self::Nv12 => *b"NV12",
            Self::Grey => *b"GREY",
            Self::Rgb24 => *b"RGB3",
        }))
    }

    /// The encoding of that name, if it can be used.
    #[must_use]
    pub fn from_fourcc(fourcc: FourCc) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.fourcc() == fourcc)
    }

    /// The encoding of a configuration's name (`YUYV`, `MJPG`, `NV12`, `GREY`, `RGB24`), in letters of any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.to_string().eq_ignore_ascii_case(name))
    }

    /// Bytes of one row without padding, and rows of all planes together; nothing for MJPG, which has no rows, and for
    /// sizes that no memory holds.
    #[must_use]
    pub fn rows(self, width: u32, height: u32) -> Option<(usize, usize)> {
        let (width, height) = (usize::try_from(width).ok()?, usize::try_from(height).ok()?);
        Some(match self {
            Self::Mjpg => return None,
            Self::Yuyv => (width.checked_mul(2)?, height),
            Self::Nv12 => (width, height.checked_add(height / 2)?),
            Self::Grey => (width, height),
            Self::Rgb24 => (width.checked_mul(3)?, height),
        })
    }

    /// Bytes that a whole frame takes when its rows begin `bytes_per_row` apart; the last row needs no padding.
    #[must_use]
    pub fn frame_bytes(self, width: u32, height: u32, bytes_per_row: u32) -> Option<usize> {
        let (row, rows) = self.rows(width, height)?;
        usize::try_from(bytes_per_row).ok()?.checked_mul(rows.checked_sub(1)?)?.checked_add(row)
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yuyv => "YUYV",
            Self::Mjpg => "MJPG",
            Self::Nv12 => "NV12",
            Self::Grey => "GREY",
            Self::Rgb24 => "RGB24",
        })
    }
}

/// Time from frame to frame, as a fraction of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval {
    /// Seconds times the denominator.
    pub numerator: u32,
    /// Never zero in a value that [`Interval::new`] gave.
    pub denominator: u32,
}

impl Interval {
    /// An interval, if the fraction is a positive number.
    #[must_use]
    pub fn new(numerator: u32, denominator: u32) -> Option<Self> {
        (numerator > 0 && denominator > 0).then_some(Self { numerator, denominator })
    }

    /// Of a rate in thousandths of a frame a second: 29.97 frames a second are 29,970.
    #[must_use]
    pub fn of_millihertz(millihertz: u32) -> Option<Self> {
        Self::new(1_000, millihertz)
    }

    /// In microseconds.
    #[must_use]
    pub fn micros(self) -> u64 {
        u64::from(self.numerator) * 1_000_000 / u64::from(self.denominator.max(1))
    }

    /// Frames a second.
    #[must_use]
    pub fn rate(self) -> f64 {
        f64::from(self.denominator) / f64::from(self.numerator.max(1))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = format!("{:.2}", self.rate());
        f.pad(rate.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_letters_lead_to_the_same_encoding() {
        for encoding in Encoding::ALL {
            assert_eq!(Encoding::from_fourcc(encoding.fourcc()), Some(encoding));
            assert_eq!(Encoding::from_name(&encoding.to_string().to_lowercase()), Some(encoding));
        }
        assert_eq!(Encoding::from_fourcc(FourCc(u32::from_le_bytes(*b"YU12"))), None);
        assert_eq!(Encoding::Rgb24.fourcc().to_string(), "RGB3");
        assert_eq!(FourCc(u32::from_le_bytes(*b"Y16 ") | 1 << 31).to_string(), "Y16");
    }

    #[test]
    fn a_frame_takes_its_rows_and_no_padding_after_the_last() {
        assert_eq!(Encoding::Yuyv.frame_bytes(4, 3, 16), Some(2 * 16 + 8));
        assert_eq!(Encoding::Nv12.frame_bytes(4, 4, 4), Some(4 * 6));
        assert_eq!(Encoding::Rgb24.frame_bytes(2, 2, 6), Some(12));
        assert_eq!(Encoding::Grey.frame_bytes(2, 0, 2), None);
        assert_eq!(Encoding::Mjpg.frame_bytes(640, 480, 0), None);
    }

    #[test]
    fn intervals_print_as_rates() {
        for (numerator, denominator, text, micros) in
            [(1, 30, "30", 33_333), (1_001, 30_000, "29.97", 33_366), (2, 15, "7.5", 133_333)]
        {
            let interval = Interval::new(numerator, denominator).unwrap();
            assert_eq!((interval.to_string().as_str(), interval.micros()), (text, micros));
        }
        assert_eq!(Interval::new(0, 30), None);
        assert_eq!(Interval::of_millihertz(0), None);
    }
}
