//! A board's GPIO lines: light barriers, encoder and buttons in; gate, permit, heartbeat and alarm out.
//!
//! `find` looks lines up by name, `input` reads edges, which `decode` and `quadrature` make into signals, `output` drives; [`open`]
//! puts all of them together, and `look` sees where each is and moves nothing. `select` reads the inputs at which a product is chosen, which
//! are requested apart. Only the kernel's interface from 5.10 on (uAPI v2) is used.

mod decode;
mod find;
mod input;
mod look;
mod open;
mod output;
mod quadrature;
mod select;

pub use find::Place;
pub(super) use find::find;
pub use input::BoardInput;
pub use look::{Looked, look};
pub use open::{LinesError, open};
pub use output::{BoardGate, BoardSignals};
pub use select::{BoardSelect, open_select};
