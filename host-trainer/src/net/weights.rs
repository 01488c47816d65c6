//! Every number of the two networks, on one device.
//!
//! All trained values lie in one flat vector and all running statistics in another; the named tensors are windows into
//! them. Optimiser and averaging are then a few operations on a vector instead of hundreds on small tensors, and a
//! checkpoint is a handful of arrays. Loading is strict: names and shapes are exactly those that the networks imply.
//!
//! # Invariants
//! A named tensor shares its storage with its window for as long as both live; nothing here replaces a tensor's storage.

use std::collections::BTreeMap;

use tch::{Device, Kind, TchError, Tensor};

use crate::architecture::{Architecture, Networks};
use crate::export::{Array, TensorMap};

/// Weights that do not fit the networks, or torch's own complaint.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A tensor that the networks imply is absent.
    #[error("tensor {name} is missing; {networks} networks need it")]
    Missing {
        /// Its name.
        name: String,
        /// The networks asked for.
        networks: Networks,
    },
    /// A tensor that these networks do not have.
    #[error("tensor {name} does not belong to {networks} networks")]
    Extra {
        /// Its name.
        name: String,
        /// The networks asked for.
        networks: Networks,
    },
    /// A tensor of another shape.
    #[error("tensor {name} has shape {got:?} with {values} values; these networks need {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// The shape that the networks imply.
        expected: Vec<usize>,
        /// The shape that it has.
        got: Vec<usize>,
        /// How many values it really holds.
        values: usize,
    },
    /// A picture whose size the networks cannot take.
    #[error(
        "picture {index} is {width} by {height} pixels with {bytes} bytes; all must have one size, sides multiples of 32"
    )]
    Picture {
        /// Its place in the list, from 0.
        index: usize,
        /// Its width in pixels.
        width: usize,
        /// Its height in pixels.
        height: usize,
        /// Bytes that it holds.
        bytes: usize,
    },
    /// Torch refused, most often for want of memory.
    #[error("torch: {0}")]
    Torch(#[from] TchError),
}

/// The tensors of both networks.
pub struct Weights {
    networks: Networks,
    trained: Tensor,
    statistics: Tensor,
    named: BTreeMap<String, Tensor>,
}

/// What the names of the heads' tensors have in common.
const HEAD: &str = ".fin_out.";

/// Whether training moves the tensor by gradient; running statistics it does not.
fn is_trained(name: &str) -> bool {
    !(name.ends_with(".running_mean") || name.ends_with(".running_var"))
}

impl Weights {
    /// Copies a checkpoint to a device.
    ///
    /// # Errors
    /// [`NetError::Missing`], [`NetError::Extra`] or [`NetError::Shape`] with the first tensor that does not fit.
    pub fn load(tensors: &TensorMap, networks: Networks, device: Device) -> Result<Self, NetError> {
        let shapes = networks.tensor_shapes();
        if let Some(name) = tensors.keys().find(|&name| !shapes.contains_key(name)) {
            return Err(NetError::Extra { name: name.clone(), networks });
        }
        let (mut trained, mut statistics) = (Vec::new(), Vec::new());
        for (name, shape) in &shapes {
            let Some(array) = tensors.get(name) else {
                return Err(NetError::Missing { name: name.clone(), networks });
            };
            if array.shape != *shape || array.values.len() != shape.iter().product::<usize>() {
                return Err(NetError::Shape {
                    name: name.clone(),
                    expected: shape.clone(),
                    got: array.shape.clone(),
                    values: array.values.len(),
                });
            }
            if is_trained(name) { &mut trained } else { &mut statistics }.extend_from_slice(&array.values);
        }
        let trained = Tensor::f_from_slice(&trained)?.f_to(device)?;
        let statistics = Tensor::f_from_slice(&statistics)?.f_to(device)?;
        let mut named = BTreeMap::new();
        let (mut trained_at, mut statistics_at) = (0, 0);
        for (name, shape) in &shapes {
            let length = shape.iter().product::<usize>() as i64;
            let (flat, at) =
                if is_trained(name) { (&trained, &mut trained_at) } else { (&statistics, &mut statistics_at) };
            let axes: Vec<i64> = shape.iter().map(|&axis| axis as i64).collect();
            let window = flat.f_narrow(0, *at, length)?.f_view_(&axes)?.f_detach()?;
            named.insert(name.clone(), window.f_set_requires_grad(is_trained(name))?);
            *at += length;
        }
        Ok(Self { networks, trained, statistics, named })
    }

    /// How the layers are connected.
    pub fn architecture(&self) -> Architecture {
        self.networks.architecture
    }

