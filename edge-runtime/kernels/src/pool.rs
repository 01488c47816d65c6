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
        match channels {
            8 => known::<8>(rows, in_stride, width, out, out_stride),
            16 => known::<16>(rows, in_stride, width, out, out_stride),
            32 => known::<32>(rows, in_stride, width, out, out_stride),
            _ => any(rows, in_stride, width, channels, out, out_stride),
        }
    }
}

/// Pixels of a number of channels that the compiler knows, so that it keeps them in registers.
#[inline(always)]
fn known<const C: usize>(
    [above, below]: [&[u8]; 2],
    in_stride: usize,
    width: usize,
    out: &mut [u8],
    out_stride: usize,
) {
    let pair = 2 * in_stride;
    let pixels = above.chunks(pair).zip(below.chunks(pair)).zip(out.chunks_mut(out_stride));
    for ((above, below), out) in pixels.take(width) {
        // Slices of one known length: no check is left within the loop.
        let [a, b] = [&above[..C], &above[in_stride..][..C]];
        let [c, d] = [&below[..C], &below[in_stride..][..C]];
        for (at, out) in out[..C].iter_mut().enumerate() {
            *out = a[at].max(b[at]).max(c[at].max(d[at]));
        }
    }
}

#[inline(always)]
fn any([above, below]: [&[u8]; 2], in_stride: usize, width: usize, channels: usize, out: &mut [u8], out_stride: usize) {
    let pair = 2 * in_stride;
    for ((above, below), out) in above.chunks(pair).zip(below.chunks(pair)).zip(out.chunks_mut(out_stride)).take(width)
    {
        let above = above[..channels].iter().zip(&above[in_stride..][..channels]);
        let below = below[..channels].iter().zip(&below[in_stride..][..channels]);
        for ((out, (a, b)), (c, d)) in out[..channels].iter_mut().zip(above).zip(below) {
            *out = (*a).max(*b).max((*c).max(*d));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pool_row;
    use crate::isa::Isa;

    #[test]
    fn the_largest_of_four_by_channel() {
        for (stride, channels) in [(24, 19), (16, 16), (40, 32), (12, 8)] {
            check(5, stride, channels);
        }
    }

    fn check(width: usize, stride: usize, channels: usize) {
        let row = |seed: usize| -> Vec<u8> { (0..2 * width * stride).map(|at| (at * 97 + seed * 31) as u8).collect() };
        let rows = [row(1), row(2)];
        for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
            let mut out = vec![9; width * 48];
            pool_row(isa, [&rows[0], &rows[1]], stride, width, channels, &mut out, 48);
            for (at, &got) in out.iter().enumerate() {
                let (x, channel) = (at / 48, at % 48);
                let of = |row: usize, column: usize| rows[row][(2 * x + column) * stride + channel];
                let expected = || of(0, 0).max(of(0, 1)).max(of(1, 0)).max(of(1, 1));
                let expected = if channel < channels { expected() } else { 9 };
                assert_eq!(got, expected, "{isa}, pixel {x}, channel {channel}");
            }
        }
    }
}
