//! Bytes of pixels from one place to another, channels last.

/// Copies the first `channels` bytes of each pixel for as many pixels as `out` has room for, and no others.
///
/// `from` and `out` begin at their first pixel; pixels lie `in_stride` and `out_stride` bytes apart.
///
/// # Panics
/// When `from` has fewer pixels, or a stride is below `channels`.
pub fn copy_row(from: &[u8], in_stride: usize, channels: usize, out: &mut [u8], out_stride: usize) {
    match (channels, in_stride, out_stride) {
        // A camera's picture, and the picture beside its reconstruction.
        (3, 3, 4) => known::<3, 3, 4>(from, out),
        (3, 4, 8) => known::<3, 4, 8>(from, out),
        _ => {
            let pixels = out.len().div_ceil(out_stride);
            for pixel in 0..pixels {
                let bytes = &from[pixel * in_stride..][..channels];
                out[pixel * out_stride..][..channels].copy_from_slice(bytes);
            }
        }
    }
}

/// Lengths that the compiler knows: no call is made and no length compared for a pixel.
fn known<const CHANNELS: usize, const IN: usize, const OUT: usize>(from: &[u8], out: &mut [u8]) {
    let (pixels, _) = from.as_chunks::<IN>();
    let (whole, rest) = out.as_chunks_mut::<OUT>();
    assert!(pixels.len() >= whole.len() + usize::from(!rest.is_empty()), "{} pixels", pixels.len());
    for (out, pixel) in whole.iter_mut().zip(pixels) {
        out[..CHANNELS].copy_from_slice(&pixel[..CHANNELS]);
    }
    if !rest.is_empty() {
        rest[..CHANNELS].copy_from_slice(&pixels[whole.len()][..CHANNELS]);
    }
}

#[cfg(test)]
mod tests {
    use super::copy_row;

    #[test]
    fn the_channels_go_over_and_nothing_else_changes() {
        for (channels, in_stride, out_stride, offset) in [(3, 3, 4, 0), (3, 4, 8, 3), (3, 4, 8, 0), (5, 8, 12, 7)] {
            let from: Vec<u8> = (0..9 * in_stride as u8).collect();
            let mut out = vec![200; 9 * out_stride - offset];
            copy_row(&from, in_stride, channels, &mut out, out_stride);
            for (at, &got) in out.iter().enumerate() {
                let (pixel, channel) = (at / out_stride, at % out_stride);
                let expected = if channel < channels { from[pixel * in_stride + channel] } else { 200 };
                assert_eq!(got, expected, "pixel {pixel}, channel {channel}, strides {in_stride} and {out_stride}");
            }
        }
    }
}