    /// Copies everything back from the device.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn to_map(&self) -> Result<TensorMap, NetError> {
        self.map_of(&self.trained, &self.statistics)
    }

    /// Names the values of two flat vectors in the order of these weights: for averages of them.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn map_of(&self, trained: &Tensor, statistics: &Tensor) -> Result<TensorMap, NetError> {
        let (trained, statistics) = (values(trained)?, values(statistics)?);
        let (mut trained_at, mut statistics_at) = (0, 0);
        let mut tensors = TensorMap::new();
        for (name, shape) in self.networks.tensor_shapes() {
            let length = shape.iter().product::<usize>();
            let (flat, at) =
                if is_trained(&name) { (&trained, &mut trained_at) } else { (&statistics, &mut statistics_at) };
            tensors.insert(name, Array { shape, values: flat[*at..*at + length].to_vec() });
            *at += length;
        }
        Ok(tensors)
    }

    /// All trained values, `[n]`, without gradient.
    pub fn trained(&self) -> &Tensor {
        &self.trained
    }

    /// All running statistics, `[n]`.
    pub fn statistics(&self) -> &Tensor {
        &self.statistics
    }

    /// The trained tensors, in the order in which they lie in [`Weights::trained`].
    pub fn leaves(&self) -> Vec<&Tensor> {
        self.named.iter().filter(|(name, _)| is_trained(name)).map(|(_, tensor)| tensor).collect()
    }

    /// For each trained value 1 if it belongs to a convolution's kernel, else 0: what weight decay acts on. `[n]`.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn kernel_marks(&self) -> Result<Tensor, NetError> {
        let marks: Vec<f32> = self
            .leaves()
            .into_iter()
            .flat_map(|leaf| std::iter::repeat_n(if leaf.dim() == 4 { 1.0 } else { 0.0 }, leaf.numel()))
            .collect();
        Ok(Tensor::f_from_slice(&marks)?.f_to(self.trained.device())?)
    }

    /// The kernels between input and heads: where each starts in [`Weights::trained`], and its shape `[outputs, inputs, rows, columns]`.
    pub fn hidden_kernels(&self) -> Vec<(i64, [i64; 4])> {
        let (mut kernels, mut start) = (Vec::new(), 0);
        for (name, leaf) in self.named.iter().filter(|(name, _)| is_trained(name)) {
            if let Ok(shape) = leaf.size().try_into()
                && !name.contains(HEAD)
            {
                kernels.push((start, shape));
            }
            start += leaf.numel() as i64;
        }
        kernels
    }

    /// The tensor of this name.
    ///
    /// # Panics
    /// If the networks have no such tensor: names come from the layers alone, never from a file.
    pub(crate) fn get(&self, name: &str) -> Tensor {
        self.named[name].shallow_clone()
    }
}

/// The values of a flat vector, on the CPU.
pub(crate) fn values(flat: &Tensor) -> Result<Vec<f32>, TchError> {
    let flat = flat.f_detach()?.f_to(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let mut values = vec![0.0; flat.numel()];
    let count = values.len();
    flat.f_copy_data(&mut values, count)?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::initial;

    const NETWORKS: Networks = Networks::original(2, 3);

    #[test]
    fn what_is_loaded_is_stored() {
        let map = initial(NETWORKS, 5);
        let weights = Weights::load(&map, NETWORKS, Device::Cpu).unwrap();
        assert_eq!(weights.to_map().unwrap(), map);
    }

    #[test]
    fn names_are_windows_into_the_flat_vector() {
        let weights = Weights::load(&initial(NETWORKS, 5), NETWORKS, Device::Cpu).unwrap();
        let _ = weights.trained().shallow_clone().fill_(3.0);
        assert_eq!(weights.get("seg.decoder_segment.fin_out.0.bias").double_value(&[1]), 3.0);
        assert_eq!(weights.get("seg.decoder_segment.db_b.1.running_var").double_value(&[1]), 1.0);
    }

    #[test]
    fn hidden_kernels_are_all_but_the_heads() {
        let weights = Weights::load(&initial(NETWORKS, 5), NETWORKS, Device::Cpu).unwrap();
        let kernels = weights.hidden_kernels();
        assert_eq!(kernels.len(), 22 + 27);
        for (start, shape) in kernels {
            let _ = weights.trained().narrow(0, start, shape.iter().product()).fill_(3.0);
        }
        for (name, leaf) in weights.named.iter().filter(|(name, _)| is_trained(name)) {
            let filled = leaf.dim() == 4 && !name.contains("fin_out");
            assert_eq!(leaf.eq(3.0).all().int64_value(&[]) == 1, filled, "{name}");
        }
    }

    #[test]
    fn a_tensor_that_does_not_fit_is_named() {
        let name = "recon.encoder.block1.0.weight";
        let load = |map: &TensorMap| match Weights::load(map, NETWORKS, Device::Cpu) {
            Ok(_) => panic!("loaded"),
            Err(error) => error.to_string(),
        };
        let mut missing = initial(NETWORKS, 5);
        missing.remove(name);
        assert!(load(&missing).contains("recon.encoder.block1.0.weight is missing"));
        let mut extra = initial(NETWORKS, 5);
        extra.insert("recon.encoder.block9.0.bias".into(), Array { shape: vec![1], values: vec![0.0] });
        assert!(load(&extra).contains("block9.0.bias does not belong"));
        let mut shape = initial(NETWORKS, 5);
        shape.insert(name.into(), Array { shape: vec![2, 3, 1, 9], values: vec![0.0; 54] });
        assert!(load(&shape).contains("[2, 3, 1, 9] with 54 values"));
        let mut short = initial(NETWORKS, 5);
        if let Some(array) = short.get_mut(name) {
            array.values.pop();
        }
        assert!(load(&short).contains("53 values"));
    }
}
