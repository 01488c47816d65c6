//! What goes wrong, and devices that do it: each wraps a twin and leaves it as it is until the time comes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use edge_runtime::engine::{Engine, EngineError};
use edge_runtime::health::alarms::Condition;
use edge_runtime::hw::clock::Monotonic;
use edge_runtime::hw::roles::{
    Clock, FrameStream, HwFault, LineInput, Picture, RejectOutput, Sensor, Signal, SignalKind,
};
use shared::line::Cause;
use shared::units::{Micros, PartId};

use super::host::Host;

/// When it goes wrong, in milliseconds from the start: the belt is known by then.
pub const FROM: Micros = Micros::from_millis(7_000);
/// And until when.
pub const UNTIL: Micros = Micros::from_millis(10_000);
/// Somebody presses reset, where something has latched.
pub const RESET: Micros = Micros::from_millis(10_500);

/// Longer than the store waits for its file.
const LOCKED: Micros = Micros::from_millis(9_000);

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Nothing,
    CameraGone,
    CameraFrozen,
    CameraDamaged,
    CameraSilent,
    CameraPanics,
    Bounces,
    MissedEdges,
    EncoderStands,
    EncoderReverses,
    EdgesDropped,
    GateThreadHeldUp,
    GateThreadPanics,
    GateRefused,
    JudgeLate,
    JudgeSlow,
    JudgeFails,
    JudgePanics,
    DeskPanics,
    StoreLocked,
    DiskFull,
    DisplayAway,
    BoardHot,
    BinFull,
    RecordsPanic,
    PicturesPanic,
    DisplayPanics,
    ReadingsPanic,
    BundlesPanic,
    BlackBoxPanics,
    PlantPanics,
}

/// The rows, in the order of the table.
pub const SCENARIOS: [(&str, Fault); 31] = [
    ("nothing", Fault::Nothing),
    ("the camera has gone, and comes back", Fault::CameraGone),
    ("the camera is silent, and goes on", Fault::CameraSilent),
    ("the camera sends the same picture", Fault::CameraFrozen),
    ("the camera sends damaged pictures", Fault::CameraDamaged),
    ("the camera's thread panics", Fault::CameraPanics),
    ("the light barrier bounces", Fault::Bounces),
    ("the light barrier misses parts", Fault::MissedEdges),
    ("the encoder stands while the belt runs", Fault::EncoderStands),
    ("the belt runs backwards now and then", Fault::EncoderReverses),
    ("the kernel drops edges", Fault::EdgesDropped),
    ("the gate's thread is held up", Fault::GateThreadHeldUp),
    ("the gate's thread panics", Fault::GateThreadPanics),
    ("the gate's line is refused", Fault::GateRefused),
    ("verdicts come too late", Fault::JudgeLate),
    ("parts come faster than they are judged", Fault::JudgeSlow),
    ("the network fails", Fault::JudgeFails),
    ("the judge's thread panics", Fault::JudgePanics),
    ("the desk's thread panics", Fault::DeskPanics),
    ("the store cannot be written, and then can", Fault::StoreLocked),
    ("the disk has no room for pictures", Fault::DiskFull),
    ("the display has gone", Fault::DisplayAway),
    ("the board is too hot", Fault::BoardHot),
    ("the bin is full, and is emptied", Fault::BinFull),
    ("the records' thread panics", Fault::RecordsPanic),
    ("the pictures' thread panics", Fault::PicturesPanic),
    ("the display's thread panics", Fault::DisplayPanics),
    ("the readings' thread panics", Fault::ReadingsPanic),
    ("the bundles' thread panics", Fault::BundlesPanic),
    ("the black box's thread panics", Fault::BlackBoxPanics),
    ("the plant's thread panics", Fault::PlantPanics),
];

/// Time, for whoever must know when to go wrong.
pub type Time = Arc<Monotonic>;

fn within(time: &Time) -> bool {
    (FROM..UNTIL).contains(&time.now())
}

/// A camera.
pub struct FaultyStream<S> {
    pub inner: S,
    pub fault: Fault,
    pub time: Time,
    pub last: Option<Picture>,
}

impl<S: FrameStream> FrameStream for FaultyStream<S> {
    fn next(&mut self, until: Micros) -> Result<Option<Picture>, HwFault> {
        let seen = self.inner.next(until)?;
        let wrong = within(&self.time);
        match (self.fault, seen) {
            (Fault::CameraGone, _) if wrong => Err(HwFault::Camera { evidence: "unplugged".to_owned() }),
            (Fault::CameraSilent, _) if wrong => Ok(None),
            (Fault::CameraPanics, _) if wrong => panic!("a fault of the camera's thread, provoked"),
            (Fault::CameraDamaged, Some(_)) if wrong => Err(HwFault::Picture { evidence: "half of it".to_owned() }),
            (Fault::CameraFrozen, Some(picture)) if wrong => {
                let last = self.last.get_or_insert(picture.clone());
                Ok(Some(Picture { exposed_at: picture.exposed_at, ..last.clone() }))
            }
            (_, seen) => Ok(seen),
        }
    }
}

/// The sensors.
pub struct FaultyInput<L> {
    pub inner: L,
    pub fault: Fault,
    pub time: Time,
    pub told: bool,
    pub reset: bool,
    pub bounce: Option<Signal>,
    pub held_up_again: Micros,
}

