//! A camera that streams.
//!
//! Takes settings; gives events, and the facts that the driver told. It holds one buffer at a time, which is read until the
//! next call, while the kernel fills the others. It copies nothing and reopens nothing.

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::buffers::{Filled, Ring};
use crate::clock::{now_us, remaining};
use crate::control;
use crate::error::{VideoError, refused, refused_control};
use crate::facts::Facts;
use crate::info::ControlInfo;
use crate::node::Node;
use crate::sequence::missed;
use crate::settings::Settings;
use crate::setup::{self, Agreed};
use crate::stamps::StampCheck;

/// Buffers that are asked for: one is being read, one being filled, two wait so that a thread that is held up for a frame
/// or two loses none.
const BUFFERS: u32 = 4;

/// Buffers with which a stream can work at all: one is being read, one being filled, one waits.
const LEAST_BUFFERS: u32 = 3;

/// What came of waiting for a frame.
#[derive(Debug)]
pub enum Event<'a> {
    /// A whole frame.
    Frame {
        /// When it was taken, in microseconds of `CLOCK_MONOTONIC`; what moment that is says [`Facts::moment`].
        timestamp_us: u64,
        /// The driver's count.
        sequence: u32,
        /// Frames that the driver counted and did not deliver, since the one before.
        missed: u32,
        /// Rows with the driver's padding, or one JPEG file. They hold until the next call.
        bytes: &'a [u8],
    },
    /// A frame that cannot be used.
    Damaged {
        /// As for a frame.
        timestamp_us: u64,
        /// As for a frame.
        sequence: u32,
        /// As for a frame.
        missed: u32,
        /// What is wrong with it.
        damage: Damage,
    },
    /// No frame came in time.
    TimedOut,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The driver says that data was lost.
    Flagged,
    /// It has fewer bytes than a frame takes.
    Short {
        /// Bytes of a frame.
        expected: usize,
        /// Bytes that came.
        got: usize,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flagged => f.write_str("the driver lost data of this frame"),
            Self::Short { expected, got } => write!(f, "{got} bytes came, a frame takes {expected}"),
        }
    }
}

/// An open camera that streams. Dropping it ends the stream and frees the camera.
#[derive(Debug)]
pub struct Camera {
    // Dropped in this order: buffers must be unmapped before the node is closed.
    ring: Ring,
    node: Node,
    device: PathBuf,
    facts: Facts,
    has: Vec<ControlInfo>,
    frame_bytes: usize,
    check: StampCheck,
    last_sequence: Option<u32>,
}

impl Camera {
    /// Opens a camera, sets it up, and starts its stream.
    ///
    /// # Errors
    /// [`VideoError`] when it is not there, in use, or cannot give what the settings ask for.
    pub fn open(settings: &Settings) -> Result<Self, VideoError> {
        let device = settings.device.clone();
        let node = Node::open(&device).map_err(|source| VideoError::Open { device: device.clone(), source })?;
        let Agreed { facts, has } = setup::agree(&node, settings)?;
        let ring = Ring::map(&node, BUFFERS).map_err(|source| refused(&device, "mapping its buffers", source))?;
        if ring.len() < LEAST_BUFFERS {
            return Err(VideoError::Buffers { device, got: ring.len(), least: LEAST_BUFFERS });
        }
        node.stream(true).map_err(|source| refused(&device, "starting the stream", source))?;
        // A JPEG file of fewer bytes than its two marks holds nothing.
        let frame_bytes = facts.encoding.frame_bytes(facts.width, facts.height, facts.bytes_per_row).unwrap_or(4);
        let check = StampCheck::new(facts.interval.map(crate::Interval::micros));
        Ok(Self { ring, node, device, facts, has, frame_bytes, check, last_sequence: None })
    }

    /// What the driver really does.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The node or link that was opened.
    #[must_use]
    pub fn device(&self) -> &Path {
        &self.device
    }

