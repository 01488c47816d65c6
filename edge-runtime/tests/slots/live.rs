//! A station that runs while bundles come.

use edge_runtime::bundle::slots::folder::New;
use edge_runtime::bundle::slots::{Place, Slot, Standing, State};
use edge_runtime::store::{Filter, Reader};
use shared::manifest::RawManifest;
use shared::preprocess::Crop;
use shared::verdict::Verdict;

use super::seal::{demo, key, resealed, sha256};
use super::station::Station;

/// So small that a bundle with it finds every part bad: which of two bundles judged a part shows in its verdict.
pub const TINY: f32 = 1e-6;

pub fn hex(hash: [u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A sound bundle that finds every part bad, made so many seconds after the demonstration's.
fn strict(later: u64) -> Vec<u8> {
    resealed(&key(1), |manifest| {
        manifest.created += later;
        manifest.int8.threshold.value = TINY;
    })
}

/// Its stored scores are not what its model computes.
pub fn wrong_parity(manifest: &mut RawManifest) {
    manifest.created += 5;
    manifest.int8.parity.scores[0] = 1.0 - manifest.int8.parity.scores[0];
}

/// Passes every test, and takes no picture of this line.
fn strange_crop(manifest: &mut RawManifest) {
    manifest.created += 5;
    manifest.crop = Some(Crop { x: 7_000, y: 0, width: 256, height: 256 });
}

fn bad(state: &State) -> String {
    state.bad().map(|(_, why)| why.to_owned()).collect()
}

#[test]
fn bundles_that_are_not_fit_are_refused_before_a_byte_is_written() {
    let station = Station::new();
    let foreign = resealed(&key(2), |manifest| manifest.created += 5);
    let older = resealed(&key(1), |manifest| manifest.created -= 1);
    let washers = resealed(&key(1), |manifest| manifest.product = "washers".try_into().unwrap());
    let cases = [
        (foreign, 3, "trusted are"),
        (older.clone(), 3, "--allow-older"),
        (washers, 3, "--another-product"),
        (resealed(&key(1), wrong_parity), 4, "does not compute what was trained"),
        (strict(5)[..5_000].to_vec(), 3, "refused"),
    ];
    for (bytes, code, words) in cases {
        let (exit, said) = station.install(&bytes, &[]);
        assert!(exit == code && said.contains(words), "{exit}: {said}");
        assert_eq!(station.slots().load().unwrap(), State::default(), "{words}");
    }
    let (exit, said) = station.install(&older, &["--allow-older"]);
    assert_eq!((exit, station.slots().load().unwrap().trial()), (0, Some((Slot::A, 0))), "{said}");
}

#[test]
fn a_line_goes_on_while_bundles_fail_and_one_takes_over_and_every_record_names_its_own() {
    let station = Station::new();
    let mut line = station.start();
    line.until_recorded(5);

    // Damaged after it was installed: the station tests it again, and goes on with what it has.
    let damaged = resealed(&key(1), wrong_parity);
    let (sha, product, created) = (sha256(&damaged), "crown cap", u64::MAX >> 1);
    let new = New { bytes: &damaged, sha256: sha, created, product, not_before: 0, allow_older: false };
    station.slots().install(&new).unwrap();
    let state = line.until("the refusal", |state| state.bad().next().is_some());
    assert!(bad(&state).contains("parity input 0"), "{state:?}");

    // Sound, and its model fails on every part of this line: it takes over, and goes.
    let blind = resealed(&key(1), strange_crop);
    let (exit, said) = station.install(&blind, &[]);
    assert_eq!(exit, 0, "{said}");
    let state = line.until("the rollback", |state| bad(state).contains("failed on a part"));
    assert_eq!((state.committed(), state.highest()), (None, 0));

    // Sound: it takes over, and is committed when it has judged its parts.
    let strict = strict(9);
    let (exit, said) = station.install(&strict, &[]);
    assert_eq!(exit, 0, "{said}");
    let state = line.until("the commitment", |state| state.committed().is_some());
    assert_eq!(state.held(state.committed().unwrap()).unwrap().sha256, sha256(&strict));
    let listed = station.call("bundles", &[]);
    assert!(String::from_utf8(listed.stdout).unwrap().contains("committed"));
    let (exit, said) = station.install(&std::fs::read(demo("cap-nano.draem")).unwrap(), &[]);
    assert!(exit == 3 && said.contains("--allow-older"), "older than the committed one: {exit}: {said}");
    line.end();

    let reader = Reader::open(&station.path("audit")).unwrap();
    let run = reader.runs().unwrap().pop().unwrap();
    let factory = hex(sha256(&std::fs::read(demo("cap-nano.draem")).unwrap()));
    let names: Vec<_> = run.takeovers.iter().map(|taken| (taken.number, taken.bundle_sha256.clone())).collect();
    assert_eq!(run.bundle_sha256, factory);
    assert_eq!(names, [(1, hex(sha256(&blind))), (2, factory), (3, hex(sha256(&strict)))], "{}", station.log());
    let entries: Vec<_> = reader.entries(Filter::default()).map(Result::unwrap).collect();
    // No part is lost: numbers follow each other, and each has one record.
    let first = entries[0].record.get().part.0;
    for (entry, part) in entries.iter().zip(first..) {
        assert_eq!(entry.record.get().part.0, part);
    }
    let (mut last, mut judged) = (0, [0; 4]);
    for entry in &entries {
        let raw = entry.record.get();
        let Some(bundle) = entry.details.bundle else { continue };
        assert!(bundle >= last, "part {} was judged by bundle {bundle} after {last}", raw.part.0);
        last = bundle;
        judged[bundle as usize] += 1;
        assert!(!(raw.passed && bundle % 2 == 1), "part {} passed by bundle {bundle}", raw.part.0);
        match (bundle, raw.verdict) {
            (0 | 2, verdict) => assert!(!matches!(verdict, Verdict::Bad(score) if score.get() < 0.05), "{raw:?}"),
            (1, verdict) => assert!(verdict.score().is_none(), "{raw:?}"),
            (_, Verdict::Good(_)) => panic!("the strict bundle found {raw:?}"),
            (_, _) => {}
        }
    }
    assert!(judged[0] >= 1 && judged[1] >= 1 && judged[3] >= 20, "{judged:?}");

    // From the next start on it judges from the first part; one that was damaged since gives way to the factory's.
    station.shift(2);
    assert_eq!(station.last_began_with(), hex(sha256(&strict)));
    let slots = station.slots();
    let path = slots.path(slots.load().unwrap().committed().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100_000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    station.shift(2);
    assert_eq!(station.last_began_with(), run.bundle_sha256);
    assert_eq!(slots.load().unwrap().wanted(), Place::Factory);
    assert!(bad(&slots.load().unwrap()).contains("refused"));
    assert!(station.call("bundles", &["--clear"]).status.success());
    assert_eq!(slots.load().unwrap().bad().count(), 0);
}

#[test]
fn a_station_that_dies_with_a_trial_comes_back_once_with_it_and_then_without() {
    let station = Station::new();
    let (exit, said) = station.install(&strict(5), &[]);
    assert_eq!(exit, 0, "{said}");
    // Somebody who stops a line in order has not seen it fail.
    let mut line = station.start();
    line.until_recorded(1);
    line.end();
    assert_eq!(station.slots().load().unwrap().trial(), Some((Slot::A, 0)));
    for starts in 1..=2 {
        let mut line = station.start();
        line.until("the start", |state| state.trial() == Some((Slot::A, starts)));
        line.kill();
    }
    station.shift(2);
    let factory = hex(sha256(&std::fs::read(demo("cap-nano.draem")).unwrap()));
    assert_eq!(station.last_began_with(), factory);
    let state = station.slots().load().unwrap();
    assert!(
        matches!(&state.held(Slot::A).unwrap().standing, Standing::Bad { why } if why.contains("started")),
        "{state:?}"
    );
    // Without anything to go back from, that is said.
    assert_eq!(station.call("rollback", &[]).status.code(), Some(2));
}

#[test]
fn a_damaged_state_leaves_the_factorys_bundle_in_charge() {
    let station = Station::new();
    station.install(&strict(5), &[]);
    let state = station.path("slots/slots.toml");
    let mut text = std::fs::read(&state).unwrap();
    text.truncate(text.len() / 2);
    std::fs::write(&state, &text).unwrap();
    station.shift(2);
    assert_eq!(station.last_began_with(), hex(sha256(&std::fs::read(demo("cap-nano.draem")).unwrap())));
    assert_eq!(std::fs::read(&state).unwrap(), text, "nobody writes over what a person may want to look at");
    assert_eq!(station.call("bundles", &[]).status.code(), Some(2));
}
