//! The last of what was recorded, bounded by time and by bytes.
//!
//! Takes entries in order; gives the segments that are left. A segment begins where the line's standing was told, so that a recording
//! can be run from its first entry on; the oldest is forgotten first. Entries are held as the bytes of the file, pictures as they are.
//! It reads no clock and writes nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use shared::units::Micros;

use super::entry::Entry;

/// How much is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// No segment that ended longer ago than this.
    pub longest: Micros,
    /// No more bytes, pictures included; pictures beyond it are not taken.
    pub most_bytes: usize,
}

/// Some seconds.
#[derive(Debug, Clone, Default)]
pub struct Segment {
    /// When it began. `None` for one that goes on where a recording was kept in between.
    began: Option<Micros>,
    /// Entries but for pictures, one after the other, as in the file.
    pub entries: Vec<u8>,
    /// Pictures that came meanwhile, as they are.
    pub aside: Vec<Entry>,
    bytes: usize,
}

impl Segment {
    /// Bytes that it takes in a file, nearly.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes as u64
    }
}

/// The segments, oldest first.
#[derive(Debug)]
pub struct Ring {
    limits: Limits,
    closed: VecDeque<Arc<Segment>>,
    open: Segment,
    /// Entries of the open segment. The buffer stays, so that a closed segment holds its bytes and no room to grow.
    encoded: Vec<u8>,
    bytes: usize,
    /// Nothing can be run before the line's standing is known.
    begun: bool,
}

impl Ring {
    /// An empty one.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let (closed, open) = (VecDeque::new(), Segment::default());
        Self { limits, closed, open, encoded: Vec::new(), bytes: 0, begun: false }
    }

    /// Takes in an entry.
    pub fn push(&mut self, entry: Entry) {
        if let Entry::Standing(at, _) = &entry {
            self.close();
            self.begun = true;
            self.open.began = Some(*at);
            self.forget(*at);
        }
        if !self.begun {
            return;
        }
        let added = match entry {
            Entry::Shot(shot) => {
                let bytes = shot.picture.bytes.len();
                if self.bytes.saturating_add(bytes) > self.limits.most_bytes {
                    self.forget_oldest();
                }
                if self.bytes.saturating_add(bytes) > self.limits.most_bytes {
                    return;
                }
                self.open.aside.push(Entry::Shot(shot));
                bytes
            }
            entry => {
                let before = self.encoded.len();
                // Only a buffer that is too short refuses, and a vector grows.
                self.encoded = postcard::to_extend(&entry, std::mem::take(&mut self.encoded)).unwrap_or_default();
                self.encoded.len().saturating_sub(before)
            }
        };
        self.open.bytes += added;
        self.bytes += added;
    }

    /// All that there is, and goes on behind it.
    pub fn cut(&mut self) -> Vec<Arc<Segment>> {
        self.close();
        self.closed.iter().cloned().collect()
    }

    /// Bytes held.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        if open.bytes > 0 {
            let (entries, mut aside) = (self.encoded.clone(), open.aside);
            aside.shrink_to_fit();
            self.closed.push_back(Arc::new(Segment { entries, aside, ..open }));
        }
        self.encoded.clear();
    }

    /// Forgets what ended before the longest time ago, or is too much.
    fn forget(&mut self, now: Micros) {
        let since = now.saturating_sub(self.limits.longest);
        // A segment ends where the next one that began begins.
        while self.closed.iter().skip(1).find_map(|next| next.began).is_some_and(|ended| ended < since)
            || (self.bytes > self.limits.most_bytes && !self.closed.is_empty())
        {
            self.forget_oldest();
        }
    }

    /// Forgets the oldest segment, with what goes on behind it.
    fn forget_oldest(&mut self) {
        let mut first = true;
        while let Some(oldest) =
            self.closed.pop_front_if(|segment| std::mem::take(&mut first) || segment.began.is_none())
        {
            self.bytes = self.bytes.saturating_sub(oldest.bytes);
        }
    }
}
