//! The measurement: cold starts, then warm invocations, alternating between the candidates.
//!
//! Every other round is in reverse order: A B, B A, A B, ... So no candidate always follows
//! another, and a drift of the machine affects all of them equally.

use std::time::{Duration, Instant};

use super::candidate::Candidate;
use super::footprint::Footprint;
use super::process::{Config, Process, ProcessError, output_tail};
use super::progress::ProgressBar;
use super::results::{Block, Measurements, Start};
use super::warm_run::WarmRun;
use crate::process::kill_descendants;
use crate::sys::launch::Tracing;
use crate::sys::resources;

/// How many events a smoke test has.
const SMOKE_TEST_EVENTS: u32 = 3;

/// How many starts memory and page faults are measured at.
const FOOTPRINT_STARTS: u32 = 5;

/// The number of failures after which a candidate is not measured further.
const FAILURES_MAX: usize = 5;

/// The number of blocks of warm invocations.
const BLOCKS: u64 = 20;

/// How much is measured.
pub struct RunLength {
    pub count: u64,
    /// For each candidate; only if the count is a default.
    pub time_max: Option<Duration>,
}

impl RunLength {
    /// How long a block may take.
    pub fn block_time_max(&self) -> Option<Duration> {
        Some(self.time_max? / BLOCKS as u32)
    }

    fn is_over(&self, started: Instant, candidates: usize) -> bool {
        let time_max = self.time_max.map(|time| time * candidates as u32);
        time_max.is_some_and(|time| started.elapsed() > time)
    }
}

/// Starts a candidate and sends it a few events, unmeasured.
pub fn smoke_test(candidate: &Candidate, config: &Config) -> Result<(), ProcessError> {
    let output = resources::memory_file().map_err(|error| {
        ProcessError::CannotStart(format!("cannot create a memory file: {error}"))
    })?;
    let with_output = |error| match error {
        ProcessError::Failed(text) => ProcessError::Failed(text + &output_tail(&output)),
        cannot_start => cannot_start,
    };
    let mut process = Process::start(candidate, config, Some(&output), Tracing::Off)?;
    let mut fault = None;
    for _ in 0..SMOKE_TEST_EVENTS {
        fault = process.invoke().map_err(with_output)?.answer.fault;
        if fault.is_none() {
            break;
        }
    }
    process.stop();
    kill_descendants();
    match fault {
        None => Ok(()),
        Some(fault) => Err(with_output(ProcessError::Failed(format!(
            "{fault} (each of {SMOKE_TEST_EVENTS} events)"
        )))),
    }
}

/// Measures memory and page faults after the first answer of several starts. Not at the starts that
/// are timed: reading all of `/proc` displaces so much of the CPU's caches that the next start was
/// observed to take 1.4 times as long.
pub fn measure_footprint(candidate: &Candidate, config: &Config) -> Measurements {
    let mut measurements = Measurements::default();
    for _ in 0..FOOTPRINT_STARTS {
        let process = Process::start(candidate, config, None, Tracing::Off);
        let footprint = process.and_then(|mut process| {
            process.invoke()?;
            Ok(Footprint::read(process.pid))
        });
        match footprint {
            Ok(footprint) => measurements.start_footprints.extend(footprint),
            Err(error) => measurements.count_failure(error),
        }
        kill_descendants();
    }
    measurements
}

/// Measures cold starts.
pub fn cold(
    candidates: &[Candidate],
    measurements: &mut [Measurements],
    config: &Config,
    length: &RunLength,
) {
    let mut progress = ProgressBar::new("cold starts", length.count);
    let started = Instant::now();
    for round in 0..length.count {
        for index in order(candidates.len(), round) {
            let measured = &mut measurements[index];
            let start = match measured.failures.len() >= FAILURES_MAX {
                true => None,
                false => {
                    let start = start_once(&candidates[index], measured, config);
                    kill_descendants();
                    start.unwrap_or_else(|error| {
                        measured.count_failure(error);
                        None
                    })
                }
            };
            measured.starts.push(start);
        }
        progress.show(round + 1);
        if length.is_over(started, candidates.len()) {
            break;
        }
    }
}

/// One start with one event; `None` if the answer is wrong.
fn start_once(
    candidate: &Candidate,
    measured: &mut Measurements,
    config: &Config,
) -> Result<Option<Start>, ProcessError> {
    let mut process = Process::start(candidate, config, None, Tracing::Off)?;
    let answer = process.invoke()?.answer;
    let first_next = process.server.session.first_next;
    let since_start_us = |at: Instant| at.duration_since(process.started).as_secs_f64() * 1e6;
    let start = Start {
        next_us: since_start_us(first_next.unwrap_or(answer.at)),
        response_us: since_start_us(answer.at),
    };
    measured.connections_per_start = answer.connections;
    let is_right = answer.fault.is_none();
    measured.count_answer(answer.fault);
    process.stop();
    Ok(is_right.then_some(start))
}

/// Measures warm invocations: one process of each candidate, and blocks of invocations in turn.
pub fn warm(
    candidates: &[Candidate],
    measurements: &mut [Measurements],
    config: &Config,
    length: &RunLength,
) {
    let block_length = length.count.div_ceil(BLOCKS).max(1);
    let rounds = length.count.div_ceil(block_length);
    let warm_up = (length.count / 10).clamp(1, 500);
    let mut progress = ProgressBar::new("warm invocations", length.count);
    let mut runs: Vec<Option<WarmRun>> = Vec::new();
    for (candidate, measured) in candidates.iter().zip(measurements.iter_mut()) {
        let run = match measured.failures.len() >= FAILURES_MAX {
            true => None,
            false => match WarmRun::start(candidate, config, warm_up, length) {
                Ok(run) => Some(run),
                Err(error) => {
                    measured.count_failure(error);
                    None
                }
            },
        };
        runs.push(run);
    }
    let started = Instant::now();
    let mut done = 0;
    for round in 0..rounds {
        let count = block_length.min(length.count - done);
        for index in order(candidates.len(), round) {
            let block = run_block(&mut runs[index], count, &mut measurements[index], length);
            measurements[index].blocks.push(block);
        }
        done += count;
        progress.show(done);
        if length.is_over(started, candidates.len()) {
            break;
        }
    }
    // All footprints before any process ends: pages of a file that two of them map are private to
    // neither.
    for (run, measured) in runs.iter().zip(measurements) {
        if let Some(run) = run {
            run.record(measured);
        }
    }
    drop(runs);
    kill_descendants();
}

/// One block of a run; `None` without a right answer. A failure ends the run.
fn run_block(
    run: &mut Option<WarmRun>,
    count: u64,
    measured: &mut Measurements,
    length: &RunLength,
) -> Option<Block> {
    match run.as_mut()?.block(count, measured, length) {
        Ok(block) => block,
        Err(error) => {
            measured.count_failure(error);
            if let Some(run) = run.take() {
                run.record(measured);
            }
            None
        }
    }
}

/// Forwards, backwards, forwards, ...
fn order(count: usize, round: u64) -> Vec<usize> {
    match round % 2 {
        0 => (0..count).collect(),
        _ => (0..count).rev().collect(),
    }
}
