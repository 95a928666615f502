//! `tinderbox measure`: cold starts, warm invocations, memory, system calls and bytes of
//! bootstraps, alternating so that they can be compared.
//!
//! - `candidate`   a bootstrap that is measured
//! - `rounds`      the measurement: the order of candidates, and what is timed
//! - `process`, `server`, `api_session`, `reply_templates`, `wire`: one process and its Runtime API
//! - `footprint`, `system_calls`: memory, page faults and CPU time; system calls
//! - `events`      the events
//! - `sweep`       warm invocations with events of several sizes
//! - `results`     what was measured and what follows from it
//! - `verdict`, `gate`  the comparison in words, and as an exit status
//! - `text_report`, `histogram`, `svg_report`, `svg`, `json_report`: output
//! - `machine`, `progress`, `stop`: the machine, the progress bar, stop signals
//!
//! One thread does everything (another waits for stop signals), by default on one CPU together with
//! what it measures: a function of up to 1,769 MB has one on Lambda, and times scatter when two
//! communicating processes move between CPUs.

mod api_session;
mod candidate;
mod events;
mod footprint;
pub mod gate;
mod histogram;
mod json_report;
mod machine;
mod process;
mod progress;
mod reply_templates;
mod results;
mod rounds;
mod server;
mod stop;
mod svg;
mod svg_report;
mod sweep;
mod system_calls;
mod text_report;
mod verdict;
mod warm_run;
mod wire;

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::exit_status::{DONE, FUNCTION_ERROR, NOTHING_DONE, RATIO_EXCEEDED};
use crate::output::{self, Failure, diagnostic};
use crate::process::kill_descendants;
use crate::sys::{self, resources, trace};
use candidate::Candidate;
use gate::Gate;
use process::ProcessError;
use results::Measurements;
use rounds::RunLength;
use sweep::Size;

/// Defaults: this number, or as many as fit into this time for each candidate.
const COLD_STARTS: u64 = 200;
const INVOCATIONS: u64 = 10_000;
const TIME_MAX: Duration = Duration::from_secs(10);

/// The options of `tinderbox measure`.
pub struct MeasureOptions {
    pub bootstrap: OsString,
    pub comparisons: Vec<OsString>,
    pub baseline: Option<OsString>,
    pub cold_starts: Option<u64>,
    pub invocations: Option<u64>,
    pub event: Option<OsString>,
    pub event_bytes: Option<usize>,
    /// The sizes of the sweep; empty for none.
    pub sizes: Vec<usize>,
    pub expect: Option<OsString>,
    pub accepts_errors: bool,
    pub handler: String,
    pub variables: Vec<(OsString, OsString)>,
    pub memory_mb: u32,
    pub timeout: Duration,
    pub cpu: Cpu,
    pub json: bool,
    pub svg: Option<PathBuf>,
    /// The greatest ratios that are accepted, by the names of their metrics.
    pub max_ratios: Vec<(String, f64)>,
}

/// The CPU for the tool and the bootstraps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cpu {
    /// The one that the tool starts on.
    Current,
    Number(usize),
    /// No pinning.
    Any,
}

/// Everything that was measured, and under which conditions.
pub struct Report {
    /// The first one is compared with all others; the baseline is the last.
    pub candidates: Vec<Candidate>,
    pub measurements: Vec<Measurements>,
    pub baseline: Option<usize>,
    pub sizes: Vec<Size>,
    pub gates: Vec<Gate>,
    pub event_bytes: usize,
    pub cpu: Option<usize>,
    pub machine: machine::Machine,
}

impl Report {
    /// Each candidate with its measurements.
    pub fn rows(&self) -> impl Iterator<Item = (&Candidate, &Measurements)> {
        self.candidates.iter().zip(&self.measurements)
    }

    /// The pairs of the ratios: the first candidate and each other, and each other and the
    /// baseline.
    pub fn pairs(&self) -> Vec<(usize, usize)> {
        let count = self.candidates.len();
        let mut pairs: Vec<_> = (1..count).map(|other| (0, other)).collect();
        if let Some(baseline) = self.baseline {
            pairs.extend((1..baseline).map(|one| (one, baseline)));
        }
        pairs
    }
}

