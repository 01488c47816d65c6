//! The kernel's buffers, mapped into memory.
//!
//! Each buffer is at any time either the kernel's or ours. Only one of ours can be read, and only until it is given back.

use std::ffi::c_void;
use std::io;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use v4l::v4l_sys as sys;

use crate::facts::Moment;
use crate::ioctl::{self, blank};
use crate::node::{CAPTURE, Node};

const MAPPED: u32 = sys::v4l2_memory_V4L2_MEMORY_MMAP;

/// What the kernel says of a buffer that it has filled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filled {
    /// Bytes in it, by the driver's word.
    pub(crate) used: usize,
    /// The driver says that they are not right.
    pub(crate) damaged: bool,
    /// The driver's time-stamp in microseconds.
    pub(crate) stamp_us: u64,
    /// The driver says that the stamp is of the monotonic clock.
    pub(crate) claims_monotonic: bool,
    /// What the stamp is of.
    pub(crate) moment: Moment,
    /// The driver's count of frames.
    pub(crate) sequence: u32,
}

/// The buffers of one stream.
///
/// # Invariants
/// `held` is the buffer that is ours; all others are the kernel's, or it has never had them. The kernel writes into none
/// that is ours.
#[derive(Debug)]
pub(crate) struct Ring {
    buffers: Vec<Mapping>,
    held: Option<u32>,
}

impl Ring {
    /// Asks for `count` buffers, maps those that there are, and gives them to the kernel.
    pub(crate) fn map(node: &Node, count: u32) -> io::Result<Self> {
        let mut request = sys::v4l2_requestbuffers { count, type_: CAPTURE, memory: MAPPED, ..blank() };
        node.ask(&ioctl::REQUEST_BUFFERS, &mut request)?;
        let mut ring = Self { buffers: Vec::new(), held: None };
        for index in 0..request.count {
            let mut buffer = numbered(index);
            node.ask(&ioctl::QUERY_BUFFER, &mut buffer)?;
            ring.buffers.push(Mapping::new(node, &buffer)?);
            node.ask(&ioctl::QUEUE_BUFFER, &mut numbered(index))?;
        }
        Ok(ring)
    }

    /// How many buffers there are.
    pub(crate) fn len(&self) -> u32 {
        self.buffers.len() as u32
    }

    /// Takes the oldest filled buffer, if there is one, and gives back the one that is held instead.
    pub(crate) fn take(&mut self, node: &Node) -> io::Result<Option<Filled>> {
        let mut buffer = numbered(0);
        match node.ask(&ioctl::DEQUEUE_BUFFER, &mut buffer) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        self.give_back(node)?;
        if buffer.index >= self.len() {
            let message = format!("the driver gave buffer {} of {}", buffer.index, self.len());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        self.held = Some(buffer.index);
        let at_start = buffer.flags & sys::V4L2_BUF_FLAG_TSTAMP_SRC_MASK == sys::V4L2_BUF_FLAG_TSTAMP_SRC_SOE;
        let clock = buffer.flags & sys::V4L2_BUF_FLAG_TIMESTAMP_MASK;
        Ok(Some(Filled {
            claims_monotonic: clock == sys::V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC,
            used: buffer.bytesused as usize,
            damaged: buffer.flags & sys::V4L2_BUF_FLAG_ERROR != 0,
            stamp_us: micros(&buffer.timestamp),
            moment: if at_start { Moment::ExposureStart } else { Moment::FrameEnd },
            sequence: buffer.sequence,
        }))
    }

    /// Gives the held buffer back to the kernel, if one is held. It stays held when the kernel does not take it.
    pub(crate) fn give_back(&mut self, node: &Node) -> io::Result<()> {
        if let Some(index) = self.held {
            node.ask(&ioctl::QUEUE_BUFFER, &mut numbered(index))?;
            self.held = None;
        }
        Ok(())
    }

    /// The bytes of the held buffer, all of them; none without one.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.held.and_then(|index| self.buffers.get(index as usize)).map_or(&[], |buffer| {
            // SAFETY: the mapping lives as long as `self`. The kernel wrote it before it gave the buffer to us, and writes
            // into it again only after `give_back`, which takes `&mut self` and so outlives every borrow of these bytes.
            unsafe { std::slice::from_raw_parts(buffer.start.as_ptr().cast::<u8>(), buffer.length) }
        })
    }
}

fn numbered(index: u32) -> sys::v4l2_buffer {
    sys::v4l2_buffer { index, type_: CAPTURE, memory: MAPPED, ..blank() }
}

/// Zero for a time before the clock began, which no stamp of a clock is.
fn micros(time: &sys::timeval) -> u64 {
    let of = |number| u64::try_from(number).unwrap_or(0);
    of(time.tv_sec).saturating_mul(1_000_000).saturating_add(of(time.tv_usec))
}

/// One buffer of the kernel, seen in this program's memory, for reading.
#[derive(Debug)]
struct Mapping {
    start: NonNull<c_void>,
    length: usize,
}

// SAFETY: the mapping belongs to the whole program, not to the thread that made it, and has one owner.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(node: &Node, buffer: &sys::v4l2_buffer) -> io::Result<Self> {
        let length = buffer.length as usize;
        // SAFETY: the kernel chooses a place where nothing is mapped, since none is asked for.
        let start = unsafe {
            mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, node.file(), ioctl::offset(buffer))?
        };
        let start = NonNull::new(start).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(Self { start, length })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` with this length, and unmapped nowhere else; bytes are borrowed from the ring that owns
        // it. A refusal leaves it mapped, which harms nothing but memory.
        let _ = unsafe { munmap(self.start.as_ptr(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_the_clock_are_no_times() {
        assert_eq!(micros(&sys::timeval { tv_sec: 12, tv_usec: 34 }), 12_000_034);
        assert_eq!(micros(&sys::timeval { tv_sec: -1, tv_usec: 5 }), 5);
    }

    #[test]
    fn without_a_buffer_there_are_no_bytes() {
        assert_eq!(Ring { buffers: Vec::new(), held: None }.bytes(), &[0_u8; 0]);
        assert_eq!(Ring { buffers: Vec::new(), held: Some(3) }.bytes(), &[0_u8; 0]);
    }
}
