//! What the simulator draws, and how often. Plain numbers; the meaning of each stands at its field.

use super::mask::MaskMix;

/// The recipe for made-up defects. [`Recipe::default`] is the one that training uses unless told otherwise.
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
    /// How often each kind of mask is drawn.
    pub masks: MaskMix,
    /// Probability that a lone defect is placed on the part rather than anywhere in the frame, 0..=1.
    pub on_part_probability: f32,
    /// Probability that a defect's colours come from other pictures of the product, 0..=1.
    pub own_texture_probability: f32,
    /// Probability that a defect is the picture's own structure moved, swapped or smeared, 0..=1.
    pub own_structure_probability: f32,
    /// Probability that the rim of a defect is half as opaque as its inside, 0..=1.
    pub soft_rim_probability: f32,
    /// Smallest change of a channel, in levels of 255, that counts as visible.
    pub visible_levels: u8,
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
            masks: MaskMix::default(),
            // The rest falls anywhere, so that dirt on the background stays a defect.
            on_part_probability: 0.6,
            // Textures of the product hide best; missing and misplaced parts look like this.
            own_texture_probability: 0.25,
            // Cut-and-paste and missing structure, where the original is weakest (cable, transistor, screw).
            own_structure_probability: 0.2,
            // A hard edge on every defect would become what the network looks for.
            soft_rim_probability: 0.5,
            // Twice the noise of a camera or of JPEG; what is fainter cannot be told from the good part.
            visible_levels: 8,
        }
    }
}
