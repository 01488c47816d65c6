//! Whether a line's pictures and scores still are what they were when the model was made.
//!
//! Takes what each judged part's picture was like and how its score ranks among those of the held-out good parts; gives the figures
//! that have moved, and since when. It warns, it decides nothing about parts: a model that sees another light than it has learnt
//! from rejects good parts, or worse, passes bad ones, and nobody who looks at single parts can tell.
//!
//! - brightness and sharpness of the network's input against those of the good pictures, by a test of cumulative sums (`sums`);
//! - scores of the parts that passed against those of the held-out good parts that would have, by the test of Kolmogorov and Smirnov
//!   (`ranks`). A part's rank among held-out scores is its conformal p-value, so that this is the test of whether p-values are uniform,
//!   with the held-out parts' own number accounted for.
//!
//! All figures are of the network's input, so that they do not depend on a camera's resolution or format.

mod ranks;
mod sums;
#[cfg(test)]
mod tests;
mod usual;
mod watch;

pub use ranks::{Rank, WINDOW};
pub use usual::{Look, Moments, Usual, UsualError};
pub use watch::{Figure, Moved, Sample, To, Tolerances, Watch, Yardstick};
