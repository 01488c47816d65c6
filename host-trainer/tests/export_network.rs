//! The steps of the export against slow, obvious forms: batch norm after convolution, and the network node by node.
//!
//! Needs no golden data: the weights are seeded and untrained.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use host_trainer::architecture::{Architecture, Networks};
use host_trainer::data::Picture;
use host_trainer::export::fold_bn::{FoldError, KERNEL};
use host_trainer::export::graph::{Layer, Op, Source, layers};
use host_trainer::export::{FoldedNet, Form, Reloaded, TensorMap, WriteError, fold, onnx, untrained};
use host_trainer::quantise::equalise::{STRENGTHS, equalise};
use host_trainer::quantise::observe::{largest_by_channel, observe};
use host_trainer::quantise::ranges::PICTURE_SCALE;
use host_trainer::quantise::{RangeRule, Scales, calibrate, weights};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 20;
/// One of each architecture.
const NETWORKS: [Networks; 2] = [Networks::original(3, 2), Networks::bridged(3, 2)];

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

fn convolve(weight: &[f64], bias: &[f64], from: &Planes) -> Planes {
    let inputs = from.channels();
    Planes::of(from.width, from.height, bias.len(), |o, y, x| {
        let mut sum = bias[o];
        for tap in 0..inputs * KERNEL * KERNEL {
            let (i, v, u) = (tap / 9, (tap / 3 % 3) as isize, (tap % 3) as isize);
            sum += weight[o * inputs * 9 + tap] * from.at(i, y + v - 1, x + u - 1);
        }
        sum
    })
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
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

fn pool(from: &Planes) -> Planes {
    Planes::of(from.width / 2, from.height / 2, from.channels(), |c, y, x| {
        let four = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| from.at(c, 2 * y + dy, 2 * x + dx));
        four.into_iter().fold(f64::NEG_INFINITY, f64::max)
    })
}

/// Walks through the layers; `convolution` computes those with weights, `pass` is done to each value between layers.
fn walk(
    architecture: Architecture,
    picture: Planes,
    convolution: impl Fn(usize, &Layer, &Planes) -> Planes,
    pass: impl Fn(usize, Planes) -> Planes,
) -> Vec<f64> {
    let mut values: Vec<Planes> = Vec::new();
    for (at, layer) in layers(architecture).iter().enumerate() {
        let read = |source: &Source| match source {
            Source::Image => picture.clone(),
            Source::Layer(index) => values[*index].clone(),
        };
        let from = read(&layer.inputs[0]);
        let value = match layer.op {
            Op::MaxPool => pool(&from),
            Op::Upsample => upsample(&from),
            Op::Concat => {
                let second = read(&layer.inputs[1]);
                Planes { values: [from.values, second.values].concat(), ..second }
            }
            Op::ConvNormRelu { .. } | Op::Conv | Op::TwoClassHead => convolution(at, layer, &from),
        };
        values.push(pass(at, value));
    }
    values.pop().unwrap().values
}

/// The networks with batch norm and softmax as they are written in the paper's code.
fn oracle(architecture: Architecture, tensors: &TensorMap, picture: Planes) -> Vec<f64> {
    let convolution = |_, layer: &Layer, from: &Planes| {
        let [weight, bias] = ["weight", "bias"].map(|part| wide(&tensors[&format!("{}.{part}", layer.name)].values));
        let convolved = convolve(&weight, &bias, from);
        match &layer.op {
            Op::ConvNormRelu { norm } => norm_relu(tensors, norm, &convolved),
            Op::TwoClassHead => Planes::of(from.width, from.height, 1, |_, y, x| {
                let [normal, anomalous] = [0, 1].map(|class| convolved.at(class, y, x).exp());
                anomalous / (normal + anomalous)
            }),
            _ => convolved,
        }
    };
    walk(architecture, picture, convolution, |_, value| value)
}

