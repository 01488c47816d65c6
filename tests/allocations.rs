//! From picture to picture the station's network allocates nothing, on one thread or several.

use std::alloc::System;

use edge_kernels::Isa;
use edge_runtime::engine::Engine as _;
use edge_runtime::engine::fused::{self, Loaded};
use host_trainer::architecture::Networks;
use line_tests::small_bundle::{model, picture};
use shared::manifest::Precision;
use stats_alloc::{Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: StatsAlloc<System> = StatsAlloc::system();

/// The only test of its program, so that nobody else allocates meanwhile.
#[test]
fn nothing_is_allocated_after_the_first_pictures() {
    let (width, height) = (64, 96);
    let inputs = [1, 2, 3].map(|number| picture(width, height, number));
    let mut heatmap = vec![0.0; width * height];
    let models = [Networks::original(4, 3), Networks::bridged(4, 3)]
        .map(|networks| model(networks, width, height, Precision::Int8));
    for (model, threads) in models.iter().flat_map(|model| [1, 2, 3].map(|threads| (model, threads))) {
        let Ok(Loaded::Whole(mut engine)) = fused::load(model, (width, height), Isa::best(), threads) else {
            panic!("the model is not fused as a whole");
        };
        for input in &inputs {
            engine.infer(input, &mut heatmap).unwrap();
        }
        let region = Region::new(&ALLOCATOR);
        for input in &inputs {
            engine.infer(input, &mut heatmap).unwrap();
        }
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{threads} threads: {change:?}");
    }
    let region = Region::new(&ALLOCATOR);
    drop(std::hint::black_box(vec![0u8; 100]));
    assert_eq!(region.change().allocations, 1, "the allocator does not count");
}
