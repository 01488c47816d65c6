//! The devices of a board, as the kernel gives them.
//!
//! [`camera`] streams from a V4L2 device, which `supply` takes up again when it comes back ([`backoff`] says when); [`jpeg`]
//! decodes what a camera with MJPG sends.

pub mod backoff;
pub mod camera;
mod huffman;
pub mod jpeg;
mod supply;
