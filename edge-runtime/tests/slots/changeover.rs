//! A station that runs while products are changed: recipes that cannot be used, one that takes over under load, and kills on the way.
//!
//! `DRAEM_CHANGEOVER_KILLS` sets the number of kills, `DRAEM_KILL_SEED` the chance behind their moments.

use std::time::Duration;

use edge_plant::wire::{Change, Products, State, ToPlant};
use edge_runtime::store::{Filter, Reader};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use shared::verdict::{Reason, Verdict};

use super::kill::number;
use super::live::{TINY, hex, wrong_parity};
use super::plant::Plant;
use super::seal::{demo, key, resealed, sha256};
use super::station::Station;

/// A station with recipes: `strict`, whose bundle finds every part bad; `wrong`, whose bundle computes something else than its trainer
/// did; `absent`, whose bundle is not there.
pub fn station() -> (Station, [String; 2]) {
    let station = Station::with_recipes();
    let strict = resealed(&key(1), |manifest| {
        manifest.product = "strict caps".try_into().unwrap();
        manifest.int8.threshold.value = TINY;
    });
    std::fs::create_dir(station.path("recipes")).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(station.path("recipes").join(name), bytes).unwrap();
    write("strict.draem", &strict);
    write("wrong.draem", &resealed(&key(1), wrong_parity));
    for (name, number, more) in [
        ("strict", 1, "[line]\nwindow_after_mm = 40.0\n"),
        ("wrong", 2, ""),
        ("absent", 3, ""),
        ("unsound", 4, "[line]\nwindow_after_mm = 95.0\n"),
    ] {
        let text = format!("number = {number}\n[model]\nbundle = \"{name}.draem\"\n{more}");
        write(&format!("{name}.toml"), text.as_bytes());
    }
    let own = sha256(&std::fs::read(demo("cap-nano.draem")).unwrap());
    (station, [hex(own), hex(sha256(&strict))])
}

/// Hears until the products stand like this.
pub fn until(plant: &mut Plant, what: &str, there: impl Fn(&Products) -> bool) -> Products {
    loop {
        match plant.next().unwrap_or_else(|| panic!("{what}: the station has ended")) {
            ToPlant::Products(products) if there(&products) => return *products,
            _ => {}
        }
    }
}

