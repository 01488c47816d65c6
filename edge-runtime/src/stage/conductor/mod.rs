//! The gate's machine on a real line: [`Conductor`], and the words between it and the desk.

mod machine;
#[cfg(test)]
mod tests;
mod words;

pub use machine::{BEAT, Conductor, DESK_SILENT, Standing};
pub use words::{Order, Said};
