//! The steps of the export against slow, obvious forms: batch norm after convolution, and the network node by node.
//!
//! Needs no golden data: the weights are seeded and untrained.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use host_trainer::export::fold_bn::{FoldError, KERNEL};
use host_trainer::export::graph::{Layer, Op, Source, layers};
use host_trainer::export::quantise::per_channel;
use host_trainer::export::{Reloaded, TensorMap, WriteError, fold, onnx, untrained};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::manifest::Weights;

const SEED: u64 = 20;

/// Planes of one value between layers: `[channel][row][column]`, f64.
#[derive(Clone)]
struct Planes {
    width: usize,
    height: usize,
    values: Vec<f64>,
}

impl Planes {
    fn channels(&self) -> usize {
        self.values.len() / (self.width * self.height)
    }

    fn at(&self, channel: usize, y: isize, x: isize) -> f64 {
        let inside = (0..self.height as isize).contains(&y) && (0..self.width as isize).contains(&x);
        let index = (channel * self.height) as isize + y;
        if inside { self.values[index as usize * self.width + x as usize] } else { 0.0 }
    }

    fn of(width: usize, height: usize, channels: usize, value: impl Fn(usize, isize, isize) -> f64) -> Self {
        let (across, down) = (width as isize, height as isize);
        let row = |c: usize, y: isize| (0..across).map(move |x| (c, y, x));
        let cells = (0..channels).flat_map(|c| (0..down).flat_map(move |y| row(c, y)));
        Self { width, height, values: cells.map(|(c, y, x)| value(c, y, x)).collect() }
    }
}

fn convolve(tensors: &TensorMap, name: &str, from: &Planes) -> Planes {
    let weight = &tensors[&format!("{name}.weight")];
    let bias = &tensors[&format!("{name}.bias")].values;
    let inputs = from.channels();
    Planes::of(from.width, from.height, weight.shape[0], |o, y, x| {
        let mut sum = f64::from(bias[o]);
        for tap in 0..inputs * KERNEL * KERNEL {
            let (i, v, u) = (tap / 9, (tap / 3 % 3) as isize, (tap % 3) as isize);
            sum += f64::from(weight.values[o * inputs * 9 + tap]) * from.at(i, y + v - 1, x + u - 1);
        }
        sum
    })
}

fn norm_relu(tensors: &TensorMap, name: &str, from: &Planes) -> Planes {
    let of = |part: &str, c: usize| f64::from(tensors[&format!("{name}.{part}")].values[c]);
    Planes::of(from.width, from.height, from.channels(), |c, y, x| {
        let normal = (from.at(c, y, x) - of("running_mean", c)) / (of("running_var", c) + 1e-5).sqrt();
        (normal * of("weight", c) + of("bias", c)).max(0.0)
    })
}

fn upsample(from: &Planes) -> Planes {
    // Corners aligned: output 0 reads input 0, the last output reads the last input.
    let place = |at: isize, len: usize| at as f64 * (len as f64 - 1.0) / (2.0 * len as f64 - 1.0);
    Planes::of(from.width * 2, from.height * 2, from.channels(), |c, y, x| {
        let (v, u) = (place(y, from.height), place(x, from.width));
        let mut sum = 0.0;
        for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let (top, left) = (v.floor() as isize + dy, u.floor() as isize + dx);
            let weight = (1.0 - (v - top as f64).abs()) * (1.0 - (u - left as f64).abs());
            sum += weight * from.at(c, top, left);
        }
        sum
    })
}

/// The original network, with batch norm and softmax as they are written in the paper's code.
fn oracle(tensors: &TensorMap, picture: Planes) -> Vec<f64> {
    let mut values: Vec<Planes> = Vec::new();
    for Layer { name, op, inputs } in layers() {
        let read = |source: &Source| match source {
            Source::Image => picture.clone(),
            Source::Layer(index) => values[*index].clone(),
        };
        let from = read(&inputs[0]);
        values.push(match op {
            Op::ConvNormRelu { norm } => norm_relu(tensors, &norm, &convolve(tensors, &name, &from)),
            Op::Conv => convolve(tensors, &name, &from),
            Op::MaxPool => Planes::of(from.width / 2, from.height / 2, from.channels(), |c, y, x| {
                let four = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| from.at(c, 2 * y + dy, 2 * x + dx));
                four.into_iter().fold(f64::NEG_INFINITY, f64::max)
            }),
            Op::Upsample => upsample(&from),
            Op::Concat => {
                let second = read(&inputs[1]);
                Planes { values: [from.values, second.values].concat(), ..second }
            }
            Op::TwoClassHead => {
                let logits = convolve(tensors, &name, &from);
                Planes::of(from.width, from.height, 1, |_, y, x| {
                    let [normal, anomalous] = [0, 1].map(|class| logits.at(class, y, x).exp());
                    anomalous / (normal + anomalous)
                })
            }
        });
    }
    values.pop().unwrap().values
}

