//! Lets glibc keep memory that training gives back.
//!
//! Every operation of a training step takes megabytes and gives them back. glibc hands such blocks to the kernel at once and
//! fetches them anew, page by page and zeroed, for the next operation. It can be told to keep them, and in large pages, but
//! reads that from the environment alone, when a program starts. So the program starts itself once more, in the same process.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Where glibc reads its settings from.
const VARIABLE: &str = "GLIBC_TUNABLES";
/// No block of its own for each large request, nothing given back below 16 GiB, large pages.
const SETTINGS: &str = "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=17179869184:glibc.malloc.hugetlb=1";

/// Returns at once if the settings are made, by itself or by whoever started the program. Otherwise the program starts again, with
/// the same arguments. Where that fails, training is slower and nothing else.
pub fn keep() {
    if std::env::var_os(VARIABLE).is_none()
        && let Ok(program) = std::env::current_exe()
    {
        let mut again = Command::new(program);
        let _not_started = again.args(std::env::args_os().skip(1)).env(VARIABLE, SETTINGS).exec();
    }
}
