//! What a station needs of its hardware, one narrow trait a role, each with its contract.
//!
//! Times are [`Micros`] of one monotonic clock, positions are [`Travel`], micrometres of belt, growing in the direction of
//! transport. The traits say nothing about parts' fates; drivers and twins implement them, `stage` uses them.

use serde::{Deserialize, Serialize};
use shared::frame::PixelFormat;
use shared::line::Cause;
use shared::units::{Micros, PartId, Travel};
use thiserror::Error;

use crate::hmi::screen::Status;

/// What a device reports when it cannot do its work.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum HwFault {
    /// The camera has reported an error or has gone.
    #[error("camera: {evidence}")]
    Camera {
        /// What the driver said.
        evidence: String,
    },
    /// One picture came damaged; the camera goes on.
    #[error("a picture: {evidence}")]
    Picture {
        /// What the driver said.
        evidence: String,
    },
    /// The line's inputs or outputs cannot be read or written.
    #[error("lines: {evidence}")]
    Lines {
        /// Which line, and what the kernel said.
        evidence: String,
    },
    /// The reject output was used against its contract; the program is at fault.
    #[error("reject output misused: {evidence}")]
    Misuse {
        /// Which call came in which state.
        evidence: String,
    },
    /// The display did not take the picture.
    #[error("panel: {evidence}")]
    Panel {
        /// What the driver said.
        evidence: String,
    },
}

/// Reads the time.
///
/// Never blocks, never runs backwards; all times of one station come from one clock.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Micros;
}

/// Which light barrier an edge comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sensor {
    /// The one under the camera, where a part is born.
    Trigger,
    /// The one shortly before the gate, which sees parts that no trigger announced.
    Photogate,
}

/// One leading edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// When it came, by the driver's time-stamp and not by when it was read.
    pub at: Micros,
    /// What the encoder read at that moment.
    pub travel: Travel,
    /// Where it came from.
    pub sensor: Sensor,
}

/// Gives the edges of the light barriers.
///
/// Edges come in the order of their time, each once, bounces included; lock-out is the tracker's business. Dropping it
/// releases the lines.
pub trait TriggerInput {
    /// Blocks until an edge comes or until `until`, whichever is first; `None` is the latter. An edge exactly at `until` is
    /// given. With `until` at the end of time a simulated input gives `None` when no edge will ever come again.
    fn next(&mut self, until: Micros) -> Option<Edge>;
}

/// Says where the belt is.
///
/// Never blocks. Readings follow the belt, backwards too.
pub trait TravelSource {
    /// Where the belt is now.
    fn read(&mut self) -> Travel;

    /// When a reading of at least `target` is worth looking for: never later than it happens, perhaps earlier. The end of
    /// time while the belt is not known to run.
    fn reaches(&mut self, target: Travel) -> Micros;
}

/// How the bytes of a picture are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PictureFormat {
    /// Pixels.
    Pixels(PixelFormat),
    /// One JPEG file, as cameras with MJPG send it. Decoded where it is judged, since most pictures of a camera that runs
    /// free are of no part.
    Jpeg,
}

/// One picture as the camera gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// When its exposure began.
    pub exposed_at: Micros,
    /// How the bytes are arranged.
    pub format: PictureFormat,
    /// Pixels from left to right; rows are not padded.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// The pixels.
    pub bytes: Vec<u8>,
}

/// Takes pictures on demand.
///
/// Never blocks. Pictures come in the order of their exposures; an exposure may be lost without a word, which is why
/// whoever asked keeps a time limit. Dropping it ends the stream.
pub trait FrameSource {
    /// Begins an exposure now.
    ///
    /// # Errors
    /// [`HwFault::Camera`] when the camera is known not to work; the part under it is then not inspected.
    fn expose(&mut self) -> Result<(), HwFault>;

    /// When the next picture can be taken out; `None` while none is under way.
    fn ready_at(&self) -> Option<Micros>;

    /// Takes the oldest picture that is there, if one is.
    ///
    /// # Errors
    /// [`HwFault::Camera`] when the transfer failed.
    fn take(&mut self) -> Result<Option<Picture>, HwFault>;
}

/// Gives pictures as a camera takes them, running free or triggered by the line's own sensor.
///
/// Blocks for pictures alone. Pictures come in the order of their exposures. Dropping it ends the stream.
pub trait FrameStream: Send {
    /// Waits for the next picture until `until` at most; `None` is the latter.
    ///
    /// # Errors
    /// [`HwFault::Picture`] when one is damaged; [`HwFault::Camera`] when the camera has gone. The stream goes on by itself when
    /// it comes back.
    fn next(&mut self, until: Micros) -> Result<Option<Picture>, HwFault>;
}