fn picture(width: usize, height: usize) -> (Vec<f32>, Planes) {
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let values: Vec<f32> = (0..3 * width * height).map(|_| chance.random_range(0.0..1.0)).collect();
    let exact = values.iter().map(|&value| f64::from(value)).collect();
    (values, Planes { width, height, values: exact })
}

#[test]
fn the_exported_network_computes_what_the_layers_say() {
    let tensors = untrained(3, 2, SEED);
    // Not square, so that swapped axes show.
    let (width, height) = (64, 32);
    let (values, exact) = picture(width, height);
    let model = onnx::write(&fold(&tensors).unwrap(), width, height, Weights::Float32).unwrap();
    let got = Reloaded::load(&model, width, height).unwrap().heatmap_of_planes(&values).unwrap();
    let expected = oracle(&tensors, exact);
    let spread = expected.iter().fold(0.0f64, |m, e| m.max(*e)) - expected.iter().fold(1.0f64, |m, e| m.min(*e));
    assert!(spread > 1e-3, "seed {SEED}: the heatmap is flat ({spread}) and proves nothing");
    let worst = got.iter().zip(&expected).map(|(g, e)| (f64::from(*g) - e).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-5, "seed {SEED}: differs by {worst}");
}

/// The runtime's per-channel dequantisation equals multiplying out here, bit for bit.
#[test]
fn stored_bytes_compute_what_the_multiplied_out_weights_compute() {
    let (width, height) = (32, 32);
    let net = fold(&untrained(3, 2, SEED)).unwrap();
    let (values, _) = picture(width, height);
    let run = |net: &_, weights| {
        let model = onnx::write(net, width, height, weights).unwrap();
        Reloaded::load(&model, width, height).unwrap().heatmap_of_planes(&values).unwrap()
    };
    let mut multiplied = net.clone();
    for conv in multiplied.values_mut() {
        let stored = per_channel(&conv.weight, conv.outputs);
        let taps = conv.inputs * KERNEL * KERNEL;
        let channel = |index: usize| stored.scales[index / taps];
        conv.weight = stored.values.iter().enumerate().map(|(i, v)| f32::from(*v) * channel(i)).collect();
    }
    let stored = run(&net, Weights::Int8);
    assert_eq!(stored, run(&multiplied, Weights::Float32), "seed {SEED}");
    assert_ne!(stored, run(&net, Weights::Float32), "seed {SEED}: rounding to bytes changed nothing");
}

#[test]
fn a_nano_model_in_bytes_is_below_three_quarters_of_a_megabyte() {
    let net = fold(&untrained(8, 8, SEED)).unwrap();
    let bytes = onnx::write(&net, 256, 256, Weights::Int8).unwrap().len();
    assert!(bytes < 786_432, "{bytes} bytes");
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused_by_name() {
    let good = untrained(2, 2, SEED);
    let mut missing = good.clone();
    missing.remove("seg.decoder_segment.db_b.4.running_var");
    let name = "seg.decoder_segment.db_b.4.running_var".to_owned();
    assert_eq!(fold(&missing), Err(FoldError::Missing { name }));

    let mut shape = good.clone();
    shape.get_mut("recon.encoder.block2.0.weight").unwrap().shape = vec![2, 4, 3, 3];
    assert!(matches!(fold(&shape), Err(FoldError::Shape { name, .. }) if name == "recon.encoder.block2.0.weight"));

    let mut negative = good.clone();
    negative.get_mut("recon.encoder.block1.1.running_var").unwrap().values[1] = -1.0;
    assert!(matches!(fold(&negative), Err(FoldError::Value { index: 1, .. })));

    let mut infinite = good;
    infinite.get_mut("seg.decoder_segment.fin_out.0.bias").unwrap().values[0] = f32::INFINITY;
    assert!(matches!(fold(&infinite), Err(FoldError::Value { index: 0, .. })));
}

#[test]
fn sizes_that_cannot_be_halved_five_times_are_refused() {
    let net = fold(&untrained(1, 1, SEED)).unwrap();
    for (width, height, side) in [(48, 64, "width"), (64, 0, "height"), (64, 2048, "height")] {
        let refused = onnx::write(&net, width, height, Weights::Float32);
        assert!(matches!(refused, Err(WriteError::Size { side: at, .. }) if at == side), "{width} by {height}");
    }
}
