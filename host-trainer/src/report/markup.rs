//! Text and numbers as they stand in HTML. Knows nothing of what they mean.

use crate::data::Picture;
use base64::prelude::{BASE64_STANDARD, Engine};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

/// Text that came from outside, made harmless inside elements and quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Control characters are not allowed in HTML, and a file name may hold them.
            character if character.is_control() => safe.push('\u{fffd}'),
            character => safe.push(character),
        }
    }
    safe
}

/// A share 0..=1 in per cent, with as many digits as a reader needs near either end.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent == 0.0 || percent == 100.0 {
        0
    } else if percent < 0.1 {
        3
    } else if !(1.0..=99.0).contains(&percent) {
        2
    } else {
        1
    };
    format!("{percent:.digits$} %")
}

/// A score or loss with four significant digits.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "not a number".into()
    } else if size == 0.0 || (0.1..1000.0).contains(&size) {
        format!("{value:.4}")
    } else if (1e-4..0.1).contains(&size) {
        format!("{value:.5}")
    } else {
        format!("{value:.2e}")
    }
}

/// A figure in per cent, or a dash where there is none.
pub(super) fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{:.2} %", value * 100.0))
}

/// `1st`, `2nd`, `3rd`, `4th` and so on.
pub(super) fn ordinal(n: usize) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// The picture as an `img` element that carries its own bytes; a plain remark if its sizes contradict each other.
pub(super) fn image(picture: &Picture, what: &str) -> String {
    let mut png = Vec::new();
    let sizes = (u32::try_from(picture.width), u32::try_from(picture.height));
    // The encoder panics on a buffer of the wrong length instead of returning an error.
    let fits = picture.width.checked_mul(picture.height).and_then(|n| n.checked_mul(3)) == Some(picture.rgb.len());
    let (Ok(width), Ok(height), true) = (sizes.0, sizes.1, fits) else {
        return format!("<em>{}: no picture</em>", escape(what));
    };
    match PngEncoder::new(&mut png).write_image(&picture.rgb, width, height, ExtendedColorType::Rgb8) {
        Ok(()) => format!(
            "<img alt=\"{}\" width=\"{width}\" height=\"{height}\" src=\"data:image/png;base64,{}\">",
            escape(what),
            BASE64_STANDARD.encode(png)
        ),
        Err(why) => format!("<em>{}: {}</em>", escape(what), escape(&why.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_file_names_cannot_become_markup() {
        assert_eq!(escape("<b a='1'>\"&\u{7}"), "&lt;b a=&#39;1&#39;&gt;&quot;&amp;\u{fffd}");
    }

    #[test]
    fn shares_keep_the_digits_that_matter() {
        let shown = [0.0, 0.00033, 0.005, 0.0203, 0.5, 0.998, 1.0].map(percent);
        assert_eq!(shown, ["0 %", "0.033 %", "0.50 %", "2.0 %", "50.0 %", "99.80 %", "100 %"]);
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal).join(" "),
            "1st 2nd 3rd 4th 11th 12th 13th 21st 112th"
        );
    }

    #[test]
    fn a_picture_of_contradictory_size_is_a_remark() {
        let broken = Picture { width: 4, height: 4, rgb: vec![0; 5] };
        assert_eq!(image(&broken, "a & b"), "<em>a &amp; b: no picture</em>");
        assert!(image(&Picture::filled(2, 2, [1, 2, 3]), "x").starts_with("<img alt=\"x\" width=\"2\""));
    }
}
