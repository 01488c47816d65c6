//! A training run on disk: everything that it needs to go on exactly where it was.
//!
//! One safetensors file: the weights as `weights.NAME`, their average as `average.NAME`, the optimiser's two vectors as
//! `adam.mean` and `adam.square` in the order of names, and the facts of the run as JSON in the metadata. Knows no torch.
//! A file appears whole or not at all; a file that is not what it should be is an error, whatever its bytes.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde::{Deserialize, Serialize};

use crate::export::whole_file::{Access, Existing, write_whole};
use crate::export::{Array, TensorMap};

/// Name of the checkpoint in the work folder.
pub const FILE_NAME: &str = "checkpoint.safetensors";
/// The one key of the metadata.
const FACTS_KEY: &str = "draem_edge_training";
/// Raised whenever old files can no longer be read, or not be gone on from as they were begun.
const VERSION: u32 = 3;
/// Larger files are refused unread: four copies of the largest networks fit.
const MAX_BYTES: u64 = 32 << 30;

/// A point of the loss curve: means since the point before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveRow {
    /// Steps done.
    pub step: u64,
    /// Mean squared error of the reconstruction.
    pub l2: f64,
    /// Structural dissimilarity of the reconstruction, 0..=2.
    pub ssim: f64,
    /// Focal loss of the predicted mask.
    pub focal: f64,
    /// Their sum.
    pub total: f64,
    /// Learning rate of the last of these steps.
    pub lr: f64,
}

/// What a checkpoint says of its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Version of the file.
    pub version: u32,
    /// Architecture and base widths, in words.
    pub networks: String,
    /// Width and height of the pictures in pixels.
    pub size: [usize; 2],
    /// Samples in a step.
    pub batch: usize,
    /// Seed of the first weights.
    pub seed: u64,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// What the samples are made of.
    pub samples: String,
    /// Steps done.
    pub steps_done: u64,
    /// Seconds that they took.
    pub seconds: f64,
    /// Their losses.
    pub curve: Vec<CurveRow>,
}

impl Facts {
    /// The version that is written.
    pub const VERSION: u32 = VERSION;
}

/// A training run between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The facts.
    pub facts: Facts,
    /// The weights that training moves.
    pub weights: TensorMap,
    /// Their running average: what is exported.
    pub average: TensorMap,
    /// The optimiser's average gradient, one value per trained weight.
    pub mean: Vec<f32>,
    /// The optimiser's average squared gradient; 0 where Muon moves the weight and needs none.
    pub square: Vec<f32>,
}

/// Why a checkpoint cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Its words.
        source: io::Error,
    },
    /// There is no checkpoint.
    #[error("{path}: there is no checkpoint to resume from; leave --resume out to start afresh")]
    Absent {
        /// Where it should be.
        path: PathBuf,
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
    /// The file is no safetensors file.
    #[error("{path}: not a safetensors file: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: SafeTensorError,
    },
    /// The facts of the run are absent or unreadable.
    #[error("{path}: metadata '{key}' is {what}; this is no training checkpoint of this program")]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Absent, or what is wrong with it.
        what: String,
    },
    /// The file was written by another version.
    #[error("{path}: version {got}, this program reads {expected}")]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        got: u32,
        /// The version that is read.
        expected: u32,
    },
    /// A tensor that does not belong there.
    #[error("{path}: tensor {name}: {what}")]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Checkpoint {
    /// Writes the file, in place of an older one.
    ///
    /// # Errors
    /// [`CheckpointError::Io`]; the older file is then untouched.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let mut arrays: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
        for (prefix, map) in [("weights.", &self.weights), ("average.", &self.average)] {
            let named =
                map.iter().map(|(name, array)| (format!("{prefix}{name}"), array.shape.clone(), bytes(&array.values)));
            arrays.extend(named);
        }
        for (name, vector) in [("adam.mean", &self.mean), ("adam.square", &self.square)] {
            arrays.push((name.to_owned(), vec![vector.len()], bytes(vector)));
        }
        let facts = serde_json::to_string(&self.facts)
            .map_err(|error| CheckpointError::Io { path: path.to_owned(), source: error.into() })?;
        let format = |source| CheckpointError::Format { path: path.to_owned(), source };
        let views = arrays.iter().map(|(name, shape, bytes)| {
            TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name.as_str(), view))
        });
        let views = views.collect::<Result<Vec<_>, _>>().map_err(format)?;
        let metadata = HashMap::from([(FACTS_KEY.to_owned(), facts)]);
        let file = safetensors::serialize(views, Some(metadata)).map_err(format)?;
        write_whole(path, &file, Access::Public, Existing::Replace)
            .map_err(|source| CheckpointError::Io { path: path.to_owned(), source })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Every variant of [`CheckpointError`], naming the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => CheckpointError::Absent { path: path.to_owned() },
            _ => CheckpointError::Io { path: path.to_owned(), source },
        };
        let size = std::fs::metadata(path).map_err(io)?.len();
        if size > MAX_BYTES {
            return Err(CheckpointError::TooLarge { path: path.to_owned(), bytes: size, limit: MAX_BYTES });
        }
        Self::parse(path, &std::fs::read(path).map_err(io)?)
    }

    /// Reads the bytes of a file; `path` only names it in errors.
    ///
    /// # Errors
    /// As [`Checkpoint::read`], without those of the file system.
    pub fn parse(path: &Path, file: &[u8]) -> Result<Self, CheckpointError> {
        let format = |source| CheckpointError::Format { path: path.to_owned(), source };
        let facts = facts(path, SafeTensors::read_metadata(file).map_err(format)?.1.metadata())?;
        let tensors = SafeTensors::deserialize(file).map_err(format)?;
        let mut checkpoint =
            Self { facts, weights: TensorMap::new(), average: TensorMap::new(), mean: Vec::new(), square: Vec::new() };
        for (name, view) in tensors.iter() {
            let wrong = |what| CheckpointError::Tensor { path: path.to_owned(), name: name.to_owned(), what };
            if view.dtype() != Dtype::F32 {
                return Err(wrong("its values are not 32-bit floats"));
            }
            let values: Vec<f32> = view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            if !values.iter().all(|value| value.is_finite()) {
                return Err(wrong("it holds values that are not finite"));
            }
            let array = Array { shape: view.shape().to_vec(), values };
            if let Some(name) = name.strip_prefix("weights.") {
                checkpoint.weights.insert(name.to_owned(), array);
            } else if let Some(name) = name.strip_prefix("average.") {
                checkpoint.average.insert(name.to_owned(), array);
            } else {
                match name {
                    "adam.mean" => checkpoint.mean = array.values,
                    "adam.square" => checkpoint.square = array.values,
                    _ => return Err(wrong("it does not belong in a checkpoint")),
                }
            }
        }
        Ok(checkpoint)
    }
}

