//! The messages between station and plant. Only words; who says what when is `station::plant`'s and the plant process's business.
//!
//! Times are microseconds of the station's one clock, but for those that say that they are of the clock on the wall; positions are
//! micrometres of belt. Texts come from the station's configuration and bundle: whoever shows them has to escape them.

use serde::{Deserialize, Serialize};
use shared::units::{Micros, PartId, Score};
use shared::verdict::{FAILURES, Reason, Verdict};

use super::histogram::Histogram;
use super::upload::{Arriving, NotTaken, Step, Uploaded};

/// What the station says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToPlant {
    /// Who it is; the first message of each connection.
    Greeting(Greeting),
    /// What a threshold is chosen from: behind the greeting, and whenever another bundle takes over. On the heap, since all others are small.
    Basis(Box<Basis>),
    /// How it stands now, at most five times a second. On the heap, since all others are small.
    Standing(Box<Standing>),
    /// A part has left.
    Part(Part),
    /// So many parts left of which nothing is said: the plant did not keep up.
    Lost(u64),
    /// The answer to the request of that number.
    Answer {
        /// The request's.
        number: u32,
        /// Whether the line is told; otherwise the one before is still on its way.
        taken: bool,
    },
    /// Which products there are and which one is inspected; after the greeting, and whenever that changes. Never from a station
    /// without recipes.
    Products(Box<Products>),
    /// Instead of an answer: the request of that number is not done.
    Refused {
        /// The request's.
        number: u32,
        /// Why.
        why: NotSet,
    },
    /// Instead of an answer: the upload of which the request is a step has ended. On the heap, since all others are small.
    Uploaded {
        /// The request's.
        number: u32,
        /// How.
        outcome: Box<Result<Uploaded, NotTaken>>,
    },
}

/// Why a threshold is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NotSet {
    /// The station's configuration or command line says what the threshold is.
    Fixed,
    /// Another bundle judges than the one that was meant.
    OtherBundle,
    /// With such a threshold no part could be bad.
    NoThreshold,
    /// It cannot be kept over a restart: the station's disk.
    NotKept,
}

/// What the plant says. Each message has one [`ToPlant::Answer`], [`ToPlant::Refused`] or [`ToPlant::Uploaded`], in the order in which they
/// are done with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToStation {
    /// Somebody acknowledges what is latched, as with the button at the line.
    Acknowledge {
        /// Chosen by the plant.
        number: u32,
    },
    /// Somebody wants another product to be inspected. What becomes of it is in [`Products`].
    Select {
        /// Chosen by the plant.
        number: u32,
        /// The recipe's number; 0 is what the station's configuration itself says.
        product: u16,
    },
    /// A threshold that is to hold from now on, also after a restart, for one bundle. Answered when it is on the station's disk.
    SetThreshold {
        /// Chosen by the plant.
        number: u32,
        /// SHA-256 of the bundle that was meant: another one may have taken over meanwhile.
        bundle_sha256: [u8; 32],
        /// The threshold, or the one that holds where none is set.
        threshold: Option<Score>,
    },
    /// The next step of a bundle on its way.
    Upload {
        /// Chosen by the plant.
        number: u32,
        /// The step.
        step: Step,
    },
}

impl ToStation {
    /// The same request under a number.
    #[must_use]
    pub fn numbered(self, number: u32) -> Self {
        match self {
            Self::Acknowledge { .. } => Self::Acknowledge { number },
            Self::Select { product, .. } => Self::Select { number, product },
            Self::SetThreshold { bundle_sha256, threshold, .. } => {
                Self::SetThreshold { number, bundle_sha256, threshold }
            }
            Self::Upload { step, .. } => Self::Upload { number, step },
        }
    }
}

/// What a threshold is chosen from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// SHA-256 of the bundle that judges.
    pub bundle_sha256: [u8; 32],
    /// The threshold that holds where none is set: the bundle's, or the one that the station's configuration moves it to.
    pub own: Score,
    /// Whether another one may be set.
    pub may_be_set: bool,
    /// Scores of the good parts that the trainer held out, ascending; as many as [`shared::limits::MAX_GOOD_SCORES`].
    pub good_scores: Vec<Score>,
    /// Which part each of these shows, by numbers below their count; empty where each shows a part of its own.
    pub good_parts: Vec<u16>,
}

