//! The trained network as a plain function, for whoever compares an export with it and knows no torch.

use tch::Device;

use crate::data::Picture;
use crate::export::TensorMap;
use crate::import::checkpoint::{ImportError, infer_networks};
use crate::net::{NetError, Weights, forward_heatmap};

/// Why weights cannot serve as a reference.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    /// Their shapes imply no networks.
    #[error(transparent)]
    Networks(#[from] ImportError),
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
    let networks = infer_networks(weights)?;
    let weights = weights.clone();
    Weights::load(&weights, networks, Device::Cpu)?;
    Ok(move |picture: &Picture| {
        let heatmaps = forward_heatmap(&weights, networks, std::slice::from_ref(picture), Device::Cpu);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Networks;
    use crate::export::{Form, Reloaded, fold, onnx, untrained};

    #[test]
    fn what_is_exported_computes_what_is_trained() {
        let picture =
            Picture { width: 64, height: 32, rgb: (0..64 * 32 * 3).map(|at| (at * 37 % 251) as u8).collect() };
        for networks in [Networks::original(3, 2), Networks::bridged(3, 2)] {
            let weights = untrained(networks, 4);
            let trained = reference_heatmap(&weights).unwrap()(&picture);
            let model = onnx::write(&fold(&weights).unwrap(), 64, 32, Form::Float).unwrap();
            let exported = Reloaded::load(&model, 64, 32).unwrap().heatmap(&picture).unwrap();
            let worst = trained.iter().zip(&exported).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let spread =
                trained.iter().fold(0.0_f32, |m, v| m.max(*v)) - trained.iter().fold(1.0_f32, |m, v| m.min(*v));
            assert!(worst < 1e-5 && spread > 1e-3, "{networks}: {worst} apart, values spread over {spread}");
        }
    }
}
