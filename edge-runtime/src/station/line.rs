//! The desk's loop: starts the other threads, feeds the desk, and ends all of it in an order that loses nothing.
//!
//! Takes a station's devices, workers and store; gives what was counted when the line has ended. Runs on the thread that calls
//! it. Every end, wished for or not, leaves the outputs in their safe state and every part with a record.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use edge_plant::wire::Basis;
use shared::limits::{DESK_QUEUE, ORDER_QUEUE, SHOT_QUEUE};
use shared::line::Layout;
use shared::quality::Limits;
use shared::units::{Micros, PartId};
use shared::verdict::{Reason, Verdict};
use thiserror::Error;

use super::camera;
use super::gate::{self, GateError};
use crate::blackbox::{Entry, Judge as JudgedBy, Shot, Tape};
use crate::bundle::slots::Tally;
use crate::engine::Inspector;
use crate::health::alarms::{self, Condition, Raised};
use crate::hmi::screen::Status;
use crate::hw::realtime::{self, Wanted};
use crate::hw::roles::{Clock, FrameStream, HwFault, LineInput, Picture};
use crate::stage::audit::AuditError;
use crate::stage::conductor::{Conductor, Order, Said};
use crate::stage::desk::{Counts, Departures, Desk, Judge};
use crate::stage::workers::{Evidence, Workers};
use crate::store::{Store, StoreError, Takeover};

/// The loop turns at least this often: permit and alarm are told again, so that the gate knows that the desk lives.
const TURN: Micros = Micros::from_millis(100);

/// A camera may take this long for its first picture.
const FIRST_PICTURE: Micros = Micros::from_millis(10_000);

/// A changeover takes this long at least: nobody who looks at the permit misses that it was off.
const CHANGEOVER: Micros = Micros::from_millis(1_000);

/// The gate's thread may take this long to end. Its turns last far less.
const END_WITHIN: Micros = Micros::from_millis(2_000);

/// What the desk's queue carries.
#[derive(Debug)]
pub enum Note {
    /// The gate's words.
    Gate(Said),
    /// A picture.
    Picture {
        /// The picture.
        picture: Arc<Picture>,
        /// Whether it is the same as the one before it.
        repeated: bool,
    },
    /// The camera has gone, or sent something damaged.
    CameraFault(HwFault),
    /// A worker's verdict.
    Judged {
        /// The part.
        part: PartId,
        /// What is known of it.
        verdict: Verdict,
        /// What it was judged by.
        evidence: Option<Evidence>,
    },
}

