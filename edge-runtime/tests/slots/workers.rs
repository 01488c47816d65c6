//! Threads that judge, while another bundle takes over: engines are made by hand, so that each verdict shows whose it is.

use std::sync::Arc;
use std::sync::mpsc::channel;

use edge_runtime::bundle::slots::Tally;
use edge_runtime::bundle::{OpenBundle, TrustedKeys};
use edge_runtime::engine::{Engine, EngineError, Inspector};
use edge_runtime::hw::roles::{Picture, PictureFormat};
use edge_runtime::stage::workers::{Demands, Evidence, Workers};
use shared::frame::PixelFormat;
use shared::units::Score;
use shared::verdict::{Reason, Verdict};

use super::seal::demo;

/// Says this of every pixel.
struct Says(f32);

impl Engine for Says {
    fn infer(&mut self, _: &[u8], heatmap: &mut [f32]) -> Result<(), EngineError> {
        heatmap.fill(self.0);
        Ok(())
    }
}

/// Dies at the first picture.
struct Dying;

impl Engine for Dying {
    fn infer(&mut self, _: &[u8], _: &mut [f32]) -> Result<(), EngineError> {
        panic!("the network's thread is killed, as this test wants it")
    }
}

fn inspectors<E: Engine + 'static>(count: usize, engine: impl Fn() -> E) -> Vec<Inspector> {
    let trusted = TrustedKeys::load(&[demo("demo.pub")]).unwrap();
    let bundle = OpenBundle::read(&demo("cap-nano.draem"), &trusted).unwrap();
    (0..count).map(|_| Inspector::new(bundle.manifest().clone(), Box::new(engine()))).collect()
}

fn judged(workers: &Workers) -> (Verdict, Option<Evidence>) {
    let (width, height) = (64, 64);
    let format = PictureFormat::Pixels(PixelFormat::Grey);
    let bytes = vec![80; width * height];
    let picture = Picture { exposed_at: Default::default(), format, width, height, bytes };
    let (say, heard) = channel();
    workers.submit(Arc::new(picture), move |verdict, evidence| say.send((verdict, evidence)).unwrap()).unwrap();
    heard.recv().unwrap()
}

#[test]
fn from_the_change_on_every_worker_judges_with_the_new_bundle_and_counts_for_it() {
    let mut workers = Workers::start(inspectors(2, || Says(0.0)), Demands::default());
    for number in 1..=3 {
        // However the pictures fall to the two: neither takes the other's seat.
        for judgement in 0..20 {
            let (verdict, evidence) = judged(&workers);
            assert_eq!(evidence.unwrap().bundle, number - 1, "judgement {judgement}");
            assert_eq!(verdict.passes(), number % 2 == 1, "bundle {}", number - 1);
        }
        assert_eq!(workers.tally(), Tally { bundle: number - 1, judged: 20, failed: 0 });
        workers.change(inspectors(2, || Says((number % 2) as f32)), number, number);
        assert_eq!(workers.tally(), Tally { bundle: number, judged: 0, failed: 0 });
    }
}

#[test]
fn another_threshold_holds_from_the_next_picture_on_and_the_bundle_counts_on() {
    let mut workers = Workers::start(inspectors(2, || Says(0.5)), Demands::default());
    let by = |workers: &Workers| {
        let (verdict, evidence) = judged(workers);
        (verdict.passes(), evidence.unwrap().bundle)
    };
    assert_eq!(by(&workers), (false, 0), "the demonstration's own threshold lies lower");
    for (number, threshold, passes) in [(1, 0.5, true), (2, 0.49, false), (3, 0.9, true)] {
        workers.set_threshold(Score::new(threshold).unwrap(), number);
        assert_eq!([by(&workers), by(&workers)], [(passes, number); 2]);
    }
    assert_eq!(workers.tally(), Tally { bundle: 0, judged: 7, failed: 0 }, "the same bundle has judged all of them");
    workers.change(inspectors(2, || Says(0.5)), 1, 4);
    assert_eq!(by(&workers), (false, 4), "another bundle does not inherit what was set for the one before");
}

#[test]
fn a_bundle_that_takes_its_thread_with_it_has_failed() {
    let mut workers = Workers::start(inspectors(1, || Says(0.0)), Demands::default());
    assert!(judged(&workers).0.passes());
    workers.change(inspectors(1, || Dying), 1, 1);
    assert_eq!(judged(&workers), (Verdict::Uninspected(Reason::ModelFault), None));
    assert_eq!(workers.tally(), Tally { bundle: 1, judged: 0, failed: 1 });
}
