//! Warm invocations with events of several sizes, `--sizes`. For each size the bootstraps take
//! turns, as they do for one event.

use std::time::Duration;

use super::candidate::Candidate;
use super::results::Measurements;
use super::rounds::{self, RunLength};
use super::{MeasureOptions, events};
use crate::output::Failure;

/// For each size: this number of invocations, or as many as fit into this time for each candidate.
const INVOCATIONS: u64 = 2000;
const TIME_MAX: Duration = Duration::from_secs(2);

/// What was measured with one size.
pub struct Size {
    pub event_bytes: usize,
    /// Of each candidate.
    pub measurements: Vec<Measurements>,
}

/// Measures each size in turn.
pub fn measure(candidates: &[Candidate], options: &MeasureOptions) -> Result<Vec<Size>, Failure> {
    let length = RunLength {
        count: options.invocations.unwrap_or(INVOCATIONS),
        time_max: options.invocations.is_none().then_some(TIME_MAX),
    };
    let sizes = options.sizes.iter().map(|&bytes| {
        let config = events::config_of_size(options, bytes)?;
        let mut measurements = Vec::new();
        measurements.resize_with(candidates.len(), Measurements::default);
        rounds::warm(candidates, &mut measurements, &config, &length);
        Ok(Size {
            event_bytes: config.event.len(),
            measurements,
        })
    });
    sizes.collect()
}
