//! Work on torch's own threads.

use std::ffi::c_void;

unsafe extern "C" {
    fn fused_norm_in_parallel(jobs: i64, work: unsafe extern "C" fn(*mut c_void, i64), context: *mut c_void);
}

/// What all jobs share.
struct Shared<J, W> {
    jobs: *mut J,
    work: W,
}

/// Does `work` on every job, on as many threads as torch computes with. A panic ends the program, and so does want of memory for
/// one byte a job.
pub fn in_parallel<J: Send, W: Fn(&mut J) + Sync>(jobs: &mut [J], work: W) {
    let count = jobs.len() as i64;
    let mut shared = Shared { jobs: jobs.as_mut_ptr(), work };
    // SAFETY: `one` gets the pointer to the `Shared<J, W>` that it expects, which lives until all jobs are done, and each index below
    // the number of jobs once.
    unsafe { fused_norm_in_parallel(count, one::<J, W>, (&raw mut shared).cast()) }
}

/// # Safety
/// `shared` points to a `Shared<J, W>` whose jobs go beyond `index`, and no other call has this index.
unsafe extern "C" fn one<J: Send, W: Fn(&mut J) + Sync>(shared: *mut c_void, index: i64) {
    // SAFETY: promised by the caller; nobody changes it meanwhile, and `W` may be called from all threads.
    let shared = unsafe { &*shared.cast::<Shared<J, W>>() };
    // SAFETY: the index is within the jobs, and this call's alone.
    let job = unsafe { &mut *shared.jobs.add(index as usize) };
    (shared.work)(job);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_is_done_once() {
        for count in [1, 2, 3, 1_000] {
            let mut jobs: Vec<usize> = (0..count).collect();
            in_parallel(&mut jobs, |job| *job += 1);
            assert!(jobs.iter().copied().eq(1..=count), "{jobs:?}");
        }
    }
}
