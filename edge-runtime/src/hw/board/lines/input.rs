//! Inputs: waits for edges on all chips at once.
//!
//! Takes lines that were found; gives signals with the kernel's time-stamps. The kernel debounces only what people and bins press:
//! its debounce stamps an edge when it is over, milliseconds late. What edges mean is `decode`'s business.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use gpiocdev::Request;
use gpiocdev::line::{Bias as KernelBias, EdgeDetection, EdgeKind, EventClock, Offset, Value};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use shared::units::Micros;

use super::decode::{Decoder, Edge, Input};
use super::open::LinesError;
use super::output::CONSUMER;
use crate::config::{Bias, Wire};
use crate::hw::clock::KernelClock;
use crate::hw::roles::{Clock as _, HwFault, LineInput, Signal, SignalKind};

/// Edges that the kernel keeps of one chip: the most that it grants. An encoder of 10,000 steps a second fills it in a tenth of a
/// second.
const KERNEL_EDGES: u32 = 1024;

/// Edges that are read at once.
const READ_AT_ONCE: usize = 64;

/// Buttons and full bins tremble for less.
const DEBOUNCE: Duration = Duration::from_millis(20);

/// A line that is read.
#[derive(Debug, Clone)]
pub struct Sensed {
    pub key: &'static str,
    pub wire: Wire,
    pub input: Input,
    pub chip: PathBuf,
    pub offset: Offset,
}

/// The lines of one chip.
#[derive(Debug)]
struct OfChip {
    chip: PathBuf,
    request: Request,
    inputs: Vec<(Offset, Input)>,
}

/// A board's light barriers, encoder and buttons.
#[derive(Debug)]
pub struct BoardInput {
    chips: Vec<OfChip>,
    decoder: Decoder,
    ready: VecDeque<Signal>,
    words: Vec<u64>,
}

/// What the kernel calls a bias.
pub fn bias_of(wire: &Wire) -> Option<KernelBias> {
    wire.bias.map(|bias| match bias {
        Bias::PullUp => KernelBias::PullUp,
        Bias::PullDown => KernelBias::PullDown,
        Bias::Disabled => KernelBias::Disabled,
    })
}

impl BoardInput {
    /// Requests all lines, those of one chip together.
    pub(super) fn open(sensed: Vec<Sensed>) -> Result<Self, LinesError> {
        let two_phases = sensed.iter().any(|line| line.input == Input::EncoderB);
        let mut by_chip: Vec<(PathBuf, Vec<Sensed>)> = Vec::new();
        for line in sensed {
            match by_chip.iter_mut().find(|(chip, _)| *chip == line.chip) {
                Some((_, lines)) => lines.push(line),
                None => by_chip.push((line.chip.clone(), vec![line])),
            }
        }
        let chips = by_chip
            .into_iter()
            .map(|(chip, lines)| OfChip::open(chip, &lines, two_phases))
            .collect::<Result<Vec<_>, _>>()?;
        let level = |input| level_of(&chips, input).unwrap_or(false);
        let phases = two_phases.then(|| (level(Input::Encoder), level(Input::EncoderB)));
        let full = level(Input::BinFull);
        let first = Signal { at: KernelClock.now(), kind: SignalKind::BinFull(true) };
        let ready = full.then_some(first).into_iter().collect();
        Ok(Self { chips, decoder: Decoder::new(phases), ready, words: Vec::new() })
    }

    /// Whether an input is on now; nothing when it is not among these, or cannot be read.
    pub(super) fn level(&self, input: Input) -> Option<bool> {
        level_of(&self.chips, input)
    }

    /// Reads what is there.
    fn read(&mut self) -> Result<(), HwFault> {
        for chip in &self.chips {
            chip.read(&mut self.words, &mut self.decoder)?;
        }
        let ready = &mut self.ready;
        self.decoder.signals(|signal| ready.push_back(signal));
        Ok(())
    }
}

fn level_of(chips: &[OfChip], input: Input) -> Option<bool> {
    chips.iter().find_map(|chip| chip.level(input))
}

impl LineInput for BoardInput {
    fn next(&mut self, until: Micros) -> Result<Option<Signal>, HwFault> {
        loop {
            if let Some(signal) = self.ready.pop_front() {
                return Ok(Some(signal));
            }
            let left = until.saturating_sub(KernelClock.now());
            let timeout =
                Timespec { tv_sec: (left.0 / 1_000_000) as i64, tv_nsec: (left.0 % 1_000_000 * 1_000) as i64 };
            let mut fds: Vec<PollFd<'_>> =
                self.chips.iter().map(|chip| PollFd::new(&chip.request, PollFlags::IN)).collect();
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) => return Ok(None),
                Ok(_) => self.read()?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(HwFault::Lines { evidence: format!("waiting for edges: {error}") }),
            }
        }
    }
}

impl OfChip {
    fn open(chip: PathBuf, lines: &[Sensed], two_phases: bool) -> Result<Self, LinesError> {
        let mut builder = Request::builder();
        builder.with_consumer(CONSUMER).on_chip(&chip).with_kernel_event_buffer_size(KERNEL_EDGES);
        for line in lines {
            builder.with_line(line.offset).as_input().with_event_clock(EventClock::Monotonic);
            let both = match line.input {
                Input::BinFull => true,
                Input::Encoder | Input::EncoderB => two_phases,
                _ => false,
            };
            builder.with_edge_detection(if both { EdgeDetection::BothEdges } else { EdgeDetection::RisingEdge });
            if line.wire.active_low {
                builder.as_active_low();
            }
            if let Some(bias) = bias_of(&line.wire) {
                builder.with_bias(bias);
            }
            if matches!(line.input, Input::BinFull | Input::Reset) {
                builder.with_debounce_period(DEBOUNCE);
            }
        }
        let request = builder.request().map_err(|error| LinesError::Refused {
            key: lines.first().map_or("board.lines", |line| line.key),
            name: lines.iter().map(|line| line.wire.name.as_str()).collect::<Vec<_>>().join(", "),
            chip: chip.clone(),
            evidence: error.to_string(),
        })?;
        Ok(Self { chip, request, inputs: lines.iter().map(|line| (line.offset, line.input)).collect() })
    }

    fn level(&self, input: Input) -> Option<bool> {
        let &(offset, _) = self.inputs.iter().find(|(_, known)| *known == input)?;
        self.request.value(offset).ok().map(|value| value == Value::Active)
    }

    fn read(&self, words: &mut Vec<u64>, decoder: &mut Decoder) -> Result<(), HwFault> {
        let fault = |doing: &str, error: gpiocdev::Error| HwFault::Lines {
            evidence: format!("{doing} of {}: {error}", self.chip.display()),
        };
        let size = self.request.edge_event_u64_size();
        words.resize(size * READ_AT_ONCE, 0);
        while self.request.has_edge_event().map_err(|error| fault("asking for edges", error))? {
            let read =
                self.request.read_edge_events_into_slice(words).map_err(|error| fault("reading edges", error))?;
            for event in words[..read].chunks_exact(size) {
                let event =
                    self.request.edge_event_from_slice(event).map_err(|error| fault("reading an edge", error))?;
                let Some(&(_, input)) = self.inputs.iter().find(|(offset, _)| *offset == event.offset) else {
                    continue;
                };
                decoder.read(Edge {
                    at_ns: event.timestamp_ns,
                    input,
                    level: event.kind == EdgeKind::Rising,
                    number: event.line_seqno,
                });
            }
        }
        Ok(())
    }
}