/// Why a line ended that nobody had told to.
#[derive(Debug, Error)]
pub enum LineError {
    /// The gate's thread ended.
    #[error("the gate has ended: {0}")]
    Gate(#[from] GateError),
    /// A thread died. Its last words are on standard error.
    #[error("the {thread} thread has died")]
    Died {
        /// Which.
        thread: &'static str,
    },
    /// The gate takes no orders.
    #[error("the gate does not keep up: {ORDER_QUEUE} orders wait")]
    GateBehind,
    /// No worker is left.
    #[error("every thread that judges pictures has died")]
    NoWorkers,
    /// A record could not be kept.
    #[error("the audit failed: {0}")]
    Audit(#[from] AuditError),
    /// A thread could not be started.
    #[error("no thread for the {thread}: {source}")]
    Start {
        /// Which.
        thread: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What an attendant sees of the line, once in each turn of the loop.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The camera has given a picture, or needs not: the line may run if nothing else is wrong.
    pub ready: bool,
    /// Turns of the camera's thread.
    pub camera_turns: u64,
    /// Pictures that found no place in the desk's queue.
    pub pictures_dropped: u64,
    /// Since when the oldest picture is being judged.
    pub judging_since: Option<Micros>,
    /// Turns of the gate's thread.
    pub gate_turns: u64,
    /// Why the store does not write now.
    pub store_failure: Option<StoreError>,
    /// What was counted.
    pub counts: Counts,
    /// Fire errors since the last look, in microseconds.
    pub fire_errors: &'a [i64],
    /// What displays show, if it has changed.
    pub news: Option<&'a Status>,
    /// What the bundle in charge has done.
    pub tally: Tally,
    /// Alarms that are active, the worst first.
    pub alarms: &'a [Raised],
    /// Parts that have left since the last look.
    pub departures: &'a Departures,
    /// What waits.
    pub waiting: Waiting,
    /// Products are being changed.
    pub changing: bool,
    /// Parts whose pictures were to be kept and are not.
    pub pictures_lost: u64,
}

/// What waits in the line's queues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Records that are not on the disk yet.
    pub records: u64,
    /// Parts whose pictures are not on the disk yet.
    pub pictures: u64,
    /// Pictures that are judged, or wait to be.
    pub shots: u64,
    /// Pictures of the camera that wait for the desk.
    pub frames: u64,
}

/// A bundle that is ready to judge.
pub struct NewBundle {
    /// What is to be remembered of it. Its number says how many bundles took over before it; the number within the run, and when it takes over, are
    /// filled in as it does.
    pub takeover: Takeover,
    /// What another threshold would be chosen from.
    pub basis: Basis,
    /// One for each worker thread.
    pub inspectors: Vec<Inspector>,
    /// What goes with its product, where it is another one than before: parts in flight are flushed then. `None` for a bundle
    /// that goes on with the same.
    pub product: Option<ProductLimits>,
}

/// What of a line's settings goes with a product.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProductLimits {
    /// Where its parts are decided, and how long they are.
    pub layout: Layout,
    /// What a picture of it must be like to prove anything.
    pub quality: Option<Limits>,
    /// What of the line's course stops it.
    pub alarms: alarms::Limits,
}

/// Looks after what is not the line's own: displays, watchdog, disk, temperature.
pub trait Attendant {
    /// Looks. Gives the conditions of the station that are present now or no longer; those not named stay as they were.
    fn look(&mut self, now: Micros, seen: &Seen<'_>) -> Vec<(Condition, bool)>;

    /// A bundle that is to judge from now on, once. An attendant that looks after no bundles never has one.
    fn new_bundle(&mut self) -> Option<NewBundle> {
        None
    }

    /// A threshold that is to hold from now on, once. An attendant whom nobody can tell never has one.
    fn threshold_wanted(&mut self) -> Option<Takeover> {
        None
    }

    /// Another bundle judges from now on, or the same with another threshold; then there is no basis.
    fn took_over(&mut self, _takeover: &Takeover, _basis: Option<Basis>) {}

    /// Whether somebody acknowledges what is latched, once: as the reset button does. An attendant whom nobody can tell never has that.
    fn reset_wanted(&mut self) -> bool {
        false
    }
}

/// Hands pictures to the workers, and has them answer into the desk's queue.
pub struct Courier {
    workers: Workers,
    tape: Tape,
    post: SyncSender<Note>,
    open: Arc<AtomicUsize>,
    gone: bool,
}

impl Courier {
    fn new(workers: Workers, tape: Tape, post: SyncSender<Note>) -> Self {
        Self { workers, tape, post, open: Arc::default(), gone: false }
    }
}

impl Judge for Courier {
    fn submit(&mut self, part: PartId, picture: Arc<Picture>) -> Result<(), Reason> {
        if self.open.load(Ordering::Acquire) >= SHOT_QUEUE {
            return Err(Reason::InferBusy);
        }
        self.open.fetch_add(1, Ordering::AcqRel);
        self.tape.note(Entry::Shot(Shot { part, picture: Arc::clone(&picture) }));
        let (post, open) = (self.post.clone(), Arc::clone(&self.open));
        let answered = move |verdict, evidence| {
            open.fetch_sub(1, Ordering::AcqRel);
            // The line has ended when nobody takes it.
            drop(post.send(Note::Judged { part, verdict, evidence }));
        };
        self.workers.submit(picture, answered).inspect_err(|reason| {
            self.gone |= *reason == Reason::ModelFault;
            self.open.fetch_sub(1, Ordering::AcqRel);
        })
    }

