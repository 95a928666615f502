//! Functions.

mod zip;
