//! Records and pictures as files.
//!
//! Takes records with their evidence; writes `records-NNNN.rec` (the format of `shared::record`, a new file for each run) and
//! for parts that were rejected `part-NNNNNN-CODE.png`: the network's input on the left, the heatmap over it on the right.
//! Each record is handed to the system at once, in one write, so that a killed process loses none and a power cut can tear
//! only the last; [`FileStore::finish`] brings all to the disk. A picture appears whole or not at all, and a bounded number
//! is kept; one that cannot be written is warned about and costs no record. It reads nothing back.

use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};

use image::{ExtendedColorType, ImageEncoder};
use shared::limits::MAX_RECORD_BYTES;
use shared::record::{FILE_HEADER, RawRecord, Record};
use shared::verdict::Verdict;

use super::audit::{AuditError, RecordSink};
use super::infer::Evidence;
use crate::hmi::thumbnail::overlay;

/// Runs whose records may lie in one folder: the number in the file's name has four digits.
const MOST_RUNS: u32 = 9_999;

/// Side of each half of a kept picture, in pixels: the resolution of the frames of most lines.
const SIDE: usize = 256;

/// One run's files in an audit folder.
#[derive(Debug)]
pub struct FileStore {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    records: u32,
    pictures_left: u32,
}

impl FileStore {
    /// Begins a new file of records in `folder`, which is created if it is not there. At most `max_pictures` are kept.
    ///
    /// # Errors
    /// [`AuditError::File`] when folder or file cannot be created.
    pub fn create(folder: &Path, max_pictures: u32) -> Result<Self, AuditError> {
        std::fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        for run in 1..=MOST_RUNS {
            let path = folder.join(format!("records-{run:04}.rec"));
            let mut file = match OpenOptions::new().append(true).create_new(true).open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(source) => return Err(failed(&path, source)),
            };
            file.write_all(&FILE_HEADER).map_err(|source| failed(&path, source))?;
            let folder = folder.join(format!("pictures-{run:04}"));
            return Ok(Self { folder, path, file, records: 0, pictures_left: max_pictures });
        }
        Err(failed(folder, io::Error::other("holds the records of 9999 runs; move some away")))
    }

    /// Where the records are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the pictures are, if any were kept.
    #[must_use]
    pub fn pictures(&self) -> Option<&Path> {
        self.folder.is_dir().then_some(self.folder.as_path())
    }

    /// How many records were written.
    #[must_use]
    pub fn records(&self) -> u32 {
        self.records
    }

    /// Brings everything to the disk.
    ///
    /// # Errors
    /// [`AuditError::File`].
    pub fn finish(&mut self) -> Result<(), AuditError> {
        self.file.sync_data().map_err(|source| failed(&self.path, source))
    }

    fn keep_picture(&mut self, record: &RawRecord, evidence: &Evidence) -> Result<(), AuditError> {
        std::fs::create_dir_all(&self.folder).map_err(|source| failed(&self.folder, source))?;
        let code = match (record.override_reason, record.verdict) {
            (Some(reason), _) | (None, Verdict::Uninspected(reason)) => reason.code(),
            _ => "BAD",
        };
        let path = self.folder.join(format!("part-{:06}-{code}.png", record.part.0));
        let png = png(evidence).map_err(|message| AuditError::Picture { path: path.display().to_string(), message })?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(|source| failed(&self.folder, source))?;
        file.write_all(&png).map_err(|source| failed(&path, source))?;
        file.persist(&path).map_err(|error| failed(&path, error.error))?;
        Ok(())
    }
}

impl RecordSink for FileStore {
    fn append(&mut self, record: &Record, evidence: Option<&Evidence>) -> Result<(), AuditError> {
        let mut buffer = [0; MAX_RECORD_BYTES];
        let bytes = record.encode(&mut buffer).map_err(AuditError::Record)?;
        self.file.write_all(bytes).map_err(|source| failed(&self.path, source))?;
        self.records += 1;
        if let (false, Some(evidence)) = (record.get().passed, evidence)
            && self.pictures_left > 0
        {
            self.pictures_left -= 1;
            if let Err(error) = self.keep_picture(record.get(), evidence) {
                tracing::warn!(%error, part = record.get().part.0, "the picture of a rejected part is not kept");
            }
        }
        Ok(())
    }
}

fn png(evidence: &Evidence) -> Result<Vec<u8>, String> {
    let plain = overlay(&evidence.input, &[], evidence.width, SIDE);
    let heat = overlay(&evidence.input, &evidence.heatmap, evidence.width, SIDE);
    let rows = plain.chunks_exact(SIDE * 3).zip(heat.chunks_exact(SIDE * 3));
    let both: Vec<u8> = rows.flat_map(|(left, right)| [left, right].concat()).collect();
    let mut bytes = Cursor::new(Vec::new());
    image::codecs::png::PngEncoder::new(&mut bytes)
        .write_image(&both, 2 * SIDE as u32, SIDE as u32, ExtendedColorType::Rgb8)
        .map_err(|error| error.to_string())?;
    Ok(bytes.into_inner())
}

fn failed(path: &Path, source: io::Error) -> AuditError {
    AuditError::File { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use shared::units::{Micros, PartId, Score, Travel};
    use shared::verdict::Reason;

    use super::*;

    fn record(part: u32, verdict: Verdict) -> Record {
        Record::check(RawRecord {
            part: PartId(part),
            seen_at: Micros(1),
            seen_travel: Travel(2),
            decided_at: Micros(3),
            verdict,
            passed: verdict.passes(),
            override_reason: None,
            late_verdict: None,
            simulation: true,
        })
        .unwrap()
    }

    #[test]
    fn what_is_written_can_be_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = FileStore::create(folder.path(), 0).unwrap();
        let good = Verdict::Good(Score::new(0.25).unwrap());
        let written = [record(1, good), record(2, Verdict::Uninspected(Reason::NoFrame))];
        for record in &written {
            store.append(record, None).unwrap();
        }
        store.finish().unwrap();
        let bytes = std::fs::read(store.path()).unwrap();
        let mut rest = bytes.strip_prefix(&FILE_HEADER).unwrap();
        for expected in written {
            let (read, left) = Record::decode(rest).unwrap();
            assert_eq!(read, expected);
            rest = left;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn each_run_has_its_own_file() {
        let folder = tempfile::tempdir().unwrap();
        let first = FileStore::create(folder.path(), 0).unwrap();
        let second = FileStore::create(folder.path(), 0).unwrap();
        assert_ne!(first.path(), second.path());
    }

    #[test]
    fn pictures_of_rejected_parts_are_kept_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = FileStore::create(folder.path(), 2).unwrap();
        let evidence = Evidence { width: 4, input: vec![100; 48], heatmap: vec![0.5; 16] };
        let (good, bad) = (Score::new(0.1).unwrap(), Score::new(0.9).unwrap());
        store.append(&record(1, Verdict::Good(good)), Some(&evidence)).unwrap();
        for part in 2..6 {
            store.append(&record(part, Verdict::Bad(bad)), Some(&evidence)).unwrap();
        }
        let kept = std::fs::read_dir(store.pictures().unwrap()).unwrap();
        let mut names: Vec<_> = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, ["part-000002-BAD.png", "part-000003-BAD.png"]);
        let picture = image::open(store.pictures().unwrap().join(&names[0])).unwrap();
        assert_eq!((picture.width(), picture.height()), (512, 256));
    }
}