/// The network in integers: stored weights, and each value between layers rounded to the steps of its byte.
fn integer_oracle(net: &FoldedNet, scales: &Scales, picture: Planes) -> Vec<f64> {
    let list = net.layers();
    let scale_of = |source: &Source| match source {
        Source::Image => PICTURE_SCALE,
        Source::Layer(index) => scales.0[*index].unwrap(),
    };
    let convolution = |at: usize, layer: &Layer, from: &Planes| {
        let (conv, input) = (&net.convolutions[&layer.name], scale_of(&list[at].inputs[0]));
        let stored = weights::store(conv, input);
        let taps = conv.inputs * KERNEL * KERNEL;
        let scale = |channel: usize| f64::from(stored.scales[channel]);
        let weight: Vec<f64> = stored.values.iter().enumerate().map(|(i, v)| f64::from(*v) * scale(i / taps)).collect();
        let bias: Vec<f64> =
            stored.bias.iter().enumerate().map(|(c, v)| f64::from(*v) * scale(c) * f64::from(input)).collect();
        let mut convolved = convolve(&weight, &bias, from);
        match layer.op {
            Op::ConvNormRelu { .. } => convolved.values.iter_mut().for_each(|v| *v = v.max(0.0)),
            Op::TwoClassHead => convolved.values.iter_mut().for_each(|v| *v = 1.0 / (1.0 + (-*v).exp())),
            _ => {}
        }
        convolved
    };
    let pass = |at: usize, mut value: Planes| {
        if let Some(scale) = scales.0[at].map(f64::from) {
            value.values.iter_mut().for_each(|v| *v = (*v / scale).round_ties_even().clamp(0.0, 255.0) * scale);
        }
        value
    };
    walk(net.architecture, picture, convolution, pass)
}

fn picture(width: usize, height: usize) -> (Vec<f32>, Planes) {
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let values: Vec<f32> = (0..3 * width * height).map(|_| chance.random_range(0.0..1.0)).collect();
    let exact = values.iter().map(|&value| f64::from(value)).collect();
    (values, Planes { width, height, values: exact })
}

#[test]
fn the_exported_network_computes_what_the_layers_say() {
    for networks in NETWORKS {
        let tensors = untrained(networks, SEED);
        // Not square, so that swapped axes show.
        let (width, height) = (64, 32);
        let (values, exact) = picture(width, height);
        let model = onnx::write(&fold(&tensors).unwrap(), width, height, Form::Float).unwrap();
        let got = Reloaded::load(&model, width, height).unwrap().heatmap_of_planes(&values).unwrap();
        let expected = oracle(networks.architecture, &tensors, exact);
        let spread = expected.iter().fold(0.0f64, |m, e| m.max(*e)) - expected.iter().fold(1.0f64, |m, e| m.min(*e));
        assert!(spread > 1e-3, "{networks}, seed {SEED}: the heatmap is flat ({spread}) and proves nothing");
        let worst = got.iter().zip(&expected).map(|(g, e)| (f64::from(*g) - e).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-5, "{networks}, seed {SEED}: differs by {worst}");
    }
}

/// Pictures as bytes.
fn pictures(width: usize, height: usize, count: usize) -> Vec<Picture> {
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let mut one = || Picture { width, height, rgb: (0..3 * width * height).map(|_| chance.random()).collect() };
    (0..count).map(|_| one()).collect()
}