/// The products that a station has recipes for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Products {
    /// Each of them, the configuration's own first.
    pub list: Vec<Product>,
    /// Number of the recipe that is inspected with now.
    pub running: u16,
    /// Whether another one is to come.
    pub change: Change,
    /// Why the last change came to nothing; gone with the next one.
    pub refused: Option<Refusal>,
    /// The bundle that is on its way, where one is.
    pub arriving: Option<Arriving>,
    /// What was chosen last at the station's own inputs, if anything was since its start.
    pub wired: Option<Wired>,
}

/// A product that was chosen at the station's own inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wired {
    /// How often something was chosen there since the station's start, from 1.
    pub count: u32,
    /// The recipe that was wanted; there need be none with this number.
    pub product: u16,
    /// The recipe that was inspected with then.
    pub before: u16,
    /// Whether it was heard; otherwise an earlier change was under way.
    pub taken: bool,
}

impl Products {
    /// The product with this number.
    #[must_use]
    pub fn numbered(&self, number: u16) -> Option<&Product> {
        self.list.iter().find(|product| product.number == Some(number))
    }
}

/// A product, as its recipe and bundle say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// The recipe's name.
    pub name: String,
    /// The recipe's number, where it has one.
    pub number: Option<u16>,
    /// What the bundle says of itself, or why it cannot be used.
    pub bundle: Result<Bundle, String>,
}

/// What a bundle says of itself. That it is genuine has been seen to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// Name of the product.
    pub product: String,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
    /// A part is bad when its score is greater, where no other threshold was set.
    pub threshold: Score,
    /// Seconds since 1970 at which it was made.
    pub created: u64,
    /// Good parts that the threshold comes from.
    pub good_parts: u32,
    /// Short name of the key that signed it.
    pub signer: String,
}

/// How far a change of products is. The old one is inspected until `Changing`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// None is under way.
    #[default]
    Rest,
    /// The bundle of the recipe with this number is verified, tested and warmed up.
    Preparing(u16),
    /// The line stands, what is in flight is flushed, and this recipe takes over.
    Changing(u16),
}

/// A change that came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The recipe that was wanted.
    pub number: u16,
    /// Why not, in the station's words.
    pub why: String,
}

/// Who a station is, and what of a run does not change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// The program's version.
    pub software: String,
    /// The station's name.
    pub station: String,
    /// The product with which the run began.
    pub product: String,
    /// SHA-256 of the bundle with which the run began.
    pub bundle_sha256: [u8; 32],
    /// The threshold with which the run began.
    pub threshold: Score,
    /// The run's number in the store.
    pub run: i64,
    /// Whether the line is a simulated one.
    pub simulation: bool,
    /// The store's folder, absolute: records and pictures.
    pub store: String,
    /// When the run began, by the clock on the wall: microseconds since 1970, UTC.
    pub started_us: i64,
    /// The station's clock at that moment.
    pub clock_at_start: Micros,
}

/// Whether the line may run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Not yet: no picture has come.
    #[default]
    Starting,
    /// Inspecting.
    Run,
    /// Stopped by an alarm.
    Fault,
    /// Products are being changed: the permit is off, and every part is rejected.
    Changeover,
}

/// How the station stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// When.
    pub at: Micros,
    /// Whether the line may run.
    pub state: State,
    /// The product that is inspected now.
    pub product: String,
    /// A part is bad when its score is greater.
    pub threshold: Score,
    /// Number of what judges now, bundle and threshold, within the run: 0 is what judged from its start.
    pub bundle: u32,
    /// What was counted since the run began.
    pub counters: Counters,
    /// What is wrong, the worst first.
    pub alarms: Vec<Alarm>,
    /// Micrometres of belt a second between the last two parts at the trigger; `None` when they were long ago or the encoder's
    /// count was lost.
    pub speed_um_s: Option<i64>,
    /// What waits.
    pub queues: Queues,
    /// What found no place.
    pub drops: Drops,
    /// What the board's sensors said last.
    pub readings: Readings,
    /// How long ago the threads were last seen to turn.
    pub ages: Ages,
    /// From picture handed in to verdict; bounds are [`super::histogram::LATENCY_US`].
    pub latency: Histogram,
    /// How much later than due the gate moved; bounds are [`super::histogram::FIRE_ERROR_US`].
    pub fire_error: Histogram,
    /// Scores; bounds are [`super::histogram::SCORE_MILLIONTHS`].
    pub scores: Histogram,
}

