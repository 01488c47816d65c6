//! Counts → a picture of bars, drawn here: no script, no style of its own, light and dark by the page's.
//!
//! Takes counts in classes, where lines stand and what stands below; gives SVG. A picture is for the eye alone: whoever shows one has the same in
//! a table. Heights grow with the root of a count, so that five bad parts are seen beside ten thousand good ones.

use maud::{Markup, html};

/// Units of all classes together in width.
const WIDTH: f64 = 640.0;

/// Units of the highest bar.
const HEIGHT: f64 = 120.0;

/// A bar of something is never lower: one part is to be seen.
const LEAST: f64 = 3.0;

/// Room below the bars for what stands there.
const BELOW: f64 = 28.0;

/// Room on both sides for a label at the end.
const BESIDE: f64 = 30.0;

/// A line across.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// Where, in classes from the left.
    pub at: f64,
    /// The class of its style.
    pub style: &'static str,
}

/// A picture.
#[derive(Debug)]
pub struct Chart<'a> {
    /// What it shows, for those who do not see it.
    pub about: &'a str,
    /// How many lie in each class.
    pub counts: &'a [u64],
    /// Lines across.
    pub marks: &'a [Mark],
    /// What stands below, and where, in classes from the left.
    pub labels: &'a [(f64, String)],
}

impl Chart<'_> {
    /// Draws it.
    #[must_use]
    pub fn draw(&self) -> Markup {
        let class_width = WIDTH / self.counts.len().max(1) as f64;
        let most = self.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
        let bars = self.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(class, &count)| {
            let height = ((count as f64 / most).sqrt() * HEIGHT).max(LEAST);
            (class as f64 * class_width, HEIGHT - height, height)
        });
        html! {
            svg.chart role="img" aria-label=(self.about)
                viewBox={ (-BESIDE) " -4 " (WIDTH + 2.0 * BESIDE) " " (HEIGHT + BELOW + 8.0) } {
                @for (x, y, height) in bars {
                    rect.bar x=(places(x + 1.0)) y=(places(y)) width=(places(class_width - 2.0)) height=(places(height)) {}
                }
                line.axis x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
                @for Mark { at, style } in self.marks {
                    line class=(style) x1=(places(at * class_width)) x2=(places(at * class_width)) y1="-4" y2=(HEIGHT + 4.0) {}
                }
                @for (at, label) in self.labels {
                    text x=(places(at * class_width)) y=(HEIGHT + BELOW - 4.0) text-anchor="middle" { (label) }
                }
            }
        }
    }
}

/// As many places as the eye sees.
fn places(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_seen_and_what_is_not_is_not() {
        let marks = [Mark { at: 1.5, style: "mark" }];
        let labels = [(0.0, "<0>".to_owned())];
        let chart = Chart { about: "scores & parts", counts: &[0, 1, 10_000, 0], marks: &marks, labels: &labels };
        let drawn = chart.draw().into_string();
        assert_eq!(drawn.matches("<rect").count(), 2);
        assert!(drawn.contains("y=\"117.0\" width=\"158.0\" height=\"3.0\""), "one of ten thousand: {drawn}");
        assert!(drawn.contains("y=\"0.0\" width=\"158.0\" height=\"120.0\""), "{drawn}");
        assert!(drawn.contains("class=\"mark\" x1=\"240.0\"") && drawn.contains("&lt;0&gt;"), "{drawn}");
        assert!(drawn.contains("aria-label=\"scores &amp; parts\"") && !drawn.contains("style="), "{drawn}");
        let nothing = Chart { about: "", counts: &[0; 3], marks: &[], labels: &[] }.draw().into_string();
        assert!(!nothing.contains("<rect"), "{nothing}");
    }
}