impl<L: LineInput> FaultyInput<L> {
    /// What a person does, or a sensor that is not the belt's.
    fn aside(&mut self) -> Option<SignalKind> {
        let now = self.time.now();
        if now >= RESET && !std::mem::replace(&mut self.reset, true) {
            return Some(SignalKind::Reset);
        }
        let due = match self.fault {
            Fault::EdgesDropped => (!self.told && now >= FROM).then_some(SignalKind::Lost),
            Fault::BinFull if self.told != (FROM..UNTIL).contains(&now) => Some(SignalKind::BinFull(!self.told)),
            _ => None,
        };
        self.told ^= due.is_some();
        due
    }
}

impl<L: LineInput> LineInput for FaultyInput<L> {
    fn next(&mut self, until: Micros) -> Result<Option<Signal>, HwFault> {
        if let Some(kind) = self.aside() {
            return Ok(Some(Signal { at: self.time.now(), kind }));
        }
        if let Some(bounce) = self.bounce.take() {
            return Ok(Some(bounce));
        }
        let wrong = within(&self.time);
        loop {
            let heard = self.inner.next(until)?;
            let Some(signal) = heard else { return Ok(None) };
            match (self.fault, signal.kind) {
                (Fault::GateThreadPanics, _) if wrong => panic!("a fault of the gate's thread, provoked"),
                // Most of the time, so that some part's moment comes meanwhile; it hears in between what happened.
                (Fault::GateThreadHeldUp, SignalKind::Step { .. })
                    if wrong && self.time.now() >= self.held_up_again =>
                {
                    std::thread::sleep(Duration::from_millis(400));
                    self.held_up_again = self.time.now().saturating_add(Micros::from_millis(50));
                }
                (Fault::EncoderStands, SignalKind::Step { .. }) if wrong => continue,
                (Fault::MissedEdges, SignalKind::Edge(Sensor::Trigger)) if wrong => continue,
                (Fault::Bounces, SignalKind::Edge(Sensor::Trigger)) if wrong => {
                    self.bounce = Some(Signal { at: signal.at.saturating_add(Micros(900)), ..signal });
                }
                _ => {}
            }
            return Ok(Some(signal));
        }
    }
}

/// The gate's line: the kernel takes nothing more after a while.
pub struct FaultyGate<O> {
    pub inner: O,
    pub fault: Fault,
    pub time: Time,
}

impl<O: RejectOutput> FaultyGate<O> {
    fn refuses(&self) -> Result<(), HwFault> {
        if self.fault == Fault::GateRefused && self.time.now() >= FROM {
            return Err(HwFault::Lines { evidence: "reject cannot be written".to_owned() });
        }
        Ok(())
    }
}

impl<O: RejectOutput> RejectOutput for FaultyGate<O> {
    fn take_control(&mut self) -> Result<(), HwFault> {
        self.refuses()?;
        self.inner.take_control()
    }

    fn open(&mut self, part: PartId, cause: Cause) -> Result<(), HwFault> {
        self.refuses()?;
        self.inner.open(part, cause)
    }

    fn extend(&mut self, part: PartId, cause: Cause) -> Result<(), HwFault> {
        self.refuses()?;
        self.inner.extend(part, cause)
    }

    fn close(&mut self) -> Result<(), HwFault> {
        self.refuses()?;
        self.inner.close()
    }

    fn make_safe(&mut self) -> Result<(), HwFault> {
        self.inner.make_safe()
    }
}

/// The network.
pub struct FaultyEngine {
    pub inner: Box<dyn Engine>,
    pub fault: Fault,
    pub time: Time,
    pub host: Host,
}

impl Engine for FaultyEngine {
    fn infer(&mut self, input: &[u8], heatmap: &mut [f32]) -> Result<(), EngineError> {
        if within(&self.time) {
            match self.fault {
                // Longer than from the trigger to the gate.
                Fault::JudgeLate => std::thread::sleep(Duration::from_millis(3_600)),
                Fault::JudgeSlow => std::thread::sleep(Duration::from_millis(800)),
                Fault::JudgeFails => return Err(EngineError::Run { reason: "provoked".to_owned() }),
                Fault::JudgePanics => panic!("a fault of the judge's thread, provoked"),
                _ => {}
            }
        }
        let begun = Instant::now();
        let judged = self.inner.infer(input, heatmap);
        self.host.took(begun.elapsed());
        judged
    }
}

/// Conditions that whoever looks after the station sees.
pub fn conditions(fault: Fault, now: Micros) -> Vec<(Condition, bool)> {
    let wrong = (FROM..UNTIL).contains(&now);
    match fault {
        Fault::DisplayAway => vec![(Condition::DisplayAway, wrong)],
        Fault::BoardHot => vec![(Condition::TooHot, wrong)],
        _ => Vec::new(),
    }
}

/// Takes the store's file for itself, as a backup program might, for longer than the store waits; gives it back after a while.
pub fn lock_store(folder: PathBuf, time: &Time) {
    while time.now() < FROM {
        std::thread::sleep(Duration::from_millis(20));
    }
    let other = rusqlite::Connection::open(folder.join("records.db")).unwrap();
    other.busy_timeout(Duration::from_secs(5)).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    while time.now() < FROM.saturating_add(LOCKED) {
        std::thread::sleep(Duration::from_millis(20));
    }
    other.execute_batch("COMMIT").unwrap();
}
