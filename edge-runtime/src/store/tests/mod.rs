//! The store as a whole: what is written comes back, what cannot be written is told, what is too much goes.

mod clearing;
mod fixture;
mod writing;
