//! The measurements of one candidate, and the values that follow from them.

use std::time::Duration;

use super::footprint::Footprint;
use super::process::ProcessError;
use crate::statistics::{Ratio, Sample};

/// The measurements of one candidate. A failed round is `None`, so that rounds stay pairs.
#[derive(Default)]
pub struct Measurements {
    pub starts: Vec<Option<Start>>,
    pub start_footprints: Vec<Footprint>,
    /// The number of connections that one start opened.
    pub connections_per_start: u64,
    pub blocks: Vec<Option<Block>>,
    pub latencies_us: Vec<f64>,
    pub warm: Option<Warm>,
    pub system_calls: Option<Result<SystemCalls, String>>,
    /// Right and wrong answers, of starts and of warm invocations.
    pub right: u64,
    pub wrong: u64,
    pub first_fault: Option<String>,
    /// Why processes failed.
    pub failures: Vec<String>,
}

/// One cold start, in us from just before the process is created.
#[derive(Clone, Copy)]
pub struct Start {
    /// To a complete `GET` of the next event.
    pub next_us: f64,
    /// To a complete response to the first event.
    pub response_us: f64,
}

/// Consecutive warm invocations of one candidate.
#[derive(Clone, Copy)]
pub struct Block {
    pub median_us: f64,
    pub mean_us: f64,
}

/// All warm invocations.
pub struct Warm {
    pub invocations: u64,
    pub elapsed: Duration,
    pub cpu: Option<Duration>,
    pub footprint: Option<Footprint>,
}

/// System calls of all processes of the function.
pub struct SystemCalls {
    /// Up to and including the call that sends `GET`.
    pub before_next: f64,
    /// From one answer to the next; `None` with fewer than two answers.
    pub per_invocation: Option<f64>,
}

/// What a ratio compares.
#[derive(Clone, Copy)]
pub enum Metric {
    StartToNext,
    StartToResponse,
    WarmLatency,
    WarmInvocation,
}

impl Metric {
    /// All metrics in the order of the reports, with their keys in the JSON report.
    pub const ALL: [(Metric, &str); 4] = [
        (Metric::StartToNext, "start_to_next"),
        (Metric::StartToResponse, "start_to_response"),
        (Metric::WarmLatency, "warm_latency"),
        (Metric::WarmInvocation, "warm_invocation"),
    ];
}

impl Metric {
    /// The name in sentences.
    pub fn words(self) -> &'static str {
        match self {
            Metric::StartToNext => "start to GET",
            Metric::StartToResponse => "start to answer",
            Metric::WarmLatency => "warm latency",
            Metric::WarmInvocation => "warm invocation",
        }
    }
}

impl Measurements {
    /// A time of the successful starts.
    pub fn start_sample(&self, time: impl Fn(&Start) -> f64) -> Sample {
        Sample::new(self.starts.iter().flatten().map(time).collect())
    }

    /// The latencies of the warm invocations.
    pub fn latency_sample(&self) -> Sample {
        Sample::new(self.latencies_us.clone())
    }

    /// The median of a value of the footprints at the first answer.
    pub fn footprint(&self, value: impl Fn(&Footprint) -> u64) -> Option<f64> {
        let footprints = self.start_footprints.iter();
        let values = footprints.map(|footprint| value(footprint) as f64);
        Sample::new(values.collect()).median()
    }

    /// Counts an answer; a wrong one has a fault.
    pub fn count_answer(&mut self, fault: Option<String>) {
        match fault {
            None => self.right += 1,
            Some(fault) => {
                self.wrong += 1;
                self.first_fault.get_or_insert(fault);
            }
        }
    }

    /// Counts a failed process.
    pub fn count_failure(&mut self, error: ProcessError) {
        let (ProcessError::CannotStart(text) | ProcessError::Failed(text)) = error;
        self.failures.push(text);
    }

    /// Wrong answers and failed processes, one message each.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(first) = &self.first_fault {
            let (wrong, all) = (self.wrong, self.wrong + self.right);
            faults.push(format!(
                "answered {wrong} of {all} events wrongly; the first time it {first}"
            ));
        }
        if let Some(first) = self.failures.first() {
            let more = match self.failures.len() - 1 {
                0 => String::new(),
                more => format!(" ({more} more processes failed)"),
            };
            faults.push(format!("{first}{more}"));
        }
        faults
    }

    /// Warm invocations per second, one after another.
    pub fn per_second(&self) -> Option<f64> {
        let warm = self.warm.as_ref()?;
        Some(warm.invocations as f64 / warm.elapsed.as_secs_f64())
    }

    /// CPU time of a warm invocation, us.
    pub fn cpu_us(&self) -> Option<f64> {
        let warm = self.warm.as_ref()?;
        Some(warm.cpu?.as_secs_f64() * 1e6 / warm.invocations as f64)
    }

    /// The value of a metric in one round.
    fn value(&self, metric: Metric, round: usize) -> Option<f64> {
        let start = || self.starts.get(round).copied().flatten();
        let block = || self.blocks.get(round).copied().flatten();
        match metric {
            Metric::StartToNext => Some(start()?.next_us),
            Metric::StartToResponse => Some(start()?.response_us),
            Metric::WarmLatency => Some(block()?.median_us),
            Metric::WarmInvocation => Some(block()?.mean_us),
        }
    }

    fn rounds(&self, metric: Metric) -> usize {
        match metric {
            Metric::StartToNext | Metric::StartToResponse => self.starts.len(),
            Metric::WarmLatency | Metric::WarmInvocation => self.blocks.len(),
        }
    }

    /// The ratio to another candidate, round by round.
    pub fn ratio(&self, other: &Measurements, metric: Metric) -> Option<Ratio> {
        let rounds = 0..self.rounds(metric);
        Ratio::of(
            rounds.filter_map(|round| {
                Some((self.value(metric, round)?, other.value(metric, round)?))
            }),
        )
    }

    /// The ratio of each round to the next one: that of two equal candidates on this machine, now.
    /// In one round a candidate follows itself, in the next one another, which may matter; as with
    /// two candidates, the dividend alternates.
    pub fn noise(&self, metric: Metric) -> Option<Ratio> {
        let rounds = (0..self.rounds(metric)).step_by(2);
        Ratio::of(rounds.filter_map(|round| {
            let (one, other) = (self.value(metric, round)?, self.value(metric, round + 1)?);
            Some(match round % 4 {
                0 => (one, other),
                _ => (other, one),
            })
        }))
    }
}
