//! What can be wrong with a cap: six kinds of defect, each of random place, size and strength.
//!
//! Takes a kind and a generator, gives a `Defect`, which answers for a point of the cap how it changes the surface there.
//! Coordinates are the cap's own: the origin at its centre, the rim at radius 1, turned with the print; lengths are in units
//! of the cap's radius. It paints no pixel and knows no mask; `super::product` finds the mask by comparing pictures.

use std::f32::consts::{PI, TAU};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The kinds of defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A bright line where the enamel is scraped down to the steel.
    Scratch,
    /// A brownish spot with an uneven rim.
    Stain,
    /// A dimple that only shows by its shading.
    Dent,
    /// A piece broken out of the rim.
    Missing,
    /// The print shifted on the cap, or a sector of it absent.
    Misprint,
    /// A dark hair lying on the cap.
    Hair,
}

impl Kind {
    /// Every kind, in the order in which tables list them.
    pub const ALL: [Self; 6] = [Self::Scratch, Self::Stain, Self::Dent, Self::Missing, Self::Misprint, Self::Hair];

    /// The name of the kind as folder name and in tables: lower case, one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scratch => "scratch",
            Self::Stain => "stain",
            Self::Dent => "dent",
            Self::Missing => "missing",
            Self::Misprint => "misprint",
            Self::Hair => "hair",
        }
    }
}

/// A line across the cap: the corners of a polyline and its half width.
#[derive(Debug, Clone)]
struct Stroke {
    corners: Vec<[f32; 2]>,
    half_width: f32,
    opacity: f32,
}

/// A closed spot whose radius wavers with the direction.
#[derive(Debug, Clone)]
struct Spot {
    centre: [f32; 2],
    radius: f32,
    waves: [(f32, f32); 4],
    opacity: f32,
}

/// One drawn defect.
#[derive(Debug, Clone)]
pub struct Defect(Shape);

#[derive(Debug, Clone)]
enum Shape {
    Scratch(Stroke),
    Stain(Spot),
    Dent { centre: [f32; 2], axes: [f32; 2], turn: f32, steepness: f32 },
    Missing(Spot),
    Shifted([f32; 2]),
    Unprinted { from: f32, width: f32 },
    Hair(Stroke),
}

impl Defect {
    /// Draws a defect of `kind` for a cap of `radius_px` pixels; line widths are drawn in pixels, as scratches and hairs do
    /// not grow with the cap.
    pub fn draw(kind: Kind, radius_px: f32, rng: &mut ChaCha8Rng) -> Self {
        Self(match kind {
            Kind::Scratch => {
                let length = rng.random_range(0.25..0.95);
                let width = rng.random_range(1.0..2.3) / radius_px;
                Shape::Scratch(Stroke::draw(0.55, length, 0.35, width, 0.9, rng))
            }
            Kind::Stain => {
                let radius = rng.random_range(0.07..0.2);
                Shape::Stain(Spot::draw(point(0.7, rng), radius, rng.random_range(0.55..0.9), rng))
            }
            Kind::Dent => Shape::Dent {
                centre: point(0.58, rng),
                axes: [rng.random_range(0.1..0.2), rng.random_range(0.08..0.14)],
                turn: rng.random_range(0.0..PI),
                steepness: rng.random_range(0.7..1.2),
            },
            Kind::Missing => {
                let at = rng.random_range(0.0..TAU);
                let radius = rng.random_range(0.16..0.28);
                Shape::Missing(Spot::draw([at.cos(), at.sin()], radius, 1.0, rng))
            }
            Kind::Misprint if rng.random_bool(0.5) => {
                let at: f32 = rng.random_range(0.0..TAU);
                let far = rng.random_range(0.07..0.14);
                Shape::Shifted([at.cos() * far, at.sin() * far])
            }
            Kind::Misprint => Shape::Unprinted { from: rng.random_range(0.0..TAU), width: rng.random_range(0.5..1.6) },
            Kind::Hair => {
                let length = rng.random_range(0.7..1.5);
                let width = rng.random_range(0.7..1.2) / radius_px;
                Shape::Hair(Stroke::draw(0.5, length, 1.6, width, 0.9, rng))
            }
        })
    }