/// Sums in f32 and f64 may fall on different sides of a half step, and the step travels on: rarely, and not far.
#[test]
fn the_integer_network_computes_what_bytes_between_the_layers_give() {
    for networks in NETWORKS {
        let (width, height) = (64, 32);
        let net = fold(&untrained(networks, SEED)).unwrap();
        let float = onnx::write(&net, width, height, Form::Float).unwrap();
        let pictures = pictures(width, height, 3);
        let observed = observe(&float, &net.layers(), (width, height), &pictures).unwrap();
        for rule in RangeRule::ALL {
            let scales = host_trainer::quantise::calibrate::scales(&net.layers(), &observed, rule);
            let model = onnx::write(&net, width, height, Form::Int8(&scales)).unwrap();
            let model = Reloaded::load(&model, width, height).unwrap();
            let picture = &pictures[0];
            let got = model.heatmap(picture).unwrap();
            let planes = (0..3).flat_map(|channel| picture.rgb.iter().skip(channel).step_by(3));
            let values = planes.map(|&byte| f64::from(byte) * f64::from(PICTURE_SCALE)).collect();
            let expected = integer_oracle(&net, &scales, Planes { width, height, values });
            let differences: Vec<f64> = got.iter().zip(&expected).map(|(g, e)| (f64::from(*g) - e).abs()).collect();
            let mean = differences.iter().sum::<f64>() / differences.len() as f64;
            let float = Reloaded::load(&float, width, height).unwrap().heatmap(picture).unwrap();
            let moved = got.iter().zip(&float).map(|(g, f)| f64::from((g - f).abs())).sum::<f64>() / got.len() as f64;
            assert!(
                mean < 0.05 * moved,
                "{networks}, seed {SEED}, {rule}: {mean} off the oracle, rounding to bytes moves by {moved}"
            );
        }
    }
}

#[test]
fn equalising_changes_weights_and_no_heatmap() {
    for networks in NETWORKS {
        let (width, height) = (64, 32);
        let net = fold(&untrained(networks, SEED)).unwrap();
        let float = onnx::write(&net, width, height, Form::Float).unwrap();
        let pictures = pictures(width, height, 3);
        let largest = largest_by_channel(&float, &net.layers(), (width, height), &pictures).unwrap();
        let changed = equalise(&net, &net.layers(), &largest, 1.0);
        assert_ne!(changed, net, "{networks}");
        let bits = |net| {
            let model = onnx::write(net, width, height, Form::Float).unwrap();
            let heatmap = Reloaded::load(&model, width, height).unwrap().heatmap(&pictures[0]).unwrap();
            heatmap.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(bits(&changed), bits(&net), "{networks}");
    }
}

#[test]
fn calibration_keeps_the_rule_that_changes_least() {
    let (width, height) = (64, 32);
    let net = fold(&untrained(Networks::original(3, 2), SEED)).unwrap();
    let float = onnx::write(&net, width, height, Form::Float).unwrap();
    let loaded = Reloaded::load(&float, width, height).unwrap();
    let kept = calibrate(&net, (width, height), &float, &loaded, &pictures(width, height, 6), None).unwrap();
    assert_eq!(kept.trials.len(), STRENGTHS.len() * RangeRule::ALL.len());
    assert!(kept.trials.windows(2).all(|pair| pair[0].difference <= pair[1].difference), "{:?}", kept.trials);
    assert!(kept.trials[0].difference > 0.0 && kept.trials[0].difference < 0.05, "{:?}", kept.trials);
    assert!(calibrate(&net, (width, height), &float, &loaded, &[], None).is_err());
}

#[test]
fn a_nano_model_in_bytes_is_below_nine_tenths_of_a_megabyte() {
    let net = fold(&untrained(Networks::original(8, 8), SEED)).unwrap();
    let scales = Scales(vec![Some(0.1); net.layers().len()]);
    let bytes = onnx::write(&net, 256, 256, Form::Int8(&scales)).unwrap().len();
    assert!(bytes < 900_000, "{bytes} bytes");
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused_by_name() {
    let good = untrained(Networks::original(2, 2), SEED);
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
    let net = fold(&untrained(Networks::original(1, 1), SEED)).unwrap();
    for (width, height, side) in [(48, 64, "width"), (64, 0, "height"), (64, 2048, "height")] {
        let refused = onnx::write(&net, width, height, Form::Float);
        assert!(matches!(refused, Err(WriteError::Size { side: at, .. }) if at == side), "{width} by {height}");
    }
}
