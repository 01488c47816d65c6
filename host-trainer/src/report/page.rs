//! The page as a whole: headline, what the threshold promises, and the sections in the order in which they are asked about.

use super::data::ReportData;
use super::markup::{escape, figure, number, ordinal, percent};
use super::{charts, gallery, tables};
use crate::evaluate::Rate;
use std::fmt::Write;

const STYLE: &str = include_str!("style.css");

/// The report as one HTML document that needs nothing else.
pub fn render(data: &ReportData) -> String {
    let product = escape(&data.product);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>{product}: training report</title><style>{STYLE}</style></head><body><main>\
         <header><p class=\"quiet\">Training report</p><h1>{product}</h1></header>{}",
        headline(data)
    );
    section(&mut html, "What the threshold promises", &format!("<p>{}</p>", promise(data)));
    section(&mut html, "Scores", &charts::histogram(data));
    if let Some(kinds) = tables::kinds(data) {
        section(&mut html, "Defects by kind", &kinds);
    }
    if let Some(models) = tables::models(data) {
        section(&mut html, "Figures without a threshold", &models);
    }
    if data.escape.is_some() {
        section(&mut html, "Missed defects", &gallery::missed(data));
        section(&mut html, "Found defects", &gallery::found(data));
    }
    let colours = "<p class=\"quiet\">Heatmaps are clear up to the threshold, then go from amber to red; the colours mean \
                   the same on every picture.</p>";
    section(&mut html, "Good parts with the highest scores", &format!("{colours}{}", gallery::worst_good(data)));
    let curves = if data.curves.is_empty() {
        "<p class=\"quiet\">None: this model was not trained in this run.</p>".into()
    } else {
        format!("<div class=\"charts\">{}</div>", charts::curves(&data.curves))
    };
    section(&mut html, "Learning curves", &curves);
    section(&mut html, "Facts of the run", &facts(data));
    let all = data.held_out.len() + data.test.len();
    let every = format!("<details><summary>{all} parts with their scores</summary>{}</details>", tables::parts(data));
    section(&mut html, "Every part", &every);
    html.push_str("</main></body></html>\n");
    html
}

fn section(html: &mut String, title: &str, body: &str) {
    let _ = write!(html, "<section><h2>{title}</h2>{body}</section>");
}

fn headline(data: &ReportData) -> String {
    let (class, words) = match (&data.escape, &data.false_reject) {
        (Some(escape), reject) => {
            let found = format!("Finds {} of {} defective parts", escape.of - escape.count, escape.of);
            let reject = reject
                .map_or_else(String::new, |rate| format!(", wrongly rejects {} of {} good ones", rate.count, rate.of));
            (if escape.count == 0 { "fine" } else { "mind" }, format!("{found}{reject}."))
        }
        (None, Some(reject)) => (
            "mind",
            format!(
                "Wrongly rejects {} of {} good test parts. How many defects it finds is not known: \
                     there were none to test on.",
                reject.count, reject.of
            ),
        ),
        (None, None) => {
            ("mind", "The threshold is set. How many defects it finds is not known: there were none to test on.".into())
        }
    };
    let auroc = data.models.first().and_then(|model| model.image_auroc);
    let mut html = format!("<div class=\"verdict {class}\"><p>{words}</p></div><div class=\"tiles\">");
    tile(&mut html, "threshold", &number(f64::from(data.threshold.value)), "a part is rejected above it");
    let expected = format!("at most {} with 95 % confidence", percent(data.threshold.upper_bound_95));
    tile(&mut html, "good parts rejected, expected", &percent(data.threshold.expected), &expected);
    rate_tile(&mut html, "good test parts rejected", data.false_reject.as_ref());
    rate_tile(&mut html, "defects missed", data.escape.as_ref());
    if auroc.is_some() {
        tile(&mut html, "image AUROC", &figure(auroc), "100 % separates good and bad entirely");
    }
    html.push_str("</div>");
    html
}

fn tile(html: &mut String, name: &str, value: &str, remark: &str) {
    let _ = write!(
        html,
        "<div class=\"tile\"><span class=\"quiet\">{name}</span><strong>{value}</strong>\
         <span class=\"quiet\">{remark}</span></div>"
    );
}

fn rate_tile(html: &mut String, name: &str, rate: Option<&Rate>) {
    match rate {
        Some(rate) => {
            let (low, high) = rate.interval_95;
            let remark = format!("{} of {}; true rate {} to {}", rate.count, rate.of, percent(low), percent(high));
            tile(html, name, &percent(rate.rate), &remark);
        }
        None => tile(html, name, "not tested", "no such parts in the data"),
    }
}

fn promise(data: &ReportData) -> String {
    let threshold = &data.threshold;
    let rank = if threshold.rank == 1 { "highest".into() } else { format!("{} highest", ordinal(threshold.rank)) };
    format!(
        "The threshold {} is the {rank} score of {} good parts that were kept out of training. Of new good parts, about {} \
         will be rejected, one in {:.0}; with 95 % confidence it is not more than {}, and of the next hundred not more than {}. {} \
         were asked for. This holds for \
         parts pictured like those: same product, same camera, same light. It says nothing about defects: how many of \
         them are found shows only on real ones.",
        number(f64::from(threshold.value)),
        threshold.parts,
        percent(threshold.expected),
        1.0 / threshold.expected,
        percent(threshold.upper_bound_95),
        threshold.most_rejected_95(100),
        percent(threshold.target),
    )
}

fn facts(data: &ReportData) -> String {
    let mut html = tables::pairs(&data.facts);
    if data.skipped.is_empty() {
        html.push_str("<p class=\"quiet\">No file was skipped.</p>");
    } else {
        let _ = write!(
            html,
            "<details><summary class=\"alarm\">files skipped: {}</summary>{}</details>",
            data.skipped.len(),
            tables::pairs(&data.skipped)
        );
    }
    html
}
