//! One body of plain Rust, compiled once for each width of vectors.
//!
//! The compiler turns simple loops over bytes and floats into vector instructions by itself, but only into those that it may use:
//! those of every processor of the architecture, unless told otherwise. Floats are never contracted or reordered, so that all
//! versions give the same bits.

/// Defines `$name(isa, arguments)`, which runs `$body` in the version for `isa`. `isa` must be available. `$name` may have one parameter
/// that is a type.
macro_rules! versions {
    ($(#[$meta:meta])* $vis:vis fn $name:ident$(<$of:ident: $bound:path>)?($($argument:ident: $kind:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "one more than the body has")]
        $vis fn $name$(<$of: $bound>)?(isa: crate::isa::Isa, $($argument: $kind),*) {
            #[inline(always)]
            fn body$(<$of: $bound>)?($($argument: $kind),*) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            fn avx512$(<$of: $bound>)?($($argument: $kind),*) {
                body($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2$(<$of: $bound>)?($($argument: $kind),*) {
                body($($argument),*)
            }

            match isa {
                #[cfg(target_arch = "x86_64")]
                crate::isa::Isa::Avx512Vnni => {
                    assert!(isa.available(), "{isa} on a processor without it");
                    // SAFETY: the processor has the instructions.
                    unsafe { avx512($($argument),*) }
                }
                #[cfg(target_arch = "x86_64")]
                crate::isa::Isa::AvxVnni | crate::isa::Isa::Avx2 => {
                    assert!(isa.available(), "{isa} on a processor without it");
                    // SAFETY: the processor has the instructions.
                    unsafe { avx2($($argument),*) }
                }
                _ => body($($argument),*),
            }
        }
    };
}

pub(crate) use versions;
