//! The network in torch against the one that is exported, and what fine-tuning makes of it.

use std::sync::atomic::AtomicBool;

use tch::Device;

use super::fit::finetune;
use super::rounded::Network;
use crate::architecture::Networks;
use crate::data::{Mask, Picture};
use crate::device::DeviceChoice;
use crate::export::fold_bn::FoldedNet;
use crate::export::{Form, Reloaded, fold, onnx, untrained};
use crate::net::draem::pictures_to_tensor;
use crate::net::weights::values;
use crate::quantise::calibrate::scales;
use crate::quantise::observe::observe;
use crate::quantise::{RangeRule, Scales};
use crate::simulate::Sample;

const SIZE: (usize, usize) = (64, 32);

fn picture(number: usize) -> Picture {
    let byte = |at: usize| ((at * 37 + at / 97 * number * 11 + number * 5) % 251) as u8;
    Picture { width: SIZE.0, height: SIZE.1, rgb: (0..SIZE.0 * SIZE.1 * 3).map(byte).collect() }
}

/// A network with the scales that suit it.
fn network(networks: Networks) -> (FoldedNet, Scales) {
    let net = fold(&untrained(networks, 4)).unwrap();
    let float = onnx::write(&net, SIZE.0, SIZE.1, Form::Float).unwrap();
    let seen: Vec<Picture> = (0..4).map(picture).collect();
    let scales = scales(&net.layers(), &observe(&float, &net.layers(), SIZE, &seen).unwrap(), RangeRule::Largest);
    (net, scales)
}

fn in_torch(net: &FoldedNet, scales: Option<&Scales>, picture: &Picture) -> Vec<f32> {
    let input = pictures_to_tensor(&picture.rgb, 1, SIZE.1, SIZE.0, Device::Cpu).unwrap();
    let network = Network::load(net, Device::Cpu).unwrap();
    values(&network.logits(&input, scales).unwrap().sigmoid()).unwrap()
}

fn exported(net: &FoldedNet, form: Form<'_>, picture: &Picture) -> Vec<f32> {
    let model = onnx::write(net, SIZE.0, SIZE.1, form).unwrap();
    Reloaded::load(&model, SIZE.0, SIZE.1).unwrap().heatmap(picture).unwrap()
}

/// Root of the mean square difference.
fn apart(a: &[f32], b: &[f32]) -> f64 {
    let square: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (square / a.len() as f64).sqrt()
}

#[test]
fn it_computes_what_is_exported_in_floats_and_in_bytes() {
    for networks in [Networks::original(3, 2), Networks::bridged(3, 2)] {
        let (net, scales) = network(networks);
        let float = exported(&net, Form::Float, &picture(9));
        let bytes = exported(&net, Form::Int8(&scales), &picture(9));
        let rounding = apart(&float, &bytes);
        assert!(apart(&in_torch(&net, None, &picture(9)), &float) < 1e-6);
        let left = apart(&in_torch(&net, Some(&scales), &picture(9)), &bytes);
        assert!(rounding > 1e-3 && left < 0.1 * rounding, "{networks}: {left} apart, rounding does {rounding}");
    }
}

#[test]
fn fine_tuning_brings_integers_nearer_to_floats() {
    let (net, scales) = network(Networks::original(3, 2));
    let sample = |index: u64, _| {
        let picture = picture(20 + (index % 50) as usize);
        Sample { clean: picture.clone(), augmented: picture, mask: Mask::empty(SIZE.0, SIZE.1) }
    };
    let tuned = finetune(&net, &scales, &sample, SIZE, DeviceChoice::Cpu, 120, &AtomicBool::new(false)).unwrap();
    let error = |weights: &FoldedNet| {
        let form = Form::Int8(&scales);
        let one = |at| apart(&exported(weights, form, &picture(at)), &exported(&net, Form::Float, &picture(at)));
        (10..16).map(one).sum::<f64>() / 6.0
    };
    let (before, after) = (error(&net), error(&tuned));
    assert!(after < 0.7 * before, "{before} before, {after} after");
    let stopped = finetune(&net, &scales, &sample, SIZE, DeviceChoice::Cpu, 120, &AtomicBool::new(true)).unwrap();
    assert_eq!(stopped, net);
}
