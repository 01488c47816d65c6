//! The way forward and back over a whole batch: the kernels' sums of parts put together.
//!
//! With `m` and `v` the mean and biased variance of a channel's `n` values, and `r = 1 / sqrt(v + epsilon)`:
//!
//! ```text
//! y = max(0, gamma r (x - m) + beta)
//! d / d beta = sum of s      d / d gamma = r sum of s (x - m)      with s the slope of y where y > 0, else 0
//! d / d x = gamma r (s - (sum of s) / n - (x - m) r^2 (sum of s (x - m)) / n)
//! ```
//!
//! Ioffe and Szegedy 2015. Parts are of one size whatever the number of threads, and are added in their order.

use edge_kernels::Isa;
use edge_kernels::norm::{Back, LANES, Line, Value, back, moments, normed, slopes};

use crate::jobs::in_parallel;

/// Values of a part, about: they stay in a core's own cache from one reading to the next.
const PART: usize = 32_768;
/// Pixels whose mean the moments are taken about.
const SAMPLE: usize = 256;

/// The layer's own numbers, `[channels]`.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    pub gamma: &'a [f32],
    pub beta: &'a [f32],
}

/// What becomes known of the values, `[channels]`.
pub struct Norm<'a> {
    /// Moved by the share `momentum` towards the batch's mean.
    pub running_mean: &'a mut [f32],
    /// The same towards its unbiased variance.
    pub running_variance: &'a mut [f32],
    pub mean: &'a mut [f32],
    /// `r` of above.
    pub inverse: &'a mut [f32],
    pub epsilon: f64,
    pub momentum: f64,
}

/// Slopes of the loss.
pub struct Slopes<'a, T> {
    /// With respect to the output, as long as that.
    pub behind: &'a [T],
    /// With respect to the input, as long as that; written.
    pub before: &'a mut [T],
    /// Written, `[channels]`.
    pub gamma: &'a mut [f32],
    /// Written, `[channels]`.
    pub beta: &'a mut [f32],
}

/// Values of a row: as many channels, or pixels side by side, as fill whole lanes. `None` where neither is possible.
pub fn width(channels: usize) -> Option<usize> {
    match channels {
        0 => None,
        _ if channels.is_multiple_of(LANES) => Some(channels),
        _ if LANES.is_multiple_of(channels) => Some(LANES),
        _ => None,
    }
}

/// Per channel as per column.
fn columns(of_channels: impl Iterator<Item = f32> + Clone, width: usize) -> Vec<f32> {
    of_channels.cycle().take(width).collect()
}

/// Factors of the line through a channel's values.
fn line(given: Given, mean: &[f32], inverse: &[f32], width: usize) -> [Vec<f32>; 2] {
    let scale = given.gamma.iter().zip(inverse).map(|(gamma, inverse)| gamma * inverse);
    let shift = given.beta.iter().zip(mean).zip(scale.clone()).map(|((beta, mean), scale)| beta - mean * scale);
    [columns(scale, width), columns(shift, width)]
}

/// Two sums of each channel, from what `work` finds in each part by columns.
fn sums_of<P: Send>(
    parts: impl Iterator<Item = P>,
    (width, channels): (usize, usize),
    work: impl Fn(&P, &mut [f32], &mut [f32]) + Sync,
) -> Vec<[f64; 2]> {
    struct Job<P>(P, [Vec<f32>; 2]);
    let mut jobs: Vec<_> = parts.map(|part| Job(part, [vec![0.0; width], vec![0.0; width]])).collect();
    in_parallel(&mut jobs, |Job(part, [first, second])| work(part, first, second));
    let mut sums = vec![[0.0; 2]; channels];
    for Job(_, both) in jobs {
        for (which, columns) in both.iter().enumerate() {
            columns.iter().enumerate().for_each(|(at, sum)| sums[at % channels][which] += f64::from(*sum));
        }
    }
    sums
}

