//! A process that handles warm invocations, block by block.

use std::time::{Duration, Instant};

use super::candidate::Candidate;
use super::footprint::Footprint;
use super::process::{Config, Process, ProcessError};
use super::results::{Block, Measurements, Warm};
use super::rounds::RunLength;
use crate::statistics::Sample;
use crate::sys::launch::Tracing;

/// A warm process and what it has done.
pub struct WarmRun<'a> {
    process: Process<'a>,
    cpu_before: Option<Duration>,
    invocations: u64,
    elapsed: Duration,
}

impl<'a> WarmRun<'a> {
    /// Starts a process and sends it `warm_up` events, or as many as fit into a block's time.
    pub fn start(
        candidate: &Candidate,
        config: &'a Config,
        warm_up: u64,
        length: &RunLength,
    ) -> Result<WarmRun<'a>, ProcessError> {
        let started = Instant::now();
        let mut process = Process::start(candidate, config, None, Tracing::Off)?;
        for _ in 0..warm_up {
            process.invoke()?;
            if is_block_over(started, length) {
                break;
            }
        }
        process.wait_for_next()?;
        Ok(WarmRun {
            cpu_before: Footprint::read(process.pid).map(|footprint| footprint.cpu),
            process,
            invocations: 0,
            elapsed: Duration::ZERO,
        })
    }

    /// Makes `count` invocations, or as many as fit into a block's time; `None` without a right
    /// answer.
    pub fn block(
        &mut self,
        count: u64,
        measured: &mut Measurements,
        length: &RunLength,
    ) -> Result<Option<Block>, ProcessError> {
        let before = measured.latencies_us.len();
        let started = Instant::now();
        let mut result = Ok(());
        let mut done = 0;
        while done < count && result.is_ok() {
            match self.process.invoke() {
                Ok(invocation) => {
                    done += 1;
                    let latency = invocation.answer.at.duration_since(invocation.sent);
                    if invocation.answer.fault.is_none() {
                        measured.latencies_us.push(latency.as_secs_f64() * 1e6);
                    }
                    measured.count_answer(invocation.answer.fault);
                }
                Err(error) => result = Err(error),
            }
            if is_block_over(started, length) {
                break;
            }
        }
        // The next request belongs to the last invocation.
        let result = result.and_then(|()| self.process.wait_for_next());
        let elapsed = started.elapsed();
        self.invocations += done;
        self.elapsed += elapsed;
        result?;
        let sample = Sample::new(measured.latencies_us[before..].to_vec());
        Ok(sample.median().map(|median_us| Block {
            median_us,
            mean_us: elapsed.as_secs_f64() * 1e6 / done as f64,
        }))
    }

    /// Records the totals so far.
    pub fn record(&self, measured: &mut Measurements) {
        let footprint = Footprint::read(self.process.pid);
        let cpu = footprint.map(|footprint| footprint.cpu);
        let cpu = cpu.and_then(|cpu| Some(cpu.saturating_sub(self.cpu_before?)));
        measured.warm = (self.invocations > 0).then_some(Warm {
            invocations: self.invocations,
            elapsed: self.elapsed,
            cpu,
            footprint,
        });
    }
}

fn is_block_over(started: Instant, length: &RunLength) -> bool {
    let time_max = length.block_time_max();
    time_max.is_some_and(|time| started.elapsed() > time)
}
