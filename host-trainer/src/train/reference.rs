//! The trained network as a plain function, for whoever compares an export with it and knows no torch.

use tch::Device;

use crate::data::Picture;
use crate::export::TensorMap;
use crate::import::checkpoint::{ImportError, infer_widths};
use crate::net::{NetError, Weights, forward_heatmap};

/// Why weights cannot serve as a reference.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// Their shapes imply no widths.
    #[error(transparent)]
    Widths(#[from] ImportError),
    /// They do not fit the networks.
    #[error(transparent)]
    Net(#[from] NetError),
}

/// A function from a picture to its heatmap `[h][w]`, 0..=1, on the CPU in 32-bit floats. Where torch fails it says so and
/// answers with infinities, which no export equals.
///
/// # Errors
/// Weights that do not fit the networks.
pub fn reference_heatmap(weights: &TensorMap) -> Result<impl Fn(&Picture) -> Vec<f32> + use<>, ReferenceError> {
    let widths = infer_widths(weights)?;
    let weights = weights.clone();
    Weights::load(&weights, widths, Device::Cpu)?;
    Ok(move |picture: &Picture| {
        let heatmaps = forward_heatmap(&weights, widths, std::slice::from_ref(picture), Device::Cpu);
        match heatmaps.map(|mut heatmaps| heatmaps.pop()) {
            Ok(Some(heatmap)) => heatmap,
            Ok(None) => Vec::new(),
            Err(error) => {
                eprintln!("reference heatmap: {error}");
                vec![f32::INFINITY; picture.width * picture.height]
            }
        }
    })
}
