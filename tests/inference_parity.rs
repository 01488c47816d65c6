//! One ONNX file, the same numbers: the trainer's check, the station's engine, and the self-test in the bundle.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use edge_kernels::Isa;
use edge_runtime::bundle::{OpenBundle, ParityError, parity};
use edge_runtime::engine::choice::{self, EngineChoice};
use edge_runtime::engine::fused::{self, Loaded};
use edge_runtime::engine::{Engine, Inspector, TractEngine};
use host_trainer::architecture::Networks;
use host_trainer::export::Reloaded;
use host_trainer::export::bundle::{Models, seal};
use line_tests::small_bundle::{key, manifest, model, picture, sealed, trust};
use prost::Message as _;
use shared::manifest::Precision;
use tract_onnx::pb::{ModelProto, NodeProto};

fn inspector(bundle: &OpenBundle) -> Inspector {
    let engine = choice::load(bundle, EngineChoice::Fused, 1).unwrap();
    Inspector::new(bundle.manifest().clone(), Box::new(engine))
}

/// The station's engines for a model: in integers with every instruction set that is here, and with several threads.
fn engines(model: &[u8], (width, height): (usize, usize), precision: Precision) -> Vec<(String, Box<dyn Engine>)> {
    if precision == Precision::Float32 {
        return vec![("tract".into(), Box::new(TractEngine::load(model, width, height).unwrap()))];
    }
    let mut engines: Vec<(String, Box<dyn Engine>)> = Vec::new();
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        for threads in [1, 2, 5] {
            let Loaded::Whole(engine) = fused::load(model, (width, height), isa, threads).unwrap() else {
                panic!("the trainer's model is not fused as a whole");
            };
            engines.push((format!("{isa}, {threads} threads"), Box::new(engine)));
        }
    }
    engines
}

#[test]
fn trainer_and_station_compute_the_same_bits() {
    let (width, height) = (96, 64);
    let networks = [Networks::original(4, 3), Networks::bridged(4, 3)];
    for (networks, precision) in networks.into_iter().flat_map(|networks| Precision::BOTH.map(|p| (networks, p))) {
        let model = model(networks, width, height, precision);
        let trainer = Reloaded::load(&model, width, height).unwrap();
        for (name, mut station) in engines(&model, (width, height), precision) {
            for number in 0..3 {
                let input = picture(width, height, number);
                let expected = trainer.heatmap_of_rgb(&input).unwrap();
                let mut got = vec![0.0; width * height];
                station.infer(&input, &mut got).unwrap();
                let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&got), bits(&expected), "{networks}, {precision}, {name}, picture {number}");
                let (least, most) = got.iter().fold((1.0f32, 0.0f32), |(l, m), &v| (l.min(v), m.max(v)));
                assert!(most - least > 1e-3, "{precision}, picture {number}: a flat heatmap proves nothing");
            }
        }
    }
}

/// How far two heatmaps are apart: the mean and the largest difference.
fn apart(a: &[f32], b: &[f32]) -> (f32, f32) {
    let differences = || a.iter().zip(b).map(|(a, b)| (a - b).abs());
    (differences().sum::<f32>() / a.len() as f32, differences().fold(0.0, f32::max))
}

/// tract computes the same model in floats. Now and then a rounded sum falls to the other side of a half step there.
#[test]
fn integers_stay_near_what_tract_makes_of_them_in_floats() {
    let (width, height) = (96, 64);
    let model = model(Networks::original(4, 3), width, height, Precision::Int8);
    let mut oracle = TractEngine::load(&model, width, height).unwrap();
    let (mut got, mut expected) = (vec![0.0; width * height], vec![0.0; width * height]);
    for (name, mut engine) in engines(&model, (width, height), Precision::Int8) {
        for number in 0..3 {
            let input = picture(width, height, number);
            engine.infer(&input, &mut got).unwrap();
            oracle.infer(&input, &mut expected).unwrap();
            let (mean, largest) = apart(&got, &expected);
            assert!(mean < 2e-4 && largest < 4e-3, "{name}, picture {number}: {mean} on average, {largest} at most");
        }
    }
}

#[test]
fn what_cannot_be_fused_is_named_and_stays_with_tract() {
    let (width, height) = (96, 64);
    let mut changed = ModelProto::decode(&*model(Networks::original(4, 3), width, height, Precision::Int8)).unwrap();
    let graph = changed.graph.as_mut().unwrap();
    // A rectifier in front of the logistic curve is no layer that is known.
    let head = graph.node.iter().position(|node| node.op_type == "Sigmoid").unwrap();
    let logits = graph.node[head].input[0].clone();
    graph.node[head].input[0] = "rectified".into();
    let rectifier = NodeProto {
        name: "rectifier".into(),
        op_type: "Relu".into(),
        input: vec![logits],
        output: vec!["rectified".into()],
        ..NodeProto::default()
    };
    graph.node.insert(head, rectifier);
    let changed = changed.encode_to_vec();
    let Loaded::Partly(mut engine, unknown) = fused::load(&changed, (width, height), Isa::best(), 2).unwrap() else {
        panic!("a rectifier was taken for a layer");
    };
    assert!(unknown.iter().any(|node| node.contains("`rectifier`")), "{unknown:?}");
    assert!(unknown.len() < 8, "more than the head is unknown: {unknown:?}");
    let mut oracle = TractEngine::load(&changed, width, height).unwrap();
    let (mut got, mut expected) = (vec![0.0; width * height], vec![0.0; width * height]);
    for number in 0..2 {
        let input = picture(width, height, number);
        engine.infer(&input, &mut got).unwrap();
        oracle.infer(&input, &mut expected).unwrap();
        let (mean, largest) = apart(&got, &expected);
        assert!(mean < 2e-4 && largest < 4e-3, "picture {number}: {mean} on average, {largest} at most");
    }
}

#[test]
fn a_station_passes_the_self_test_of_its_bundle() {
    for precision in Precision::BOTH {
        let bundle = OpenBundle::verify(sealed(64, 32, &key(1)), &trust(&key(1))).unwrap().with_precision(precision);
        let report = parity::check(&bundle, &mut inspector(&bundle), false).unwrap();
        assert_eq!(report.scores.len(), 2);
        assert_eq!(report.worst, 0.0, "{precision}");
        assert_ne!(report.scores[0], report.scores[1], "{precision}: two inputs with one score prove little");
    }
}

#[test]
fn a_station_that_computes_something_else_fails_the_self_test() {
    let model = model(Networks::original(2, 1), 64, 32, Precision::Int8);
    let models = Models { float32: &model, int8: &model };
    // Untrained networks do not score an arbitrary picture as exactly 1.
    let bytes = seal(manifest(64, 32, [&[1.0]; 2]), models, &picture(64, 32, 1), &key(1)).unwrap();
    let bundle = OpenBundle::verify(bytes, &trust(&key(1))).unwrap();
    let failed = parity::check(&bundle, &mut inspector(&bundle), false).unwrap_err();
    assert!(matches!(failed, ParityError::Differs { index: 0, expected: 1.0, .. }), "{failed}");
}