/// Something that the line's own sensors said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// When, by the kernel's time-stamp and not by when it was read.
    pub at: Micros,
    /// What.
    pub kind: SignalKind,
}

/// What a sensor of the line can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignalKind {
    /// A leading edge at a light barrier.
    Edge(Sensor),
    /// The encoder has made one step.
    Step {
        /// In the direction of transport, or against it.
        forwards: bool,
    },
    /// A part was seen leaving by the gate.
    Confirmed,
    /// The bin for rejected parts became full, or is free again.
    BinFull(bool),
    /// Somebody acknowledges what is latched.
    Reset,
    /// The kernel dropped edges, so that the encoder's count cannot be trusted.
    Lost,
    /// Nothing will ever come again. Twins alone say so.
    End,
}

/// Gives what the line's sensors say, in the order of their time, each once, bounces included.
///
/// Dropping it releases the lines.
pub trait LineInput: Send {
    /// Waits for the next signal until `until` at most; `None` is the latter.
    ///
    /// # Errors
    /// [`HwFault::Lines`] when the sensors cannot be read; nothing on the belt can be followed then.
    fn next(&mut self, until: Micros) -> Result<Option<Signal>, HwFault>;
}

/// What the inputs say at which a product is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Selection {
    /// The number that the code's lines say now.
    pub code: u16,
    /// Whether the strobe is on now.
    pub strobe: bool,
    /// Whether a line of the code has moved since the last look, even if it is back where it was.
    pub code_moved: bool,
    /// Whether the strobe has, likewise.
    pub strobe_moved: bool,
}

/// Gives what the inputs say at which a product is chosen, as it is: bounces included.
///
/// It has a thread of its own, which nothing waits for. Dropping it releases the lines.
pub trait SelectInput: Send {
    /// Waits until a line moves, until `until` at most; gives how all of them are then.
    ///
    /// # Errors
    /// [`HwFault::Lines`] when they cannot be read.
    fn look(&mut self, until: Micros) -> Result<Selection, HwFault>;
}

/// The station's outputs beside the gate, each of which may be left unwired.
///
/// # Safe state
/// No permit, no heartbeat, alarm on: before the first call, on stop, on drop and on panic.
pub trait LineSignals: Send {
    /// Permits the line to run, or no longer.
    ///
    /// # Errors
    /// [`HwFault::Lines`].
    fn permit(&mut self, run: bool) -> Result<(), HwFault>;

    /// Turns the heartbeat over. A relay that sees no change for some periods takes the station for dead.
    ///
    /// # Errors
    /// [`HwFault::Lines`].
    fn beat(&mut self) -> Result<(), HwFault>;

    /// Switches the alarm.
    ///
    /// # Errors
    /// [`HwFault::Lines`].
    fn alarm(&mut self, on: bool) -> Result<(), HwFault>;
}

/// Drives the gate: energised it diverts whatever passes.
///
/// One owner, one thread; calls never block longer than an I/O write. `open` and `close` alternate; every opening names a
/// part and its cause.
///
/// # Safe state
/// Diverting. Before the first call, on stop, on drop and on panic everything on the belt is diverted, since nothing is
/// proven good then; the gate is wired so that lost power does the same.
pub trait RejectOutput: Send {
    /// Takes the gate out of its safe state: closed, and from now on under control.
    ///
    /// # Errors
    /// [`HwFault::Misuse`] when it is under control already; [`HwFault::Lines`], here and below, when the output cannot be
    /// written.
    fn take_control(&mut self) -> Result<(), HwFault>;

    /// Begins to divert for `part`.
    ///
    /// # Errors
    /// [`HwFault::Misuse`] when the gate is open already.
    fn open(&mut self, part: PartId, cause: Cause) -> Result<(), HwFault>;

    /// Keeps diverting for a further `part`.
    ///
    /// # Errors
    /// [`HwFault::Misuse`] when the gate is closed.
    fn extend(&mut self, part: PartId, cause: Cause) -> Result<(), HwFault>;

    /// Lets parts pass.
    ///
    /// # Errors
    /// [`HwFault::Misuse`] when the gate is closed already.
    fn close(&mut self) -> Result<(), HwFault>;

    /// Goes back to the safe state, from any other; [`RejectOutput::take_control`] leaves it again.
    ///
    /// # Errors
    /// [`HwFault::Lines`] when the output cannot be written; it is then to be dropped.
    fn make_safe(&mut self) -> Result<(), HwFault>;
}

/// Shows the station's state to people.
///
/// May be slow: only the latest state matters, and no decision waits for it. Dropping it leaves the last picture.
pub trait Panel {
    /// Shows a state.
    ///
    /// # Errors
    /// [`HwFault::Panel`]; safe to log and go on, as the panel decides nothing.
    fn show(&mut self, status: &Status) -> Result<(), HwFault>;
}