    fn is_gone(&self) -> bool {
        self.gone
    }
}

/// Everything that a line runs on.
pub struct Devices {
    /// Reads the time, for all threads.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// The sensors.
    pub input: Box<dyn LineInput>,
    /// The camera.
    pub stream: Box<dyn FrameStream>,
    /// The gate's machine, with the outputs.
    pub conductor: Conductor,
    /// What the gate's thread asks the kernel for.
    pub gate: Wanted,
    /// A camera that runs free and gives nothing for this long has failed. `None` for one that the light barrier triggers.
    pub silent: Option<Micros>,
    /// Judge pictures.
    pub workers: Workers,
    /// What the black box hears. The outputs of `conductor` are to write on it too.
    pub tape: Tape,
}

/// What a line leaves behind.
pub struct Ended {
    /// To be finished by whoever opened it.
    pub store: Store,
    /// What displays showed last.
    pub status: Status,
    /// What was counted.
    pub counts: Counts,
    /// Why it ended, if nobody had told it to.
    pub result: Result<(), LineError>,
}

/// Runs until `stop` is set, the input has come to its end, or something ends that the line cannot be without.
pub fn run(
    devices: Devices,
    desk: impl FnOnce(Courier) -> Desk<Store, Courier>,
    attendant: &mut dyn Attendant,
    stop: &AtomicBool,
) -> Ended {
    let Devices { clock, input, stream, conductor, gate, silent, workers, tape } = devices;
    let (post, notes) = sync_channel(DESK_QUEUE);
    let (orders, heard) = sync_channel(ORDER_QUEUE);
    let mut desk = desk(Courier::new(workers, tape.clone(), post.clone()));
    let threads = Threads::start(&clock, stream, AtGate { conductor, input, heard, wanted: gate, tape }, post);
    let result = threads.and_then(|mut threads| {
        let watched = Watch {
            silent,
            last_picture: clock.now().saturating_add(FIRST_PICTURE),
            ready: silent.is_none(),
            damaged: false,
        };
        let mut turns = Turns {
            desk: &mut desk,
            notes: &notes,
            orders: &orders,
            clock: &*clock,
            watched,
            number: 0,
            changing: None,
        };
        // A desk that has panicked still has its parts, and each of them is to have a record.
        let result = catch_unwind(AssertUnwindSafe(|| turns.until_end(&mut threads, attendant, stop)))
            .unwrap_or(Err(LineError::Died { thread: "desk" }));
        let finished = turns.finish(&mut threads);
        result.and(finished)
    });
    // Whoever still has something to say finds nobody, and ends.
    drop(notes);
    let counts = desk.counts();
    let (store, status, abandoned) = desk.finish(clock.now());
    Ended { store, status, counts, result: result.and(abandoned.map_err(LineError::from)) }
}

/// What the gate's thread runs on.
struct AtGate {
    conductor: Conductor,
    input: Box<dyn LineInput>,
    heard: Receiver<Order>,
    wanted: Wanted,
    tape: Tape,
}

/// The other threads.
struct Threads {
    gate: Option<JoinHandle<Result<(), GateError>>>,
    camera: JoinHandle<()>,
    shared: Arc<camera::Shared>,
    gate_turns: Arc<AtomicU64>,
}

impl Threads {
    fn start(
        clock: &Arc<dyn Clock + Send + Sync>,
        stream: Box<dyn FrameStream>,
        at_gate: AtGate,
        post: SyncSender<Note>,
    ) -> Result<Self, LineError> {
        let named = |thread: &'static str| {
            (std::thread::Builder::new().name(thread.to_owned()), move |source| LineError::Start { thread, source })
        };
        let shared = Arc::new(camera::Shared::default());
        let (builder, failed) = named("camera");
        let (own, desk, time) = (Arc::clone(&shared), post.clone(), Arc::clone(clock));
        let camera = builder.spawn(move || camera::run(stream, &own, &desk, &*time)).map_err(failed)?;
        let (builder, failed) = named("gate");
        let gate_turns = Arc::new(AtomicU64::new(0));
        let (time, turns) = (Arc::clone(clock), Arc::clone(&gate_turns));
        let gate = builder.spawn(move || {
            let AtGate { conductor, input, heard, wanted, tape } = at_gate;
            realtime::ask(wanted);
            gate::run(conductor, input, &heard, &post, &turns, &tape, &*time)
        });
        match gate.map_err(failed) {
            Ok(gate) => Ok(Self { gate: Some(gate), camera, shared, gate_turns }),
            Err(error) => {
                shared.end.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// How the gate ended, if it has.
    fn gate_ended(&mut self) -> Option<Result<(), LineError>> {
        let gate = self.gate.take_if(|gate| gate.is_finished())?;
        Some(match gate.join() {
            Ok(ended) => ended.map_err(LineError::from),
            Err(_) => Err(LineError::Died { thread: "gate" }),
        })
    }
}

/// What the loop keeps of the camera.
struct Watch {
    silent: Option<Micros>,
    last_picture: Micros,
    ready: bool,
    /// Nothing but damaged pictures has come since it was told.
    damaged: bool,
}

/// The loop itself.
struct Turns<'a> {
    desk: &'a mut Desk<Store, Courier>,
    notes: &'a Receiver<Note>,
    orders: &'a SyncSender<Order>,
    clock: &'a dyn Clock,
    watched: Watch,
    /// What holds from the end of the changeover on, and when that is.
    changing: Option<(Micros, ProductLimits)>,
    /// Of what judges, bundle and threshold, within the run.
    number: u32,
}

impl Turns<'_> {
    fn until_end(
        &mut self,
        threads: &mut Threads,
        attendant: &mut dyn Attendant,
        stop: &AtomicBool,
    ) -> Result<(), LineError> {
        let mut turn_at = self.clock.now();
        while !stop.load(Ordering::Relaxed) {
            let now = self.clock.now();
            let until = self.desk.step_at().map_or(turn_at, |at| at.min(turn_at));
            match self.notes.recv_timeout(Duration::from_micros(until.saturating_sub(now).0)) {
                Ok(note) => self.take(note, &threads.shared)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(LineError::Died { thread: "gate" }),
            }
            while let Ok(note) = self.notes.try_recv() {
                self.take(note, &threads.shared)?;
            }
            let now = self.clock.now();
            self.desk.due(now);
            if now >= turn_at {
                turn_at = now.saturating_add(TURN);
                if let Some((_, product)) = self.changing.take_if(|(until, _)| now >= *until) {
                    self.desk.changed(product.layout, product.alarms);
                }
                self.turn(now, threads, attendant);
                if let Some(bundle) = attendant.new_bundle() {
                    self.change(now, bundle, attendant)?;
                }
                if let Some(takeover) = attendant.threshold_wanted() {
                    self.set_threshold(now, takeover, attendant)?;
                }
                if attendant.reset_wanted() {
                    self.desk.reset();
                }
                if let Some(ended) = threads.gate_ended() {
                    return ended;
                }
                if threads.camera.is_finished() {
                    return Err(LineError::Died { thread: "camera" });
                }
            }
            if self.desk.judge().is_gone() {
                return Err(LineError::NoWorkers);
            }
            self.send()?;
        }
        Ok(())
    }

