//! What a recording is made of. Only words and whether they can be true; who says what when is the gate thread's business.
//!
//! Inputs of the gate's machine ([`Entry::Signal`], [`Entry::Order`], [`Entry::Due`]) are followed by every time that it read while it
//! worked on them, and by what it did and said. So the same inputs and the same times give the same outputs, to the bit.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::units::{Micros, PartId};

use crate::hw::roles::{Picture, Signal};
use crate::stage::conductor::{Order, Said, Standing};

/// Later than any station's clock: 35 years of running.
const LATEST: Micros = Micros(1 << 50);

/// A movement of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Movement {
    /// The gate was taken out of its safe state.
    Control,
    /// The gate began to divert, for a part.
    Open(PartId),
    /// The gate went on diverting, for a further part.
    Extend(PartId),
    /// The gate let parts pass again.
    Close,
    /// The gate went into its safe state.
    Safe,
    /// The permit was given or taken.
    Permit(bool),
    /// The alarm was switched.
    Alarm(bool),
}

/// The picture that a part was to be judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shot {
    /// The part.
    pub part: PartId,
    /// The picture as the camera gave it.
    #[serde(with = "shared_picture")]
    pub picture: Arc<Picture>,
}

/// A picture that others hold too is written as one that nobody else does.
mod shared_picture {
    use std::sync::Arc;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::hw::roles::Picture;

    pub fn serialize<S: Serializer>(picture: &Arc<Picture>, out: S) -> Result<S::Ok, S::Error> {
        picture.as_ref().serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Picture>, D::Error> {
        Picture::deserialize(from).map(Arc::new)
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Entry {
    /// Where the line stands, and when: from here on it can be run again. On the heap, since all others are small.
    Standing(Micros, Box<Standing>),
    /// Entries are missing here.
    Gap,
    /// A sensor said something.
    Signal(Signal),
    /// The desk ordered something.
    Order(Order),
    /// Nothing was heard, and what was due was done.
    Due,
    /// The time was read.
    Read(Micros),
    /// An output was moved.
    Moved(Movement),
    /// The gate said something of a part.
    Said(Said),
    /// A part's picture went to be judged.
    Shot(Shot),
    /// It was judged by the bundle with this number.
    JudgedBy {
        /// The part.
        part: PartId,
        /// The bundle.
        bundle: u32,
    },
}

impl Entry {
    /// Whether it can be true: what was read from a file need not be.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Standing(at, standing) => *at <= LATEST && standing.is_sound(),
            Self::Signal(signal) => signal.at <= LATEST,
            Self::Read(at) => *at <= LATEST,
            _ => true,
        }
    }

    /// Whether the gate's machine takes it in.
    #[must_use]
    pub const fn is_input(&self) -> bool {
        matches!(self, Self::Signal(_) | Self::Order(_) | Self::Due)
    }
}