    /// How much of the cap is gone at a point, 0 to 1; `blur` is half a pixel in cap units.
    #[must_use]
    pub fn removed(&self, u: f32, v: f32, blur: f32) -> f32 {
        match &self.0 {
            Shape::Missing(spot) => spot.cover(u, v, blur),
            _ => 0.0,
        }
    }

    /// What is added to the slope of the surface at a point, along the cap's axes.
    #[must_use]
    pub fn slope(&self, u: f32, v: f32) -> [f32; 2] {
        let Shape::Dent { centre, axes, turn, steepness } = &self.0 else { return [0.0; 2] };
        let (sin, cos) = turn.sin_cos();
        let (x, y) = (u - centre[0], v - centre[1]);
        let (a, b) = ((x * cos + y * sin) / axes[0], (y * cos - x * sin) / axes[1]);
        // The gradient of -exp(-q/2), whose steepest place is at one deviation and has 0.61 of the factor.
        let dip = steepness * 1.65 * (-(a * a + b * b) / 2.0).exp();
        [dip * (a * cos - b * sin), dip * (a * sin + b * cos)]
    }

    /// Where the print is looked up for a point, and how much of it is there, 0 to 1.
    #[must_use]
    pub fn print(&self, u: f32, v: f32) -> ([f32; 2], f32) {
        match &self.0 {
            Shape::Shifted(by) => ([u - by[0], v - by[1]], 1.0),
            Shape::Unprinted { from, width } => {
                let angle = (v.atan2(u) - from).rem_euclid(TAU);
                let inside = ((width - angle) * 40.0).clamp(0.0, 1.0) * (angle * 40.0).clamp(0.0, 1.0);
                ([u, v], 1.0 - inside)
            }
            _ => ([u, v], 1.0),
        }
    }

    /// What lies on the surface at a point: a colour (RGB, 0 to 1) and its opacity, 0 to 1.
    #[must_use]
    pub fn cover(&self, u: f32, v: f32, blur: f32) -> ([f32; 3], f32) {
        match &self.0 {
            Shape::Scratch(stroke) => ([0.93, 0.92, 0.9], stroke.cover(u, v, blur)),
            Shape::Hair(stroke) => ([0.06, 0.045, 0.04], stroke.cover(u, v, blur)),
            Shape::Stain(spot) => ([0.17, 0.11, 0.06], spot.cover(u, v, blur + 0.015)),
            _ => ([0.0; 3], 0.0),
        }
    }

    /// Whether a point lies inside a defect that is hollow in a comparison of pictures: the bottom of a dent is level and
    /// looks like sound surface, but it is part of the dent.
    #[must_use]
    pub fn hollow(&self, u: f32, v: f32) -> bool {
        let Shape::Dent { centre, axes, turn, .. } = &self.0 else { return false };
        let (sin, cos) = turn.sin_cos();
        let (x, y) = (u - centre[0], v - centre[1]);
        ((x * cos + y * sin) / axes[0]).powi(2) + ((y * cos - x * sin) / axes[1]).powi(2) < 2.6
    }
}

/// A point uniformly within `radius` of the centre.
fn point(radius: f32, rng: &mut ChaCha8Rng) -> [f32; 2] {
    let (far, at): (f32, f32) = (radius * rng.random::<f32>().sqrt(), rng.random_range(0.0..TAU));
    [far * at.cos(), far * at.sin()]
}

