//! From pictures to verdicts on the simulated line, in the order of the pictures and at moments of virtual time.
//!
//! Takes pictures; gives a [`Judged`] each. A verdict's *content* is the real model's, from [`Workers`], and its *time* comes
//! from a seeded [`Latency`]: threads that are slow or fast on some machine change how long a shift takes to compute, and
//! nothing in it. Times are [`Micros`] of the line's clock. It reads no clock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use shared::limits::SHOT_QUEUE;
use shared::units::{Micros, PartId};
use shared::verdict::{Reason, Verdict};

use super::workers::{Demands, Evidence, Workers};
use crate::config::Latency;
use crate::engine::Inspector;
use crate::hw::roles::Picture;

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
    workers: Workers,
    latency: Latency,
    rng: ChaCha8Rng,
    in_work: VecDeque<InWork>,
    free_at: Micros,
}

impl Infer {
    /// Starts a thread for each inspector, which holds pictures against `demands`. Without any, every part is uninspected for [`Reason::ModelFault`].
    pub fn start(inspectors: Vec<Inspector>, demands: Demands, latency: Latency, rng: ChaCha8Rng) -> Self {
        let workers = Workers::start(inspectors, demands);
        Self { workers, latency, rng, in_work: VecDeque::new(), free_at: Micros(0) }
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
        // Nobody waits any more when the line has ended meanwhile. A refused picture drops its channel, which `done` reads as a
        // failed network.
        let _ = self.workers.submit(Arc::new(picture), move |verdict, evidence| drop(send.send((verdict, evidence))));
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
