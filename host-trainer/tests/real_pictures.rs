//! Real product pictures come in whole: every file, every mask, and a split that leaks nothing.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::{Path, PathBuf};

use host_trainer::data::{Grouping, Loader, Prepared, Scene, Survey, Use, fixture};
use shared::preprocess::Preprocess;

/// The packs in MVTec's layout that `DRAEM_DATA` names, or that stand beside the repository.
fn packs() -> Vec<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let folder = std::env::var_os("DRAEM_DATA").map_or(beside, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: the data folder {} is absent", folder.display());
        return Vec::new();
    };
    entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.join("train/good").is_dir()).collect()
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn every_picture_and_every_mask_is_read() {
    for pack in packs() {
        let steps = Preprocess::new(None, 64, 64).unwrap();
        let prepared = prepared(&pack, steps);
        let name = pack.display();
        assert!(prepared.skipped.is_empty(), "{name}: {:?}", prepared.skipped);
        assert_eq!(prepared.learn.len() + prepared.held_out.len(), files(&pack.join("train/good")), "{name}");
        let folders = std::fs::read_dir(pack.join("test")).unwrap();
        let tested: usize = folders.map(|folder| files(&folder.unwrap().path())).sum();
        assert_eq!(prepared.test.len(), tested, "{name}");
        for part in prepared.test.iter().filter(|part| part.defective) {
            let mask = part.mask.as_ref().unwrap_or_else(|| panic!("{name}: {} has no mask", part.name));
            assert_eq!(mask.pixels.len(), 64 * 64);
        }
        // A defect of a few pixels may cover less than half of every pixel at this size, but not in most pictures.
        let defective = prepared.test.iter().filter(|part| part.defective);
        let seen = defective.clone().filter(|part| part.mask.as_ref().is_some_and(|mask| mask.any())).count();
        assert!(2 * seen > defective.count(), "{name}: only {seen} masks mark anything");
    }
}

fn prepared(pack: &Path, steps: Preprocess) -> Prepared {
    Prepared::load(pack, steps, Use::Learn { target: 0.05, seed: 1, same_part: Grouping::File }).unwrap()
}

#[test]
fn screws_that_lie_anywhere_are_alike_once_they_are_fixed() {
    let Some(pack) = packs().into_iter().find(|pack| pack.ends_with("mvtec_screw")) else {
        eprintln!("skipped: there are no screws");
        return;
    };
    let region = (256, 256);
    let whole = Preprocess::new(None, region.0, region.1).unwrap();
    let loose = prepared(&pack, whole);
    assert_eq!(Survey::of(&loose.learn).scene(), Scene::Loose);
    let first = fixture::first(region, true);
    let loader = Loader::new(whole.with_fixture(Some(first)).unwrap());
    let poses: Vec<_> = loose.learn_files.iter().map(|path| loader.locate(path).unwrap().unwrap()).collect();
    let (fixture, (width, height)) = fixture::suited(&poses, first, region, None).unwrap();
    let fixed = prepared(&pack, Preprocess::new(None, width, height).unwrap().with_fixture(Some(fixture)).unwrap());
    assert!(fixed.skipped.is_empty(), "{:?}", fixed.skipped);
    let survey = Survey::of(&fixed.learn);
    assert!(survey.looseness < 0.2 && survey.turned < 0.2, "{survey:?}");
    // The cut loses next to nothing of what is defective.
    let defective = |prepared: &Prepared| -> usize {
        let masks = prepared.test.iter().filter_map(|part| part.mask.as_ref());
        masks.map(|mask| mask.pixels.iter().filter(|&&pixel| pixel != 0).count()).sum()
    };
    let (before, after) = (defective(&loose), defective(&fixed));
    assert!(before.abs_diff(after) < before / 50, "{after} defective pixels of {before}");
}
