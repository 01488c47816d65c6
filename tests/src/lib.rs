//! The rig that the tests of this package share.

pub mod small_bundle;
