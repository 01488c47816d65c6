//! A board's GPIO lines: light barriers, encoder and buttons in; gate, permit, heartbeat and alarm out.
//!
//! `find` looks lines up by name, `input` reads edges, which `decode` and `quadrature` make into signals, `output` drives; [`open`]
//! puts all of them together. Only the kernel's interface from 5.10 on (uAPI v2) is used.

mod decode;
mod find;
mod input;
mod open;
mod output;
mod quadrature;

pub(super) use find::find;
pub use input::BoardInput;
pub use open::{LinesError, open};
pub use output::{BoardGate, BoardSignals};
