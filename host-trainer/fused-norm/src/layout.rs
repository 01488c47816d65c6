//! What C++ hands over: pointers and sizes, and how they become slices. Field by field as in operation.cpp.

use std::slice::{from_raw_parts, from_raw_parts_mut};

use edge_kernels::norm::{Bf16, Value};

use crate::pass::{Given, Norm, Slopes, backward, forward};

/// Of a batch.
#[repr(C)]
#[derive(Clone, Copy)]
struct Layout {
    pixels: i64,
    channels: i64,
    /// Whether values are bfloat16 rather than 32-bit floats.
    halves: bool,
}

/// `[pixels][channels]` are input and output, `[channels]` everything else.
#[repr(C)]
struct Forward {
    input: *const u8,
    output: *mut u8,
    gamma: *const f32,
    beta: *const f32,
    running_mean: *mut f32,
    running_variance: *mut f32,
    mean: *mut f32,
    inverse: *mut f32,
    epsilon: f64,
    momentum: f64,
}

/// `[pixels][channels]` are input, slopes and `into`, `[channels]` everything else.
#[repr(C)]
struct Backward {
    input: *const u8,
    slopes: *const u8,
    into: *mut u8,
    gamma: *const f32,
    beta: *const f32,
    mean: *const f32,
    inverse: *const f32,
    gamma_slopes: *mut f32,
    beta_slopes: *mut f32,
}

impl Layout {
    fn values(self) -> usize {
        (self.pixels * self.channels) as usize
    }

    /// # Safety
    /// As [`from_raw_parts`] of the channels.
    unsafe fn of_channels<'a>(self, from: *const f32) -> &'a [f32] {
        // SAFETY: promised by the caller.
        unsafe { from_raw_parts(from, self.channels as usize) }
    }

    /// # Safety
    /// As [`from_raw_parts_mut`] of the channels.
    unsafe fn of_channels_mut<'a>(self, from: *mut f32) -> &'a mut [f32] {
        // SAFETY: promised by the caller.
        unsafe { from_raw_parts_mut(from, self.channels as usize) }
    }
}

/// # Safety
/// The pointers are those of tensors of the layout's sizes that nobody else reads or writes meanwhile; one layer's running statistics and
/// moments are apart from each other and from the rest.
#[unsafe(no_mangle)]
unsafe extern "C" fn fused_norm_run_forward(layout: *const Layout, pass: *const Forward) {
    // SAFETY: C++ hands over its own two.
    let (layout, pass) = unsafe { (*layout, &*pass) };
    // SAFETY: promised by the caller.
    unsafe { if layout.halves { forward_of::<Bf16>(layout, pass) } else { forward_of::<f32>(layout, pass) } }
}

/// # Safety
/// As [`fused_norm_run_forward`], of values of this kind.
unsafe fn forward_of<T: Value>(layout: Layout, pass: &Forward) {
    // SAFETY: promised by the caller.
    unsafe {
        forward(
            from_raw_parts(pass.input.cast::<T>(), layout.values()),
            from_raw_parts_mut(pass.output.cast::<T>(), layout.values()),
            Given { gamma: layout.of_channels(pass.gamma), beta: layout.of_channels(pass.beta) },
            Norm {
                running_mean: layout.of_channels_mut(pass.running_mean),
                running_variance: layout.of_channels_mut(pass.running_variance),
                mean: layout.of_channels_mut(pass.mean),
                inverse: layout.of_channels_mut(pass.inverse),
                epsilon: pass.epsilon,
                momentum: pass.momentum,
            },
        );
    }
}

/// # Safety
/// As [`fused_norm_run_forward`].
#[unsafe(no_mangle)]
unsafe extern "C" fn fused_norm_run_backward(layout: *const Layout, pass: *const Backward) {
    // SAFETY: C++ hands over its own two.
    let (layout, pass) = unsafe { (*layout, &*pass) };
    // SAFETY: promised by the caller.
    unsafe { if layout.halves { backward_of::<Bf16>(layout, pass) } else { backward_of::<f32>(layout, pass) } }
}

/// # Safety
/// As [`fused_norm_run_forward`], of values of this kind.
unsafe fn backward_of<T: Value>(layout: Layout, pass: &Backward) {
    // SAFETY: promised by the caller.
    unsafe {
        backward(
            from_raw_parts(pass.input.cast::<T>(), layout.values()),
            Slopes {
                behind: from_raw_parts(pass.slopes.cast::<T>(), layout.values()),
                before: from_raw_parts_mut(pass.into.cast::<T>(), layout.values()),
                gamma: layout.of_channels_mut(pass.gamma_slopes),
                beta: layout.of_channels_mut(pass.beta_slopes),
            },
            Given { gamma: layout.of_channels(pass.gamma), beta: layout.of_channels(pass.beta) },
            layout.of_channels(pass.mean),
            layout.of_channels(pass.inverse),
        );
    }
}
