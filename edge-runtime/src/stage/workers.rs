//! Threads that judge pictures, and nothing else.
//!
//! Takes pictures and [`Inspector`]s, one a thread, and limits for what a picture must be like; gives each picture's verdict to
//! whoever is named with it, from the worker's own thread. A picture whose thread dies is answered too. Another bundle takes over
//! between two pictures, and so does another threshold, so that each is judged by one alone, which its evidence names. It knows no part and no
//! time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use shared::drift::{Look, Sample, Tolerances, Yardstick};
use shared::frame::Frame;
use shared::limits::SHOT_QUEUE;
use shared::quality::{Gauge, Limits};
use shared::units::Score;
use shared::verdict::{Reason, Verdict};

use crate::bundle::slots::Tally;
use crate::engine::Inspector;
use crate::hw::pixels::frame_of;
use crate::hw::roles::Picture;

/// What the network saw and said, to be shown and kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Pixels from left to right, of both.
    pub width: usize,
    /// The network's input, RGB, 8 bit, row-major.
    pub input: Vec<u8>,
    /// The heatmap, row-major, 0 to 1. Empty when the network failed.
    pub heatmap: Vec<f32>,
    /// The frame that the input was made from, shared with whoever keeps it.
    pub original: Option<Arc<Picture>>,
    /// Number of what judged, bundle and threshold, within the run: 0 is what judged from the start.
    pub bundle: u32,
    /// What says whether the line drifts; `None` where nobody watches, or the network failed.
    pub drift: Option<Sample>,
}

/// What pictures are held against.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Demands {
    /// What each must be like to prove anything.
    pub limits: Option<Limits>,
    /// From which move on all of them together are told of.
    pub drift: Option<Tolerances>,
}

type Deliver = Box<dyn FnOnce(Verdict, Option<Evidence>) + Send>;

/// Where a verdict goes. Dropped without one, it says that the network failed.
struct Reply(Option<Deliver>);

impl Reply {
    fn give(mut self, verdict: Verdict, evidence: Option<Evidence>) {
        if let Some(deliver) = self.0.take() {
            deliver(verdict, evidence);
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(deliver) = self.0.take() {
            deliver(Verdict::Uninspected(Reason::ModelFault), None);
        }
    }
}

struct Job {
    picture: Arc<Picture>,
    reply: Reply,
}

/// Under which number a bundle judges, and by which threshold; its manifest's where none is given.
#[derive(Clone, Copy)]
struct Setting {
    number: u32,
    threshold: Option<Score>,
}

/// A bundle that judges, with what it has done.
struct InCharge {
    /// How many bundles took over before it.
    bundle: u32,
    setting: Mutex<Setting>,
    judged: AtomicU64,
    failed: AtomicU64,
}

impl InCharge {
    fn new(bundle: u32, number: u32) -> Arc<Self> {
        let setting = Mutex::new(Setting { number, threshold: None });
        Arc::new(Self { bundle, setting, judged: AtomicU64::new(0), failed: AtomicU64::new(0) })
    }

