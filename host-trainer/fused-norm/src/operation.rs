//! The operation as tch sees it.

use std::ffi::{CStr, c_char};

use tch::{Device, Kind, TchError, Tensor};
use torch_sys::C_tensor;

use crate::pass::width;

unsafe extern "C" {
    fn fused_norm_apply(
        input: *const C_tensor,
        gamma: *const C_tensor,
        beta: *const C_tensor,
        running_mean: *const C_tensor,
        running_variance: *const C_tensor,
        momentum: f64,
        epsilon: f64,
        words: *mut c_char,
        room: usize,
    ) -> *mut C_tensor;
}

/// Bytes for an error's words.
const ROOM: usize = 4096;

/// A layer's numbers, each `[channels]` in 32-bit floats.
#[derive(Clone, Copy, Debug)]
pub struct NormRelu<'a> {
    /// Factor behind the norm.
    pub gamma: &'a Tensor,
    /// Added behind the norm.
    pub beta: &'a Tensor,
    /// Moved by each batch, unseen by autograd.
    pub running_mean: &'a Tensor,
    /// The same, of the unbiased variance.
    pub running_variance: &'a Tensor,
    /// Share of a batch in the running statistics.
    pub momentum: f64,
    /// Added to the variance before the root.
    pub epsilon: f64,
}

/// Whether the operation takes these activations: `[n, c, h, w]` on the CPU in 32-bit floats or bfloat16, dense with the channel as the
/// fastest axis, of 1, 2, 4, .. 64 channels or a multiple of 64, and as many pixels as make whole rows of 64 values.
pub fn suits(input: &Tensor) -> bool {
    let (Ok((pictures, channels, rows, columns)), Ok((picture, channel, row, column))) =
        (input.size4(), input.stride4())
    else {
        return false;
    };
    let strides = (channels * columns * rows, 1, channels * columns, channels);
    let values = (pictures * channels * rows * columns) as usize;
    (picture, channel, row, column) == strides
        && values > 0
        && width(channels as usize).is_some_and(|width| values.is_multiple_of(width))
        && input.device() == Device::Cpu
        && matches!(input.kind(), Kind::Float | Kind::BFloat16)
}

