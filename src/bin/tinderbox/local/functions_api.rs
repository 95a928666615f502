//! Functions.

pub mod zip;
