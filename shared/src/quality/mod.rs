//! Whether a picture can show anything: too dark, overexposed, out of focus, or the same as the ones before.
//!
//! Takes frames one after the other, and the part of them that matters; gives four figures each, and the flaw that lies
//! outside given limits. All of them are of brightness over the full range 0..=255, whatever the format, in whole numbers
//! up to the last division, so that every machine gives the same. It decides nothing about parts and knows no time.
//!
//! - brightness: the mean.
//! - saturated: the share of pixels at [`SATURATED`] or above.
//! - sharpness: the variance of the Laplacian `4 c - n - s - w - e`. It grows with contrast squared and with noise, so that
//!   its limit is learnt on the line itself, from sharp pictures under the line's own light.
//! - alike: how many pictures in a row are equal in every pixel. A sensor's noise makes two of them differ, also of a belt
//!   that stands still; a frozen camera sends the same one for ever.

mod gauge;
mod limits;
#[cfg(test)]
mod tests;

pub use gauge::{Gauge, Quality, SATURATED};
pub use limits::{Flaw, LimitError, Limits, RawLimits};
