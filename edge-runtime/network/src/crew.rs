//! The threads that compute one picture together.
//!
//! A fixed number of threads waits for a picture. Each has bands of rows of its own, the same in every operation, whose values lie in its
//! core's cache; one that is through with its own takes of the others', so that a thread that the system holds up, or whose core is
//! slower, does fewer. Between operations they wait for each other by looking, because waking a sleeping thread takes a call into the
//! system. Threads beyond the processor's cores give way. Starts no work of its own and ends its threads when it is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
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
    /// For each thread, how many of its own bands were taken since the crew began, by whomever. Never set back: a thread may still look
    /// for the last picture's end.
    taken: Vec<Alone<AtomicU64>>,
    /// Bands done since the crew began.
    done: Alone<AtomicU64>,
    /// Whether a thread has died: what it should have computed is missing for good.
    broken: AtomicBool,
}

/// In a cache line of its own, which others' numbers do not take away.
#[repr(align(128))]
#[derive(Default)]
struct Alone<T>(T);

const END: u64 = u64::MAX;

/// A thread has died over a picture; the crew computes nothing any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a thread of the network is gone")]
pub struct Broken;

impl Crew {
    /// Starts one thread less than the machine is for: the calling thread is the first. Returns when all are up, so that the first picture
    /// has as many as the others, and no thread allocates what belongs to its start in the middle of a shift.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub fn start(machine: Machine) -> std::io::Result<Self> {
        let (threads, scratch) = (machine.threads(), machine.scratch());
        let shared = Arc::new(Shared {
            machine,
            picture: Mutex::new(0),
            begin: Condvar::new(),
            taken: (0..threads).map(|_| Alone::default()).collect(),
            done: Alone::default(),
            broken: AtomicBool::new(false),
        });
        let mut crew = Self { shared, threads: Vec::with_capacity(threads), scratch: vec![0.0; scratch] };
        let (up, ups) = channel();
        for thread in 1..threads {
            let (shared, up) = (Arc::clone(&crew.shared), up.clone());
            let scratch = vec![0.0; scratch];
            let begin = move || {
                // Nobody listens where another thread was refused.
                let _heard = up.send(());
                drop(up);
                work(&shared, thread, scratch);
            };
            crew.threads.push(std::thread::Builder::new().name(format!("infer-{thread}")).spawn(begin)?);
        }
        drop(up);
        ups.iter().take(threads - 1).for_each(drop);
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
    /// Takes part in a picture until all of it is done.
    fn all(&self, picture: u64, me: usize, scratch: &mut [f32], after: &mut dyn FnMut(usize)) -> Result<(), Broken> {
        let (bands, operations) = (self.machine.bands() as u64, self.machine.operations().len());
        for operation in 0..operations {
            // Counted since the crew began.
            let count = (picture - 1) * operations as u64 + operation as u64;
            for owner in (me..self.taken.len()).chain(0..me) {
                while let Some(band) = self.take(owner, count) {
                    self.machine.perform(operation, band, scratch);
                    self.done.0.fetch_add(1, Ordering::AcqRel);
                }
            }
            self.wait((count + 1) * bands)?;
            after(operation);
        }
        Ok(())
    }

    /// The next of a thread's bands in the operation with this number that nobody has taken. The operations before it are done.
    fn take(&self, owner: usize, operation: u64) -> Option<usize> {
        let own = (self.machine.bands() / self.taken.len()) as u64;
        let (first, end) = (operation * own, (operation + 1) * own);
        let next = |taken: u64| (taken < end).then_some(taken + 1);
        let taken = self.taken[owner].0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        Some(owner * own as usize + (taken - first) as usize)
    }

    /// Waits until so many bands are done.
    fn wait(&self, bands: u64) -> Result<(), Broken> {
        let mut looks = 0;
        while self.done.0.load(Ordering::Acquire) < bands {
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

fn work(shared: &Shared, me: usize, mut scratch: Vec<f32>) {
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
        let computed = catch_unwind(AssertUnwindSafe(|| shared.all(last, me, &mut scratch, &mut |_| {})));
        if !matches!(computed, Ok(Ok(()))) {
            shared.broken.store(true, Ordering::Release);
            return;
        }
    }
}
