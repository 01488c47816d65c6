//! The displays of a board, and the thread that feeds them.
//!
//! [`open()`] gives the display that the configuration names: an SSD1306 (`ssd1306`) with the small picture, an ST7789
//! (`st7789`, by way of `wire` and `line`) or a Linux framebuffer (`framebuffer`) with the large one (`canvas`).
//! [`PanelThread`] shows the newest state on it (`thread`), and takes it up again when it fails (`feeder`). No display and no
//! fault of one ever makes the line wait.

mod canvas;
mod feeder;
mod framebuffer;
mod line;
mod open;
mod ssd1306;
mod st7789;
mod thread;
mod wire;

pub use open::open;
pub use thread::PanelThread;
