//! Bytes whose first one lies at the start of a cache line, so that a vector load never straddles two lines.

use std::ops::{Deref, DerefMut};

/// The widest vector, and a cache line.
pub const LINE: usize = 64;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; LINE]);

/// A run of bytes, zero at first; its length is rounded up to whole lines.
#[derive(Clone)]
pub struct Bytes(Vec<Line>);

impl Bytes {
    /// At least `length` zeros.
    pub fn zeroed(length: usize) -> Self {
        Self(vec![Line([0; LINE]); length.div_ceil(LINE)])
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `Line` is an array of LINE bytes without padding, so that n lines are n * LINE initialised bytes.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * LINE) }
    }
}

impl DerefMut for Bytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`; every byte pattern is a valid `Line`, and `&mut self` is the only access.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * LINE) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_a_line_and_holds_what_was_written() {
        let mut bytes = Bytes::zeroed(65);
        assert_eq!((bytes.len(), bytes.as_ptr() as usize % LINE), (128, 0));
        bytes[64] = 7;
        assert_eq!(bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>(), 7);
    }
}
