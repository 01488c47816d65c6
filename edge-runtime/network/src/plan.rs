//! Where each value lies, and what is computed in which order.
//!
//! Takes recognised layers, gives operations on places. A place is a part of each pixel's bytes in a slot; a slot is storage that one
//! value after the other uses. Two values that are concatenated lie side by side in one slot from the start, so that concatenation
//! costs nothing; only a value that a convolution reads too has a place of its own, and its bytes are copied.

use edge_kernels::Isa;
use edge_kernels::conv::{Conv, ConvError, Output, Spec};
use edge_kernels::resize::{Arithmetic, Between, doubled};
use thiserror::Error;

use crate::recognise::{Kind, Layer, Recognised, Value};

/// Where a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which slot.
    pub slot: usize,
    /// Bytes from pixel to pixel, a multiple of 4.
    pub stride: usize,
    /// Its first channel within a pixel's bytes.
    pub offset: usize,
    /// Its channels.
    pub channels: usize,
    /// Pixels from left to right, without the border.
    pub width: usize,
    /// Pixels from top to bottom, without the border.
    pub height: usize,
    /// The byte that stands for 0, and fills the border.
    pub zero: u8,
}

impl Place {
    /// Bytes of a row with its two border pixels.
    pub const fn row_bytes(&self) -> usize {
        (self.width + 2) * self.stride
    }
}

/// One operation.
pub struct Operation {
    /// The layer's name.
    pub name: String,
    /// What is done.
    pub work: Work,
    /// Multiplications with sums, for one picture.
    pub macs: u64,
}

/// What an operation does.
pub enum Work {
    /// The camera's bytes go to their place.
    Picture {
        /// Where they go.
        to: Place,
    },
    /// A convolution.
    Conv {
        /// Its weights.
        conv: Conv,
        /// What it reads.
        from: Place,
        /// What it writes.
        to: Place,
    },
    /// The last convolution with the logistic curve.
    Head {
        /// Its weights.
        conv: Conv,
        /// What it reads.
        from: Place,
    },
    /// The largest of 2 by 2.
    Pool {
        /// What it reads.
        from: Place,
        /// What it writes.
        to: Place,
    },
    /// Bilinear, to twice the size.
    Upsample {
        /// What it reads.
        from: Place,
        /// What it writes.
        to: Place,
        /// What is interpolated.
        arithmetic: Arithmetic,
        /// For each row of the result, the rows that it lies between.
        rows: Vec<Between>,
        /// For each column of the result, the columns that it lies between.
        columns: Vec<Between>,
    },
    /// The same bytes at another place.
    Copy {
        /// What it reads.
        from: Place,
        /// What it writes.
        to: Place,
    },
}

/// All of it.
pub struct Plan {
    /// In their order.
    pub operations: Vec<Operation>,
    /// For each slot the places that share it; storage must suit the largest.
    pub slots: Vec<Vec<Place>>,
    /// Places that are read from outside when all is done, in the order of `read_elsewhere`.
    pub outputs: Vec<Place>,
}

/// Bytes of storage for each pixel of the picture that a plan may take. The paper's networks stay below it.
pub const MAX_BYTES_PER_PIXEL: usize = 4096;

/// Why layers cannot be computed here.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A layer is beyond the kernels.
    #[error("layer `{layer}`: {source}")]
    Layer {
        /// The layer.
        layer: String,
        /// What is wrong with it.
        source: ConvError,
    },
    /// So much is kept at once that only a hostile file asks for it.
    #[error("the values that are kept at once take {got} bytes, at most {limit} are allowed for this picture")]
    Memory {
        /// Bytes needed.
        got: usize,
        /// Bytes allowed.
        limit: usize,
    },
}

/// Bytes of one or more values side by side.
struct Home {
    stride: usize,
    /// Operations, by their places in the order, from the first that writes to the last that reads.
    alive: (usize, usize),
    like: usize,
    slot: usize,
}

/// Where a value lies before slots are known.
#[derive(Clone, Copy)]
struct Seat {
    home: usize,
    offset: usize,
}

