use super::*;

const SHAPES: [(usize, usize); 6] = [(40, 37), (16, 16), (40, 32), (8, 8), (64, 64), (128, 128)];

/// Bytes of row `seed`.
fn row(seed: usize, length: usize) -> Vec<u8> {
    (0..length).map(|at| ((at * 89 + seed * 57) % 256) as u8).collect()
}

/// One row in each way that is available, which are alike.
fn resized(
    arithmetic: Arithmetic,
    rows: [&[u8]; 2],
    share: f32,
    (stride, channels): (usize, usize),
    out_stride: usize,
) -> Vec<u8> {
    let width = rows[0].len() / stride;
    let columns = doubled(width, arithmetic.places());
    let of = |isa: Isa| {
        let mut out = vec![7; 2 * width * out_stride];
        let mut floats = vec![0.0; scratch(width, channels)];
        resize_row(isa, arithmetic, rows, stride, share, &columns, channels, &mut floats, &mut out, out_stride);
        out
    };
    let first = of(Isa::Scalar);
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        assert_eq!(first, of(isa), "{isa}, {arithmetic:?}");
    }
    first
}

#[test]
fn every_version_is_within_a_step_of_the_exact_value_and_all_are_alike() {
    let values = |scale, zero| Arithmetic::Values { scale, zero };
    for arithmetic in [Arithmetic::Bytes, values(0.25, 0), values(0.037_1, 0), values(1.7e-3, 114)] {
        for shape in SHAPES {
            for out_stride in [shape.1, 136] {
                near_the_exact_value(arithmetic, 23, shape, out_stride);
            }
        }
    }
}

fn near_the_exact_value(arithmetic: Arithmetic, width: usize, (stride, channels): (usize, usize), out_stride: usize) {
    let rows = [row(3, width * stride), row(8, width * stride)];
    let share = 5.0f32 / 13.0;
    let got = resized(arithmetic, [&rows[0], &rows[1]], share, (stride, channels), out_stride);
    for (x, column) in doubled(width, arithmetic.places()).iter().enumerate() {
        for channel in 0..out_stride {
            let got = got[x * out_stride + channel];
            if channel >= channels {
                assert_eq!(got, 7, "wrote beyond its channels");
                continue;
            }
            let at = |row: usize, x: usize| f64::from(rows[row][x * stride + channel]);
            let down = |x: usize| at(0, x) + f64::from(share) * (at(1, x) - at(0, x));
            let exact = down(column.low) + f64::from(column.share) * (down(column.high) - down(column.low));
            assert!((f64::from(got) - exact).abs() < 0.5001, "{arithmetic:?}, pixel {x}: {got}, exact {exact}");
        }
    }
}

/// What onnxruntime 1.30.0 makes of a picture by DequantizeLinear, Resize (linear, align_corners) and QuantizeLinear, as a checksum of
/// its bytes `[row][column][channel]`.
#[test]
fn values_are_rounded_as_onnxruntime_rounds_them() {
    let theirs = [
        (0.037_1, 0, 0x394b_0d20_aed1_48f0),
        (1.7e-3, 0, 0xe0e4_ffba_e6f8_ce64),
        (0.012_3, 114, 0x2f08_2029_480d_ee3e),
    ];
    for (scale, zero, theirs) in theirs {
        let ours = fnv(&doubled_picture(Arithmetic::Values { scale, zero }));
        assert_eq!(ours, theirs, "scale {scale}, zero {zero}: {ours:#x}");
    }
    // Bytes that come near the middle between two, so that another order of operations shows.
    let both = [Arithmetic::Bytes, Arithmetic::Values { scale: 0.037_1, zero: 0 }].map(doubled_picture);
    assert_ne!(both[0], both[1]);
}

/// A picture of 128 by 128 by 8 at twice the size.
fn doubled_picture(arithmetic: Arithmetic) -> Vec<u8> {
    const SIDE: usize = 128;
    const CHANNELS: usize = 8;
    let byte = |y: usize, x: usize, c: usize| ((y * 7919 + x * 104_729 + c * 31 + x * y * 13) % 251) as u8;
    let row = |y: usize| -> Vec<u8> { (0..SIDE * CHANNELS).map(|at| byte(y, at / CHANNELS, at % CHANNELS)).collect() };
    let rows = doubled(SIDE, arithmetic.places());
    let of = |between: &Between| {
        let pair = [row(between.low), row(between.high)];
        resized(arithmetic, [&pair[0], &pair[1]], between.share, (CHANNELS, CHANNELS), CHANNELS)
    };
    rows.iter().flat_map(of).collect()
}

/// FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
