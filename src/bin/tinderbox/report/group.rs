//! The records of one version of a function, and what follows from them.

use std::collections::BTreeMap;

use super::lines::{Init, Invocation, Outcome};
use crate::statistics::Sample;

/// The quantiles of the report, with their names.
pub const QUANTILES: [(&str, f64); 6] = [
    ("min", 0.0),
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("max", 1.0),
];

/// The reported values: title, key and value.
pub const METRICS: [(&str, &str, Metric); 7] = [
    ("Init Duration, ms", "init_duration_ms", |invocation| {
        invocation.init_ms
    }),
    (
        "Restore Duration, ms",
        "restore_duration_ms",
        |invocation| invocation.restore_ms,
    ),
    ("Duration when cold, ms", "cold_duration_ms", |invocation| {
        invocation.is_cold().then_some(invocation.duration_ms)
    }),
    ("Duration when warm, ms", "warm_duration_ms", |invocation| {
        (!invocation.is_cold()).then_some(invocation.duration_ms)
    }),
    ("Duration, ms", "duration_ms", |invocation| {
        Some(invocation.duration_ms)
    }),
    ("Billed Duration, ms", "billed_duration_ms", |invocation| {
        invocation.billed_ms
    }),
    ("Max Memory Used, MB", "max_memory_used_mb", |invocation| {
        invocation.max_memory_mb
    }),
];

type Metric = fn(&Invocation) -> Option<f64>;

/// The records of one version in one log.
#[derive(Default)]
pub struct Group {
    pub invocations: Vec<Invocation>,
    pub inits: Vec<Init>,
}

/// What was billed, in ms.
#[derive(Default)]
pub struct Billed {
    pub total_ms: f64,
    /// The part of it that was init.
    pub init_ms: f64,
    /// Init that was not billed: Lambda bills that of every function only since August 2025.
    pub free_init_ms: f64,
    /// Billed seconds times GiB of memory, which the price is of.
    pub gb_s: f64,
}

/// The invocation that came closest to its memory size.
pub struct Memory {
    pub used_mb: f64,
    pub size_mb: f64,
}

impl Invocation {
    /// Whether an environment was started or restored for it.
    pub fn is_cold(&self) -> bool {
        self.init_ms.is_some() || self.restore_ms.is_some()
    }
}

impl Group {
    /// The number of records.
    pub fn size(&self) -> usize {
        self.invocations.len() + self.inits.len()
    }

    pub fn count(&self, is_counted: impl Fn(&Invocation) -> bool) -> usize {
        let counted = self.invocations.iter().filter(|one| is_counted(one));
        counted.count()
    }

    /// Cold starts as a share of all invocations; `None` without any.
    pub fn cold_share(&self) -> Option<f64> {
        let count = self.invocations.len();
        (count > 0).then(|| self.count(Invocation::is_cold) as f64 / count as f64)
    }

    /// How often each error type occurs.
    pub fn errors(&self) -> BTreeMap<&str, usize> {
        let mut errors = BTreeMap::new();
        for invocation in &self.invocations {
            if let Outcome::Error(error_type) = &invocation.outcome {
                *errors.entry(error_type.as_str()).or_default() += 1;
            }
        }
        errors
    }

    pub fn sample(&self, value: Metric) -> Sample {
        Sample::new(self.invocations.iter().filter_map(value).collect())
    }

    /// The durations of the inits with this status.
    pub fn init_sample(&self, status: &str) -> Sample {
        let inits = self.inits.iter().filter(|init| init.status == status);
        Sample::new(inits.map(|init| init.duration_ms).collect())
    }

    pub fn init_statuses(&self) -> Vec<&str> {
        let mut statuses: Vec<&str> = self.inits.iter().map(|init| init.status.as_str()).collect();
        statuses.sort_unstable();
        statuses.dedup();
        statuses
    }

    pub fn billed(&self) -> Billed {
        let mut sum = Billed::default();
        for invocation in &self.invocations {
            let Some(billed) = invocation.billed_ms else {
                continue;
            };
            sum.total_ms += billed;
            if let Some(mb) = invocation.memory_size_mb {
                sum.gb_s += billed / 1000.0 * mb / 1024.0;
            }
            let init = invocation.init_ms.unwrap_or(0.0);
            // A log has the durations with two or three decimals.
            match billed + 0.02 >= invocation.duration_ms + init {
                true => sum.init_ms += init,
                false => sum.free_init_ms += init,
            }
        }
        sum
    }

    pub fn memory(&self) -> Option<Memory> {
        let known = self.invocations.iter().filter_map(|invocation| {
            let (used_mb, size_mb) = (invocation.max_memory_mb?, invocation.memory_size_mb?);
            (size_mb > 0.0).then_some(Memory { used_mb, size_mb })
        });
        known.max_by(|one, other| one.share().total_cmp(&other.share()))
    }
}

impl Memory {
    pub fn share(&self) -> f64 {
        self.used_mb / self.size_mb
    }

    pub fn free_mb(&self) -> f64 {
        self.size_mb - self.used_mb
    }
}