impl Stroke {
    /// A stroke of `length` around a point within `reach`, whose direction turns by up to `bend` radians in all.
    fn draw(reach: f32, length: f32, bend: f32, half_width: f32, opacity: f32, rng: &mut ChaCha8Rng) -> Self {
        const PIECES: usize = 24;
        let centre = point(reach, rng);
        let mut heading = rng.random_range(0.0..TAU);
        let turn = rng.random_range(-bend..bend) / PIECES as f32;
        let sway = rng.random_range(-bend..bend) * 3.0 / PIECES as f32;
        let phase = rng.random_range(0.0..TAU);
        let mut at = [0.0, 0.0];
        let mut corners = vec![at];
        for piece in 0..PIECES {
            let along = piece as f32 / PIECES as f32;
            heading += turn + sway * (along * 7.0 + phase).sin();
            at = [at[0] + heading.cos() * length / PIECES as f32, at[1] + heading.sin() * length / PIECES as f32];
            corners.push(at);
        }
        let middle = corners[PIECES / 2];
        for corner in &mut corners {
            *corner = [corner[0] - middle[0] + centre[0], corner[1] - middle[1] + centre[1]];
        }
        Self { corners, half_width, opacity }
    }

    fn cover(&self, u: f32, v: f32, blur: f32) -> f32 {
        let reach = self.half_width + blur;
        let mut nearest = f32::MAX;
        for (i, pair) in self.corners.windows(2).enumerate() {
            let [a, b] = [pair[0], pair[1]];
            let (dx, dy, px, py) = (b[0] - a[0], b[1] - a[1], u - a[0], v - a[1]);
            let along = ((px * dx + py * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
            let distance = ((px - along * dx).powi(2) + (py - along * dy).powi(2)).sqrt();
            // The ends taper, as those of real scratches and hairs do.
            let place = (i as f32 + along) / (self.corners.len() - 1) as f32;
            let taper = (place.min(1.0 - place) * 8.0).clamp(0.3, 1.0);
            nearest = nearest.min(distance + reach * (1.0 - taper) * 0.5);
        }
        ((reach - nearest) / (2.0 * blur)).clamp(0.0, 1.0) * self.opacity
    }
}

impl Spot {
    fn draw(centre: [f32; 2], radius: f32, opacity: f32, rng: &mut ChaCha8Rng) -> Self {
        let waves =
            std::array::from_fn(|i| (rng.random_range(0.0..0.28) / (i as f32 + 1.0), rng.random_range(0.0..TAU)));
        Self { centre, radius, waves, opacity }
    }

    fn cover(&self, u: f32, v: f32, blur: f32) -> f32 {
        let (x, y) = (u - self.centre[0], v - self.centre[1]);
        let distance = x.hypot(y);
        if distance > self.radius * 2.0 + blur {
            return 0.0;
        }
        let angle = y.atan2(x);
        let rim = self
            .waves
            .iter()
            .enumerate()
            .fold(1.0, |rim, (i, (far, phase))| rim + far * ((i as f32 + 2.0) * angle + phase).sin());
        ((self.radius * rim - distance) / (2.0 * blur) + 0.5).clamp(0.0, 1.0) * self.opacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_dent_is_level_at_its_bottom_and_steep_at_one_deviation() {
        let dent = Defect(Shape::Dent { centre: [0.2, 0.1], axes: [0.1, 0.1], turn: 0.0, steepness: 0.8 });
        assert_eq!(dent.slope(0.2, 0.1), [0.0, 0.0]);
        let [steep, across] = dent.slope(0.3, 0.1);
        assert!((steep - 0.8).abs() < 0.01 && across.abs() < 1e-6, "{steep} {across}");
    }

    #[test]
    fn no_kind_touches_what_another_kind_changes() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for kind in Kind::ALL {
            let defect = Defect::draw(kind, 100.0, &mut rng);
            let covers = (0..400).any(|i| defect.cover(at(i), at(i / 20), 0.01).1 > 0.0);
            let removes = (0..400).any(|i| defect.removed(at(i), at(i / 20), 0.01) > 0.0);
            let bends = (0..400).any(|i| defect.slope(at(i), at(i / 20)) != [0.0; 2]);
            let names = (covers, removes, bends);
            let expected = match kind {
                Kind::Scratch | Kind::Stain | Kind::Hair => (true, false, false),
                Kind::Missing => (false, true, false),
                Kind::Dent => (false, false, true),
                Kind::Misprint => (false, false, false),
            };
            assert_eq!(names, expected, "{kind:?}");
        }
    }

    fn at(i: usize) -> f32 {
        (i % 20) as f32 / 10.0 - 0.95
    }
}
