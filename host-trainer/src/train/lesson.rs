//! What each step learns from: windows first, whole frames at the end, or frames throughout.
//!
//! Pure. Windows show a part at its full resolution for the work of a small picture. But a network that has only seen windows
//! has never seen more than a window's width without a border, so that the last steps show whole frames.

/// Share of the steps, at the end, that see whole frames.
const FRAMES_SHARE: f64 = 0.2;
/// Batch norm needs more than one value in its deepest layer.
pub const SMALLEST_BATCH: usize = 2;

/// Size and number of the samples of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Width and height of the samples in pixels.
    pub size: (usize, usize),
    /// How many samples.
    pub batch: usize,
}

/// The lesson of step `step` of `steps`, counted from 0. `frames` and `windows` are sizes as (width, height), `batch` the number of
/// samples of a step of windows, or of frames if there are no windows. A step of frames behind windows has as many of them as
/// make about as much work.
pub fn lesson(step: u64, steps: u64, frames: (usize, usize), windows: Option<(usize, usize)>, batch: usize) -> Lesson {
    let Some(windows) = windows else { return Lesson { size: frames, batch } };
    let last = (FRAMES_SHARE * steps as f64) as u64;
    if step < steps.saturating_sub(last) {
        return Lesson { size: windows, batch };
    }
    let pixels = |(width, height): (usize, usize)| width * height;
    let as_much = (batch * pixels(windows) + pixels(frames) / 2) / pixels(frames);
    Lesson { size: frames, batch: as_much.clamp(SMALLEST_BATCH, batch.max(SMALLEST_BATCH)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_windows_every_step_is_alike() {
        assert!((0..2000).all(|step| lesson(step, 1500, (64, 32), None, 8) == Lesson { size: (64, 32), batch: 8 }));
    }

    #[test]
    fn the_last_fifth_shows_frames_for_about_the_same_work() {
        let at = |step| lesson(step, 1500, (256, 256), Some((128, 128)), 8);
        assert_eq!((at(0), at(1199)), (at(0), Lesson { size: (128, 128), batch: 8 }));
        assert_eq!((at(1200), at(1499), at(9999)), (at(1200), at(1200), Lesson { size: (256, 256), batch: 2 }));
        assert_eq!(lesson(99, 100, (512, 512), Some((128, 128)), 8).batch, 2);
        assert_eq!(lesson(99, 100, (160, 128), Some((128, 128)), 8).batch, 6);
    }
}
