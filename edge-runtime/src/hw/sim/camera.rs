//! The camera's twin: takes pictures of the part at the trigger and gives them as a USB camera would.
//!
//! Takes the world, gives YUYV (4:2:2, BT.601 limited range: Y 16..235, Cb and Cr 16..240; two pixels in four bytes
//! Y0 Cb Y1 Cr), `FRAME_SIDE` squared. The way back to RGB is `shared::preprocess`. Coming parts are drawn ahead on all
//! cores, which changes nothing but how long it takes. It loses no picture: `hw::wrap` does that.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, sync_channel};

use shared::frame::{Frame, FrameError, PixelFormat};
use shared::preprocess::row_to_rgb;
use shared::units::Micros;

use super::product::{self, FRAME_SIDE, Purpose};
use super::world::{Part, Parts, Plan, Shared};
use crate::hw::roles::{FrameSource, HwFault, Picture, PictureFormat};

/// Parts that are drawn ahead: two for each core of a large machine, 128 KiB each.
const DRAWN_AHEAD: usize = 16;

/// The camera above the trigger.
#[derive(Debug)]
pub struct SimCamera {
    world: Shared,
    latency: Micros,
    under_way: VecDeque<(Micros, Part)>,
    coming: Parts,
    drawn: VecDeque<(u32, Receiver<Vec<u8>>)>,
}

impl SimCamera {
    /// A camera whose pictures are there `latency` after their exposure began.
    #[must_use]
    pub fn new(world: Shared, latency: Micros) -> Self {
        let coming = Parts::new(*world.lock().plan());
        Self { world, latency, under_way: VecDeque::new(), coming, drawn: VecDeque::new() }
    }

    fn draw_ahead(&mut self) {
        while self.drawn.len() < DRAWN_AHEAD {
            let Some(part) = self.coming.next() else { return };
            let (plan, (send, receive)) = (*self.world.lock().plan(), sync_channel(1));
            // Nobody waits for a part that the trigger missed, and its picture is dropped with the channel.
            rayon::spawn(move || drop(send.send(picture_of(&plan, part))));
            self.drawn.push_back((part.index, receive));
        }
    }

    /// The picture of a part.
    pub(super) fn taken(&mut self, exposed_at: Micros, part: Part) -> Picture {
        let (bytes, format) = (self.picture(part), PictureFormat::Pixels(PixelFormat::Yuyv));
        Picture { exposed_at, format, width: FRAME_SIDE, height: FRAME_SIDE, bytes }
    }

    fn picture(&mut self, part: Part) -> Vec<u8> {
        self.draw_ahead();
        while self.drawn.pop_front_if(|(index, _)| *index < part.index).is_some() {}
        self.draw_ahead();
        let drawn = self.drawn.pop_front_if(|(index, _)| *index == part.index);
        let drawn = drawn.and_then(|(_, receive)| receive.recv().ok());
        drawn.unwrap_or_else(|| picture_of(self.world.lock().plan(), part))
    }
}

fn picture_of(plan: &Plan, part: Part) -> Vec<u8> {
    let mut drawn = product::draw(plan.seed, Purpose::Line, part.index, part.kind);
    plan.light.shine(part.index, &mut drawn.rgb);
    to_yuyv(&drawn.rgb, FRAME_SIDE)
}

impl FrameSource for SimCamera {
    /// # Errors
    /// None; an exposure of the empty belt gives no picture.
    fn expose(&mut self) -> Result<(), HwFault> {
        let mut world = self.world.lock();
        if let Some(part) = world.under_camera() {
            self.under_way.push_back((world.now(), part));
        }
        Ok(())
    }

    fn ready_at(&self) -> Option<Micros> {
        self.under_way.front().map(|(exposed_at, _)| exposed_at.saturating_add(self.latency))
    }

    fn take(&mut self) -> Result<Option<Picture>, HwFault> {
        let now = self.world.lock().now();
        if self.ready_at().is_none_or(|at| at > now) {
            return Ok(None);
        }
        let Some((exposed_at, part)) = self.under_way.pop_front() else { return Ok(None) };
        Ok(Some(self.taken(exposed_at, part)))
    }
}

