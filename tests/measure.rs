//! `tinderbox measure` and `tinderbox report`: bootstraps and logs with known values, and the
//! results that must follow.
//!
//! Counts and bytes are exact. A time is compared only with a lower bound, a sleep, or within one
//! run: the machine may be as slow as it likes.

mod support;

#[path = "measure/failures.rs"]
mod failures;
#[path = "measure/figures.rs"]
mod figures;
#[path = "measure/gates.rs"]
mod gates;
#[allow(dead_code)] // its servers are for the other tests
#[path = "tool/harness.rs"]
mod harness;
#[path = "measure/known.rs"]
mod known;
#[path = "measure/lambda.rs"]
mod lambda;
#[path = "measure/options.rs"]
mod options;
#[path = "measure/report.rs"]
mod report;

use support::skip;
