//! The operators of the networks, from ONNX to tract, and no others.
//!
//! tract's own list holds all of ONNX, and whatever a list names is linked into the program: recurrent networks,
//! decision trees, random numbers. These eight are all that [`super::accept`] lets through; a program that knows no more is smaller by
//! two megabytes and has less for a hostile model to reach. Each gives the same operators as tract's own list does.

use tract_onnx::Onnx;
use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::ops::cast::cast;
use tract_onnx::tract_core::ops::math::{mul, sub};
use tract_onnx::tract_core::ops::nn::resize::{CoordTransformer, Interpolator};
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::activations::Clip;
use tract_onnx::tract_hir::ops::array::Concat;
use tract_onnx::tract_hir::ops::cnn::{Conv, HirMaxPool, PaddingSpec, PoolSpec};
use tract_onnx::tract_hir::ops::nn::{DataFormat, sigmoid};
use tract_onnx::tract_hir::ops::quant::{DequantizeLinearF32, quantize_linear_i8, quantize_linear_u8};
use tract_onnx_opl::resize::{AspectRatio, CoordTransform, Nearest, Resize};

/// An operator, and the names of values that it takes from outside: none.
type Built = TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

/// Reads models of these operators; any other stays an operator that cannot run.
pub(super) fn reader() -> Onnx {
    let mut register = OnnxOpRegister::default();
    register.insert("Conv", convolution);
    register.insert("MaxPool", largest);
    register.insert("Resize", resize);
    register.insert("Concat", |_, node| built(expand(Concat::new(node.get_attr("axis")?))));
    register.insert("Relu", |_, _| built(expand(Clip::new(Some(0.0), None))));
    register.insert("Sigmoid", |_, _| built(sigmoid().into_hir()));
    register.insert("QuantizeLinear", |_, node| built(expand(Rounding { to_bytes: true, axis: axis(node)? })));
    register.insert("DequantizeLinear", |_, node| built(expand(Rounding { to_bytes: false, axis: axis(node)? })));
    Onnx { op_register: register, ..Onnx::default() }
}

fn built(operator: Box<dyn InferenceOp>) -> Built {
    Ok((operator, Vec::new()))
}

/// Rows and columns before and behind the picture, from ONNX's one list.
fn pads(node: &NodeProto, sides: usize) -> TractResult<[TVec<usize>; 2]> {
    ensure!(node.get_attr_opt::<&str>("auto_pad")?.is_none_or(|pad| pad == "NOTSET"), "{}: auto_pad", node.name);
    let pads: TVec<usize> = node.get_attr_opt_tvec("pads")?.unwrap_or_else(|| tvec![0; 2 * sides]);
    ensure!(pads.len() == 2 * sides, "{}: {} pads for {sides} sides", node.name, pads.len());
    Ok([pads[..sides].into(), pads[sides..].into()])
}

fn convolution(_: &ParsingContext<'_>, node: &NodeProto) -> Built {
    let kernel: TVec<usize> = node.get_attr_tvec("kernel_shape")?;
    let [before, behind] = pads(node, kernel.len())?;
    let mut conv = Conv::default().padding(PaddingSpec::Explicit(before, behind)).kernel_shape(kernel);
    if let Some(dilations) = node.get_attr_opt_tvec("dilations")? {
        conv = conv.dilations(dilations);
    }
    if let Some(strides) = node.get_attr_opt_tvec("strides")? {
        conv = conv.strides(strides);
    }
    if node.input.len() == 3 {
        conv = conv.bias_input(2);
    }
    built(expand(conv))
}

fn largest(_: &ParsingContext<'_>, node: &NodeProto) -> Built {
    let kernel: TVec<usize> = node.get_attr_tvec("kernel_shape")?;
    let [before, behind] = pads(node, kernel.len())?;
    ensure!(node.output.len() == 1, "{}: places of the largest values", node.name);
    let ceil = node.get_attr_opt::<isize>("ceil_mode")?.unwrap_or(0) == 1;
    let padding = PaddingSpec::ExplicitOnnxPool(before, behind, ceil);
    let (dilations, strides) = (node.get_attr_opt_tvec("dilations")?, node.get_attr_opt_tvec("strides")?);
    let pool = PoolSpec::new(DataFormat::NCHW, kernel, padding, dilations, strides, 0, 0);
    built(expand(HirMaxPool::new(pool, None)))
}