/// What was counted since the run began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Parts that have left.
    pub parts: u64,
    /// Parts that were proven good and let through.
    pub passed: u64,
    /// Parts judged bad.
    pub bad: u64,
    /// Other parts that were rejected, by [`Reason`]'s number: not judged, or good and too near to a rejected one.
    pub reasons: [u64; FAILURES.len()],
    /// Edges that were no parts.
    pub bounced: u64,
    /// Verdicts that came too late.
    pub late: u64,
    /// Pulses of the gate.
    pub fired: u64,
}

/// Something that is wrong with the station.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// The word for it.
    pub code: String,
    /// What a line engineer does about it.
    pub remedy: String,
    /// Whether it stops the line.
    pub stops: bool,
    /// Whether its cause is there now.
    pub present: bool,
    /// Whether it stays until somebody acknowledges it.
    pub latched: bool,
    /// Since when it has been so, in microseconds since 1970 by a clock that was not set since the station's start.
    pub since_us: i64,
}

/// What waits in the station's queues.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queues {
    /// Records that are not on the disk yet.
    pub records: u64,
    /// Parts whose pictures are not on the disk yet.
    pub pictures: u64,
    /// Pictures that are being judged, or wait to be.
    pub shots: u64,
    /// Pictures of the camera that wait for the desk.
    pub frames: u64,
}

/// What found no place since the run began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drops {
    /// Pictures of the camera.
    pub frames: u64,
    /// Parts whose pictures should have been kept and were not.
    pub pictures: u64,
}

/// What the board's sensors said. Absent is what a board does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readings {
    /// The hottest place, in thousandths of a degree Celsius.
    pub hottest_millicelsius: Option<i32>,
    /// Whether the kernel slows the processor down.
    pub throttled: Option<bool>,
    /// Room on the store's disk.
    pub free_bytes: Option<u64>,
    /// From here on it is too hot, by the station's configuration.
    pub too_hot_millicelsius: Option<i32>,
    /// With less room than this no pictures are kept, by the station's configuration.
    pub least_free_bytes: Option<u64>,
}

/// How long ago something moved that the watchdog looks at. All of them grow when the desk hangs, since it is the desk that looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ages {
    /// The camera's thread.
    pub camera: Micros,
    /// The gate's thread.
    pub gate: Micros,
    /// How long the oldest picture has been judged; zero when none is.
    pub judging: Micros,
}

/// What became of one part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Its number.
    pub number: PartId,
    /// When it was decided, by the clock on the wall as it was set when the run began: microseconds since 1970, UTC.
    pub wall_us: i64,
    /// When its trigger edge came.
    pub seen_at: Micros,
    /// When its fate was decided.
    pub decided_at: Micros,
    /// What was known of it then.
    pub verdict: Verdict,
    /// Whether it was let through.
    pub passed: bool,
    /// Why a part with a good verdict was rejected all the same.
    pub override_reason: Option<Reason>,
    /// A verdict that came too late.
    pub late_verdict: Option<Verdict>,
    /// From picture handed in to verdict.
    pub inference: Option<Micros>,
    /// From the moment at which a frame was wanted to the beginning of its exposure.
    pub frame_residual_us: Option<i64>,
    /// How much later than due the gate moved for it.
    pub fire_error_us: Option<i64>,
    /// Number of what judged it, bundle and threshold, within the run.
    pub bundle: Option<u32>,
}

impl Counters {
    /// Counts a part that has left.
    pub fn count(&mut self, part: &Part) {
        self.parts += 1;
        match (part.passed, part.override_reason, part.verdict) {
            (true, ..) => self.passed += 1,
            (false, Some(reason), _) | (false, None, Verdict::Uninspected(reason)) => {
                self.reasons[reason as usize] += 1
            }
            (false, None, _) => self.bad += 1,
        }
    }

    /// Parts that were rejected, for whatever reason.
    #[must_use]
    pub const fn rejected(&self) -> u64 {
        self.parts.saturating_sub(self.passed)
    }
}

impl Part {
    /// The word for what became of it: `GOOD`, `BAD`, or a code of the failure table.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match (self.override_reason, self.verdict) {
            (Some(reason), _) | (None, Verdict::Uninspected(reason)) => reason.code(),
            (None, Verdict::Good(_)) => "GOOD",
            (None, Verdict::Bad(_)) => "BAD",
        }
    }
}
