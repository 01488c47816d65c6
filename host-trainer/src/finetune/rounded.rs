//! A folded network in torch, in floats or as it is computed in bytes.
//!
//! Walks the list of layers that the ONNX file is written from. In bytes each value between layers and each weight is rounded to the
//! number that the file stores, and computed with in floats: sums differ from the integers' by their own rounding alone. Biases, whose
//! steps are thousands of times finer, stay as they are.

use tch::{Device, Kind, TchError, Tensor};

use crate::export::fold_bn::{Folded, FoldedNet, KERNEL};
use crate::export::graph::{Layer, Op, Source};
use crate::net::Arithmetic;
use crate::net::blocks::{pool, upsample};
use crate::net::weights::{NetError, values};
use crate::quantise::Scales;
use crate::quantise::ranges::STEPS;
use crate::quantise::weights::LARGEST;

/// A 3 by 3 convolution with zero padding 1.
pub struct Kernel {
    /// `[outputs, inputs, 3, 3]`.
    pub weight: Tensor,
    /// `[outputs]`.
    pub bias: Tensor,
}

/// Both networks, with tensors of their own.
pub struct Network {
    layers: Vec<Layer>,
    kernels: Vec<Option<Kernel>>,
}

impl Network {
    /// Copies the network to a device.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn load(net: &FoldedNet, device: Device) -> Result<Self, TchError> {
        let layers = net.layers();
        let kernel = |conv: &Folded| {
            let taps = KERNEL as i64;
            let shape = [conv.outputs as i64, conv.inputs as i64, taps, taps];
            Ok(Kernel {
                weight: Tensor::f_from_slice(&conv.weight)?.f_view(shape)?.f_to(device)?,
                bias: Tensor::f_from_slice(&conv.bias)?.f_to(device)?,
            })
        };
        let kernels = layers.iter().map(|layer| net.convolutions.get(&layer.name).map(kernel).transpose());
        Ok(Self { kernels: kernels.collect::<Result<_, TchError>>()?, layers })
    }

    /// The convolutions with the place of each in the list of layers.
    pub fn kernels(&self) -> impl Iterator<Item = (usize, &Kernel)> {
        self.kernels.iter().enumerate().filter_map(|(at, kernel)| Some((at, kernel.as_ref()?)))
    }

    /// The same layers with other convolutions.
    ///
    /// # Errors
    /// The first that `change` gives.
    pub fn with(&self, mut change: impl FnMut(&Kernel) -> Result<Kernel, TchError>) -> Result<Self, TchError> {
        let kernels = self.kernels.iter().map(|kernel| kernel.as_ref().map(&mut change).transpose());
        Ok(Self { kernels: kernels.collect::<Result<_, TchError>>()?, layers: self.layers.clone() })
    }

    /// Puts these weights in the place of the network's own.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn store(&self, net: &mut FoldedNet) -> Result<(), NetError> {
        for (at, kernel) in self.kernels() {
            if let Some(conv) = net.convolutions.get_mut(&self.layers[at].name) {
                conv.weight = values(&kernel.weight)?;
                conv.bias = values(&kernel.bias)?;
            }
        }
        Ok(())
    }

    /// The logit of "anomalous" `[n, 1, h, w]` for pictures `[n, 3, h, w]` in 0..=1: in bytes of these scales, or without them in floats.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn logits(&self, pictures: &Tensor, scales: Option<&Scales>) -> Result<Tensor, TchError> {
        let pictures = Arithmetic { bf16: false, channels_last: true }.enter(pictures)?;
        let mut computed: Vec<Tensor> = Vec::with_capacity(self.layers.len());
        for (at, layer) in self.layers.iter().enumerate() {
            let read = |index: usize| match layer.inputs[index] {
                Source::Image => &pictures,
                Source::Layer(before) => &computed[before],
            };
            let value = match (&layer.op, &self.kernels[at]) {
                (Op::MaxPool, _) => pool(read(0))?,
                (Op::Upsample, _) => upsample(read(0))?,
                (Op::Concat, _) => Tensor::f_cat(&[read(0), read(1)], 1)?,
                (Op::ConvNormRelu { .. } | Op::Conv | Op::TwoClassHead, Some(kernel)) => {
                    let weight = match scales {
                        Some(_) => rounded_weight(&kernel.weight)?,
                        None => kernel.weight.shallow_clone(),
                    };
                    let sum = read(0).f_conv2d(&weight, Some(&kernel.bias), [1, 1], [1, 1], [1, 1], 1)?;
                    if matches!(layer.op, Op::ConvNormRelu { .. }) { sum.f_relu()? } else { sum }
                }
                (_, None) => return Err(TchError::Torch(format!("convolution `{}` is missing", layer.name))),
            };
            // Pooling and concatenation move bytes and round nothing.
            let exact = matches!(layer.op, Op::MaxPool | Op::Concat);
            computed.push(match scales.and_then(|scales| scales.0[at]).filter(|_| !exact) {
                Some(scale) => value.f_fake_quantize_per_tensor_affine(f64::from(scale), 0, 0, STEPS as i64)?,
                None => value,
            });
        }
        computed.pop().ok_or_else(|| TchError::Torch("a network without layers".to_owned()))
    }
}

/// What a weight `[outputs, inputs, 3, 3]` is moved by from one stored number to the next, `[outputs]`, as
/// [`store`](crate::quantise::weights::store) has it.
///
/// # Errors
/// Whatever torch says.
pub fn weight_steps(weight: &Tensor) -> Result<Tensor, TchError> {
    let largest = weight.f_detach()?.f_abs()?.f_amax([1, 2, 3], false)?;
    largest.f_div_scalar(f64::from(LARGEST))?.f_clamp_min(f64::from(f32::MIN_POSITIVE))
}

fn rounded_weight(weight: &Tensor) -> Result<Tensor, TchError> {
    let steps = weight_steps(weight)?;
    let zero = Tensor::f_zeros(steps.size(), (Kind::Int, weight.device()))?;
    weight.f_fake_quantize_per_channel_affine(&steps, &zero, 0, -LARGEST as i64, LARGEST as i64)
}
