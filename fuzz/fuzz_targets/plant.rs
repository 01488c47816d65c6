//! Bytes that claim to be what station and plant say to each other: as they come, behind a true preface, and as one message of their
//! length; in pieces of a size that the first byte chooses.
//!
//! What is understood is written again and read as the same.

#![no_main]

use edge_plant::wire::{Decoder, PREFACE, ToPlant, ToStation, encode};
use libfuzzer_sys::fuzz_target;

/// Hears everything that bytes say, in one direction.
macro_rules! hear {
    ($word:ty, $bytes:expr, $piece:expr) => {
        let mut decoder = Decoder::default();
        'stream: for piece in $bytes.chunks($piece) {
            decoder.push(piece);
            loop {
                match decoder.message::<$word>() {
                    Ok(Some(word)) => {
                        let mut out = PREFACE.to_vec();
                        encode(&word, &mut out).expect("what was read is no longer than it came");
                        let mut again = Decoder::default();
                        again.push(&out);
                        assert_eq!(again.message::<$word>(), Ok(Some(word)));
                    }
                    Ok(None) => break,
                    Err(_) => break 'stream,
                }
            }
        }
    };
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    let piece = usize::from(piece).max(1);
    let ours = [&PREFACE[..], bytes].concat();
    let one = [&PREFACE[..], &(bytes.len() as u32).to_le_bytes(), bytes].concat();
    for bytes in [bytes, &ours, &one] {
        hear!(ToPlant, bytes, piece);
        hear!(ToStation, bytes, piece);
    }
});
