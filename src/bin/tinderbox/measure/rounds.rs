//! The measuring itself: cold starts, then warm invocations, then system calls, in turn.
//!
//! In every other round the candidates come in reverse: A B, B A, A B, ... So none is always the
//! one that comes behind another, and what drifts drifts for all.

use std::time::{Duration, Instant};

use super::candidate::Candidate;
use super::figures::{Block, Figures, Start, Warm};
use super::footprint;
use super::process::{Process, Trouble, Work, last_said};
use super::progress::Progress;
use super::statistics::Sample;
use crate::local::process::kill_strays;
use crate::sys::meter;

/// Events that a candidate is tried with before it is measured.
const TRIAL_EVENTS: u32 = 3;

/// Starts after which memory and faults are looked at.
const WEIGHINGS: u32 = 5;

/// A candidate that has failed so often is left out from there on.
const FAILURES_MAX: usize = 5;

/// Rounds of warm invocations.
const BLOCKS: u64 = 20;

/// How many rounds, and for how long.
pub struct Extent {
    pub rounds: u64,
    /// For each candidate; a limit only where the number is the tool's own choice.
    pub time: Option<Duration>,
}

/// Tries a candidate: one start, a few events, nothing counted. What is wrong is said in words.
pub fn try_out(candidate: &Candidate, work: &Work) -> Result<(), Trouble> {
    let output = meter::memory_file().map_err(|error| Trouble::Refused(error.to_string()))?;
    let said = |trouble| match trouble {
        Trouble::Failed(text) => Trouble::Failed(text + &last_said(&output)),
        refused => refused,
    };
    let mut process = Process::start(candidate, work, Some(&output), false)?;
    let mut fault = None;
    for _ in 0..TRIAL_EVENTS {
        let answer = process.invoke().map_err(said)?.answer;
        match answer.fault {
            Some(text) => fault = Some(text),
            None => fault = None,
        }
        if fault.is_none() {
            break;
        }
    }
    process.stop();
    kill_strays();
    match fault {
        None => Ok(()),
        Some(fault) => Err(said(Trouble::Failed(format!(
            "{fault}, {TRIAL_EVENTS} times of {TRIAL_EVENTS}"
        )))),
    }
}

/// Starts a candidate a few times and looks at what it uses once it has answered. Apart from the
/// starts that are timed: looking at all of `/proc` takes so much of the processor's caches that
/// the next start was seen to take 1.4 times as long.
pub fn weigh(candidate: &Candidate, figures: &mut Figures, work: &Work) {
    for _ in 0..WEIGHINGS {
        let weighed = Process::start(candidate, work, None, false).and_then(|mut process| {
            process.invoke()?;
            Ok(footprint::take(process.pid))
        });
        match weighed {
            Ok(footprint) => figures.start_footprints.extend(footprint),
            Err(trouble) => figures.fail(trouble),
        }
        kill_strays();
    }
}

/// Starts each candidate again and again.
pub fn cold(candidates: &[Candidate], figures: &mut [Figures], work: &Work, extent: &Extent) {
    let mut progress = Progress::new("cold starts", extent.rounds);
    let begun = Instant::now();
    for round in 0..extent.rounds {
        for index in order(candidates.len(), round) {
            let figures = &mut figures[index];
            if figures.failures.len() >= FAILURES_MAX {
                figures.starts.push(None);
                continue;
            }
            match start_once(&candidates[index], figures, work) {
                Ok(start) => figures.starts.push(start),
                Err(trouble) => {
                    figures.starts.push(None);
                    figures.fail(trouble);
                }
            }
            kill_strays();
        }
        progress.show(round + 1);
        if is_over(extent, begun, candidates.len()) {
            break;
        }
    }
}

/// One start with one event; `None` when the answer is wrong.
fn start_once(
    candidate: &Candidate,
    figures: &mut Figures,
    work: &Work,
) -> Result<Option<Start>, Trouble> {
    let mut process = Process::start(candidate, work, None, false)?;
    let answer = process.invoke()?.answer;
    let desk = &process.server.desk;
    let since_start = |at: Instant| at.duration_since(process.started).as_secs_f64() * 1e6;
    let start = Start {
        next_us: since_start(desk.first_next.unwrap_or(answer.at)),
        response_us: since_start(answer.at),
    };
    figures.connections_a_start = answer.connections;
    let is_right = answer.fault.is_none();
    figures.count(answer.fault);
    process.stop();
    Ok(is_right.then_some(start))
}