#[test]
fn a_line_changes_products_under_load_and_every_record_is_of_one_of_them() {
    let (station, [own, strict]) = station();
    let mut line = station.start();
    let mut plant = Plant::connect(&station.path("plant.sock"));
    assert!(matches!(plant.next(), Some(ToPlant::Greeting(_))));
    let products = until(&mut plant, "the list", |products| !products.list.is_empty());
    let seen: Vec<_> = products.list.iter().map(|product| (product.name.as_str(), product.number)).collect();
    let expected = [("own", Some(0)), ("absent", Some(3)), ("strict", Some(1)), ("unsound", None), ("wrong", Some(2))];
    assert_eq!((seen.as_slice(), products.running), (expected.as_slice(), 0));
    let listed = products.list[2].bundle.as_ref().unwrap();
    assert_eq!((listed.product.as_str(), hex(listed.sha256)), ("strict caps", strict.clone()));
    assert!(products.list[3].bundle.as_ref().unwrap_err().contains("unsound.toml"));
    line.until_recorded(5);

    // What cannot be used leaves the line as it is.
    for (number, why) in [(2, "parity input 0"), (3, "absent.draem"), (4, "no recipe has number 4")] {
        plant.select(number);
        let products = until(&mut plant, "the refusal", |products| products.refused.is_some());
        assert_eq!((products.running, products.change), (0, Change::Rest));
        let refused = products.refused.unwrap();
        assert!(refused.number == number && refused.why.contains(why), "{refused:?}");
    }
    assert!(!station.path("recipes/chosen").exists());

    plant.select(1);
    // While one change is under way, another one is not heard.
    plant.select(0);
    let (mut phases, mut states, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    while phases.last() != Some(&(1, Change::Rest)) || states.last() != Some(&State::Run) {
        match plant.next().unwrap_or_else(|| panic!("the station has ended: {}", station.log())) {
            ToPlant::Products(products) => phases.push((products.running, products.change)),
            // A busy machine may be late at the gate; that is acknowledged, and says nothing of the change.
            ToPlant::Standing(standing) if standing.state == State::Fault => plant.acknowledge(),
            ToPlant::Standing(standing) => states.push(standing.state),
            ToPlant::Answer { number: 0 | 1, taken } => answers.push(taken),
            _ => {}
        }
    }
    phases.dedup();
    states.dedup();
    assert_eq!(phases, [(0, Change::Preparing(1)), (0, Change::Changing(1)), (1, Change::Rest)]);
    assert_eq!(states, [State::Run, State::Changeover, State::Run]);
    assert_eq!(answers, [true, false]);
    let chosen = std::fs::read_to_string(station.path("recipes/chosen")).unwrap();
    assert_eq!(chosen, "recipe = \"strict\"\n");
    let so_far = Reader::open(&station.path("audit")).unwrap().entries(Filter::default()).count();
    line.until_recorded(so_far + 12);
    line.end();

    let reader = Reader::open(&station.path("audit")).unwrap();
    let run = reader.runs().unwrap().pop().unwrap();
    let takeovers: Vec<_> = run.takeovers.iter().map(|taken| (taken.number, taken.bundle_sha256.clone())).collect();
    assert_eq!((run.bundle_sha256, takeovers), (own, vec![(1, strict.clone())]));
    let entries: Vec<_> = reader.entries(Filter::default()).map(Result::unwrap).collect();
    let first = entries[0].record.get().part.0;
    let (mut flushed, mut bad) = (0, 0);
    for (entry, part) in entries.iter().zip(first..) {
        let raw = entry.record.get();
        assert_eq!(raw.part.0, part, "no part is lost");
        match raw.verdict {
            Verdict::Uninspected(Reason::Flushed) => flushed += 1,
            Verdict::Bad(_) if entry.details.bundle == Some(1) => bad += 1,
            _ => assert_ne!((entry.details.bundle, raw.passed), (Some(1), true), "{raw:?}"),
        }
    }
    assert!(flushed >= 3 && bad >= 3, "{flushed} flushed, {bad} judged by the other product's bundle");

    station.shift(2);
    assert_eq!(station.last_began_with(), strict, "and from the next start on");
    // Which product lies on the belt is not guessed.
    std::fs::write(station.path("recipes/chosen"), "recipe = \"str").unwrap();
    let output = station.call("run", &["--real-time", "--parts", "2"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("recipes/chosen"));
}

#[test]
fn a_kill_at_any_moment_of_a_changeover_leaves_one_of_the_two_products_whole() {
    let (kills, seed) = (number("DRAEM_CHANGEOVER_KILLS", 3), number("DRAEM_KILL_SEED", 1));
    let (station, bundles) = station();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut begun = [0; 2];
    for kill in 1..=kills {
        let after = Duration::from_millis(rng.random_range(0..2_000));
        let case = format!("kill {kill} of {kills}, seed {seed}, {after:?} after the order");
        let line = station.start();
        let mut plant = Plant::connect(&station.path("plant.sock"));
        let Some(ToPlant::Greeting(greeting)) = plant.next() else { panic!("{case}: {}", station.log()) };
        let chosen = std::fs::read_to_string(station.path("recipes/chosen")).unwrap_or("recipe = \"own\"\n".to_owned());
        let running = ["recipe = \"own\"\n", "recipe = \"strict\"\n"].iter().position(|known| chosen == *known);
        let running = running.unwrap_or_else(|| panic!("{case}: chosen is {chosen:?}"));
        assert_eq!(hex(greeting.bundle_sha256), bundles[running], "{case}");
        begun[running] += 1;
        let products = until(&mut plant, &case, |products| !products.list.is_empty());
        assert_eq!(usize::from(products.running), running, "{case}");
        plant.select(1 - products.running);
        std::thread::park_timeout(after);
        line.kill();
    }
    println!("{kills} kills: {} starts with the one product, {} with the other", begun[0], begun[1]);
    station.shift(2);
}
