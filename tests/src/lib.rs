//! The rig that the tests of this package share.
