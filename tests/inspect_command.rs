//! `inspect` and `verify-bundle` from end to end: files in, exit codes and JSON lines out.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::path::Path;

use edge_runtime::cli::exit::Exit;
use edge_runtime::cli::model_option::ModelOption;
use edge_runtime::cli::{inspect, verify_bundle};
use image::RgbImage;
use line_tests::small_bundle::{key, picture, put_public, sealed, sealed_fixed};
use serde_json::Value;
use shared::preprocess::Fixture;

const WIDTH: u32 = 64;
const HEIGHT: u32 = 32;

/// A folder with a bundle signed by key 1, both public keys, two pictures and a damaged one.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("washers.draem"), sealed(WIDTH as usize, HEIGHT as usize, &key(1))).unwrap();
    put_public(&key(1), &at("right.pub"));
    put_public(&key(2), &at("wrong.pub"));
    std::fs::create_dir_all(at("images/deep")).unwrap();
    for (name, number) in [("images/b.png", 1), ("images/deep/a.bmp", 2)] {
        let rgb = picture(2 * WIDTH as usize, 2 * HEIGHT as usize, number);
        RgbImage::from_raw(2 * WIDTH, 2 * HEIGHT, rgb).unwrap().save(at(name)).unwrap();
    }
    std::fs::write(at("images/damaged.jpg"), b"no picture").unwrap();
    folder
}

fn args(folder: &Path) -> inspect::Args {
    inspect::Args {
        bundle: folder.join("washers.draem"),
        images: folder.join("images"),
        json: Some(folder.join("out/verdicts.jsonl")),
        heatmaps: Some(folder.join("heat")),
        trust: vec![folder.join("right.pub")],
        model: ModelOption::default(),
    }
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("out/verdicts.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_picture_has_a_line_and_a_damaged_one_is_uninspected() {
    let folder = folder();
    assert_eq!(inspect::run(&args(folder.path())).unwrap(), Exit::Done);
    let lines = lines(folder.path());
    let files: Vec<_> = lines.iter().map(|line| line["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["b.png", "damaged.jpg", "deep/a.bmp"]);
    let verdicts: Vec<_> = lines.iter().map(|line| line["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts[1], "uninspected");
    assert_eq!((&lines[1]["reason"], &lines[1]["score"]), (&Value::from("BAD_PICTURE"), &Value::Null));
    for line in [&lines[0], &lines[2]] {
        let score = line["score"].as_f64().unwrap();
        assert_eq!(line["verdict"], if score > 0.5 { "bad" } else { "good" });
        assert!(line["preprocess_ms"].as_f64().unwrap() >= 0.0 && line["infer_ms"].as_f64().unwrap() > 0.0);
        let heat = folder.path().join("heat").join(format!("{}.png", line["file"].as_str().unwrap()));
        assert_eq!(image::open(&heat).unwrap().to_rgb8().dimensions(), (2 * WIDTH, HEIGHT), "{}", heat.display());
    }
    assert!(!folder.path().join("heat/damaged.jpg.png").exists());
}

#[test]
fn the_same_pictures_give_the_same_scores() {
    let folder = folder();
    let scores = || {
        inspect::run(&args(folder.path())).unwrap();
        lines(folder.path()).iter().map(|line| line["score"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(scores(), scores());
}

/// A part with structure at a place on a plain ground, in a frame twice as wide and high as the input.
fn part_at(left: u32, top: u32) -> RgbImage {
    RgbImage::from_fn(2 * WIDTH, 2 * HEIGHT, |x, y| {
        let (x, y) = (x.wrapping_sub(left), y.wrapping_sub(top));
        let level = if x < 44 && y < 20 { (x * 5 + y * y) % 100 } else { 220 };
        image::Rgb([level as u8; 3])
    })
}

#[test]
fn a_part_that_is_brought_to_one_place_scores_the_same_wherever_it_lies() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let fixture =
        Fixture { width: 2 * WIDTH as u16, height: 2 * HEIGHT as u16, turned: false, fewest: 440, most: 1760 };
    let put = |fixed: bool| {
        let (width, height) = (WIDTH as usize, HEIGHT as usize);
        let bundle = if fixed { sealed_fixed(width, height, &key(1), fixture) } else { sealed(width, height, &key(1)) };
        std::fs::write(at("washers.draem"), bundle).unwrap();
        inspect::run(&args(folder.path())).unwrap();
        lines(folder.path())
    };
    std::fs::remove_dir_all(at("images")).unwrap();
    std::fs::create_dir(at("images")).unwrap();
    for (number, (left, top)) in [(42, 20), (9, 31), (70, 3)].into_iter().enumerate() {
        part_at(left, top).save(at(&format!("images/{number}.png"))).unwrap();
    }
    part_at(200, 200).save(at("images/3.png")).unwrap();
    part_at(2 * WIDTH - 3, 20).save(at("images/4.png")).unwrap();

    let fixed = put(true);
    assert!(fixed[0]["score"].as_f64().unwrap() > 0.0);
    assert!((1..3).all(|other| fixed[other]["score"] == fixed[0]["score"]), "{fixed:?}");
    for empty in &fixed[3..] {
        assert_eq!((&empty["reason"], &empty["score"]), (&Value::from("BAD_PICTURE"), &Value::Null), "{empty}");
    }
    let free = put(false);
    assert!((1..3).any(|other| free[other]["score"] != free[0]["score"]), "the place matters otherwise: {free:?}");
}

#[test]
fn one_file_may_be_named() {
    let folder = folder();
    let images = folder.path().join("images/b.png");
    assert_eq!(inspect::run(&inspect::Args { images, ..args(folder.path()) }).unwrap(), Exit::Done);
    let lines = lines(folder.path());
    assert_eq!((lines.len(), &lines[0]["file"]), (1, &Value::from("b.png")));
}

#[test]
fn a_folder_without_pictures_is_an_error() {
    let folder = folder();
    let images = folder.path().join("empty");
    std::fs::create_dir(&images).unwrap();
    let error = inspect::run(&inspect::Args { images, ..args(folder.path()) }).unwrap_err();
    assert!(error.to_string().contains("empty"), "{error}");
}

#[test]
fn a_bundle_of_another_key_is_refused_by_both_commands() {
    let folder = folder();
    let trust = vec![folder.path().join("wrong.pub")];
    let inspected = inspect::run(&inspect::Args { trust: trust.clone(), ..args(folder.path()) }).unwrap();
    assert_eq!(inspected, Exit::BundleRefused);
    assert!(!folder.path().join("out").exists(), "nothing is written for a refused bundle");
    let file = folder.path().join("washers.draem");
    assert_eq!(
        verify_bundle::run(&verify_bundle::Args { file: file.clone(), trust, model: ModelOption::default() }).unwrap(),
        Exit::BundleRefused
    );
    let trust = vec![folder.path().join("right.pub")];
    assert_eq!(
        verify_bundle::run(&verify_bundle::Args { file, trust, model: ModelOption::default() }).unwrap(),
        Exit::Done
    );
}
