//! From the kernel's edges to what the sensors say.
//!
//! Takes edges with the line that each belongs to, in the order in which they were read; gives [`Signal`]s in the order of time.
//! It reads no line.
//!
//! The kernel queues the edges of several lines a little out of order. Those that were read together are put in order by their
//! time-stamps; what comes later and is older than what has been given gets the time of that.

use shared::units::Micros;

use super::quadrature::{Phase, Quadrature};
use crate::hw::roles::{Sensor, Signal, SignalKind};

/// What an input is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The light barrier under the camera.
    Trigger,
    /// The one at the gate.
    Photogate,
    /// The encoder's first or only phase.
    Encoder,
    /// Its second one.
    EncoderB,
    /// The light barrier behind the gate.
    Confirm,
    /// The bin is full.
    BinFull,
    /// The button.
    Reset,
}

impl Input {
    /// Whether an edge of this line that nobody saw leaves the station with a wrong idea of the belt.
    const fn is_vital(self) -> bool {
        matches!(self, Self::Trigger | Self::Encoder | Self::EncoderB)
    }
}

/// An edge as the kernel tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Nanoseconds of `CLOCK_MONOTONIC`.
    pub at_ns: u64,
    /// Which line.
    pub input: Input,
    /// Its new level.
    pub level: bool,
    /// Counts the line's edges, those that were dropped too.
    pub number: u32,
}

/// Makes edges into signals.
#[derive(Debug, Clone)]
pub struct Decoder {
    quadrature: Option<Quadrature>,
    /// The next number of each line, once it is known.
    expected: [Option<u32>; 7],
    last: Micros,
    batch: Vec<Edge>,
}

impl Decoder {
    /// With the levels of both phases, where the encoder has two.
    pub fn new(phases: Option<(bool, bool)>) -> Self {
        let quadrature = phases.map(|(a, b)| Quadrature::new(a, b));
        Self { quadrature, expected: [None; 7], last: Micros(0), batch: Vec::new() }
    }

    /// Takes an edge that was read.
    pub fn read(&mut self, edge: Edge) {
        self.batch.push(edge);
    }

    /// Gives what all edges say that were read since the last call.
    pub fn signals(&mut self, mut give: impl FnMut(Signal)) {
        let mut batch = std::mem::take(&mut self.batch);
        batch.sort_by_key(|edge| edge.at_ns);
        for &edge in &batch {
            self.last = self.last.max(Micros(edge.at_ns / 1_000));
            let at = self.last;
            if self.misses(edge) {
                give(Signal { at, kind: SignalKind::Lost });
            }
            if let Some(kind) = self.kind(edge) {
                give(Signal { at, kind });
            }
        }
        batch.clear();
        self.batch = batch;
    }

    /// Whether edges of a vital line were dropped before this one.
    fn misses(&mut self, edge: Edge) -> bool {
        let expected = &mut self.expected[edge.input as usize];
        let missed = expected.is_some_and(|expected| edge.number.wrapping_sub(expected).cast_signed() > 0);
        *expected = Some(edge.number.wrapping_add(1));
        missed && edge.input.is_vital()
    }

    fn kind(&mut self, edge: Edge) -> Option<SignalKind> {
        let rising = |kind| edge.level.then_some(kind);
        match edge.input {
            Input::Trigger => rising(SignalKind::Edge(Sensor::Trigger)),
            Input::Photogate => rising(SignalKind::Edge(Sensor::Photogate)),
            Input::Confirm => rising(SignalKind::Confirmed),
            Input::Reset => rising(SignalKind::Reset),
            Input::BinFull => Some(SignalKind::BinFull(edge.level)),
            Input::Encoder | Input::EncoderB => {
                let phase = if edge.input == Input::Encoder { Phase::A } else { Phase::B };
                match &mut self.quadrature {
                    Some(disc) => disc.edge(phase, edge.level).map(|forwards| SignalKind::Step { forwards }),
                    None => rising(SignalKind::Step { forwards: true }),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(at_us: u64, input: Input, level: bool, number: u32) -> Edge {
        Edge { at_ns: at_us * 1_000, input, level, number }
    }

    fn signals(decoder: &mut Decoder, edges: &[Edge]) -> Vec<(u64, SignalKind)> {
        edges.iter().for_each(|&edge| decoder.read(edge));
        let mut given = Vec::new();
        decoder.signals(|signal| given.push((signal.at.0, signal.kind)));
        given
    }

    const TRIGGER: SignalKind = SignalKind::Edge(Sensor::Trigger);
    const STEP: SignalKind = SignalKind::Step { forwards: true };

    #[test]
    fn edges_that_were_read_together_come_in_the_order_of_time() {
        let mut decoder = Decoder::new(None);
        let read =
            [edge(30, Input::Trigger, true, 1), edge(10, Input::Encoder, true, 1), edge(20, Input::Encoder, true, 2)];
        assert_eq!(signals(&mut decoder, &read), [(10, STEP), (20, STEP), (30, TRIGGER)]);
        let late = [edge(25, Input::Photogate, true, 1)];
        assert_eq!(signals(&mut decoder, &late), [(30, SignalKind::Edge(Sensor::Photogate))], "never back in time");
    }

    #[test]
    fn an_edge_that_was_dropped_is_told_where_it_matters() {
        let mut decoder = Decoder::new(None);
        let read =
            [edge(10, Input::Encoder, true, 5), edge(20, Input::Encoder, true, 7), edge(30, Input::Encoder, true, 8)];
        assert_eq!(signals(&mut decoder, &read), [(10, STEP), (20, SignalKind::Lost), (20, STEP), (30, STEP)]);
        let read = [edge(40, Input::Reset, true, 1), edge(50, Input::Reset, true, 9)];
        assert_eq!(signals(&mut decoder, &read), [(40, SignalKind::Reset), (50, SignalKind::Reset)]);
        let read = [edge(60, Input::Trigger, true, u32::MAX), edge(70, Input::Trigger, true, 0)];
        assert_eq!(signals(&mut decoder, &read), [(60, TRIGGER), (70, TRIGGER)], "numbers wrap");
    }

    #[test]
    fn trailing_edges_say_nothing_but_of_the_bin() {
        let mut decoder = Decoder::new(None);
        let read = [Input::Trigger, Input::Photogate, Input::Confirm, Input::Reset, Input::Encoder, Input::BinFull]
            .map(|input| edge(10, input, false, 1));
        assert_eq!(signals(&mut decoder, &read), [(10, SignalKind::BinFull(false))]);
    }

    #[test]
    fn two_phases_tell_the_direction() {
        let mut decoder = Decoder::new(Some((false, false)));
        let phases =
            [(Input::EncoderB, true), (Input::Encoder, true), (Input::EncoderB, false), (Input::Encoder, false)];
        let read: Vec<Edge> =
            phases.iter().enumerate().map(|(i, &(input, level))| edge(i as u64, input, level, i as u32 / 2)).collect();
        assert_eq!(signals(&mut decoder, &read), [(3, SignalKind::Step { forwards: false })]);
    }
}
