//! One ONNX file, the same numbers: the trainer's check, the station's engine, and the self-test in the bundle.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use edge_runtime::bundle::{OpenBundle, ParityError, parity};
use edge_runtime::engine::{Engine, Inspector, TractEngine};
use host_trainer::export::Reloaded;
use host_trainer::export::bundle::{Models, seal};
use line_tests::small_bundle::{key, manifest, model, picture, sealed, trust};
use shared::manifest::Precision;

fn inspector(bundle: &OpenBundle) -> Inspector {
    let steps = bundle.manifest().preprocess();
    let engine = TractEngine::load(bundle.model(), steps.width(), steps.height()).unwrap();
    Inspector::new(bundle.manifest().clone(), Box::new(engine))
}

#[test]
fn trainer_and_station_compute_the_same_bits() {
    let (width, height) = (96, 64);
    for precision in Precision::BOTH {
        let model = model((4, 3), width, height, precision);
        let trainer = Reloaded::load(&model, width, height).unwrap();
        let mut station = TractEngine::load(&model, width, height).unwrap();
        for number in 0..3 {
            let input = picture(width, height, number);
            let expected = trainer.heatmap_of_rgb(&input).unwrap();
            let mut got = vec![0.0; width * height];
            station.infer(&input, &mut got).unwrap();
            let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&got), bits(&expected), "{precision}, picture {number}");
            let (least, most) = got.iter().fold((1.0f32, 0.0f32), |(l, m), &v| (l.min(v), m.max(v)));
            assert!(most - least > 1e-3, "{precision}, picture {number}: a flat heatmap proves nothing");
        }
    }
}

#[test]
fn a_station_passes_the_self_test_of_its_bundle() {
    for precision in Precision::BOTH {
        let bundle = OpenBundle::verify(sealed(64, 32, &key(1)), &trust(&key(1))).unwrap().with_precision(precision);
        let report = parity::check(&bundle, &mut inspector(&bundle)).unwrap();
        assert_eq!(report.scores.len(), 2);
        assert_eq!(report.worst, 0.0, "{precision}");
        assert_ne!(report.scores[0], report.scores[1], "{precision}: two inputs with one score prove little");
    }
}

#[test]
fn a_station_that_computes_something_else_fails_the_self_test() {
    let model = model((2, 1), 64, 32, Precision::Int8);
    let models = Models { float32: &model, int8: &model };
    // Untrained networks do not score an arbitrary picture as exactly 1.
    let bytes = seal(manifest(64, 32, [&[1.0]; 2]), models, &picture(64, 32, 1), &key(1)).unwrap();
    let bundle = OpenBundle::verify(bytes, &trust(&key(1))).unwrap();
    let failed = parity::check(&bundle, &mut inspector(&bundle)).unwrap_err();
    assert!(matches!(failed, ParityError::Differs { index: 0, expected: 1.0, .. }), "{failed}");
}