/// The mean of some pixels from all over the batch, by channel: near all values' mean, so that the variance is not taken from the difference
/// of large squares. A single pixel may be far from it, above all the first, half of whose neighbours are padding.
fn about<T: Value>(input: &[T], channels: usize) -> Vec<f32> {
    let pixels = input.len() / channels;
    let taken = input.chunks_exact(channels).step_by((pixels / SAMPLE).max(1));
    let mut mean = vec![0.0; channels];
    let share = 1.0 / taken.len() as f32;
    for pixel in taken {
        mean.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += share * value.widen());
    }
    mean
}

/// Values of a part: whole rows of this width.
fn part(width: usize) -> usize {
    (PART / width).max(1) * width
}

/// Writes the output, and what becomes known. Input and output are as long as each other, whole rows of [`width`].
pub fn forward<T: Value>(input: &[T], output: &mut [T], given: Given, norm: Norm) {
    let (isa, channels) = (Isa::best(), given.gamma.len());
    let width = width(channels).expect("what does not suit comes no further than the operation");
    let part = part(width);
    let pivot = columns(about(input, channels).into_iter(), width);
    let sums = sums_of(input.chunks(part), (width, channels), |values, sums, squares| {
        moments(isa, values, &pivot, sums, squares);
    });
    let count = (input.len() / channels) as f64;
    for (channel, [sum, square]) in sums.into_iter().enumerate() {
        let away = sum / count;
        let (mean, variance) = (f64::from(pivot[channel]) + away, square / count - away * away);
        // Not `max`, which would make a number of what is none.
        let variance = if variance < 0.0 { 0.0 } else { variance };
        norm.mean[channel] = mean as f32;
        norm.inverse[channel] = (1.0 / (variance + norm.epsilon).sqrt()) as f32;
        let unbiased = variance * count / (count - 1.0).max(1.0);
        for (running, now) in [(&mut norm.running_mean[channel], mean), (&mut norm.running_variance[channel], unbiased)]
        {
            *running += (norm.momentum * (now - f64::from(*running))) as f32;
        }
    }
    let [scale, shift] = line(given, norm.mean, norm.inverse, width);
    let mut parts: Vec<_> = input.chunks(part).zip(output.chunks_mut(part)).collect();
    in_parallel(&mut parts, |(values, into)| {
        normed(isa, values, Line { scale: &scale, shift: &shift }, into);
    });
}

/// Writes the slopes with respect to input, gamma and beta. Input and slopes are as long as each other, whole rows of [`width`]; `mean`
/// and `inverse` are those that [`forward`] found.
pub fn backward<T: Value>(input: &[T], of: Slopes<T>, given: Given, mean: &[f32], inverse: &[f32]) {
    let (isa, channels) = (Isa::best(), given.gamma.len());
    let width = width(channels).expect("what does not suit comes no further than the operation");
    let part = part(width);
    let [scale, shift] = line(given, mean, inverse, width);
    let line = Line { scale: &scale, shift: &shift };
    let wide_mean = columns(mean.iter().copied(), width);
    let parts = input.chunks(part).zip(of.behind.chunks(part));
    let sums = sums_of(parts, (width, channels), |(values, behind), sums, products| {
        slopes(isa, values, behind, line, &wide_mean, sums, products);
    });
    let count = (input.len() / channels) as f64;
    let (mut incline, mut offset) = (vec![0.0; channels], vec![0.0; channels]);
    for (channel, [sum, product]) in sums.into_iter().enumerate() {
        let inverse = f64::from(inverse[channel]);
        of.beta[channel] = sum as f32;
        of.gamma[channel] = (inverse * product) as f32;
        let gain = f64::from(given.gamma[channel]) * inverse;
        let inclined = -gain * inverse * inverse * product / count;
        incline[channel] = inclined as f32;
        offset[channel] = (-gain * sum / count - inclined * f64::from(mean[channel])) as f32;
    }
    let (incline, offset) = (columns(incline.into_iter(), width), columns(offset.into_iter(), width));
    let way = Back { gain: &scale, incline: &incline, offset: &offset };
    let mut parts: Vec<_> = input.chunks(part).zip(of.behind.chunks(part)).zip(of.before.chunks_mut(part)).collect();
    in_parallel(&mut parts, |((values, behind), into)| back(isa, values, behind, line, way, into));
}
