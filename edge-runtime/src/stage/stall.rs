//! Notices that the encoder has failed: parts keep coming and it stands.
//!
//! Takes the times of edges at the light barriers and of encoder steps. A belt that stands gives no edges but those of a part
//! that trembles in a barrier, so that it takes several over some time. It holds nothing of the belt's position.

use serde::{Deserialize, Serialize};
use shared::units::Micros;

/// Edges without a step, of which the first and the last lie far enough apart.
const EDGES: u32 = 3;

/// Edges since the last step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stall {
    after: Micros,
    first: Option<Micros>,
    edges: u32,
}

impl Stall {
    /// Calls it a stall when edges come for this long without a step.
    #[must_use]
    pub const fn new(after: Micros) -> Self {
        Self { after, first: None, edges: 0 }
    }

    /// An edge came; whether the encoder is to be given up.
    #[must_use]
    pub fn edge(&mut self, at: Micros) -> bool {
        let first = *self.first.get_or_insert(at);
        self.edges = self.edges.saturating_add(1);
        self.edges >= EDGES && at.saturating_sub(first) >= self.after
    }

    /// The encoder made a step.
    pub fn step(&mut self, _at: Micros) {
        self.first = None;
        self.edges = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stalled(happenings: &[(u64, bool)]) -> bool {
        let mut stall = Stall::new(Micros::from_millis(400));
        happenings.iter().fold(false, |stalled, &(at, is_step)| {
            let at = Micros::from_millis(at);
            if is_step {
                stall.step(at);
                false
            } else {
                stall.edge(at) || stalled
            }
        })
    }

    #[test]
    fn several_edges_over_some_time_without_a_step_are_a_stall() {
        const STEP: bool = true;
        const EDGE: bool = false;
        for (happenings, expected, why) in [
            (&[(0, EDGE), (200, EDGE), (400, EDGE)][..], true, "parts come"),
            (&[(0, EDGE), (400, EDGE)], false, "two edges are a part that trembles as the belt stops"),
            (&[(0, EDGE), (1, EDGE), (2, EDGE), (3, EDGE)], false, "bounces of one edge"),
            (&[(0, EDGE), (200, EDGE), (300, STEP), (400, EDGE), (500, EDGE)], false, "the encoder turns"),
            (&[(300, STEP), (400, EDGE), (500, EDGE), (5_000, EDGE)], true, "long after its last step"),
        ] {
            assert_eq!(stalled(happenings), expected, "{why}");
        }
    }
}
