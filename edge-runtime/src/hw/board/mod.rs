//! The devices of a board, as the kernel gives them.
//!
//! `camera` streams from a V4L2 device, which `supply` takes up again when it comes back ([`backoff`] says when); [`jpeg`]
//! decodes what a camera with MJPG sends. [`lines`] are its GPIO lines, [`display`] shows the station's state to people. Cameras
//! are built in for boards, and elsewhere with the feature `camera`.

pub mod backoff;
#[cfg(any(feature = "camera", target_arch = "aarch64"))]
pub mod camera;
pub mod display;
mod huffman;
pub mod jpeg;
pub mod lines;
#[cfg(any(feature = "camera", target_arch = "aarch64"))]
mod supply;
