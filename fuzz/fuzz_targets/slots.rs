//! Bytes that claim to be the state of bundle slots, as they come and with a true hash line.
//!
//! What is read is written again and read as the same, and every decision that follows from it ends.

#![no_main]

use edge_runtime::bundle::slots::text::{decode, encode, sealed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    drop(decode(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(state) = decode(sealed(text).as_bytes()) else { return };
    let written = encode(&state).expect("a state that was read can be written");
    assert_eq!(decode(written.as_bytes()).as_ref(), Ok(&state));
    let mut next = Some(state);
    for _ in 0..8 {
        let Some(state) = next else { return };
        let start = state.at_start();
        drop(state.rolled_back());
        next = start.next;
    }
});