impl NormRelu<'_> {
    /// `max(0, gamma (x - mean) / sqrt(variance + epsilon) + beta)` over the batch and all pixels of each channel; moves the running
    /// statistics. The input must [suit](suits).
    ///
    /// # Errors
    /// Tensors that do not fit, and whatever torch says, for instance that memory is exhausted.
    pub fn apply(&self, input: &Tensor) -> Result<Tensor, TchError> {
        if !suits(input) {
            return Err(TchError::Shape(format!("{:?} with strides {:?}", input.size(), input.stride())));
        }
        let channels = input.size()[1];
        let numbers = [self.gamma, self.beta, self.running_mean, self.running_variance];
        for tensor in numbers {
            let fits = tensor.size() == [channels]
                && tensor.stride() == [1]
                && (tensor.kind(), tensor.device()) == (Kind::Float, Device::Cpu);
            if !fits {
                return Err(TchError::Shape(format!("{tensor:?}, expected {channels} numbers")));
            }
        }
        // The running statistics are written while the rest is read.
        let places = numbers.map(|tensor| tensor.data_ptr() as usize);
        let bytes = channels as usize * size_of::<f32>();
        let apart = |one: usize, other: usize| places[one].abs_diff(places[other]) >= bytes;
        if !(0..2).all(|read| apart(read, 2) && apart(read, 3)) || !apart(2, 3) {
            return Err(TchError::Shape("running statistics that share memory".to_owned()));
        }
        let mut words: [c_char; ROOM] = [0; ROOM];
        let [gamma, beta, mean, variance] = numbers.map(Tensor::as_ptr);
        // SAFETY: all are tensors that live, of the sizes, kinds and layouts that the operation reads and writes; what it writes lies apart from
        // the rest; the words have room.
        let output = unsafe {
            fused_norm_apply(
                input.as_ptr(),
                gamma,
                beta,
                mean,
                variance,
                self.momentum,
                self.epsilon,
                words.as_mut_ptr(),
                ROOM,
            )
        };
        if output.is_null() {
            // SAFETY: the words end with a zero.
            let words = unsafe { CStr::from_ptr(words.as_ptr()) };
            return Err(TchError::Torch(words.to_string_lossy().into_owned()));
        }
        // SAFETY: a tensor of the operation's own, which nobody else frees.
        Ok(unsafe { Tensor::from_ptr(output) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENTUM: f64 = 0.1;
    const EPSILON: f64 = 1e-5;

    /// Far from zero and differently wide in each channel, so that neither mean nor variance is easy.
    fn drawn(size: [i64; 4], kind: Kind) -> Tensor {
        let values = Tensor::arange(size.iter().product::<i64>(), (Kind::Float, Device::Cpu)) * 0.37;
        let wide = Tensor::arange(size[1], (Kind::Float, Device::Cpu)).view([1, size[1], 1, 1]) * 0.05 + 0.5;
        let uneven = (values.sin() + (&values * 0.013).cos()).view([size[0], size[2], size[3], size[1]]);
        let uneven: Tensor = uneven.permute([0, 3, 1, 2]) * &wide + 3.0 * wide;
        let dense = uneven.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
        dense.to_kind(kind).detach().set_requires_grad(true)
    }

    struct Layer {
        gamma: Tensor,
        beta: Tensor,
        running_mean: Tensor,
        running_variance: Tensor,
    }

    impl Layer {
        fn new(channels: i64, kind: Kind) -> Self {
            let line = |scale: f64, shift: f64| {
                ((Tensor::arange(channels, (Kind::Float, Device::Cpu)) * scale).sin() * 0.4 + shift).to_kind(kind)
            };
            Self {
                gamma: line(1.7, 1.0).set_requires_grad(true),
                beta: line(0.9, 0.1).set_requires_grad(true),
                running_mean: line(0.3, 0.2),
                running_variance: line(0.5, 1.2),
            }
        }

        fn fused(&self, input: &Tensor) -> Result<Tensor, TchError> {
            let Self { gamma, beta, running_mean, running_variance } = self;
            let (momentum, epsilon) = (MOMENTUM, EPSILON);
            NormRelu { gamma, beta, running_mean, running_variance, momentum, epsilon }.apply(input)
        }

        fn torch(&self, input: &Tensor) -> Tensor {
            let running = (Some(&self.running_mean), Some(&self.running_variance));
            let (gamma, beta) = (Some(&self.gamma), Some(&self.beta));
            input.batch_norm(gamma, beta, running.0, running.1, true, MOMENTUM, EPSILON, false).relu()
        }

        /// Of a loss that weighs every output differently.
        fn gradients(&self, input: &Tensor, output: &Tensor) -> Vec<Tensor> {
            let size = output.size();
            let weights = (Tensor::arange(output.numel() as i64, (Kind::Float, Device::Cpu)) * 0.11).cos().view(&*size);
            let loss = (output * weights).sum(output.kind());
            Tensor::run_backward(&[loss], &[input, &self.gamma, &self.beta], false, false)
        }
    }

    fn apart(ours: &Tensor, theirs: &Tensor) -> f64 {
        let (ours, theirs) = (ours.to_kind(Kind::Double), theirs.to_kind(Kind::Double));
        (&ours - &theirs).abs().max().double_value(&[]) / theirs.abs().max().double_value(&[])
    }

    #[test]
    fn output_gradients_and_statistics_are_those_of_torch_in_double() {
        for (size, kind, bound) in [
            ([2, 16, 24, 40], Kind::Float, 1e-5),
            ([2, 1, 8, 8], Kind::Float, 1e-5),
            ([3, 8, 4, 8], Kind::Float, 1e-5),
            ([2, 64, 33, 17], Kind::Float, 1e-5),
            ([1, 192, 5, 3], Kind::Float, 1e-5),
            // Values of bfloat16 have eight bits.
            ([2, 16, 24, 40], Kind::BFloat16, 8e-3),
            ([2, 128, 9, 7], Kind::BFloat16, 8e-3),
        ] {
            let input = drawn(size, kind);
            let exact = input.detach().to_kind(Kind::Double).set_requires_grad(true);
            let (ours, theirs) = (Layer::new(size[1], Kind::Float), Layer::new(size[1], Kind::Double));
            let (got, expected) = (ours.fused(&input).unwrap(), theirs.torch(&exact));
            assert!(apart(&got, &expected) < bound, "{size:?} {kind:?}: output {}", apart(&got, &expected));
            assert_eq!((got.kind(), got.stride()), (kind, input.stride()), "{size:?}");
            let gradients = ours.gradients(&input, &got).into_iter().zip(theirs.gradients(&exact, &expected));
            for (at, (ours, theirs)) in gradients.enumerate() {
                assert!(apart(&ours, &theirs) < bound, "{size:?} {kind:?}: gradient {at} {}", apart(&ours, &theirs));
            }
            let running =
                [(&ours.running_mean, &theirs.running_mean), (&ours.running_variance, &theirs.running_variance)];
            for (ours, theirs) in running {
                assert!(apart(ours, theirs) < 1e-5, "{size:?} {kind:?}: running {}", apart(ours, theirs));
            }
        }
    }

    #[test]
    fn pixels_far_from_the_others_cost_no_precision() {
        for (at, far) in [(0, 400.0), (0, -3e3), (5, 400.0)] {
            let input = drawn([2, 16, 64, 64], Kind::Float).detach();
            let _ = input.narrow(2, at, 1).narrow(3, at, 1).fill_(far);
            let (ours, theirs) = (Layer::new(16, Kind::Float), Layer::new(16, Kind::Double));
            let (got, expected) = (ours.fused(&input).unwrap(), theirs.torch(&input.to_kind(Kind::Double)));
            let variance = apart(&ours.running_variance, &theirs.running_variance);
            assert!(apart(&got, &expected) < 1e-5 && variance < 1e-5, "{at}, {far}: {variance}");
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for wrong in [f64::NAN, f64::INFINITY] {
            let input = drawn([1, 16, 8, 8], Kind::Float).detach();
            let _ = input.narrow(1, 3, 1).narrow(2, 4, 1).narrow(3, 4, 1).fill_(wrong);
            let layer = Layer::new(16, Kind::Float);
            let output = layer.fused(&input).unwrap();
            let lost = |tensor: &Tensor, axes: &[i64]| tensor.isnan().any_dims(axes, false);
            let channels = lost(&output, &[0, 2, 3]).logical_or(&layer.running_variance.isnan());
            assert!(layer.running_variance.isnan().double_value(&[3]) == 1.0, "{wrong}");
            assert_eq!(channels.sum(Kind::Int64).int64_value(&[]), 1, "{wrong}: no other channel");
            assert_eq!(output.isnan().sum(Kind::Int64).int64_value(&[]), 64, "{wrong}");
        }
    }

    #[test]
    fn there_is_no_second_derivative() {
        let (input, layer) = (drawn([1, 16, 8, 8], Kind::Float), Layer::new(16, Kind::Float));
        let loss = layer.fused(&input).unwrap().square().sum(Kind::Float);
        let error = Tensor::f_run_backward(&[loss], &[&input], true, true).unwrap_err().to_string();
        assert!(error.contains("second derivative"), "{error}");
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let bits = |threads| {
            tch::set_num_threads(threads);
            let (input, layer) = (drawn([2, 16, 64, 96], Kind::BFloat16), Layer::new(16, Kind::Float));
            let output = layer.fused(&input).unwrap();
            let mut all = layer.gradients(&input, &output);
            all.extend([output, layer.running_mean, layer.running_variance]);
            all
        };
        let (before, one) = (tch::get_num_threads(), bits(1));
        for (at, (one, three)) in one.iter().zip(bits(3)).enumerate() {
            assert!(one.equal(&three), "tensor {at}");
        }
        tch::set_num_threads(before);
    }

    #[test]
    fn what_does_not_suit_is_refused() {
        let floats = |size: [i64; 4]| drawn(size, Kind::Float);
        assert!(suits(&floats([2, 16, 4, 4])));
        for (what, tensor) in [
            ("channels that fill no lanes", floats([2, 24, 8, 8])),
            ("pixels that make no whole row", floats([1, 16, 3, 3])),
            ("the channel as the slowest axis", Tensor::zeros([2, 16, 4, 4], (Kind::Float, Device::Cpu))),
            ("64-bit floats", drawn([2, 16, 4, 4], Kind::Double)),
            ("no picture", Tensor::zeros([16, 4], (Kind::Float, Device::Cpu))),
            ("nothing", floats([0, 16, 4, 4])),
            ("every other channel", floats([2, 32, 4, 4]).slice(1, 0, None, 2)),
        ] {
            assert!(!suits(&tensor), "{what}");
            assert!(Layer::new(16, Kind::Float).fused(&tensor).is_err(), "{what}");
        }
        assert!(Layer::new(8, Kind::Float).fused(&floats([2, 16, 4, 4])).is_err());
        let layer = Layer::new(16, Kind::Float);
        for shared in [&layer.gamma, &layer.running_mean] {
            let twice = Layer { running_variance: shared.shallow_clone(), ..Layer::new(16, Kind::Float) };
            let twice =
                Layer { gamma: layer.gamma.shallow_clone(), running_mean: layer.running_mean.shallow_clone(), ..twice };
            assert!(twice.fused(&floats([2, 16, 4, 4])).is_err());
        }
    }
}
