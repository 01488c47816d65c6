//! The two kinds of drawing: learning curves, and the histogram of scores with the threshold. Inline SVG, colours by class.

use super::data::{Curve, ReportData};
use super::markup::{escape, number};
use std::fmt::Write;

const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;

/// More points than this are not told apart on the drawing.
const MOST_POINTS: usize = 400;
/// Bars of the histogram.
const BINS: usize = 48;
/// Scores are drawn on a logarithmic axis when the threshold is below this share of the highest score: on a linear one all
/// good parts would fall into one bar.
const LOGARITHMIC_BELOW: f64 = 0.2;
/// How many decades a logarithmic axis shows at most; lower scores fall into its first bar.
const DECADES: f64 = 4.0;

/// One chart per curve, on a logarithmic axis where all values allow it: losses fall over decades.
pub(super) fn curves(curves: &[Curve]) -> String {
    let mut html = String::new();
    for curve in curves {
        let usable: Vec<(f64, f64)> =
            curve.points.iter().filter(|point| point.1.is_finite()).map(|&(x, y)| (x as f64, y)).collect();
        let name = escape(&curve.name);
        if usable.len() < 2 {
            let _ =
                write!(html, "<figure><figcaption>{name}</figcaption><p class=\"quiet\">too few points</p></figure>");
            continue;
        }
        let every = usable.len().div_ceil(MOST_POINTS);
        let last = usable.len() - 1;
        let shown = usable.iter().enumerate().filter(|(i, _)| i % every == 0 || *i == last).map(|(_, point)| *point);
        let _ = write!(
            html,
            "<figure><figcaption>{name} <span class=\"quiet\">last {}</span></figcaption>{}</figure>",
            number(usable[last].1),
            line(&shown.collect::<Vec<_>>())
        );
    }
    html
}

fn line(points: &[(f64, f64)]) -> String {
    let logarithmic = points.iter().all(|point| point.1 > 0.0);
    let height_of = |value: f64| if logarithmic { value.log10() } else { value };
    let span = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        if high > low { (low, high) } else { (low - 0.5, high + 0.5) }
    };
    let (first, last) = span(&mut points.iter().map(|point| point.0));
    let (low, high) = span(&mut points.iter().map(|point| height_of(point.1)));
    let place_x = |step: f64| LEFT + (step - first) / (last - first) * (WIDTH - LEFT - RIGHT);
    let place_y = |value: f64| TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
    for part in 0..=3 {
        let value = low + (high - low) * f64::from(part) / 3.0;
        let y = place_y(value);
        let label = number(if logarithmic { 10_f64.powf(value) } else { value });
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            WIDTH - RIGHT,
            LEFT - 5.0,
            y + 3.5
        );
    }
    for (step, anchor) in [(first, "start"), (last, "end")] {
        let (x, y) = (place_x(step), HEIGHT - 10.0);
        let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">step {step:.0}</text>");
    }
    svg.push_str("<polyline class=\"curve\" points=\"");
    for &(step, value) in points {
        let _ = write!(svg, "{:.1},{:.1} ", place_x(step), place_y(height_of(value)));
    }
    svg.push_str("\"/></svg>");
    svg
}

/// Scores of good parts upwards, of defective parts downwards, and the threshold between them.
pub(super) fn histogram(data: &ReportData) -> String {
    let scores = |defective: bool| -> Vec<f64> {
        let parts = data.held_out.iter().chain(&data.test);
        parts.filter(|p| p.defective == defective && p.score.is_finite()).map(|p| f64::from(p.score)).collect()
    };
    let (good, bad) = (scores(false), scores(true));
    let threshold = f64::from(data.threshold.value);
    let all = || good.iter().chain(&bad).copied().chain([threshold]);
    let (lowest, highest) = all().fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
    let logarithmic = threshold > 0.0 && threshold < LOGARITHMIC_BELOW * highest;
    let (from, to) = if logarithmic {
        let to = highest.log10();
        (lowest.max(1e-12).log10().max(to - DECADES).min(threshold.log10() - 0.3), to)
    } else {
        (lowest.min(0.0), if highest > lowest.min(0.0) { highest } else { lowest + 1.0 })
    };
    let share = |score: f64| {
        let value = if logarithmic { score.max(1e-12).log10() } else { score };
        ((value - from) / (to - from)).clamp(0.0, 1.0)
    };
    let count = |scores: &[f64]| {
        let mut bins = [0_usize; BINS];
        scores.iter().for_each(|&score| bins[((share(score) * BINS as f64) as usize).min(BINS - 1)] += 1);
        bins
    };
    let (up, down) = (count(&good), count(&bad));

    let (width, height, middle) = (720.0, 260.0, 120.0);
    let (left, right, reach) = (16.0, 16.0, 84.0);
    let step = (width - left - right) / BINS as f64;
    let mut svg = format!("<svg class=\"wide\" viewBox=\"0 0 {width} {height}\" role=\"img\">");
    for (bins, class, upwards) in [(&up, "good", true), (&down, "bad", false)] {
        let most = bins.iter().copied().max().unwrap_or(0).max(1) as f64;
        for (bin, &parts) in bins.iter().enumerate().filter(|(_, parts)| **parts > 0) {
            // A single part among hundreds still gets a bar that can be seen.
            let length = (parts as f64 / most * reach).max(3.0);
            let x = left + bin as f64 * step + 0.5;
            let y = if upwards { middle - length } else { middle + 1.0 };
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{length:.1}\">\
                 <title>{parts} parts</title></rect>",
                step - 1.0
            );
        }
    }
    let end = width - right;
    let _ = write!(svg, "<line class=\"axis\" x1=\"{left}\" x2=\"{end}\" y1=\"{middle}\" y2=\"{middle}\"/>");
    for part in 0..=4 {
        let value = from + (to - from) * f64::from(part) / 4.0;
        let x = left + (end - left) * f64::from(part) / 4.0;
        let anchor = ["start", "middle", "middle", "middle", "end"][part as usize];
        let label = number(if logarithmic { 10_f64.powf(value) } else { value });
        let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{label}</text>", height - 24.0);
    }
    let scale = if logarithmic { "score, logarithmic" } else { "score" };
    let _ =
        write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{scale}</text>", width / 2.0, height - 6.0);
    let x = left + (end - left) * share(threshold);
    let (anchor, beside) = if x > width / 2.0 { ("end", x - 6.0) } else { ("start", x + 6.0) };
    let _ = write!(
        svg,
        "<line class=\"threshold\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"14\" y2=\"{:.1}\"/>\
         <text class=\"strong\" x=\"{beside:.1}\" y=\"22\" text-anchor=\"{anchor}\">threshold {}: rejected to the right</text></svg>",
        height - 40.0,
        number(threshold)
    );
    let mut key = format!("<span class=\"swatch good\"></span> {} good parts (upwards)", good.len());
    if bad.is_empty() {
        key.push_str(" · no defective parts to test on");
    } else {
        let _ = write!(key, " <span class=\"swatch bad\"></span> {} defective parts (downwards)", bad.len());
    }
    format!("<figure class=\"full\">{svg}<figcaption>{key}</figcaption></figure>")
}
