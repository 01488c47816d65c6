//! The largest of each square of 2 by 2 bytes, channels last.

use crate::versions::versions;

versions! {
    /// Two rows become one. Pixel `x` of the result is the largest of pixels `2x` and `2x + 1` of both rows, channel by channel.
    ///
    /// `rows` and `out` begin at their first pixel; pixels lie `in_stride` and `out_stride` bytes apart, of which the first
    /// `channels` are read and written.
    ///
    /// # Panics
    /// When a slice is too short for `width` pixels of the result.
    pub fn pool_row(rows: [&[u8]; 2], in_stride: usize, width: usize, channels: usize, out: &mut [u8], out_stride: usize) {
        let pairs = rows.map(|row| row.chunks(2 * in_stride));
        let [above, below] = pairs;
        for ((above, below), out) in above.zip(below).zip(out.chunks_mut(out_stride)).take(width) {
            let pixels = [&above[..channels], &above[in_stride..][..channels], &below[..channels], &below[in_stride..][..channels]];
            largest(pixels, &mut out[..channels]);
        }
    }
}

/// In pieces of a fixed length first, which the compiler keeps in registers.
#[inline(always)]
fn largest([a, b, c, d]: [&[u8]; 4], out: &mut [u8]) {
    const PIECE: usize = 16;
    let four = |a: u8, b: u8, c: u8, d: u8| a.max(b).max(c.max(d));
    let whole = out.len() / PIECE * PIECE;
    for at in (0..whole).step_by(PIECE) {
        let piece = |values: &[u8]| -> [u8; PIECE] { std::array::from_fn(|index| values[at + index]) };
        let (a, b, c, d) = (piece(a), piece(b), piece(c), piece(d));
        let result: [u8; PIECE] = std::array::from_fn(|index| four(a[index], b[index], c[index], d[index]));
        out[at..at + PIECE].copy_from_slice(&result);
    }
    for at in whole..out.len() {
        out[at] = four(a[at], b[at], c[at], d[at]);
    }
}

#[cfg(test)]
mod tests {
    use super::pool_row;
    use crate::isa::Isa;

    #[test]
    fn the_largest_of_four_by_channel() {
        let (stride, width, channels) = (24, 5, 19);
        let row = |seed: usize| -> Vec<u8> { (0..2 * width * stride).map(|at| (at * 97 + seed * 31) as u8).collect() };
        let rows = [row(1), row(2)];
        for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
            let mut out = vec![9; width * 32];
            pool_row(isa, [&rows[0], &rows[1]], stride, width, channels, &mut out, 32);
            for (at, &got) in out.iter().enumerate() {
                let (x, channel) = (at / 32, at % 32);
                let of = |row: usize, column: usize| rows[row][(2 * x + column) * stride + channel];
                let expected = || of(0, 0).max(of(0, 1)).max(of(1, 0)).max(of(1, 1));
                let expected = if channel < channels { expected() } else { 9 };
                assert_eq!(got, expected, "{isa}, pixel {x}, channel {channel}");
            }
        }
    }
}
