//! What was measured of one candidate, and what follows from it.

use std::time::Duration;

use super::footprint::Footprint;
use super::statistics::{Ratio, Sample};

/// Of one candidate. A round in which it failed is `None`, so that rounds stay pairs.
#[derive(Default)]
pub struct Figures {
    pub starts: Vec<Option<Start>>,
    pub start_footprints: Vec<Footprint>,
    /// Connections that one start opened, one after another.
    pub connections_a_start: u64,
    pub blocks: Vec<Option<Block>>,
    pub latencies_us: Vec<f64>,
    pub warm: Option<Warm>,
    pub calls: Option<Result<Calls, String>>,
    /// Right answers and wrong ones, of starts and of warm invocations.
    pub right: u64,
    pub wrong: u64,
    pub first_fault: Option<String>,
    /// Processes that failed, and why the first and the last did.
    pub failures: Vec<String>,
}

/// One cold start, us from just before the process is made.
#[derive(Clone, Copy)]
pub struct Start {
    /// To a complete `GET` of the next event.
    pub next_us: f64,
    /// To a complete response to the first event.
    pub response_us: f64,
}

/// Warm invocations one after another, before the others' turn.
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

/// System calls, of all processes of the function.
pub struct Calls {
    /// Up to the one with which `GET` was out, itself included.
    pub before_next: f64,
    /// From one answer to the next; `None` when fewer than two events were answered.
    pub an_invocation: Option<f64>,
}

/// Which time a ratio is of.
#[derive(Clone, Copy)]
pub enum Time {
    Next,
    Response,
    WarmMedian,
    WarmMean,
}

impl Time {
    /// All, in the order in which they are told.
    pub const ALL: [Time; 4] = [Time::Next, Time::Response, Time::WarmMedian, Time::WarmMean];
}

impl Figures {
    /// Sorted times of the starts that went well.
    pub fn start_sample(&self, of: impl Fn(&Start) -> f64) -> Sample {
        Sample::new(self.starts.iter().flatten().map(of).collect())
    }

    /// The median of something of all starts' footprints.
    pub fn footprint(&self, of: impl Fn(&Footprint) -> u64) -> Option<f64> {
        let numbers = self
            .start_footprints
            .iter()
            .map(|footprint| of(footprint) as f64);
        Sample::new(numbers.collect()).median()
    }

    /// A wrong or a right answer.
    pub fn count(&mut self, fault: Option<String>) {
        match fault {
            None => self.right += 1,
            Some(fault) => {
                self.wrong += 1;
                self.first_fault.get_or_insert(fault);
            }
        }
    }

    /// Invocations in a second, one after another.
    pub fn per_second(&self) -> Option<f64> {
        let warm = self.warm.as_ref()?;
        Some(warm.invocations as f64 / warm.elapsed.as_secs_f64())
    }

    /// What a warm invocation takes of a processor, us.
    pub fn cpu_us(&self) -> Option<f64> {
        let warm = self.warm.as_ref()?;
        Some(warm.cpu?.as_secs_f64() * 1e6 / warm.invocations as f64)
    }

    /// Its time in one round.
    fn time(&self, time: Time, round: usize) -> Option<f64> {
        let start = || self.starts.get(round).copied().flatten();
        let block = || self.blocks.get(round).copied().flatten();
        match time {
            Time::Next => Some(start()?.next_us),
            Time::Response => Some(start()?.response_us),
            Time::WarmMedian => Some(block()?.median_us),
            Time::WarmMean => Some(block()?.mean_us),
        }
    }

    fn rounds(&self, time: Time) -> usize {
        match time {
            Time::Next | Time::Response => self.starts.len(),
            Time::WarmMedian | Time::WarmMean => self.blocks.len(),
        }
    }

    /// Round by round, its time by the other's.
    pub fn ratio(&self, other: &Figures, time: Time) -> Option<Ratio> {
        let rounds = 0..self.rounds(time);
        Ratio::of(
            rounds.filter_map(|round| Some((self.time(time, round)?, other.time(time, round)?))),
        )
    }

    /// Its time in one round by that in the next: what the ratio of two that do not differ looks
    /// like on this machine, now. In one round it comes behind itself, in the next behind another,
    /// which may matter; as with two candidates, which is on top changes from pair to pair.
    pub fn noise(&self, time: Time) -> Option<Ratio> {
        let rounds = (0..self.rounds(time)).step_by(2);
        Ratio::of(rounds.filter_map(|round| {
            let (one, other) = (self.time(time, round)?, self.time(time, round + 1)?);
            Some(match round % 4 {
                0 => (one, other),
                _ => (other, one),
            })
        }))
    }
}
