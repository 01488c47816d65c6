//! Pictures from V4L2 cameras.
