//! Every instruction set against the convolution as its documentation writes it, one picture position at a time.
//!
//! Takes random layers from proptest with a fixed seed and holds each kernel that this processor has to the same bits, bytes and
//! floats. Knows nothing of how weights are packed: the oracle reads the picture with its border as a function of row and column.

use edge_kernels::conv::{KERNEL, SLACK};
use edge_kernels::{Conv, Isa, Output, Spec};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

const LAYERS: u32 = 512;
const SEED: &[u8; 32] = b"every kernel gives the same bits";
/// What lies between pixels of the output, which no kernel may touch.
const UNTOUCHED: u8 = 0xa5;

/// How weights and scales are drawn.
#[derive(Clone, Copy, Debug)]
enum Drawn {
    /// Everything evenly.
    Evenly,
    /// Only the ends of the range, whose products leave 16 bits soonest.
    Extremes,
    /// Small sums at scales of a power of two: many results lie just between two integers.
    Ties,
}

#[derive(Clone, Debug)]
struct Layer {
    inputs: usize,
    offset: usize,
    /// Bytes behind the channels that are read, before the stride is rounded up to a multiple of 4.
    behind: usize,
    outputs: usize,
    width: usize,
    height: usize,
    input_zero: u8,
    output_zero: u8,
    relu: bool,
    out_gap: usize,
    drawn: Drawn,
    seed: u64,
}

fn channels() -> impl Strategy<Value = usize> {
    prop_oneof![2 => 1usize..=8, 1 => prop::sample::select(vec![12usize, 16, 24, 32, 48, 64]), 3 => 1usize..=70]
}

fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0u8), Just(128), Just(255), any::<u8>()]
}

fn layer() -> impl Strategy<Value = Layer> {
    let drawn = prop_oneof![Just(Drawn::Evenly), Just(Drawn::Extremes), Just(Drawn::Ties)];
    let pixels = (channels(), prop_oneof![Just(0usize), 0usize..=9], prop_oneof![Just(0usize), 0usize..=9]);
    let output = (channels(), 1usize..=70, 1usize..=2, prop_oneof![Just(0usize), 0usize..=20]);
    (pixels, output, (byte(), byte(), any::<bool>()), drawn, any::<u64>()).prop_map(
        |(
            (inputs, offset, behind),
            (outputs, width, height, out_gap),
            (input_zero, output_zero, relu),
            drawn,
            seed,
        )| {
            Layer {
                inputs,
                offset,
                behind,
                outputs,
                width,
                height,
                input_zero,
                output_zero,
                relu,
                out_gap,
                drawn,
                seed,
            }
        },
    )
}

/// SplitMix64: contents need no shrinking, so that they come from a seed and not from proptest.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// A layer with its contents.
struct Drawing {
    layer: Layer,
    stride: usize,
    /// Rows with their border, as a kernel gets them: `height + 2` of `row_bytes`.
    rows: Vec<Vec<u8>>,
    weights: Vec<i8>,
    bias: Vec<i32>,
    scales: Vec<f32>,
}

impl Drawing {
    fn new(layer: Layer) -> Self {
        let mut chance = Chance(layer.seed);
        let stride = (layer.offset + layer.inputs + layer.behind).next_multiple_of(4);
        let row_bytes = (layer.width + KERNEL - 1) * stride + SLACK;
        let mut rows: Vec<Vec<u8>> =
            (0..layer.height + 2).map(|_| (0..row_bytes).map(|_| chance.byte()).collect()).collect();
        if let Drawn::Extremes = layer.drawn {
            rows.iter_mut().flatten().for_each(|byte| *byte = if *byte < 200 { 255 } else { 0 });
        }
        let last = layer.height + 1;
        for (y, row) in rows.iter_mut().enumerate() {
            for x in 0..layer.width + 2 {
                if y == 0 || y == last || x == 0 || x == layer.width + 1 {
                    row[x * stride + layer.offset..][..layer.inputs].fill(layer.input_zero);
                }
            }
        }
        let taps = layer.inputs * KERNEL * KERNEL;
        let mut weight = || match layer.drawn {
            Drawn::Evenly => chance.byte().cast_signed(),
            Drawn::Extremes => {
                if chance.below(5) == 0 {
                    -128
                } else {
                    127
                }
            }
            Drawn::Ties => chance.below(5) as i8 - 2,
        };
        let weights: Vec<i8> = (0..layer.outputs * taps).map(|_| weight()).collect();
        let bias = (0..layer.outputs).map(|_| chance.below(1 << 18) as i32 - (1 << 17)).collect();
        // Of the size of a typical sum, so that results fill the range of a byte and leave it on both sides.
        let typical = (taps as f32).sqrt() * 74.0 * 74.0;
        let scale = |_| match layer.drawn {
            Drawn::Ties => 2f32.powi(-1 - chance.below(12) as i32),
            _ if chance.below(40) == 0 => {
                [f32::MIN_POSITIVE / 8.0, 1e-20, 1.0, 1e30, f32::MAX][chance.below(5) as usize]
            }
            _ => (0.25 + chance.unit()) * 120.0 / typical,
        };
        let scales = (0..layer.outputs).map(scale).collect();
        Self { layer, stride, rows, weights, bias, scales }
    }