/// Packs an RGB picture (8 bit, row-major) of even `width` as YUYV, two bytes a pixel. Chroma is the mean of the pair, as a
/// camera's own 4:2:2 filter gives it. BT.601 in the usual 8-bit integer form.
#[must_use]
pub fn to_yuyv(rgb: &[u8], width: usize) -> Vec<u8> {
    debug_assert!(width.is_multiple_of(2) && rgb.len().is_multiple_of(width * 3));
    let mut out = Vec::with_capacity(rgb.len() / 3 * 2);
    for pair in rgb.chunks_exact(6) {
        let [r0, g0, b0, r1, g1, b1] = [pair[0], pair[1], pair[2], pair[3], pair[4], pair[5]].map(i32::from);
        let luma = |r: i32, g: i32, b: i32| (((66 * r + 129 * g + 25 * b + 128) >> 8) + 16) as u8;
        let (r, g, b) = (r0 + r1, g0 + g1, b0 + b1);
        let cb = ((-38 * r - 74 * g + 112 * b + 256) >> 9) + 128;
        let cr = ((112 * r - 94 * g - 18 * b + 256) >> 9) + 128;
        out.extend([luma(r0, g0, b0), cb as u8, luma(r1, g1, b1), cr as u8]);
    }
    out
}

/// What the station sees of a YUYV frame of `width` columns: RGB, 8 bit, row-major, by `shared::preprocess`.
///
/// # Errors
/// [`FrameError`] when the bytes do not make whole rows of even width.
pub fn seen(yuyv: &[u8], width: usize) -> Result<Vec<u8>, FrameError> {
    let height = yuyv.len() / (width * 2).max(1);
    let frame = Frame::new(PixelFormat::Yuyv, width, height, width * 2, yuyv)?;
    let mut rgb = vec![0; width * height * 3];
    for (y, row) in rgb.chunks_exact_mut(width * 3).enumerate() {
        row_to_rgb(&frame, y, 0, row);
    }
    Ok(rgb)
}

#[cfg(test)]
mod tests {
    use shared::units::Travel;

    use super::*;
    use crate::hw::sim::product::draw;
    use crate::hw::sim::world::Light;
    use crate::hw::sim::world::World;
    use crate::hw::sim::world::tests::{pass_edge, plan};

    #[test]
    fn grey_survives_the_way_there_and_back() {
        for level in [0, 16, 100, 128, 235, 255] {
            let seen = seen(&to_yuyv(&[level; 12], 2), 2).unwrap();
            assert!(seen.iter().all(|&b| b.abs_diff(level) <= 2), "{level}: {seen:?}");
        }
    }

    #[test]
    fn a_part_survives_but_for_its_finest_colour() {
        let rgb = draw(2, Purpose::Line, 1, None).rgb;
        let back = seen(&to_yuyv(&rgb, FRAME_SIDE), FRAME_SIDE).unwrap();
        let apart: u64 = rgb.iter().zip(&back).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = apart as f64 / rgb.len() as f64;
        assert!(mean < 4.0, "mean difference {mean} levels");
    }

    #[test]
    fn another_light_shines_from_its_part_on() {
        let plan = Plan { light: Light { from_part: 5, factor: 0.5 }, ..plan() };
        let mean = |index| {
            let bytes = picture_of(&plan, Part { index, edge: Travel(0), kind: None });
            let rgb = seen(&bytes, FRAME_SIDE).unwrap();
            rgb.iter().map(|&b| f64::from(b)).sum::<f64>() / rgb.len() as f64
        };
        let (before, after) = (mean(4), mean(5));
        assert!((0.45..0.55).contains(&(after / before)), "{before} and {after}");
    }

    #[test]
    fn half_a_pair_is_no_frame() {
        assert!(seen(&[0; 6], 3).is_err());
    }

    #[test]
    fn pictures_come_after_their_latency_in_order_and_show_the_part_at_the_trigger() {
        let world = World::shared(plan());
        let mut camera = SimCamera::new(world.clone(), Micros(20_000));
        let parts: Vec<Part> = (0..3)
            .map(|_| {
                let part = pass_edge(&mut world.lock());
                camera.expose().unwrap();
                part
            })
            .collect();
        let first_ready = camera.ready_at().unwrap();
        let exposed = first_ready.saturating_sub(Micros(20_000));
        for part in parts {
            let picture = camera.take().unwrap();
            if part.index == 2 {
                assert_eq!(picture, None, "exposed just now");
                continue;
            }
            let picture = picture.unwrap();
            assert_eq!(picture.bytes, picture_of(&plan(), part), "part {}", part.index);
            assert!(picture.exposed_at >= exposed);
        }
    }
}
