//! A file of `torch.save` (a zip archive since torch 1.6) as arrays.
//!
//! Takes the bytes of the file; gives each tensor of its state dictionary as row-major 32-bit floats. Integer tensors,
//! which are bookkeeping in these networks, are left out. Compressed archives, which torch never writes, are refused.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::pickle::{PickleError, read_state_dict};
use super::value::{Number, Storage, TensorWindow};
use crate::export::Array;

/// The longest `data.pkl` that is read; the largest original one has 30 kB.
const MAX_PICKLE_BYTES: u64 = 16 << 20;

/// Why a file of `torch.save` is refused.
#[derive(Debug, thiserror::Error)]
pub enum TorchFileError {
    /// The archive itself is broken.
    #[error("not a readable zip archive of torch.save: {0}")]
    Zip(#[from] ZipError),
    /// The archive holds no pickle, or several.
    #[error("the archive holds {got} files named data.pkl, a file of torch.save holds 1")]
    Pickles {
        /// How many there are.
        got: usize,
    },
    /// The pickle is refused.
    #[error(transparent)]
    Pickle(#[from] PickleError),
    /// The numbers are in the other byte order.
    #[error("its byte order is '{got}', only 'little' is read")]
    ByteOrder {
        /// What the archive says.
        got: String,
    },
    /// A file in the archive has another length than it should.
    #[error("{name} in the archive has {got} bytes, not {right}")]
    Length {
        /// Its name.
        name: String,
        /// Its length.
        got: u64,
        /// What would be right.
        right: String,
    },
    /// A file in the archive cannot be read.
    #[error("{name} in the archive: {source}")]
    Entry {
        /// Its name.
        name: String,
        /// What is wrong.
        source: std::io::Error,
    },
    /// A tensor reaches beyond its storage.
    #[error("tensor {name} reaches beyond the {length} numbers of its storage")]
    Beyond {
        /// The tensor.
        name: String,
        /// Numbers in the storage.
        length: usize,
    },
    /// The tensors together are larger than the file: they overlap, which networks do not.
    #[error("tensor {name}: the tensors so far hold more numbers than the file has bytes")]
    TooMuch {
        /// The tensor at which it was seen.
        name: String,
    },
}

/// The float tensors of the file, by their names in the state dictionary.
///
/// # Errors
/// Every variant of [`TorchFileError`].
pub fn read(file: &[u8]) -> Result<BTreeMap<String, Array>, TorchFileError> {
    let mut archive = ZipArchive::new(Cursor::new(file))?;
    let names: Vec<String> =
        archive.file_names().map(|name| name.map(|name| name.into_owned())).collect::<Result<_, _>>()?;
    let mut folders =
        names.iter().filter_map(|name| name.strip_suffix("data.pkl")).filter(|folder| folder.ends_with('/'));
    let (Some(folder), None) = (folders.next(), folders.next()) else {
        let got = names.iter().filter(|name| name.ends_with("/data.pkl")).count();
        return Err(TorchFileError::Pickles { got });
    };
    let order = format!("{folder}byteorder");
    if names.contains(&order) {
        let got = entry(&mut archive, &order, 16)?;
        if got != b"little" {
            return Err(TorchFileError::ByteOrder { got: String::from_utf8_lossy(&got).into_owned() });
        }
    }
    let windows = read_state_dict(&entry(&mut archive, &format!("{folder}data.pkl"), MAX_PICKLE_BYTES)?)?;
    let mut tensors = BTreeMap::new();
    let mut numbers = 0_usize;
    for (name, window) in windows {
        if window.storage.number == Number::Long {
            continue;
        }
        let count = count(&window)
            .ok_or_else(|| TorchFileError::Beyond { name: name.clone(), length: window.storage.length })?;
        numbers = numbers.saturating_add(count);
        if numbers > file.len() {
            return Err(TorchFileError::TooMuch { name });
        }
        let values = storage(&mut archive, folder, &window.storage)?;
        tensors.insert(name, Array { values: gather(&window, &values, count), shape: window.shape });
    }
    Ok(tensors)
}

/// Reads one file of the archive, of at most `limit` bytes.
fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, limit: u64) -> Result<Vec<u8>, TorchFileError> {
    let file = archive.by_name(name)?;
    if file.size() > limit {
        let (name, got) = (name.to_owned(), file.size());
        return Err(TorchFileError::Length { name, got, right: format!("at most {limit}") });
    }
    let mut bytes = Vec::new();
    // One byte more than allowed: the checksum is compared only by a read that meets the end.
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| TorchFileError::Entry { name: name.to_owned(), source })?;
    Ok(bytes)
}

