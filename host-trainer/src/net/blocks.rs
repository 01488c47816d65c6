//! The pieces that both networks are built of: convolution, batch norm and ReLU, once, twice, or behind an up-sampling.
//!
//! Every convolution is 3 by 3 with stride 1, zero padding 1 and a bias, also before batch norm, as in the original.
//! Holds shallow references to the tensors of [`Weights`]; owns no numbers itself.

use fused_norm::NormRelu;
use tch::{TchError, Tensor};

use super::arithmetic::Arithmetic;
use super::weights::Weights;

/// Added to the variance before the root; torch's default, which the original uses.
const BATCH_NORM_EPSILON: f64 = 1e-5;
/// Share of a batch in the running statistics; torch's default, which the original uses.
const BATCH_NORM_MOMENTUM: f64 = 0.1;

/// How a forward pass treats batch norm, and in which arithmetic it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Whether batch statistics are used and the running ones updated.
    pub train: bool,
    /// Type and layout of the activations.
    pub arithmetic: Arithmetic,
}

/// A convolution with bias.
pub(super) struct Convolution {
    weight: Tensor,
    bias: Tensor,
}

impl Convolution {
    pub(super) fn new(weights: &Weights, name: &str) -> Self {
        Self { weight: weights.get(&format!("{name}.weight")), bias: weights.get(&format!("{name}.bias")) }
    }

    pub(super) fn forward(&self, input: &Tensor, arithmetic: Arithmetic) -> Result<Tensor, TchError> {
        let weight = arithmetic.weight(&self.weight)?;
        let bias = arithmetic.weight(&self.bias)?;
        input.f_conv2d(&weight, Some(&bias), [1, 1], [1, 1], [1, 1], 1)
    }
}

/// Convolution, batch norm, ReLU.
struct Layer {
    convolution: Convolution,
    gamma: Tensor,
    beta: Tensor,
    mean: Tensor,
    variance: Tensor,
}

impl Layer {
    fn new(weights: &Weights, convolution: &str, norm: &str) -> Self {
        Self {
            convolution: Convolution::new(weights, convolution),
            gamma: weights.get(&format!("{norm}.weight")),
            beta: weights.get(&format!("{norm}.bias")),
            mean: weights.get(&format!("{norm}.running_mean")),
            variance: weights.get(&format!("{norm}.running_var")),
        }
    }

    fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        let convolved = self.convolution.forward(input, mode.arithmetic)?;
        if mode.train && mode.arithmetic.channels_last && fused_norm::suits(&convolved) {
            return self.norm_relu(&convolved);
        }
        self.norm(&convolved, mode)?.f_relu_()
    }

    fn norm(&self, convolved: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        convolved.f_batch_norm(
            Some(&self.gamma),
            Some(&self.beta),
            Some(&self.mean),
            Some(&self.variance),
            mode.train,
            BATCH_NORM_MOMENTUM,
            BATCH_NORM_EPSILON,
            true,
        )
    }

    /// Batch norm and ReLU as one operation; in training on a CPU alone.
    fn norm_relu(&self, convolved: &Tensor) -> Result<Tensor, TchError> {
        let Self { gamma, beta, mean, variance, .. } = self;
        let (running_mean, running_variance) = (mean, variance);
        let (momentum, epsilon) = (BATCH_NORM_MOMENTUM, BATCH_NORM_EPSILON);
        NormRelu { gamma, beta, running_mean, running_variance, momentum, epsilon }.apply(convolved)
    }
}

/// Two layers at one resolution: `block1` .. `block6`, `db1` .. `db4`, `db_b`.
pub(super) struct Double(Layer, Layer);

impl Double {
    pub(super) fn new(weights: &Weights, name: &str) -> Self {
        let layer = |convolution: u8, norm: u8| {
            Layer::new(weights, &format!("{name}.{convolution}"), &format!("{name}.{norm}"))
        };
        Self(layer(0, 1), layer(3, 4))
    }

