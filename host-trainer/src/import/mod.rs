//! Checkpoints of the original code, read without running any of theirs.

pub mod checkpoint;
pub mod pickle;
pub mod torch_file;
pub mod value;

pub use checkpoint::{ImportError, Imported, load_pair};