/// The numbers of a storage.
fn storage(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    folder: &str,
    storage: &Storage,
) -> Result<Vec<f32>, TorchFileError> {
    let name = format!("{folder}data/{}", storage.key);
    let right = storage.length as u64 * storage.number.bytes() as u64;
    let bytes = entry(archive, &name, right)?;
    if bytes.len() as u64 != right {
        return Err(TorchFileError::Length { name, got: bytes.len() as u64, right: right.to_string() });
    }
    Ok(floats(&bytes, storage.number))
}

/// Numbers in a window, if all of them lie in its storage.
fn count(window: &TensorWindow) -> Option<usize> {
    let mut count = 1_usize;
    let mut last = window.offset;
    for (&length, &stride) in window.shape.iter().zip(&window.strides) {
        count = count.checked_mul(length)?;
        last = last.checked_add(length.saturating_sub(1).checked_mul(stride)?)?;
    }
    (count == 0 || (last < window.storage.length && count <= window.storage.length)).then_some(count)
}

/// The numbers of a window that [`count`] has found to lie in `values`, row-major.
fn gather(window: &TensorWindow, values: &[f32], count: usize) -> Vec<f32> {
    let mut gathered = Vec::with_capacity(count);
    let mut index = vec![0; window.shape.len()];
    for _ in 0..count {
        let at: usize = index.iter().zip(&window.strides).map(|(index, stride)| index * stride).sum();
        gathered.push(values[window.offset + at]);
        for (index, &length) in index.iter_mut().zip(&window.shape).rev() {
            *index += 1;
            if *index < length {
                break;
            }
            *index = 0;
        }
    }
    gathered
}

/// Little-endian numbers as 32-bit floats; a rest that is no whole number is dropped.
pub(super) fn floats(bytes: &[u8], number: Number) -> Vec<f32> {
    match number {
        Number::Float => bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        Number::Double => bytes.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes) as f32).collect(),
        Number::Half => bytes.as_chunks().0.iter().map(|&bytes| half(u16::from_le_bytes(bytes))).collect(),
        Number::BFloat16 => bytes
            .as_chunks()
            .0
            .iter()
            .map(|&bytes| f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16))
            .collect(),
        Number::Long => bytes.as_chunks().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as f32).collect(),
    }
}

/// IEEE 754 binary16 as binary32; exact.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2.0_f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2.0_f32.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    fn window(shape: &[usize], strides: &[usize], offset: usize) -> TensorWindow {
        let storage = Rc::new(Storage { number: Number::Float, key: "0".into(), length: 6 });
        TensorWindow { storage, offset, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    #[test]
    fn halves_are_exact() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 5.960_464_5e-8), (0x3555, 0.333_251_95)]
        {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert_eq!(half(0xfc00), f32::NEG_INFINITY);
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn each_number_type_is_read() {
        assert_eq!(floats(&1.5_f64.to_le_bytes(), Number::Double), [1.5]);
        assert_eq!(floats(&[0xc0, 0x3f], Number::BFloat16), [1.5]);
        assert_eq!(floats(&[0x00, 0x3e], Number::Half), [1.5]);
    }

    #[test]
    fn strides_are_followed() {
        let values = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let transposed = window(&[3, 2], &[1, 3], 0);
        assert_eq!(gather(&transposed, &values, count(&transposed).unwrap()), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        let scalar = window(&[], &[], 4);
        assert_eq!(gather(&scalar, &values, count(&scalar).unwrap()), [4.0]);
    }

    #[test]
    fn a_window_beyond_its_storage_is_seen() {
        assert_eq!(count(&window(&[6], &[1], 0)), Some(6));
        assert_eq!(count(&window(&[6], &[1], 1)), None);
        assert_eq!(count(&window(&[2], &[usize::MAX], 1)), None);
        assert_eq!(count(&window(&[1 << 31, 1 << 31, 1 << 31], &[0, 0, 0], 0)), None);
        assert_eq!(count(&window(&[1000], &[0], 0)), None);
        assert_eq!(count(&window(&[0, 9], &[1, 1], 0)), Some(0));
    }
}
