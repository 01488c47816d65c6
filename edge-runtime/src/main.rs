//! edge-runtime
fn main() {}