    /// Nobody holds it for longer than it takes to copy it.
    fn setting(&self) -> Setting {
        *self.setting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a picture as failed unless it is told better, also when its thread dies.
struct Counting<'a>(&'a InCharge, bool);

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        let Self(bundle, failed) = self;
        if *failed {
            bundle.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// An inspector on its way to a worker, the bundle that it is of, and what its pictures are held against.
struct Seat {
    inspector: Inspector,
    bundle: Arc<InCharge>,
    limits: Option<Limits>,
    /// `None` where nobody watches for drift.
    yardstick: Option<Yardstick>,
}

impl Seat {
    fn new(inspector: Inspector, bundle: Arc<InCharge>, demands: Demands) -> Self {
        let yardstick = demands.drift.map(|tolerances| Yardstick::new(inspector.manifest(), &tolerances));
        Self { inspector, bundle, limits: demands.limits, yardstick }
    }
}

/// The threads with their queue.
///
/// # Invariants
/// At most [`SHOT_QUEUE`] pictures wait.
pub struct Workers {
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    bundle: Arc<InCharge>,
    demands: Demands,
    /// One for each worker that has not taken its own.
    seats: Arc<Mutex<Vec<Seat>>>,
}

impl Workers {
    /// Starts a thread for each inspector. Without any, every picture is answered with [`Reason::ModelFault`].
    #[must_use]
    pub fn start(inspectors: Vec<Inspector>, demands: Demands) -> Self {
        let (jobs, receive) = sync_channel::<Job>(SHOT_QUEUE);
        let receive = Arc::new(Mutex::new(receive));
        let (bundle, seats) = (InCharge::new(0, 0), Arc::<Mutex<Vec<Seat>>>::default());
        let threads = inspectors
            .into_iter()
            .map(|inspector| {
                let (receive, seats) = (Arc::clone(&receive), Arc::clone(&seats));
                let seat = Seat::new(inspector, Arc::clone(&bundle), demands);
                std::thread::spawn(move || Worker::seated(seat).work(&receive, &seats))
            })
            .collect();
        Self { jobs: Some(jobs), threads, bundle, demands, seats }
    }

    /// Another bundle judges from each worker's next picture on, the `bundle`th that takes over: one inspector for each of them. Evidence names
    /// `number`. Waits for nothing.
    pub fn change(&mut self, inspectors: Vec<Inspector>, bundle: u32, number: u32) {
        self.bundle = InCharge::new(bundle, number);
        let seat = |inspector| Seat::new(inspector, Arc::clone(&self.bundle), self.demands);
        let fresh = inspectors.into_iter().map(seat).collect();
        // What nobody has sat down on yet would be of a bundle that is not in charge any more.
        *self.seats.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// What pictures must be like for the bundle that [`Workers::change`] brings next.
    pub fn change_limits(&mut self, limits: Option<Limits>) {
        self.demands.limits = limits;
    }

    /// What pictures must be like for the newest bundle.
    #[must_use]
    pub fn limits(&self) -> Option<Limits> {
        self.demands.limits
    }

    /// The bundle in charge judges by another threshold from each worker's next picture on. Evidence names `number`. Waits for nothing.
    pub fn set_threshold(&mut self, threshold: Score, number: u32) {
        let setting = Setting { number, threshold: Some(threshold) };
        *self.bundle.setting.lock().unwrap_or_else(PoisonError::into_inner) = setting;
    }

    /// What the bundle in charge has done.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let InCharge { bundle, judged, failed, .. } = &*self.bundle;
        let (judged, failed) = (judged.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
        Tally { bundle: *bundle, judged, failed }
    }

    /// Has a picture judged. `deliver` is called exactly once, unless the picture is refused.
    ///
    /// # Errors
    /// [`Reason::InferBusy`] when too many wait already, [`Reason::ModelFault`] when no thread is left.
    pub fn submit(
        &self,
        picture: Arc<Picture>,
        deliver: impl FnOnce(Verdict, Option<Evidence>) + Send + 'static,
    ) -> Result<(), Reason> {
        let Some(jobs) = &self.jobs else { return Err(Reason::ModelFault) };
        jobs.try_send(Job { picture, reply: Reply(Some(Box::new(deliver))) }).map_err(|refused| {
            let (mut job, reason) = match refused {
                TrySendError::Full(job) => (job, Reason::InferBusy),
                TrySendError::Disconnected(job) => (job, Reason::ModelFault),
            };
            job.reply.0 = None;
            reason
        })
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A worker that panicked has already shown itself as a failed network.
            drop(thread.join());
        }
    }
}

/// What one thread judges with.
pub struct Worker {
    seat: Seat,
    gauge: Box<Gauge>,
    /// Of the network's inputs.
    of_input: Box<Gauge>,
    /// Room for the pixels of a JPEG, used again from picture to picture.
    rgb: Vec<u8>,
}

impl Worker {
    /// Judges with this inspector, and holds pictures against these demands.
    #[must_use]
    pub fn new(inspector: Inspector, demands: Demands) -> Self {
        Self::seated(Seat::new(inspector, InCharge::new(0, 0), demands))
    }

    fn seated(seat: Seat) -> Self {
        Self { seat, gauge: Box::default(), of_input: Box::default(), rgb: Vec::new() }
    }

    fn work(&mut self, jobs: &Mutex<Receiver<Job>>, seats: &Mutex<Vec<Seat>>) {
        loop {
            // A poisoned lock means that another worker died between two jobs; the queue itself is sound.
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Job { picture, reply }) = job else { return };
            // Taken before the picture and put away after it: giving back a network's memory takes a while.
            let own = &self.seat.bundle;
            let other = |seat: &mut Seat| !Arc::ptr_eq(&seat.bundle, own);
            let fresh = seats.lock().unwrap_or_else(PoisonError::into_inner).pop_if(other);
            let old = fresh.map(|fresh| std::mem::replace(&mut self.seat, fresh));
            let (verdict, evidence) = self.inspect(picture);
            reply.give(verdict, evidence);
            drop(old);
        }
    }

    /// Judges a picture.
    pub fn inspect(&mut self, picture: Arc<Picture>) -> (Verdict, Option<Evidence>) {
        let frame = match frame_of(&picture, &mut self.rgb) {
            Ok(frame) => frame,
            Err(error) => {
                tracing::warn!(%error, "a picture is no frame");
                return (Verdict::Uninspected(Reason::BadPicture), None);
            }
        };
        let Seat { inspector, bundle, limits, yardstick } = &mut self.seat;
        let Setting { number, threshold } = bundle.setting();
        let mut counting = Counting(bundle, true);
        let crop = inspector.manifest().preprocess().crop();
        // A crop that lies outside is the inspector's to refuse.
        let flaw = limits.and_then(|limits| self.gauge.measure(&frame, crop).ok()?.check(&limits).err());
        let (verdict, heatmap) = match inspector.inspect_by(&frame, threshold) {
            Ok(verdict) => {
                counting.1 = false;
                bundle.judged.fetch_add(1, Ordering::Relaxed);
                (verdict, inspector.heatmap().to_vec())
            }
            Err(error) => {
                tracing::warn!(%error, "a part cannot be inspected");
                (Verdict::Uninspected(error.reason()), Vec::new())
            }
        };
        let yardstick = yardstick.filter(|_| !heatmap.is_empty());
        let drift = yardstick.and_then(|yardstick| sample(inspector, &mut self.of_input, yardstick, verdict));
        let verdict = match flaw {
            Some(flaw) if verdict.passes() => {
                tracing::warn!(%flaw, "a picture is no proof");
                Verdict::Uninspected(Reason::BadPicture)
            }
            _ => verdict,
        };
        let width = inspector.manifest().preprocess().width();
        let input = inspector.input().to_vec();
        (verdict, Some(Evidence { width, input, heatmap, original: Some(picture), bundle: number, drift }))
    }
}

/// What the picture that was judged last says of a drift.
fn sample(inspector: &Inspector, gauge: &mut Gauge, yardstick: Yardstick, verdict: Verdict) -> Option<Sample> {
    let manifest = inspector.manifest();
    let (width, height) = (manifest.preprocess().width(), manifest.preprocess().height());
    let quality = gauge.measure(&Frame::rgb(width, height, inspector.input()).ok()?, None).ok()?;
    Some(Sample::new(yardstick, manifest, Look::of(&quality), verdict.score()))
}
