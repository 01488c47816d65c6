//! The tables: defects by kind, figures by model, facts of the run, skipped files, every part.

use super::data::{Part, ReportData};
use super::markup::{escape, figure, number, percent};
use std::collections::BTreeMap;
use std::fmt::Write;

/// One row per kind of defect, worst found first; `None` without defective parts.
pub(super) fn kinds(data: &ReportData) -> Option<String> {
    let mut kinds: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for part in data.test.iter().filter(|part| part.defective) {
        kinds.entry(part.kind).or_default().push(part.score);
    }
    if kinds.is_empty() {
        return None;
    }
    let found = |scores: &[f32]| scores.iter().filter(|&&score| rejected(score, data)).count();
    let mut rows: Vec<(&str, Vec<f32>)> = kinds.into_iter().collect();
    rows.sort_by_key(|(_, scores)| found(scores) * 1000 / scores.len());
    let mut html = String::from(
        "<table><thead><tr><th>kind of defect</th><th class=\"n\">parts</th><th class=\"n\">found</th>\
         <th class=\"n\">missed</th><th>share found</th><th class=\"n\">mean score</th><th class=\"n\">lowest score</th>\
         </tr></thead><tbody>",
    );
    for (kind, scores) in rows {
        let (all, found) = (scores.len(), found(&scores));
        let share = found as f64 / all as f64;
        let mean = scores.iter().map(|&score| f64::from(score)).sum::<f64>() / all as f64;
        let lowest = f64::from(scores.iter().copied().fold(f32::INFINITY, f32::min));
        let missed = all - found;
        let class = if missed > 0 { "n alarm" } else { "n" };
        let _ = write!(
            html,
            "<tr><td>{}</td><td class=\"n\">{all}</td><td class=\"n\">{found}</td><td class=\"{class}\">{missed}</td>\
             <td><span class=\"bar\"><span style=\"width:{:.0}%\"></span></span> {}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            escape(kind),
            share * 100.0,
            percent(share),
            number(mean),
            number(lowest)
        );
    }
    html.push_str("</tbody></table>");
    Some(html)
}

/// One row per form of the model; `None` when no model has any figure.
pub(super) fn models(data: &ReportData) -> Option<String> {
    let figures = |m: &super::ModelFigures| [m.image_auroc, m.image_ap, m.pixel_auroc, m.pixel_ap, m.aupro];
    if !data.models.iter().any(|model| figures(model).iter().any(Option::is_some)) {
        return None;
    }
    let mut html = String::from(
        "<table><thead><tr><th>model</th><th class=\"n\">image AUROC</th><th class=\"n\">image AP</th>\
         <th class=\"n\">pixel AUROC</th><th class=\"n\">pixel AP</th><th class=\"n\">AUPRO</th></tr></thead><tbody>",
    );
    for model in &data.models {
        let _ = write!(html, "<tr><td>{}</td>", escape(&model.name));
        for value in figures(model) {
            let _ = write!(html, "<td class=\"n\">{}</td>", figure(value));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
    Some(html)
}

/// Names and values, two columns.
pub(super) fn pairs(rows: &[(String, String)]) -> String {
    let mut html = String::from("<table class=\"pairs\"><tbody>");
    for (name, value) in rows {
        let _ = write!(html, "<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value));
    }
    html.push_str("</tbody></table>");
    html
}

/// Every part with its score, highest first.
pub(super) fn parts(data: &ReportData) -> String {
    let held_out = data.held_out.iter().map(|part| (part, "good, held out"));
    let mut rows: Vec<(&Part, &str)> = held_out.chain(data.test.iter().map(|part| (part, part.kind))).collect();
    rows.sort_by(|a, b| b.0.score.total_cmp(&a.0.score));
    let mut html = String::from(
        "<table><thead><tr><th>part</th><th>kind</th><th class=\"n\">score</th><th>verdict</th></tr></thead><tbody>",
    );
    for (part, kind) in rows {
        let reject = rejected(part.score, data);
        let class = if reject == part.defective { "" } else { " class=\"alarm\"" };
        let verdict = match (reject, part.defective) {
            (true, true) => "rejected",
            (true, false) => "rejected though good",
            (false, true) => "passed though defective",
            (false, false) => "passed",
        };
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td{class}>{verdict}</td></tr>",
            escape(part.name),
            escape(kind),
            number(f64::from(part.score))
        );
    }
    html.push_str("</tbody></table>");
    html
}

/// Whether the line rejects a part with this score. What is no number is rejected, too.
pub(super) fn rejected(score: f32, data: &ReportData) -> bool {
    score.is_nan() || score > data.threshold.value
}
