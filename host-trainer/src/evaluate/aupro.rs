//! Area under the per-region-overlap curve: each defect counts the same, however large it is.
//!
//! Takes heatmaps and true masks of equal sizes; a region is a set of defective pixels connected over edges or corners.
//! Source: P. Bergmann et al., "The MVTec Anomaly Detection Dataset" (IJCV 2021), with the limit given by the caller.

use super::rank::descending_key;
use crate::data::Mask;

/// A predicted heatmap, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct HeatmapView<'a> {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// `[height][width]`, higher is more defective.
    pub values: &'a [f32],
}

/// Mean overlap of all regions against the share of good pixels called defective, by the trapezoidal rule from 0 to
/// `fpr_limit` (interpolated there), divided by `fpr_limit`: 0..=1.
///
/// `None` when there is no defective region or no good pixel, when the lists or sizes do not match, when a value is not a
/// number, or when the limit is not in 0..=1 and above 0.
pub fn aupro(heatmaps: &[HeatmapView], masks: &[&Mask], fpr_limit: f64) -> Option<f64> {
    if heatmaps.len() != masks.len() || !(fpr_limit > 0.0 && fpr_limit <= 1.0) {
        return None;
    }
    // Score in the upper half, region in the lower; region 0 is good.
    let mut keys: Vec<u64> = Vec::new();
    let mut sizes: Vec<u64> = vec![0];
    for (heatmap, mask) in heatmaps.iter().zip(masks) {
        let pixels = mask.width.checked_mul(mask.height)?;
        let fits = (heatmap.width, heatmap.height) == (mask.width, mask.height)
            && heatmap.values.len() == pixels
            && mask.pixels.len() == pixels;
        if !fits || heatmap.values.iter().any(|value| value.is_nan()) {
            return None;
        }
        let regions = label(mask, &mut sizes);
        let pairs = heatmap.values.iter().zip(regions);
        keys.extend(pairs.map(|(&value, region)| u64::from(descending_key(value)) << 32 | u64::from(region)));
    }
    let (regions, good) = (sizes.len() - 1, sizes[0]);
    if regions == 0 || good == 0 {
        return None;
    }
    keys.sort_unstable();

    let share: Vec<f64> = sizes.iter().map(|&size| 1.0 / (size as f64 * regions as f64)).collect();
    let (mut area, mut false_positives, mut overlap) = (0.0, 0_u64, 0.0);
    let (mut last_rate, mut last_overlap) = (0.0, 0.0);
    for (index, key) in keys.iter().enumerate() {
        match (key & 0xffff_ffff) as usize {
            0 => false_positives += 1,
            region => overlap += share[region],
        }
        if keys.get(index + 1).is_some_and(|next| next >> 32 == key >> 32) {
            continue;
        }
        let rate = false_positives as f64 / good as f64;
        if rate >= fpr_limit {
            let part = if rate > last_rate { (fpr_limit - last_rate) / (rate - last_rate) } else { 0.0 };
            let at_limit = last_overlap + part * (overlap - last_overlap);
            area += (fpr_limit - last_rate) * (last_overlap + at_limit) / 2.0;
            break;
        }
        area += (rate - last_rate) * (last_overlap + overlap) / 2.0;
        (last_rate, last_overlap) = (rate, overlap);
    }
    Some(area / fpr_limit)
}

/// The region of each pixel, 0 for good; counts every region's pixels into `sizes`, where new regions are appended.
fn label(mask: &Mask, sizes: &mut Vec<u64>) -> Vec<u32> {
    let (width, height) = (mask.width, mask.height);
    let mut regions = vec![0_u32; width * height];
    let mut open = Vec::new();
    for start in 0..width * height {
        if mask.pixels[start] == 0 {
            sizes[0] += 1;
            continue;
        }
        if regions[start] != 0 {
            continue;
        }
        let region = sizes.len() as u32;
        sizes.push(0);
        regions[start] = region;
        open.push(start);
        while let Some(at) = open.pop() {
            sizes[region as usize] += 1;
            let (x, y) = (at % width, at / width);
            for v in y.saturating_sub(1)..(y + 2).min(height) {
                for u in x.saturating_sub(1)..(x + 2).min(width) {
                    let next = v * width + u;
                    if mask.pixels[next] != 0 && regions[next] == 0 {
                        regions[next] = region;
                        open.push(next);
                    }
                }
            }
        }
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> Mask {
        let pixels: Vec<u8> = rows.iter().flat_map(|row| row.bytes().map(|byte| u8::from(byte == b'#'))).collect();
        Mask { width: rows[0].len(), height: rows.len(), pixels }
    }

    #[test]
    fn corners_connect_and_images_do_not() {
        let first = mask(&["#...", ".#..", "...#", "...#"]);
        let mut sizes = vec![0];
        let regions = label(&first, &mut sizes);
        assert_eq!(sizes, [12, 2, 2]);
        assert_eq!(regions[0], regions[5]);
        label(&first, &mut sizes);
        assert_eq!(sizes, [24, 2, 2, 2, 2]);
    }

    #[test]
    fn a_perfect_map_scores_one_and_an_inverted_one_nothing() {
        let truth = mask(&["##..", "....", "...#"]);
        let right: Vec<f32> = truth.pixels.iter().map(|&pixel| f32::from(pixel)).collect();
        let wrong: Vec<f32> = right.iter().map(|value| 1.0 - value).collect();
        let judge = |values: &[f32]| aupro(&[HeatmapView { width: 4, height: 3, values }], &[&truth], 0.3);
        assert_eq!(judge(&right), Some(1.0));
        assert_eq!(judge(&wrong), Some(0.0));
    }

    #[test]
    fn a_missed_small_region_costs_as_much_as_a_missed_large_one() {
        let truth = mask(&["####..", "####..", "......", ".....#"]);
        // The large region is found, the small one ranks below every good pixel.
        let values: Vec<f32> = (0..24)
            .map(|at| {
                if at == 23 {
                    0.0
                } else if truth.pixels[at] == 1 {
                    1.0
                } else {
                    0.5
                }
            })
            .collect();
        let found = aupro(&[HeatmapView { width: 6, height: 4, values: &values }], &[&truth], 0.3);
        // The good pixels tie, so the curve stays level at one half up to the limit.
        assert_eq!(found, Some(0.5));
    }

    #[test]
    fn what_cannot_be_told_is_not_told() {
        let (empty, full) = (mask(&["..", ".."]), mask(&["##", "##"]));
        let map = |values: &'static [f32]| HeatmapView { width: 2, height: 2, values };
        assert_eq!(aupro(&[map(&[0.1, 0.2, 0.3, 0.4])], &[&empty], 0.3), None);
        assert_eq!(aupro(&[map(&[0.1, 0.2, 0.3, 0.4])], &[&full], 0.3), None);
        assert_eq!(aupro(&[map(&[0.1, 0.2, 0.3])], &[&full], 0.3), None);
        assert_eq!(aupro(&[], &[&full], 0.3), None);
        assert_eq!(aupro(&[], &[], 0.3), None);
    }
}
