//! Computes a plan, on one thread or several.
//!
//! Takes the network's input, gives its heatmap. Each operation is cut into bands of rows, which threads do in any order; all meet after
//! each operation, because the next one reads their neighbours' rows. Allocates nothing from picture to picture.

use std::sync::{PoisonError, RwLock};

use edge_kernels::Isa;
use edge_kernels::copy::copy_row;
use edge_kernels::curve::logistic;
use edge_kernels::pool::pool_row;
use edge_kernels::resize::{resize_row, scratch};

use crate::plan::{Operation, Place, Plan, Work};
use crate::storage::{MAX_THREADS, Storage, bands_for, rows};

/// A plan with its storage; shared by all threads.
pub struct Machine {
    isa: Isa,
    threads: usize,
    bands: usize,
    operations: Vec<Operation>,
    outputs: Vec<Place>,
    storage: Storage,
    /// The network's input, `[row][column][RGB]`.
    input: RwLock<Vec<u8>>,
    /// The heatmap's rows by band.
    heatmap: Vec<RwLock<Vec<f32>>>,
    scratch: usize,
}

impl Machine {
    /// Makes the storage of a plan for inputs of `width` by `height` pixels and for `threads` threads, 1..=[`MAX_THREADS`]. Each operation is
    /// cut into as many bands of rows for each of them.
    pub fn new(isa: Isa, plan: Plan, (width, height): (usize, usize), threads: usize) -> Self {
        let threads = threads.clamp(1, MAX_THREADS);
        let bands = bands_for(threads);
        let floats = |operation: &Operation| match &operation.work {
            Work::Upsample { from, .. } => scratch(from.width, from.channels),
            _ => 0,
        };
        Self {
            isa,
            threads,
            bands,
            scratch: plan.operations.iter().map(floats).max().unwrap_or(0),
            storage: Storage::new(&plan.slots, bands),
            input: RwLock::new(vec![0; width * height * 3]),
            heatmap: (0..bands).map(|band| RwLock::new(vec![0.0; rows(band, bands, height).len() * width])).collect(),
            operations: plan.operations,
            outputs: plan.outputs,
        }
    }

    /// The instructions that compute it.
    pub const fn isa(&self) -> Isa {
        self.isa
    }

    /// What is computed, in its order.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Threads that it is for.
    pub const fn threads(&self) -> usize {
        self.threads
    }

    /// Bands of each operation: a multiple of the threads.
    pub const fn bands(&self) -> usize {
        self.bands
    }

    /// Floats that a thread needs for itself.
    pub const fn scratch(&self) -> usize {
        self.scratch
    }

    /// Takes a picture in.
    pub fn put(&self, input: &[u8]) {
        self.input.write().unwrap_or_else(PoisonError::into_inner).copy_from_slice(input);
    }

    /// Copies the heatmap out.
    pub fn take(&self, heatmap: &mut [f32]) {
        let mut rest = heatmap;
        for band in &self.heatmap {
            let band = band.read().unwrap_or_else(PoisonError::into_inner);
            let (rows, behind) = rest.split_at_mut(band.len());
            rows.copy_from_slice(&band);
            rest = behind;
        }
    }

    /// Copies a value out that is read from outside, by its place in the plan's list: `[channel][row][column]`.
    pub fn take_output(&self, output: usize, into: &mut [u8]) {
        let place = self.outputs[output];
        let reading = self.storage.read(place);
        for (channel, plane) in into.chunks_exact_mut(place.width * place.height).enumerate() {
            for (row, to) in plane.chunks_exact_mut(place.width).enumerate() {
                let pixels = reading.pixels(row).chunks(place.stride);
                to.iter_mut().zip(pixels).for_each(|(to, pixel)| *to = pixel[channel]);
            }
        }
    }

    /// Shape of such a value: channels, rows, columns.
    pub fn output_shape(&self, output: usize) -> [usize; 3] {
        let place = self.outputs[output];
        [place.channels, place.height, place.width]
    }

    /// Does one band of one operation. Every band of the operations before it must be done.
    pub fn perform(&self, operation: usize, band: usize, scratch: &mut [f32]) {
        match &self.operations[operation].work {
            Work::Picture { to } => self.picture(*to, band),
            Work::Conv { conv, from, to } => {
                let (reading, mut writing) = (self.storage.read(*from), self.storage.write(*to, band));
                for row in writing.rows() {
                    let above = [row.checked_sub(1), Some(row), Some(row + 1)].map(|row| reading.row(row));
                    conv.bytes_row(above, to.width, writing.pixels(row), to.stride);
                }
            }
            Work::Head { conv, from } => {
                let reading = self.storage.read(*from);
                let mut heatmap = self.heatmap[band].write().unwrap_or_else(PoisonError::into_inner);
                for (row, out) in rows(band, self.bands, from.height).zip(heatmap.chunks_exact_mut(from.width)) {
                    let above = [row.checked_sub(1), Some(row), Some(row + 1)].map(|row| reading.row(row));
                    conv.floats_row(above, from.width, out);
                    logistic(self.isa, out);
                }
            }
            Work::Pool { from, to } => {
                let (reading, mut writing) = (self.storage.read(*from), self.storage.write(*to, band));
                for row in writing.rows() {
                    let pair = [2 * row, 2 * row + 1].map(|row| reading.pixels(row));
                    pool_row(self.isa, pair, from.stride, to.width, to.channels, writing.pixels(row), to.stride);
                }
            }
            Work::Upsample { from, to, arithmetic, rows, columns } => {
                let (reading, mut writing) = (self.storage.read(*from), self.storage.write(*to, band));
                for row in writing.rows() {
                    let between = rows[row];
                    let pair = [between.low, between.high].map(|row| reading.pixels(row));
                    let out = writing.pixels(row);
                    resize_row(
                        self.isa,
                        *arithmetic,
                        pair,
                        from.stride,
                        between.share,
                        columns,
                        to.channels,
                        scratch,
                        out,
                        to.stride,
                    );
                }
            }
            Work::Copy { from, to } => {
                let (reading, mut writing) = (self.storage.read(*from), self.storage.write(*to, band));
                for row in writing.rows() {
                    copy_row(reading.pixels(row), from.stride, from.channels, writing.pixels(row), to.stride);
                }
            }
        }
    }

    fn picture(&self, to: Place, band: usize) {
        let input = self.input.read().unwrap_or_else(PoisonError::into_inner);
        let mut writing = self.storage.write(to, band);
        for row in writing.rows() {
            copy_row(&input[row * to.width * 3..], 3, 3, writing.pixels(row), to.stride);
        }
    }
}
