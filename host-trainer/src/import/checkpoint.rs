//! A checkpoint of the original code as one map of tensors, with the networks that it belongs to.
//!
//! Takes two files, each a state dictionary of `torch.save` (the original's `.pckl`) or a `.safetensors` file, with or
//! without the prefixes `recon.` and `seg.`; gives all tensors under these prefixes. Strict: missing tensors, unknown
//! ones and wrong shapes are errors by name. Integer bookkeeping (`num_batches_tracked`) is left out.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensorError, SafeTensors};

use super::torch_file::{self, TorchFileError, floats};
use super::value::Number;
use crate::architecture::{Architecture, MAX_WIDTH, Networks};
use crate::export::{Array, TensorMap};

/// Larger files are refused unread: the original's reconstructive network has 276 MB.
const MAX_BYTES: u64 = 8 << 30;

/// Both networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Every tensor, under `recon.` or `seg.`.
    pub tensors: TensorMap,
    /// The networks that they belong to.
    pub networks: Networks,
}

/// Why a checkpoint cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Its words.
        source: io::Error,
    },
    /// The file is larger than any checkpoint.
    #[error("{path}: {bytes} bytes; a checkpoint has at most {limit}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest size that is read.
        limit: u64,
    },
    /// A file of `torch.save` that is refused.
    #[error("{path}: {source}")]
    TorchFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TorchFileError,
    },
    /// A file of neither kind.
    #[error("{path}: neither a zip archive of torch.save (torch 1.6 or later) nor a safetensors file: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Why it is no safetensors file.
        source: SafeTensorError,
    },
    /// A tensor holds numbers that networks do not.
    #[error("{path}: tensor {name} holds {what}")]
    Numbers {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Which numbers.
        what: String,
    },
    /// The tensor that tells a network's width is absent or has no width of ours.
    #[error("tensor {name} has shape {got:?}; it tells the network's width and must be [1 to 512, {inputs}, 3, 3]")]
    Width {
        /// Its name.
        name: &'static str,
        /// Its shape; empty if it is absent.
        got: Vec<usize>,
        /// Channels of the network's input.
        inputs: usize,
    },
    /// A tensor that the networks imply is absent.
    #[error("tensor {name} is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor that the networks do not have.
    #[error("tensor {name} belongs to neither network")]
    Extra {
        /// Its name.
        name: String,
    },
    /// A tensor of another shape than the networks imply.
    #[error("tensor {name} has shape {got:?}, networks of this width have {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// Its shape.
        got: Vec<usize>,
        /// The shape that the width implies.
        expected: Vec<usize>,
    },
}

/// Reads the reconstructive network from one file and the discriminative one from another, or both from the same.
///
/// # Errors
/// Every variant of [`ImportError`].
pub fn load_pair(recon: &Path, seg: &Path) -> Result<Imported, ImportError> {
    let mut tensors = prefixed(read(recon)?, "recon.");
    tensors.extend(prefixed(read(seg)?, "seg."));
    let networks = infer_networks(&tensors)?;
    let expected = networks.tensor_shapes();
    for (name, shape) in &expected {
        let Some(array) = tensors.get(name) else { return Err(ImportError::Missing { name: name.clone() }) };
        if array.shape != *shape {
            let (name, got, expected) = (name.clone(), array.shape.clone(), shape.clone());
            return Err(ImportError::Shape { name, got, expected });
        }
    }
    match tensors.keys().find(|&name| !expected.contains_key(name)) {
        Some(name) => Err(ImportError::Extra { name: name.clone() }),
        None => Ok(Imported { tensors, networks }),
    }
}

/// The networks that these tensors belong to, from the shapes of their first convolutions and of the one at which a bridge ends.
///
/// # Errors
/// [`ImportError::Width`].
pub fn infer_networks(tensors: &TensorMap) -> Result<Networks, ImportError> {
    let width = |name: &'static str, inputs: usize| {
        let got = tensors.get(name).map(|array| array.shape.clone()).unwrap_or_default();
        match got[..] {
            [width, channels, 3, 3] if channels == inputs && (1..=MAX_WIDTH).contains(&width) => Ok(width),
            _ => Err(ImportError::Width { name, got, inputs }),
        }
    };
    Ok(Networks {
        recon: width("recon.encoder.block1.0.weight", 3)?,
        seg: width("seg.encoder_segment.block1.0.weight", 6)?,
        architecture: Architecture::of_tensors(tensors),
    })
}

/// One network's tensors under its prefix. A file that holds both networks gives only those of this one.
fn prefixed(tensors: BTreeMap<String, Array>, prefix: &str) -> TensorMap {
    let holds_prefixes = tensors.keys().any(|name| name.starts_with("recon.") || name.starts_with("seg."));
    if holds_prefixes {
        return tensors.into_iter().filter(|(name, _)| name.starts_with(prefix)).collect();
    }
    tensors.into_iter().map(|(name, array)| (format!("{prefix}{name}"), array)).collect()
}

fn read(path: &Path) -> Result<BTreeMap<String, Array>, ImportError> {
    let io = |source| ImportError::Io { path: path.to_owned(), source };
    let bytes = std::fs::metadata(path).map_err(io)?.len();
    if bytes > MAX_BYTES {
        return Err(ImportError::TooLarge { path: path.to_owned(), bytes, limit: MAX_BYTES });
    }
    let file = std::fs::read(path).map_err(io)?;
    let tensors = if file.starts_with(b"PK\x03\x04") {
        torch_file::read(&file).map_err(|source| ImportError::TorchFile { path: path.to_owned(), source })?
    } else {
        read_safetensors(path, &file)?
    };
    match tensors.iter().find(|(_, array)| !array.values.iter().all(|value| value.is_finite())) {
        Some((name, _)) => {
            let (path, name, what) = (path.to_owned(), name.clone(), "values that are not finite".to_owned());
            Err(ImportError::Numbers { path, name, what })
        }
        None => Ok(tensors),
    }
}

fn read_safetensors(path: &Path, file: &[u8]) -> Result<BTreeMap<String, Array>, ImportError> {
    let tensors =
        SafeTensors::deserialize(file).map_err(|source| ImportError::Format { path: path.to_owned(), source })?;
    let mut arrays = BTreeMap::new();
    for (name, view) in tensors.iter() {
        let number = match view.dtype() {
            Dtype::F32 => Number::Float,
            Dtype::F64 => Number::Double,
            Dtype::F16 => Number::Half,
            Dtype::BF16 => Number::BFloat16,
            Dtype::I64 => continue,
            other => {
                let (path, name, what) = (path.to_owned(), name.to_owned(), format!("{other:?} numbers"));
                return Err(ImportError::Numbers { path, name, what });
            }
        };
        arrays.insert(name.to_owned(), Array { shape: view.shape().to_vec(), values: floats(view.data(), number) });
    }
    Ok(arrays)
}