    fn spec(&self, output: Output) -> Spec<'_> {
        Spec {
            inputs: self.layer.inputs,
            input_stride: self.stride,
            input_offset: self.layer.offset,
            input_zero: self.layer.input_zero,
            outputs: self.layer.outputs,
            weights: &self.weights,
            bias: &self.bias,
            scales: &self.scales,
            output,
        }
    }

    /// Input at a position of the picture, as a distance from the zero: 0 outside of it.
    fn input(&self, y: isize, x: isize, channel: usize) -> i32 {
        if y < 0 || x < 0 || y >= self.layer.height as isize || x >= self.layer.width as isize {
            return 0;
        }
        let byte = self.rows[y as usize + 1][(x as usize + 1) * self.stride + self.layer.offset + channel];
        i32::from(byte) - i32::from(self.layer.input_zero)
    }

    /// The scaled sum.
    fn value(&self, y: usize, x: usize, output: usize) -> f32 {
        let mut sum = self.bias[output];
        for channel in 0..self.layer.inputs {
            for row in 0..KERNEL {
                for column in 0..KERNEL {
                    let weight =
                        self.weights[((output * self.layer.inputs + channel) * KERNEL + row) * KERNEL + column];
                    let (y, x) = ((y + row) as isize - 1, (x + column) as isize - 1);
                    sum += self.input(y, x, channel) * i32::from(weight);
                }
            }
        }
        sum as f32 * self.scales[output]
    }
}

/// In 64-bit floats, which hold every step exactly that matters.
fn quantised(value: f32, zero: u8, lowest: u8) -> u8 {
    (f64::from(value).round_ties_even() + f64::from(zero)).clamp(f64::from(lowest), 255.0) as u8
}

fn equal(layer: Layer) -> Result<(), TestCaseError> {
    let drawing = Drawing::new(layer.clone());
    let Layer { outputs, width, height, output_zero: zero, .. } = layer;
    let lowest = if layer.relu { zero } else { 0 };
    let values: Vec<Vec<f32>> = (0..height)
        .map(|y| (0..width * outputs).map(|at| drawing.value(y, at / outputs, at % outputs)).collect())
        .collect();
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        let bytes = Conv::new(isa, &drawing.spec(Output::Byte { zero, lowest })).expect("a legal layer");
        let floats = Conv::new(isa, &drawing.spec(Output::Float)).expect("a legal layer");
        for (y, values) in values.iter().enumerate() {
            let rows = [&drawing.rows[y][..], &drawing.rows[y + 1], &drawing.rows[y + 2]];
            let out_stride = outputs + layer.out_gap;
            // No longer than a kernel may write.
            let mut got = vec![UNTOUCHED; (width - 1) * out_stride + outputs];
            bytes.bytes_row(rows, width, &mut got, out_stride);
            for (at, &got) in got.iter().enumerate() {
                let (x, channel) = (at / out_stride, at % out_stride);
                let value = values.get(x * outputs + channel).copied().unwrap_or(0.0);
                let expected = if channel < outputs { quantised(value, zero, lowest) } else { UNTOUCHED };
                prop_assert_eq!(got, expected, "{}: row {}, pixel {}, channel {} of {}", isa, y, x, channel, value);
            }
            let mut got = vec![f32::NAN; width * outputs];
            floats.floats_row(rows, width, &mut got);
            for (at, (got, expected)) in got.iter().zip(values).enumerate() {
                let (x, channel) = (at / outputs, at % outputs);
                prop_assert_eq!(
                    got.to_bits(),
                    expected.to_bits(),
                    "{}: row {}, pixel {}, channel {}: {} for {}",
                    isa,
                    y,
                    x,
                    channel,
                    got,
                    expected
                );
            }
        }
    }
    Ok(())
}

#[test]
fn every_kernel_equals_the_naive_convolution() {
    let names: Vec<&str> = Isa::ALL.into_iter().filter(|isa| isa.available()).map(Isa::name).collect();
    println!("kernels: {}", names.join(" "));
    let config = Config { cases: LAYERS, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, SEED));
    if let Err(failure) = runner.run(&layer(), equal) {
        panic!("{failure}");
    }
}
