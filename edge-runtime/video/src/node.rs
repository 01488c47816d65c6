//! An open device node: what it is, its format, its rate, its controls.
//!
//! Plain questions and answers, as the kernel gives them; `survey` and `camera` make sense of them.

use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::Errno;
use v4l::v4l_sys as sys;

use crate::encoding::{FourCc, Interval};
use crate::ioctl::{self, Plain, Request, blank, text};

/// The only kind of buffer that this room uses: single-planar capture.
pub(crate) const CAPTURE: u32 = sys::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_CAPTURE;

/// A node that is open for reading and writing, and never blocks.
#[derive(Debug)]
pub(crate) struct Node {
    file: File,
}

/// What a node says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Capability {
    pub(crate) card: String,
    pub(crate) driver: String,
    pub(crate) bus: String,
    flags: u32,
}

impl Capability {
    /// Streams pictures, each in one piece of memory.
    pub(crate) fn captures(&self) -> bool {
        self.has(sys::V4L2_CAP_VIDEO_CAPTURE) && self.has(sys::V4L2_CAP_STREAMING)
    }

    /// Streams pictures, and nothing but in several pieces of memory.
    pub(crate) fn only_multi_planar(&self) -> bool {
        !self.has(sys::V4L2_CAP_VIDEO_CAPTURE) && self.has(sys::V4L2_CAP_VIDEO_CAPTURE_MPLANE)
    }

    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// The format that a driver has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) fourcc: FourCc,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes_per_row: u32,
    pub(crate) interlaced: bool,
}

impl Node {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // The flags of `open` are small positive numbers on every Linux.
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
        Ok(Self { file: OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)? })
    }

    pub(crate) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    pub(crate) fn ask<T: Plain>(&self, request: &Request<T>, structure: &mut T) -> io::Result<()> {
        ioctl::ask(self.file(), request, structure)
    }

    /// As [`Node::ask`] for a list's entries: nothing behind the last one, and where the driver has no such list.
    pub(crate) fn ask_entry<T: Plain>(&self, request: &Request<T>, mut entry: T) -> io::Result<Option<T>> {
        match self.ask(request, &mut entry) {
            Ok(()) => Ok(Some(entry)),
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::INVAL | Errno::NOTTY | Errno::NODATA) => Ok(None),
                _ => Err(error),
            },
        }
    }

    pub(crate) fn capability(&self) -> io::Result<Capability> {
        let mut answer: sys::v4l2_capability = blank();
        self.ask(&ioctl::CAPABILITY, &mut answer)?;
        let of_node = answer.capabilities & sys::V4L2_CAP_DEVICE_CAPS != 0;
        Ok(Capability {
            card: text(&answer.card),
            driver: text(&answer.driver),
            bus: text(&answer.bus_info),
            flags: if of_node { answer.device_caps } else { answer.capabilities },
        })
    }

    /// Asks for a format; gives what the driver made of it.
    pub(crate) fn set_format(&self, fourcc: FourCc, width: u32, height: u32) -> io::Result<Format> {
        let mut format: sys::v4l2_format = blank();
        format.type_ = CAPTURE;
        let pix = ioctl::pix(&mut format);
        (pix.width, pix.height, pix.pixelformat) = (width, height, fourcc.0);
        pix.field = sys::v4l2_field_V4L2_FIELD_NONE;
        self.ask(&ioctl::SET_FORMAT, &mut format)?;
        let pix = *ioctl::pix(&mut format);
        let whole = [sys::v4l2_field_V4L2_FIELD_NONE, sys::v4l2_field_V4L2_FIELD_ANY];
        Ok(Format {
            fourcc: FourCc(pix.pixelformat),
            width: pix.width,
            height: pix.height,
            bytes_per_row: pix.bytesperline,
            interlaced: !whole.contains(&pix.field),
        })
    }

    /// Asks for an interval, if one is wanted and the driver has any; gives the one that is set.
    pub(crate) fn set_interval(&self, wanted: Option<Interval>) -> io::Result<Option<Interval>> {
        let mut parameters: sys::v4l2_streamparm = blank();
        parameters.type_ = CAPTURE;
        let Some(mut parameters) = self.ask_entry(&ioctl::GET_PARAMETERS, parameters)? else { return Ok(None) };
        if let Some(Interval { numerator, denominator }) = wanted
            && ioctl::capture(&mut parameters).capability & sys::V4L2_CAP_TIMEPERFRAME != 0
        {
            ioctl::capture(&mut parameters).timeperframe = sys::v4l2_fract { numerator, denominator };
            self.ask(&ioctl::SET_PARAMETERS, &mut parameters)?;
        }
        let sys::v4l2_fract { numerator, denominator } = ioctl::capture(&mut parameters).timeperframe;
        Ok(Interval::new(numerator, denominator))
    }

    pub(crate) fn control(&self, id: u32) -> io::Result<i64> {
        let mut control = sys::v4l2_control { id, value: 0 };
        self.ask(&ioctl::GET_CONTROL, &mut control)?;
        Ok(i64::from(control.value))
    }

    pub(crate) fn set_control(&self, id: u32, value: i64) -> io::Result<()> {
        let value = i32::try_from(value).map_err(|_| io::Error::from(Errno::RANGE))?;
        self.ask(&ioctl::SET_CONTROL, &mut sys::v4l2_control { id, value })
    }

    pub(crate) fn stream(&self, on: bool) -> io::Result<()> {
        let mut kind = CAPTURE as c_int;
        self.ask(if on { &ioctl::STREAM_ON } else { &ioctl::STREAM_OFF }, &mut kind)
    }
}