/// Plans recognised layers for one instruction set.
///
/// # Errors
/// [`PlanError`].
pub fn plan(isa: Isa, found: &Recognised) -> Result<Plan, PlanError> {
    let (mut homes, seats, copies) = seats(found);
    let steps = steps(found, &copies);
    for (at, step) in steps.iter().enumerate() {
        for seat in step.touched(found, &seats) {
            let alive = &mut homes[seat.home].alive;
            *alive = (alive.0.min(at), alive.1.max(at));
        }
    }
    for &value in found.read_elsewhere.keys() {
        homes[seats[value].home].alive.1 = steps.len();
    }
    let sizes = assign_slots(&mut homes, found);
    let (got, limit) = (sizes.iter().sum(), MAX_BYTES_PER_PIXEL * (found.size.0 * found.size.1).max(1024));
    if got > limit {
        return Err(PlanError::Memory { got, limit });
    }
    let place = |seat: Seat, value: usize| {
        let (home, Value { channels, width, height, coding, .. }) = (&homes[seat.home], &found.values[value]);
        let (channels, width, height) = (*channels, *width, *height);
        Place { slot: home.slot, stride: home.stride, offset: seat.offset, channels, width, height, zero: coding.zero }
    };
    let mut slots: Vec<Vec<Place>> = vec![Vec::new(); sizes.len()];
    homes.iter().enumerate().for_each(|(home, at)| slots[at.slot].push(place(Seat { home, offset: 0 }, at.like)));
    let of = |value: usize| place(seats[value], value);
    let operations = steps
        .iter()
        .map(|step| match *step {
            Step::Picture => Ok(Operation { name: "picture".into(), work: Work::Picture { to: of(0) }, macs: 0 }),
            Step::Copy { value, to } => {
                let (from, to) = (of(value), place(to, value));
                Ok(Operation {
                    name: format!("{} beside", found.values[value].name),
                    work: Work::Copy { from, to },
                    macs: 0,
                })
            }
            Step::Layer(layer) => operation(isa, &found.layers[layer], found, of),
        })
        .collect::<Result<_, PlanError>>()?;
    let outputs = found.read_elsewhere.keys().map(|&value| of(value)).collect();
    Ok(Plan { operations, slots, outputs })
}

/// A step before places are known.
enum Step {
    Picture,
    Layer(usize),
    Copy { value: usize, to: Seat },
}

impl Step {
    /// The seats that it reads or writes.
    fn touched(&self, found: &Recognised, seats: &[Seat]) -> Vec<Seat> {
        match self {
            Self::Picture => vec![seats[0]],
            Self::Copy { value, to } => vec![seats[*value], *to],
            Self::Layer(layer) => {
                let Layer { inputs, output, .. } = &found.layers[*layer];
                inputs.iter().chain(output).map(|&value| seats[value]).collect()
            }
        }
    }
}

/// Decides which values lie side by side.
fn seats(found: &Recognised) -> (Vec<Home>, Vec<Seat>, Vec<(usize, Seat)>) {
    let values = &found.values;
    let read_by_conv = |value: usize| {
        let conv = |layer: &&Layer| matches!(layer.kind, Kind::Conv { .. }) && layer.inputs.contains(&value);
        found.layers.iter().any(|layer| conv(&layer))
    };
    let mut homes = Vec::new();
    let mut home = |like: usize| {
        let stride = values[like].channels.next_multiple_of(4);
        homes.push(Home { stride, alive: (usize::MAX, 0), like, slot: 0 });
        homes.len() - 1
    };
    let mut seats: Vec<Option<Seat>> = vec![None; values.len()];
    let mut copies = Vec::new();
    // From the last concatenation to the first, so that one that is part of another finds its seat there.
    for layer in found.layers.iter().rev().filter(|layer| layer.kind == Kind::Concat) {
        let Some(joined) = layer.output else { continue };
        let seat = *seats[joined].get_or_insert_with(|| Seat { home: home(joined), offset: 0 });
        let mut offset = seat.offset;
        for &part in &layer.inputs {
            let here = Seat { offset, ..seat };
            offset += values[part].channels;
            // A convolution would multiply its neighbours' bytes with zeros.
            if seats[part].is_some() || read_by_conv(part) {
                copies.push((part, here));
            } else {
                seats[part] = Some(here);
            }
        }
    }
    let seats = seats
        .into_iter()
        .enumerate()
        .map(|(value, seat)| seat.unwrap_or_else(|| Seat { home: home(value), offset: 0 }));
    let seats = seats.collect();
    (homes, seats, copies)
}