    pub(super) fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        self.1.forward(&self.0.forward(input, mode)?, mode)
    }
}

/// Up-sampling, then one layer: `up1` .. `up4`, `up_b`.
pub(super) struct Up(Layer);

impl Up {
    pub(super) fn new(weights: &Weights, name: &str) -> Self {
        Self(Layer::new(weights, &format!("{name}.1"), &format!("{name}.2")))
    }

    pub(super) fn forward(&self, input: &Tensor, mode: Mode) -> Result<Tensor, TchError> {
        self.0.forward(&upsample(input)?, mode)
    }
}

/// Bilinear up-sampling to twice the rows and columns, corners aligned.
pub(crate) fn upsample(input: &Tensor) -> Result<Tensor, TchError> {
    let (_, _, rows, columns) = input.size4()?;
    input.f_upsample_bilinear2d([2 * rows, 2 * columns], true, None, None)
}

/// Maximum of each 2 by 2 square; halves rows and columns.
pub(crate) fn pool(input: &Tensor) -> Result<Tensor, TchError> {
    input.f_max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::architecture::Networks;
    use crate::net::initial;

    /// Whether the channel is the fastest axis in memory.
    fn channels_last(tensor: &Tensor) -> bool {
        let (_, channels, _, columns) = tensor.size4().unwrap();
        let (_, c, h, w) = tensor.stride4().unwrap();
        (c, h, w) == (1, channels * columns, channels)
    }

    #[test]
    fn training_on_the_cpu_norms_in_one_operation_what_torch_norms_in_two() {
        let networks = Networks::original(4, 4);
        let layer = || {
            let weights = Weights::load(&initial(networks, 1), networks, Device::Cpu).unwrap();
            Layer::new(&weights, "recon.encoder.block1.0", "recon.encoder.block1.1")
        };
        let mode = Mode { train: true, arithmetic: Arithmetic { bf16: false, channels_last: true } };
        let input = (Tensor::arange(2 * 3 * 64, (Kind::Float, Device::Cpu)) * 0.37).sin().view([2, 3, 8, 8]);
        let input = mode.arithmetic.enter(&input).unwrap();
        let (ours, plain) = (layer(), layer());
        let convolved = plain.convolution.forward(&input, mode.arithmetic).unwrap();
        assert!(fused_norm::suits(&convolved));
        let (got, expected) = (ours.forward(&input, mode).unwrap(), plain.norm(&convolved, mode).unwrap().relu());
        for (what, got, expected) in [
            ("output", &got, &expected),
            ("running mean", &ours.mean, &plain.mean),
            ("running variance", &ours.variance, &plain.variance),
        ] {
            let worst = (got - expected).abs().max().double_value(&[]);
            assert!(worst < 1e-5, "{what}: {worst}");
        }
    }

    #[test]
    fn layout_set_at_the_input_survives_every_operation() {
        let networks = Networks::original(4, 4);
        let weights = Weights::load(&initial(networks, 1), networks, Device::Cpu).unwrap();
        for bf16 in [false, true] {
            let mode = Mode { train: true, arithmetic: Arithmetic { bf16, channels_last: true } };
            let input = mode.arithmetic.enter(&Tensor::zeros([2, 3, 32, 32], (Kind::Float, Device::Cpu))).unwrap();
            let block = Double::new(&weights, "recon.encoder.block1").forward(&input, mode).unwrap();
            let pooled = pool(&block).unwrap();
            let up = Up::new(&weights, "recon.decoder.up4").forward(&pooled, mode).unwrap();
            let joined = Tensor::cat(&[&up, &block], 1);
            for (name, tensor) in [("block", &block), ("pool", &pooled), ("up", &up), ("concat", &joined)] {
                assert!(channels_last(tensor), "{name}, bf16 {bf16}: strides {:?}", tensor.stride());
                assert_eq!(tensor.kind(), mode.arithmetic.kind(), "{name}");
            }
        }
    }
}