    fn take(&mut self, note: Note, camera: &camera::Shared) -> Result<(), LineError> {
        let now = self.clock.now();
        match note {
            Note::Gate(said) => self.desk.gate(now, said)?,
            Note::Picture { picture, repeated } => {
                camera.waiting.fetch_sub(1, Ordering::AcqRel);
                self.watched.last_picture = now;
                self.watched.ready = true;
                self.watched.damaged = false;
                self.desk.pictured(now, picture, repeated);
            }
            // The part has no picture, or the next one; a camera that gives nothing else is silent.
            Note::CameraFault(fault @ HwFault::Picture { .. }) => {
                if !std::mem::replace(&mut self.watched.damaged, true) {
                    tracing::warn!(%fault, "pictures come damaged");
                }
            }
            Note::CameraFault(fault) => {
                tracing::error!(%fault, "no pictures");
                self.desk.camera_failed(now);
            }
            Note::Judged { part, verdict, evidence } => {
                if let Some(Evidence { bundle, .. }) = evidence {
                    self.desk.judge().tape.note(Entry::JudgedBy { part, bundle });
                }
                self.desk.judged(now, part, verdict, evidence);
            }
        }
        Ok(())
    }

    fn turn(&mut self, now: Micros, threads: &Threads, attendant: &mut dyn Attendant) {
        if self.watched.silent.is_some_and(|silent| now >= self.watched.last_picture.saturating_add(silent)) {
            self.desk.camera_failed(now);
        }
        let store_failure = self.desk.sink.failure();
        let fire_errors = self.desk.fire_errors();
        let (counts, judging_since) = (self.desk.counts(), self.desk.judging_since());
        let tally = self.desk.judge().workers.tally();
        let (alarms, departures) = (self.desk.alarms.raised().collect::<Vec<_>>(), self.desk.departures());
        let waiting = Waiting {
            records: self.desk.sink.waiting(),
            pictures: self.desk.sink.pictures_waiting() as u64,
            shots: self.desk.judge().open.load(Ordering::Relaxed) as u64,
            frames: threads.shared.waiting.load(Ordering::Relaxed) as u64,
        };
        let seen = Seen {
            ready: self.watched.ready,
            camera_turns: threads.shared.turns.load(Ordering::Relaxed),
            pictures_dropped: threads.shared.dropped.load(Ordering::Relaxed),
            judging_since,
            gate_turns: threads.gate_turns.load(Ordering::Relaxed),
            store_failure,
            counts,
            fire_errors: &fire_errors,
            tally,
            alarms: &alarms,
            departures: &departures,
            waiting,
            pictures_lost: self.desk.sink.pictures_lost(),
            changing: self.desk.is_changing(),
            news: self.desk.news(),
        };
        for (condition, present) in attendant.look(now, &seen) {
            self.desk.condition(now, condition, present);
        }
        self.desk.tell_state(self.watched.ready);
    }

