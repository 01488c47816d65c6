//! A report to look at without training anything: its detector is the distance from the mean good picture.
//!
//! Takes a folder in MVTec's layout and an output HTML; learns the mean of three quarters of the good pictures, keeps the
//! rest out for the threshold, and judges the test pictures. All figures on the page are measured, none is good: that takes
//! a network.
//!
//! `cargo run -p host-trainer --example mean_image_report -- DATA_FOLDER OUT.html`

use anyhow::{Context, bail};
use host_trainer::data::{Mask, Picture};
use host_trainer::evaluate::{HeatmapView, aupro, auroc, average_precision, rates};
use host_trainer::report::{Curve, ModelFigures, Part, ReportData, render};
use image::imageops::FilterType;
use shared::threshold::choose;
use std::path::{Path, PathBuf};

const SIDE: u32 = 256;
const PIXELS: usize = (SIDE * SIDE) as usize;
const TARGET: f64 = 0.05;

struct Judged {
    name: String,
    kind: String,
    picture: Picture,
    mask: Option<Mask>,
    heatmap: Vec<f32>,
    score: f32,
}

fn listed(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = folder.read_dir().with_context(|| format!("reading folder {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn picture(path: &Path) -> anyhow::Result<Picture> {
    let image = image::open(path).with_context(|| format!("reading {}", path.display()))?;
    let rgb = image.resize_exact(SIDE, SIDE, FilterType::Triangle).to_rgb8().into_raw();
    Ok(Picture { width: SIDE as usize, height: SIDE as usize, rgb })
}

/// Distance of each pixel from the mean picture, 0..=1; the score is the mean of the hundredth part that is farthest.
fn judge(path: &Path, kind: &str, mask: Option<Mask>, mean: &[f32]) -> anyhow::Result<Judged> {
    let picture = picture(path)?;
    let distance = |(pixel, mean): (&[u8], &[f32])| {
        pixel.iter().zip(mean).map(|(&level, mean)| (f32::from(level) - mean).abs() / 255.0).fold(0.0, f32::max)
    };
    let heatmap: Vec<f32> = picture.rgb.chunks(3).zip(mean.chunks(3)).map(distance).collect();
    let mut falling = heatmap.clone();
    falling.sort_by(|a, b| b.total_cmp(a));
    let score = falling[..PIXELS / 100].iter().sum::<f32>() / (PIXELS / 100) as f32;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Judged { name: format!("{kind}/{name}"), kind: kind.to_owned(), picture, mask, heatmap, score })
}

fn parts<'a>(judged: &'a [Judged]) -> Vec<Part<'a>> {
    let part = |j: &'a Judged| Part {
        name: &j.name,
        kind: &j.kind,
        defective: j.kind != "good",
        score: j.score,
        picture: &j.picture,
        heatmap: &j.heatmap,
        mask: j.mask.as_ref(),
    };
    judged.iter().map(part).collect()
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, out] = arguments.as_slice() else { bail!("usage: mean_image_report DATA_FOLDER OUT.html") };
    let root = Path::new(folder);
    let good = listed(&root.join("train/good"))?;
    let (learnt, kept_out): (Vec<_>, Vec<_>) = good.iter().enumerate().partition(|(index, _)| index % 4 != 0);

    let mut mean = vec![0.0_f32; PIXELS * 3];
    let mut change = Vec::new();
    for (count, (_, path)) in (1..).zip(&learnt) {
        let mut moved = 0.0;
        for (mean, &level) in mean.iter_mut().zip(&picture(path)?.rgb) {
            let step = (f32::from(level) - *mean) / count as f32;
            *mean += step;
            moved += f64::from(step.abs());
        }
        change.push((count, moved / (PIXELS * 3) as f64));
    }

    let mut held_out = Vec::new();
    for (_, path) in &kept_out {
        held_out.push(judge(path, "good", None, &mean)?);
    }
    let mut test = Vec::new();
    for kind_folder in listed(&root.join("test"))? {
        let kind = kind_folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for path in listed(&kind_folder)? {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let drawn = root.join("ground_truth").join(&kind).join(format!("{stem}_mask.png"));
            let pixels = match drawn.is_file() {
                true => picture(&drawn)?.rgb.chunks(3).map(|pixel| u8::from(pixel[0] >= 128)).collect(),
                false => vec![0; PIXELS],
            };
            let mask = Mask { width: SIDE as usize, height: SIDE as usize, pixels };
            test.push(judge(&path, &kind, Some(mask), &mean)?);
        }
    }

    let threshold = choose(&held_out.iter().map(|part| part.score).collect::<Vec<_>>(), &[], TARGET)?;
    let scores: Vec<f32> = test.iter().map(|part| part.score).collect();
    let defective: Vec<bool> = test.iter().map(|part| part.kind != "good").collect();
    let found = rates(&scores, &defective, threshold.value);
    let masks: Vec<&Mask> = test.iter().filter_map(|part| part.mask.as_ref()).collect();
    let (width, height) = (SIDE as usize, SIDE as usize);
    let heatmaps: Vec<HeatmapView> =
        test.iter().map(|part| HeatmapView { width, height, values: &part.heatmap }).collect();
    let pixel_scores: Vec<f32> = test.iter().flat_map(|part| part.heatmap.iter().copied()).collect();
    let pixel_defective: Vec<bool> = masks.iter().flat_map(|mask| mask.pixels.iter().map(|&p| p != 0)).collect();
    let data = ReportData {
        product: root.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        threshold,
        false_reject: found.false_reject,
        escape: found.escape,
        models: vec![ModelFigures {
            name: "distance from the mean picture".into(),
            image_auroc: auroc(&scores, &defective),
            image_ap: average_precision(&scores, &defective),
            pixel_auroc: auroc(&pixel_scores, &pixel_defective),
            pixel_ap: average_precision(&pixel_scores, &pixel_defective),
            aupro: aupro(&heatmaps, &masks, 0.3),
        }],
        facts: vec![
            ("good pictures learnt".into(), learnt.len().to_string()),
            ("good pictures held out".into(), held_out.len().to_string()),
            ("test pictures".into(), test.len().to_string()),
            ("size".into(), format!("{SIDE} by {SIDE}")),
        ],
        skipped: Vec::new(),
        curves: vec![Curve { name: "movement of the mean, levels".into(), points: change }],
        held_out: parts(&held_out),
        test: parts(&test),
    };
    std::fs::write(out, render(&data)).with_context(|| format!("writing {out}"))?;
    println!("{out}");
    Ok(())
}
