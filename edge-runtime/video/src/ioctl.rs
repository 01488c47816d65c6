//! The kernel's requests, each with the structure that it takes, so that the rest of the room needs no `unsafe` to ask.
//!
//! Takes an open file and a structure, gives the structure as the kernel filled it. Knows nothing of what the answers mean.

use std::ffi::c_int;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, BorrowedFd};

use v4l::v4l_sys as sys;
use v4l::v4l2::{self, vidioc};

/// Structures of the interface that are numbers and bytes throughout.
///
/// # Safety
/// Any bits make a valid value, and what looks like a pointer in it is not followed by the requests below: buffers are
/// mapped ones, formats are of pictures.
pub(crate) unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($name:ident),*) => { $(
        // SAFETY: generated from the kernel's C header: integers, arrays and unions of them; the pointers in unions of
        // `v4l2_buffer` and `v4l2_format` belong to memory and buffer types that this room never asks for.
        unsafe impl Plain for sys::$name {}
    )* };
}

plain!(
    v4l2_capability,
    v4l2_fmtdesc,
    v4l2_frmsizeenum,
    v4l2_frmivalenum,
    v4l2_query_ext_ctrl,
    v4l2_querymenu,
    v4l2_control,
    v4l2_format,
    v4l2_streamparm,
    v4l2_requestbuffers,
    v4l2_buffer
);

// SAFETY: a number.
unsafe impl Plain for c_int {}

/// A request and the structure that goes with it.
pub(crate) struct Request<T> {
    code: vidioc::_IOC_TYPE,
    structure: PhantomData<T>,
}

impl<T: Plain> Request<T> {
    const fn of(code: vidioc::_IOC_TYPE) -> Self {
        // The kernel reads and writes as many bytes as the request's number says.
        assert!(((code >> 16) & 0x3fff) as usize == size_of::<T>(), "the request takes another structure");
        Self { code, structure: PhantomData }
    }
}

pub(crate) const CAPABILITY: Request<sys::v4l2_capability> = Request::of(vidioc::VIDIOC_QUERYCAP);
pub(crate) const FORMATS: Request<sys::v4l2_fmtdesc> = Request::of(vidioc::VIDIOC_ENUM_FMT);
pub(crate) const SIZES: Request<sys::v4l2_frmsizeenum> = Request::of(vidioc::VIDIOC_ENUM_FRAMESIZES);
pub(crate) const INTERVALS: Request<sys::v4l2_frmivalenum> = Request::of(vidioc::VIDIOC_ENUM_FRAMEINTERVALS);
pub(crate) const CONTROLS: Request<sys::v4l2_query_ext_ctrl> = Request::of(vidioc::VIDIOC_QUERY_EXT_CTRL);
pub(crate) const MENU: Request<sys::v4l2_querymenu> = Request::of(vidioc::VIDIOC_QUERYMENU);
pub(crate) const GET_CONTROL: Request<sys::v4l2_control> = Request::of(vidioc::VIDIOC_G_CTRL);
pub(crate) const SET_CONTROL: Request<sys::v4l2_control> = Request::of(vidioc::VIDIOC_S_CTRL);
pub(crate) const SET_FORMAT: Request<sys::v4l2_format> = Request::of(vidioc::VIDIOC_S_FMT);
pub(crate) const GET_PARAMETERS: Request<sys::v4l2_streamparm> = Request::of(vidioc::VIDIOC_G_PARM);
pub(crate) const SET_PARAMETERS: Request<sys::v4l2_streamparm> = Request::of(vidioc::VIDIOC_S_PARM);
pub(crate) const REQUEST_BUFFERS: Request<sys::v4l2_requestbuffers> = Request::of(vidioc::VIDIOC_REQBUFS);
pub(crate) const QUERY_BUFFER: Request<sys::v4l2_buffer> = Request::of(vidioc::VIDIOC_QUERYBUF);
pub(crate) const QUEUE_BUFFER: Request<sys::v4l2_buffer> = Request::of(vidioc::VIDIOC_QBUF);
pub(crate) const DEQUEUE_BUFFER: Request<sys::v4l2_buffer> = Request::of(vidioc::VIDIOC_DQBUF);
pub(crate) const STREAM_ON: Request<c_int> = Request::of(vidioc::VIDIOC_STREAMON);
pub(crate) const STREAM_OFF: Request<c_int> = Request::of(vidioc::VIDIOC_STREAMOFF);

/// The structure with nothing in it, as every request wants it before its fields are filled.
pub(crate) fn blank<T: Plain>() -> T {
    // SAFETY: `Plain` promises that any bits are a valid value.
    unsafe { std::mem::zeroed() }
}

