//! What the simulator draws, and how often. Plain numbers; the meaning of each stands at its field.

use shared::preprocess::Exposure;

use super::mask::MaskMix;
use crate::data::{Scene, Survey};

/// The recipe for made-up defects. [`Recipe::default`] is the one for parts that always lie in one place in steady light;
/// [`Recipe::suited`] suits it to what the good pictures show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Probability that a sample gets a defect, 0..=1.
    pub anomaly_probability: f32,
    /// Lowest and highest opacity of a texture over the part, 0..=1; drawn evenly between them.
    pub opacity: (f32, f32),
    /// Largest angle by which the good picture itself is turned, degrees either way; 0 for none.
    pub rotation_degrees: f32,
    /// Probability that the good picture is turned at all, 0..=1.
    pub rotation_probability: f32,
    /// Whether the good picture is turned by quarters beforehand, all four of them equally often.
    pub quarter_turns: bool,
    /// Largest change of the good picture's brightness, as a share of it, either way; 0 for none.
    pub light: f32,
    /// Side in pixels of the square windows that are learnt from, where the input is larger; `None` for whole frames.
    pub window: Option<usize>,
    /// Whether defects lie on the part alone, and what lies on the ground around it is nobody's.
    pub part_only: bool,
    /// How often each kind of mask is drawn.
    pub masks: MaskMix,
    /// Probability that a lone defect is placed on the part rather than anywhere in the frame, 0..=1.
    pub on_part_probability: f32,
    /// Probability that a defect's colours come from other pictures of the product, 0..=1.
    pub own_texture_probability: f32,
    /// Probability that a defect is the picture's own structure moved, swapped or smeared, 0..=1.
    pub own_structure_probability: f32,
    /// Probability that a defect is the part itself, bent; 0..=1.
    pub bend_probability: f32,
    /// Probability that the rim of a defect is half as opaque as its inside, 0..=1.
    pub soft_rim_probability: f32,
    /// Smallest change of a channel, in levels of 255, that counts as visible.
    pub visible_levels: u8,
    /// Fewest visible pixels of a defect; what has fewer is drawn again.
    pub smallest_pixels: usize,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            // The original's share. With fewer clean samples the network forgets what good looks like.
            anomaly_probability: 0.5,
            // The original's range, and by its ablation the ingredient that matters most: faint defects are learned too.
            opacity: (0.2, 1.0),
            // Parts on a line arrive nearly, not exactly, in the same pose. More than this teaches that a part lying
            // wrongly is good, which only products without a top and bottom can afford.
            rotation_degrees: 5.0,
            // The original's share.
            rotation_probability: 0.3,
            quarter_turns: false,
            light: 0.0,
            window: None,
            part_only: false,
            masks: MaskMix::default(),
            // The rest falls anywhere, so that dirt on the background stays a defect.
            on_part_probability: 0.6,
            // Textures of the product hide best; missing and misplaced parts look like this.
            own_texture_probability: 0.25,
            // Cut-and-paste and missing structure, where the original is weakest (cable, transistor, screw).
            own_structure_probability: 0.2,
            bend_probability: 0.0,
            // A hard edge on every defect would become what the network looks for.
            soft_rim_probability: 0.5,
            // Twice the noise of a camera or of JPEG; what is fainter cannot be told from the good part.
            visible_levels: 8,
            // Fewer cannot be told from noise.
            smallest_pixels: 4,
        }
    }
}

/// From this [`Survey::turned`] on, parts lie turned any way. Measured: 0.19 and 0.28 where they do not, 0.97 where they do.
const TURNED: f64 = 0.7;
/// From this [`Survey::roundness`] on, a part that lies in one place is round. Measured: a bottle's mouth from above 0.98, drawn caps that lie a
/// little beside the middle 0.87.
const ROUND: f64 = 0.95;
/// Round parts are turned by up to this, as the original turns all parts. Turned any way, and all of them, they are told from bad ones as
/// well, but defects are found less exactly.
const ROUND_DEGREES: f32 = 90.0;
/// A spread of light below this share is that of the parts themselves.
const STEADY_LIGHT: f64 = 0.02;
/// Standard deviations of the pictures' light that learning covers: light goes on to drift after the pictures were taken.
const LIGHT_DEVIATIONS: f64 = 3.0;
/// Learning covers no more change of light than this share: beyond it a stain could pass for a shadow.
const LARGEST_LIGHT: f64 = 0.12;
/// Side of windows in pixels: large enough to show what surrounds a defect.
const WINDOW_SIDE: usize = 128;
/// Least visible change in windows, in levels: at full resolution the grain of metal alone reaches the usual eight.
const WINDOW_VISIBLE_LEVELS: u8 = 16;
/// Fewest pixels of a defect in windows: four by four. Smaller ones teach that dust is a defect, and dust outscores the true ones.
const WINDOW_SMALLEST_PIXELS: usize = 16;
/// Share of the defects on loose parts that are bends: tips, threads and edges out of their place.
const BENT: f32 = 0.2;
/// On a surface that fills the frame, a defect counts as visible from this many times its grain on. Measured: on ground metal one pixel in a
/// hundred of a good part lies as far off its surroundings.
const GRAIN_TIMES: f64 = 2.5;
/// At most this many levels are asked for, whatever the grain. Measured: with 32, large faint defects were told worse.
const GRAINY_VISIBLE_LEVELS: u8 = 20;
/// Fewest pixels of a defect on such a surface; tried together with the levels alone.
const GRAINY_SMALLEST_PIXELS: usize = 12;
/// Side in pixels of the input for parts that lie in one place: a station's work grows with its square.
pub const SMALL_SIDE: usize = 128;
/// Side in pixels of the input for parts that may lie anywhere, which are smaller in the frame and so are their defects.
pub const LARGE_SIDE: usize = 256;

