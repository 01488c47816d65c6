//! From pictures to verdicts, on worker threads, in the order of the pictures.
//!
//! Takes pictures and [`Inspector`]s, one a thread; gives a [`Judged`] each. In a simulated shift a verdict's *content* is
//! the real model's, and its *time* comes from a seeded [`Latency`]: threads that are slow or fast on some machine change
//! how long a shift takes to compute, and nothing in it. Times are [`Micros`] of the line's clock. It reads no clock.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use shared::limits::SHOT_QUEUE;
use shared::units::{Micros, PartId};
use shared::verdict::{Reason, Verdict};

use crate::config::Latency;
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

/// A part with its verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The part.
    pub part: PartId,
    /// What is known of it.
    pub verdict: Verdict,
    /// What it was judged by.
    pub evidence: Option<Evidence>,
}

struct Job {
    picture: Picture,
    reply: SyncSender<(Verdict, Option<Evidence>)>,
}

struct InWork {
    part: PartId,
    done_at: Micros,
    reply: Receiver<(Verdict, Option<Evidence>)>,
}

/// The network with its queue.
///
/// # Invariants
/// At most [`SHOT_QUEUE`] shots are in work or waiting; they are done in the order in which they came, one after the other.
pub struct Infer {
    jobs: Option<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    latency: Latency,
    rng: ChaCha8Rng,
    in_work: VecDeque<InWork>,
    free_at: Micros,
}

impl Infer {
    /// Starts a thread for each inspector. Without any, every part is uninspected for [`Reason::ModelFault`].
    pub fn start(inspectors: Vec<Inspector>, latency: Latency, rng: ChaCha8Rng) -> Self {
        let (jobs, receive) = sync_channel::<Job>(SHOT_QUEUE);
        let receive = Arc::new(Mutex::new(receive));
        let threads = inspectors
            .into_iter()
            .map(|mut inspector| {
                let receive = Arc::clone(&receive);
                std::thread::spawn(move || {
                    let mut rgb = Vec::new();
                    loop {
                        // A poisoned lock means that another worker died between two jobs; the queue itself is sound.
                        let job = receive.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv();
                        let Ok(Job { picture, reply }) = job else { return };
                        // Nobody waits any more when the line has ended meanwhile.
                        drop(reply.send(inspect(&mut inspector, picture, &mut rgb)));
                    }
                })
            })
            .collect();
        Self { jobs: Some(jobs), threads, latency, rng, in_work: VecDeque::new(), free_at: Micros(0) }
    }

    /// Takes a picture in.
    ///
    /// # Errors
    /// The reason why it was not taken: the queue is full.
    pub fn submit(&mut self, now: Micros, part: PartId, picture: Picture) -> Result<(), Reason> {
        if self.in_work.len() >= SHOT_QUEUE {
            return Err(Reason::InferBusy);
        }
        let done_at = self.free_at.max(now).saturating_add(self.draw_latency());
        let (send, reply) = sync_channel(1);
        // A refused job drops its channel, which `done` reads as a failed network.
        drop(self.jobs.as_ref().map(|jobs| jobs.send(Job { picture, reply: send })));
        self.free_at = done_at;
        self.in_work.push_back(InWork { part, done_at, reply });
        Ok(())
    }

    /// When the next verdict is there.
    #[must_use]
    pub fn step_at(&self) -> Option<Micros> {
        self.in_work.front().map(|work| work.done_at)
    }

    /// The next verdict, if one is there by now. May wait for the thread that computes it.
    pub fn done(&mut self, now: Micros) -> Option<Judged> {
        let InWork { part, reply, .. } = self.in_work.pop_front_if(|work| work.done_at <= now)?;
        let (verdict, evidence) = reply.recv().unwrap_or((Verdict::Uninspected(Reason::ModelFault), None));
        Some(Judged { part, verdict, evidence })
    }

    fn draw_latency(&mut self) -> Micros {
        let Latency { mean, jitter, spike_rate, spike } = self.latency;
        let jittered = mean.0.saturating_sub(jitter.0) + self.rng.random_range(0..=2 * jitter.0);
        let held_up = self.rng.random_bool(spike_rate.clamp(0.0, 1.0));
        Micros(jittered).saturating_add(if held_up { spike } else { Micros(0) })
    }
}

impl Drop for Infer {
    fn drop(&mut self) {
        self.jobs = None;
        self.in_work.clear();
        for thread in self.threads.drain(..) {
            // A worker that panicked has already shown itself as a failed network.
            drop(thread.join());
        }
    }
}

/// Judges one picture; `rgb` is room for the pixels of a JPEG, used again from picture to picture.
fn inspect(inspector: &mut Inspector, picture: Picture, rgb: &mut Vec<u8>) -> (Verdict, Option<Evidence>) {
    let frame = match frame_of(&picture, rgb) {
        Ok(frame) => frame,
        Err(error) => {
            tracing::warn!(%error, "a picture is no frame");
            return (Verdict::Uninspected(Reason::BadPicture), None);
        }
    };
    let (verdict, heatmap) = match inspector.inspect(&frame) {
        Ok(verdict) => (verdict, inspector.heatmap().to_vec()),
        Err(error) => {
            tracing::warn!(%error, "a part cannot be inspected");
            (Verdict::Uninspected(error.reason()), Vec::new())
        }
    };
    let width = inspector.manifest().preprocess().width();
    let original = Some(Arc::new(picture));
    (verdict, Some(Evidence { width, input: inspector.input().to_vec(), heatmap, original }))
}
