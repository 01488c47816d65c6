//! Both networks together.
//!
//! Takes pictures `[n, 3, h, w]` in 0..1, gives reconstruction and logits; [`forward_heatmap`] takes pictures as bytes and
//! gives heatmaps as plain numbers, in evaluation mode and 32-bit floats, to compare with what was exported.

use tch::{Device, Kind, TchError, Tensor};

use super::arithmetic::Arithmetic;
use super::blocks::Mode;
use super::discriminative::Discriminative;
use super::reconstructive::Reconstructive;
use super::weights::{NetError, Weights, values};
use crate::architecture::{Networks, SIDE_MULTIPLE};
use crate::data::Picture;
use crate::export::TensorMap;

/// Pictures that pass through the networks at once in evaluation; bounds the memory, changes no result.
const EVALUATION_BATCH: usize = 8;

/// The reconstructive network, and the discriminative one that reads its output.
pub struct Draem {
    recon: Reconstructive,
    seg: Discriminative,
}

/// What both networks say about a batch, in the type and layout of the activations.
pub struct Output {
    /// `[n, 3, h, w]`, about 0..1.
    pub reconstruction: Tensor,
    /// `[n, 2, h, w]`, class 0 normal, class 1 anomalous.
    pub logits: Tensor,
}

impl Draem {
    /// The networks over these weights.
    pub fn new(weights: &Weights) -> Self {
        Self { recon: Reconstructive::new(weights), seg: Discriminative::new(weights) }
    }

    /// One pass; gradients flow from the logits into the reconstruction too, as in the original.
    ///
    /// # Errors
    /// Whatever torch says, for instance that memory is exhausted.
    pub fn forward(&self, pictures: &Tensor, mode: Mode) -> Result<Output, TchError> {
        let pictures = mode.arithmetic.enter(pictures)?;
        let reconstruction = self.recon.forward(&pictures, mode)?;
        let joined = Tensor::f_cat(&[&reconstruction, &pictures], 1)?;
        let logits = self.seg.forward(&joined, mode)?;
        Ok(Output { reconstruction, logits })
    }
}

/// The heatmap of each picture: `[h][w]`, the probability of "anomalous", 0..=1.
///
/// # Errors
/// Weights that do not fit the networks, pictures of different sizes or with sides that are no multiples of 32, or torch's
/// own complaint.
pub fn forward_heatmap(
    weights: &TensorMap,
    networks: Networks,
    pictures: &[Picture],
    device: Device,
) -> Result<Vec<Vec<f32>>, NetError> {
    let Some(first) = pictures.first() else { return Ok(Vec::new()) };
    for (index, picture) in pictures.iter().enumerate() {
        let (width, height, bytes) = (picture.width, picture.height, picture.rgb.len());
        let fits = width > 0
            && height > 0
            && width.is_multiple_of(SIDE_MULTIPLE)
            && height.is_multiple_of(SIDE_MULTIPLE)
            && (width, height) == (first.width, first.height)
            && bytes == width * height * 3;
        if !fits {
            return Err(NetError::Picture { index, width, height, bytes });
        }
    }
    let weights = Weights::load(weights, networks, device)?;
    let draem = Draem::new(&weights);
    let mode = Mode { train: false, arithmetic: Arithmetic::PLAIN };
    let _no_gradients = tch::no_grad_guard();
    let pixels = first.width * first.height;
    let mut heatmaps = Vec::with_capacity(pictures.len());
    for batch in pictures.chunks(EVALUATION_BATCH) {
        let bytes: Vec<u8> = batch.iter().flat_map(|picture| picture.rgb.iter().copied()).collect();
        let input = pictures_to_tensor(&bytes, batch.len(), first.height, first.width, device)?;
        let logits = draem.forward(&input, mode)?.logits;
        let heatmap = logits.f_softmax(1, Kind::Float)?.f_narrow(1, 1, 1)?;
        heatmaps.extend(values(&heatmap)?.chunks(pixels).map(<[f32]>::to_vec));
    }
    Ok(heatmaps)
}

/// Bytes `[n][h][w][3]` as `[n, 3, h, w]` in 0..1 on a device. The bytes travel; the division happens there.
///
/// # Errors
/// Whatever torch says.
pub(crate) fn pictures_to_tensor(
    bytes: &[u8],
    count: usize,
    height: usize,
    width: usize,
    device: Device,
) -> Result<Tensor, TchError> {
    let size = [count as i64, height as i64, width as i64, 3];
    let tensor = Tensor::f_from_data_size(bytes, &size, Kind::Uint8)?.f_to(device)?;
    tensor.f_to_kind(Kind::Float)?.f_div_scalar(255.0)?.f_permute([0, 3, 1, 2])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::initial;

    #[test]
    fn a_picture_that_does_not_fit_is_named() {
        let networks = Networks::original(2, 2);
        let pictures = [Picture::filled(32, 32, [9, 9, 9]), Picture::filled(40, 32, [9, 9, 9])];
        let error = forward_heatmap(&initial(networks, 1), networks, &pictures, Device::Cpu).unwrap_err().to_string();
        assert!(error.starts_with("picture 1 is 40 by 32"), "{error}");
    }

    #[test]
    fn every_picture_has_its_heatmap_whatever_its_batch() {
        let networks = Networks::original(2, 2);
        let weights = initial(networks, 1);
        let pictures: Vec<Picture> = (0..11).map(|index| Picture::filled(64, 32, [index * 20, 100, 7])).collect();
        let all = forward_heatmap(&weights, networks, &pictures, Device::Cpu).unwrap();
        assert_eq!(all.len(), pictures.len());
        for (index, picture) in pictures.iter().enumerate() {
            let alone = forward_heatmap(&weights, networks, std::slice::from_ref(picture), Device::Cpu).unwrap();
            assert_eq!(alone[0].len(), 64 * 32);
            let worst = alone[0].iter().zip(&all[index]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-5, "picture {index}: {worst}");
        }
    }
}
