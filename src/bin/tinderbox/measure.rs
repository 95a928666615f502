//! `tinderbox measure`: cold starts, warm invocations, memory, system calls and bytes of any
//! bootstrap, against any other, in turn.
//!
//! - `candidate`   who is measured
//! - `rounds`      the measuring: who comes when, and what is timed
//! - `process`, `server`, `desk`, `packet`, `wire`: one process with a Runtime API of its own
//! - `footprint`, `calls`: memory, faults, processors; system calls
//! - `figures`, `statistics`: what follows from it
//! - `table`, `histogram`, `picture`, `object`: how it is told: text, SVG, JSON
//!
//! One thread does everything (another waits for stop signals), on one processor together with what
//! it measures unless told otherwise: a function of up to 1,769 MB has one on Lambda, and a pair of
//! processes that is moved between two gives times that scatter.

mod calls;
mod candidate;
mod desk;
mod figures;
mod footprint;
mod histogram;
mod machine;
mod object;
mod packet;
mod picture;
mod process;
mod progress;
mod rounds;
mod server;
mod statistics;
mod svg;
mod table;
mod wire;

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::local::process::kill_strays;
use crate::message::{self, Failure, say};
use crate::sys::{self, StopSignals, meter, trace};
use crate::{EXIT_FUNCTION_ERROR, EXIT_NOTHING_DONE, event};
use candidate::Candidate;
use desk::Judge;
use figures::Figures;
use process::{Trouble, Work};
use rounds::Extent;

/// When nobody says how often: so often, or for so long, whichever comes first.
const STARTS: u64 = 200;
const INVOCATIONS: u64 = 10_000;
const TIME: Duration = Duration::from_secs(10);

/// A stop signal has come: the thread that has it kills all there is and ends the process.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// What `tinderbox measure` was asked for.
pub struct MeasureOptions {
    pub bootstrap: OsString,
    pub rivals: Vec<OsString>,
    pub floor: Option<OsString>,
    pub starts: Option<u64>,
    pub invocations: Option<u64>,
    pub event: Option<OsString>,
    pub event_bytes: Option<usize>,
    pub expect: Option<OsString>,
    pub accepts_errors: bool,
    pub handler: String,
    pub variables: Vec<(OsString, OsString)>,
    pub memory_mb: u32,
    pub timeout: Duration,
    pub cpu: Cpu,
    pub json: bool,
    pub svg: Option<PathBuf>,
}

/// Where tool and bootstraps run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cpu {
    /// All on the one that the tool is on when it begins.
    Here,
    /// All on this one.
    This(usize),
    /// Wherever the system puts them.
    Any,
}

/// Everything that was measured, and how.
pub struct Report {
    /// The first is the one in question; the floor is the last.
    pub candidates: Vec<Candidate>,
    pub figures: Vec<Figures>,
    pub floor: Option<usize>,
    pub event_bytes: usize,
    pub cpu: Option<usize>,
    pub machine: machine::Machine,
}

/// Measures and tells; 1 when a bootstrap did not do what it should.
pub fn measure(options: MeasureOptions) -> Result<i32, Failure> {
    let work = work(&options)?;
    let mut candidates = vec![Candidate::find(&options.bootstrap, &options)?];
    for rival in &options.rivals {
        candidates.push(Candidate::find(rival, &options)?);
    }
    let floor = match floor(&options) {
        Some(path) => {
            candidates.push(Candidate::find(&path, &options)?);
            Some(candidates.len() - 1)
        }
        None => None,
    };
    tell_apart(&mut candidates);
    let stops = trace::stops_file().map_err(unusual)?;
    let signals = StopSignals::block().map_err(unusual)?;
    sys::become_subreaper().map_err(unusual)?;
    thread::spawn(move || {
        let signal = signals.wait();
        STOPPED.store(true, Ordering::SeqCst);
        kill_strays();
        std::process::exit(128 + signal)
    });
    let cpu = choose_cpu(options.cpu)?;

    for candidate in &candidates {
        if let Err(trouble) = rounds::try_out(candidate, &work) {
            let (text, code) = match trouble {
                Trouble::Refused(text) => (text, EXIT_NOTHING_DONE),
                Trouble::Failed(text) => (
                    format!("{}: it {text}", candidate.shown()),
                    EXIT_FUNCTION_ERROR,
                ),
            };
            kill_strays();
            say(&text);
            return Ok(code);
        }
    }
    let mut figures: Vec<Figures> = candidates.iter().map(|_| Figures::default()).collect();
    for (candidate, figures) in candidates.iter().zip(figures.iter_mut()) {
        rounds::weigh(candidate, figures, &work);
    }
    let starts = extent(options.starts, STARTS);
    rounds::cold(&candidates, &mut figures, &work, &starts);
    let invocations = extent(options.invocations, INVOCATIONS);
    rounds::warm(&candidates, &mut figures, &work, &invocations);
    for (candidate, figures) in candidates.iter().zip(figures.iter_mut()) {
        figures.calls = Some(calls::count(candidate, &work, &stops));
    }
    let report = Report {
        candidates,
        figures,
        floor,
        event_bytes: work.event.len(),
        cpu,
        machine: machine::look(),
    };
    tell(&report, &options)
}

