//! The light that a cap on the belt sends into the camera, point by point.
//!
//! Takes a `Look` (how this one part differs from the next), a pixel position and perhaps a defect; gives RGB, 0 to 1,
//! noise-free and before the lamp's gradient. Pixel positions count from the picture's upper left corner, x right, y down;
//! the cap's own coordinates have their origin at its centre and the rim at radius 1. It draws no chance beyond `Look::draw`.

use std::f32::consts::TAU;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::defect::Defect;
use super::product::FRAME_SIDE;

/// Teeth of a crown cap: 21, as on every real one.
const TEETH: f32 = 21.0;
const ENAMEL: [f32; 3] = [0.70, 0.10, 0.09];
const PRINT: [f32; 3] = [0.95, 0.88, 0.70];
const BELT: [f32; 3] = [0.135, 0.145, 0.155];
/// Direction to the lamp (x right, y down, z to the camera), not normalised.
const LAMP: [f32; 3] = [-0.42, -0.52, 0.75];

/// How one part differs from the next, all of it permitted variation.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    centre: [f32; 2],
    radius: f32,
    sin: f32,
    cos: f32,
    tone: [f32; 3],
    exposure: f32,
    gradient: [f32; 2],
    brush: u32,
    belt: [f32; 2],
}

impl Look {
    /// Draws the variation: 3 pixels of position, 1.5 % of size, 5 degrees of rotation, 4 % of exposure, 6 % of uneven
    /// light across the picture, 2 % of tone, another brush texture and another place on the belt.
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        let middle = FRAME_SIDE as f32 / 2.0;
        let turn: f32 = rng.random_range(-0.087..0.087);
        Self {
            centre: [middle + rng.random_range(-3.0..3.0), middle + rng.random_range(-3.0..3.0)],
            radius: 104.0 * rng.random_range(0.985..1.015),
            sin: turn.sin(),
            cos: turn.cos(),
            tone: std::array::from_fn(|_| rng.random_range(0.98..1.02)),
            exposure: rng.random_range(0.96..1.04),
            gradient: [rng.random_range(-0.06..0.06), rng.random_range(-0.06..0.06)],
            brush: rng.random(),
            belt: [rng.random_range(0.0..40.0), rng.random_range(0.0..4000.0)],
        }
    }

    /// The cap's radius, pixels.
    #[must_use]
    pub fn radius(&self) -> f32 {
        self.radius
    }

    /// A pixel position in the cap's own coordinates.
    #[must_use]
    pub fn to_cap(&self, x: f32, y: f32) -> (f32, f32) {
        let (x, y) = ((x - self.centre[0]) / self.radius, (y - self.centre[1]) / self.radius);
        (x * self.cos + y * self.sin, y * self.cos - x * self.sin)
    }

    /// What the lamp and the exposure make of each colour at a pixel; 1 is unchanged.
    #[must_use]
    pub fn lamp(&self, x: f32, y: f32) -> [f32; 3] {
        let side = FRAME_SIDE as f32;
        let here = 1.0 + self.gradient[0] * (x / side - 0.5) + self.gradient[1] * (y / side - 0.5);
        self.tone.map(|tone| tone * here * self.exposure)
    }

    /// The colour at a pixel position.
    #[must_use]
    pub fn colour(&self, x: f32, y: f32, defect: Option<&Defect>) -> [f32; 3] {
        let (u, v) = self.to_cap(x, y);
        let blur = 0.5 / self.radius;
        let removed = |u: f32, v: f32, blur: f32| defect.map_or(0.0, |d| d.removed(u, v, blur));
        let whole = edge(u, v, blur) * (1.0 - removed(u, v, blur));
        let mut colour = [0.0; 3];
        if whole < 1.0 {
            colour = self.belt_at(x, y);
            // The shadow falls away from the lamp and is as soft as the cap is high.
            let (su, sv) = (u - 0.045, v - 0.06);
            let shadow = edge(su, sv, 0.05) * (1.0 - removed(su, sv, 0.05));
            colour = colour.map(|c| c * (1.0 - 0.6 * shadow));
        }
        if whole > 0.0 {
            colour = mix(colour, self.cap_at(u, v, defect), whole);
        }
        match defect.map(|d| d.cover(u, v, blur)) {
            Some((on_top, opacity)) if opacity > 0.0 => mix(colour, on_top, opacity),
            _ => colour,
        }
    }

    /// A rubber belt: two crossing waves of the weave, and a little dirt that moves with the belt.
    fn belt_at(&self, x: f32, y: f32) -> [f32; 3] {
        let (bx, by) = (x + self.belt[0], y + self.belt[1]);
        let weave = (bx * 0.9).sin() * (by * 0.9).sin() * 0.008;
        let dirt = (smooth_noise(bx / 9.0, by / 9.0, 11) - 0.5) * 0.02;
        BELT.map(|c| c + weave + dirt)
    }

    fn cap_at(&self, u: f32, v: f32, defect: Option<&Defect>) -> [f32; 3] {
        let ([pu, pv], printed) = defect.map_or(([u, v], 1.0), |d| d.print(u, v));
        let base = mix(ENAMEL, PRINT, emblem(pu, pv, 0.5 / self.radius) * printed);
        let dent = defect.map_or([0.0; 2], |d| d.slope(u, v));
        let surface = surface(u, v);
        let (gu, gv) = (surface[0] + dent[0], surface[1] + dent[1]);
        // Brushed along u: streaks that are long one way and a pixel wide the other.
        let streak = smooth_noise(u * 5.0, v * 130.0, self.brush) - 0.5;
        // The slope turns back with the cap, since the lamp stands still.
        let normal = unit([-(gu * self.cos - gv * self.sin), -(gv * self.cos + gu * self.sin) + streak * 0.05, 1.0]);
        let lamp = unit(LAMP);
        let half = unit([lamp[0], lamp[1], lamp[2] + 1.0]);
        let diffuse = dot(normal, lamp).max(0.0);
        let gloss = dot(normal, half).max(0.0);
        let shine = 0.55 * gloss.powi(60) + 0.10 * gloss.powi(8);
        base.map(|c| (c * (0.30 + 0.85 * diffuse) * (1.0 + streak * 0.05) + shine).min(1.0))
    }
}

