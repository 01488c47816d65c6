//! What people see: the panel's picture, large ([`screen`]) and small ([`oled`]), and a part with its heatmap.

pub mod heatmap;
pub mod oled;
pub mod screen;
pub mod thumbnail;
mod twice;
