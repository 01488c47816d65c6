//! Installations, commitments and rollbacks that are killed at moments that they do not choose, again and again in one folder.
//!
//! The child is this program itself. `DRAEM_KILLS` sets the number of kills, `DRAEM_KILL_SEED` the chance behind their moments.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use edge_runtime::bundle::slots::folder::New;
use edge_runtime::bundle::slots::{Place, Slot, Slots, State};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::seal::sha256;

/// Where the child finds its slots.
const FOLDER: &str = "DRAEM_KILL_SLOTS";

/// Longest life of a child: some dozen installations.
const LONGEST: Duration = Duration::from_millis(400);

pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Bytes that stand for a bundle, large enough for a kill to fall into their writing.
fn bundle(number: u64) -> Vec<u8> {
    let mut bytes = vec![0; 300_000];
    for (chunk, at) in bytes.chunks_mut(8).zip(number..) {
        chunk.copy_from_slice(&at.to_le_bytes()[..chunk.len()]);
    }
    bytes
}

#[test]
#[ignore = "the child of the test below: does nothing without slots to write"]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    println!();
    let slots = Slots::new(PathBuf::from(folder));
    let mut rng = ChaCha8Rng::seed_from_u64(u64::from(std::process::id()));
    loop {
        let created = slots.load().unwrap().highest() + 1;
        let bytes = bundle(created);
        let sha256 = sha256(&bytes);
        let new = New { bytes: &bytes, sha256, created, product: "caps", not_before: 0, allow_older: false };
        let slot = slots.install(&new).unwrap();
        slots.change(|state| state.started(slot, &sha256)).unwrap();
        let state = match rng.random_range(0..4) {
            0 => slots.change(|state| state.condemned(slot, &sha256, "it failed")),
            1 => slots.change(State::rolled_back),
            _ => slots.change(|state| state.proven(slot, &sha256)),
        };
        println!("safe {}", state.unwrap().highest());
        std::io::stdout().flush().unwrap();
    }
}

/// One life of the child. Gives the newest bundle that it said was committed.
fn life(folder: &Path, until: Duration) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::park_timeout(until);
    assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
    child.kill().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let safe = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("safe ")?.parse().ok()).last();
    child.wait().unwrap();
    safe.unwrap_or(0)
}

#[test]
fn after_any_kill_the_state_is_whole_and_every_slot_holds_what_it_says() {
    let (kills, seed) = (number("DRAEM_KILLS", 12), number("DRAEM_KILL_SEED", 1));
    let (folder, mut rng) = (tempfile::tempdir().unwrap(), ChaCha8Rng::seed_from_u64(seed));
    let slots = Slots::new(folder.path().join("slots"));
    let mut newest = 0;
    for kill in 1..=kills {
        let until = LONGEST.mul_f64(rng.random_range(0.0..1.0));
        let case = format!("kill {kill} of {kills}, seed {seed}, after {until:?}");
        newest = newest.max(life(slots.folder(), until));
        let state = slots.load().unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(state.highest() >= newest, "{case}: {newest} was committed, and the counter says {}", state.highest());
        newest = state.highest();
        for slot in Slot::BOTH {
            if let Some(held) = state.held(slot) {
                let bytes = std::fs::read(slots.path(slot)).unwrap_or_else(|error| panic!("{case}: {slot}: {error}"));
                assert_eq!(sha256(&bytes), held.sha256, "{case}: slot {slot} is not what the state says");
            }
        }
        // Whatever was cut off, a station comes to something proven.
        let end = (0..5).fold(state, |state, _| state.at_start().next.unwrap_or(state));
        assert!(
            matches!((end.wanted(), end.committed()), (Place::Factory, None) | (Place::Slot(_), Some(_))),
            "{case}"
        );
    }
    assert!(newest > 0, "nothing was ever committed");
}
