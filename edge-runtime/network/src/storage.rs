//! The bytes of all values, and who may touch which.
//!
//! Each slot is cut into bands of rows, each behind a lock of its own: a thread writes one band of one slot at a time and reads all bands
//! of others. The order of operations keeps them apart, so that no lock is ever waited for: they are what lets
//! Rust check it. Allocates when it is made, never after that.

use std::ops::Range;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use edge_kernels::Bytes;
use edge_kernels::conv::SLACK;

use crate::plan::Place;

/// More threads than this do not help: a picture has few rows for each then.
pub const MAX_THREADS: usize = 16;

/// Bands of each of several threads, of which others may take some.
const BANDS_A_THREAD: usize = 4;

/// Bands that suit `threads` threads, 1..=[`MAX_THREADS`]: as many for each, and at most [`MAX_THREADS`].
pub const fn bands_for(threads: usize) -> usize {
    match (threads, MAX_THREADS / threads) {
        (1, _) => 1,
        (_, each) if each < BANDS_A_THREAD => threads * each,
        _ => threads * BANDS_A_THREAD,
    }
}

/// All slots.
pub struct Storage {
    bands: usize,
    slots: Vec<Vec<RwLock<Bytes>>>,
    /// For each zero in use a row of it, as long as the longest.
    borders: Vec<(u8, Bytes)>,
}

impl Storage {
    /// For the places of each slot, cut into `bands` bands, 1..=[`MAX_THREADS`].
    pub fn new(slots: &[Vec<Place>], bands: usize) -> Self {
        let band = |places: &[Place], band: usize| {
            let bytes = |place: &Place| rows(band, bands, place.height).len() * place.row_bytes();
            RwLock::new(Bytes::zeroed(places.iter().map(bytes).max().unwrap_or(0) + SLACK))
        };
        let longest = slots.iter().flatten().map(Place::row_bytes).max().unwrap_or(0) + SLACK;
        let mut borders: Vec<(u8, Bytes)> = Vec::new();
        for zero in slots.iter().flatten().map(|place| place.zero) {
            if borders.iter().all(|(byte, _)| *byte != zero) {
                let mut row = Bytes::zeroed(longest);
                row.fill(zero);
                borders.push((zero, row));
            }
        }
        let slots = slots.iter().map(|places| (0..bands).map(|at| band(places, at)).collect()).collect();
        Self { bands, slots, borders }
    }

    /// Opens a place for reading.
    pub fn read(&self, place: Place) -> Reading<'_> {
        let slot = &self.slots[place.slot];
        let bands =
            std::array::from_fn(|band| slot.get(band).map(|lock| lock.read().unwrap_or_else(PoisonError::into_inner)));
        let border = self.borders.iter().find(|(zero, _)| *zero == place.zero).map_or(&[][..], |(_, row)| row);
        Reading { bands, count: self.bands, border, place }
    }

    /// Opens one band of a place for writing.
    pub fn write(&self, place: Place, band: usize) -> Writing<'_> {
        let bytes = self.slots[place.slot][band].write().unwrap_or_else(PoisonError::into_inner);
        Writing { bytes, rows: rows(band, self.bands, place.height), place }
    }
}

/// The rows of a band, of `height` in all.
pub const fn rows(band: usize, bands: usize, height: usize) -> Range<usize> {
    band * height / bands..(band + 1) * height / bands
}

/// The band that a row lies in.
const fn band_of(row: usize, bands: usize, height: usize) -> usize {
    ((row + 1) * bands - 1) / height
}

/// A place that is read.
pub struct Reading<'a> {
    bands: [Option<RwLockReadGuard<'a, Bytes>>; MAX_THREADS],
    count: usize,
    border: &'a [u8],
    place: Place,
}

impl Reading<'_> {
    /// A row from its left border pixel on, with what lies behind it; the border above and below the picture for `None`.
    pub fn row(&self, row: Option<usize>) -> &[u8] {
        let Some(row) = row.filter(|&row| row < self.place.height) else { return self.border };
        let band = band_of(row, self.count, self.place.height);
        let start = (row - rows(band, self.count, self.place.height).start) * self.place.row_bytes();
        self.bands[band].as_ref().map_or(&[], |bytes| &bytes[start..])
    }

    /// A row of the place's own channels, from its first pixel on.
    pub fn pixels(&self, row: usize) -> &[u8] {
        &self.row(Some(row))[self.place.stride + self.place.offset..]
    }
}

/// A band that is written.
pub struct Writing<'a> {
    bytes: RwLockWriteGuard<'a, Bytes>,
    rows: Range<usize>,
    place: Place,
}

impl Writing<'_> {
    /// The band's rows within the picture.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// The place's own channels of a row, from its first pixel to its last; its border pixels are set.
    pub fn pixels(&mut self, row: usize) -> &mut [u8] {
        let Place { stride, offset, channels, zero, .. } = self.place;
        let bytes = self.place.row_bytes();
        let row = &mut self.bytes[(row - self.rows.start) * bytes..][..bytes];
        row[offset..offset + channels].fill(zero);
        row[bytes - stride + offset..][..channels].fill(zero);
        &mut row[stride + offset..bytes - stride]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thread_has_as_many_bands() {
        for threads in 1..=MAX_THREADS {
            let bands = bands_for(threads);
            assert!(bands.is_multiple_of(threads) && (threads..=MAX_THREADS).contains(&bands), "{threads}: {bands}");
        }
        assert_eq!([1, 2, 4, 5].map(bands_for), [1, 8, 16, 15]);
    }

    #[test]
    fn every_row_lies_in_one_band() {
        for bands in 1..=MAX_THREADS {
            for height in [1, 2, 3, 8, 17, 256] {
                let all: Vec<usize> = (0..bands).flat_map(|band| rows(band, bands, height)).collect();
                assert!(all.iter().copied().eq(0..height), "{bands} bands, {height} rows");
                for row in 0..height {
                    assert!(
                        rows(band_of(row, bands, height), bands, height).contains(&row),
                        "{bands}, {height}, {row}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_written_is_read_with_its_border() {
        let place = Place { slot: 0, stride: 8, offset: 3, channels: 2, width: 5, height: 4, zero: 9 };
        let storage = Storage::new(&[vec![place]], 3);
        for band in 0..3 {
            let mut writing = storage.write(place, band);
            for row in writing.rows() {
                writing.pixels(row).chunks_mut(8).for_each(|pixel| pixel[..2].fill(row as u8 + 20));
            }
        }
        let reading = storage.read(place);
        assert!(
            reading.row(None).len() >= 7 * 8 + SLACK && reading.row(Some(4))[..7 * 8].iter().all(|&byte| byte == 9)
        );
        for row in 0..4 {
            let got: Vec<u8> = reading.row(Some(row)).chunks(8).take(7).map(|pixel| pixel[4]).collect();
            let inside = row as u8 + 20;
            assert_eq!(got, [9, inside, inside, inside, inside, inside, 9], "row {row}");
            assert!(reading.row(Some(row)).len() >= 7 * 8 + SLACK);
            assert_eq!(reading.pixels(row)[..2], [inside; 2]);
        }
    }
}