impl Recipe {
    /// The recipe for a product that looks like this in its good pictures.
    ///
    /// Where parts lie anywhere, place in the frame tells nothing, so that windows teach as much as frames do, at twice the
    /// resolution for the same work. The ground under such parts is the belt: what lies on it is not the part's. Pieces of a
    /// pattern that fills the frame look loose as well, but are learnt worse from windows, and turned: they keep frames.
    pub fn suited(survey: &Survey) -> Self {
        let usual = Self::default();
        let loose = survey.scene() == Scene::Loose;
        // Turned, a round part in the middle of the frame is another good part, in light from another side.
        let round = survey.scene() == Scene::Nested && survey.roundness >= ROUND;
        let turned = loose && survey.turned >= TURNED;
        let light = match survey.exposure() {
            // Light that has been evened is steady.
            Exposure::Evened => 0.0,
            Exposure::AsTaken if survey.light < STEADY_LIGHT => 0.0,
            Exposure::AsTaken => (LIGHT_DEVIATIONS * survey.light).min(LARGEST_LIGHT),
        };
        Self {
            rotation_degrees: match (turned, round) {
                (true, _) => 180.0,
                (false, true) => ROUND_DEGREES,
                (false, false) => usual.rotation_degrees,
            },
            // Half of the pictures stay as sharp as the camera gives them: turning blurs.
            rotation_probability: if turned { 0.5 } else { usual.rotation_probability },
            quarter_turns: turned,
            light: light as f32,
            window: loose.then_some(WINDOW_SIDE),
            part_only: loose,
            bend_probability: if loose { BENT } else { usual.bend_probability },
            visible_levels: if loose { WINDOW_VISIBLE_LEVELS } else { usual.visible_levels },
            smallest_pixels: if loose { WINDOW_SMALLEST_PIXELS } else { usual.smallest_pixels },
            ..usual
        }
    }

    /// The recipe for loose parts that have been brought to one place and look like this there.
    ///
    /// They are parts in one place now, but lie on the belt still, and are turned as exactly as they were found.
    pub fn fixed(survey: &Survey) -> Self {
        Self { part_only: true, bend_probability: BENT, ..Self::suited(survey) }
    }

    /// The same with good pictures turned by up to this many degrees; from 180 on in any way.
    pub fn turned_by(self, degrees: f32) -> Self {
        Self { rotation_degrees: degrees, quarter_turns: degrees >= 180.0, ..self }
    }

    /// The side of a square input that suits frames of this width and height.
    pub fn input_side(&self, frame: (usize, usize)) -> usize {
        let detailed = frame.0.min(frame.1) >= LARGE_SIDE;
        if self.window.is_some() && detailed { LARGE_SIDE } else { SMALL_SIDE }
    }

    /// The same for an input of this width and height: windows, and what belongs to them, only where it is larger than they are.
    pub fn for_input(self, (width, height): (usize, usize)) -> Self {
        if self.window.is_some_and(|side| side < width || side < height) {
            return self;
        }
        let Self { visible_levels, smallest_pixels, .. } = Self::default();
        Self { window: None, visible_levels, smallest_pixels, ..self }
    }

    /// The same for a surface that fills the frame, with this [grain](crate::data::grain()) in levels: what drowns in it is no defect.
    ///
    /// A defect that no eye could tell from the grain is a wrong label, and teaches the network to take the grain of good parts for defects.
    pub fn over_grain(self, grain: f64) -> Self {
        let levels = (GRAIN_TIMES * grain) as u8;
        if levels <= self.visible_levels {
            return self;
        }
        Self {
            visible_levels: levels.min(GRAINY_VISIBLE_LEVELS).max(self.visible_levels),
            smallest_pixels: GRAINY_SMALLEST_PIXELS.max(self.smallest_pixels),
            ..self
        }
    }