/// Starts nothing, and says nothing of processes that were killed, once it is told to stop.
fn hold_if_stopped() {
    while STOPPED.load(Ordering::SeqCst) {
        thread::park();
    }
}

/// The report to stdout and into the picture; what went wrong to stderr.
fn tell(report: &Report, options: &MeasureOptions) -> Result<i32, Failure> {
    hold_if_stopped();
    match options.json {
        true => message::print(object::write(report).as_bytes())?,
        false => message::print(table::write(report).as_bytes())?,
    }
    if let Some(file) = &options.svg {
        fs::write(file, picture::write(report)).map_err(|error| {
            let name = file.display();
            Failure::new(format!("the picture '{name}' cannot be written: {error}"))
        })?;
    }
    let mut code = 0;
    for (candidate, figures) in report.candidates.iter().zip(&report.figures) {
        for fault in faults(figures) {
            say(&format!("{}: it {fault}", candidate.shown()));
            code = EXIT_FUNCTION_ERROR;
        }
    }
    Ok(code)
}

/// What a candidate did wrong, in a few lines.
pub fn faults(figures: &Figures) -> Vec<String> {
    let mut faults = Vec::new();
    if let Some(first) = &figures.first_fault {
        let (wrong, all) = (figures.wrong, figures.wrong + figures.right);
        faults.push(format!(
            "answered {wrong} of {all} events wrongly; the first time it {first}"
        ));
    }
    if let Some(first) = figures.failures.first() {
        let more = match figures.failures.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more processes failed)"),
        };
        faults.push(format!("{first}{more}"));
    }
    faults
}

fn work(options: &MeasureOptions) -> Result<Work, Failure> {
    let event = match (&options.event, options.event_bytes) {
        (Some(argument), _) => event::resolve(argument)?,
        (None, bytes) => filler(bytes.unwrap_or(64)),
    };
    event::check(&event)
        .map_err(|fault| Failure::new(format!("the event is not JSON: {fault}")))?;
    let expected = match &options.expect {
        None => None,
        Some(word) if word == "echo" => Some(event.clone()),
        Some(argument) => Some(event::resolve(argument)?),
    };
    Ok(Work {
        judge: Judge {
            expected,
            accepts_errors: options.accepts_errors,
        },
        event,
        timeout: options.timeout,
        null: File::options()
            .read(true)
            .write(true)
            .open("/dev/null")
            .map_err(unusual)?,
    })
}

/// JSON of exactly so many bytes.
fn filler(bytes: usize) -> Vec<u8> {
    const AROUND: usize = "{\"k\":\"\"}".len();
    match bytes {
        0 | 1 => b"1".to_vec(),
        2..AROUND => format!("\"{}\"", "a".repeat(bytes - 2)).into_bytes(),
        _ => format!("{{\"k\":\"{}\"}}", "a".repeat(bytes - AROUND)).into_bytes(),
    }
}

/// `--floor`, or what lies beside the tool under that name.
fn floor(options: &MeasureOptions) -> Option<OsString> {
    if options.floor.is_some() {
        return options.floor.clone();
    }
    let tool = std::env::current_exe().ok()?;
    let beside = tool.parent()?.join("floor");
    let file = if beside.is_dir() {
        beside.join("bootstrap")
    } else {
        beside.clone()
    };
    file.is_file().then(|| file.into_os_string())
}

/// Two of one name are numbered.
fn tell_apart(candidates: &mut [Candidate]) {
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
        Cpu::Here => meter::this_cpu(),
        Cpu::This(number) => Some(number),
    };
    if let Some(number) = chosen {
        meter::pin(number).map_err(|error| {
            Failure::new(format!(
                "--cpu {number}: there is no such processor for us: {error}"
            ))
        })?;
    }
    Ok(chosen)
}

fn extent(asked: Option<u64>, otherwise: u64) -> Extent {
    Extent {
        rounds: asked.unwrap_or(otherwise),
        time: asked.is_none().then_some(TIME),
    }
}

fn unusual(error: std::io::Error) -> Failure {
    Failure::new(format!("the system refuses: {error}"))
}