/// The order: as the layers stand, with each copy as soon as its value is there. A concatenation is no work by itself.
fn steps(found: &Recognised, copies: &[(usize, Seat)]) -> Vec<Step> {
    let copies_of = |value: usize| {
        copies.iter().filter(move |(copied, _)| *copied == value).map(|&(value, to)| Step::Copy { value, to })
    };
    // Without values in bytes there is none for the picture either.
    let mut steps: Vec<Step> = found.values.first().map(|_| Step::Picture).into_iter().collect();
    steps.extend(copies_of(0));
    for (at, layer) in found.layers.iter().enumerate() {
        if layer.kind != Kind::Concat {
            steps.push(Step::Layer(at));
        }
        steps.extend(layer.output.into_iter().flat_map(copies_of));
    }
    steps
}

/// Gives every home a slot that nobody else uses while it is alive; as few and as small ones as a greedy choice finds. Returns the
/// slots' sizes.
fn assign_slots(homes: &mut [Home], found: &Recognised) -> Vec<usize> {
    let bytes = |home: &Home| {
        let value = &found.values[home.like];
        (value.width + 2) * value.height * home.stride
    };
    let mut order: Vec<usize> = (0..homes.len()).collect();
    order.sort_by_key(|&home| homes[home].alive);
    // Of each slot: the last operation that needs it, and its size.
    let mut slots: Vec<(usize, usize)> = Vec::new();
    for home in order {
        let ((from, to), needed) = (homes[home].alive, bytes(&homes[home]));
        let free = (0..slots.len()).filter(|&slot| slots[slot].0 < from);
        let slot = free.min_by_key(|&slot| slots[slot].1.abs_diff(needed)).unwrap_or_else(|| {
            slots.push((0, 0));
            slots.len() - 1
        });
        slots[slot] = (to, slots[slot].1.max(needed));
        homes[home].slot = slot;
    }
    slots.into_iter().map(|(_, size)| size).collect()
}

fn operation(isa: Isa, layer: &Layer, found: &Recognised, of: impl Fn(usize) -> Place) -> Result<Operation, PlanError> {
    let from = of(layer.inputs[0]);
    let to = layer.output.map(of);
    let (work, macs) = match (&layer.kind, to) {
        (Kind::Conv { weights, bias, scales, rectified }, to) => {
            let output = to.map_or(Output::Float, |to| Output::Byte {
                zero: to.zero,
                lowest: if *rectified { to.zero } else { 0 },
            });
            let spec = Spec {
                inputs: from.channels,
                input_stride: from.stride,
                input_offset: from.offset,
                input_zero: from.zero,
                outputs: bias.len(),
                weights,
                bias,
                scales,
                output,
            };
            let conv =
                Conv::new(isa, &spec).map_err(|source| PlanError::Layer { layer: layer.name.clone(), source })?;
            let macs = (weights.len() * from.width * from.height) as u64;
            let work = match to {
                Some(to) => Work::Conv { conv, from, to },
                None => Work::Head { conv, from },
            };
            (work, macs)
        }
        (Kind::Pool, Some(to)) => (Work::Pool { from, to }, 0),
        (Kind::Upsample, Some(to)) => {
            let arithmetic = found.arithmetic(layer.inputs[0]);
            let [rows, columns] = [from.height, from.width].map(|n| doubled(n, arithmetic.places()));
            (Work::Upsample { from, to, arithmetic, rows, columns }, 0)
        }
        // Concatenations are no steps, and only a convolution makes the heatmap.
        (_, to) => (Work::Copy { from, to: to.unwrap_or(from) }, 0),
    };
    Ok(Operation { name: layer.name.clone(), work, macs })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by fuzzing: a model in floats, handed in as one in integers.
    #[test]
    fn nothing_recognised_is_nothing_to_do() {
        let plan = plan(Isa::Scalar, &Recognised { size: (32, 32), ..Recognised::default() }).unwrap();
        assert!(plan.operations.is_empty() && plan.slots.is_empty() && plan.outputs.is_empty());
    }
}
