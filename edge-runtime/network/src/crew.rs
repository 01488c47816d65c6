//! The threads that compute one picture together.
//!
//! A fixed number of threads waits for a picture, then each does its band of every operation; between operations they wait for each
//! other by looking, because waking a sleeping thread takes a call into the system. Threads beyond the processor's cores
//! give way. Starts no work of its own and ends its threads when it is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::machine::Machine;

/// How often a thread looks before it gives way to others.
const LOOKS: u32 = 20_000;

/// Threads round a machine.
pub struct Crew {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    scratch: Vec<f32>,
}

struct Shared {
    machine: Machine,
    /// Number of the picture that is to be computed, from 1; the largest number ends the threads.
    picture: Mutex<u64>,
    begin: Condvar,
    /// Bands done since the crew began. Never set back: a thread may still look for the last picture's end.
    done: AtomicU64,
    /// Whether a thread has died: what it should have computed is missing for good.
    broken: AtomicBool,
}

const END: u64 = u64::MAX;

/// A thread has died over a picture; the crew computes nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a thread of the network is gone")]
pub struct Broken;

impl Crew {
    /// Starts one thread less than the machine has bands: the calling thread is the first.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(machine: Machine) -> std::io::Result<Self> {
        let (bands, scratch) = (machine.bands(), machine.scratch());
        let shared = Arc::new(Shared {
            machine,
            picture: Mutex::new(0),
            begin: Condvar::new(),
            done: AtomicU64::new(0),
            broken: AtomicBool::new(false),
        });
        let mut crew = Self { shared, threads: Vec::with_capacity(bands), scratch: vec![0.0; scratch] };
        for band in 1..bands {
            let shared = Arc::clone(&crew.shared);
            let scratch = vec![0.0; scratch];
            let name = format!("infer-{band}");
            crew.threads.push(std::thread::Builder::new().name(name).spawn(move || work(&shared, band, scratch))?);
        }
        Ok(crew)
    }

    /// The machine.
    pub fn machine(&self) -> &Machine {
        &self.shared.machine
    }

    /// Computes one picture: `input` is `[row][column][RGB]`, `heatmap` receives `[row][column]` in 0..=1. Calls `after` as [`Self::run`].
    ///
    /// # Errors
    /// [`Broken`].
    ///
    /// # Panics
    /// When a slice has not the picture's size.
    pub fn infer(&mut self, input: &[u8], heatmap: &mut [f32], after: impl FnMut(usize)) -> Result<(), Broken> {
        self.machine().put(input);
        self.run(after)?;
        self.machine().take(heatmap);
        Ok(())
    }

    /// Computes what the machine holds, and calls `after` with each operation's number when it is done by all.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn run(&mut self, mut after: impl FnMut(usize)) -> Result<(), Broken> {
        let shared = &*self.shared;
        if shared.broken.load(Ordering::Acquire) {
            return Err(Broken);
        }
        let picture = {
            let mut picture = shared.picture.lock().unwrap_or_else(PoisonError::into_inner);
            *picture += 1;
            *picture
        };
        shared.begin.notify_all();
        let scratch = &mut self.scratch;
        let computed = catch_unwind(AssertUnwindSafe(|| shared.all(picture, 0, scratch, &mut after)));
        computed.unwrap_or_else(|_| {
            shared.broken.store(true, Ordering::Release);
            Err(Broken)
        })
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        *self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner) = END;
        self.shared.begin.notify_all();
        // A thread that panicked has said so already.
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

impl Shared {
    /// One band of all operations.
    fn all(&self, picture: u64, band: usize, scratch: &mut [f32], after: &mut dyn FnMut(usize)) -> Result<(), Broken> {
        let (bands, operations) = (self.machine.bands() as u64, self.machine.operations().len());
        let mut expected = (picture - 1) * operations as u64 * bands;
        for operation in 0..operations {
            self.machine.perform(operation, band, scratch);
            self.done.fetch_add(1, Ordering::AcqRel);
            expected += bands;
            self.wait(expected)?;
            after(operation);
        }
        Ok(())
    }

    /// Waits until so many bands are done.
    fn wait(&self, bands: u64) -> Result<(), Broken> {
        let mut looks = 0;
        while self.done.load(Ordering::Acquire) < bands {
            if self.broken.load(Ordering::Relaxed) {
                return Err(Broken);
            }
            looks += 1;
            if looks < LOOKS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
        Ok(())
    }
}

fn work(shared: &Shared, band: usize, mut scratch: Vec<f32>) {
    let mut last = 0;
    loop {
        let mut picture = shared.picture.lock().unwrap_or_else(PoisonError::into_inner);
        while *picture == last {
            picture = shared.begin.wait(picture).unwrap_or_else(PoisonError::into_inner);
        }
        last = *picture;
        drop(picture);
        if last == END {
            return;
        }
        let computed = catch_unwind(AssertUnwindSafe(|| shared.all(last, band, &mut scratch, &mut |_| {})));
        if !matches!(computed, Ok(Ok(()))) {
            shared.broken.store(true, Ordering::Release);
            return;
        }
    }
}