/// One process each, which live side by side and take turns.
pub fn warm(candidates: &[Candidate], figures: &mut [Figures], work: &Work, extent: &Extent) {
    let block = extent.rounds.div_ceil(BLOCKS).max(1);
    let rounds = extent.rounds.div_ceil(block);
    let mut progress = Progress::new("warm invocations", extent.rounds);
    let mut runs: Vec<Option<Run>> = Vec::new();
    for (candidate, figures) in candidates.iter().zip(figures.iter_mut()) {
        let is_out = figures.failures.len() >= FAILURES_MAX;
        let warm_up = (extent.rounds / 10).clamp(1, 500);
        let run = if is_out {
            None
        } else {
            Run::begin(candidate, figures, work, warm_up, extent)
        };
        runs.push(run);
    }
    let begun = Instant::now();
    let mut done = 0;
    for round in 0..rounds {
        let count = block.min(extent.rounds - done);
        for index in order(candidates.len(), round) {
            let figures = &mut figures[index];
            let measured = runs[index]
                .as_mut()
                .map(|run| run.block(count, figures, extent));
            match measured {
                Some(Ok(block)) => figures.blocks.push(block),
                Some(Err(trouble)) => {
                    figures.blocks.push(None);
                    figures.fail(trouble);
                    if let Some(run) = runs[index].take() {
                        run.tell(figures);
                    }
                }
                None => figures.blocks.push(None),
            }
        }
        done += count;
        progress.show(done);
        if is_over(extent, begun, candidates.len()) {
            break;
        }
    }
    // All before any ends: pages of a file that two have in common are private to neither.
    for (run, figures) in runs.iter().zip(figures) {
        if let Some(run) = run {
            run.tell(figures);
        }
    }
    drop(runs);
    kill_strays();
}

/// A process that is warm.
struct Run<'a> {
    process: Process<'a>,
    cpu_before: Option<Duration>,
    invocations: u64,
    elapsed: Duration,
}

impl<'a> Run<'a> {
    fn begin(
        candidate: &Candidate,
        figures: &mut Figures,
        work: &'a Work,
        warm_up: u64,
        extent: &Extent,
    ) -> Option<Run<'a>> {
        let begun = Instant::now();
        let begin = || {
            let mut process = Process::start(candidate, work, None, false)?;
            for _ in 0..warm_up {
                process.invoke()?;
                if extent
                    .block_time()
                    .is_some_and(|time| begun.elapsed() > time)
                {
                    break;
                }
            }
            process.wait_for_next()?;
            Ok(process)
        };
        match begin() {
            Ok(process) => Some(Run {
                cpu_before: footprint::take(process.pid).map(|footprint| footprint.cpu),
                process,
                invocations: 0,
                elapsed: Duration::ZERO,
            }),
            Err(trouble) => {
                figures.fail(trouble);
                None
            }
        }
    }

    /// So many invocations, or as many as there is time for; `None` when none was answered right.
    fn block(
        &mut self,
        count: u64,
        figures: &mut Figures,
        extent: &Extent,
    ) -> Result<Option<Block>, Trouble> {
        let before = figures.latencies_us.len();
        let begun = Instant::now();
        let mut result = Ok(());
        let mut done = 0;
        while done < count && result.is_ok() {
            match self.process.invoke() {
                Ok(invocation) => {
                    done += 1;
                    let latency = invocation.answer.at.duration_since(invocation.sent);
                    if invocation.answer.fault.is_none() {
                        figures.latencies_us.push(latency.as_secs_f64() * 1e6);
                    }
                    figures.count(invocation.answer.fault);
                }
                Err(trouble) => result = Err(trouble),
            }
            if extent
                .block_time()
                .is_some_and(|time| begun.elapsed() > time)
            {
                break;
            }
        }
        // The next request is a part of the work.
        let result = result.and_then(|()| self.process.wait_for_next());
        let elapsed = begun.elapsed();
        self.invocations += done;
        self.elapsed += elapsed;
        result?;
        let sample = Sample::new(figures.latencies_us[before..].to_vec());
        Ok(sample.median().map(|median_us| Block {
            median_us,
            mean_us: elapsed.as_secs_f64() * 1e6 / done as f64,
        }))
    }

    /// What has come of it so far.
    fn tell(&self, figures: &mut Figures) {
        let footprint = footprint::take(self.process.pid);
        let cpu = footprint.map(|footprint| footprint.cpu);
        let cpu = cpu.and_then(|cpu| Some(cpu.saturating_sub(self.cpu_before?)));
        figures.warm = (self.invocations > 0).then_some(Warm {
            invocations: self.invocations,
            elapsed: self.elapsed,
            cpu,
            footprint,
        });
    }
}

impl Extent {
    /// What a block may take.
    fn block_time(&self) -> Option<Duration> {
        Some(self.time? / BLOCKS as u32)
    }
}

impl Figures {
    fn fail(&mut self, trouble: Trouble) {
        let (Trouble::Refused(text) | Trouble::Failed(text)) = trouble;
        self.failures.push(text);
    }
}

/// Forwards, backwards, forwards, ...
fn order(count: usize, round: u64) -> Vec<usize> {
    match round % 2 {
        0 => (0..count).collect(),
        _ => (0..count).rev().collect(),
    }
}

fn is_over(extent: &Extent, begun: Instant, candidates: usize) -> bool {
    let limit = extent.time.map(|time| time * candidates as u32);
    limit.is_some_and(|limit| begun.elapsed() > limit)
}
