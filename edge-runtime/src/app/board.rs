//! A board's devices, opened.
//!
//! Takes the checked configuration of a board; gives everything that a live line is made of. The outputs come first, so that they
//! are in their safe state before anything else can fail.

use std::sync::Arc;

use thiserror::Error;

use super::live::Parts;
use crate::blackbox::Tape;
use crate::config::{Board, BoardCamera, Exposure};
use crate::hw::board::lines::{self, LinesError};
use crate::hw::clock::KernelClock;
use crate::hw::roles::{FrameStream, SelectInput};
use crate::stage::capture::Moment;

/// Why a board's devices cannot be used.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// Inputs or outputs.
    #[error(transparent)]
    Lines(#[from] LinesError),
    /// The camera.
    #[error("board.camera: {evidence}")]
    Camera {
        /// What it is.
        evidence: String,
    },
}

/// Opens a board's devices.
///
/// # Errors
/// [`DeviceError`]; whatever had been opened goes back to its safe state.
pub fn open(board: &Board) -> Result<Parts, DeviceError> {
    let (input, output, signals) = lines::open(board.lines())?;
    let select = board.lines().select.as_ref().map(lines::open_select).transpose()?;
    let camera = board.camera();
    let (early, late) = match camera.exposure {
        Exposure::Free => (camera.match_within, camera.match_within),
        Exposure::Sensor => (Default::default(), camera.match_within),
    };
    Ok(Parts {
        clock: Arc::new(KernelClock),
        input: Box::new(input),
        stream: stream(camera)?,
        output: Box::new(output),
        signals: Box::new(signals),
        select: select.map(|select| Box::new(select) as Box<dyn SelectInput>),
        moment: Moment { after_edge: camera.trigger_to_picture, early, late },
        belt: board.belt(),
        silent: (camera.exposure == Exposure::Free).then_some(camera.silent),
        gate: board.gate(),
        simulation: false,
        tape: Tape::none(),
    })
}

#[cfg(any(feature = "camera", target_arch = "aarch64"))]
fn stream(camera: &BoardCamera) -> Result<Box<dyn FrameStream>, DeviceError> {
    let camera = self::camera(camera).map_err(|error| DeviceError::Camera { evidence: error.to_string() })?;
    for fact in camera.facts().into_iter().flat_map(|facts| &facts.controls) {
        tracing::info!(name = %fact.name, value = fact.value, "control");
    }
    Ok(Box::new(camera))
}

/// Opens the camera alone, and starts its stream.
///
/// # Errors
/// [`VideoError`](edge_video::VideoError) when it is not there or cannot give what the configuration asks for.
#[cfg(any(feature = "camera", target_arch = "aarch64"))]
pub fn camera(camera: &BoardCamera) -> Result<crate::hw::board::camera::BoardCamera, edge_video::VideoError> {
    use edge_video::{ControlSetting, Encoding, Interval, Settings};

    let controls = camera.controls.iter().map(|(name, value)| ControlSetting { name: name.clone(), value: *value });
    crate::hw::board::camera::BoardCamera::open(Settings {
        device: camera.device.clone(),
        encodings: Encoding::from_name(camera.format).into_iter().collect(),
        width: camera.width,
        height: camera.height,
        interval: camera.millihertz.and_then(Interval::of_millihertz),
        controls: controls.collect(),
    })
}

#[cfg(not(any(feature = "camera", target_arch = "aarch64")))]
fn stream(_: &BoardCamera) -> Result<Box<dyn FrameStream>, DeviceError> {
    let evidence = "this program was built without cameras; build it with `--features camera`, which needs libclang";
    Err(DeviceError::Camera { evidence: evidence.to_owned() })
}
