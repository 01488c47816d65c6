//! The weights that suit the bytes: a few hundred steps of Adam towards the float network's heatmaps.
//!
//! What is learnt is how far each weight and bias moves, in steps of the bytes that it concerns: a rate then means the same in every
//! layer, however its channels were equalised. Deterministic for a device and a number of threads.

use std::sync::atomic::{AtomicBool, Ordering};

use tch::{Kind, Reduction, TchError, Tensor};

use super::rounded::{Kernel, Network, weight_steps};
use crate::device::DeviceChoice;
use crate::export::fold_bn::FoldedNet;
use crate::quantise::Scales;
use crate::train::adam::{Adam, Recipe};
use crate::train::lesson::Lesson;
use crate::train::prefetch::{Source, prepare};
use crate::train::schedule::learning_rate;
use crate::train::{self, TrainError};

/// Steps that are enough.
const MOST_STEPS: u64 = 400;
/// Steps of training for one of fine-tuning: a network that is hardly trained is not worth minutes of it.
const TRAINED_FOR_ONE: u64 = 5;
/// Pixels in a step: four pictures of 128 by 128, two of 256 by 256.
const PIXELS: usize = 4 * 128 * 128;
/// Fewest and most pictures in a step.
const BATCH: (usize, usize) = (2, 8);
/// The most that a weight moves in a step, in steps of its own byte.
const PEAK: f64 = 0.05;
/// No training has so many samples: those of fine-tuning are others.
const FIRST_SAMPLE: u64 = 1 << 40;
/// The step of a bias whose sum stays a float.
const FLOAT_STEP: f64 = 0.01;
/// Adam moves a weight whose gradient is nothing but noise as far as any other: decay pulls all of them back to where they were, so that
/// what does not help does not stay. The length of gradients it takes out by itself.
const RECIPE: Recipe = Recipe { weight_decay: 1.0, longest_gradient: f64::INFINITY, ..Recipe::FAST };

/// Steps of fine-tuning behind so many of training.
pub fn steps(trained: u64) -> u64 {
    (trained / TRAINED_FOR_ONE).min(MOST_STEPS)
}

/// Fine-tunes a network for these scales on samples of this width and height, and gives the network to be stored. Its heatmaps
/// in integers are to be those of `net` in floats. Raising `stop` ends it with what has been learnt by then.
///
/// # Errors
/// A sample of another size, or whatever torch says.
pub fn finetune(
    net: &FoldedNet,
    scales: &Scales,
    samples: &Source<'_>,
    size: (usize, usize),
    device: DeviceChoice,
    steps: u64,
    stop: &AtomicBool,
) -> Result<FoldedNet, TrainError> {
    let device = train::device(device)?;
    let float = Network::load(net, device)?;
    let units = units(&float, scales)?;
    let movement = Tensor::f_zeros(units.size(), (Kind::Float, device))?.f_set_requires_grad(true)?;
    let decayed = units.f_ones_like()?;
    let mut adam = Adam::new(RECIPE, movement.numel() as i64, device)?;
    let batch = (PIXELS / (size.0 * size.1).max(1)).clamp(BATCH.0, BATCH.1);
    let lesson = Lesson { size, batch };
    for step in 0..steps {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let pictures = prepare(samples, FIRST_SAMPLE + step * batch as u64, lesson)?.upload(device)?.augmented;
        let expected = tch::no_grad(|| float.logits(&pictures, None)?.f_sigmoid())?;
        let got = moved(&float, &movement, &units)?.logits(&pictures, Some(scales))?;
        let loss = got.f_binary_cross_entropy_with_logits::<Tensor>(&expected, None, None, Reduction::Sum)?;
        let mut gradient = Tensor::f_run_backward(&[loss], &[&movement], false, false)?;
        adam.update(&movement, gradient.swap_remove(0), &decayed, learning_rate(step, steps, PEAK))?;
    }
    let mut tuned = net.clone();
    tch::no_grad(|| moved(&float, &movement, &units))?.store(&mut tuned)?;
    Ok(tuned)
}

/// What a movement by 1 is of each weight and bias, one after the other in the order of layers, `[n]`: for weights a step of their channel's
/// byte, for biases one of the byte that the sum becomes.
fn units(net: &Network, scales: &Scales) -> Result<Tensor, TchError> {
    let mut units = Vec::new();
    for (at, Kernel { weight, bias }) in net.kernels() {
        let steps = weight_steps(weight)?.f_view([-1, 1, 1, 1])?;
        units.push(steps.f_expand_as(weight)?.f_reshape([-1])?);
        let step = scales.0[at].map_or(FLOAT_STEP, f64::from);
        units.push(bias.f_zeros_like()?.f_fill_(step)?);
    }
    Tensor::f_cat(&units, 0)
}

/// The network with each weight and bias moved by so many of its units.
fn moved(net: &Network, movement: &Tensor, units: &Tensor) -> Result<Network, TchError> {
    let movement = movement.f_mul(units)?;
    let mut from = 0;
    let mut next = |moved: &Tensor| {
        let count = moved.numel() as i64;
        let by = movement.f_narrow(0, from, count)?.f_view_as(moved)?;
        from += count;
        moved.f_add(&by)
    };
    net.with(|Kernel { weight, bias }| Ok(Kernel { weight: next(weight)?, bias: next(bias)? }))
}