/// Asks the kernel; an interruption by a signal is no answer, so it asks again.
pub(crate) fn ask<T: Plain>(file: BorrowedFd<'_>, request: &Request<T>, structure: &mut T) -> io::Result<()> {
    loop {
        // SAFETY: the file is open as long as it is borrowed; the structure has the size that the request's number names
        // (`Request::of`), lives across the call, and holds no pointer that the kernel follows (`Plain`).
        let answer = unsafe { v4l2::ioctl(file.as_raw_fd(), request.code, std::ptr::from_mut(structure).cast()) };
        match answer {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}

/// The picture format in a format structure.
pub(crate) fn pix(format: &mut sys::v4l2_format) -> &mut sys::v4l2_pix_format {
    // SAFETY: the union holds numbers whatever was written to it, and any bits are valid numbers.
    unsafe { &mut format.fmt.pix }
}

/// The capture parameters in a parameter structure.
pub(crate) fn capture(parameters: &mut sys::v4l2_streamparm) -> &mut sys::v4l2_captureparm {
    // SAFETY: as in `pix`.
    unsafe { &mut parameters.parm.capture }
}

/// Least, greatest and step of an enumerated size; all the same for a discrete one.
pub(crate) fn size(entry: &sys::v4l2_frmsizeenum) -> sys::v4l2_frmsize_stepwise {
    if entry.type_ == sys::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE {
        // SAFETY: as in `pix`.
        let sys::v4l2_frmsize_discrete { width, height } = unsafe { entry.__bindgen_anon_1.discrete };
        sys::v4l2_frmsize_stepwise {
            min_width: width,
            max_width: width,
            step_width: 0,
            min_height: height,
            max_height: height,
            step_height: 0,
        }
    } else {
        // SAFETY: as in `pix`.
        unsafe { entry.__bindgen_anon_1.stepwise }
    }
}

/// Shortest and longest of an enumerated interval; both the same for a discrete one.
pub(crate) fn interval(entry: &sys::v4l2_frmivalenum) -> (sys::v4l2_fract, sys::v4l2_fract) {
    if entry.type_ == sys::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE {
        // SAFETY: as in `pix`.
        let only = unsafe { entry.__bindgen_anon_1.discrete };
        (only, only)
    } else {
        // SAFETY: as in `pix`.
        let range = unsafe { entry.__bindgen_anon_1.stepwise };
        (range.min, range.max)
    }
}

/// The label of a menu entry, or its value in a menu of numbers.
pub(crate) fn menu_label(entry: &sys::v4l2_querymenu, numbers: bool) -> String {
    // The kernel packs this structure, so that its fields are copied out before they are looked at.
    let label = entry.__bindgen_anon_1;
    if numbers {
        // SAFETY: as in `pix`.
        unsafe { label.value }.to_string()
    } else {
        // SAFETY: as in `pix`.
        text(&unsafe { label.name })
    }
}

/// Where a mapped buffer begins in the device's file.
pub(crate) fn offset(buffer: &sys::v4l2_buffer) -> u64 {
    // SAFETY: as in `pix`.
    u64::from(unsafe { buffer.m.offset })
}

/// Text that the kernel ends with a zero.
pub(crate) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_the_zero_and_may_be_rubbish() {
        assert_eq!(text(b"USB Camera\0\0junk"), "USB Camera");
        assert_eq!(text(b"full"), "full");
        assert_eq!(text(&[0xff, b'a', 0]), "\u{fffd}a");
        assert_eq!(text(&[]), "");
    }

    #[test]
    fn a_file_that_is_no_device_refuses_every_request() {
        use std::os::fd::AsFd;
        let file = std::fs::File::open("/dev/null").unwrap();
        let error = ask(file.as_fd(), &CAPABILITY, &mut blank()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(25), "{error}");
    }

    #[test]
    fn sizes_and_menus_are_read_from_the_right_side_of_their_unions() {
        let mut entry: sys::v4l2_frmsizeenum = blank();
        entry.type_ = sys::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE;
        entry.__bindgen_anon_1.discrete = sys::v4l2_frmsize_discrete { width: 640, height: 480 };
        let of = size(&entry);
        assert_eq!((of.min_width, of.max_width, of.min_height, of.max_height), (640, 640, 480, 480));
        let mut numbers: sys::v4l2_querymenu = blank();
        numbers.__bindgen_anon_1.value = 1_000_000;
        assert_eq!(menu_label(&numbers, true), "1000000");
    }
}
