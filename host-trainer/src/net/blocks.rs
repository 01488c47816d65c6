//! The pieces that both networks are built of: convolution, batch norm and ReLU, once, twice, or behind an up-sampling.
//!
//! Every convolution is 3 by 3 with stride 1, zero padding 1 and a bias, also before batch norm, as in the original.
//! Holds shallow references to the tensors of [`Weights`]; owns no numbers itself.

use tch::{Kind, TchError, Tensor};

use super::arithmetic::Arithmetic;
use super::weights::Weights;

/// Added to the variance before the root; torch's default, which the original uses.
const BATCH_NORM_EPSILON: f64 = 1e-5;
/// Share of a batch in the running statistics; torch's default, which the original uses.
const BATCH_NORM_MOMENTUM: f64 = 0.1;

/// Values of bfloat16 in the widest vector register of an x86-64 processor; twice as many as 32-bit floats.
const VECTOR_CHANNELS: i64 = 32;

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
        match columns_at_once(&convolved, mode)? {
            1 => self.norm(&convolved, mode)?.f_relu_(),
            columns => self.norm_by_columns(&convolved, columns),
        }
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

    /// Batch norm and ReLU in training with the channels of `at_once` neighbouring columns side by side, as if they were so
    /// many channels: each channel has one mean and variance for the columns 0, `at_once`, .. and others for 1 + those. The
    /// running statistics are those of all columns together, so that evaluation knows nothing of it.
    fn norm_by_columns(&self, convolved: &Tensor, at_once: i64) -> Result<Tensor, TchError> {
        let (pictures, channels, rows, columns) = convolved.size4()?;
        let (wide, narrow) =
            ([pictures, rows, columns / at_once, channels * at_once], [pictures, rows, columns, channels]);
        let side_by_side = convolved.f_permute([0, 2, 3, 1])?.f_reshape(wide)?.f_permute([0, 3, 1, 2])?;
        let (mut normed, mean, inverse) = side_by_side.f_native_batch_norm(
            Some(self.gamma.f_repeat([at_once])?),
            Some(self.beta.f_repeat([at_once])?),
            None,
            None,
            true,
            BATCH_NORM_MOMENTUM,
            BATCH_NORM_EPSILON,
        )?;
        self.remember(&mean, &inverse, at_once, (pictures * rows * columns) as f64)?;
        normed.f_relu_()?.f_permute([0, 2, 3, 1])?.f_reshape(narrow)?.f_permute([0, 3, 1, 2])
    }

    /// Moves the running statistics by those of groups of columns, each `[at_once * channels]`, of `count` values a channel.
    fn remember(&self, mean: &Tensor, inverse: &Tensor, at_once: i64, count: f64) -> Result<(), TchError> {
        let _no_gradients = tch::no_grad_guard();
        let by_group = |values: &Tensor| values.f_view([at_once, -1]);
        let (means, inverses) = (by_group(mean)?, by_group(inverse)?);
        let mean = means.f_mean_dim(0, false, Kind::Float)?;
        // The variance of all is the mean of the groups' variances and the variance of their means.
        let within = inverses.f_pow_tensor_scalar(-2)?.f_add_scalar(-BATCH_NORM_EPSILON)?;
        let between = means.f_sub(&mean)?.f_square()?;
        let variance =
            within.f_add(&between)?.f_mean_dim(0, false, Kind::Float)?.f_mul_scalar(count / (count - 1.0))?;
        // All running statistics are views of one tensor, and layers that norm the plain way keep theirs for the gradient: moved
        // through `data`, which autograd does not watch, they do not look changed to it. They play no part in the gradient.
        let _ = self.mean.f_data()?.f_lerp_(&mean, BATCH_NORM_MOMENTUM)?;
        let _ = self.variance.f_data()?.f_lerp_(&variance, BATCH_NORM_MOMENTUM)?;
        Ok(())
    }
}

/// How many columns to put side by side for batch norm: as many as fill a vector register with channels, on a CPU in training
/// with the channel as the fastest axis. Torch's kernel runs over channels there, one value at a time where a vector holds
/// more than there are: a third of a training step for the narrow networks.
fn columns_at_once(convolved: &Tensor, mode: Mode) -> Result<i64, TchError> {
    if !mode.train || !mode.arithmetic.channels_last || convolved.device().is_cuda() {
        return Ok(1);
    }
    let (_, channels, _, columns) = convolved.size4()?;
    let mut at_once = 1;
    while 2 * at_once * channels <= VECTOR_CHANNELS && columns % (2 * at_once) == 0 {
        at_once *= 2;
    }
    Ok(at_once)
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
    use tch::Device;

    use super::*;
    use crate::architecture::Networks;
    use crate::net::initial;

    /// Whether the channel is the fastest axis in memory.
    fn channels_last(tensor: &Tensor) -> bool {
        let (_, channels, _, columns) = tensor.size4().unwrap();
        let (_, c, h, w) = tensor.stride4().unwrap();
        (c, h, w) == (1, channels * columns, channels)
    }

    /// Values that no two columns share, so that a column in the wrong place shows.
    fn uneven(channels: i64) -> Tensor {
        let shape = [2, channels, 4, 8];
        let values = Tensor::arange(2 * channels * 32, (Kind::Float, Device::Cpu)).f_view(shape).unwrap();
        (values * 0.37).sin() + 0.5
    }

    #[test]
    fn channels_of_neighbouring_columns_side_by_side_are_normed_alike() {
        let networks = Networks::original(4, 4);
        let weights = Weights::load(&initial(networks, 1), networks, Device::Cpu).unwrap();
        let layer = Layer::new(&weights, "recon.encoder.block1.0", "recon.encoder.block1.1");
        let mode = Mode { train: true, arithmetic: Arithmetic { bf16: false, channels_last: true } };
        let input = mode.arithmetic.enter(&uneven(4)).unwrap();
        assert_eq!(columns_at_once(&input, mode).unwrap(), 8);
        let got = layer.norm_by_columns(&input, 2).unwrap();
        let statistics = [&layer.mean, &layer.variance].map(Tensor::copy);
        for parity in [0, 1] {
            let columns = |tensor: &Tensor| tensor.slice(3, parity, None, 2);
            let expected =
                layer.norm(&columns(&input), Mode { train: true, arithmetic: Arithmetic::PLAIN }).unwrap().relu();
            let worst = (columns(&got) - expected).abs().max().double_value(&[]);
            assert!(worst < 1e-5, "columns {parity}: {worst}");
        }
        let again = Weights::load(&initial(networks, 1), networks, Device::Cpu).unwrap();
        let plain = Layer::new(&again, "recon.encoder.block1.0", "recon.encoder.block1.1");
        let _ = plain.norm(&input, mode).unwrap();
        for (name, got, expected) in
            [("mean", &statistics[0], &plain.mean), ("variance", &statistics[1], &plain.variance)]
        {
            let worst = (got - expected).abs().max().double_value(&[]);
            assert!(worst < 1e-6, "running {name}: {worst}");
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
