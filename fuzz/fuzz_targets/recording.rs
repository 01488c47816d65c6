//! Bytes that claim to be a recording of a black box, and inputs of the gate's machine that claim to have come from one.
//!
//! A recording is tried as it comes, and one that was written is tried with some of its bytes turned and a true checksum. Whatever is
//! read can be run: the machine takes in what no sensor can have said, from a state in which no line can have been.

#![no_main]

use std::collections::BTreeMap;
use std::path::Path;

use arbitrary::{Arbitrary as _, Unstructured};
use edge_runtime::blackbox::file::{self, Header};
use edge_runtime::blackbox::rerun::{Outputs, rerun};
use edge_runtime::blackbox::ring::{Limits, Ring};
use edge_runtime::blackbox::{Entry, Judge};
use edge_runtime::hw::roles::{Sensor, Signal, SignalKind};
use edge_runtime::stage::conductor::{Conductor, Order};
use edge_runtime::stage::odometer::Odometer;
use edge_runtime::stage::stall::Stall;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest as _, Sha256};
use shared::line::{Layout, RawLayout};
use shared::units::{Micros, PartId, Score, Travel};
use shared::verdict::{Reason, Verdict};

fuzz_target!(|bytes: &[u8]| {
    run(bytes);
    let mut chance = Unstructured::new(bytes);
    // A choice ends early when the bytes do.
    let entries = entries(&mut chance).unwrap_or_default();
    let mut ring = Ring::new(Limits { longest: Micros(u64::MAX), most_bytes: 1 << 20 });
    entries.into_iter().for_each(|entry| ring.push(entry));
    let mut whole = Vec::new();
    file::write(&mut whole, &header(), &ring.cut()).expect("memory takes it");
    let body = whole.len() - HASH;
    run(&whole);
    for _ in 0..8 {
        let (Ok(at), Ok(turned)) = (chance.int_in_range(0..=body - 1), u8::arbitrary(&mut chance)) else { break };
        whole[at] ^= turned;
    }
    let hash = Sha256::digest(&whole[..body]);
    whole[body..].copy_from_slice(&hash);
    run(&whole);
});

const HASH: usize = 32;

fn run(bytes: &[u8]) {
    if let Ok(recording) = file::parse(bytes, Path::new("a.box")) {
        // A machine that is used against its contract says so.
        drop(rerun(&recording.entries, &BTreeMap::new()));
    }
}

fn header() -> Header {
    Header {
        software: "0".to_owned(),
        why: "ASKED".to_owned(),
        kept_at_us: 0,
        config: String::new(),
        judges: vec![Judge {
            number: 0,
            product: "cap".to_owned(),
            sha256: [0; 32],
            threshold: Score::default(),
            quality: None,
        }],
        float32: false,
        simulation: true,
    }
}

fn entries(chance: &mut Unstructured<'_>) -> arbitrary::Result<Vec<Entry>> {
    let mut at = Micros(0);
    let mut entries = vec![standing(chance)?];
    for _ in 0..chance.int_in_range(0..=400)? {
        at = at.saturating_add(Micros(u64::from(chance.arbitrary::<u16>()?) << chance.int_in_range(0..=8)?));
        entries.push(match chance.int_in_range(0..=9)? {
            0 => standing(chance)?,
            1 => Entry::Gap,
            2 => Entry::Due,
            3 | 4 => Entry::Read(at),
            5 => Entry::Order(order(chance)?),
            _ => Entry::Signal(Signal { at, kind: kind(chance)? }),
        });
    }
    Ok(entries)
}

fn layout(chance: &mut Unstructured<'_>) -> arbitrary::Result<Layout> {
    let layout = Layout::check(&RawLayout {
        gate_distance: Travel(chance.int_in_range(200_000..=2_000_000)?),
        window_before: Travel(12_000),
        window_after: Travel(44_000),
        lockout: Travel(15_000),
        max_length: chance.arbitrary::<bool>()?.then_some(Travel(34_000)),
    });
    Ok(layout.expect("it fits"))
}

fn standing(chance: &mut Unstructured<'_>) -> arbitrary::Result<Entry> {
    let layout = layout(chance)?;
    let odometer =
        if chance.arbitrary()? { Odometer::encoder(Travel(1_000)) } else { Odometer::steady(300_000, Micros(0)) };
    let (gate, signals) = (Box::new(Outputs::default()), Box::new(Outputs::default()));
    let stall = Some(Stall::new(Micros::from_millis(1_000)));
    let conductor = Conductor::new(layout, gate, signals, odometer, stall, Micros(0));
    Ok(Entry::Standing(Micros(0), Box::new(conductor.standing())))
}

fn kind(chance: &mut Unstructured<'_>) -> arbitrary::Result<SignalKind> {
    Ok(match chance.int_in_range(0..=9)? {
        0 => SignalKind::Edge(Sensor::Photogate),
        1 | 2 => SignalKind::Edge(Sensor::Trigger),
        3 => SignalKind::Step { forwards: false },
        4 => SignalKind::Lost,
        5 => SignalKind::Reset,
        _ => SignalKind::Step { forwards: true },
    })
}

fn order(chance: &mut Unstructured<'_>) -> arbitrary::Result<Order> {
    let part = PartId(chance.int_in_range(0..=40)?);
    let verdict = match chance.int_in_range(0..=2)? {
        0 => Verdict::Good(Score::default()),
        1 => Verdict::Bad(Score::default()),
        _ => Verdict::Uninspected(Reason::NoFrame),
    };
    Ok(match chance.int_in_range(0..=7)? {
        0 => Order::Reset,
        1 => Order::Finish,
        6 => Order::Changeover,
        7 => Order::Changed { layout: layout(chance)? },
        2 => Order::State { permit: chance.arbitrary()?, alarm: chance.arbitrary()? },
        _ => Order::Judged { part, verdict },
    })
}