fn facts(path: &Path, metadata: &Option<HashMap<String, String>>) -> Result<Facts, CheckpointError> {
    let wrong = |what: String| CheckpointError::Metadata { path: path.to_owned(), key: FACTS_KEY, what };
    let text = metadata.as_ref().and_then(|metadata| metadata.get(FACTS_KEY));
    let text = text.ok_or_else(|| wrong("absent".to_owned()))?;
    let facts: Facts = serde_json::from_str(text).map_err(|error| wrong(format!("unreadable ({error})")))?;
    if facts.version == VERSION {
        Ok(facts)
    } else {
        Err(CheckpointError::Version { path: path.to_owned(), got: facts.version, expected: VERSION })
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Checkpoint {
        let map = |value: f32| {
            TensorMap::from([("recon.a.weight".to_owned(), Array { shape: vec![1, 2], values: vec![value, -value] })])
        };
        let row = CurveRow { step: 2, l2: 0.5, ssim: 0.25, focal: 0.125, total: 0.875, lr: 0.5 };
        let facts = Facts {
            version: VERSION,
            networks: "original (1, 1)".to_owned(),
            size: [32, 64],
            batch: 2,
            seed: u64::MAX,
            learning_rate: 2e-3,
            samples: "caps".into(),
            steps_done: 2,
            seconds: 1.5,
            curve: vec![row],
        };
        Checkpoint { facts, weights: map(1.5), average: map(2.5), mean: vec![0.1, 0.2], square: vec![0.3, 0.4] }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep").join(FILE_NAME);
        example().write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), example());
        let absent = Checkpoint::read(&folder.path().join("none")).unwrap_err();
        assert!(matches!(absent, CheckpointError::Absent { .. }), "{absent}");
    }

    #[test]
    fn no_truncation_and_no_flipped_byte_panics_or_passes_for_another_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        example().write(&path).unwrap();
        let file = std::fs::read(&path).unwrap();
        for length in 0..file.len() {
            assert!(Checkpoint::parse(&path, &file[..length]).is_err(), "{length} of {} bytes", file.len());
        }
        let values = 8 * (2 + 2 + 1 + 1);
        for at in 0..file.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut flipped = file.clone();
                flipped[at] ^= mask;
                if let Ok(read) = Checkpoint::parse(&path, &flipped) {
                    assert!(at + values >= file.len() || read != example(), "byte {at} ^ {mask:#x}");
                }
            }
        }
    }

    #[test]
    fn a_later_version_is_refused_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        let mut later = example();
        later.facts.version = VERSION + 1;
        later.write(&path).unwrap();
        let error = Checkpoint::read(&path).unwrap_err().to_string();
        assert!(error.ends_with("version 4, this program reads 3"), "{error}");
    }
}