    /// What is learnt from, in words for whoever trains.
    pub fn in_words(&self) -> String {
        let mut words = vec![match self.window {
            Some(side) => format!("windows of {side} pixels, since parts lie anywhere in the frame"),
            None => "whole frames".to_owned(),
        }];
        if self.quarter_turns {
            words.push("turned any way".to_owned());
        } else if self.rotation_degrees > 0.0 {
            words.push(format!("turned by up to {} degrees", self.rotation_degrees));
        }
        if self.light > 0.0 {
            words.push(format!("light changed by up to {:.0} %", 100.0 * self.light));
        }
        if self.part_only {
            words.push("defects on the part alone, not on the plain ground".to_owned());
        }
        if self.visible_levels > Self::default().visible_levels {
            words.push(format!(
                "defects of {} levels and {} pixels or more, since less drowns in the grain",
                self.visible_levels, self.smallest_pixels
            ));
        }
        words.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nested_part_in_steady_light_gets_the_usual_recipe() {
        let survey = Survey { looseness: 0.01, turned: 0.97, roundness: 0.5, light: 0.0103, plain_rim: 1.0 };
        assert_eq!(Recipe::suited(&survey), Recipe::default());
        let round = Recipe::suited(&Survey { roundness: 0.99, ..survey });
        assert_eq!(round, Recipe::default().turned_by(90.0));
        assert_eq!(Recipe::suited(&Survey::default()), Recipe::default());
    }

    #[test]
    fn each_number_moves_its_own_settings() {
        let loose = Survey { looseness: 0.7, turned: 0.28, roundness: 0.99, light: 0.0, plain_rim: 0.98 };
        let usual = Recipe::default();
        let windows = Recipe {
            window: Some(128),
            part_only: true,
            bend_probability: 0.2,
            visible_levels: 16,
            smallest_pixels: 16,
            ..usual
        };
        assert_eq!(Recipe::suited(&loose), windows);
        assert_eq!(
            Recipe::suited(&loose).for_input((128, 96)),
            Recipe { part_only: true, bend_probability: 0.2, ..usual }
        );
        let turned = Recipe::suited(&Survey { turned: 0.97, ..loose });
        assert!(turned.quarter_turns && turned.rotation_degrees == 180.0, "{turned:?}");
        let pattern = Survey { turned: 0.97, plain_rim: 0.58, ..loose };
        assert_eq!(Recipe::suited(&pattern), usual);
        let light = |light: f64| Recipe::suited(&Survey { light, ..Survey::default() }).light;
        assert_eq!([0.019, 0.03, 0.08, 0.3].map(light), [0.0, 0.09, 0.12, 0.0]);
    }

    #[test]
    fn loose_parts_get_a_larger_input_where_the_camera_has_it() {
        let still = Recipe::default();
        let loose = Recipe { window: Some(128), ..still };
        assert_eq!((still.input_side((1024, 1024)), loose.input_side((1024, 768))), (128, 256));
        assert_eq!(loose.input_side((640, 200)), 128);
        assert_eq!(loose.for_input((128, 128)).window, None);
        assert_eq!(loose.for_input((160, 96)).window, Some(128));
    }

    #[test]
    fn what_drowns_in_the_grain_is_no_defect() {
        let usual = Recipe::default();
        let visible = |grain: f64| {
            let Recipe { visible_levels, smallest_pixels, .. } = usual.over_grain(grain);
            (visible_levels, smallest_pixels)
        };
        assert_eq!(
            [0.0, 3.2, 6.0, 9.0, 38.0, 300.0].map(visible),
            [(8, 4), (8, 4), (15, 12), (20, 12), (20, 12), (20, 12)]
        );
        assert_eq!(Recipe { visible_levels: 8, smallest_pixels: 4, ..usual.over_grain(9.0) }, usual);
        let stricter = Recipe { visible_levels: 30, smallest_pixels: 40, ..usual };
        assert_eq!(stricter.over_grain(38.0), Recipe { visible_levels: 30, ..stricter });
        assert!(usual.over_grain(9.0).in_words().contains("20 levels and 12 pixels"));
    }

    #[test]
    fn whoever_names_an_angle_gets_it() {
        let turned = Recipe { quarter_turns: true, rotation_degrees: 180.0, ..Recipe::default() };
        assert_eq!(turned.turned_by(0.0), Recipe { rotation_degrees: 0.0, ..Recipe::default() });
        assert!(Recipe::default().turned_by(180.0).quarter_turns);
    }

    #[test]
    fn the_words_name_what_is_done() {
        assert_eq!(Recipe::default().in_words(), "whole frames; turned by up to 5 degrees");
        let survey = Survey { looseness: 0.7, turned: 0.97, roundness: 0.1, light: 0.03, plain_rim: 0.98 };
        let words = Recipe::suited(&survey).in_words();
        assert!(words.contains("128") && words.contains("any way") && words.contains("9 %"), "{words}");
        assert!(words.contains("on the part alone"), "{words}");
    }
}
