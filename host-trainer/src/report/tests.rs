//! The page as a whole: well formed, self-contained, harmless, and true to what it is given.

use shared::threshold::choose;

use super::{Curve, ModelFigures, Part, ReportData, render};
use crate::data::{Mask, Picture};
use crate::evaluate::rates;

struct Stock {
    picture: Picture,
    heatmap: Vec<f32>,
    mask: Mask,
    names: Vec<String>,
}

fn stock() -> Stock {
    let mut mask = Mask::empty(8, 8);
    mask.pixels[20] = 1;
    let heatmap = mask.pixels.iter().map(|&pixel| f32::from(pixel) * 0.9).collect();
    let names = (0..60).map(|i| format!("<i>{i}</i>\"'&.png")).collect();
    Stock { picture: Picture::filled(8, 8, [90, 100, 110]), heatmap, mask, names }
}

fn data(stock: &Stock, with_test: bool) -> ReportData<'_> {
    let part = |index: usize, kind: &'static str, score: f32| Part {
        name: &stock.names[index],
        kind,
        defective: kind != "good",
        score,
        picture: &stock.picture,
        heatmap: &stock.heatmap,
        mask: (kind != "good").then_some(&stock.mask),
    };
    let held_out: Vec<Part> = (0..30).map(|i| part(i, "good", i as f32 / 1000.0)).collect();
    let mut test = Vec::new();
    if with_test {
        test.extend((30..40).map(|i| part(i, "good", (i - 30) as f32 / 280.0)));
        test.extend((40..52).map(|i| part(i, "dent & <b>", 0.5)));
        test.extend((52..60).map(|i| part(i, "scratch", (i - 52) as f32 / 100.0)));
    }
    let scores: Vec<f32> = held_out.iter().map(|part| part.score).collect();
    let threshold = choose(&scores, &[], 0.1).expect("30 parts support 10 %");
    let test_scores: Vec<f32> = test.iter().map(|part| part.score).collect();
    let defective: Vec<bool> = test.iter().map(|part| part.defective).collect();
    let found = rates(&test_scores, &defective, threshold.value);
    ReportData {
        product: "bracket <left> & \"right\"".into(),
        threshold,
        false_reject: found.false_reject,
        escape: found.escape,
        models: vec![ModelFigures { name: "f32 <raw>".into(), image_auroc: Some(0.9876), ..ModelFigures::default() }],
        facts: vec![("seed".into(), "7 <seven>".into())],
        skipped: vec![("<broken>.png".into(), "not a picture & never was".into())],
        curves: vec![
            Curve { name: "focal <loss>".into(), points: (0..1000).map(|i| (i, 1.0 / (i as f64 + 1.0))).collect() },
            Curve { name: "flat".into(), points: vec![(0, 0.0), (5, 0.0)] },
            Curve { name: "short".into(), points: vec![(0, f64::NAN), (1, 2.0)] },
        ],
        held_out,
        test,
    }
}

/// Walks all tags and checks that they close in the order in which they opened. Gives the names of the elements seen.
fn elements(html: &str) -> Vec<String> {
    let body = html.split_once("</style>").expect("a style sheet").1;
    let mut rest = body;
    let mut open: Vec<String> = ["html", "head"].map(String::from).to_vec();
    let mut seen = Vec::new();
    while let Some((_, tag_on)) = rest.split_once('<') {
        let (tag, after) = tag_on.split_once('>').expect("a tag that ends");
        rest = after;
        assert!(tag.matches('"').count().is_multiple_of(2), "quotes in <{}", &tag[..tag.len().min(80)]);
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closing tag </{name}>");
            continue;
        }
        let name = tag.split([' ', '/']).next().expect("split gives one").to_owned();
        seen.push(name.clone());
        if !tag.ends_with('/') && !["img", "meta"].contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
    seen
}

#[test]
fn the_page_is_well_formed_and_needs_nothing_else() {
    let stock = stock();
    for with_test in [true, false] {
        let html = render(&data(&stock, with_test));
        let seen = elements(&html);
        for forbidden in ["script", "link", "iframe", "i", "b", "left", "broken", "seven", "raw", "loss"] {
            assert!(!seen.iter().any(|name| name == forbidden), "element {forbidden}");
        }
        assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("@import"));
        assert_eq!(html.matches("src=\"").count(), html.matches("src=\"data:image/png;base64,").count());
        assert!(!html.contains("NaN") && !html.contains("inf "));
    }
}

#[test]
fn headline_and_promise_state_the_counts() {
    let stock = stock();
    let html = render(&data(&stock, true));
    // Threshold: the 3rd highest of 30, 0.027. Of the scratches those at 0.03 and above are found.
    assert!(html.contains("Finds 17 of 20 defective parts, wrongly rejects 2 of 10 good ones."), "{}", &html[..9000]);
    assert!(html.contains("is the 3rd highest score of 30 good parts"));
    assert!(html.contains("one in 10;"));
    assert!(html.contains("bracket &lt;left&gt; &amp; &quot;right&quot;"));
    assert!(html.contains("files skipped: 1"));
}

#[test]
fn without_defects_the_page_says_that_nothing_is_known_about_them() {
    let stock = stock();
    let html = render(&data(&stock, false));
    assert!(html.contains("How many defects it finds is not known"));
    assert!(html.contains("no defective parts to test on"));
    assert!(!html.contains("Missed defects") && !html.contains("Defects by kind"));
}
