//! How the board is: its heat, whether the kernel slows it down for that, and the room on the disk of the records.
//!
//! `heat`, `throttle` and `disk` make the kernel's words into figures, `watch` makes conditions of figures, all without I/O; `reader` reads
//! below folders that it is given, and `thread` reads again and again without anybody waiting for it.

mod disk;
mod heat;
mod reader;
mod thread;
mod throttle;
mod watch;

pub use disk::Room;
pub use heat::{Heat, MilliCelsius};
pub use reader::{Reading, Roots};
pub use thread::ReadingsThread;
pub use throttle::Throttling;
pub use watch::{Limits, Watch};