/// How much of the outline covers a point; the rim wavers with the teeth.
fn edge(u: f32, v: f32, blur: f32) -> f32 {
    let far = u.hypot(v);
    if far < 0.9 {
        return 1.0;
    }
    if far > 1.1 + blur {
        return 0.0;
    }
    let rim = 0.965 + 0.035 * (TEETH * v.atan2(u)).cos();
    ((rim - far) / (2.0 * blur) + 0.5).clamp(0.0, 1.0)
}

/// The slope of the sound cap's surface: a faint dome, a bevel, and a fluted skirt.
fn surface(u: f32, v: f32) -> [f32; 2] {
    let far = u.hypot(v).max(1e-6);
    let bevel = smoothstep(0.76, 0.86, far);
    let skirt = smoothstep(0.80, 0.97, far);
    let down = -0.10 * far - 0.62 * bevel - 0.35 * skirt;
    let mut slope = [down * u / far, down * v / far];
    if skirt > 0.0 {
        let around = -1.15 * skirt * (TEETH * v.atan2(u)).sin();
        slope = [slope[0] - around * v / far, slope[1] + around * u / far];
    }
    slope
}

/// The print: a star in two rings, with a row of dots between them. 1 is ink.
fn emblem(u: f32, v: f32, blur: f32) -> f32 {
    let far = u.hypot(v);
    if far > 0.74 {
        return 0.0;
    }
    let ink = |inside: f32| (inside / (2.0 * blur) + 0.5).clamp(0.0, 1.0);
    let outer = ink(0.022 - (far - 0.70).abs());
    let inner = ink(0.012 - (far - 0.52).abs());
    if far > 0.55 {
        let step = TAU / 30.0;
        let at = (v.atan2(u) / step).round() * step;
        let dot = ink(0.028 - (u - 0.61 * at.cos()).hypot(v - 0.61 * at.sin()));
        return outer.max(inner).max(dot);
    }
    inner.max(ink(star(u, v)))
}

/// Distance into a five-pointed star of radius 0.44 with a point at the top; negative outside.
fn star(u: f32, v: f32) -> f32 {
    const OUTER: f32 = 0.44;
    const INNER: f32 = 0.19;
    let sector = TAU / 5.0;
    let angle = u.atan2(-v);
    let folded = (angle - (angle / sector).round() * sector).abs();
    let far = u.hypot(v);
    let (x, y) = (far * folded.cos(), far * folded.sin());
    let (tx, ty) = (INNER * (sector / 2.0).cos(), INNER * (sector / 2.0).sin());
    let (dx, dy) = (tx - OUTER, ty);
    let length = dx.hypot(dy);
    -((x - OUTER) * dy - y * dx) / length
}

/// Value noise, 0 to 1, with a lattice step of 1.
fn smooth_noise(x: f32, y: f32, seed: u32) -> f32 {
    let (x0, y0) = (x.floor(), y.floor());
    let (fx, fy) = (x - x0, y - y0);
    let (fx, fy) = (fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy));
    let at = |dx: i32, dy: i32| lattice(x0 as i32 + dx, y0 as i32 + dy, seed);
    let top = at(0, 0) + (at(1, 0) - at(0, 0)) * fx;
    let bottom = at(0, 1) + (at(1, 1) - at(0, 1)) * fx;
    top + (bottom - top) * fy
}

fn lattice(x: i32, y: i32, seed: u32) -> f32 {
    let mut h = seed ^ (x as u32).wrapping_mul(0x9e37_79b1) ^ (y as u32).wrapping_mul(0x85eb_ca77);
    h = (h ^ h >> 15).wrapping_mul(0x2c1b_3c6d);
    h = (h ^ h >> 12).wrapping_mul(0x297a_2d39);
    (h ^ h >> 15) as f32 / u32::MAX as f32
}

fn smoothstep(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

fn mix(a: [f32; 3], b: [f32; 3], t: f32) -> [f32; 3] {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * t)
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn unit(a: [f32; 3]) -> [f32; 3] {
    let length = dot(a, a).sqrt();
    a.map(|x| x / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_star_has_its_points_where_the_eye_expects_them() {
        assert!(star(0.0, -0.43) > 0.0, "the upper point");
        assert!(star(0.0, 0.43) < 0.0, "opposite the upper point is a notch");
        assert!(star(0.0, 0.0) > 0.1, "the middle");
        assert!(star(0.3, 0.0) < 0.0, "between two points");
    }

    #[test]
    fn the_outline_is_a_tooth_wide_and_antialiased() {
        let blur = 0.005;
        assert_eq!(edge(0.99, 0.0, blur), 1.0, "a tooth reaches out to 1");
        let between = TAU / TEETH / 2.0;
        assert_eq!(edge(0.99 * between.cos(), 0.99 * between.sin(), blur), 0.0, "a gap does not");
        let half = edge(1.0, 0.0, blur);
        assert!((half - 0.5).abs() < 0.01, "{half}");
    }
}
