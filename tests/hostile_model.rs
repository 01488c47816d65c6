//! A signature says who made a model, not that it is harmless: damaged and hostile ONNX is refused without a panic.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use edge_kernels::Isa;
use edge_runtime::engine::fused::{self, Loaded};
use edge_runtime::engine::{Engine, EngineError, ModelError, TractEngine};
use host_trainer::architecture::Networks;
use line_tests::small_bundle::{SEED, model, picture};
use prost::Message;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::manifest::Precision;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, StringStringEntryProto, TensorProto};

const SIDE: usize = 32;

fn good() -> ModelProto {
    ModelProto::decode(&*model(Networks::original(1, 1), SIDE, SIDE, Precision::Int8)).unwrap()
}

/// What tract says to a model after a change. Neither it nor the fused layers panic or give what is no heatmap.
fn answer(bytes: &[u8]) -> Result<(), EngineError> {
    let fused = fused::load(bytes, (SIDE, SIDE), Isa::best(), 2).and_then(|loaded| match loaded {
        Loaded::Whole(engine) => judge(engine),
        Loaded::Partly(engine, _) => judge(engine),
    });
    let tract = TractEngine::load(bytes, SIDE, SIDE).and_then(judge);
    // What a model may be is asked before either of them sees it.
    let refused = |answer: &Result<(), EngineError>| matches!(answer, Err(EngineError::Model(_)));
    assert_eq!(refused(&fused), refused(&tract), "fused {fused:?}, tract {tract:?}");
    tract
}

fn judge(mut engine: impl Engine) -> Result<(), EngineError> {
    let mut heatmap = vec![0.0; SIDE * SIDE];
    engine.infer(&picture(SIDE, SIDE, 1), &mut heatmap)?;
    assert!(heatmap.iter().all(|value| (0.0..=1.0).contains(value)));
    Ok(())
}

fn refused(change: impl FnOnce(&mut ModelProto)) -> ModelError {
    let mut changed = good();
    change(&mut changed);
    match answer(&changed.encode_to_vec()) {
        Err(EngineError::Model(error)) => error,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

fn node<'a>(model: &'a mut ModelProto, operator: &str) -> &'a mut NodeProto {
    model.graph.as_mut().unwrap().node.iter_mut().find(|node| node.op_type == operator).unwrap()
}

#[test]
fn the_model_before_any_change_runs() {
    assert_eq!(answer(&good().encode_to_vec()), Ok(()));
}

#[test]
fn a_model_of_a_later_version_waits_for_a_later_program() {
    assert_eq!(good().model_version, 1);
    for version in [-1, 2] {
        assert_eq!(refused(|model| model.model_version = version), ModelError::Version { got: version });
    }
    let mut older = good();
    older.model_version = 0;
    assert_eq!(answer(&older.encode_to_vec()), Ok(()));
}

#[test]
fn random_bytes_are_no_model() {
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    for case in 0..500 {
        let mut bytes = vec![0; chance.random_range(0..600)];
        chance.fill_bytes(&mut bytes);
        assert!(answer(&bytes).is_err(), "seed {SEED}, case {case}");
    }
}

#[test]
fn flipped_and_cut_models_run_or_are_refused() {
    let bytes = good().encode_to_vec();
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let mut refused = 0;
    for case in 0..300 {
        let mut changed = bytes.clone();
        match case % 3 {
            0 => changed.truncate(chance.random_range(0..bytes.len())),
            1 => changed[chance.random_range(0..bytes.len())] ^= 1 << chance.random_range(0..8),
            _ => changed[chance.random_range(0..bytes.len())] = chance.random(),
        }
        // A weight that differs by a bit is still a model; a panic would end the test.
        match answer(&changed) {
            Err(EngineError::Panicked { during, reason }) => println!("case {case}: {during}: {reason}"),
            other => refused += usize::from(other.is_err()),
        }
    }
    assert!(refused > 100, "seed {SEED}: only {refused} of 300 refused, of which 100 were cut off");
}

#[test]
fn a_model_of_another_size_is_refused() {
    let other = answer(&model(Networks::original(1, 1), 64, SIDE, Precision::Int8));
    assert!(matches!(other, Err(EngineError::Model(ModelError::InputShape { .. }))), "{other:?}");
}

#[test]
fn operators_that_the_networks_do_not_have_are_refused() {
    let error = refused(|model| node(model, "Relu").op_type = "Loop".to_owned());
    assert!(matches!(error, ModelError::Operator { operator, .. } if operator == "Loop"));
}

#[test]
fn weights_outside_the_file_are_refused() {
    let error = refused(|model| {
        let tensor = &mut model.graph.as_mut().unwrap().initializer[1];
        tensor.data_location = Some(1);
        tensor.external_data = vec![StringStringEntryProto { key: "location".into(), value: "passwd".into() }];
    });
    assert!(matches!(error, ModelError::Stored { .. }));
}