    /// The oldest frame that has not been given yet; waits for one until `until`, in microseconds of `CLOCK_MONOTONIC`.
    ///
    /// # Errors
    /// [`VideoError::Gone`] when the camera has been unplugged; the same or [`VideoError::Request`] when its driver fails
    /// otherwise. The camera is to be dropped then.
    pub fn next(&mut self, until: u64) -> Result<Event<'_>, VideoError> {
        let Some((filled, fresh)) = self.wait(until)? else { return Ok(Event::TimedOut) };
        let skipped = self.count(filled.sequence);
        Ok(self.event(filled, fresh, skipped))
    }

    /// The newest frame: as [`Camera::next`], but everything older that waits is left out. Frames left out are not
    /// `missed`.
    ///
    /// # Errors
    /// As [`Camera::next`].
    pub fn newest(&mut self, until: u64) -> Result<Event<'_>, VideoError> {
        let Some((mut filled, fresh)) = self.wait(until)? else { return Ok(Event::TimedOut) };
        let mut skipped = self.count(filled.sequence);
        // No more than there are buffers, or a fast camera and a slow thread would never come to an end.
        for _ in 0..self.ring.len() {
            let Some(newer) = self.take()? else { break };
            filled = newer;
            skipped = skipped.saturating_add(self.count(filled.sequence));
        }
        Ok(self.event(filled, fresh, skipped))
    }

    /// Sets a control while the camera streams; gives the value that the driver made of it.
    ///
    /// # Errors
    /// [`VideoError::Control`] when there is no such control or the value is outside its range,
    /// [`VideoError::ControlRefused`] when the driver does not take it.
    pub fn set_control(&mut self, name: &str, value: i64) -> Result<Option<i64>, VideoError> {
        let fault = |source| VideoError::Control { device: self.device.clone(), source };
        let control = control::find(&self.has, name).map_err(fault)?;
        control::check(control, value).map_err(fault)?;
        let (id, name, readable) = (control.id, control.name.clone(), control.value.is_some());
        let asked = self.node.set_control(id, value);
        asked.map_err(|source| refused_control(&self.device, &name, value, source))?;
        if !readable {
            return Ok(None);
        }
        let read = self.node.control(id).map_err(|source| refused(&self.device, "reading a control", source))?;
        if let Some(fact) = self.facts.controls.iter_mut().find(|fact| fact.name == name) {
            (fact.asked, fact.value) = (Some(value), read);
        }
        Ok(Some(read))
    }

    /// The next filled buffer, and whether it had to be waited for.
    fn wait(&mut self, until: u64) -> Result<Option<(Filled, bool)>, VideoError> {
        let given = self.ring.give_back(&self.node);
        given.map_err(|source| refused(&self.device, "giving a buffer back", source))?;
        let mut waited = false;
        loop {
            if let Some(filled) = self.take()? {
                return Ok(Some((filled, waited)));
            }
            if waited && now_us() >= until {
                return Ok(None);
            }
            let mut watched = [PollFd::from_borrowed_fd(self.node.file(), PollFlags::IN)];
            match poll(&mut watched, Some(&remaining(until))) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return Err(refused(&self.device, "waiting for a frame", errno.into())),
            }
            let answer = watched[0].revents();
            if answer.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
                // Taking a buffer tells why; a driver that does not say has given up all the same.
                let last = self.take()?;
                return match last {
                    Some(filled) => Ok(Some((filled, true))),
                    None => {
                        Err(VideoError::Gone { device: self.device.clone(), evidence: format!("poll says {answer:?}") })
                    }
                };
            }
            waited = true;
        }
    }

    fn take(&mut self) -> Result<Option<Filled>, VideoError> {
        self.ring.take(&self.node).map_err(|source| refused(&self.device, "taking a frame", source))
    }

    fn count(&mut self, sequence: u32) -> u32 {
        let skipped = missed(self.last_sequence, sequence);
        self.last_sequence = Some(sequence);
        skipped
    }

    fn event(&mut self, filled: Filled, fresh: bool, missed: u32) -> Event<'_> {
        let timestamp_us = self.check.time_of(filled.stamp_us, now_us(), fresh);
        (self.facts.stamps, self.facts.moment) = (self.check.stamps(), filled.moment);
        self.facts.claims_monotonic = filled.claims_monotonic;
        let sequence = filled.sequence;
        let bytes = self.ring.bytes();
        let got = filled.used.min(bytes.len());
        let damage = if filled.damaged {
            Some(Damage::Flagged)
        } else if got < self.frame_bytes {
            Some(Damage::Short { expected: self.frame_bytes, got })
        } else {
            None
        };
        match damage {
            Some(damage) => Event::Damaged { timestamp_us, sequence, missed, damage },
            None => Event::Frame { timestamp_us, sequence, missed, bytes: &bytes[..got] },
        }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        // A camera that has gone cannot be told to stop, and needs not to be.
        drop(self.node.stream(false));
    }
}