fn resize(_: &ParsingContext<'_>, node: &NodeProto) -> Built {
    let word = |name: &str, usual| Ok::<&str, TractError>(node.get_attr_opt::<&str>(name)?.unwrap_or(usual));
    let transform = CoordTransformer::parse(word("coordinate_transformation_mode", "half_pixel")?)?;
    let refused = ["cubic_coeff_a", "exclude_outside", "extrapolation_value", "antialias", "axes"];
    if let Some(attribute) = node.attribute.iter().find(|attribute| refused.contains(&attribute.name.as_str())) {
        bail!("{}: an up-sampling with `{}`, which no model for this station has", node.name, attribute.name);
    }
    // tract leaves out inputs without a name: the region in front of the factors most often is one.
    let named = node.input.iter().take(2).filter(|name| !name.is_empty()).count();
    built(expand(Scaling(Resize {
        axes: None,
        coord_transformer: CoordTransform::Plain(transform),
        interpolator: Interpolator::parse(word("mode", "nearest")?)?,
        nearest: Nearest::parse(word("nearest_mode", "round_prefer_floor")?)?,
        antialias: false,
        cubic_coeff_a_bits: (-0.75_f32).to_bits(),
        exclude_outside: false,
        extrapolation_value_bits: 0.0_f32.to_bits(),
        keep_aspect_ratio_policy: AspectRatio::Stretch,
        optional_roi_input: None,
        optional_scales_input: Some(named),
        optional_sizes_input: None,
    })))
}

/// An up-sampling by stored factors.
#[derive(Clone, Debug)]
struct Scaling(Resize);

impl Expansion for Scaling {
    fn name(&self) -> StaticName {
        "Resize".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let factors = self.0.optional_scales_input.context("an up-sampling without factors")?;
        check_input_arity(inputs, factors + 1)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
        solver.equals(&inputs[0].rank, &outputs[0].rank)?;
        solver.given_2(&inputs[0].shape, &inputs[factors].value, move |solver, shape, scales| {
            let larger = self.0.compute_output_shape(&shape, Some(scales.as_ref()), None)?;
            larger.iter().enumerate().try_for_each(|(axis, side)| solver.equals(&outputs[0].shape[axis], side.to_dim()))
        })
    }

    fn wire(&self, name: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        model.wire_node(name, self.0.clone(), inputs)
    }
}

fn axis(node: &NodeProto) -> TractResult<usize> {
    let axis = node.get_attr_opt::<i64>("axis")?.unwrap_or(1);
    ensure!(node.get_attr_opt::<i64>("block_size")?.unwrap_or(0) == 0, "{}: blocks of values", node.name);
    usize::try_from(axis).with_context(|| format!("{}: axis {axis}", node.name))
}

/// From floats to bytes or back, by a stored scale and zero point; back also by one of each for every place along an axis.
#[derive(Clone, Debug)]
struct Rounding {
    to_bytes: bool,
    axis: usize,
}

impl Expansion for Rounding {
    fn name(&self) -> StaticName {
        if self.to_bytes { "QuantizeLinear" } else { "DequantizeLinear" }.into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 3)?;
        check_output_arity(outputs, 1)?;
        let (bytes, floats) = if self.to_bytes { (&outputs[0], &inputs[0]) } else { (&inputs[0], &outputs[0]) };
        solver.equals(&bytes.datum_type, &inputs[2].datum_type)?;
        solver.equals(&inputs[1].datum_type, f32::datum_type())?;
        if !self.to_bytes {
            solver.equals(&floats.datum_type, f32::datum_type())?;
        }
        solver.equals(&bytes.shape, &floats.shape)
    }

    fn wire(&self, name: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let stored = |outlet: OutletId| {
            model.outlet_fact(outlet)?.konst.clone().with_context(|| format!("{name}: a scale that is not stored"))
        };
        let (scales, zeros) = (stored(inputs[1])?, stored(inputs[2])?);
        if scales.len() == 1 && zeros.len() == 1 {
            let scale = scales.cast_to_scalar::<f32>()?;
            let operator: Box<dyn TypedOp> = match (self.to_bytes, zeros.datum_type()) {
                (false, _) => Box::new(DequantizeLinearF32::new(scale, zeros.cast_to_scalar::<i32>()?)),
                (true, DatumType::U8) => Box::new(quantize_linear_u8(scale.recip(), zeros.cast_to_scalar::<u8>()?)),
                (true, DatumType::I8) => Box::new(quantize_linear_i8(scale.recip(), zeros.cast_to_scalar::<i8>()?)),
                (true, other) => bail!("{name}: rounding to {other:?}"),
            };
            return model.wire_node(name, operator, &inputs[..1]);
        }
        ensure!(!self.to_bytes, "{name}: rounding to bytes by more than one scale");
        let rank = model.outlet_fact(inputs[0])?.rank();
        ensure!(self.axis < rank, "{name}: axis {} of {rank}", self.axis);
        let along = |values: &Tensor| {
            let mut shape: TVec<usize> = tvec![1; rank];
            shape[self.axis] = values.len();
            values.cast_to::<f32>()?.into_owned().into_shape(&shape)
        };
        let scale = model.add_const(format!("{name}.scale"), along(&scales)?)?;
        let zero = model.add_const(format!("{name}.zero_point"), along(&zeros)?)?;
        let float = model.wire_node(format!("{name}.cast"), cast(f32::datum_type()), &inputs[..1])?;
        let above_zero = model.wire_node(format!("{name}.sub"), sub(), &[float[0], zero])?;
        model.wire_node(name, mul(), &[above_zero[0], scale])
    }
}