/// Measures and prints the report; status 1 if a bootstrap failed or answered wrongly, 3 if a ratio
/// is greater than `--max-ratio`.
pub fn measure(options: MeasureOptions) -> Result<i32, Failure> {
    let config = events::config(&options)?;
    let mut candidates = vec![Candidate::find(&options.bootstrap, &options)?];
    for comparison in &options.comparisons {
        candidates.push(Candidate::find(comparison, &options)?);
    }
    let baseline = match find_baseline(&options) {
        Some(path) => {
            candidates.push(Candidate::find(&path, &options)?);
            Some(candidates.len() - 1)
        }
        None => None,
    };
    disambiguate_names(&mut candidates);
    gate::check(&options.max_ratios, candidates.len())?;
    let sigchld = trace::sigchld_fd().map_err(|error| os_error("create a signalfd", error))?;
    sys::become_subreaper().map_err(|error| os_error("become the subreaper", error))?;
    stop::exit_on_signal().map_err(|error| os_error("wait for stop signals", error))?;
    let cpu = choose_cpu(options.cpu)?;

    for candidate in &candidates {
        if let Err(error) = rounds::smoke_test(candidate, &config) {
            kill_descendants();
            let (text, status) = match error {
                ProcessError::CannotStart(text) => (text, NOTHING_DONE),
                ProcessError::Failed(text) => {
                    (format!("{}: {text}", candidate.label()), FUNCTION_ERROR)
                }
            };
            diagnostic(&text);
            return Ok(status);
        }
    }
    let mut measurements: Vec<Measurements> = Vec::new();
    for candidate in &candidates {
        measurements.push(rounds::measure_footprint(candidate, &config));
    }
    let cold_starts = run_length(options.cold_starts, COLD_STARTS);
    rounds::cold(&candidates, &mut measurements, &config, &cold_starts);
    let invocations = run_length(options.invocations, INVOCATIONS);
    rounds::warm(&candidates, &mut measurements, &config, &invocations);
    for (candidate, measured) in candidates.iter().zip(measurements.iter_mut()) {
        measured.system_calls = Some(system_calls::count(candidate, &config, &sigchld));
    }
    let sizes = sweep::measure(&candidates, &options)?;
    let mut report = Report {
        candidates,
        measurements,
        baseline,
        sizes,
        gates: Vec::new(),
        event_bytes: config.event.len(),
        cpu,
        machine: machine::Machine::read(),
    };
    report.gates = gate::apply(&options.max_ratios, &report);
    print_report(&report, &options)
}

/// Writes the report to stdout and the picture; failures and wrong answers go to stderr.
fn print_report(report: &Report, options: &MeasureOptions) -> Result<i32, Failure> {
    stop::park_if_stopping();
    let text = match options.json {
        true => json_report::write(report),
        false => text_report::write(report),
    };
    output::write_stdout(text.as_bytes())?;
    if let Some(file) = &options.svg {
        fs::write(file, svg_report::write(report)).map_err(|error| {
            Failure::caused(format!("cannot write '{}'", file.display()), error)
        })?;
    }
    let mut status = DONE;
    for gate in report.gates.iter().filter(|gate| !gate.is_passed()) {
        diagnostic(&gate.text());
        status = RATIO_EXCEEDED;
    }
    let swept = report.sizes.iter();
    let swept = swept.flat_map(|size| report.candidates.iter().zip(&size.measurements));
    for (candidate, measured) in report.rows().chain(swept) {
        for fault in measured.faults() {
            diagnostic(&format!("{}: {fault}", candidate.label()));
            status = FUNCTION_ERROR;
        }
    }
    Ok(status)
}

/// `--baseline`, or `baseline` or `baseline/bootstrap` in the tool's own folder.
fn find_baseline(options: &MeasureOptions) -> Option<OsString> {
    if options.baseline.is_some() {
        return options.baseline.clone();
    }
    let tool = std::env::current_exe().ok()?;
    let mut file = tool.parent()?.join("baseline");
    if file.is_dir() {
        file.push("bootstrap");
    }
    file.is_file().then(|| file.into_os_string())
}

/// Numbers candidates of the same name.
fn disambiguate_names(candidates: &mut [Candidate]) {
    for index in 1..candidates.len() {
        let (before, rest) = candidates.split_at_mut(index);
        let name = rest[0].name.clone();
        let mut number = 2;
        while before.iter().any(|other| other.name == rest[0].name) {
            rest[0].name = format!("{name} {number}");
            number += 1;
        }
    }
}

fn choose_cpu(cpu: Cpu) -> Result<Option<usize>, Failure> {
    let chosen = match cpu {
        Cpu::Any => None,
        Cpu::Current => resources::current_cpu(),
        Cpu::Number(number) => Some(number),
    };
    if let Some(number) = chosen {
        resources::pin_to_cpu(number).map_err(|error| {
            Failure::new(format!(
                "cannot pin to CPU {number}: {error}; choose another with --pin-cpu N, or none \
                 with --pin-cpu any"
            ))
        })?;
    }
    Ok(chosen)
}

fn run_length(option: Option<u64>, default: u64) -> RunLength {
    RunLength {
        count: option.unwrap_or(default),
        time_max: option.is_none().then_some(TIME_MAX),
    }
}

fn os_error(operation: &str, error: std::io::Error) -> Failure {
    Failure::caused(format!("cannot {operation}"), error)
}
