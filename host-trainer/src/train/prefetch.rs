//! Samples prepared ahead, on all cores, while the networks run.
//!
//! Takes samples by their index; gives batches as bytes, in order, whatever order their samples were ready in. Sample `i`
//! of step `s` always has the index `s * batch + i`, with the batch of the run, so neither the number of threads nor a resumption
//! changes the data.

use std::sync::mpsc::SyncSender;

use rayon::prelude::*;
use tch::{Device, Kind, TchError, Tensor};

use super::config::TrainConfig;
use super::error::TrainError;
use super::lesson::Lesson;
use super::step::Batch;
use crate::net::draem::pictures_to_tensor;
use crate::simulate::Sample;

/// Batches that wait for the networks; two hide the time that one takes.
pub const AHEAD: usize = 2;

/// Where samples come from, by index and size (width, height): the same two give the same sample.
pub type Source<'a> = dyn Fn(u64, (usize, usize)) -> Sample + Sync + 'a;

/// A batch on its way to the device.
#[derive(Debug, PartialEq, Eq)]
pub struct HostBatch {
    count: usize,
    width: usize,
    height: usize,
    clean: Vec<u8>,
    augmented: Vec<u8>,
    mask: Vec<u8>,
}

/// Sends the batches of these steps of a run in order, until the last one, the first bad sample, or the receiver's end.
pub fn feed(
    source: &Source<'_>,
    steps: std::ops::Range<u64>,
    config: &TrainConfig,
    out: &SyncSender<Result<HostBatch, TrainError>>,
) {
    for step in steps {
        let ready = prepare(source, step * config.batch as u64, config.lesson(step));
        let bad = ready.is_err();
        // A receiver that is gone has stopped on purpose; it needs no more batches.
        if out.send(ready).is_err() || bad {
            return;
        }
    }
}

/// The batch of one step, from the sample with index `first` on.
///
/// # Errors
/// [`TrainError::Sample`] with the first sample of another size.
pub fn prepare(source: &Source<'_>, first: u64, lesson: Lesson) -> Result<HostBatch, TrainError> {
    let Lesson { size: size @ (width, height), batch } = lesson;
    let samples: Vec<Sample> = (0..batch).into_par_iter().map(|offset| source(first + offset as u64, size)).collect();
    let pixels = width * height;
    let mut ready = HostBatch {
        count: batch,
        width,
        height,
        clean: Vec::with_capacity(batch * pixels * 3),
        augmented: Vec::with_capacity(batch * pixels * 3),
        mask: Vec::with_capacity(batch * pixels),
    };
    for (offset, sample) in samples.iter().enumerate() {
        let (clean, augmented, mask) = (&sample.clean, &sample.augmented, &sample.mask);
        for (what, got, length, expected) in [
            ("the clean picture", (clean.width, clean.height), clean.rgb.len(), pixels * 3),
            ("the augmented picture", (augmented.width, augmented.height), augmented.rgb.len(), pixels * 3),
            ("the mask", (mask.width, mask.height), mask.pixels.len(), pixels),
        ] {
            if got != size || length != expected {
                let index = first + offset as u64;
                return Err(TrainError::Sample { index, what, got_width: got.0, got_height: got.1, width, height });
            }
        }
        ready.clean.extend_from_slice(&clean.rgb);
        ready.augmented.extend_from_slice(&augmented.rgb);
        ready.mask.extend(mask.pixels.iter().map(|&pixel| u8::from(pixel != 0)));
    }
    Ok(ready)
}

impl HostBatch {
    /// Takes the batch to a device.
    ///
    /// # Errors
    /// Whatever torch says.
    pub fn upload(&self, device: Device) -> Result<Batch, TchError> {
        let Self { count, width, height, .. } = *self;
        let size = [count as i64, 1, height as i64, width as i64];
        let mask = Tensor::f_from_data_size(&self.mask, &size, Kind::Uint8)?.f_to(device)?.f_to_kind(Kind::Float)?;
        Ok(Batch {
            clean: pictures_to_tensor(&self.clean, count, height, width, device)?,
            augmented: pictures_to_tensor(&self.augmented, count, height, width, device)?,
            mask,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Mask, Picture};

    const TWO: Lesson = Lesson { size: (2, 1), batch: 2 };

    fn sample(index: u64, _: (usize, usize)) -> Sample {
        let picture = Picture::filled(2, 1, [index as u8, 1, 2]);
        let mut mask = Mask::empty(2, 1);
        mask.pixels[0] = 255;
        Sample { clean: picture.clone(), augmented: picture, mask }
    }

    #[test]
    fn a_batch_holds_its_own_samples_in_order() {
        let batch = prepare(&sample, 6, TWO).unwrap();
        assert_eq!(batch.clean, [6, 1, 2, 6, 1, 2, 7, 1, 2, 7, 1, 2]);
        let tensors = batch.upload(Device::Cpu).unwrap();
        assert_eq!(tensors.clean.size(), [2, 3, 1, 2]);
        assert!((tensors.clean.double_value(&[1, 0, 0, 1]) - 7.0 / 255.0).abs() < 1e-7);
        assert_eq!(tensors.mask.double_value(&[1, 0, 0, 0]), 1.0);
        assert_eq!(tensors.mask.double_value(&[1, 0, 0, 1]), 0.0);
    }

    #[test]
    fn a_sample_of_another_size_is_named() {
        let odd = |index: u64, size| match sample(index, size) {
            even if index != 5 => even,
            odd => Sample { mask: Mask::empty(1, 1), ..odd },
        };
        let error = prepare(&odd, 4, TWO).unwrap_err().to_string();
        assert_eq!(error, "sample 5: the mask is 1 by 1 pixels, the run needs 2 by 1");
    }
}
