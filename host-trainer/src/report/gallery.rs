//! Pictures side by side: the part, what the model saw, and where the defect really is.

use super::data::{Part, ReportData};
use super::markup::{escape, image, number};
use super::overlay::{heatmap_overlay, mask_outline};
use super::tables::rejected;
use crate::data::Picture;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Pictures per section: each takes about 100 kB per view at 256 pixels, and the page should open at once.
const MOST: usize = 8;

/// The good parts with the highest scores, held-out and tested ones together.
pub(super) fn worst_good(data: &ReportData) -> String {
    let mut parts: Vec<&Part> = data.held_out.iter().chain(&data.test).filter(|part| !part.defective).collect();
    parts.sort_by(|a, b| b.score.total_cmp(&a.score));
    section(&parts, parts.len(), data)
}

/// The defective parts that pass, the lowest scores first.
pub(super) fn missed(data: &ReportData) -> String {
    let mut parts: Vec<&Part> = data.test.iter().filter(|part| part.defective && !rejected(part.score, data)).collect();
    parts.sort_by(|a, b| a.score.total_cmp(&b.score));
    section(&parts, parts.len(), data)
}

/// Defective parts that are rejected: each kind in turn, its highest scores first.
pub(super) fn found(data: &ReportData) -> String {
    let mut kinds: BTreeMap<&str, Vec<&Part>> = BTreeMap::new();
    for part in data.test.iter().filter(|part| part.defective && rejected(part.score, data)) {
        kinds.entry(part.kind).or_default().push(part);
    }
    let all = kinds.values().map(Vec::len).sum();
    kinds.values_mut().for_each(|parts| parts.sort_by(|a, b| b.score.total_cmp(&a.score)));
    let longest = kinds.values().map(Vec::len).max().unwrap_or(0);
    let in_turn = (0..longest).flat_map(|turn| kinds.values().filter_map(move |parts| parts.get(turn).copied()));
    section(&in_turn.take(MOST).collect::<Vec<_>>(), all, data)
}

fn section(parts: &[&Part], all: usize, data: &ReportData) -> String {
    if parts.is_empty() {
        return "<p class=\"quiet\">None.</p>".into();
    }
    let mut html = String::new();
    if all > MOST {
        let _ = write!(html, "<p class=\"quiet\">{MOST} of {all} shown.</p>");
    }
    html.push_str("<div class=\"gallery\">");
    for part in parts.iter().take(MOST) {
        let reject = rejected(part.score, data);
        let verdict = if reject { "rejected" } else { "passed" };
        let class = if reject == part.defective { "right" } else { "wrong" };
        let _ = write!(html, "<figure class=\"part {class}\"><div class=\"{}\">", views(part.picture));
        view(&mut html, "picture", &image(part.picture, part.name));
        let overlay = heatmap_overlay(part.picture, part.heatmap, data.threshold.value);
        view(&mut html, "heatmap", &image(&overlay, &format!("heatmap over {}", part.name)));
        if let Some(mask) = part.mask.filter(|mask| mask.any()) {
            let outlined = mask_outline(part.picture, mask);
            view(&mut html, "true defect", &image(&outlined, &format!("true defect of {}", part.name)));
        }
        let _ = write!(
            html,
            "</div><figcaption><strong>{}</strong> · {} · score {} · {verdict}</figcaption></figure>",
            escape(part.name),
            escape(part.kind),
            number(f64::from(part.score))
        );
    }
    html.push_str("</div>");
    html
}

/// Long pictures stand below each other, as large as the page allows.
fn views(picture: &Picture) -> &'static str {
    if picture.width >= 2 * picture.height { "views long" } else { "views" }
}

fn view(html: &mut String, what: &str, image: &str) {
    let _ = write!(html, "<div>{image}<span class=\"quiet\">{what}</span></div>");
}
