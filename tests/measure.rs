//! `tinderbox measure` and `tinderbox report`: bootstraps and logs of which everything is known
//! beforehand, and the figures that must come out.
//!
//! Counts and bytes are exact. A time is compared only with what cannot be undercut, a sleep: this
//! machine may be as slow as it likes.

mod support;

#[path = "measure/failures.rs"]
mod failures;
#[path = "measure/figures.rs"]
mod figures;
#[path = "measure/known.rs"]
mod known;
#[path = "measure/lambda.rs"]
mod lambda;
#[path = "measure/options.rs"]
mod options;
#[path = "measure/report.rs"]
mod report;
#[allow(dead_code)] // its servers are for others
#[path = "tool/tool.rs"]
mod tool;

use support::skip;