#[test]
fn absurd_shapes_are_refused_before_memory_is_taken() {
    for dims in [vec![i64::MAX, 2, 3, 3], vec![1 << 40, 1, 3, 3], vec![-1, 1, 3, 3], vec![0, 1, 3, 3]] {
        let error = refused(|model| {
            let graph = model.graph.as_mut().unwrap();
            let weight = graph.initializer.iter_mut().find(|tensor| tensor.dims.len() == 4).unwrap();
            weight.dims.clone_from(&dims);
        });
        assert!(matches!(error, ModelError::Stored { .. }), "{dims:?}: {error}");
    }
    let error = refused(|model| {
        let pads = node(model, "Conv").attribute.iter_mut().find(|attribute| attribute.name == "pads").unwrap();
        pads.ints = vec![1 << 30; 4];
    });
    assert!(matches!(error, ModelError::Attribute { attribute, .. } if attribute == "pads"));
}

/// Without its pools, and with four up-samplings by four each, the picture would grow by 2^16.
#[test]
fn values_out_of_proportion_to_the_picture_are_refused() {
    let error = refused(|model| {
        let graph = model.graph.as_mut().unwrap();
        let scales = graph.initializer.iter_mut().find(|tensor| tensor.dims == [4]).unwrap();
        scales.raw_data = [1.0f32, 1.0, 4.0, 4.0].iter().flat_map(|scale| scale.to_le_bytes()).collect();
        // Only the reconstruction is kept: with the skips the sizes would not even fit each other.
        let keep = graph.node.iter().position(|node| node.name == "recon.decoder.fin_out.0").unwrap();
        graph.node.truncate(keep + 1);
        graph.output[0].name = "recon.decoder.fin_out.0".to_owned();
        for pool in graph.node.iter_mut().filter(|node| node.op_type == "MaxPool") {
            pool.attribute.iter_mut().for_each(|attribute| attribute.ints = vec![1, 1]);
        }
    });
    assert!(matches!(error, ModelError::Size { .. }), "{error}");
}

/// Each fits by itself; all of them kept at once would not.
#[test]
fn many_large_values_together_are_refused() {
    let error = refused(|model| {
        let graph = model.graph.as_mut().unwrap();
        let weights = TensorProto {
            name: "many".into(),
            dims: vec![250, 3, 3, 3],
            data_type: DataType::Float as i32,
            raw_data: vec![0; 250 * 27 * 4],
            ..TensorProto::default()
        };
        let attribute = node_of(graph, "Conv").attribute.clone();
        graph.initializer.push(weights);
        for number in 0..80 {
            graph.node.push(NodeProto {
                name: format!("conv {number}"),
                op_type: "Conv".into(),
                input: vec![graph.input[0].name.clone(), "many".into()],
                output: vec![format!("value {number}")],
                attribute: attribute.clone(),
                ..NodeProto::default()
            });
        }
    });
    assert!(matches!(error, ModelError::Size { .. }), "{error}");
}

fn node_of<'a>(graph: &'a GraphProto, operator: &str) -> &'a NodeProto {
    graph.node.iter().find(|node| node.op_type == operator).unwrap()
}

fn set_head_bias(model: &mut ModelProto, value: f32) {
    let graph = model.graph.as_mut().unwrap();
    let head = "seg.decoder_segment.fin_out.0.bias.scale";
    let bias = graph.initializer.iter_mut().find(|tensor| tensor.name == head).unwrap();
    bias.raw_data = value.to_le_bytes().to_vec();
}

/// The runtime's sigmoid and ReLU turn NaN into 0, which would read as "surely good".
#[test]
fn stored_values_that_are_not_finite_are_refused() {
    for value in [f32::NAN, f32::INFINITY, f32::MAX] {
        let error = refused(|model| set_head_bias(model, value));
        assert!(matches!(error, ModelError::NotFinite { index: 0, .. }), "{value}: {error}");
    }
}

#[test]
fn a_network_that_overflows_gives_an_error_and_no_heatmap() {
    // Wide enough that the last layer is not dead.
    let mut changed = ModelProto::decode(&*model(Networks::original(4, 3), SIDE, SIDE, Precision::Int8)).unwrap();
    let graph = changed.graph.as_mut().unwrap();
    for name in ["db4.3", "fin_out.0"] {
        let name = format!("seg.decoder_segment.{name}.weight.scale");
        let scale = graph.initializer.iter_mut().find(|tensor| tensor.name == name).unwrap();
        scale.raw_data = (f32::MAX / 512.0).to_le_bytes().repeat(scale.raw_data.len() / 4);
    }
    let got = answer(&changed.encode_to_vec());
    assert!(matches!(got, Err(EngineError::NotProbability { value, .. }) if !value.is_finite()), "{got:?}");
}
