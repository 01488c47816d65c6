//! Checkpoints as the original code saves them, against the same tensors in safetensors; and what broken ones do.
//!
//! Reads every `draem-*` set in the folder that `DRAEM_GOLDEN` names (default `../shared/golden` beside the workspace) and
//! says so where it is absent.
#![expect(clippy::unwrap_used, reason = "a test file: what is broken should end it here")]

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use host_trainer::architecture::Networks;
use host_trainer::import::pickle::read_state_dict;
use host_trainer::import::{load_pair, torch_file};

fn sets() -> Vec<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/golden");
    let folder = std::env::var_os("DRAEM_GOLDEN").map_or_else(default, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: {} absent", folder.display());
        return Vec::new();
    };
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with("draem-"));
    folders.sort();
    assert!(!folders.is_empty(), "{} holds no draem-* set", folder.display());
    folders
}

#[test]
fn both_forms_of_a_checkpoint_are_the_same_to_the_bit() {
    for set in sets() {
        let saved = load_pair(&set.join("recon.pckl"), &set.join("seg.pckl")).unwrap();
        let plain = load_pair(&set.join("weights.safetensors"), &set.join("weights.safetensors")).unwrap();
        assert_eq!(saved, plain, "{}", set.display());
        let facts: serde_json::Value = serde_json::from_slice(&std::fs::read(set.join("facts.json")).unwrap()).unwrap();
        let width = |key: &str| facts[key].as_u64().unwrap() as usize;
        let expected = Networks::original(width("recon_base_width"), width("seg_base_width"));
        assert_eq!(saved.networks, expected, "{}", set.display());
    }
}

#[test]
fn networks_in_each_others_place_are_refused_by_name() {
    for set in sets() {
        let error = load_pair(&set.join("seg.pckl"), &set.join("recon.pckl")).unwrap_err().to_string();
        assert!(error.contains("recon.encoder.block1.0.weight"), "{error}");
    }
}

#[test]
fn something_else_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.pckl");
    std::fs::write(&path, "not a checkpoint").unwrap();
    let error = load_pair(&path, &path).unwrap_err().to_string();
    assert!(error.contains("notes.pckl") && error.contains("neither a zip archive"), "{error}");
}

/// A changed name, shape or number is for later checks; here only a panic or an endless loop would be wrong. Truncations
/// must fail.
#[test]
fn no_truncation_and_no_flipped_byte_of_a_pickle_panics() {
    let Some(set) = sets().into_iter().next() else { return };
    let file = std::fs::read(set.join("recon.pckl")).unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let mut pickle = Vec::new();
    archive.by_name("recon/data.pkl").unwrap().read_to_end(&mut pickle).unwrap();
    let whole = read_state_dict(&pickle).unwrap();
    assert!(whole.len() > 100);
    for length in (0..pickle.len()).step_by(7).chain(pickle.len() - 40..pickle.len()) {
        assert!(read_state_dict(&pickle[..length]).is_err(), "{length} of {} bytes", pickle.len());
    }
    let mut refused = 0;
    for at in 0..pickle.len() {
        let mut flipped = pickle.clone();
        flipped[at] ^= [0x01, 0x04, 0x80, 0xff][at % 4];
        refused += usize::from(read_state_dict(&flipped).is_err());
    }
    assert!(refused > pickle.len() / 4, "only {refused} of {} flips were noticed", pickle.len());
}

#[test]
fn no_truncation_and_no_flipped_byte_of_an_archive_panics() {
    let Some(set) = sets().into_iter().next() else { return };
    let file = std::fs::read(set.join("seg.pckl")).unwrap();
    let whole = torch_file::read(&file).unwrap();
    for length in (0..file.len()).step_by(file.len() / 100).chain(file.len() - 30..file.len()) {
        assert!(torch_file::read(&file[..length]).is_err(), "{length} of {} bytes", file.len());
    }
    for at in (0..file.len()).step_by(file.len() / 300).chain(file.len() - 300..file.len()) {
        let mut flipped = file.clone();
        flipped[at] ^= 0xff;
        if let Ok(read) = torch_file::read(&flipped) {
            assert_eq!(read, whole, "byte {at} changed a value unnoticed");
        }
    }
}
