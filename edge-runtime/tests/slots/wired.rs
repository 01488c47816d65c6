//! Products that are chosen at the station's own inputs, on a line that runs: nobody else asks for anything.

use edge_plant::wire::{Change, Wired};
use edge_runtime::store::Reader;

use super::changeover::{station, until};
use super::plant::Plant;

#[test]
fn a_strobe_at_the_inputs_changes_products_and_one_that_means_nothing_does_not() {
    let (station, [own, strict]) = station();
    // On at the start; a number that nobody has; and a press that is held, so that a busy machine does not miss it.
    station.append(
        "\n[sim.select]\nlines = 3\npress = [\n{ at_ms = 0.0, code = 1, held_ms = 800.0 },\n\
         { at_ms = 1200.0, code = 6, held_ms = 2500.0 },\n{ at_ms = 4000.0, code = 1, held_ms = 60000.0 },\n]\n",
    );
    let line = station.start();
    let mut plant = Plant::connect(&station.path("plant.sock"));
    let refused = until(&mut plant, "the refusal", |products| products.refused.is_some());
    assert_eq!((refused.running, refused.change), (0, Change::Rest), "the strobe of the start says nothing");
    assert_eq!(refused.wired, Some(Wired { count: 1, product: 6, before: 0, taken: true }));
    let why = refused.refused.unwrap().why;
    assert!(why.contains("no recipe has number 6; there are 0, 1, 2, 3"), "{why}");
    let changed = until(&mut plant, "the change", |products| products.running == 1 && products.change == Change::Rest);
    assert_eq!(changed.wired, Some(Wired { count: 2, product: 1, before: 0, taken: true }));
    assert_eq!(changed.refused, None);
    line.end();
    let run = Reader::open(&station.path("audit")).unwrap().runs().unwrap().pop().unwrap();
    let takeovers: Vec<_> = run.takeovers.into_iter().map(|taken| taken.bundle_sha256).collect();
    assert_eq!((run.bundle_sha256, takeovers), (own, vec![strict]));
    let log = station.log();
    for said in ["wired input: another product is wanted product=6", "wired input: another product is wanted product=1"]
    {
        assert_eq!(log.matches(said).count(), 1, "{said}: {log}");
    }
}
