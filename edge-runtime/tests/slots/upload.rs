//! Bundles that are handed over to a station that runs: taken in, refused, broken off, and killed on the way.
//!
//! `DRAEM_UPLOAD_KILLS` sets the number of kills, `DRAEM_KILL_SEED` the chance behind their moments.

use std::time::Duration;

use edge_plant::wire::{Change, NotTaken, Offer, Products, State, Step, ToPlant, Uploaded};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use shared::bundle::{HEADER_BYTES, KeyId};

use super::kill::number;
use super::live::{TINY, wrong_parity};
use super::plant::Plant;
use super::seal::{key, resealed, sha256};
use super::station::Station;

/// A bundle for rings, made so many seconds later than the demonstration's.
fn rings(later: i64) -> Vec<u8> {
    resealed(&key(1), |manifest| {
        manifest.product = "rings".try_into().unwrap();
        manifest.created = manifest.created.checked_add_signed(later).unwrap();
        manifest.int8.threshold.value = TINY;
    })
}

fn offer(recipe: &str) -> Offer {
    Offer { recipe: recipe.to_owned(), ..Offer::default() }
}

/// A connection with a station that has greeted.
fn connect(station: &Station) -> Plant {
    // A station that has not noticed yet that the one before has gone turns the next one away.
    for _ in 0..600 {
        let mut plant = Plant::connect(&station.path("plant.sock"));
        if matches!(plant.next(), Some(ToPlant::Greeting(_))) {
            return plant;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    panic!("turned away again and again: {}", station.log());
}

fn until(plant: &mut Plant, what: &str, there: impl Fn(&Products) -> bool) -> Products {
    loop {
        match plant.next().unwrap_or_else(|| panic!("{what}: the station has ended")) {
            ToPlant::Products(products) if there(&products) => return *products,
            _ => {}
        }
    }
}

fn has(products: &Products, name: &str, bytes: &[u8]) -> bool {
    let mut of_name = products.list.iter().filter(|product| product.name == name);
    of_name.any(|product| product.bundle.as_ref().is_ok_and(|bundle| bundle.sha256 == sha256(bytes)))
}

/// Asks for a product, and waits until the line judges by this bundle. A busy machine may be late at the gate; that is acknowledged.
fn change(plant: &mut Plant, number: u16, bytes: &[u8]) {
    plant.select(number);
    let (mut judges, mut rests) = (false, false);
    while !(judges && rests) {
        match plant.next().expect("the station runs on") {
            ToPlant::Standing(standing) if standing.state == State::Fault => plant.acknowledge(),
            ToPlant::Basis(basis) => judges = basis.bundle_sha256 == sha256(bytes),
            ToPlant::Products(products) => {
                assert_eq!(products.refused, None);
                rests = (products.running, products.change) == (number, Change::Rest);
            }
            _ => {}
        }
    }
}

/// Hands a bundle for rings over once the one before is given up, which the station does in its own time.
fn when_free(plant: &mut Plant, bytes: &[u8]) -> Result<Uploaded, NotTaken> {
    let ended = (0..600).find_map(|_| match plant.upload(offer("rings"), bytes) {
        Err(NotTaken::Busy) => {
            std::thread::park_timeout(Duration::from_millis(100));
            None
        }
        ended => Some(ended),
    });
    ended.expect("the one before is given up")
}

#[test]
fn a_bundle_is_the_recipes_only_if_it_is_everything_that_it_has_to_be() {
    let station = Station::with_recipes();
    let line = station.start();
    let mut plant = connect(&station);
    let good = rings(0);
    let taken = plant.upload(offer("rings"), &good).unwrap();
    let Uploaded { number: 1, new: true, running: false, tested, worst, tolerance, .. } = taken else {
        panic!("{taken:?}")
    };
    assert!(tested > 0 && worst <= tolerance, "{taken:?}");
    assert_eq!((taken.recipe.as_str(), taken.product.as_str(), taken.sha256), ("rings", "rings", sha256(&good)));
    assert_eq!((taken.signer, taken.bytes), (KeyId::of(&key(1).verifying_key()).to_string(), good.len() as u64));
    let file = station.path("recipes/rings.draem");
    let text = std::fs::read_to_string(station.path("recipes/rings.toml")).unwrap();
    assert_eq!(text, "number = 1\n\n[model]\nbundle = \"rings.draem\"\n");
    // Whoever is told of it finds it in the list.
    assert!(has(&plant.products, "rings", &good), "{:?}", plant.products);

    let mut unsigned = good.clone();
    unsigned[12..20].fill(0);
    let last = unsigned.len() - 64;
    unsigned[last..].fill(0);
    let mut changed = good.clone();
    changed[HEADER_BYTES + 900] ^= 1;
    let foreign = resealed(&key(2), |manifest| manifest.created += 5);
    let caps = resealed(&key(1), |manifest| manifest.created += 5);
    let failing = resealed(&key(1), wrong_parity);
    let longer = [&good[..], b"x"].concat();
    let mut huge = good.clone();
    huge[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
    type Expected = fn(&NotTaken) -> bool;
    let cases: [(&str, &[u8], Expected); 12] = [
        ("rings", &unsigned, |why| matches!(why, NotTaken::NotTrusted { signer, .. } if signer == "0000000000000000")),
        ("rings", &foreign, |why| matches!(why, NotTaken::NotTrusted { trusted, .. } if trusted.contains("one.pub"))),
        ("rings", &changed, |why| matches!(why, NotTaken::Damaged { .. })),
        ("rings", &rings(-1), |why| matches!(why, NotTaken::Older { created, present } if created + 1 == *present)),
        ("rings", &good[..good.len() - 1], |why| matches!(why, NotTaken::Length { .. })),
        ("rings", &longer, |why| matches!(why, NotTaken::Length { .. })),
        ("rings", &huge, |why| matches!(why, NotTaken::TooLarge)),
        ("rings", b"GIF89a, and no bundle at all: not even as long as one", |why| matches!(why, NotTaken::NotABundle)),
        ("rings", &caps, |why| matches!(why, NotTaken::OtherProduct { present, .. } if present == "rings")),
        ("caps", &failing, |why| matches!(why, NotTaken::SelfTest { .. })),
        ("own", &good, |why| matches!(why, NotTaken::Name { .. })),
        ("../up", &good, |why| matches!(why, NotTaken::Name { .. })),
    ];
    for (number, (recipe, bytes, expected)) in cases.into_iter().enumerate() {
        let why = plant.upload(offer(recipe), bytes).unwrap_err();
        assert!(expected(&why), "case {number}: {why}");
        assert_eq!(std::fs::read(&file).unwrap(), good, "case {number}: what was there is there");
        assert_eq!(
            std::fs::read_dir(station.path("recipes")).unwrap().count(),
            2,
            "case {number}: and nothing else is"
        );
    }
    let older = rings(-1);
    plant.upload(Offer { allow_older: true, ..offer("rings") }, &older).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), older);

    // One at a time, and what is out of turn is not done.
    assert!(matches!(plant.step(Step::Finish { sha256: [0; 32] }), Some(Err(NotTaken::OutOfTurn))));
    assert_eq!(plant.step(Step::Begin(offer("rings"))), None);
    assert_eq!(plant.step(Step::Begin(offer("other"))), Some(Err(NotTaken::Busy)));
    assert_eq!(plant.step(Step::Abandon), None);
    when_free(&mut plant, &good).unwrap();

    // One that goes away in the middle leaves nothing, and the next one may come.
    assert_eq!(plant.step(Step::Begin(offer("rings"))), None);
    assert_eq!(plant.step(Step::Piece(good[..20_000].to_vec())), None);
    assert_eq!(std::fs::metadata(station.path("recipes/.upload.part")).unwrap().len(), 20_000);
    drop(plant);
    let mut plant = connect(&station);
    when_free(&mut plant, &good).unwrap();
    assert!(!station.path("recipes/.upload.part").exists());

    // A change takes it up; while it judges, another one changes nothing before it is asked for, be it for the same recipe.
    change(&mut plant, 1, &good);
    let newer = rings(10);
    assert!(plant.upload(offer("rings"), &newer).unwrap().running);
    assert!(has(&plant.products, "rings", &newer) && plant.products.running == 1);
    change(&mut plant, 1, &newer);
    line.end();
    station.shift(2);
    let began: String = sha256(&newer).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(station.last_began_with(), began);
}

#[test]
fn a_kill_at_any_moment_of_an_upload_leaves_the_bundle_before_or_the_new_one_whole() {
    let (kills, seed) = (number("DRAEM_UPLOAD_KILLS", 2), number("DRAEM_KILL_SEED", 1));
    let station = Station::with_recipes();
    let bundles = [rings(0), rings(1)];
    let file = station.path("recipes/rings.draem");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut found = [0; 2];
    for kill in 0..=kills {
        let line = station.start();
        let mut plant = connect(&station);
        let products = until(&mut plant, "the list", |products| kill == 0 || !products.list.is_empty());
        let names: Vec<_> = std::fs::read_dir(station.path("recipes"))
            .into_iter()
            .flatten()
            .map(|file| file.unwrap().file_name())
            .collect();
        assert!(
            names.iter().all(|name| name == "rings.toml" || name == "rings.draem"),
            "swept at the start: {names:?}"
        );
        if kill == 0 {
            plant.upload(offer("rings"), &bundles[0]).unwrap();
            line.end();
            continue;
        }
        let case = format!("kill {kill} of {kills}, seed {seed}");
        let there = std::fs::read(&file).unwrap();
        let is = bundles.iter().position(|bundle| *bundle == there).unwrap_or_else(|| panic!("{case}: half a bundle"));
        assert!(has(&products, "rings", &bundles[is]), "{case}: {products:?}");
        found[is] += 1;
        let after = Duration::from_millis(rng.random_range(0..1_500));
        let next = &bundles[1 - is];
        // Whether the station still hears all of it is chance.
        let killed = std::thread::scope(|scope| {
            let killer = scope.spawn(move || {
                std::thread::park_timeout(after);
                line.kill();
            });
            plant.upload_if_heard(Offer { allow_older: true, ..offer("rings") }, next);
            killer.join()
        });
        killed.unwrap();
    }
    println!("{kills} kills: {} starts with the one bundle, {} with the other", found[0], found[1]);
    let there = std::fs::read(&file).unwrap();
    assert!(bundles.contains(&there), "half a bundle at the end");
}
