//! Threads that judge pictures, and nothing else.
//!
//! Takes pictures and [`Inspector`]s, one a thread, and limits for what a picture must be like; gives each picture's verdict to
//! whoever is named with it, from the worker's own thread. A picture whose thread dies is answered too. It knows no part and
//! no time.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use shared::limits::SHOT_QUEUE;
use shared::quality::{Gauge, Limits};
use shared::verdict::{Reason, Verdict};

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

/// The threads with their queue.
///
/// # Invariants
/// At most [`SHOT_QUEUE`] pictures wait.
pub struct Workers {
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts a thread for each inspector. Without any, every picture is answered with [`Reason::ModelFault`].
    #[must_use]
    pub fn start(inspectors: Vec<Inspector>, limits: Option<Limits>) -> Self {
        let (jobs, receive) = sync_channel::<Job>(SHOT_QUEUE);
        let receive = Arc::new(Mutex::new(receive));
        let threads = inspectors
            .into_iter()
            .map(|inspector| {
                let receive = Arc::clone(&receive);
                std::thread::spawn(move || Worker::new(inspector, limits).work(&receive))
            })
            .collect();
        Self { jobs: Some(jobs), threads }
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
    inspector: Inspector,
    limits: Option<Limits>,
    gauge: Box<Gauge>,
    /// Room for the pixels of a JPEG, used again from picture to picture.
    rgb: Vec<u8>,
}

impl Worker {
    /// Judges with this inspector, and by what a picture must be like to prove anything.
    #[must_use]
    pub fn new(inspector: Inspector, limits: Option<Limits>) -> Self {
        Self { inspector, limits, gauge: Box::new(Gauge::new()), rgb: Vec::new() }
    }

    fn work(&mut self, jobs: &Mutex<Receiver<Job>>) {
        loop {
            // A poisoned lock means that another worker died between two jobs; the queue itself is sound.
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Job { picture, reply }) = job else { return };
            let (verdict, evidence) = self.inspect(picture);
            reply.give(verdict, evidence);
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
        let crop = self.inspector.manifest().preprocess().crop();
        // A crop that lies outside is the inspector's to refuse.
        let flaw = self.limits.and_then(|limits| self.gauge.measure(&frame, crop).ok()?.check(&limits).err());
        let (verdict, heatmap) = match self.inspector.inspect(&frame) {
            Ok(verdict) => (verdict, self.inspector.heatmap().to_vec()),
            Err(error) => {
                tracing::warn!(%error, "a part cannot be inspected");
                (Verdict::Uninspected(error.reason()), Vec::new())
            }
        };
        let verdict = match flaw {
            Some(flaw) if verdict.passes() => {
                tracing::warn!(%flaw, "a picture is no proof");
                Verdict::Uninspected(Reason::BadPicture)
            }
            _ => verdict,
        };
        let width = self.inspector.manifest().preprocess().width();
        let input = self.inspector.input().to_vec();
        (verdict, Some(Evidence { width, input, heatmap, original: Some(picture) }))
    }
}