    /// Of the same product parts in flight keep what they were promised: a picture that a worker has begun is judged by the bundle before,
    /// one that waits by the new one. Before another product's bundle judges anything, the gate has heard that they are flushed.
    fn change(&mut self, now: Micros, bundle: NewBundle, attendant: &mut dyn Attendant) -> Result<(), LineError> {
        let NewBundle { takeover, basis, inspectors, product } = bundle;
        if let Some(product) = product {
            self.desk.changeover();
            self.changing = Some((now.saturating_add(CHANGEOVER), product));
            self.desk.judge_mut().workers.change_limits(product.quality);
        }
        let count = takeover.number;
        let takeover = self.take_over(now, takeover)?;
        self.desk.judge_mut().workers.change(inspectors, count, takeover.number);
        attendant.took_over(&takeover, Some(basis));
        Ok(())
    }

    /// As with another bundle: a picture that a worker has begun is judged by the threshold before.
    fn set_threshold(
        &mut self,
        now: Micros,
        takeover: Takeover,
        attendant: &mut dyn Attendant,
    ) -> Result<(), LineError> {
        let takeover = self.take_over(now, takeover)?;
        self.desk.judge_mut().workers.set_threshold(takeover.threshold, takeover.number);
        attendant.took_over(&takeover, None);
        Ok(())
    }

    /// Has it remembered that something else judges from now on, before it does.
    fn take_over(&mut self, now: Micros, takeover: Takeover) -> Result<Takeover, LineError> {
        self.number += 1;
        let takeover = Takeover { number: self.number, at: now, ..takeover };
        self.desk.takeover(&takeover)?;
        let Takeover { number, product, sha256, threshold, .. } = takeover.clone();
        let courier = self.desk.judge();
        let quality = courier.workers.limits().map(|limits| limits.raw());
        courier.tape.judge(JudgedBy { number, product, sha256, threshold, quality });
        Ok(takeover)
    }

    fn send(&mut self) -> Result<(), LineError> {
        for order in self.desk.orders() {
            match self.orders.try_send(order) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => return Err(LineError::GateBehind),
                // How it ended is found at the next turn.
                Err(TrySendError::Disconnected(_)) => {}
            }
        }
        Ok(())
    }

    /// Ends the other threads, and takes in what the gate still says of its parts.
    fn finish(&mut self, threads: &mut Threads) -> Result<(), LineError> {
        threads.shared.end.store(true, Ordering::Relaxed);
        // A gate that takes no orders ends when the queue does.
        let _ = self.orders.try_send(Order::Finish);
        let until = self.clock.now().saturating_add(END_WITHIN);
        while threads.gate.is_some() && self.clock.now() < until {
            let ended = threads.gate_ended();
            while let Ok(note) = self.notes.recv_timeout(Duration::from_millis(5)) {
                self.take(note, &threads.shared)?;
            }
            if let Some(ended) = ended {
                return ended;
            }
        }
        Ok(())
    }
}
